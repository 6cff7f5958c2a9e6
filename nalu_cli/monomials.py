"""Monomials of the columns up to a degree, and their values on rows."""

from __future__ import annotations

import itertools
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

__all__ = ["exponents_up_to", "monomial_values"]

Floats = NDArray[np.float64]


@lru_cache(maxsize=64)
def exponents_up_to(n: int, degree: int) -> tuple[tuple[int, ...], ...]:
    """All monomials of n columns up to a degree, lower degrees first."""
    return tuple(
        tuple(chosen.count(j) for j in range(n))
        for total in range(degree + 1)
        for chosen in itertools.combinations_with_replacement(range(n), total)
    )


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
