"""Fits the constants of a written formula anew, to see whether it has the form of a law."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import sympy
from numpy.typing import NDArray

from nalu_cli.experiments.known_law import Rows
from nalu_cli.experiments.written_formula import in_doubles

__all__ = ["Refitted", "refit"]

Floats = NDArray[np.float64]

Residuals = Callable[[Floats], Floats]

MOST_CONSTANTS = 40

MOST_STEPS = 200
MOST_TRIES = 12
"""Steps of Levenberg-Marquardt, and dampings tried for each."""

SLOPE_STEP = 1e-6
"""Relative step of the central differences."""

CONVERGED = 1e-18
PERFECT = 1e-26
"""Relative gain of a step, and sum of squares, below which nothing is left to gain."""

SMALL_SHARE = 0.01
"""Residuals are relative to the truth, or to this share of its median where it is smaller."""

FEWEST_DEFINED = 0.9


@dataclass(frozen=True, slots=True)
class Refitted:
    """A formula with refitted constants.

    Parameters
    ----------
    formula : sympy.Expr
    factors : ndarray of shape (n_constants,)
        What each constant was multiplied by.
    """

    formula: sympy.Expr
    factors: Floats


def refit(found: sympy.Expr, names: Sequence[str], rows: Rows) -> Refitted | None:
    """Fit every constant to exact rows, and every exponent but whole and half ones.

    Parameters
    ----------
    found : sympy.Expr
        From `read_formula`.
    names : sequence of str
        Columns in the order of the rows' columns.
    rows : Rows

    Returns
    -------
    Refitted or None
        None when it is undefined in too many rows or has too many constants.
    """
    free = _FreeConstants()
    body = free.within(found)
    start = np.array(free.values)
    if not free.symbols:
        return Refitted(found, start)
    if len(start) > MOST_CONSTANTS or not np.isfinite(start).all() or np.any(start == 0):
        return None
    residuals = _residuals(body, (*names, *map(str, free.symbols)), start, rows)
    factors = _least_squares(residuals, np.ones(len(start)))
    if factors is None:
        return None
    fitted = {s: sympy.Float(v, 17) for s, v in zip(free.symbols, start * factors, strict=True)}
    return Refitted(body.xreplace(fitted), factors)


class _FreeConstants:
    """Puts a symbol in the place of each constant but 1, -1 and whole and half exponents.

    Whole and half exponents are the form of a formula; others, such as 0.8, are measured numbers.
    """

    def __init__(self) -> None:
        self.symbols: list[sympy.Symbol] = []
        self.values: list[float] = []

    def within(self, part: sympy.Expr) -> sympy.Expr:
        if part.is_Pow and part.exp.is_number:
            return sympy.Pow(self.within(part.base), self._exponent(part))
        if part.is_number:
            return self._symbol(part)
        if part.is_Mul or part.is_Add:
            return self._gathered(part)
        return part.func(*map(self.within, part.args)) if part.args else part

    def _exponent(self, power: sympy.Expr) -> sympy.Expr:
        # both numbers of a power that is a constant would be one too many
        is_form = (2 * power.exp).is_Integer or power.base.is_number
        return power.exp if is_form else self._symbol(power.exp)

    def _gathered(self, part: sympy.Expr) -> sympy.Expr:
        """One constant for all factors, or terms, that are numbers."""
        numbers = [argument for argument in part.args if argument.is_number]
        others = [self.within(argument) for argument in part.args if not argument.is_number]
        constant = part.func(*numbers)
        is_fixed = constant in (1, -1) if part.is_Mul else not numbers
        return part.func(constant if is_fixed else self._symbol(constant), *others)

    def _symbol(self, value: sympy.Expr) -> sympy.Symbol:
        # the space keeps it apart from every symbol a column can have
        self.symbols.append(sympy.Symbol(f"constant {len(self.symbols)}", real=True))
        self.values.append(float(value))
        return self.symbols[-1]


def _residuals(body: sympy.Expr, names: Sequence[str], start: Floats, rows: Rows) -> Residuals:
    """Relative residuals as a function of the factors of the constants."""
    value = in_doubles(body, names)
    size = np.abs(rows.y)
    scale = np.maximum(size, SMALL_SHARE * float(np.median(size)) or 1.0)

    def residuals(factors: Floats) -> Floats:
        constants = np.broadcast_to(start * factors, (len(rows), len(start)))
        return (value(np.hstack([rows.X, constants])) - rows.y) / scale

    return residuals


def _least_squares(residuals: Residuals, factors: Floats) -> Floats | None:
    """Levenberg-Marquardt on the rows where the formula is defined to begin with."""
    defined = np.isfinite(residuals(factors))
    if defined.mean() < FEWEST_DEFINED:
        return None

    def kept(trial: Floats) -> Floats:
        return residuals(trial)[defined]

    damping, cost = 1e-3, _squares(kept(factors))
    for _ in range(MOST_STEPS):
        slopes = _slopes(kept, factors)
        if not np.isfinite(slopes).all():
            return None
        moved = _step(kept, slopes, factors, cost, damping)
        if moved is None:
            break
        gain, cost = cost - moved.cost, moved.cost
        factors, damping = moved.factors, moved.damping
        if gain <= CONVERGED * cost or cost < PERFECT:
            break
    return factors


@dataclass(frozen=True, slots=True)
class _Moved:
    factors: Floats
    cost: float
    damping: float


def _step(
    residuals: Residuals, slopes: Floats, factors: Floats, cost: float, damping: float
) -> _Moved | None:
    """The first step, with more and more damping, that lowers the cost."""
    lengths = np.linalg.norm(slopes, axis=0)
    lengths[lengths == 0] = 1.0
    right = np.concatenate([-residuals(factors), np.zeros(len(factors))])
    for _ in range(MOST_TRIES):
        stacked = np.vstack([slopes / lengths, math.sqrt(damping) * np.eye(len(factors))])
        trial = factors + np.linalg.lstsq(stacked, right, rcond=None)[0] / lengths
        trial_cost = _squares(residuals(trial))
        # NaN compares false: a step out of the domain is no step
        if trial_cost < cost:
            return _Moved(trial, trial_cost, max(damping / 9, 1e-15))
        damping = min(damping * 7, 1e12)
    return None


def _slopes(residuals: Residuals, factors: Floats) -> Floats:
    """Central differences, shape (n_rows, n_constants)."""
    columns = []
    for k, factor in enumerate(factors):
        step = np.zeros(len(factors))
        step[k] = SLOPE_STEP * max(1.0, abs(factor))
        columns.append((residuals(factors + step) - residuals(factors - step)) / (2 * step[k]))
    return np.column_stack(columns)


def _squares(values: Floats) -> float:
    return float(np.sum(values**2))
