"""Monomials of the columns, simple ones first, and their values on rows."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from fractions import Fraction
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "exponents_each_up_to",
    "exponents_up_to",
    "laurent_exponents",
    "laurent_values",
    "monomial_values",
    "polynomial_values",
    "powers_up_to",
    "rooted_columns",
]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

PRICE_OF_ONE_OVER = 1
"""*Guess:* what a negative exponent costs more than its size, in halves: quotients come soon after
products of the same degree."""

PRICE_OF_A_ROOT = 6
"""*Guess:* what a half exponent costs more than its size, in halves: as much as three columns, as
roots of monomials are rare in laws."""

LARGEST_EXPONENT = 6
"""*Guess:* largest size of an exponent in a monomial."""


@lru_cache(maxsize=64)
def exponents_up_to(n: int, degree: int) -> tuple[tuple[int, ...], ...]:
    """All monomials of n columns up to a degree, lower degrees first."""
    return tuple(
        tuple(chosen.count(j) for j in range(n))
        for total in range(degree + 1)
        for chosen in itertools.combinations_with_replacement(range(n), total)
    )


@lru_cache(maxsize=64)
def exponents_each_up_to(powers: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    """All products of powers of the columns, each up to its own, lower degrees first."""
    return tuple(sorted(itertools.product(*(range(p + 1) for p in powers)), key=sum))


@lru_cache(maxsize=64)
def powers_up_to(n: int, degree: int) -> tuple[tuple[int, ...], ...]:
    """The powers of each of n columns up to a degree, lower ones first, 1 once."""
    unit = np.eye(n, dtype=int)
    one = ((0,) * n,)
    return one + tuple(tuple(map(int, k * row)) for k in range(1, degree + 1) for row in unit)


def monomial_values(X: Floats, exponents: tuple[tuple[int, ...], ...]) -> Floats:
    """Each monomial from one of lower degree times a column: (N, M)."""
    table: dict[tuple[int, ...], Floats] = {}
    out = np.empty((len(X), len(exponents)))
    for m, e in enumerate(exponents):
        value = np.ones(len(X))
        for j in range(len(e)):
            if e[j]:
                lower = (*e[:j], e[j] - 1, *e[j + 1 :])
                value = table[lower] * X[:, j]
                break
        table[e] = value
        out[:, m] = value
    return out


def rooted_columns(X: Floats) -> tuple[Floats, tuple[Fraction, ...]]:
    """The square roots of the columns that are never negative, and the others as they are.

    Parameters
    ----------
    X : ndarray of shape (N, n_columns)

    Returns
    -------
    values : ndarray of shape (N, n_columns)
    powers : tuple of Fraction
        Of a column that each of these is.
    """
    never_negative = np.asarray((X >= 0).all(axis=0))
    powers = tuple(Fraction(1, 2) if root else Fraction(1) for root in never_negative)
    return np.where(never_negative, np.sqrt(np.abs(X)), X), powers


def polynomial_values(terms: Iterable[tuple[Sequence[int | Fraction], float]], X: Floats) -> Floats:
    """A sum of monomials, exponents and coefficient of each, on rows X, (N, n_columns): (N,)."""
    values = [c * np.prod(X ** np.array(e, dtype=np.float64), axis=1) for e, c in terms]
    return np.asarray(np.sum(values, axis=0))


def laurent_exponents(most: int, *, roots: Bools, inverses: Bools) -> NDArray[np.int64]:
    """The simplest products of whole and half powers, negative ones too, of some columns.

    Parameters
    ----------
    most : int
        How many at most.
    roots, inverses : ndarray of shape (n_columns,)
        Which columns may have half exponents and which negative ones.

    Returns
    -------
    ndarray of shape (n_monomials, n_columns)
        Twice the exponents; 1 is the first monomial.
    """
    # of the columns so far, the monomials of each price
    levels = [np.zeros((1, 0), dtype=np.int64)]
    for root, inverse in zip(roots, inverses, strict=True):
        levels = _one_more_column(levels, most, root=bool(root), inverse=bool(inverse))
    return np.concatenate(levels)[:most]


def laurent_values(X: Floats, twice: NDArray[np.int64]) -> Floats:
    """Products of whole and half powers of the columns.

    Parameters
    ----------
    X : ndarray of shape (N, n_columns)
    twice : ndarray of shape (n_monomials, n_columns)
        Twice the exponents.

    Returns
    -------
    ndarray of shape (N, n_monomials)
        Not finite where a power does not exist.
    """
    values = np.ones((len(X), len(twice)))
    with np.errstate(all="ignore"):
        for exponents, column in zip(twice.T, X.T, strict=True):
            for power in np.unique(exponents[exponents != 0]):
                values[:, exponents == power] *= (column ** (power / 2))[:, None]
    return values


def _one_more_column(
    levels: list[NDArray[np.int64]], most: int, *, root: bool, inverse: bool
) -> list[NDArray[np.int64]]:
    """The monomials of each price with the powers of another column, until there are enough."""
    found: list[NDArray[np.int64]] = []
    for price in range(len(levels) + 2 * LARGEST_EXPONENT):
        parts = [
            np.insert(levels[price - cost], levels[0].shape[1], power, axis=1)
            for power, cost in _powers(root=root, inverse=inverse)
            if 0 <= price - cost < len(levels)
        ]
        if parts:
            found.append(np.concatenate(parts))
        if sum(map(len, found)) >= most:
            break
    return found


def _powers(*, root: bool, inverse: bool) -> list[tuple[int, int]]:
    """Twice each exponent and its price in halves."""
    twice = range(-2 * LARGEST_EXPONENT, 2 * LARGEST_EXPONENT + 1)
    return [
        (k, abs(k) + PRICE_OF_ONE_OVER * (k < 0) + PRICE_OF_A_ROOT * (k % 2))
        for k in sorted(twice, key=abs)
        if (k >= 0 or inverse) and (k % 2 == 0 or root)
    ]
