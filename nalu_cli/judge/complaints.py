"""Why what a formula leaves over does not look like noise."""

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
from nalu_cli.problem import Problem
from nalu_cli.rows import Rows

__all__ = ["TOO_FEW", "complaints", "structure"]

Floats = NDArray[np.float64]

SPARE_ROWS = 2
"""Rows more than columns and constants that noise takes to be seen at all. *Guess.*"""

TOO_FEW = "the rows are too few to tell a law from chance"

ROUNDINGS = 1e-9
"""Error relative to the target's spread below which a formula is nearly exact. *Guess:* noise of
measurements is larger, and what comes from rounding smaller."""

MOST_OF_PRINTING = 1.2
"""Times the standard deviation of printed digits up to which errors are theirs. *Guess:* constants
that are not settled yet add a little."""

LARGEST_CHANCE = 4.0
"""Standard deviations that the mean squared error may exceed the user's standard errors by.
*Guess:* one table in thirty thousand."""


def complaints(circuit: Circuit, problem: Problem, kind: ErrorKind, *, length: int) -> list[str]:
    """Why what is left over does not look like noise; none where it does.

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
    left = _left(circuit, inner, kind)
    if kind in PRINTED:
        return [_as_printed(circuit, problem.all_rows(), kind)]
    found = []
    if not circuit.used_columns() or not _explains(circuit, inner, length):
        found.append("no formula of this class does better than a constant")
    if len(inner) < len(circuit.used_columns()) + len(constants_of(circuit)) + SPARE_ROWS:
        found.append(TOO_FEW)
    if not np.isfinite(left).all():
        return [*found, "the formula is undefined on some rows"]
    found += _of_size(circuit, problem, kind, left)
    followed = None if _is_of_printing(inner, left, kind) else structure(circuit, problem, left)
    found += [] if followed is None else [followed]
    return list(dict.fromkeys(found))


def _left(circuit: Circuit, rows: Rows, kind: ErrorKind) -> Floats:
    """Errors in units in which noise is of one size on all rows."""
    with np.errstate(all="ignore"):
        scaled = (circuit.evaluate(rows.X) - rows.y) / scale_of_errors(rows, kind)
    return np.asarray(scaled, dtype=np.float64)


def _is_of_printing(rows: Rows, left: Floats, kind: ErrorKind) -> bool:
    """Whether errors are no larger than printing makes them, which has steps of its own."""
    return root_mean_square(left) <= MOST_OF_PRINTING * _floor_of(rows, kind)


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
        digits = np.floor(np.log10(np.abs(rows.y) / (2 * half)) + 1e-9) + 1
    return int(np.clip(np.nan_to_num(np.median(digits), posinf=17), 1, 17))


def _of_size(circuit: Circuit, problem: Problem, kind: ErrorKind, left: Floats) -> list[str]:
    """Errors that are too large, here or outside, or too small for noise."""
    found = []
    inner, far = problem.inner_rows(), problem.far
    size = root_mean_square(left)
    outside = root_mean_square(_left(circuit, far, kind))
    # printing alone leaves so much, far out as well
    expected = max(size, _floor_of(inner, kind), _floor_of(far, kind))
    if len(far) and not outside <= _largest_far(len(far)) * expected:
        found.append("the error grows outside the training range")
    if inner.sigma is not None and _exceeds(size, len(inner) - len(constants_of(circuit))):
        found.append(f"what is left is {size:.2g} times the standard errors given")
    if root_mean_square(left * scale_of_errors(inner, kind)) < ROUNDINGS * float(np.std(inner.y)):
        enough = is_borne_out(circuit, problem.all_rows())
        found.append("what is left is small but more than rounding explains" if enough else TOO_FEW)
    return found


def _floor_of(rows: Rows, kind: ErrorKind) -> float:
    return printed_floor(rows, scale_of_errors(rows, kind))


def _exceeds(size: float, free: int) -> bool:
    """Whether errors in units of their standard errors are too large for chance."""
    return size**2 > 1 + LARGEST_CHANCE * math.sqrt(2 / max(free, 1))


def structure(circuit: Circuit, problem: Problem, left: Floats) -> str | None:
    """What the errors of the inner rows follow, if not chance.

    Parameters
    ----------
    circuit : Circuit
    problem : Problem
    left : ndarray of shape (n_inner,)
        Errors in units in which chance is of one size on all rows.

    Returns
    -------
    str or None
    """
    inner = problem.inner_rows().X
    columns = circuit.used_columns()
    if columns and neighbours_agree(inner[:, columns], left):
        return "what is left is not noise: neighbouring rows have similar errors"
    if (column := column_that_explains(inner, left)) is not None:
        return f"what is left is not noise: it changes with {problem.names[column]!r}"
    if (column := column_of_agreement(inner, left)) is not None:
        return (
            "what is left is not noise: rows that are neighbours in"
            f" {problem.names[column]!r} have similar errors"
        )
    return None


def _explains(circuit: Circuit, rows: Rows, length: int) -> bool:
    """Whether the formula is worth its length beside a constant."""
    n = len(rows)
    with np.errstate(all="ignore"):
        left = float(np.mean((circuit.evaluate(rows.X) - rows.y) ** 2))
        gain = n * math.log(max(float(np.var(rows.y)), 5e-324) / max(left, 5e-324))
    return gain > length * math.log(max(n, 2))


def _largest_far(rows: int) -> float:
    """Sampling spread of a root mean square over some rows, generously."""
    return 1.5 + 3.0 / math.sqrt(rows)
