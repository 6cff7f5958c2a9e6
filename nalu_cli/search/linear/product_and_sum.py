"""Strategies: one product and one sum by least squares."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from nalu_cli.circuit import ALLOWED_EXPONENTS, Circuit
from nalu_cli.circuit.builders import single_product, single_sum
from nalu_cli.numerics.least_squares import (
    MOST_WEIGHT,
    log_weights,
    reweighted,
    weighted_least_squares,
)
from nalu_cli.numerics.selection import backward_elimination, forward_selection
from nalu_cli.numerics.tolerances import RANK
from nalu_cli.problem import Problem
from nalu_cli.rows import Rows
from nalu_cli.search.candidate import Candidate
from nalu_cli.search.strategy import Context, Cost, Example, Strategy

__all__ = ["PRODUCT", "SUM"]

Floats = NDArray[np.float64]

MOSTLY = 0.95
"""*Guess:* share of the weight of all rows on which a product must have the signs of the targets;
under noise small targets, which weigh little, change sign."""

SIGNIFICANT = 4.0
"""*Guess:* standard errors that a coefficient of a sum under noise is away from 0 at least; chance
puts one in sixteen thousand there."""

MOST_SELECTED = 60
"""*Guess:* columns that a forward selection takes at most; a law of more would not be read."""

EXACT = 1e-9
"""*Guess:* a sum whose largest residual is below this share of the targets explains them to
rounding, columns that nearly depend on each other included."""

ABSENT = 1e-10
"""*Guess:* a coefficient below this share of the largest, in columns of one size, is a zero that
rounding moved."""

SUM_POWERS = tuple(map(Fraction, ("1", "2", "-1", "1/2", "-1/2", "-2")))


def products(rows: Rows) -> Iterator[Circuit]:
    """One product layer: log|y| = sum w log|x| + c by least squares.

    Parameters
    ----------
    rows : Rows
        Training rows.

    Yields
    ------
    Circuit
        With exponents rounded to the allowed ones, with sign and on magnitudes.
    """
    usable = np.flatnonzero((rows.X != 0).all(axis=0))
    rows = Rows(rows.X[rows.y != 0], rows.y[rows.y != 0])
    if not len(usable) or not len(rows):
        return
    target = np.log(np.abs(rows.y))
    usable = usable[_candidates(np.log(np.abs(rows.X[:, usable])), target)]
    logs = np.log(np.abs(rows.X[:, usable]))
    different: list[dict[int, Fraction]] = []
    for slopes, weights in _slopes(logs, target, log_weights(rows.y)):
        exponents = {int(j): Fraction(round(2 * v), 2) for j, v in zip(usable, slopes, strict=True)}
        exponents = {j: e for j, e in exponents.items() if e in ALLOWED_EXPONENTS}
        if exponents not in different:
            different.append(exponents)
            yield from _product(rows, exponents, weights)


def _slopes(logs: Floats, target: Floats, weights: Floats) -> Iterator[tuple[Floats, Floats]]:
    """Slopes of the logarithms, and the weights of the rows.

    The rows are weighted by the target; then by the fitted product, as targets smaller than their
    noise have logarithms far off and too large a weight; then the columns whose slopes are not
    significant are left out.
    """
    design = np.column_stack([logs, np.ones(len(target))])
    yield weighted_least_squares(design, target, weights)[0][:-1], weights
    coefficients, errors, weights = reweighted(design, target, weights)
    yield coefficients[:-1], weights
    significant = np.abs(coefficients) > SIGNIFICANT * errors
    significant[-1] = True
    slopes = np.zeros(len(coefficients))
    slopes[significant] = weighted_least_squares(design[:, significant], target, weights)[0]
    yield slopes[:-1], weights


def _product(rows: Rows, exponents: dict[int, Fraction], weights: Floats) -> Iterator[Circuit]:
    """The product with its scale, with sign or on magnitudes, if the signs are the target's."""
    n = rows.X.shape[1]
    logs = sum((float(e) * np.log(np.abs(rows.X[:, j])) for j, e in exponents.items()), 0.0)
    scale = float(np.exp(_weighted_median(np.log(np.abs(rows.y)) - logs, weights)))
    for magnitude in (False, True):
        trial = single_product(n, exponents, 1.0, magnitude=magnitude)
        with np.errstate(all="ignore"):
            signs = np.sign(trial.evaluate(rows.X)) * np.sign(rows.y)
        sign = float(np.sign(np.nansum(signs * weights)))
        # noise turns the sign of small targets
        if np.average(signs == sign, weights=weights) > MOSTLY:
            yield single_product(n, exponents, sign * scale, magnitude=magnitude)
            return


def _weighted_median(values: Floats, weights: Floats) -> float:
    order = np.argsort(values)
    share = np.cumsum(weights[order])
    return float(values[order[np.searchsorted(share, share[-1] / 2)]])


def sums(rows: Rows) -> Iterator[Circuit]:
    """One sum layer by least squares, with the target as it is, squared, rooted or inverted.

    Parameters
    ----------
    rows : Rows
        Training rows.

    Yields
    ------
    Circuit
        ``(c + sum c_j x_j) ** p``, exact or not, without the coefficients that are not
        significant.
    """
    sign = float(np.sign(np.median(rows.y)))
    same = sign * rows.y > 0
    # noise turns the sign of small targets
    weights = log_weights(rows.y)
    mostly = bool(weights[same].sum() > MOSTLY * weights.sum())
    for power in SUM_POWERS:
        if power == 1:
            yield from _power_of_sum(rows, power, 1.0)
        elif mostly:
            part = rows.take(same)
            yield from _power_of_sum(replace(part, y=sign * part.y), power, sign)


def _power_of_sum(rows: Rows, power: Fraction, sign: float) -> Iterator[Circuit]:
    """The sum that explains a power of the target to rounding, or as well as a sum can."""
    n = rows.X.shape[1]
    with np.errstate(all="ignore"):
        target = rows.y ** float(1 / power)
    chosen = _candidates(rows.X, target)
    with np.errstate(all="ignore"):
        found = _sparse_least_squares(rows.X[:, chosen], target)
    if found is None and len(chosen) == n:
        # an error of y is one of y**(1/p) that goes with this power of y
        with np.errstate(all="ignore"):
            falling = np.minimum(log_weights(rows.y) ** float(1 - 1 / power), MOST_WEIGHT)
            weights = rows.all_weights() * falling
            found = _significant_least_squares(rows.X, target, weights)
    if found is not None:
        coefficients = np.zeros(n)
        coefficients[chosen] = found[:-1]
        yield single_sum(n, coefficients.tolist(), float(found[-1]), power, sign)


def _candidates(design: Floats, target: Floats) -> NDArray[np.intp]:
    """Places of all columns; where they are too many for the rows, of a forward selection."""
    n_rows, n = design.shape
    if n + 2 <= n_rows:
        return np.arange(n, dtype=np.intp)
    if not np.isfinite(target).all():
        return np.arange(0, dtype=np.intp)
    return forward_selection(design, target, min(MOST_SELECTED, n_rows // 3))


def _sparse_least_squares(X: Floats, y: Floats) -> Floats | None:
    """Coefficients and offset; those that the exact fit does not need are 0."""
    size = np.sqrt(np.mean(X**2, axis=0))
    design = np.column_stack([X / size, np.ones(len(X))])
    scale = float(np.sqrt(np.mean(y**2)))
    if not np.isfinite(scale) or scale == 0:
        return None
    c = np.linalg.lstsq(design, y / scale, rcond=RANK)[0]
    residual = float(np.max(np.abs(design @ c - y / scale)))
    if residual > EXACT:
        return None
    kept = np.abs(c) > ABSENT * np.abs(c).max()
    c = np.where(kept, c, 0.0)
    c[kept] = np.linalg.lstsq(design[:, kept], y / scale, rcond=RANK)[0]
    return np.append(c[:-1] * scale / size, c[-1] * scale)


def _significant_least_squares(X: Floats, y: Floats, weights: Floats) -> Floats | None:
    """Coefficients and offset; those that are within their errors of 0 are 0."""
    A, b = np.column_stack([X, np.ones(len(X))]) * weights[:, None], y * weights
    if not np.isfinite(b).all() or not np.isfinite(A).all():
        return None
    chosen, found = backward_elimination(A, b, significance=SIGNIFICANT)
    if not len(chosen):
        return None
    coefficients = np.zeros(A.shape[1])
    coefficients[chosen] = found
    return coefficients


def _search_products(problem: Problem, _: Context) -> Iterator[Candidate]:
    return map(Candidate, products(problem.train))


def _search_sums(problem: Problem, _: Context) -> Iterator[Candidate]:
    return map(Candidate, sums(problem.train))


PRODUCT = Strategy(
    name="product",
    summary="solved: one product of powers, by least squares of logarithms",
    cost=Cost.INSTANT,
    example=Example(single_product(2, {0: Fraction(2), 1: Fraction(-1)}, 1.7)),
    search=_search_products,
)

SUM = Strategy(
    name="sum",
    summary="solved: one sum, or a power or root of one, by least squares",
    cost=Cost.INSTANT,
    example=Example(single_sum(3, (2.0, 0.5, 1.0), 0.25, Fraction(1, 2), 1.0)),
    search=_search_sums,
)
