"""Stage 3: roots that the rows give away, because there are none where a root has no value."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from nalu_cli.expression import expression_of, monomial, product, total
from nalu_cli.factors import Factored, pull_out
from nalu_cli.monomials import exponents_up_to, monomial_values
from nalu_cli.problem import Problem, Rows
from nalu_cli.scale import Scale
from nalu_cli.tree import Column, Magnitude, Node, Product, Sum
from nalu_cli.workbench import Found

__all__ = ["Root", "Rooted", "rooted", "roots_of"]

Floats = NDArray[np.float64]
Exponents = tuple[int, ...]

FEWEST_ROWS = 100
"""With fewer a sum that never changes sign is chance."""

MOST_COLUMNS = {1: 12, 2: 8}
"""Of tables where sums of monomials of each degree are looked for."""

MOST_TERMS = 6
MOST_SIGNS = 4
"""Columns of both signs under a root beside a sum."""

EXPLAINED = 0.3
"""Share of the signs that a plain least squares fit must explain before more is tried."""

STEPS, RIDGES, LARGEST = 8, (1e-2, 1e-4, 1e-6, 1e-8), 500.0
"""Newton steps of a logistic fit for each of its penalties, and the largest exponent."""

WHOLE = (1, 2, 3)
"""Largest coefficient, when all may be whole numbers."""

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

    terms: tuple[tuple[float, Exponents], ...]
    signs: tuple[int, ...]
    over: bool

    @property
    def column(self) -> int:
        """Which column the root is where it is one more."""
        return len(self.terms[0][1])

    @property
    def inside(self) -> Node:
        """What stands under the root, as a tree."""
        terms = [(c, monomial(m)) for c, m in self.terms if any(m)]
        offset = sum(c for c, m in self.terms if not any(m))
        power = -ONE if self.over else ONE
        beside = [(Column(j), power) for j in self.signs]
        return product([(total(terms, offset), ONE), *beside])

    def values(self, X: Floats) -> Floats:
        """The root on some rows: (N,), NaN where there is none."""
        with np.errstate(all="ignore"):
            inside = sum(c * np.prod(X ** np.array(m), axis=1) for c, m in self.terms)
            beside = np.prod(X[:, self.signs], axis=1)
            return np.asarray(np.sqrt(inside / beside if self.over else inside * beside))


@dataclass(frozen=True, slots=True)
class Rooted:
    """The question with a root as one more column, and factors pulled out of that.

    Parameters
    ----------
    root : Root
    problem : Problem
        What is asked.
    factored : Factored or None
        Where its target was divided by factors.
    """

    root: Root
    problem: Problem
    factored: Factored | None = None

    @property
    def sizes(self) -> Floats | None:
        """Of the factors, on the training rows."""
        return None if self.factored is None else self.factored.sizes

    @property
    def said(self) -> str:
        """What its rungs are called beside their names."""
        return "with a root" if self.factored is None else "times factors with a root"

    def lift(self, found: Found) -> Found:
        """What was found, in the columns there are.

        Raises
        ------
        ValueError
            If an exponent becomes too large.
        """
        from nalu_cli.simplify.layering import circuit_of  # sympy takes a third of a second

        if self.factored is not None:
            found = self.factored.lift(found)
        tree = _with_root(expression_of(found.circuit), self.root)
        return Found(circuit_of(tree, self.root.column), (), found.restarts)


def rooted(problem: Problem) -> tuple[Rooted, ...]:
    """Questions with roots as columns, where the rows give some away.

    Parameters
    ----------
    problem : Problem
    """
    found: list[Rooted] = []
    for root in roots_of(problem):
        asked = _with_column(problem, root)
        if asked is not None:
            found += [Rooted(root, part.problem, part) for part in pull_out(asked)]
            found.append(Rooted(root, asked))
    return tuple(found)


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
    X = rows.X
    both = np.flatnonzero((X > 0).any(axis=0) & (X < 0).any(axis=0))
    if not len(both) or len(X) < FEWEST_ROWS or not X.all():
        return ()
    size = Scale.of(rows).columns
    degrees = [degree for degree, most in MOST_COLUMNS.items() if X.shape[1] <= most]
    for degree, count in itertools.product(degrees, range(MOST_SIGNS + 1)):
        exponents = exponents_up_to(X.shape[1], degree)
        values = monomial_values(X / size, exponents)
        for signs in itertools.combinations(map(int, both), count):
            label = np.prod(np.sign(X[:, signs]), axis=1)
            found = _sum(values, label)
            if found is not None:
                sizes = np.prod(size ** np.array(exponents), axis=1)
                w = _simple(values * sizes, label, found / sizes)
                terms = tuple((float(w[k]), exponents[k]) for k in np.flatnonzero(w))
                return tuple(
                    Root(terms, signs, over) for over in ((False, True) if signs else (False,))
                )
    return ()


def _sum(values: Floats, label: Floats) -> Floats | None:
    """The sum of monomials with a given sign on every row; None where there is none."""
    A = values * label[:, None]
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


def _simple(values: Floats, label: Floats, w: Floats) -> Floats:
    """Whole numbers with the same sign on every row, if there are some close by."""
    w = w / np.max(np.abs(w))
    whole = (np.round(w * most) for most in WHOLE)
    return next((u for u in whole if bool((label * (values @ u) > 0).all())), w)


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
