"""Stage 3: a sum that vanishes where the target changes its sign, divided out of the question."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from nalu_cli.expression import expression_of, product
from nalu_cli.factors import Factored, pull_out
from nalu_cli.problem import Problem, Rows
from nalu_cli.separating import Terms, separators, sum_node, sum_values
from nalu_cli.workbench import Found

__all__ = ["OverSum", "over_sum"]

Floats = NDArray[np.float64]

ONE = Fraction(1)

BOTH_SIGNS = 0.05
"""Least share of the targets that each sign has."""

MOST_SIGNS = 2
"""Columns of both signs that stand beside the sum as odd powers."""


@dataclass(frozen=True, slots=True)
class OverSum:
    """The target over a sum, as a question, and factors pulled out of that.

    Parameters
    ----------
    terms : tuple of (float, tuple of int)
        Coefficients and exponents of the monomials of the sum.
    problem : Problem
        What is asked.
    divisor : ndarray of shape (N,)
        Sizes of the sum on the training rows.
    factored : Factored or None
        Where the target was divided by factors too.
    """

    terms: Terms
    problem: Problem
    divisor: Floats
    factored: Factored | None = None

    @property
    def sizes(self) -> Floats:
        """Of the sum and the factors, on the training rows."""
        return self.divisor if self.factored is None else self.divisor * self.factored.sizes

    @property
    def said(self) -> str:
        """What its rungs are called beside their names."""
        return "times a sum" if self.factored is None else "times factors and a sum"

    def lift(self, found: Found) -> Found:
        """What was found, times the sum.

        Raises
        ------
        ValueError
            If an exponent becomes too large.
        """
        from nalu_cli.simplify.layering import circuit_of  # sympy takes a third of a second

        if self.factored is not None:
            found = self.factored.lift(found)
        tree = product([(sum_node(self.terms), ONE), (expression_of(found.circuit), ONE)])
        return Found(circuit_of(tree, len(self.terms[0][1])), (), found.restarts)


def over_sum(problem: Problem) -> Iterator[OverSum]:
    """Divide by a sum with whole numbers that changes its sign where the target does.

    In y = (a - b)*f(a, b, c, d) the signs of the targets give a - b away, whatever f is as long as
    it is positive, or has the signs of columns; what is left is a simpler question.

    Parameters
    ----------
    problem : Problem

    Yields
    ------
    OverSum
        With the factors of what is left pulled out, then without.
    """
    rows = problem.train
    shares = np.mean(rows.y > 0), np.mean(rows.y < 0)
    if min(shares) < BOTH_SIGNS or not rows.y.all() or not rows.X.all():
        return
    both = np.flatnonzero((rows.X > 0).any(axis=0) & (rows.X < 0).any(axis=0))
    for separator, count in itertools.product(separators(rows), range(MOST_SIGNS + 1)):
        for signs in itertools.combinations(map(int, both), count):
            terms = separator.terms(np.sign(rows.y) * np.prod(np.sign(rows.X[:, signs]), axis=1))
            if terms is not None and len(terms) > 1:
                if all(c == round(c) for c, _ in terms):
                    yield from _divided(problem, terms)
                return


def _divided(problem: Problem, terms: Terms) -> Iterator[OverSum]:
    def divided(rows: Rows) -> Rows:
        with np.errstate(all="ignore"):
            return Rows(rows.X, rows.y / sum_values(terms, rows.X))

    sizes = np.abs(sum_values(terms, problem.train.X))
    asked = replace(
        problem,
        train=divided(problem.train),
        near=divided(problem.near),
        far=divided(problem.far),
    )
    if not np.isfinite(asked.train.y).all():
        return
    sizes = sizes / np.median(sizes)
    for part in pull_out(asked):
        yield OverSum(terms, part.problem, sizes, part)
    yield OverSum(terms, asked, sizes)
