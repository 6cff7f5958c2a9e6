"""Factors moved between the units of a circuit, so that most constants are simple."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from nalu_cli.circuit import Circuit, Term, Unit, UnitKind
from nalu_cli.circuit.constants import valued_term
from nalu_cli.expression.closed_form import name_constant

__all__ = ["balance", "with_offsets_of_one"]

Floats = NDArray[np.float64]

LOOSE = 1e-7
"""*Guess:* constants have this relative precision before they are fitted: enough to see which
ratios are simple."""

UNIT = 1e-13
"""*Guess:* a coefficient that is divided by itself, or by its equal, is 1 again within some hundred
steps of rounding."""

NAMED_COST, CHARACTER_COST, LONG_COST, MINUS_COST = 1.0, 0.2, 6.0, 0.01
"""*Guess:* what a reader has to read for a number: one with a name, and more for each character of
the name; one without; a minus sign decides among equals."""


def with_offsets_of_one(circuit: Circuit) -> Circuit:
    """Divide sums used only inside products by their offsets: ``1 - a / 3`` for ``3 - a``."""
    return _handed_up(circuit, lambda unit, _: (unit.kind is UnitKind.SUM and unit.constant) or 1.0)


def balance(circuit: Circuit) -> Circuit:
    """Move factors out of units into what uses them, so that most constants are simple.

    ``(2 a + 4 b) / (6 c + 6)`` and ``(a + 2 b) / (3 c + 3)`` are the same stack but for a factor
    that each sum can hand to the product above it. The factor is chosen that leaves the simplest
    numbers. The scale of a product used once is a coefficient or the scale of its user.
    """
    return _handed_up(circuit, _simplest_factor)


def _handed_up(circuit: Circuit, factor_of: Callable[[Unit, int], float]) -> Circuit:
    """Each unit divided by a factor that depends on it and on how many use it."""
    for k, layer in enumerate(circuit.layers[:-1]):
        for u in range(len(layer)):
            users = sum(t.source == u for user in circuit.layers[k + 1] for t in user.terms)
            circuit = _hand_up(circuit, k, u, factor_of(circuit.layers[k][u], users))
    return circuit


def _hand_up(circuit: Circuit, k: int, u: int, factor: float) -> Circuit:
    unit = circuit.layers[k][u]
    users = [
        (v, t) for v, user in enumerate(circuit.layers[k + 1]) for t in user.terms if t.source == u
    ]
    if not users:
        return circuit
    positive = all(
        circuit.layers[k + 1][v].kind is UnitKind.SUM or t.weight.denominator == 1 for v, t in users
    )
    factor = factor if positive else abs(factor)
    above = list(circuit.layers[k + 1])
    for v, t in users:
        above[v] = _scaled_user(above[v], t, factor)
    below = list(circuit.layers[k])
    below[u] = _divided(unit, factor)
    layers = list(circuit.layers)
    layers[k], layers[k + 1] = tuple(below), tuple(above)
    return Circuit(circuit.n_columns, tuple(layers))


def _simplest_factor(unit: Unit, users: int) -> float:
    if unit.kind is not UnitKind.SUM:
        # of several users each would take a number of its own
        return unit.constant if users == 1 else 1.0
    coefficients = sorted((float(t.weight) * t.constant for t in unit.terms), key=abs)
    offset = [unit.constant] if unit.constant else []
    values = [*coefficients, *offset]

    def cost(factor: float) -> float:
        return sum(_cost(v / factor) for v in values)

    # the first of equally simple ones: a coefficient of 1 is structure, an offset of 1 a constant
    return min([1.0, *coefficients, *offset], key=cost) if values else 1.0


def _cost(value: float) -> float:
    """How much a reader has to read: 0 for 1, more for longer names, most for a long real."""
    size = abs(value)
    sign = MINUS_COST if value < 0 else 0.0
    if abs(size - 1) < LOOSE:
        return sign
    named = name_constant(size, tolerance=LOOSE)
    if named is None:
        return sign + LONG_COST
    return sign + (NAMED_COST + CHARACTER_COST * len(named.text))


def _scaled_user(user: Unit, term: Term, factor: float) -> Unit:
    if user.kind is not UnitKind.SUM:
        size = abs(factor) ** float(term.weight)
        odd = term.weight.denominator == 1 and term.weight.numerator % 2 == 1
        sign = -1.0 if factor < 0 and odd and user.kind is UnitKind.PRODUCT else 1.0
        return Unit(user.kind, user.terms, user.constant * sign * size)
    value = float(term.weight) * term.constant * factor
    changed = valued_term(user.kind, term.source, value)
    terms = tuple(changed if t.source == term.source else t for t in user.terms)
    return Unit(user.kind, terms, user.constant)


def _divided(unit: Unit, factor: float) -> Unit:
    if unit.kind is not UnitKind.SUM:
        return Unit(unit.kind, unit.terms, unit.constant / factor)
    terms = tuple(
        valued_term(unit.kind, t.source, float(t.weight) * t.constant / factor) for t in unit.terms
    )
    terms = tuple(replace(t, constant=1.0) if abs(t.constant - 1) < UNIT else t for t in terms)
    return Unit(unit.kind, terms, unit.constant / factor)
