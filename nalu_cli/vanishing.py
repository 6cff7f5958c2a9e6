"""Stage 3: a sum that vanishes where the target changes its sign, divided out of the question."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from nalu_cli.expression import expression_of, product
from nalu_cli.problem import Problem, Rows
from nalu_cli.separating import Terms, signed_sums, sum_node, sum_values
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
    """The target over a sum, as a question.

    Parameters
    ----------
    terms : tuple of (float, tuple of int)
        Coefficients and exponents of the monomials of the sum.
    problem : Problem
        What is asked.
    sizes : ndarray of shape (N,)
        Of the sum, on the training rows.
    """

    terms: Terms
    problem: Problem
    sizes: Floats

    said = "times a sum"

    def lift(self, found: Found) -> Found:
        """What was found, times the sum.

        Raises
        ------
        ValueError
            If an exponent becomes too large.
        """
        from nalu_cli.simplify.layering import circuit_of  # sympy takes a third of a second

        tree = product([(sum_node(self.terms), ONE), (expression_of(found.circuit), ONE)])
        return Found(circuit_of(tree, len(self.terms[0][1])), (), found.restarts)


def over_sum(problem: Problem) -> OverSum | None:
    """Divide by a sum with whole numbers that changes its sign where the target does.

    In y = (a - b)*f(a, b, c, d) the signs of the targets give a - b away, whatever f is as long as
    it is positive, or has the signs of columns; what is left is a simpler question.

    Parameters
    ----------
    problem : Problem

    Returns
    -------
    OverSum or None
        None where the signs show no such sum.
    """
    y = problem.train.y
    if min(np.mean(y > 0), np.mean(y < 0)) < BOTH_SIGNS or not y.all():
        return None
    found = (terms for terms, _ in signed_sums(problem.train, np.sign(y), MOST_SIGNS))
    terms = next((terms for terms in found if len(terms) > 1), None)
    if terms is None or any(c != round(c) for c, _ in terms):
        return None
    asked = problem.with_rows(lambda rows: _divided(rows, terms))
    if not np.isfinite(asked.train.y).all():
        return None
    sizes = np.abs(y / asked.train.y)
    return OverSum(terms, asked, sizes / np.median(sizes))


def _divided(rows: Rows, terms: Terms) -> Rows:
    with np.errstate(all="ignore"):
        return Rows(rows.X, rows.y / sum_values(terms, rows.X))
