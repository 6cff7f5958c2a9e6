"""What a term or a factor more would gain, to first order, for all monomials at once."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from nalu_cli.expression.canonical import monomial, product, total
from nalu_cli.expression.edits import length_of, with_node
from nalu_cli.expression.fitted_tree import Spot, homes, jacobian, spots
from nalu_cli.expression.tree import Node, Sum
from nalu_cli.numerics.least_squares import basis
from nalu_cli.numerics.monomials import laurent_exponents, laurent_values
from nalu_cli.rows import Rows

__all__ = ["Proposal", "Proposer"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Twice = NDArray[np.int64]

MOST_MONOMIALS = 250
"""*Guess:* monomials with whole exponents that are tried in every place, the simplest ones."""

LARGEST_DEGREE = 4
"""*Guess:* largest degree of a monomial that is tried, exponents counted by their size."""

ALL_DEGREES = 60
"""*Guess:* so many of the simplest monomials, those with roots among them, are tried whatever their
degree."""

ONE = Fraction(1)

POWERS = tuple(map(Fraction, ("-1", "1/2", "-1/2")))
"""*Guess:* powers of a factor 1 + c m, for a monomial m, that are tried: quotients and roots."""

SIZES = (0.3, 3.0)
"""*Guess:* c that are tried in a factor 1 + c m, whose columns have sizes near 1, before a fit."""

NEAR_ZERO = 0.7
"""*Guess:* share of the 1 that a negative c takes from a factor 1 + c m where m is largest."""

CLOSE_TO_POLE = 0.05
"""*Guess:* a factor 1 + c m that comes closer to 0 on some row is not tried."""

OF_A_KIND = 3
"""*Guess:* proposals of one kind at one place of a formula."""

CLEARLY_NEW = 1e-6
"""*Guess:* share of its squared length that must be orthogonal to the slopes of all constants for a
change to be a new direction."""

ROUNDING = 1e-26
"""*Guess:* no change is predicted to lower the sum of squares below this share; its root, 1e-13, is
the rounding of a sum over rows."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A change of a formula.

    Parameters
    ----------
    score : float
        What the score of the changed formula should be.
    path : tuple of int
        Where it is changed.
    make : callable
        The new node from the old one.
    """

    score: float
    path: tuple[int, ...]
    make: Callable[[Node], Node]

    def of(self, tree: Node) -> Node:
        """The changed formula."""
        return with_node(tree, self.path, self.make)


class Proposer:
    """Ranks changes of a formula by what they would explain of the residuals on some rows.

    As in cascade correlation (Fahlman and Lebiere, NeurIPS 1989), what is added is chosen by how
    well it correlates with the residuals; here at every place of a formula, through the slopes at
    that place.

    Parameters
    ----------
    rows : Rows
        Scaled to sizes near 1.
    weights : ndarray of shape (N,)
    inverses, roots : ndarray of shape (n_columns,)
        Which columns may have negative and half exponents.
    """

    def __init__(self, rows: Rows, weights: Floats, *, inverses: Bools, roots: Bools) -> None:
        self.X, self.y, self.weights = rows.X, rows.y, weights
        exponents = _exponents(inverses, roots)
        self.monomials = [monomial(Fraction(int(e), 2) for e in twice) for twice in exponents]
        self.lengths = np.array([length_of(m) for m in self.monomials])
        self.values = laurent_values(rows.X, exponents)
        self.brackets = list(_brackets(self.values))
        self.symbol = math.log(max(len(rows), 2))

    def proposals(self, tree: Node) -> list[Proposal]:
        """The most promising changes of a formula with fitted constants, best first."""
        root = spots(tree, self.X, self.weights)
        if not np.isfinite(root.value).all():
            return []
        residual = (self.y - root.value) * self.weights
        with np.errstate(all="ignore"):
            J = jacobian(root)
        length = length_of(tree)
        found = [
            *self._terms(root, J, residual),
            *self._factors(root, J, residual),
            *self._brackets(root, J, residual),
        ]
        found = [
            Proposal(p.score + length * self.symbol, p.path, p.make)
            for p in found
            if math.isfinite(p.score)
        ]
        return sorted(found, key=lambda p: p.score)

    def _terms(self, root: Spot, J: Floats, residual: Floats) -> Iterator[Proposal]:
        """A monomial more in a sum, or added to any factor."""
        span = basis(J)
        residual = residual - span @ (span.T @ residual)
        for spot, parent in root.with_parents():
            if isinstance(parent, Sum) and not isinstance(spot.node, Sum):
                continue  # the sum itself gets the monomial
            scores, c = _fits(spot.slope[:, None] * self.values, span, residual)
            scores += (self.lengths + 2) * self.symbol
            for m in _best(scores):
                yield Proposal(scores[m], spot.path, _plus(float(c[m]), self.monomials[m]))

    def _factors(self, root: Spot, J: Floats, residual: Floats) -> Iterator[Proposal]:
        """A term times a monomial or times a power of 1 + c m, or a monomial in its place."""
        paths = homes(root.node)
        for spot, parent in root.with_parents():
            if isinstance(spot.node, Sum) or not (parent is None or isinstance(parent, Sum)):
                continue
            own = spot.slope * spot.value
            span = basis(J[:, [path[: len(spot.path)] != spot.path for path in paths]])
            target = residual + own
            target = target - span @ (span.T @ target)
            yield from self._monomials(spot, span, target)
            for power, sizes, values in self.brackets:
                scores, c = _fits(own[:, None] * values, span, target)
                scores += (self.lengths + 4) * self.symbol
                for m in _best(scores):
                    bracket = total([(float(sizes[m]), self.monomials[m])], 1.0)
                    yield Proposal(scores[m], spot.path, _times(float(c[m]), (bracket, power)))

    def _brackets(self, root: Spot, J: Floats, residual: Floats) -> Iterator[Proposal]:
        """The whole sum times a power of 1 + c m, all of which agree to first order."""
        if not isinstance(root.node, Sum):
            return
        span = basis(J)
        own = root.slope * root.value
        scores, c = _fits(own[:, None] * self.values, span, residual - span @ (span.T @ residual))
        scores += (self.lengths + 4) * self.symbol
        for m in _best(scores):
            for power in (ONE, *POWERS):
                bracket = total([(float(c[m]) / float(power), self.monomials[m])], 1.0)
                yield Proposal(scores[m], root.path, _times(1.0, (bracket, power)))

    def _monomials(self, spot: Spot, span: Floats, target: Floats) -> Iterator[Proposal]:
        """A term times a monomial, or a monomial in its place."""
        own = spot.slope * spot.value
        scores, c = _fits(own[:, None] * self.values, span, target)
        scores += self.lengths * self.symbol
        for m in _best(scores):
            factor = (self.monomials[m], ONE)
            yield Proposal(scores[m], spot.path, _times(float(c[m]), factor))
        scores, c = _fits(spot.slope[:, None] * self.values, span, target)
        for m in _best(scores):
            yield Proposal(scores[m], spot.path, _instead(float(c[m]), self.monomials[m]))


def _plus(coefficient: float, monomial: Node) -> Callable[[Node], Node]:
    return lambda node: total([(1.0, node), (coefficient, monomial)])


def _times(scale: float, factor: tuple[Node, Fraction]) -> Callable[[Node], Node]:
    return lambda node: product([factor, (node, ONE)], scale)


def _instead(scale: float, monomial: Node) -> Callable[[Node], Node]:
    return lambda _: product([(monomial, ONE)], scale)


def _fits(Z: Floats, span: Floats, target: Floats) -> tuple[Floats, Floats]:
    """For each column of Z and the span: n log of the sum of squared residuals, coefficient."""
    n = len(target)
    with np.errstate(all="ignore"):
        size = np.einsum("nm,nm->m", Z, Z)
        Z = Z - span @ (span.T @ Z)
        new = np.einsum("nm,nm->m", Z, Z)
        along = target @ Z
        c = along / new
        gain = np.where(new > CLEARLY_NEW * size, along * c, np.nan)
        whole = float(target @ target)
        scores = n * np.log(np.maximum(whole - gain, ROUNDING * whole) / n)
    return np.where(np.isfinite(scores + c) & (c != 0), scores, np.inf), c


def _best(scores: Floats) -> list[int]:
    """The few with the best scores."""
    few = np.argsort(scores, kind="stable")[:OF_A_KIND]
    return [int(m) for m in few if np.isfinite(scores[m])]


def _brackets(values: Floats) -> Iterator[tuple[Fraction, Floats, Floats]]:
    """Powers of 1 + c m for each monomial m: the power, c (M,), the values (N, M)."""
    with np.errstate(all="ignore"):
        largest = values.max(axis=0)
        negative = np.where(largest > 0, -NEAR_ZERO / largest, np.nan)
        for power in POWERS:
            for c in (*(np.full(len(largest), size) for size in SIZES), negative):
                bracket = 1 + c * values
                bracket[:, np.abs(bracket).min(axis=0) < CLOSE_TO_POLE] = np.nan
                yield power, c, bracket ** float(power)


def _exponents(inverses: Bools, roots: Bools) -> Twice:
    """Twice the exponents: whole ones up to a degree, single roots, the simplest of any kind."""
    n = len(roots)
    none = np.zeros(n, dtype=bool)
    whole = laurent_exponents(MOST_MONOMIALS, roots=none, inverses=inverses)[1:]
    whole = whole[np.abs(whole).sum(axis=1) <= 2 * LARGEST_DEGREE]
    single = np.eye(n, dtype=np.int64)[roots]
    simplest = laurent_exponents(ALL_DEGREES, roots=roots, inverses=inverses)[1:]
    every = np.concatenate([whole, single, -single, simplest])
    _, first = np.unique(every, axis=0, return_index=True)
    return every[np.sort(first)]
