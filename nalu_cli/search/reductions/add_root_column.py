"""Reduction: a root that the rows imply, as one more column."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial

import numpy as np
from numpy.typing import NDArray

from nalu_cli.expression.canonical import expression_of, product, total
from nalu_cli.expression.to_circuit import circuit_of
from nalu_cli.expression.tree import Column, Magnitude, Node, Product, Sum
from nalu_cli.problem import Problem
from nalu_cli.rows import Rows
from nalu_cli.search.candidate import Candidate
from nalu_cli.search.reductions.reduction import Reducer
from nalu_cli.search.reductions.root_evidence import Root, other_roots_of, roots_of
from nalu_cli.search.strategy import Example

__all__ = ["ADD_IMPLIED_ROOT", "ADD_ROOT_OF_SIGNS", "WithRootColumn"]

Floats = NDArray[np.float64]

NAME = "root"

ONE, HALF = Fraction(1), Fraction(1, 2)


@dataclass(frozen=True, slots=True)
class WithRootColumn:
    """The problem with a root as one more column.

    Parameters
    ----------
    root : Root
    problem : Problem
    """

    root: Root
    problem: Problem

    name = "with a root"

    def lift(self, found: Candidate) -> Candidate:
        """What was found, in the columns there are.

        Raises
        ------
        ValueError
            If an exponent becomes too large.
        """
        tree = _with_root(expression_of(found.circuit), self.root)
        return Candidate(circuit_of(tree, self.root.column), (), found.restarts)


def _reduced(
    roots: Callable[[Problem], tuple[Root, ...]], problem: Problem
) -> tuple[WithRootColumn, ...]:
    """The problem with each root as a column, but for those without a value on some row."""
    ways = (WithRootColumn(root, _with_column(problem, root)) for root in roots(problem))
    return tuple(way for way in ways if np.isfinite(way.problem.all_rows().X).all())


def _with_column(problem: Problem, root: Root) -> Problem:
    changed = problem.with_rows(
        lambda rows: Rows(np.column_stack([rows.X, root.values(rows.X)]), rows.y)
    )
    return replace(changed, names=(*problem.names, NAME))


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


def _added_to_a_root(inside: list[tuple[Node, Fraction]], n: int) -> Example:
    """The last column plus the root of a product; rows where it has no value are dropped."""
    root = product([(product(inside), HALF)])
    tree = total([(1.0, Column(n - 1)), (1.0, root)], 0.0)
    return Example(circuit_of(tree, n), low=-3.0)


ADD_ROOT_OF_SIGNS = Reducer(
    name="with a root",
    summary="a column more, such as sqrt(a*(b - c)), whose sign tells in which rows there are data",
    reduce=partial(_reduced, roots_of),
    example=_added_to_a_root(
        [(Column(0), ONE), (total([(1.0, Column(1)), (-1.0, Column(2))], 0.0), ONE)], 4
    ),
)

ADD_IMPLIED_ROOT = Reducer(
    name="with a root",
    summary="a column more, such as sqrt(a*b) or sqrt(a - b), that has a value on every row",
    reduce=partial(_reduced, other_roots_of),
    example=_added_to_a_root([(Column(0), ONE), (Column(1), ONE)], 3),
)
