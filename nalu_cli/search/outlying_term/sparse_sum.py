"""Sums of few monomials, chosen by description length, for noisy tables."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from nalu_cli.circuit import Circuit
from nalu_cli.circuit.builders import Polynomial, power_of_quotient
from nalu_cli.numerics.monomials import exponents_up_to, monomial_values
from nalu_cli.problem.scaling import Scale
from nalu_cli.rows import Rows

__all__ = ["most_significant", "sparse_rung"]

Floats = NDArray[np.float64]

MOST_MONOMIALS = 90
MOST_DEGREE = 6
ROWS_PER_MONOMIAL = 4
"""Bounds on the sums that are started from."""

ROUNDING = 1e-13
"""Relative error that says nothing about a term: many of them add up to it."""

PRICE = 2.0
"""A term costs its coefficient and the choice of its monomial, in halves of log n."""


def sparse_rung(
    rows: Rows, sizes: Floats | None = None, *, stop: Callable[[], bool] = lambda: False
) -> Iterator[Circuit]:
    """Polynomials whose every term earns its place by the Bayesian information criterion.

    All monomials up to a degree are fitted, then the least significant is left out again and again
    while that shortens the description of the rows.

    Parameters
    ----------
    rows : Rows
        Training rows.
    sizes : ndarray of shape (N,), optional
        What the target was divided by, and its errors with it.
    stop : callable
        Asked before each degree.

    Yields
    ------
    Circuit
        One for each degree.
    """
    n = rows.X.shape[1]
    scale = Scale.of(rows)
    scaled = scale.down(rows)
    weights = np.ones(len(rows)) if sizes is None else sizes
    most = min(MOST_MONOMIALS, len(rows) // ROWS_PER_MONOMIAL)
    for degree in range(1, MOST_DEGREE + 1):
        if stop() or math.comb(n + degree, degree) > most:
            return
        exponents = exponents_up_to(n, degree)
        chosen, coefficients = most_significant(
            monomial_values(scaled.X, exponents) * weights[:, None], scaled.y * weights
        )
        if not len(chosen):
            continue
        polynomial: Polynomial = {
            tuple(map(Fraction, exponents[k])): float(c)
            for k, c in zip(chosen, coefficients, strict=True)
        }
        one = {(Fraction(0),) * n: 1.0}
        yield scale.up(power_of_quotient(n, polynomial, one, Fraction(1), 1.0))


def most_significant(
    design: Floats, y: Floats, *, share: float = 0.0
) -> tuple[NDArray[np.intp], Floats]:
    """Leave columns out of a least squares fit, the least significant first.

    Parameters
    ----------
    design : ndarray of shape (N, K)
    y : ndarray of shape (N,)
    share : float
        Of many columns so many are left out at once.

    Returns
    -------
    chosen : ndarray of int
        Places of the columns with which the description of y is shortest.
    coefficients : ndarray
        Of these.
    """
    size = np.linalg.norm(design, axis=0)
    design = design / np.where(size > 0, size, 1.0)
    kept = np.flatnonzero(size > 0)
    least = ROUNDING**2 * float(np.mean(y**2))
    best = (math.inf, kept, np.zeros(len(kept)))
    while len(kept):
        q, r = np.linalg.qr(design[:, kept])
        inverse = np.linalg.pinv(r)
        coefficients = inverse @ (q.T @ y)
        misfit = float(np.mean((y - design[:, kept] @ coefficients) ** 2))
        n = len(y)
        score = n * math.log(max(misfit, least, 1e-300)) + len(kept) * PRICE * math.log(n)
        if score <= best[0]:
            best = (score, kept, coefficients)
        significance = np.abs(coefficients) / np.linalg.norm(inverse, axis=1)
        several = max(1, int(share * len(kept)))
        kept = np.delete(kept, np.argsort(significance, kind="stable")[:several])
    return best[1], best[2] / size[best[1]]
