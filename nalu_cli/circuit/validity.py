"""Where a formula holds: what must not vanish or turn negative, and how far to trust a row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from nalu_cli.circuit import Circuit, Layer, Term, Unit, UnitKind

__all__ = ["Condition", "Guard", "Need", "conditions", "guards", "part", "parts"]

Floats = NDArray[np.float64]

EDGE = 0.05
"""*Guess:* a row at the edge may lie outside the training box by this share of a column's width."""

NEAR_POLE = 1e-6
"""*Guess:* a denominator is near zero when no more than this share of the size of its terms
remains."""


class Guard(StrEnum):
    """How far the value of one row may be trusted.

    `inside`: every column the formula uses lies in the training box. `edge`: outside by at most
    5 % of the box's width. `outside`: farther away. `pole`: the value overflows, or a denominator
    is nearly zero. `undefined`: there is no value, as for the root of a negative number.
    `missing`: a cell the formula needs is empty.
    """

    INSIDE = "inside"
    EDGE = "edge"
    OUTSIDE = "outside"
    POLE = "pole"
    UNDEFINED = "undefined"
    MISSING = "missing"


class Need(StrEnum):
    """What part of a formula must be for the whole to have a value."""

    NOT_ZERO = "not zero"
    NOT_NEGATIVE = "not negative"
    POSITIVE = "positive"


@dataclass(frozen=True, slots=True)
class Condition:
    """Part of a formula and what it must be."""

    part: Circuit
    need: Need


def part(circuit: Circuit, layer: int, source: int) -> Circuit:
    """The circuit that computes one input of a layer.

    Parameters
    ----------
    circuit : Circuit
    layer : int
        Counted from 0; `len(circuit.layers)` reads the last layer.
    source : int
        As in `Term.source`.
    """
    width = len(circuit.layers[layer - 1]) if layer else 0
    if source < width:
        unit = circuit.layers[layer - 1][source]
        return Circuit(circuit.n_columns, (*circuit.layers[: layer - 1], (unit,)))
    column = Unit(UnitKind.PRODUCT, (Term(source - width, Fraction(1)),), 1.0)
    return Circuit(circuit.n_columns, ((column,),))


def parts(circuit: Circuit) -> Iterator[tuple[int, int]]:
    """Layer and index of every unit the answer depends on, from the columns to the answer."""
    yield from sorted(_live(circuit))


def _live(circuit: Circuit) -> set[tuple[int, int]]:
    last = len(circuit.layers) - 1
    live = {(last, 0)}
    for k in range(last, 0, -1):
        width = len(circuit.layers[k - 1])
        for unit in (circuit.layers[k][i] for layer, i in live.copy() if layer == k):
            live |= {(k - 1, term.source) for term in unit.terms if term.source < width}
    return live


def conditions(circuit: Circuit) -> tuple[Condition, ...]:
    """What must hold for a formula to have a value: its denominators and its roots.

    Parameters
    ----------
    circuit : Circuit

    Returns
    -------
    tuple of Condition
        Each part once, from the columns to the answer. A column under a root counts as well.
    """
    needs: dict[Circuit, Need] = {}
    for k, i in parts(circuit):
        unit = circuit.layers[k][i]
        if unit.kind is UnitKind.SUM:
            continue
        for term in unit.terms:
            need = _need(unit.kind, term.weight)
            if need is not None:
                source = part(circuit, k, term.source)
                needs[source] = _both(needs.get(source, need), need)
    return tuple(Condition(source, need) for source, need in needs.items())


def _need(kind: UnitKind, weight: Fraction) -> Need | None:
    root = weight.denominator != 1 and kind is UnitKind.PRODUCT
    if weight < 0:
        return Need.POSITIVE if root else Need.NOT_ZERO
    return Need.NOT_NEGATIVE if root else None


def _both(one: Need, other: Need) -> Need:
    return one if one is other else Need.POSITIVE


def guards(
    circuit: Circuit, X: Floats, value: Floats, box: tuple[Sequence[float], Sequence[float]]
) -> list[Guard]:
    """How far the value of each row may be trusted.

    Parameters
    ----------
    circuit : Circuit
    X : ndarray of shape (n_rows, n_columns)
        NaN where a cell is missing.
    value : ndarray of shape (n_rows,)
        The circuit's value on X.
    box : pair of sequences of float
        Lowest and highest training value of each column.

    Returns
    -------
    list of Guard
        One for each row; of several that hold, the last in the order of `Guard`.
    """
    used = list(circuit.used_columns())
    low, high = (np.asarray(bound, dtype=np.float64)[used] for bound in box)
    inputs = X[:, used]
    with np.errstate(all="ignore"):
        margin = EDGE * (high - low)
        edge = (inputs < low) | (inputs > high)
        outside = (inputs < low - margin) | (inputs > high + margin)
    code = np.zeros(len(X), dtype=np.intp)
    code[edge.any(axis=1)] = _ORDER.index(Guard.EDGE)
    code[outside.any(axis=1)] = _ORDER.index(Guard.OUTSIDE)
    code[np.isinf(value) | _near_pole(circuit, X, box)] = _ORDER.index(Guard.POLE)
    code[np.isnan(value)] = _ORDER.index(Guard.UNDEFINED)
    code[np.isnan(inputs).any(axis=1)] = _ORDER.index(Guard.MISSING)
    return [_ORDER[i] for i in code]


_ORDER = tuple(Guard)


def _near_pole(
    circuit: Circuit, X: Floats, box: tuple[Sequence[float], Sequence[float]]
) -> NDArray[np.bool_]:
    inputs = [
        _Input(X[:, j], _tiny_column(X[:, j], low, high))
        for j, (low, high) in enumerate(zip(*box, strict=True))
    ]
    near = np.zeros(len(X), dtype=np.bool_)
    live = _live(circuit)
    before: list[_Input] = []
    with np.errstate(all="ignore"):
        for k, layer in enumerate(circuit.layers):
            sources = before + inputs
            for i, unit in enumerate(layer):
                if (k, i) in live:
                    near |= _divides_by_tiny(unit, sources)
            before = _next_inputs(layer, sources, len(X))
    return near


@dataclass(frozen=True, slots=True)
class _Input:
    """An input of a layer: its value in each row, and whether that is nearly zero."""

    value: Floats
    tiny: NDArray[np.bool_]


def _tiny_column(x: Floats, low: float, high: float) -> NDArray[np.bool_]:
    """Whether a column is far smaller than it ever was in training; never, if it passed zero."""
    smallest = 0.0 if low <= 0 <= high else min(abs(low), abs(high))
    return np.asarray((np.abs(x) < NEAR_POLE * smallest) | (x == 0), dtype=np.bool_)


def _divides_by_tiny(unit: Unit, sources: list[_Input]) -> NDArray[np.bool_] | np.bool_:
    below = [sources[term.source].tiny for term in unit.terms if term.weight < 0]
    if unit.kind is UnitKind.SUM or not below:
        return np.False_
    return np.asarray(np.logical_or.reduce(below), dtype=np.bool_)


def _next_inputs(layer: Layer, sources: list[_Input], n_rows: int) -> list[_Input]:
    values = [source.value for source in sources]
    X = np.stack(values, axis=1) if values else np.zeros((n_rows, 0))
    return [
        _Input(Circuit(len(values), ((unit,),)).evaluate(X), _tiny_unit(unit, sources, n_rows))
        for unit in layer
    ]


def _tiny_unit(unit: Unit, sources: list[_Input], n_rows: int) -> NDArray[np.bool_]:
    tiny = np.zeros(n_rows, dtype=np.bool_)
    if unit.kind is UnitKind.SUM:
        return _cancels(unit, sources, n_rows)
    for term in unit.terms:
        if term.weight > 0:
            tiny |= sources[term.source].tiny
    return tiny


def _cancels(unit: Unit, sources: list[_Input], n_rows: int) -> NDArray[np.bool_]:
    total = np.full(n_rows, unit.constant)
    size = np.abs(total)
    for term in unit.terms:
        summand = float(term.weight) * term.constant * sources[term.source].value
        total = total + summand
        size = size + np.abs(summand)
    return np.asarray(np.abs(total) <= NEAR_POLE * size, dtype=np.bool_)
