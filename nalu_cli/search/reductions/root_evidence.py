"""Roots that the rows imply: no row lies where the root would have no value."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from nalu_cli.expression.canonical import product
from nalu_cli.expression.tree import Column, Node
from nalu_cli.numerics.monomials import exponents_up_to, monomial_values
from nalu_cli.problem import Problem
from nalu_cli.search.reductions.separating_sums import (
    FEWEST_ROWS,
    Terms,
    columns_of_both_signs,
    signed_sums,
    sum_node,
    sum_values,
)

__all__ = ["Root", "other_roots_of", "roots_of"]

Floats = NDArray[np.float64]

MOST_SIGNS = 4
"""*Guess:* columns of both signs that multiply or divide a sum under a root at most."""

MOST_COLUMNS = 8
"""*Guess:* columns of a table at most in which pairs of monomials are compared."""

MOST_DEGREE = 2
"""*Guess:* degree of the monomials of which one may be larger than another on every row."""

RATIOS = (1.0, 2.0, 3.0, 4.0, 1 / 2, 1 / 3, 1 / 4)
"""*Guess:* c in a root of a - c b, for monomials a and b, that are looked for."""

NEAREST = 0.03
"""*Guess:* share by which a/b exceeds c at most on the nearest row, for a root of a - c b."""

SHUFFLED = 0.1
"""*Guess:* share of the rows on which a - c b is negative at least once each column is shuffled by
itself: else it is positive by the ranges of the columns, and not because of a root."""

MOST_OTHERS = 4
"""*Guess:* roots at most that are made from products without a sign change and from differences."""

ONE = Fraction(1)


@dataclass(frozen=True, slots=True)
class Root:
    """The root of a sum of monomials times or over columns, positive on every row by no accident.

    Parameters
    ----------
    terms : tuple of (float, tuple of int)
        Coefficients and exponents of the monomials.
    signs : tuple of int
        Columns of both signs that multiply or divide the sum.
    over : bool
        Whether the sum is divided by these, or multiplied.
    """

    terms: Terms
    signs: tuple[int, ...]
    over: bool

    @property
    def column(self) -> int:
        """Which column the root is where it is one more."""
        return len(self.terms[0][1])

    @property
    def inside(self) -> Node:
        """What stands under the root, as a tree."""
        power = -ONE if self.over else ONE
        factors = [(Column(j), power) for j in self.signs]
        return product([(sum_node(self.terms), ONE), *factors])

    def values(self, X: Floats) -> Floats:
        """The root on some rows: (N,), NaN where there is none."""
        with np.errstate(all="ignore"):
            inside = sum_values(self.terms, X)
            factor = np.prod(X[:, self.signs], axis=1)
            return np.asarray(np.sqrt(inside / factor if self.over else inside * factor))


def roots_of(problem: Problem) -> tuple[Root, ...]:
    """Roots that explain why there are rows in one part of the space of the columns alone.

    In a table of ``y = x + sqrt(a*(b - c))`` the sign of b - c is that of a on every row. For every
    few columns of both signs a linear classifier tells the sign of their product from the columns,
    or from products of two; if it is never wrong, and by no accident, it is the sum that stands
    with them under a root.

    Parameters
    ----------
    problem : Problem

    Returns
    -------
    tuple of Root
        For the first such sum, times and over these columns.
    """
    rows = problem.all_rows()
    if not columns_of_both_signs(rows.X):
        return ()
    found = next(signed_sums(rows, MOST_SIGNS), None)
    if found is None:
        return ()
    terms, signs = found
    return tuple(Root(terms, signs, over) for over in ((False, True) if signs else (False,)))


def other_roots_of(problem: Problem) -> tuple[Root, ...]:
    """Roots of products that never change sign, and of monomials less smaller ones.

    In a table of ``y = x + sqrt(a*b)`` the columns a and b may take both signs, their product does
    not; in one of ``y = x + sqrt(c - d)`` c is larger than d on every row, also when neither is
    ever negative.

    Parameters
    ----------
    problem : Problem

    Returns
    -------
    tuple of Root
        At most a few.
    """
    X = problem.all_rows().X
    if len(X) < FEWEST_ROWS or X.shape[1] > MOST_COLUMNS or not X.all():
        return ()
    return tuple(itertools.islice(itertools.chain(_products(X), _differences(X)), MOST_OTHERS))


def _products(X: Floats) -> Iterator[Root]:
    """Of columns of both signs, fewest first."""
    both = columns_of_both_signs(X)
    found: list[set[int]] = []
    for count in range(2, MOST_SIGNS + 1):
        for chosen in itertools.combinations(both, count):
            sign = np.sign(np.prod(np.sign(X[:, chosen]), axis=1))
            if any(known <= set(chosen) for known in found) or np.any(sign != sign[0]):
                continue
            found.append(set(chosen))
            first, *others = chosen
            exponents = tuple(int(j == first) for j in range(X.shape[1]))
            terms = ((float(sign[0]), exponents),)
            yield from (Root(terms, tuple(others), over) for over in (False, True))


def _differences(X: Floats) -> Iterator[Root]:
    """Of monomials that are never negative and have no column in common."""
    exponents = exponents_up_to(X.shape[1], MOST_DEGREE)
    values = monomial_values(X, exponents)
    random = np.random.default_rng(0)
    shuffled = np.column_stack([random.permutation(column) for column in X.T])
    elsewhere = monomial_values(shuffled, exponents)
    positive = np.flatnonzero((values > 0).all(axis=0))
    for large, small in itertools.permutations(positive, 2):
        a, b = exponents[large], exponents[small]
        if any(map(min, a, b)) or max(a) == max(b) == 2:
            continue  # a factor or a square of a simpler one
        nearest = float(np.min(values[:, large] / values[:, small]))
        ratio = next((r for r in RATIOS if r <= nearest <= r * (1 + NEAREST)), None)
        if ratio is None:
            continue
        wrong = np.mean(elsewhere[:, large] < ratio * elsewhere[:, small])
        if wrong >= SHUFFLED:
            yield Root(((1.0, a), (-ratio, b)), (), over=False)
