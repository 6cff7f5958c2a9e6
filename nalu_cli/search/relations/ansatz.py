"""Ansatzes: which monomials, times which powers of the target, may be linearly dependent."""

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

__all__ = ["MOST_DEGREE", "Ansatz", "Basis", "Variables", "ansatzes"]

Floats = NDArray[np.float64]

MOST_DEGREE = 14
"""Largest degree of a monomial in an ansatz. *Guess:* monomials of a higher degree resemble one
another to rounding."""

MOST_EACH = 2
"""Largest power of each column in a tensor-product basis. *Guess:* with three, five columns alone
have 1024 monomials."""

MOST_DOUBLED = 300
"""Largest number of monomials in an ansatz where two columns have twice the degree of the others.
*Guess:* there is one such ansatz for every pair of columns, so that each must be cheap."""

AMPLE = 50
"""Number of rows for each column beyond which additive bases are left out. *Guess:* with so many
rows the bases that contain them are affordable."""

POWERS = tuple(tuple(Fraction(k) for k in powers) for powers in ((0, 1), (0, 2), (0, 1, 2)))
"""Powers of the target that appear together in an ansatz. *Derived:* solved for the target they are
quotients, roots of quotients, and the roots of a quadratic equation."""

ROOT_POWERS = ((Fraction(0), Fraction(1, 2)),)
"""The same for targets that are never negative. *Derived:* solved for the target it is the square
of a quotient."""

MOST_VARIABLES = 12
"""Number of columns up to which the monomials of second degree are tested for dependence. *Guess:*
twelve columns have 91 of them, and the test takes milliseconds."""

SPARE_ROWS = 40
"""Rows beyond the number of monomials that a test for dependence takes. *Guess:* forty equations
too many do not hold by chance."""

DEPENDENT = 3e-13
"""Share of a monomial orthogonal to simpler ones below which it is a combination of them.
*Derived:* 1350 EPS: the rounding of a hundred columns of length 1 adds up to less."""


class Basis(StrEnum):
    """Which monomials of several columns a degree allows."""

    TOTAL_DEGREE = "total degree"
    TENSOR_PRODUCT = "degree in each column"
    ADDITIVE = "powers of single columns"


@dataclass(frozen=True, slots=True)
class Ansatz:
    """Monomials of the columns times powers of the target, among which a null vector is sought.

    Parameters
    ----------
    degree : int
        Largest degree of a monomial that the lowest power of the target is multiplied by.
    target_degree : int
        By how much that degree falls from one power of the target to the next.
    powers : tuple of Fraction
        Powers of the target, ascending from 0.
    roots : bool
        Whether monomials are made of the square roots of columns that are never negative.
    basis : Basis
    doubled : tuple of int
        Columns of a tensor-product basis with twice the degree.
    """

    degree: int
    target_degree: int
    powers: tuple[Fraction, ...]
    roots: bool
    basis: Basis
    doubled: tuple[int, ...] = ()

    def degrees(self) -> tuple[int, ...]:
        """The largest degree of a monomial for each power of the target."""
        return tuple(self.degree - self.target_degree * k for k in range(len(self.powers)))

    def size(self, n: int) -> int:
        """Number of monomials times powers, as long as n columns are independent."""
        return sum(self._count(n, degree) for degree in self.degrees())

    def exponents(self, n: int, degree: int) -> tuple[tuple[int, ...], ...]:
        """Exponents of the monomials of n columns for one power of the target, by degree."""
        match self.basis:
            case Basis.TOTAL_DEGREE:
                return exponents_up_to(n, degree)
            case Basis.TENSOR_PRODUCT:
                return exponents_each_up_to(self._each(n, degree))
            case Basis.ADDITIVE:
                return powers_up_to(n, degree)

    def _count(self, n: int, degree: int) -> int:
        match self.basis:
            case Basis.TOTAL_DEGREE:
                return math.comb(n + degree, degree)
            case Basis.TENSOR_PRODUCT:
                return math.prod(power + 1 for power in self._each(n, degree))
            case Basis.ADDITIVE:
                return 1 + n * degree

    def _each(self, n: int, degree: int) -> tuple[int, ...]:
        return tuple(degree * (1 + (j in self.doubled)) for j in range(n))


@dataclass(frozen=True, slots=True)
class Variables:
    """The variables that monomials are made of: columns, or square roots of columns.

    Parameters
    ----------
    X : ndarray of shape (N, n_columns)
        Their values.
    units : tuple of Fraction
        The power of its column that each variable is.
    dependent : tuple of tuple of int
        Exponents of monomials that are combinations of simpler ones, such as the square of a column
        that is the root of a product of two others; their multiples are left out of every ansatz.
    """

    X: Floats
    units: tuple[Fraction, ...]
    dependent: tuple[tuple[int, ...], ...]

    @classmethod
    def of(cls, X: Floats, *, roots: bool) -> Self:
        """From the columns of a table."""
        values, units = rooted_columns(X) if roots else (X, (Fraction(1),) * X.shape[1])
        return cls(values, units, _dependent_monomials(values))

    def exponents(self, ansatz: Ansatz, degree: int) -> tuple[tuple[int, ...], ...]:
        """Exponents of the independent monomials for one power of the target, by degree."""
        found = ansatz.exponents(len(self.units), degree)
        if not self.dependent:
            return found
        return tuple(e for e in found if not any(_divides(d, e) for d in self.dependent))


def _divides(divisor: tuple[int, ...], exponents: tuple[int, ...]) -> bool:
    return all(d <= e for d, e in zip(divisor, exponents, strict=True))


def _dependent_monomials(X: Floats) -> tuple[tuple[int, ...], ...]:
    """The simplest monomials up to the second degree that are combinations of those before them."""
    n = X.shape[1]
    exponents = exponents_up_to(n, 2) if n <= MOST_VARIABLES else ()
    if len(X) < len(exponents) + SPARE_ROWS or not exponents:
        return ()
    A = monomial_values(X[: 2 * len(exponents) + SPARE_ROWS], exponents)
    size = np.linalg.norm(A, axis=0)
    orthogonal = np.abs(np.diag(np.linalg.qr(A / np.where(size > 0, size, 1.0), mode="r")))
    orthogonal[size == 0] = 1.0  # zero on these rows, not on all
    found: list[tuple[int, ...]] = []
    for k in np.flatnonzero(orthogonal < DEPENDENT):
        if not any(_divides(d, exponents[k]) for d in found):
            found.append(exponents[k])
    return tuple(found)


def ansatzes(rows: Rows, least_columns: int, most_columns: int) -> list[Ansatz]:
    """All ansatzes for which there are enough rows, smallest first.

    Parameters
    ----------
    rows : Rows
    least_columns, most_columns : int
        Bounds on their sizes: larger than the first, at most the second.
    """
    n = rows.X.shape[1]
    limit = min(most_columns, len(rows) - max(3, len(rows) // 20))
    rootable = [False, True] if (rows.X >= 0).all(axis=0).any() else [False]
    target_powers = POWERS + ROOT_POWERS if bool((rows.y >= 0).all()) else POWERS
    bases = [Basis.TOTAL_DEGREE]
    if n > 1:
        bases += [Basis.TENSOR_PRODUCT]
        bases += [] if len(rows) > AMPLE * n else [Basis.ADDITIVE]
    found: dict[Ansatz, None] = {}  # those of equal size keep this order
    for degree, powers in itertools.product(range(MOST_DEGREE + 1), target_powers):
        steps = {0, 1, 2, -1, -2, degree // (len(powers) - 1)}
        for step, roots, basis in itertools.product(steps, rootable, bases):
            ansatz = Ansatz(degree, step, powers, roots, basis)
            for variant in _with_doubled(ansatz, n) if _is_sensible(ansatz) else ():
                if least_columns < variant.size(n) <= limit:
                    found[variant] = None
    return sorted(
        found,
        key=lambda a: (a.size(n) + 5 * a.roots, a.degree, a.target_degree, a.powers, a.doubled),
    )


def _is_sensible(ansatz: Ansatz) -> bool:
    if ansatz.basis is Basis.TENSOR_PRODUCT:
        # for formulas that have each column once: numerator and denominator have the same monomials
        return ansatz.target_degree == 0 and 0 < ansatz.degree <= MOST_EACH
    return min(ansatz.degrees()) >= 0 and max(ansatz.degrees()) > 0


def _with_doubled(ansatz: Ansatz, n: int) -> Iterator[Ansatz]:
    """The ansatz and, where each column has degree 1, the same with one or two columns doubled."""
    yield ansatz
    if ansatz.basis is Basis.TENSOR_PRODUCT and ansatz.degree == 1:
        for count in (1, 2):
            for columns in itertools.combinations(range(n), count) if n > count else ():
                doubled = replace(ansatz, doubled=columns)
                if count == 1 or doubled.size(n) <= MOST_DOUBLED:
                    yield doubled
