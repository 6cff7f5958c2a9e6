"""Stage 3: sums of monomials beside the square root of another such sum."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from copy import copy
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from nalu_cli.monomials import exponents_up_to, monomial_values
from nalu_cli.problem import Rows
from nalu_cli.pruned_fit import PrunedFit
from nalu_cli.spans import basis, least_squares
from nalu_cli.wiring import Polynomial

__all__ = ["BesideRoot", "with_roots"]

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

OUTSIDE, INSIDE = (1, 2), (1, 2, 3)
"""Largest degrees of the two sums."""

MOST_MONOMIALS = 90
ROWS_PER_MONOMIAL = 4
"""Bounds on the two sums together."""

MOST_OUTSIDE = 4
"""Monomials beside the root."""

CLOSE_TO_ROOT = 0.2
"""Of the median: rows where the root is smaller are not weighted higher than that."""

CLOSE_TO_ZERO = 1e-4
"""Of its mean size: a sum under the root that is smaller has the slope of that."""

CLEARLY_NEW = 1e-5
"""Share of its length by which a column must leave the span of those there are."""


class BesideRoot(PrunedFit):
    """``S + sign * sqrt(T)`` with sums of monomials S and T.

    Parameters
    ----------
    rows : Rows
        Scaled to sizes near 1.
    weights : ndarray of shape (N,)
        Of the rows; the errors of the targets are in inverse proportion.
    outside, inside : int
        Largest degree of the monomials of S and of T.

    Attributes
    ----------
    outside, inside : ndarray of shape (N, n_monomials)
        Values of the monomials, times what makes the sum a weighted one; the coefficients are in
        this order.
    sign : float
        1 or -1.
    """

    def __init__(self, rows: Rows, weights: Floats, outside: int, inside: int) -> None:
        n = rows.X.shape[1]
        self.exponents = exponents_up_to(n, max(outside, inside))
        values = monomial_values(rows.X, self.exponents)
        self.outside = values[:, : math.comb(n + outside, n)] * weights[:, None]
        self.inside = values[:, : math.comb(n + inside, n)] * weights[:, None] ** 2
        self.sign = 1.0
        super().__init__(rows.y * weights, self.outside.shape[1] + self.inside.shape[1])

    def value(self, coefficients: Floats) -> Floats:
        """The sum, what is negative under the root taken for zero."""
        m = self.outside.shape[1]
        root = np.sqrt(np.maximum(self.inside @ coefficients[m:], 0.0))
        return np.asarray(self.outside @ coefficients[:m] + self.sign * root)

    def slopes(self, coefficients: Floats, kept: Indices) -> Floats:
        """Of the value in some coefficients of S and of T."""
        m = self.outside.shape[1]
        under = self.inside @ coefficients[m:]
        root = np.sqrt(np.maximum(under, CLOSE_TO_ZERO * np.mean(np.abs(under))))
        inside = self.inside[:, kept[kept >= m] - m] * (self.sign / 2 / root)[:, None]
        return np.concatenate([self.outside[:, kept[kept < m]], inside], axis=1)

    def needed(self, kept: Indices) -> NDArray[np.bool_]:
        """The last monomial of T."""
        inside = kept >= self.outside.shape[1]
        return np.asarray(inside & (inside.sum() == 1))

    def polynomials(self, coefficients: Floats, kept: Indices) -> tuple[Polynomial, Polynomial]:
        """S and T with the coefficients that are kept."""
        m = self.outside.shape[1]
        parts: tuple[Polynomial, Polynomial] = ({}, {})
        for k in kept:
            monomial = tuple(map(Fraction, self.exponents[k if k < m else k - m]))
            parts[int(k >= m)][monomial] = float(coefficients[k])
        return parts

    def starts(self) -> Iterator[tuple[Indices, Floats]]:
        """Sums S of one monomial more each time, the one that tells most about y**2.

        With S known, ``y**2 - 2 y S + S**2 - T`` is zero but for the noise, and linear in all that
        is not known if the products of the monomials of S are taken for more of T.

        Yields
        ------
        tuple of (ndarray of int, ndarray)
            The places of the monomials of S, and their coefficients.
        """
        y, weight = self.y, np.ones(len(self.y))
        chosen: list[int] = []
        for _ in range(min(MOST_OUTSIDE, self.outside.shape[1])):
            span = basis(self._relation(chosen) * weight[:, None])
            left = y**2 * weight
            left = left - span @ (span.T @ left)
            gains = [
                -1.0 if k in chosen else _gain(self._more(chosen, k) * weight[:, None], span, left)
                for k in range(self.outside.shape[1])
            ]
            chosen.append(int(np.argmax(gains)))
            design = self._relation(chosen) * weight[:, None]
            coefficients = least_squares(design, y**2 * weight)[: len(chosen)] / 2
            yield np.array(chosen), coefficients
            weight = _weight_of(y - self.outside[:, chosen] @ coefficients)

    def fit_from(self, places: Indices, coefficients: Floats) -> bool:
        """Fit all of T beside some monomials of S; whether that could be done."""
        m = self.outside.shape[1]
        start = np.zeros(len(self.coefficients))
        start[places] = coefficients
        root = self.y - self.outside @ start[:m]
        self.sign = 1.0 if np.median(root) >= 0 else -1.0
        weight = _weight_of(root)
        start[m:] = least_squares(self.inside * weight[:, None], root**2 * weight)
        return self.fit([(start, np.append(np.sort(places), np.arange(m, len(start))))])

    def _relation(self, chosen: list[int]) -> Floats:
        """What y**2 is a combination of: first ``y m`` for each m of S; (N, n_columns)."""
        S = self.outside[:, chosen]
        squares = [S[:, [i]] * S[:, i:] for i in range(len(chosen))]
        return np.concatenate([self.y[:, None] * S, self.inside, *squares], axis=1)

    def _more(self, chosen: list[int], k: int) -> Floats:
        """What another monomial of S brings."""
        m = self.outside[:, [k]]
        return np.concatenate([self.y[:, None] * m, m * self.outside[:, [*chosen, k]]], axis=1)


def with_roots(rows: Rows, weights: Floats, *, stop: Callable[[], bool]) -> Iterator[BesideRoot]:
    """Fits of sums beside the root of another, small ones first.

    Parameters
    ----------
    rows : Rows
        Scaled to sizes near 1.
    weights : ndarray of shape (N,)
        Of the rows; the errors of the targets are in inverse proportion.
    stop : callable
        Asked before each question.

    Yields
    ------
    BesideRoot
    """
    n = rows.X.shape[1]
    most = min(MOST_MONOMIALS, len(rows) // ROWS_PER_MONOMIAL)
    for inside, outside in itertools.product(INSIDE, OUTSIDE):
        if stop():
            return
        if math.comb(n + outside, n) + math.comb(n + inside, n) > most:
            continue
        question = BesideRoot(rows, weights, outside, inside)
        with np.errstate(all="ignore"):
            for places, coefficients in question.starts():
                trial = copy(question)
                if trial.fit_from(places, coefficients):
                    yield trial


def _weight_of(root: Floats) -> Floats:
    """An error of y is one of 2 * root in the square of the root."""
    size = np.abs(root)
    return np.asarray(1 / np.maximum(size, max(CLOSE_TO_ROOT * float(np.median(size)), 1e-300)))


def _gain(columns: Floats, span: Floats, left: Floats) -> float:
    """Share of what is left that the columns explain beside the span."""
    size = np.linalg.norm(columns, axis=0)
    beside = columns - span @ (span.T @ columns)
    new = beside[:, np.linalg.norm(beside, axis=0) > CLEARLY_NEW * size]
    explained = new @ least_squares(new, left) if new.shape[1] else np.zeros(len(left))
    return float(explained @ explained)
