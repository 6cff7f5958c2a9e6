"""Stage 3: roots that the rows give away, because there are none where a root has no value."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from nalu_cli.expression import expression_of, product, total
from nalu_cli.problem import Problem, Rows
from nalu_cli.separating import Terms, signed_sums, sum_node, sum_values
from nalu_cli.tree import Column, Magnitude, Node, Product, Sum
from nalu_cli.workbench import Found

__all__ = ["Root", "Rooted", "rooted", "roots_of"]

Floats = NDArray[np.float64]

MOST_SIGNS = 4
"""Columns of both signs under a root beside a sum."""

NAME = "root"

ONE, HALF = Fraction(1), Fraction(1, 2)


@dataclass(frozen=True, slots=True)
class Root:
    """The root of a sum of monomials times or over columns, positive on every row by no accident.

    Parameters
    ----------
    terms : tuple of (float, tuple of int)
        Coefficients and exponents of the monomials.
    signs : tuple of int
        Columns of both signs that stand beside the sum.
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
        beside = [(Column(j), power) for j in self.signs]
        return product([(sum_node(self.terms), ONE), *beside])

    def values(self, X: Floats) -> Floats:
        """The root on some rows: (N,), NaN where there is none."""
        with np.errstate(all="ignore"):
            inside = sum_values(self.terms, X)
            beside = np.prod(X[:, self.signs], axis=1)
            return np.asarray(np.sqrt(inside / beside if self.over else inside * beside))


@dataclass(frozen=True, slots=True)
class Rooted:
    """The question with a root as one more column.

    Parameters
    ----------
    root : Root
    problem : Problem
        What is asked.
    """

    root: Root
    problem: Problem

    sizes = None
    said = "with a root"

    def lift(self, found: Found) -> Found:
        """What was found, in the columns there are.

        Raises
        ------
        ValueError
            If an exponent becomes too large.
        """
        from nalu_cli.simplify.layering import circuit_of  # sympy takes a third of a second

        tree = _with_root(expression_of(found.circuit), self.root)
        return Found(circuit_of(tree, self.root.column), (), found.restarts)


def rooted(problem: Problem) -> tuple[Rooted, ...]:
    """Questions with roots as columns, where the rows give some away.

    Parameters
    ----------
    problem : Problem
    """
    asked = ((root, _with_column(problem, root)) for root in roots_of(problem))
    return tuple(Rooted(root, question) for root, question in asked if question is not None)


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
        For the first such sum, times and over the columns beside it.
    """
    rows = problem.all_rows()
    if not ((rows.X > 0).any(axis=0) & (rows.X < 0).any(axis=0)).any():
        return ()
    found = next(signed_sums(rows, np.ones(len(rows)), MOST_SIGNS), None)
    if found is None:
        return ()
    terms, signs = found
    return tuple(Root(terms, signs, over) for over in ((False, True) if signs else (False,)))


def _with_column(problem: Problem, root: Root) -> Problem | None:
    """The problem with a root as one more column; None where it has no value on some row."""
    parts = [
        Rows(np.column_stack([part.X, root.values(part.X)]), part.y)
        for part in (problem.train, problem.near, problem.far)
    ]
    if not all(np.isfinite(part.X).all() for part in parts):
        return None
    train, near, far = parts
    return replace(problem, names=(*problem.names, NAME), train=train, near=near, far=far)


def _with_root(tree: Node, root: Root) -> Node:
    """The tree with a root in place of a column; its squares are what stands under it."""
    match tree:
        case Column(index) if index == root.column:
            return product([(root.inside, HALF)])
        case Sum(terms, offset):
            return total([(c, _with_root(n, root)) for c, n in terms], offset)
        case Product(factors, scale):
            powers = [
                (root.inside, e * HALF) if n == Column(root.column) else (_with_root(n, root), e)
                for n, e in factors
            ]
            return product(powers, scale)
        case Magnitude(inner):
            return Magnitude(_with_root(inner, root))
    return tree
