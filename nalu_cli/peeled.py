"""Stage 3: powers of sums of few monomials, when a sum beside them and a factor are peeled off."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from copy import copy
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
Choose = Callable[[Floats, Floats], tuple[Indices, Floats]]

MOST_MONOMIALS, ROWS_PER_MONOMIAL, MOST_DEGREE = 220, 3, 6
"""Bounds on the sum under the power."""

DEGREES_BESIDE, MOST_BESIDE = (2, 3), 90
"""Of the sums that terms are taken from; of many columns their degree is 1."""

MOST_PEELINGS = 1200
"""As many are compared, those with few terms beside the power first."""

BESIDE, PAIRED = 6, 3
"""Terms that explain the target best: each is tried beside the power, and pairs of some."""

POWERS = tuple(map(Fraction, ("1/2", "-1/2", "-1")))

SCREENED, FIRST_TERMS = 250, 8
"""Rows and monomials under the power when peelings are compared."""

SELECTED, TERMS = 1000, (8, 16, 30)
"""Rows that monomials are selected on, and how many of them, when the best are fitted."""

FITTED = 6
"""Peelings that are fitted."""

MOST_NEGATIVE = 0.03
"""Share of the rows where noise may leave nothing to take a root of."""

LARGEST_WEIGHT = 5.0
"""Times the median: rows where the root is close to zero must not outweigh all others."""

CLEARLY_NEW = 1e-10
"""Share of its square that a column must have beside the chosen ones."""

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
    factor : ndarray of shape (N,)
        F.
    target, slope : ndarray of shape (N,)
        What T should be, and the weight that gives its errors the size of those of the target;
        zero where there is nothing to take a power of.
    is_defined : bool
        Whether there is on nearly all rows.
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

    @property
    def base_power(self) -> Fraction:
        """The power of T."""
        return self.peeling.power

    def first_misfit(self) -> float:
        """What a sum of few monomials leaves of the targets; infinite where it is undefined."""
        try:
            ((start, _),) = self.starts((FIRST_TERMS,))
        except np.linalg.LinAlgError:
            return math.inf
        return self._misfit_of(start)

    def settled(self) -> Iterator[Peeled]:
        """Fits with sums T of some sizes."""
        try:
            starts = [*self.starts(TERMS)]
        except np.linalg.LinAlgError:
            return
        for start in starts:
            fitted = copy(self)
            if fitted.fit([start]):
                yield fitted

    def starts(self, sizes: Sequence[int]) -> Iterator[tuple[Floats, Indices]]:
        """The sums T of some sizes that few monomials add up to, S as it was taken away.

        Yields
        ------
        tuple of (ndarray, ndarray of int)
            Coefficients, and the places of those that there are.

        Raises
        ------
        numpy.linalg.LinAlgError
            If there are no numbers to be had.
        """
        m = self.library.values.shape[1]
        design, target = self.library.values * self.slope[:, None], self.target * self.slope
        some = _spread(len(target), SELECTED)
        chosen = forward_selection(design[some], target[some], min(max(sizes), m))
        for size in sizes:
            places = chosen[:size]
            start = np.zeros(2 * m)
            start[self.peeling.beside] = self.peeling.coefficients
            start[m + places] = least_squares(design[:, places], target)
            yield start, np.append(np.sort(self.peeling.beside), m + np.sort(places))

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
    if stop() or len(library.exponents) == 1 or not np.isfinite(library.values).all():
        return  # the rows are too few for more than a constant, or too far apart for doubles
    some = _spread(len(rows), SCREENED)
    few = library.of_rows(some)
    trials: list[tuple[float, int, Peeling]] = []
    for peeling in itertools.islice(_peelings(library, rows.y, weights), MOST_PEELINGS):
        if stop():
            return
        trial = Peeled(few, rows.y[some], weights[some], peeling)
        if trial.is_defined:
            trials.append((trial.first_misfit(), len(trials), peeling))
    for misfit, _, peeling in sorted(trials, key=lambda t: t[:2])[:FITTED]:
        if stop() or not math.isfinite(misfit):
            return
        yield from Peeled(library, rows.y, weights, peeling).settled()


def _peelings(library: Library, y: Floats, weights: Floats) -> Iterator[Peeling]:
    """Those with few terms beside the power first."""
    columns = [None, *(j for j, x in enumerate(library.X.T) if np.all(x != 0))]
    some = _spread(len(y), SELECTED)
    beside = _beside(library.of_rows(some), y[some], weights[some])
    for terms, factor, power in itertools.product(sorted(beside, key=len), columns, POWERS):
        places, coefficients = np.array([*terms], dtype=np.intp), np.array([*terms.values()])
        yield Peeling(places, coefficients, factor, power)


def _beside(library: Library, y: Floats, weights: Floats) -> list[dict[int, float]]:
    """Nothing, and terms of sums fitted in two ways, alone and in pairs."""
    found: dict[tuple[int, ...], dict[int, float]] = {(): {}}
    degrees = np.array([sum(e) for e in library.exponents])
    given = [d for d in DEGREES_BESIDE if d <= degrees.max() and sum(degrees <= d) <= MOST_BESIDE]
    ways: tuple[Choose, ...] = (_added, most_significant)
    for degree, choose in itertools.product(given or [1], ways):
        low = np.flatnonzero(degrees <= degree)
        design = library.values[:, low] * weights[:, None]
        try:
            places, coefficients = choose(design, y * weights)
        except np.linalg.LinAlgError:
            continue
        size = np.abs(coefficients) * design[:, places].std(axis=0)
        terms = {int(low[places[k]]): float(coefficients[k]) for k in np.argsort(-size)[:BESIDE]}
        sets = [*itertools.combinations(terms, 1)]
        sets += itertools.combinations([*terms][:PAIRED], 2)
        found = {tuple(sorted(few)): {k: terms[k] for k in sorted(few)} for few in sets} | found
    return [*found.values()]


def _spread(count: int, most: int) -> Indices:
    """Rows spread evenly over the table."""
    return np.linspace(0, count - 1, min(most, count)).astype(np.intp)


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
        gain = np.where(
            new > CLEARLY_NEW, (target @ beside) ** 2 / np.maximum(new, CLEARLY_NEW), -1.0
        )
        k = int(np.argmax(gain))
        if gain[k] <= 0:
            break
        chosen.append(k)
        unit = beside[:, k] / np.sqrt(new[k])
        target = target - unit * (unit @ target)
        beside = beside - np.outer(unit, unit @ beside)
    return np.array(chosen, dtype=np.intp)
