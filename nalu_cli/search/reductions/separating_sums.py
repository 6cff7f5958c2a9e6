"""Linear classifiers: sums of few monomials with the sign of a product of columns on all rows."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nalu_cli.expression.canonical import monomial, total
from nalu_cli.expression.tree import Node
from nalu_cli.numerics.monomials import exponents_up_to, monomial_values, polynomial_values
from nalu_cli.numerics.selection import backward_path
from nalu_cli.problem.scaling import Scale
from nalu_cli.rows import Rows

__all__ = [
    "FEWEST_ROWS",
    "Terms",
    "columns_of_both_signs",
    "signed_sums",
    "sum_node",
    "sum_values",
]

Floats = NDArray[np.float64]

Terms = tuple[tuple[float, tuple[int, ...]], ...]
"""Coefficients and exponents of the monomials of a sum."""

FEWEST_ROWS = 100
"""*Guess:* with fewer rows a sum that never changes sign may be chance."""

MOST_COLUMNS = {1: 12, 2: 8}
"""*Guess:* for each degree of the monomials, columns of a table at most in which sums are looked
for."""

MOST_TERMS = 6
"""*Guess:* terms at most of a sum that stands under a root."""

EXPLAINED = 0.3
"""*Guess:* share of the variance of the signs that a linear fit must explain before a classifier is
fitted; of the signs of a sum it explains more than half."""

STEPS = 8
"""*Guess:* Newton steps of a logistic fit for each of its penalties; each begins where the last one
ended."""

RIDGES = (1e-2, 1e-4, 1e-6, 1e-8)
"""*Guess:* penalties of the weights of a logistic fit: without one the weights of a classifier that
is never wrong grow for ever."""

LARGEST = 500.0
"""*Derived:* largest exponent of a logistic function: exp(500) is finite in doubles, exp(710) is
not."""

WHOLE = (1, 2, 3)
"""*Guess:* largest coefficient of a sum, when all may be whole numbers."""


def signed_sums(rows: Rows, most_others: int) -> Iterator[tuple[Terms, tuple[int, ...]]]:
    """Sums whose sign is that of a product of few columns, on every row.

    Parameters
    ----------
    rows : Rows
        Only the columns matter.
    most_others : int
        Columns of both signs at most that the sum is compared with.

    Yields
    ------
    tuple of (Terms, tuple of int)
        A sum, of whole numbers if some will do, and the columns whose product has its sign, fewest
        first; nothing where rows are too few, columns too many, or a column is zero on a row.
    """
    X = rows.X
    if len(rows) < FEWEST_ROWS or not X.all():
        return
    both = columns_of_both_signs(X)
    size = Scale.of(rows).columns
    for degree in (degree for degree, most in MOST_COLUMNS.items() if X.shape[1] <= most):
        exponents = exponents_up_to(X.shape[1], degree)
        values = monomial_values(X / size, exponents)
        sizes = np.prod(size ** np.array(exponents), axis=1)
        for count in range(most_others + 1):
            for others in itertools.combinations(both, count):
                signs = np.prod(np.sign(X[:, others]), axis=1)
                found = _sum(values, signs)
                if found is not None:
                    w = _simple(values * sizes, signs, found / sizes)
                    yield tuple((float(w[k]), exponents[k]) for k in np.flatnonzero(w)), others


def sum_node(terms: Terms) -> Node:
    """The sum as a tree."""
    offset = sum(c for c, e in terms if not any(e))
    return total([(c, monomial(e)) for c, e in terms if any(e)], offset)


def sum_values(terms: Terms, X: Floats) -> Floats:
    """The sum on rows X, (N, n_columns): (N,)."""
    return polynomial_values(((e, c) for c, e in terms), X)


def columns_of_both_signs(X: Floats) -> list[int]:
    """Columns of X, (N, n_columns), that are positive on some rows and negative on others."""
    return [int(j) for j in np.flatnonzero((X > 0).any(axis=0) & (X < 0).any(axis=0))]


def _sum(values: Floats, signs: Floats) -> Floats | None:
    """The sum of monomials with a given sign on every row; None where there is none."""
    A = values * signs[:, None]
    # what has the sign by itself would explain everything
    usable = np.flatnonzero((A > 0).any(axis=0) & (A < 0).any(axis=0))
    if not len(usable):
        return None
    w, *_ = np.linalg.lstsq(A[:, usable], np.ones(len(A)), rcond=None)
    if 1 - np.mean((1 - A[:, usable] @ w) ** 2) < EXPLAINED:
        return None
    found = _separating(A, usable)
    return found if found is not None and np.count_nonzero(found) <= MOST_TERMS else None


@dataclass(frozen=True, slots=True)
class _Classifier:
    """Weights, (K,), of columns whose sum is positive on every row, and what each contributes."""

    weights: Floats
    worths: Floats

    @classmethod
    def of(cls, A: Floats) -> _Classifier | None:
        """By logistic regression with ever smaller penalties; None where rows are on both sides."""
        w: Floats = np.asarray(np.linalg.lstsq(A, np.ones(len(A)), rcond=None)[0])
        for ridge in RIDGES:
            for _ in range(STEPS):
                p = 1 / (1 + np.exp(np.clip(A @ w, -LARGEST, LARGEST)))
                H = (A * (p * (1 - p))[:, None]).T @ A + ridge * np.eye(A.shape[1])
                w = w + np.linalg.solve(H, A.T @ p - ridge * w)
        if not bool((A @ w > 0).all()):
            return None
        return cls(w, np.abs(w) * np.abs(A).mean(axis=0))


def _separating(A: Floats, usable: NDArray[np.intp]) -> Floats | None:
    """A sparse w with ``A @ w > 0`` on every row, by backward elimination; None without any."""
    best: Floats | None = None
    for kept, classifier in backward_path(usable, lambda kept: _Classifier.of(A[:, kept])):
        best = np.zeros(A.shape[1])
        best[kept] = classifier.weights
    return best


def _simple(values: Floats, signs: Floats, w: Floats) -> Floats:
    """Whole numbers with the same sign on every row, if there are some close by."""
    w = w / np.max(np.abs(w))
    whole = (np.round(w * most) for most in WHOLE)
    return next((u for u in whole if bool((signs * (values @ u) > 0).all())), w)
