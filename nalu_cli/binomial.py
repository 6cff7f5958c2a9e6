"""Stage 3: sums of monomials beside others times a power of a binomial."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from copy import copy
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from nalu_cli.monomials import exponents_up_to, monomial_values
from nalu_cli.problem import Rows
from nalu_cli.pruned_fit import PrunedFit
from nalu_cli.wiring import Exponents, Polynomial

__all__ = ["BesideBinomial", "with_binomials"]

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]
Stop = Callable[[], bool]
Powers = tuple[int, ...]

MOST_BINOMIALS = 200
"""As many are tried, simple ones first."""

RATIOS: Floats = 2.0 ** np.arange(-6.0, 7.0)
"""Of their two coefficients, of both signs."""

ROWS = 100
ROWS_PER_MONOMIAL = 4
"""Rows on which they are compared."""

BEST = 8
"""With one monomial, with two and with more so many are fitted to all rows."""

NEAR_POLE = 1e-4
"""Of its mean size: a binomial that comes closer to zero is not divided by."""


@dataclass(frozen=True, slots=True)
class Monomials:
    """All monomials of the columns up to a degree, and values of more of them.

    `design` is (N, n_monomials) in the order of `exponents`, `degrees` their degrees; `values` has
    those that binomials consist of as well.
    """

    exponents: tuple[Powers, ...]
    degrees: Indices
    design: Floats
    values: Mapping[Powers, Floats]

    @classmethod
    def of(cls, X: Floats, weights: Floats, degree: int) -> Monomials:
        """Those of columns scaled to sizes near 1, (N, n); the design has rows with weights."""
        n = X.shape[1]
        more = exponents_up_to(n, max(degree, _largest_degree(n)))
        values = monomial_values(X, more)
        exponents = exponents_up_to(n, degree)
        degrees = np.array([sum(e) for e in exponents])
        return cls(
            exponents,
            degrees,
            values[:, : len(exponents)] * weights[:, None],
            dict(zip(more, values.T, strict=True)),
        )


@dataclass(frozen=True, slots=True)
class Binomial:
    """A sum of two monomials, the ratios of their coefficients that are tried, and its power."""

    pair: tuple[Powers, Powers]
    ratios: Floats
    power: Fraction


class BesideBinomial(PrunedFit):
    """``S + R * B ** power`` with sums of monomials S and R and a binomial B = m1 + ratio * m2.

    Parameters
    ----------
    monomials : Monomials
        Of S and of R.
    y : ndarray of shape (N,)
    binomial : Binomial

    Notes
    -----
    The coefficients are those of S, then of R, then the ratio: all but the last are linear.
    """

    def __init__(self, monomials: Monomials, y: Floats, binomial: Binomial) -> None:
        self.monomials, self.binomial = monomials, binomial
        self.power = float(binomial.power)
        self.design = monomials.design
        self.first, self.second = (monomials.values[e] for e in binomial.pair)
        super().__init__(y, 2 * self.design.shape[1] + 1)

    @property
    def base_power(self) -> Fraction:
        """The power of the binomial."""
        return self.binomial.power

    def value(self, coefficients: Floats) -> Floats:
        """The formula; nan where a root is none."""
        m = self.design.shape[1]
        power: Floats = (self.first + coefficients[-1] * self.second) ** self.power
        return self.design @ coefficients[:m] + (self.design @ coefficients[m:-1]) * power

    def slopes(self, coefficients: Floats, kept: Indices) -> Floats:
        """Of the value in some coefficients of S and R and in the ratio, which is the last."""
        m, e = self.design.shape[1], self.power
        whole, factor = kept[kept < m], kept[(kept >= m) & (kept < 2 * m)] - m
        binomial = self.first + coefficients[-1] * self.second
        above = self.design[:, factor]
        outer = (above @ coefficients[m + factor]) * e * binomial ** (e - 1) * self.second
        return np.column_stack([self.design[:, whole], above * (binomial**e)[:, None], outer])

    def needed(self, kept: Indices) -> NDArray[np.bool_]:
        """The ratio, and the last monomial of R."""
        factor = (kept >= self.design.shape[1]) & (kept < len(self.coefficients) - 1)
        return np.asarray((kept == len(self.coefficients) - 1) | (factor & (factor.sum() == 1)))

    def polynomials(
        self, coefficients: Floats, kept: Indices
    ) -> tuple[Polynomial, Polynomial, Polynomial]:
        """S, R and B with the coefficients that are kept."""
        m = self.design.shape[1]
        parts: tuple[Polynomial, Polynomial] = ({}, {})
        for k in kept[:-1]:
            parts[int(k >= m)][_fractions(self.monomials.exponents[k % m])] = float(coefficients[k])
        first, second = map(_fractions, self.binomial.pair)
        return *parts, {first: 1.0, second: float(coefficients[-1])}

    def starts(self) -> Iterator[tuple[str, float, Floats, Indices]]:
        """The best of some ratios, on some rows, with many monomials, with two and with one.

        Yields
        ------
        tuple of (str, float, ndarray, ndarray of int)
            How many monomials in words, an estimate of the score, the coefficients, and the places
            of those that there are; nothing where the binomial has no such power.
        """
        count = max(ROWS, ROWS_PER_MONOMIAL * len(self.coefficients))
        some = np.linspace(0, len(self.y) - 1, min(count, len(self.y))).astype(int)
        ratios = self._defined(self.binomial.ratios)
        if not len(ratios):
            return
        power = (self.first[some] + ratios[:, None] * self.second[some]) ** self.power
        design = np.broadcast_to(self.design[some], (len(ratios), *self.design[some].shape))
        A = np.concatenate([design, design * power[:, :, None]], axis=2)
        normal = _Normal.of(A, self.y[some])
        m = design.shape[2]
        choices = [("one", normal.one(m)), ("two", normal.two(m))]
        choices += [("more", normal.of_columns(places)) for places in self._subsets()]
        for name, (misfit, places, values) in choices:
            best = int(np.argmin(misfit))
            start = np.zeros(len(self.coefficients))
            start[places[best]], start[-1] = values[best], ratios[best]
            kept = np.append(np.sort(places[best]), len(start) - 1)
            free = max(1 - len(kept) / len(some), 1 / len(some))
            yield (
                name,
                self._score(len(self.y) * float(misfit[best]) / free, len(kept), 1.0),
                start,
                kept,
            )

    def _subsets(self) -> Iterator[Indices]:
        """All monomials of S and R up to some degrees.

        When the binomial divides and there is an S, monomials that its own leading one divides are
        left out of R: a division moves them to S.
        """
        degrees = self.monomials.degrees
        lead = np.array(max(self.binomial.pair, key=lambda e: (sum(e), e)))
        rest = ~(np.array(self.monomials.exponents) >= lead).all(axis=1)
        for whole, factor in itertools.product(
            range(-1, max(degrees) + 1), range(max(degrees) + 1)
        ):
            if whole < 0 or factor in (whole, whole - 1):
                R = degrees <= factor
                if whole >= 0 and self.power == -1:
                    R &= rest
                if R.any():
                    yield np.flatnonzero([*(degrees <= whole), *R])

    def _defined(self, ratios: Floats) -> Floats:
        """Those with which the binomial has its power on every row."""
        binomial = self.first + ratios[:, None] * self.second
        if self.binomial.power.denominator == 2:
            return np.asarray(ratios[(binomial > 0).all(axis=1)])
        size = np.abs(binomial)
        return np.asarray(ratios[size.min(axis=1) > NEAR_POLE * size.mean(axis=1)])


def with_binomials(
    rows: Rows, weights: Floats, degree: int, power: Fraction, *, stop: Stop
) -> Iterator[BesideBinomial]:
    """The best fits beside a power of any of the binomials that are tried.

    Parameters
    ----------
    rows : Rows
        Scaled to sizes near 1.
    weights : ndarray of shape (N,)
        Of the rows; the errors of the targets are in inverse proportion.
    degree : int
        Largest of the monomials of S and R.
    power : Fraction
    stop : callable
        Asked before each binomial.

    Yields
    ------
    BesideBinomial
    """
    monomials = Monomials.of(rows.X, weights, degree)
    trials: dict[str, list[tuple[float, int, Floats, Indices, BesideBinomial]]] = {}
    for number, binomial in enumerate(_binomials(rows.X.shape[1], power)):
        if stop():
            return
        trial = BesideBinomial(monomials, rows.y * weights, binomial)
        for name, score, start, kept in trial.starts():
            trials.setdefault(name, []).append((score, number, start, kept, trial))
    for alike in trials.values():
        for _, _, start, kept, trial in sorted(alike, key=lambda t: t[:2])[:BEST]:
            fitted = copy(trial)
            if fitted.fit([(start, kept)]):
                yield fitted


def _binomials(n: int, power: Fraction) -> list[Binomial]:
    """Pairs of monomials without a common column, simple ones first.

    Under a root either of the two may be the one with a minus.
    """
    exponents = exponents_up_to(n, _largest_degree(n))
    pairs = [
        (a, b)
        for b, a in itertools.combinations(exponents, 2)
        if not any(i and j for i, j in zip(a, b, strict=True))
    ]
    found = [Binomial(pair, np.concatenate([RATIOS, -RATIOS]), power) for pair in pairs]
    if power.denominator == 2:
        found += [Binomial((b, a), -RATIOS, power) for a, b in pairs]
    return sorted(found, key=lambda binomial: sum(map(sum, binomial.pair)))[:MOST_BINOMIALS]


@dataclass(frozen=True, slots=True)
class _Normal:
    """Normal equations of a batch of R least squares problems, columns of unit length.

    `H` is (R, K, K), `g` (R, K), `size` (R, K); `total` is the mean square of the target.
    """

    H: Floats
    g: Floats
    size: Floats
    total: float
    rows: int

    @classmethod
    def of(cls, A: Floats, b: Floats) -> _Normal:
        H, g = np.matmul(A.transpose(0, 2, 1), A), A.transpose(0, 2, 1) @ b
        size = np.sqrt(np.einsum("rkk->rk", H))
        size[~(size > 0)] = 1.0
        H = H / size[:, :, None] / size[:, None, :]
        return cls(H, g / size, size, float(b @ b), len(b))

    def of_columns(self, places: Indices) -> tuple[Floats, Indices, Floats]:
        """Mean squared errors with some columns, their places, and the coefficients."""
        H = self.H[:, places[:, None], places] + 1e-10 * np.eye(len(places))
        g = self.g[:, places]
        c = np.linalg.solve(H, g[..., None])[..., 0]
        misfit = self.total - np.einsum("rk,rk->r", c, g)
        return misfit / self.rows, np.broadcast_to(places, c.shape), c / self.size[:, places]

    def one(self, first: int) -> tuple[Floats, Indices, Floats]:
        """The same with the best single column from the first on."""
        k = first + np.argmax(self.g[:, first:] ** 2, axis=1)[:, None]
        g = np.take_along_axis(self.g, k, axis=1)
        c = g / np.take_along_axis(self.size, k, axis=1)
        return (self.total - g[:, 0] ** 2) / self.rows, k, c

    def two(self, first: int) -> tuple[Floats, Indices, Floats]:
        """The same with the best two columns, one of them from the first on."""
        K = self.g.shape[1]
        i, j = np.triu_indices(K, 1)
        i, j = i[j >= first], j[j >= first]
        rho = np.clip(self.H[:, i, j], -1 + 1e-9, 1 - 1e-9)
        gi, gj = self.g[:, i], self.g[:, j]
        gain = (gi**2 + gj**2 - 2 * rho * gi * gj) / (1 - rho**2)
        best = np.argmax(gain, axis=1)
        r = np.arange(len(best))
        k = np.stack([i[best], j[best]], axis=1)
        a, b, rho = gi[r, best], gj[r, best], rho[r, best]
        c = np.stack([a - rho * b, b - rho * a], axis=1) / (1 - rho**2)[:, None]
        c = c / np.take_along_axis(self.size, k, axis=1)
        return (self.total - gain[r, best]) / self.rows, k, c


def _largest_degree(n: int) -> int:
    """Of the monomials of a binomial of n columns."""
    return 3 if n <= 3 else 2


def _fractions(exponents: Powers) -> Exponents:
    return tuple(map(Fraction, exponents))
