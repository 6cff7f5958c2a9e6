"""One likelihood from the cell to the verdict: five kinds of error, and how well each explains."""

from __future__ import annotations

import math
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from nalu_cli.circuit import Circuit
from nalu_cli.circuit.rounding_error import rounding_tolerance, typical_size
from nalu_cli.rows import Rows

__all__ = [
    "PRINTED",
    "ErrorKind",
    "agreement",
    "agreements",
    "evidence_bits",
    "exact_kind",
    "misfit_bits",
    "noise_kind",
    "printed_floor",
    "root_mean_square",
    "scale_of_errors",
    "stands_out",
    "tolerance",
]

Floats = NDArray[np.float64]

BITS_OF_A_DOUBLE = 45.0
"""*Guess:* a row that agrees to rounding says so many bits: the last 8 of a double are rounding's
own."""

ON_THE_EDGE = 1e-9
"""*Guess:* a value may lie beyond a half-width by this share of it. 2.5 and its half-width are not
both doubles; six digits more than any table prints are enough."""

EVEN_SPREAD = 3.0
"""*Derived:* an error spread evenly over a printed digit has the variance h**2 / 3."""

BITS_SHARED = 0.5 * math.log2(2 * math.pi * math.e)
"""*Derived:* bits per row of normal errors of size 1; missing from every misfit alike."""

SMALLEST_NOISE = 1e-15
"""*Derived:* errors of a smaller relative size are rounding's, not noise's: a few units in the last
place of a double."""

FARTHEST, MEDIAN_TO_SIGMA = 6.5, 1.4826
"""*Derived:* no row of noise is off by so many standard deviations, and one standard deviation is
so many medians of the absolute errors: of ten million normal errors one is larger."""


class ErrorKind(Enum):
    """What the error of a row is made of."""

    DOUBLES = "rounding of doubles"
    PRINTED_TARGET = "printed target"
    PRINTED_INPUTS = "printed target and inputs"
    ADDITIVE_NOISE = "additive noise"
    RELATIVE_NOISE = "relative noise"


PRINTED = (ErrorKind.PRINTED_TARGET, ErrorKind.PRINTED_INPUTS)
"""The kinds that printing explains to the last digit."""


def tolerance(
    circuit: Circuit, rows: Rows, kind: ErrorKind | None = None, typical: float | None = None
) -> Floats:
    """How far the value of each row may be from its target and still agree.

    Parameters
    ----------
    circuit : Circuit
    rows : Rows
    kind : ErrorKind, optional
        What may be blamed; left out, all that is known of how the cells are printed.
    typical : float, optional
        Median size of the targets, where these are a part of them.

    Returns
    -------
    ndarray of shape (n_rows,)
    """
    return _value_and_tolerance(circuit, rows, kind, typical)[1]


def agreement(circuit: Circuit, rows: Rows, kind: ErrorKind | None = None) -> float:
    """The largest error on any row over its tolerance.

    Parameters
    ----------
    circuit : Circuit
    rows : Rows
    kind : ErrorKind, optional
        As in `tolerance`.

    Returns
    -------
    float
        At most 1 when the circuit agrees with every row to its last printed digit, or to rounding
        where cells are full doubles; inf where it is undefined.
    """
    if not len(rows):
        return 0.0
    ratio = agreements(circuit, rows, kind)
    return float(np.max(ratio)) if np.isfinite(ratio).all() else math.inf


def agreements(
    circuit: Circuit, rows: Rows, kind: ErrorKind | None = None, typical: float | None = None
) -> Floats:
    """The error of each row over its tolerance; not finite where the circuit is undefined.

    Parameters
    ----------
    circuit : Circuit
    rows : Rows
    kind, typical : optional
        As in `tolerance`.

    Returns
    -------
    ndarray of shape (n_rows,)
    """
    value, allowed = _value_and_tolerance(circuit, rows, kind, typical)
    with np.errstate(all="ignore"):
        return np.asarray(np.abs(value - rows.y) / np.maximum(allowed, 1e-320), dtype=np.float64)


def exact_kind(circuit: Circuit, *parts: Rows) -> ErrorKind | None:
    """The least that explains every row of all parts exactly, or None where that takes noise.

    Parameters
    ----------
    circuit : Circuit
    *parts : Rows

    Returns
    -------
    ErrorKind or None
    """
    kinds = [ErrorKind.DOUBLES]
    if any(rows.half_y is not None for rows in parts):
        kinds.append(ErrorKind.PRINTED_TARGET)
    if any(rows.half_X is not None and rows.half_X.any() for rows in parts):
        kinds.append(ErrorKind.PRINTED_INPUTS)
    for kind in kinds:
        if all(agreement(circuit, rows, kind) <= 1.0 for rows in parts):
            return kind
    return None


def noise_kind(circuit: Circuit, rows: Rows) -> ErrorKind:
    """Additive noise, or relative noise where that is clearly the likelier one.

    Errors that the user gives are additive; a target that changes its sign cannot have errors in
    proportion to its size.

    Parameters
    ----------
    circuit : Circuit
    rows : Rows

    Returns
    -------
    ErrorKind
    """
    if rows.sigma is not None or not _has_one_sign(rows.y):
        return ErrorKind.ADDITIVE_NOISE
    gained = misfit_bits(circuit, rows, ErrorKind.ADDITIVE_NOISE) - misfit_bits(
        circuit, rows, ErrorKind.RELATIVE_NOISE
    )
    # what a symbol costs in the criterion: less is no reason to leave the simpler kind
    clearly = gained > 0.5 * math.log2(len(rows))
    return ErrorKind.RELATIVE_NOISE if clearly else ErrorKind.ADDITIVE_NOISE


def misfit_bits(circuit: Circuit, rows: Rows, kind: ErrorKind, *, constants: int = 0) -> float:
    """Bits that the errors of a formula cost under a kind of error.

    The negative logarithm of the likelihood, less what normal errors of size 1 cost. The size of
    noise is the likeliest one, but never below what printing the target makes of it; standard
    errors that the user gives are taken as they are.

    Parameters
    ----------
    circuit : Circuit
    rows : Rows
    kind : ErrorKind
    constants : int
        How many numbers were fitted: as many as rows fit anything.

    Returns
    -------
    float
        inf where the formula is undefined on a row, or has no fewer constants than there are rows.
    """
    if kind in PRINTED:
        allowed = tolerance(circuit, rows, kind)
        cells = np.log2(2 * np.maximum(allowed, 1e-320))
        return float(np.sum(cells)) - BITS_SHARED * len(rows)
    scale = scale_of_errors(rows, kind)
    with np.errstate(all="ignore"):
        residuals = (circuit.evaluate(rows.X) - rows.y) / scale
    if not np.isfinite(residuals).all():
        return math.inf
    per_row = float(np.sum(np.log2(scale)))
    if rows.sigma is not None:
        return per_row + _bits_of_known_noise(residuals, printed_floor(rows, scale))
    smallest = SMALLEST_NOISE * root_mean_square(rows.y / scale)
    floor = max(printed_floor(rows, scale), smallest, 5e-324)
    free = len(rows) - constants
    if free <= 0 and kind is not ErrorKind.DOUBLES:
        return math.inf
    return per_row + _bits_of_noise(residuals, floor, max(free, 1))


def _bits_of_known_noise(residuals: Floats, floor: float) -> float:
    """Of errors in units of their standard errors, those of printing added."""
    size = math.hypot(1.0, floor)
    chi2 = (root_mean_square(residuals) / size) ** 2
    return len(residuals) * (math.log2(size) + 0.5 * (chi2 - 1) / math.log(2))


def _bits_of_noise(residuals: Floats, floor: float, free: int) -> float:
    """Of errors of a size that is unknown: the likeliest, per degree of freedom."""
    n = len(residuals)
    return n * (math.log2(max(root_mean_square(residuals), floor)) + 0.5 * math.log2(n / free))


def scale_of_errors(rows: Rows, kind: ErrorKind) -> Floats:
    """By what the errors of the rows are divided to be of one size.

    Parameters
    ----------
    rows : Rows
    kind : ErrorKind

    Returns
    -------
    ndarray of shape (n_rows,)
    """
    if rows.sigma is not None:
        return np.maximum(rows.sigma, 1e-300)
    if kind is ErrorKind.RELATIVE_NOISE:
        return np.abs(rows.y)
    return np.ones(len(rows))


def printed_floor(rows: Rows, scale: Floats) -> float:
    """Standard deviation that printing the target alone gives the scaled errors."""
    if rows.half_y is None or not len(rows):
        return 0.0
    return root_mean_square(rows.half_y / scale) / math.sqrt(EVEN_SPREAD)


def root_mean_square(values: Floats) -> float:
    """Scaled, so that squares stay finite; 0 of nothing.

    Parameters
    ----------
    values : ndarray
    """
    size = float(np.max(np.abs(values), initial=0.0))
    if not 0 < size < math.inf:
        return size
    return size * float(np.sqrt(np.mean((values / size) ** 2)))


def evidence_bits(rows: Rows, allowed: Floats | None = None) -> float:
    """How many bits the targets of distinct rows say.

    A row tells in which of the cells as wide as its tolerance the target lies. It says no more than
    a table that lists each different target once and for every row which of them it is: targets of
    few values do not count over and over.

    Parameters
    ----------
    rows : Rows
    allowed : ndarray of shape (n_rows,), optional
        Tolerances under which a formula agrees, where they are wider than the printed digits.

    Returns
    -------
    float
    """
    half = _half_widths(rows, allowed)
    if not len(rows):
        return 0.0
    first = np.unique(np.column_stack([rows.X, rows.y]), axis=0, return_index=True)[1]
    y = rows.y[first]
    if half is None:
        return _bits_of_digits(y)
    bits = _bits_of_cells(y, half[first])
    _, once, count = np.unique(y, return_index=True, return_counts=True)
    share = count / len(y)
    which = -float(np.sum(count * np.log2(share)))
    return min(float(bits.sum()), float(bits[once].sum()) + which)


def _half_widths(rows: Rows, allowed: Floats | None) -> Floats | None:
    if rows.half_y is None or allowed is None:
        return allowed if rows.half_y is None else rows.half_y
    return np.maximum(rows.half_y, allowed)


def _bits_of_cells(y: Floats, half: Floats) -> Floats:
    """Of each target, in which of the cells it may be in it is.

    Before the table is seen each value between the extremes is as likely as another, or each size;
    the one counts that makes the target the less surprising: a small number beside large ones is
    told by any formula of the right size.
    """
    with np.errstate(all="ignore"):
        cells = (y.max() - y.min()) / (2 * half)
        if _has_one_sign(y):
            size = np.abs(y)
            cells = np.minimum(cells, math.log(size.max() / size.min()) * size / (2 * half))
        bits = np.log2(np.fmax(cells, 1.0))
    return np.asarray(np.clip(bits, 0.0, BITS_OF_A_DOUBLE), dtype=np.float64)


def _bits_of_digits(y: Floats) -> float:
    """Of full doubles, from the digits they are written with."""
    sample = y[:: max(1, len(y) // 50)]
    digits = [len(f"{v:.17g}".split("e")[0].replace(".", "").strip("-0")) for v in sample]
    return len(y) * min(BITS_OF_A_DOUBLE, float(np.mean(digits)) * math.log2(10))


def _value_and_tolerance(
    circuit: Circuit, rows: Rows, kind: ErrorKind | None, typical: float | None
) -> tuple[Floats, Floats]:
    typical = typical_size(rows.y) if typical is None else typical
    value, allowed = rounding_tolerance(circuit, rows, typical)
    if rows.half_y is not None and kind is not ErrorKind.DOUBLES:
        allowed = allowed + rows.half_y * (1 + ON_THE_EDGE)
    if rows.half_X is not None and kind in (None, ErrorKind.PRINTED_INPUTS):
        allowed = allowed + _moved_by_inputs(circuit, rows.X, rows.half_X, value)
    return value, allowed


def _moved_by_inputs(circuit: Circuit, X: Floats, half: Floats, value: Floats) -> Floats:
    """How far the value moves when each input in turn moves to the ends of its printed cell."""
    total = np.zeros(len(X))
    for j in circuit.used_columns():
        if half[:, j].any():
            ends = [_with_column(X, j, sign * half[:, j]) for sign in (-1.0, 1.0)]
            total += _farther(value, *(circuit.evaluate(moved) for moved in ends))
    return total


def _with_column(X: Floats, j: int, by: Floats) -> Floats:
    moved = X.copy()
    moved[:, j] += by
    return moved


def _farther(value: Floats, *ends: Floats) -> Floats:
    """The larger distance to an end; an end without a value says nothing."""
    with np.errstate(all="ignore"):
        moved = np.abs(np.stack(ends) - value)
    return np.asarray(np.where(np.isfinite(moved), moved, 0.0).max(axis=0), dtype=np.float64)


def stands_out(errors: Floats) -> bool:
    """Whether an error is larger than normal noise of the others' size ever is.

    Few rows that are off may show a term.
    """
    size = np.abs(errors)
    return not size.max() <= FARTHEST * MEDIAN_TO_SIGMA * float(np.median(size))


def _has_one_sign(y: Floats) -> bool:
    return bool((y > 0).all() or (y < 0).all())
