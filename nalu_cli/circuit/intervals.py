"""Between which values each part of a formula stays while the columns stay in a box."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

from nalu_cli.circuit import Circuit, Unit, UnitKind

__all__ = ["Bounds", "bounds_of"]

Bounds = tuple[float, float]
"""Lowest and highest value, infinite where there is no bound."""

ANYTHING: Bounds = (-math.inf, math.inf)


def bounds_of(circuit: Circuit, low: Sequence[float], high: Sequence[float]) -> Bounds:
    """Bounds of a circuit's value, true but not always the narrowest.

    Interval arithmetic takes each input of a unit for free, also where two share a column.

    Parameters
    ----------
    circuit : Circuit
    low, high : sequence of float
        The box, one entry for each column.

    Returns
    -------
    Bounds
        Up to rounding.
    """
    columns = list(zip(map(float, low), map(float, high), strict=True))
    before: list[Bounds] = []
    for layer in circuit.layers:
        sources = before + columns
        before = [_unit(unit, sources) for unit in layer]
    return before[0]


def _unit(unit: Unit, sources: Sequence[Bounds]) -> Bounds:
    total: Bounds = (unit.constant, unit.constant)
    for term in unit.terms:
        inner = sources[term.source]
        if unit.kind is UnitKind.SUM:
            factor = float(term.weight) * term.constant
            total = _plus(total, _times(inner, (factor, factor)))
        else:
            base = _magnitude(inner) if unit.kind is UnitKind.MAGNITUDE else inner
            total = _times(total, _power(base, term.weight))
    return total


def _plus(one: Bounds, other: Bounds) -> Bounds:
    return _proper(one[0] + other[0], one[1] + other[1])


def _times(one: Bounds, other: Bounds) -> Bounds:
    # zero times infinity: the bound is not reached
    corners = [0.0 if 0.0 in (a, b) else a * b for a in one for b in other]
    return _proper(min(corners), max(corners))


def _magnitude(inner: Bounds) -> Bounds:
    low, high = inner
    if low >= 0:
        return inner
    return (-high, -low) if high <= 0 else (0.0, max(-low, high))


def _power(base: Bounds, exponent: Fraction) -> Bounds:
    if exponent < 0:
        return _reciprocal(_power(base, -exponent))
    low, high = base
    if exponent.denominator != 1:
        # where it is undefined there is no value to bound
        low, high = max(low, 0.0), max(high, 0.0)
    elif exponent % 2 == 0:
        low, high = _magnitude(base)
    return _raised(low, exponent), _raised(high, exponent)


def _raised(x: float, exponent: Fraction) -> float:
    power = int(exponent) if exponent.denominator == 1 else float(exponent)
    try:
        return float(x**power)
    except OverflowError:
        return float(math.copysign(math.inf, x) ** power)


def _reciprocal(base: Bounds) -> Bounds:
    low, high = base
    if low < 0 < high:
        return ANYTHING
    if low == 0 == high:
        return ANYTHING
    return (
        -math.inf if high == 0 else 1 / high,
        math.inf if low == 0 else 1 / low,
    )


def _proper(low: float, high: float) -> Bounds:
    return (-math.inf if math.isnan(low) else low, math.inf if math.isnan(high) else high)
