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
from nalu_cli.problem import Problem
from nalu_cli.rows import Rows
from nalu_cli.search.candidate import Found
from nalu_cli.search.strategy import Context, Cost, Example, Strategy

__all__ = ["PRODUCT", "SUM"]

Floats = NDArray[np.float64]

MOSTLY = 0.95
"""Share of the targets, by size, whose signs a product must have."""

SIGNIFICANT = 4.0
"""Standard errors that a coefficient of a noisy sum is away from 0."""


MOST_PURSUED = 60
"""Columns that are picked at most out of more columns than rows."""

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
    usable = usable[_asked(np.log(np.abs(rows.X[:, usable])), target)]
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

    The rows are weighted by the target; then by what the product says that it is, as targets
    smaller than their noise have logarithms far off and too large a weight; then without the
    columns that do not matter.
    """
    design = np.column_stack([logs, np.ones(len(target))])
    yield weighted_least_squares(design, target, weights)[0][:-1], weights
    coefficients, errors, weights = reweighted(design, target, weights)
    yield coefficients[:-1], weights
    matters = np.abs(coefficients) > SIGNIFICANT * errors
    matters[-1] = True
    slopes = np.zeros(len(coefficients))
    slopes[matters] = weighted_least_squares(design[:, matters], target, weights)[0]
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
        ``(c + sum c_j x_j) ** p`` with coefficients that do not matter left out, exact ones and
        others alike.
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
    asked = _asked(rows.X, target)
    with np.errstate(all="ignore"):
        found = _sparse_least_squares(rows.X[:, asked], target)
    if found is None and len(asked) == n:
        # an error of y is one of y**(1/p) that goes with this power of y
        with np.errstate(all="ignore"):
            falling = np.minimum(log_weights(rows.y) ** float(1 - 1 / power), MOST_WEIGHT)
            weights = rows.all_weights() * falling
            found = _significant_least_squares(rows.X, target, weights)
    if found is not None:
        coefficients = np.zeros(n)
        coefficients[asked] = found[:-1]
        yield single_sum(n, coefficients.tolist(), float(found[-1]), power, sign)


def _asked(design: Floats, target: Floats) -> NDArray[np.intp]:
    """All columns, or of too many for the rows those that orthogonal matching pursuit takes.

    Pati, Rezaiifar and Krishnaprasad, Orthogonal matching pursuit, Asilomar 1993.
    """
    n_rows, n = design.shape
    if n + 2 <= n_rows or not np.isfinite(target).all():
        return np.arange(n if n + 2 <= n_rows else 0, dtype=np.intp)
    centred = design - design.mean(axis=0)
    size = np.linalg.norm(centred, axis=0)
    centred = centred / np.where(size > 0, size, 1.0)
    y = target - target.mean()
    chosen: list[int] = []
    left = y
    for _ in range(min(MOST_PURSUED, n_rows // 3)):
        chosen.append(int(np.argmax(np.abs(centred.T @ left))))
        part = centred[:, chosen]
        left = y - part @ np.linalg.lstsq(part, y, rcond=None)[0]
        if np.linalg.norm(left) <= 1e-12 * np.linalg.norm(y):
            break
    return np.unique(np.array(chosen, dtype=np.intp))


def _sparse_least_squares(X: Floats, y: Floats) -> Floats | None:
    """Coefficients and offset; those that the exact fit does not need are 0."""
    size = np.sqrt(np.mean(X**2, axis=0))
    design = np.column_stack([X / size, np.ones(len(X))])
    scale = float(np.sqrt(np.mean(y**2)))
    if not np.isfinite(scale) or scale == 0:
        return None
    c = np.linalg.lstsq(design, y / scale, rcond=1e-13)[0]
    residual = float(np.max(np.abs(design @ c - y / scale)))
    if residual > 1e-9:
        return None
    kept = np.abs(c) > 1e-10 * np.abs(c).max()
    c = np.where(kept, c, 0.0)
    c[kept] = np.linalg.lstsq(design[:, kept], y / scale, rcond=1e-13)[0]
    return np.append(c[:-1] * scale / size, c[-1] * scale)


def _significant_least_squares(X: Floats, y: Floats, weights: Floats) -> Floats | None:
    """Coefficients and offset; those that are within their errors of 0 are 0."""
    design = np.column_stack([X, np.ones(len(X))])
    size = np.sqrt(np.mean(design**2, axis=0))
    A, b = design / size * weights[:, None], y * weights
    if not np.isfinite(b).all() or not np.isfinite(A).all():
        return None
    kept = np.arange(len(size))
    while len(kept) and len(b) > len(kept):
        c, *_ = np.linalg.lstsq(A[:, kept], b, rcond=1e-13)
        variance = float(np.sum((b - A[:, kept] @ c) ** 2)) / (len(b) - len(kept))
        errors = np.sqrt(variance * np.diag(np.linalg.pinv(A[:, kept].T @ A[:, kept])))
        doubt = np.abs(c) / np.maximum(errors, 5e-324)
        if doubt.min() > SIGNIFICANT:
            coefficients = np.zeros(len(size))
            coefficients[kept] = c / size[kept]
            return coefficients
        kept = np.delete(kept, int(np.argmin(doubt)))
    return None


def _search_products(problem: Problem, _: Context) -> Iterator[Found]:
    return map(Found, products(problem.train))


def _search_sums(problem: Problem, _: Context) -> Iterator[Found]:
    return map(Found, sums(problem.train))


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
