"""Whether a found formula is the true one: equal in value, or equal but for its constants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import mpmath
import numpy as np
import sympy
from numpy.typing import NDArray

from nalu_cli.experiments.known_law import KnownLaw, Part, Rows
from nalu_cli.experiments.refitting import refit
from nalu_cli.experiments.sampling import draw_rows, generator
from nalu_cli.experiments.written_formula import (
    DIGITS,
    FormulaError,
    in_doubles,
    in_many_digits,
    is_law,
    read_formula,
    read_truth,
)

__all__ = ["CONSTANT_TOLERANCE", "Recovery", "largest_error", "recovery"]

Floats = NDArray[np.float64]

EXACT = 1e-9
"""Relative difference that counts as none, computed with many digits."""

EXACT_POINTS = 40
"""Points of each part compared with many digits."""

FLOOR = 1e-6
"""Where the truth nearly cancels, errors are measured against this share of its median size."""

CONSTANT_TOLERANCE = 1e-6
"""How far a constant may be off in data without noise, relative to its value."""

REFIT_ROWS = 400
NEAR_LIMIT = 1e-5
FAR_LIMIT = 1e-3
"""Errors below which a refitted formula has the true structure, on train and far rows."""

FAR_SHARE = 0.99
"""Share of the far rows that has to keep to `FAR_LIMIT`; constants are known to rounding only."""

VANISHED = 1e-4
"""A constant that shrinks by more than this in the refit was an extra term."""


@dataclass(frozen=True, slots=True)
class Recovery:
    """What a comparison with the truth says.

    Parameters
    ----------
    is_exact : bool
        Equal to the truth.
    constant_error : float or None
        Largest relative error of a constant; None when no constants make it the truth.
    tolerance : float
        The largest such error that counts as recovered.
    """

    is_exact: bool
    constant_error: float | None
    tolerance: float

    @property
    def is_recovered(self) -> bool:
        """Whether the formula is the true one, up to the tolerance of its constants."""
        return self.is_exact or (
            self.constant_error is not None and self.constant_error <= self.tolerance
        )


def recovery(law: KnownLaw, found: str, *, tolerance: float = CONSTANT_TOLERANCE) -> Recovery:
    """Compare a found formula with the truth.

    Parameters
    ----------
    law : KnownLaw
    found : str
        A formula in the names of its columns.
    tolerance : float
        How far a constant may be off; with noise, about its level.

    Returns
    -------
    Recovery
        A text that is no formula is not recovered, and a truth that is no law never is.
    """
    truth = read_truth(law.formula, law.names)
    try:
        formula = read_formula(found, law.columns)
    except FormulaError:
        return Recovery(False, None, tolerance)
    # a formula that agrees with such a truth to many digits is an approximation all the same
    if not is_law(truth, law.columns):
        return Recovery(False, None, tolerance)
    if _is_equal(law, truth, formula):
        return Recovery(True, 0.0, tolerance)
    return Recovery(False, _constant_error(law, formula), tolerance)


def _is_equal(law: KnownLaw, truth: sympy.Expr, found: sympy.Expr) -> bool:
    random = generator(0, law.name, 77)
    X = np.concatenate([draw_rows(law, part, EXACT_POINTS, random).X for part in Part])
    right = in_many_digits(truth, law.names, X)
    values = in_many_digits(found, law.names, X)
    known = [(f, t) for f, t in zip(values, right, strict=True) if t is not None]
    if not known or any(f is None for f, _ in known):
        return False
    with mpmath.workdps(DIGITS):
        floor = _floor([abs(t) for _, t in known])
        return all(abs(f - t) <= EXACT * max(abs(t), floor) for f, t in known)


def _floor(sizes: list[Any]) -> Any:
    middle = sorted(sizes)[len(sizes) // 2] or max(sizes)
    return middle * mpmath.mpf(FLOOR) or mpmath.mpf(1)


def _constant_error(law: KnownLaw, found: sympy.Expr) -> float | None:
    random = generator(0, law.name, 11)
    near = draw_rows(law, Part.TRAIN, REFIT_ROWS, random)
    far = draw_rows(law, Part.EXTRAPOLATION, REFIT_ROWS, random)
    refitted = refit(found, law.names, near)
    if refitted is None or not _has_structure(law, refitted.formula, near, far):
        return None
    if np.any(np.abs(refitted.factors) < VANISHED):
        return None
    return float(np.max(np.abs(1 / refitted.factors - 1), initial=0.0))


def _has_structure(law: KnownLaw, formula: sympy.Expr, near: Rows, far: Rows) -> bool:
    value = in_doubles(formula, law.names)
    near_errors = relative_errors(value(near.X), near.y)
    far_errors = relative_errors(value(far.X), far.y)
    if not (np.isfinite(near_errors).all() and np.isfinite(far_errors).all()):
        return False
    return bool(near_errors.max() < NEAR_LIMIT and np.quantile(far_errors, FAR_SHARE) < FAR_LIMIT)


def relative_errors(values: Floats, truth: Floats) -> Floats:
    """|values - truth| / |truth| in each row, with the floor of small truths."""
    size = np.abs(truth)
    floor = FLOOR * float(np.median(size))
    with np.errstate(all="ignore"):
        errors: Floats = np.abs(values - truth) / np.maximum(size, floor or 1e-300)
    return errors


def largest_error(law: KnownLaw, found: str, rows: Rows) -> float | None:
    """Largest relative error of a found formula; None where it is undefined or no formula."""
    try:
        value = in_doubles(read_formula(found, law.columns), law.names)
    except FormulaError:
        return None
    errors = relative_errors(value(rows.X), rows.y)
    return float(errors.max()) if len(rows) and np.isfinite(errors).all() else None
