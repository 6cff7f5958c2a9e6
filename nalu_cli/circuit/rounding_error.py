"""Running error analysis: how far rounding may move the value of a circuit."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from nalu_cli.circuit import Circuit, Term, Unit, UnitKind, power_of
from nalu_cli.rows import Rows

__all__ = ["EPS", "agreement", "rounding_bound", "rounding_tolerance", "typical_size"]

Floats = NDArray[np.float64]

EPS = float(np.finfo(np.float64).eps)

ROUNDING_FACTOR = 8.0
"""*Guess:* an error of so many times the first-order bound still counts as rounding: the bound
leaves out products of roundings, and the data may come from another order of operations."""


TINY = float(np.finfo(np.float64).tiny)

WORST = 1e-10
"""*Guess:* agreement with a formula that rounding could move further than this, relative to the
target, shows nothing."""


def agreement(circuit: Circuit, rows: Rows) -> float:
    """Largest error in units of what the rounding of doubles explains.

    Parameters
    ----------
    circuit : Circuit
    rows : Rows

    Returns
    -------
    float
        At most 1 when the circuit agrees to rounding on every row; inf where it is undefined.
    """
    if not len(rows):
        return 0.0
    value, allowed = rounding_tolerance(circuit, rows, typical_size(rows.y))
    with np.errstate(all="ignore"):
        ratio = np.abs(value - rows.y) / np.maximum(allowed, 1e-320)
    return float(np.max(ratio)) if np.isfinite(ratio).all() else float("inf")


def typical_size(y: Floats) -> float:
    """Median size of targets; 0 without any."""
    return float(np.median(np.abs(y))) if len(y) else 0.0


def rounding_tolerance(circuit: Circuit, rows: Rows, typical: float) -> tuple[Floats, Floats]:
    """The value on each row, and how far from the target rounding may have put it.

    Parameters
    ----------
    circuit : Circuit
    rows : Rows
    typical : float
        Median size of the targets, of which these may be a part.

    Returns
    -------
    value, allowed : ndarray of shape (n_rows,)
        Not finite where the circuit is undefined.
    """
    value, bound = rounding_bound(circuit, rows.X)
    with np.errstate(all="ignore"):
        size = np.abs(rows.y)
        allowed = ROUNDING_FACTOR * np.minimum(bound + EPS * size, WORST * (size + typical))
    return value, allowed


def rounding_bound(circuit: Circuit, X: Floats) -> tuple[Floats, Floats]:
    """Running error analysis: the circuit's value and how far rounding may have moved it.

    Parameters
    ----------
    circuit : Circuit
    X : ndarray of shape (n_rows, n_columns)

    Returns
    -------
    value, bound : ndarray of shape (n_rows,)
        First-order bound on the error of evaluating the circuit from inputs that are themselves
        rounded (Higham, Accuracy and Stability of Numerical Algorithms, 2002, section 3.3).
    """
    columns = [(X[:, j], EPS / 2 * np.abs(X[:, j])) for j in range(circuit.n_columns)]
    before: list[tuple[Floats, Floats]] = []
    with np.errstate(all="ignore"):
        for layer in circuit.layers:
            sources = before + columns
            before = [_bounded_unit(unit, sources, len(X)) for unit in layer]
    return before[0]


def _bounded_unit(
    unit: Unit, sources: list[tuple[Floats, Floats]], n_rows: int
) -> tuple[Floats, Floats]:
    value = np.full(n_rows, unit.constant)
    bound = np.full(n_rows, EPS / 2 * abs(unit.constant))
    for term in unit.terms:
        x, e = sources[term.source]
        if unit.kind is UnitKind.SUM:
            value, bound = _plus(value, bound, term, x, e)
        else:
            value, bound = _times(unit.kind, value, bound, term.weight, x, e)
    return value, bound


def _plus(value: Floats, bound: Floats, term: Term, x: Floats, e: Floats) -> tuple[Floats, Floats]:
    part = float(term.weight) * term.constant * x
    total = value + part
    return total, bound + term.constant * e + EPS * np.abs(part) + EPS / 2 * np.abs(total)


def _times(
    kind: UnitKind, value: Floats, bound: Floats, weight: Fraction, x: Floats, e: Floats
) -> tuple[Floats, Floats]:
    base = np.abs(x) if kind is UnitKind.MAGNITUDE else x
    power = power_of(base, weight)
    size = np.abs(power)
    # where x is smaller than its error, the derivative at the error bounds the change
    slope = abs(float(weight)) * np.maximum(np.abs(x), e) ** (float(weight) - 1)
    error = np.where(e > 0, slope * e, 0.0) + EPS * (1 + abs(float(weight))) * size
    if weight.denominator > 2:
        error = error + EPS / 2 * np.abs(float(weight) * np.log(np.maximum(np.abs(x), TINY))) * size
    product = value * power
    spread = np.abs(value) * error + bound * size + EPS / 2 * np.abs(product)
    return product, spread
