"""Robust regression: the sum that most rows follow, whatever the others do."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from nalu_cli.numerics.least_squares import least_squares
from nalu_cli.numerics.monomials import exponents_up_to, monomial_values
from nalu_cli.numerics.selection import backward_elimination

__all__ = ["NORMAL", "Exponents", "Trend", "trends"]

Floats = NDArray[np.float64]

DEGREES = (0, 1, 2)
"""Degrees of the sums that are started from. *Guess:* what most rows follow is simple."""

MOST_MONOMIALS = 60
"""Largest number of monomials in a sum that is started from. *Guess:* it is fitted many times."""

ROWS_PER_MONOMIAL = 6
"""Number of rows for each monomial of a sum that is started from. *Guess:* most rows must follow
it, not all."""

MOST_TERMS = 4
"""Largest number of terms in a sum that most rows follow. *Guess:* a longer one rather follows the
rows than a law."""

STEPS = 25
"""Largest number of times that rows are weighted anew in one fit. *Guess:* most fits converge in
fewer."""

CONVERGED = 1e-6
"""Relative change of the spread below which a fit has converged. *Guess:* far less than the spread
is known to."""

CUTOFF = 4.7
"""Spreads beyond which the biweight of a residual is 0. *Cited:* Beaton and Tukey, Technometrics 16
(1974) 147-185; with 4.685 a fit to normal errors is 95 % as efficient as least squares."""

ROUNDS = 3
"""Number of times that terms are eliminated and the rows weighted anew. *Guess:* the second time
changes little."""

NORMAL = 1.4826
"""Standard deviations of a normal error in the median of its size. *Derived:* one over the upper
quartile of the standard normal distribution, 0.6745."""

Exponents = tuple[Fraction, ...]


@dataclass(frozen=True, slots=True)
class Trend:
    """A sum that most rows follow.

    Parameters
    ----------
    terms : tuple of (tuple of Fraction, float)
        Exponents and coefficients of its monomials.
    residual : ndarray of shape (N,)
        The targets less the sum.
    spread : float
        Standard deviation of the residuals times the weights, in the rows that follow the sum.
    """

    terms: tuple[tuple[Exponents, float], ...]
    residual: Floats
    spread: float


def trends(X: Floats, y: Floats, weights: Floats) -> Iterator[Trend]:
    """Sums of few monomials, and of roots of columns, that most rows follow.

    Rows are weighted with Tukey's biweight: a residual of the median size counts nearly in full,
    one that is far larger not at all. So the poles of a further term do not move the sum.

    Parameters
    ----------
    X : ndarray of shape (N, n_columns)
    y, weights : ndarray of shape (N,)
        Targets, and the weights of the rows; the errors of the targets are in inverse proportion.

    Yields
    ------
    Trend
        With one term and more, those first that vary most, then a constant.
    """
    seen: set[frozenset[Exponents]] = set()
    most = min(MOST_MONOMIALS, len(y) // ROWS_PER_MONOMIAL)
    counts = {degree: math.comb(X.shape[1] + degree, degree) for degree in DEGREES}
    for degree in (max(d for d, count in counts.items() if count <= most or not d), 0):
        exponents, values = _library(X, degree)
        design, target = values * weights[:, None], y * weights
        try:
            order = _terms(design, target)
        except np.linalg.LinAlgError:
            continue
        for count in range(1, min(MOST_TERMS, len(order)) + 1):
            chosen = order[:count]
            kind = frozenset(exponents[k] for k in chosen)
            if kind not in seen:
                seen.add(kind)
                coefficients, _, spread = _biweight_fit(
                    design[:, chosen], target, _first_biweights(target)
                )
                residual = y - values[:, chosen] @ coefficients
                terms = zip((exponents[k] for k in chosen), map(float, coefficients), strict=True)
                yield Trend(tuple(terms), residual, spread)


def _library(X: Floats, degree: int) -> tuple[list[Exponents], Floats]:
    n = X.shape[1]
    plain = exponents_up_to(n, degree)
    exponents = [tuple(map(Fraction, e)) for e in plain]
    rooted = np.flatnonzero((X >= 0).all(axis=0)) if degree else np.array([], dtype=int)
    exponents += [tuple(Fraction(int(j == k), 2) for j in range(n)) for k in rooted]
    return exponents, np.hstack([monomial_values(X, plain), np.sqrt(X[:, rooted])])


def _terms(design: Floats, target: Floats) -> NDArray[np.intp]:
    """The columns of the sum that most rows follow, those first that vary most."""
    chosen = np.arange(design.shape[1])
    biweights = _first_biweights(target)
    for _ in range(ROUNDS):
        _, biweights, _ = _biweight_fit(design[:, chosen], target, biweights)
        root = np.sqrt(biweights)
        places, _ = backward_elimination(design * root[:, None], target * root)
        if np.array_equal(places, chosen):
            break
        chosen = places
    coefficients, biweights, _ = _biweight_fit(design[:, chosen], target, biweights)
    share = np.abs(coefficients) * np.sqrt(biweights @ design[:, chosen] ** 2)
    return chosen[np.argsort(-share, kind="stable")]


def _first_biweights(target: Floats) -> Floats:
    typical = float(np.median(np.abs(target))) or 1.0
    return np.asarray(1 / np.maximum(np.abs(target) / typical, 1.0))


def _biweight_fit(
    design: Floats, target: Floats, biweights: Floats
) -> tuple[Floats, Floats, float]:
    """Coefficients, the biweight of each row, and the spread of the residuals."""
    coefficients, spread = np.zeros(design.shape[1]), math.inf
    for _ in range(STEPS):
        root = np.sqrt(biweights)
        coefficients = least_squares(design * root[:, None], target * root)
        residual = target - design @ coefficients
        before, spread = spread, NORMAL * float(np.median(np.abs(residual)))
        if not spread or abs(before - spread) < CONVERGED * spread:
            break
        biweights = np.maximum(1 - (residual / (CUTOFF * spread)) ** 2, 0.0) ** 2
    return coefficients, biweights, spread
