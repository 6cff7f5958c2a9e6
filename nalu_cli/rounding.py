"""Running error analysis: how far rounding may move the value of a circuit."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from nalu_cli.circuit import Circuit, Term, Unit, UnitKind
from nalu_cli.problem import Rows

__all__ = ["EPS", "agreement", "agreements", "rounding_bound"]

Floats = NDArray[np.float64]

EPS = float(np.finfo(np.float64).eps)

ROUNDING_FACTOR = 8.0
"""How many times the first-order rounding bound still counts as rounding."""


WORST = 1e-10
"""A formula that rounding could move further than this, relative to the target, shows nothing."""


def agreement(circuit: Circuit, rows: Rows, resolution: float = 0.0) -> float:
    """Largest error in units of what rounding explains.

    Parameters
    ----------
    circuit : Circuit
    rows : Rows
    resolution : float
        Half a unit in the last decimal place the target is written with; 0 for full doubles.

    Returns
    -------
    float
        At most 1 when the circuit agrees to rounding on every row; inf where it is undefined.
    """
    if not len(rows):
        return 0.0
    ratio = agreements(circuit, rows, float(np.median(np.abs(rows.y))), resolution)
    return float(np.max(ratio)) if np.isfinite(ratio).all() else float("inf")


def agreements(circuit: Circuit, rows: Rows, typical: float, resolution: float = 0.0) -> Floats:
    """The error of each row in units of what rounding explains.

    Parameters
    ----------
    circuit : Circuit
    rows : Rows
    typical : float
        Median size of the targets, of which these may be a part.
    resolution : float
        As in `agreement`.

    Returns
    -------
    ndarray of shape (n_rows,)
        Not finite where the circuit is undefined.
    """
    value, bound = rounding_bound(circuit, rows.X)
    with np.errstate(all="ignore"):
        size = np.abs(rows.y)
        allowed = ROUNDING_FACTOR * np.minimum(bound + EPS * size, WORST * (size + typical))
        allowed = allowed + resolution
        return np.asarray(np.abs(value - rows.y) / np.maximum(allowed, 1e-320), dtype=np.float64)


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
    power = base ** int(weight) if weight.denominator == 1 else np.sqrt(base) ** weight.numerator
    size = np.abs(power)
    # where x is smaller than its error, the derivative at the error bounds the change
    slope = abs(float(weight)) * np.maximum(np.abs(x), e) ** (float(weight) - 1)
    error = np.where(e > 0, slope * e, 0.0) + EPS * (1 + abs(float(weight))) * size
    product = value * power
    spread = np.abs(value) * error + bound * size + EPS / 2 * np.abs(product)
    return product, spread
