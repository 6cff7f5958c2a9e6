"""Which monomials, beside which powers of the target, are asked to be dependent."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction
from typing import Self

import numpy as np
from numpy.typing import NDArray

from nalu_cli.numerics.monomials import (
    exponents_each_up_to,
    exponents_up_to,
    monomial_values,
    powers_up_to,
    rooted_columns,
)
from nalu_cli.rows import Rows

__all__ = ["MOST_DEGREE", "Family", "Ground", "Question", "questions"]

Floats = NDArray[np.float64]

MOST_DEGREE = 14
MOST_EACH = 2
"""Largest power of each column, where all products of these are in the question."""

MOST_TWICE = 300
"""Columns of questions in which two columns of the table have powers up to the double one."""

AMPLE = 50
"""With more rows than this for each column, sums of powers are not asked for by themselves."""

POWERS = tuple(tuple(Fraction(k) for k in powers) for powers in ((0, 1), (0, 2), (0, 1, 2)))
ROOT_POWERS = ((Fraction(0), Fraction(1, 2)),)
"""Powers of the target in one question: quotients, their roots, roots beside a sum, and squares."""

MOST_GROUND, SPARE_ROWS = 12, 40
"""Columns of which monomials of second degree are held against one another, and rows for it."""

DEPENDENT = 3e-13
"""Share of a monomial off the span of simpler ones below which it is one of their sums."""


class Family(StrEnum):
    """Which monomials of several columns there are in a question."""

    DEGREE = "up to a degree"
    EACH = "each column up to a power"
    ALONE = "powers of each column alone"


@dataclass(frozen=True, slots=True)
class Question:
    """Which monomials of the columns times powers of the target are asked to be dependent.

    Parameters
    ----------
    degree : int
        Largest degree of a monomial beside the target's lowest power.
    weight : int
        What one step of the target's power takes off that degree.
    powers : tuple of Fraction
        Powers of the target, ascending from 0.
    roots : bool
        Monomials of the square roots of the columns that are never negative instead.
    family : Family
        What the degree is of.
    twice : tuple of int
        Of a family with a degree for each column those with the double one.
    """

    degree: int
    weight: int
    powers: tuple[Fraction, ...]
    roots: bool
    family: Family
    twice: tuple[int, ...] = ()

    def degrees(self) -> tuple[int, ...]:
        """The largest degree beside each power of the target."""
        return tuple(self.degree - self.weight * k for k in range(len(self.powers)))

    def size(self, n: int) -> int:
        """Number of columns of the question, as long as those of the table are independent."""
        return sum(self._count(n, degree) for degree in self.degrees())

    def exponents(self, n: int, degree: int) -> tuple[tuple[int, ...], ...]:
        """Of the monomials of n columns beside one power of the target, lower degrees first."""
        match self.family:
            case Family.DEGREE:
                return exponents_up_to(n, degree)
            case Family.EACH:
                return exponents_each_up_to(self._each(n, degree))
            case Family.ALONE:
                return powers_up_to(n, degree)

    def _count(self, n: int, degree: int) -> int:
        match self.family:
            case Family.DEGREE:
                return math.comb(n + degree, degree)
            case Family.EACH:
                return math.prod(power + 1 for power in self._each(n, degree))
            case Family.ALONE:
                return 1 + n * degree

    def _each(self, n: int, degree: int) -> tuple[int, ...]:
        return tuple(degree * (1 + (j in self.twice)) for j in range(n))


@dataclass(frozen=True, slots=True)
class Ground:
    """The columns that monomials are made of.

    Parameters
    ----------
    X : ndarray of shape (N, n_columns)
        Their values, or the square roots of those that are never negative.
    units : tuple of Fraction
        The power of a column that each of these is.
    dependent : tuple of tuple of int
        Exponents of monomials that are sums of simpler ones, such as the square of a column that
        is the root of a product of two others; no multiple of them is asked about.
    """

    X: Floats
    units: tuple[Fraction, ...]
    dependent: tuple[tuple[int, ...], ...]

    @classmethod
    def of(cls, X: Floats, *, roots: bool) -> Self:
        """From a table's columns."""
        values, units = rooted_columns(X) if roots else (X, (Fraction(1),) * X.shape[1])
        return cls(values, units, _dependent_monomials(values))

    def exponents(self, question: Question, degree: int) -> tuple[tuple[int, ...], ...]:
        """Of the monomials of a question beside one power of the target, lower degrees first."""
        found = question.exponents(len(self.units), degree)
        if not self.dependent:
            return found
        return tuple(e for e in found if not any(_divides(d, e) for d in self.dependent))


def _divides(divisor: tuple[int, ...], exponents: tuple[int, ...]) -> bool:
    return all(d <= e for d, e in zip(divisor, exponents, strict=True))


def _dependent_monomials(X: Floats) -> tuple[tuple[int, ...], ...]:
    """The simplest monomials up to the second degree that are sums of those before them."""
    n = X.shape[1]
    exponents = exponents_up_to(n, 2) if n <= MOST_GROUND else ()
    if len(X) < len(exponents) + SPARE_ROWS or not exponents:
        return ()
    A = monomial_values(X[: 2 * len(exponents) + SPARE_ROWS], exponents)
    size = np.linalg.norm(A, axis=0)
    off = np.abs(np.diag(np.linalg.qr(A / np.where(size > 0, size, 1.0), mode="r")))
    off[size == 0] = 1.0  # zero on these rows, not on all
    found: list[tuple[int, ...]] = []
    for k in np.flatnonzero(off < DEPENDENT):
        if not any(_divides(d, exponents[k]) for d in found):
            found.append(exponents[k])
    return tuple(found)


def questions(rows: Rows, least_columns: int, most_columns: int) -> list[Question]:
    """All questions that the rows can answer, smallest first.

    Parameters
    ----------
    rows : Rows
    least_columns, most_columns : int
        Sizes of the questions: more than the first, at most the second.
    """
    n = rows.X.shape[1]
    limit = min(most_columns, len(rows) - max(3, len(rows) // 20))
    rootable = [False, True] if (rows.X >= 0).all(axis=0).any() else [False]
    asked = POWERS + ROOT_POWERS if bool((rows.y >= 0).all()) else POWERS
    families = [Family.DEGREE]
    if n > 1:
        families += [Family.EACH] if len(rows) > AMPLE * n else [Family.EACH, Family.ALONE]
    found = set()
    for degree, powers in itertools.product(range(MOST_DEGREE + 1), asked):
        weights = {0, 1, 2, -1, -2, degree // (len(powers) - 1)}
        for weight, roots, family in itertools.product(weights, rootable, families):
            question = Question(degree, weight, powers, roots, family)
            sensible = min(question.degrees()) >= 0 and max(question.degrees()) > 0
            if family is Family.EACH:
                # a formula that has each column once: both sums have all of their products
                sensible = weight == 0 and 0 < degree <= MOST_EACH
            for asked_too in _with_doubles(question, n) if sensible else ():
                if least_columns < asked_too.size(n) <= limit:
                    found.add(asked_too)
    return sorted(
        found, key=lambda q: (q.size(n) + 5 * q.roots, q.degree, q.weight, q.powers, q.twice)
    )


def _with_doubles(question: Question, n: int) -> Iterator[Question]:
    """The question, and where each column is up to its first power, with one or two doubled."""
    yield question
    if question.family is Family.EACH and question.degree == 1:
        for count in (1, 2):
            for twice in itertools.combinations(range(n), count) if n > count else ():
                doubled = replace(question, twice=twice)
                if count == 1 or doubled.size(n) <= MOST_TWICE:
                    yield doubled
