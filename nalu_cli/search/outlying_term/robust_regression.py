"""The sum that most rows follow, whatever the others do."""

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
MOST_MONOMIALS, ROWS_PER_MONOMIAL = 60, 6
"""Bounds on the sums that are started from."""

MOST_TERMS = 4
"""Of a sum that most rows follow; a longer one rather follows the rows."""

STEPS = 25
"""Of weighting rows anew by how far they are off."""

PATIENT = 4.7
"""Spreads beyond which a row has no say (Beaton and Tukey, Technometrics 1974)."""

ROUNDS = 3
"""Of leaving terms out and weighting the rows anew."""

NORMAL = 1.4826
"""Standard deviations in the median size of a normal error."""

Exponents = tuple[Fraction, ...]


@dataclass(frozen=True, slots=True)
class Trend:
    """A sum that most rows follow.

    Parameters
    ----------
    terms : tuple of (tuple of Fraction, float)
        Exponents and coefficients of its monomials.
    left : ndarray of shape (N,)
        What it leaves of the targets.
    spread : float
        Of what is left, times the weights, in the rows that follow it.
    """

    terms: tuple[tuple[Exponents, float], ...]
    left: Floats
    spread: float


def trends(X: Floats, y: Floats, weights: Floats) -> Iterator[Trend]:
    """Sums of few monomials, and of roots of columns, that most rows follow.

    Rows are weighted with Tukey's biweight: an error of the median size counts in full, one that
    is far larger not at all. So the poles of a term nearby do not move it.

    Parameters
    ----------
    X : ndarray of shape (N, n_columns)
    y, weights : ndarray of shape (N,)
        Targets, and the weights of the rows; the errors of the targets are in inverse proportion.

    Yields
    ------
    Trend
        Of one term and more, those first that vary most, then a constant.
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
                coefficients, _, spread = _weighted(design[:, chosen], target, _first_say(target))
                left = y - values[:, chosen] @ coefficients
                terms = zip((exponents[k] for k in chosen), map(float, coefficients), strict=True)
                yield Trend(tuple(terms), left, spread)


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
    say = _first_say(target)
    for _ in range(ROUNDS):
        _, say, _ = _weighted(design[:, chosen], target, say)
        root = np.sqrt(say)
        places, _ = backward_elimination(design * root[:, None], target * root)
        if np.array_equal(places, chosen):
            break
        chosen = places
    coefficients, say, _ = _weighted(design[:, chosen], target, say)
    share = np.abs(coefficients) * np.sqrt(say @ design[:, chosen] ** 2)
    return chosen[np.argsort(-share, kind="stable")]


def _first_say(target: Floats) -> Floats:
    typical = float(np.median(np.abs(target))) or 1.0
    return np.asarray(1 / np.maximum(np.abs(target) / typical, 1.0))


def _weighted(design: Floats, target: Floats, say: Floats) -> tuple[Floats, Floats, float]:
    """Coefficients, what say each row has, and the spread of the errors of those that have one."""
    coefficients, spread = np.zeros(design.shape[1]), math.inf
    for _ in range(STEPS):
        root = np.sqrt(say)
        coefficients = least_squares(design * root[:, None], target * root)
        left = target - design @ coefficients
        before, spread = spread, NORMAL * float(np.median(np.abs(left)))
        if not spread or abs(before - spread) < 1e-6 * spread:
            break
        say = np.maximum(1 - (left / (PATIENT * spread)) ** 2, 0.0) ** 2
    return coefficients, say, spread
