"""Stage 3: powers of sums of few monomials, when a sum beside them and a factor are peeled off."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from nalu_cli.monomials import exponents_up_to, monomial_values
from nalu_cli.problem import Rows
from nalu_cli.pruned_fit import PrunedFit
from nalu_cli.spans import least_squares
from nalu_cli.sparse import most_significant
from nalu_cli.wiring import Exponents, Polynomial

__all__ = ["Peeled", "with_peelings"]

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

MOST_MONOMIALS, ROWS_PER_MONOMIAL, MOST_DEGREE = 220, 3, 6
"""Bounds on the sum under the power."""

DEGREES_BESIDE, MOST_BESIDE = (2, 3), 90
"""Of the sums that terms are taken from."""

BESIDE, PAIRED = 6, 3
"""Terms that explain the target best: each is tried beside the power, and pairs of some."""

POWERS = tuple(map(Fraction, ("1/2", "-1/2", "-1")))

SCREENED, FIRST_TERMS = 250, 8
"""Rows and monomials under the power when peelings are compared."""

TERMS = (8, 16, 30)
"""Monomials when the best are fitted."""

FITTED = 6
"""Peelings that are fitted."""

MOST_NEGATIVE = 0.03
"""Share of the rows where noise may leave nothing to take a root of."""

LARGEST_WEIGHT = 5.0
"""Times the median: rows where the root is close to zero must not outweigh all others."""

DEPENDENT = 1e-10
CLOSE_TO_ZERO = 1e-4
"""Of its mean size: a sum under a root that is smaller has the slope of that."""


@dataclass(frozen=True, slots=True)
class Peeling:
    """What is taken away from a target: ``(y - S) / F = T ** power``.

    Parameters
    ----------
    beside : ndarray of int
        Places of the monomials of S.
    coefficients : ndarray
        Of these.
    factor : int or None
        The column F, or None for 1.
    power : Fraction
    """

    beside: Indices
    coefficients: Floats
    factor: int | None
    power: Fraction


class Peeled(PrunedFit):
    """``S + sign * F * T ** power`` with sums of monomials S and T and a column F.

    Parameters
    ----------
    library : Library
    y, weights : ndarray of shape (N,)
        Targets, and the weights of the rows; the errors of the targets are in inverse proportion.
    peeling : Peeling

    Attributes
    ----------
    target, slope : ndarray of shape (N,)
        What T should be, and the weight that gives its errors the size of those of the target;
        zero where there is nothing to take a power of.
    sign : float
        1 or -1.

    Notes
    -----
    The coefficients are those of S, for all monomials, then those of T.
    """

    def __init__(self, library: Library, y: Floats, weights: Floats, peeling: Peeling) -> None:
        self.library, self.weights, self.peeling = library, weights, peeling
        self.power = float(peeling.power)
        values = library.values
        self.factor = np.ones(len(y)) if peeling.factor is None else library.X[:, peeling.factor]
        left = (y - values[:, peeling.beside] @ peeling.coefficients) / self.factor
        self.sign = 1.0 if np.median(left) >= 0 else -1.0
        left = self.sign * left
        with np.errstate(all="ignore"):
            target = (left if self.power == -1 else np.where(left > 0, left, np.nan)) ** (
                1 / self.power
            )
            slope = np.abs(self.factor * self.power * left / target)
        usable = np.isfinite(target) & np.isfinite(slope) & (slope > 0)
        self.is_defined = usable.mean() >= 1 - MOST_NEGATIVE
        self.target = np.where(usable, target, 0.0)
        most = LARGEST_WEIGHT * float(np.median(slope[usable])) if usable.any() else 0.0
        self.slope = np.where(usable, np.minimum(slope, most), 0.0) * weights
        super().__init__(y * weights, 2 * values.shape[1])

    def value(self, coefficients: Floats) -> Floats:
        """The formula; what is negative under a root taken for zero."""
        m = self.library.values.shape[1]
        beside = self.library.values @ coefficients[:m]
        return self.weights * (beside + self.sign * self.factor * self._power(coefficients[m:]))

    def slopes(self, coefficients: Floats, kept: Indices) -> Floats:
        """Of the value in some coefficients of S and of T."""
        values = self.library.values
        m = values.shape[1]
        under = values @ coefficients[m:]
        if self.power != -1:
            under = np.maximum(under, CLOSE_TO_ZERO * np.mean(np.abs(under)))
        outer = self.weights * self.sign * self.factor * self.power * under ** (self.power - 1)
        beside, inside = values[:, kept[kept < m]], values[:, kept[kept >= m] - m]
        return np.concatenate([beside * self.weights[:, None], inside * outer[:, None]], axis=1)

    def needed(self, kept: Indices) -> NDArray[np.bool_]:
        """The last monomial of T."""
        inside = kept >= self.library.values.shape[1]
        return np.asarray(inside & (inside.sum() == 1))

    def polynomials(
        self, coefficients: Floats, kept: Indices
    ) -> tuple[Polynomial, Polynomial, Polynomial]:
        """S, the factor with its sign, and T, with the coefficients that are kept."""
        m = self.library.values.shape[1]
        parts: tuple[Polynomial, Polynomial] = ({}, {})
        for k in kept:
            parts[int(k >= m)][self.library.monomial(k % m)] = float(coefficients[k])
        factor = [Fraction(0)] * self.library.X.shape[1]
        if self.peeling.factor is not None:
            factor[self.peeling.factor] = Fraction(1)
        return parts[0], {tuple(factor): self.sign}, parts[1]

    def first_misfit(self) -> float:
        """What a sum of few monomials leaves of the targets; infinite where it is undefined."""
        start, _ = self._start(FIRST_TERMS)
        return self._misfit_of(start)

    def settle(self, terms: int) -> bool:
        """Fit S and a sum of so many monomials; whether that could be done."""
        return self.fit([self._start(terms)])

    def _start(self, terms: int) -> tuple[Floats, Indices]:
        values = self.library.values
        design = values * self.slope[:, None]
        places = forward_selection(design, self.target * self.slope, min(terms, values.shape[1]))
        start = np.zeros(2 * values.shape[1])
        start[self.peeling.beside] = self.peeling.coefficients
        inside = least_squares(design[:, places], self.target * self.slope)
        start[values.shape[1] + places] = inside
        return start, np.append(np.sort(self.peeling.beside), values.shape[1] + np.sort(places))

    def _power(self, coefficients: Floats) -> Floats:
        under = self.library.values @ coefficients
        if self.power != -1:
            under = np.maximum(under, 0.0)
        return np.asarray(under**self.power)


@dataclass(frozen=True, slots=True)
class Library:
    """All monomials of the columns up to a degree.

    `X` is (N, n_columns), `values` (N, n_monomials) in the order of `exponents`.
    """

    X: Floats
    exponents: tuple[tuple[int, ...], ...]
    values: Floats

    @classmethod
    def of(cls, X: Floats) -> Library:
        """Of columns scaled to sizes near 1, (N, n_columns)."""
        n = X.shape[1]
        most = min(MOST_MONOMIALS, len(X) // ROWS_PER_MONOMIAL)
        degree = max(
            (d for d in range(1, MOST_DEGREE + 1) if math.comb(n + d, n) <= most), default=0
        )
        exponents = exponents_up_to(n, degree)
        return cls(X, exponents, monomial_values(X, exponents))

    def of_rows(self, some: Indices) -> Library:
        """Of some of the rows."""
        return Library(self.X[some], self.exponents, self.values[some])

    def monomial(self, k: int) -> Exponents:
        """The exponents of one of them."""
        return tuple(map(Fraction, self.exponents[k]))


def with_peelings(rows: Rows, weights: Floats, *, stop: Callable[[], bool]) -> Iterator[Peeled]:
    """Fits of the peelings that few monomials explain best.

    Parameters
    ----------
    rows : Rows
        Scaled to sizes near 1.
    weights : ndarray of shape (N,)
        Of the rows; the errors of the targets are in inverse proportion.
    stop : callable
        Asked before each peeling.

    Yields
    ------
    Peeled
    """
    library = Library.of(rows.X)
    if len(library.exponents) == 1:
        return  # the rows are too few for more than a constant
    some = np.linspace(0, len(rows) - 1, min(SCREENED, len(rows))).astype(int)
    few = library.of_rows(some)
    trials: list[tuple[float, int, Peeling]] = []
    for peeling in _peelings(library, rows.y, weights):
        if stop():
            return
        trial = Peeled(few, rows.y[some], weights[some], peeling)
        if trial.is_defined:
            misfit = trial.first_misfit()
            if math.isfinite(misfit):
                trials.append((misfit, len(trials), peeling))
    best = [peeling for _, _, peeling in sorted(trials, key=lambda t: t[:2])[:FITTED]]
    for peeling, terms in itertools.product(best, TERMS):
        if stop():
            return
        fitted = Peeled(library, rows.y, weights, peeling)
        if fitted.settle(terms):
            yield fitted


def _peelings(library: Library, y: Floats, weights: Floats) -> Iterator[Peeling]:
    columns = [None, *(j for j, x in enumerate(library.X.T) if np.all(x != 0))]
    for terms, factor, power in itertools.product(_beside(library, y, weights), columns, POWERS):
        places, coefficients = np.array([*terms], dtype=np.intp), np.array([*terms.values()])
        yield Peeling(places, coefficients, factor, power)


def _beside(library: Library, y: Floats, weights: Floats) -> list[dict[int, float]]:
    """Nothing, and terms of sums fitted in two ways, alone and in pairs."""
    found: dict[tuple[int, ...], dict[int, float]] = {(): {}}
    for degree in DEGREES_BESIDE:
        low = np.flatnonzero([sum(e) <= degree for e in library.exponents])
        if len(low) > MOST_BESIDE:
            break
        design = library.values[:, low] * weights[:, None]
        for choose in (_added, most_significant):
            chosen, coefficients = choose(design, y * weights)
            size = np.abs(coefficients) * design[:, chosen].std(axis=0)
            largest = np.argsort(-size)[:BESIDE]
            terms = {int(low[chosen[k]]): float(coefficients[k]) for k in largest}
            sets = [*itertools.combinations(terms, 1)]
            sets += itertools.combinations([*terms][:PAIRED], 2)
            found = {chosen: {k: terms[k] for k in chosen} for chosen in sets} | found
    return [*found.values()]


def _added(design: Floats, target: Floats) -> tuple[Indices, Floats]:
    """Columns added one by one, and their coefficients."""
    chosen = forward_selection(design, target, min(BESIDE, design.shape[1]))
    return chosen, least_squares(design[:, chosen], target)


def forward_selection(design: Floats, target: Floats, most: int) -> Indices:
    """Places of columns, (K,), each the one that explains most beside those before it."""
    size = np.linalg.norm(design, axis=0)
    beside = design / np.where(size > 0, size, 1.0)
    chosen: list[int] = []
    for _ in range(most):
        new = np.einsum("nk,nk->k", beside, beside)
        gain = np.where(new > DEPENDENT, (target @ beside) ** 2 / np.maximum(new, DEPENDENT), -1.0)
        k = int(np.argmax(gain))
        if gain[k] <= 0:
            break
        chosen.append(k)
        along = beside[:, k] / np.sqrt(new[k])
        target = target - along * (along @ target)
        beside = beside - np.outer(along, along @ beside)
    return np.array(chosen, dtype=np.intp)
