"""Sums of few monomials with the sign of few columns on every row, by no accident."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from nalu_cli.expression.canonical import monomial, total
from nalu_cli.expression.tree import Node
from nalu_cli.numerics.monomials import exponents_up_to, monomial_values, polynomial_values
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
"""With fewer a sum that never changes sign is chance."""

MOST_COLUMNS = {1: 12, 2: 8}
"""Of tables where sums of monomials of each degree are looked for."""

MOST_TERMS = 6

EXPLAINED = 0.3
"""Share of the signs that a plain least squares fit must explain before more is tried."""

STEPS, RIDGES, LARGEST = 8, (1e-2, 1e-4, 1e-6, 1e-8), 500.0
"""Newton steps of a logistic fit for each of its penalties, and the largest exponent."""

WHOLE = (1, 2, 3)
"""Largest coefficient, when all may be whole numbers."""


def signed_sums(rows: Rows, most_beside: int) -> Iterator[tuple[Terms, tuple[int, ...]]]:
    """Sums whose sign is that of a product of few columns, on every row.

    Parameters
    ----------
    rows : Rows
        Only the columns matter.
    most_beside : int
        How many columns of both signs may stand beside the sum.

    Yields
    ------
    tuple of (Terms, tuple of int)
        A sum, of whole numbers if some will do, and the columns beside it, fewest first; nothing
        where rows are too few, columns too many, or one of them is zero.
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
        for count in range(most_beside + 1):
            for beside in itertools.combinations(both, count):
                signs = np.prod(np.sign(X[:, beside]), axis=1)
                found = _sum(values, signs)
                if found is not None:
                    w = _simple(values * sizes, signs, found / sizes)
                    yield tuple((float(w[k]), exponents[k]) for k in np.flatnonzero(w)), beside


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
    found = _separating(A, [int(k) for k in usable])
    return found if found is not None and np.count_nonzero(found) <= MOST_TERMS else None


def _separating(A: Floats, usable: list[int]) -> Floats | None:
    """A sparse w with ``A @ w > 0`` on every row; None where there is none."""
    kept = list(usable)
    best: Floats | None = None
    while kept and (found := _classified(A[:, kept])) is not None:
        best = np.zeros(A.shape[1])
        best[kept] = found
        share = np.abs(found) * np.abs(A[:, kept]).mean(axis=0)
        kept.pop(int(np.argmin(share)))
    return best


def _classified(A: Floats) -> Floats | None:
    """The direction of a logistic fit that puts every row on its side; None where none does."""
    w: Floats = np.asarray(np.linalg.lstsq(A, np.ones(len(A)), rcond=None)[0])
    for ridge in RIDGES:
        for _ in range(STEPS):
            p = 1 / (1 + np.exp(np.clip(A @ w, -LARGEST, LARGEST)))
            H = (A * (p * (1 - p))[:, None]).T @ A + ridge * np.eye(A.shape[1])
            w = w + np.linalg.solve(H, A.T @ p - ridge * w)
    return w if bool((A @ w > 0).all()) else None


def _simple(values: Floats, signs: Floats, w: Floats) -> Floats:
    """Whole numbers with the same sign on every row, if there are some close by."""
    w = w / np.max(np.abs(w))
    whole = (np.round(w * most) for most in WHOLE)
    return next((u for u in whole if bool((signs * (values @ u) > 0).all())), w)
