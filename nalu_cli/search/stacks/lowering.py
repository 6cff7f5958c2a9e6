"""A trained stack as a circuit."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from nalu_cli.circuit import Circuit, Layer, Term, Unit, UnitKind, exponent_of
from nalu_cli.search.stacks.batch import Batch, Columns, nearest_of_parity
from nalu_cli.search.stacks.projection import inner_sums, products, signs_of
from nalu_cli.search.stacks.training import Goal, train

__all__ = ["circuit_of_stack", "with_whole_signs"]

Floats = NDArray[np.float64]

NEARLY_NOTHING = 0.05
"""Largest exponent that is set to 0 where its column is 0 on some row. *Guess:* no law has such a
small power of such a column."""

NOTHING = 1e-9
"""Largest exponent that counts as 0. *Derived:* x**1e-9 is 1 to eight digits while x lies between
1e-4 and 1e4."""

STEPS = 10
"""Number of training steps after exponents of columns with both signs were made whole. *Guess:* the
other weights have little way to go."""


def with_whole_signs(one: Batch, columns: Columns, goal: Goal, stop: Callable[[], bool]) -> Batch:
    """Whole exponents, even or odd, where a base changes its sign; the rest is trained again.

    Exponents of nearly 0 become 0 where a base is 0 on some row, since its logarithm there is not
    that of a power.
    """
    whole = one.free & columns.signed
    exponents = np.where(whole, nearest_of_parity(one.exponents, one.odd), one.exponents)
    nothing = one.free & columns.zero & (np.abs(exponents) <= NEARLY_NOTHING)
    exponents, whole = np.where(nothing, 0.0, exponents), whole | nothing
    negative = _changes_sign(one, columns)
    powers = np.where(negative, nearest_of_parity(one.powers, one.odd_powers), one.powers)
    if np.array_equal(exponents, one.exponents) and np.array_equal(powers, one.powers):
        return one
    whole_powers = one.take(np.arange(len(one)))
    whole_powers.exponents, whole_powers.free = exponents, one.free & ~whole
    whole_powers.powers, whole_powers.free_powers = powers, one.free_powers & ~negative
    return train(whole_powers, columns, goal, steps=STEPS, stop=stop)


def _changes_sign(one: Batch, columns: Columns) -> NDArray[np.bool_]:
    """Whether each inner sum is negative on some row: (R, inner sums)."""
    if not one.shape.inner:
        return np.zeros(one.powers.shape, dtype=bool)
    return np.asarray(
        (inner_sums(one, products(one, columns, signs_of(one, columns))) < 0).any(axis=1)
    )


def circuit_of_stack(batch: Batch, columns: Columns, power: float) -> Circuit:
    """The circuit of the first stack of a batch.

    Parameters
    ----------
    batch : Batch
    columns : Columns
        What it was trained on.
    power : float
        Of the table's target that it computes.

    Raises
    ------
    ValueError
        If a number is beyond what a circuit holds.
    """
    exponents, n = batch.exponents[0], batch.exponents.shape[2]
    back = np.exp(-exponents @ np.log(columns.typical))
    outer = batch.shape.outer
    weights = np.concatenate([batch.outer_weights[0], batch.inner_weights[0]]) * back
    layers: list[Layer] = []
    if batch.shape.inner:
        _hand_up(batch, weights)
        layers += _inner_layers(batch, exponents[outer:], weights[outer:], n)
    layers += _outer_layers(batch, exponents[:outer], weights[:outer])
    if power != 1:
        layers.append((Unit(UnitKind.PRODUCT, (Term(0, exponent_of(1 / power)),), 1.0),))
    return Circuit(n, tuple(layers))


def _hand_up(batch: Batch, weights: Floats) -> None:
    """Divide each inner sum without a constant by its first weight, which its readers get."""
    outer, at = batch.shape.outer, batch.shape.outer
    for t, terms in enumerate(batch.shape.inner):
        first = abs(weights[at])
        if batch.constants[0, t] == 0 and first > 0:
            weights[at : at + terms] /= first
            weights[:outer] *= first ** (batch.powers[0, t] * batch.reads[0, :, t])
        at += terms


def _inner_layers(batch: Batch, exponents: Floats, weights: Floats, n: int) -> list[Layer]:
    width = len(exponents)
    below = tuple(Unit(UnitKind.PRODUCT, _powers(row, 0), 1.0) for row in exponents)
    sums, at = [], 0
    for terms, constant in zip(batch.shape.inner, batch.constants[0], strict=True):
        inside = range(at, at + terms)
        summands = tuple(_term(k, weights[k]) for k in inside)
        sums.append(Unit(UnitKind.SUM, summands, float(constant)))
        at += terms
    assert at == width
    return [below, tuple(sums)]


def _outer_layers(batch: Batch, exponents: Floats, weights: Floats) -> list[Layer]:
    sums = len(batch.shape.inner)
    units = []
    for k, row in enumerate(exponents):
        read = [t for t in range(sums) if batch.reads[0, k, t]]
        inner = tuple(
            Term(t, exponent_of(float(batch.powers[0, t])))
            for t in read
            if abs(batch.powers[0, t]) > NOTHING
        )
        units.append(Unit(UnitKind.PRODUCT, (*inner, *_powers(row, sums)), 1.0))
    if len(units) == 1:
        return [(Unit(UnitKind.PRODUCT, units[0].terms, float(weights[0])),)]
    constant = [k for k, unit in enumerate(units) if not unit.terms]
    offset = float(sum(weights[k] for k in constant))
    kept = [k for k in range(len(units)) if k not in constant]
    if not kept:
        raise ValueError("a sum of constants reads no column")
    terms = tuple(_term(i, weights[k]) for i, k in enumerate(kept))
    return [tuple(units[k] for k in kept), (Unit(UnitKind.SUM, terms, offset),)]


def _powers(exponents: Floats, before: int) -> tuple[Term, ...]:
    return tuple(
        Term(before + j, exponent_of(float(e))) for j, e in enumerate(exponents) if abs(e) > NOTHING
    )


def _term(source: int, weight: float) -> Term:
    return Term(source, Fraction(1 if weight > 0 else -1), abs(float(weight)))
