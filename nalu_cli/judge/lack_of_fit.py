"""Lack of fit: why the residuals of a formula do not look like noise."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from nalu_cli.answer.wording import AGREES_AS_PRINTED
from nalu_cli.circuit import Circuit
from nalu_cli.circuit.constants import constants_of
from nalu_cli.expression.complexity import digits_of_constants
from nalu_cli.fitting.likelihood import (
    PRINTED,
    ErrorKind,
    printed_floor,
    root_mean_square,
    scale_of_errors,
)
from nalu_cli.judge.description_length import is_borne_out
from nalu_cli.judge.residual_tests import (
    column_of_agreement,
    column_that_explains,
    neighbours_agree,
)
from nalu_cli.numerics.criterion import bic
from nalu_cli.problem import Problem
from nalu_cli.rows import Rows

__all__ = ["TOO_FEW", "lack_of_fit", "residual_structure"]

Floats = NDArray[np.float64]

SMALL = "the residuals are small but larger than rounding explains"
TOO_FEW = "the rows are too few to tell a law from chance"

SPARE_ROWS = 2
"""*Guess:* noise is seen at all where there are so many rows more than columns and constants."""

ROUNDINGS = 1e-9
"""*Guess:* a formula whose error, relative to the target's spread, is smaller than this is nearly
exact: the noise of measurements is larger, and what comes from rounding smaller."""

MOST_OF_PRINTING = 1.2
"""*Guess:* errors of up to this many times the standard deviation of printed digits come from
printing: constants that are not final yet add a little."""

LARGEST_CHANCE = 4.0
"""*Guess:* the mean squared error may exceed the user's standard errors by so many standard
deviations; one table in thirty thousand does by chance."""

FAR_GROWTH, FAR_SPREAD = 1.5, 3.0
"""*Guess:* the error on the far rows may be larger than inside by the first factor; and, being the
root mean square of few rows, by the second over the square root of their number."""

ON_A_POWER = 1e-9
"""*Derived:* the logarithm of a whole power of ten may come out some roundings below its integer;
this is a million times more."""

SMALLEST = math.ulp(0.0)
"""*Derived:* the least positive double stands for zero in logarithms."""


def lack_of_fit(circuit: Circuit, problem: Problem, kind: ErrorKind, *, length: int) -> list[str]:
    """Reasons why the residuals do not look like noise; none where they do.

    Parameters
    ----------
    circuit : Circuit
    problem : Problem
    kind : ErrorKind
        What its errors are made of.
    length : int
        Description length of the formula in symbols.

    Returns
    -------
    list of str
    """
    inner = problem.inner_rows()
    residuals = _scaled_residuals(circuit, inner, kind)
    if kind in PRINTED:
        return [_as_printed(circuit, problem.all_rows(), kind)]
    found = []
    if not circuit.used_columns() or not _explains(circuit, inner, length):
        found.append("no formula of this class does better than a constant")
    if len(inner) < len(circuit.used_columns()) + len(constants_of(circuit)) + SPARE_ROWS:
        found.append(TOO_FEW)
    if not np.isfinite(residuals).all():
        return [*found, "the formula is undefined on some rows"]
    found += _of_size(circuit, problem, kind, residuals)
    if not _is_of_printing(inner, residuals, kind):
        structure = residual_structure(circuit, problem, residuals)
        found += [] if structure is None else [structure]
    return list(dict.fromkeys(found))


def _scaled_residuals(circuit: Circuit, rows: Rows, kind: ErrorKind) -> Floats:
    """Errors in units in which noise is of one size on all rows."""
    with np.errstate(all="ignore"):
        scaled = (circuit.evaluate(rows.X) - rows.y) / scale_of_errors(rows, kind)
    return np.asarray(scaled, dtype=np.float64)


def _is_of_printing(rows: Rows, residuals: Floats, kind: ErrorKind) -> bool:
    """Whether errors are no larger than printing makes them, which has steps of its own."""
    return root_mean_square(residuals) <= MOST_OF_PRINTING * _floor_of(rows, kind)


def _as_printed(circuit: Circuit, rows: Rows, kind: ErrorKind) -> str:
    """Why a formula that agrees with every row is no law."""
    digits = _digits(rows)
    few = f"{digits} digit{'s' if digits != 1 else ''}"
    if is_borne_out(circuit, rows, kind):
        return (
            f"{AGREES_AS_PRINTED}with {digits_of_constants(circuit)} digits in "
            f"its constants it may imitate another formula to {few}"
        )
    return f"{AGREES_AS_PRINTED}{len(rows)} rows of {few} cannot tell it from chance"


def _digits(rows: Rows) -> int:
    """Significant digits of the typical target."""
    half = np.zeros(len(rows)) if rows.half_y is None else rows.half_y
    with np.errstate(all="ignore"):
        digits = np.floor(np.log10(np.abs(rows.y) / (2 * half)) + ON_A_POWER) + 1
    return int(np.clip(np.nan_to_num(np.median(digits), posinf=17), 1, 17))


def _of_size(circuit: Circuit, problem: Problem, kind: ErrorKind, residuals: Floats) -> list[str]:
    """Errors that are too large, here or outside, or too small for noise."""
    found = []
    inner, far = problem.inner_rows(), problem.far
    size = root_mean_square(residuals)
    outside = root_mean_square(_scaled_residuals(circuit, far, kind))
    # printing alone makes errors so large, far out as well
    expected = max(size, _floor_of(inner, kind), _floor_of(far, kind))
    if len(far) and not outside <= _largest_far(len(far)) * expected:
        found.append("the error grows outside the training range")
    if inner.sigma is not None and _exceeds(size, len(inner) - len(constants_of(circuit))):
        found.append(f"the residuals are {size:.2g} times the standard errors given")
    rmse = root_mean_square(residuals * scale_of_errors(inner, kind))
    if rmse < ROUNDINGS * float(np.std(inner.y)):
        enough = is_borne_out(circuit, problem.all_rows())
        found.append(SMALL if enough else TOO_FEW)
    return found


def _floor_of(rows: Rows, kind: ErrorKind) -> float:
    return printed_floor(rows, scale_of_errors(rows, kind))


def _exceeds(size: float, free: int) -> bool:
    """Whether errors in units of their standard errors are too large for chance."""
    return size**2 > 1 + LARGEST_CHANCE * math.sqrt(2 / max(free, 1))


def residual_structure(circuit: Circuit, problem: Problem, residuals: Floats) -> str | None:
    """What the errors of the inner rows follow, if not chance.

    Parameters
    ----------
    circuit : Circuit
    problem : Problem
    residuals : ndarray of shape (n_inner,)
        Errors in units in which chance is of one size on all rows.

    Returns
    -------
    str or None
    """
    inner = problem.inner_rows().X
    columns = circuit.used_columns()
    if columns and neighbours_agree(inner[:, columns], residuals):
        return "the residuals are not noise: neighbouring rows have similar errors"
    if (column := column_that_explains(inner, residuals)) is not None:
        return f"the residuals are not noise: they change with {problem.names[column]!r}"
    if (column := column_of_agreement(inner, residuals)) is not None:
        return (
            "the residuals are not noise: rows that are neighbours in"
            f" {problem.names[column]!r} have similar errors"
        )
    return None


def _explains(circuit: Circuit, rows: Rows, length: int) -> bool:
    """Whether the formula is worth its length beside a constant."""
    n = len(rows)
    with np.errstate(all="ignore"):
        unexplained = float(np.mean((circuit.evaluate(rows.X) - rows.y) ** 2))
        gain = n * math.log(max(float(np.var(rows.y)), SMALLEST) / max(unexplained, SMALLEST))
    return gain > bic(0.0, n, length)


def _largest_far(rows: int) -> float:
    """Sampling spread of a root mean square over some rows, generously."""
    return FAR_GROWTH + FAR_SPREAD / math.sqrt(rows)
