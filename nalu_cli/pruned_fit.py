"""Stage 3: sums of few monomials inside formulas: fitted by least squares, and pruned."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["PrunedFit"]

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

STEPS = 12
STEPS_AFTER = 3
"""Gauss-Newton steps at the start, and after coefficients have been left out."""

MOST_TRIALS = 6
CONVERGED = 1e-6

ROUNDING = 1e-13
"""Relative error that says nothing about a coefficient: many terms and steps add up to it."""

HELD = 1e-8
"""How firmly a direction without effect is held, such as a factor that two sums share."""

FEW = 24
"""Of more coefficients than this several are left out at once."""


class PrunedFit(ABC):
    """A formula with many coefficients, and the fits that are left when most of them are zero.

    Parameters
    ----------
    y : ndarray of shape (N,)
        Targets.
    size : int
        Number of coefficients.

    Attributes
    ----------
    coefficients : ndarray of shape (size,)
    kept : ndarray of int
        Places of the coefficients that are not left out.
    misfit : float
        Sum of the squared errors; infinite before a fit.
    """

    def __init__(self, y: Floats, size: int) -> None:
        self.y = y
        self.coefficients = np.zeros(size)
        self.kept: Indices = np.arange(size)
        self.misfit = math.inf

    @abstractmethod
    def value(self, coefficients: Floats) -> Floats:
        """The formula on every row: (N,)."""

    @abstractmethod
    def slopes(self, coefficients: Floats, kept: Indices) -> Floats:
        """Of the value in the coefficients that are kept: (N, len(kept))."""

    @abstractmethod
    def needed(self, kept: Indices) -> NDArray[np.bool_]:
        """Which of the places kept must stay, lest a sum is left with nothing."""

    @property
    def score(self) -> float:
        """Bayesian information criterion."""
        return self._score(self.misfit, len(self.kept), 1.0)

    def fit(self, starts: Sequence[tuple[Floats, Indices]]) -> bool:
        """Gauss-Newton steps from each of some starts; the best end is kept.

        Parameters
        ----------
        starts : sequence of (ndarray, ndarray of int)
            Coefficients, and the places of those that there are.

        Returns
        -------
        bool
            Whether there is a fit.
        """
        ends = []
        for coefficients, kept in starts:
            self.coefficients, self.kept = coefficients, kept
            self.misfit = self._misfit_of(coefficients)
            if not self._settles(STEPS):
                continue
            ends.append((self.misfit, self.coefficients, self.kept))
        if ends:
            self.misfit, self.coefficients, self.kept = min(ends, key=lambda end: end[0])
        return bool(ends) and math.isfinite(self.misfit)

    def pruned(self, prices: Sequence[float]) -> Iterator[tuple[float, Floats, Indices]]:
        """The best of the fits met while the least significant coefficients are left out.

        Optimal brain surgeon: Hassibi and Stork, Second order derivatives for network pruning,
        NeurIPS 1992.

        Parameters
        ----------
        prices : sequence of float
            What a coefficient costs, in halves of log n.

        Yields
        ------
        tuple of (float, ndarray, ndarray of int)
            The misfit, the coefficients and the places of those that are left, for each price.
        """
        path = [(self.misfit, self.coefficients, self.kept)]
        while len(self.kept) > 2 and self._leave_out():
            path.append((self.misfit, self.coefficients, self.kept))
        best = []
        for price in prices:
            scores = [self._score(misfit, len(kept), price) for misfit, _, kept in path]
            best.append(int(np.argmin(scores)))
        for k in dict.fromkeys(best):
            yield path[k]

    def unexplained(self, misfit: float) -> float:
        """What is left, in the units of the score; what rounding leaves is nothing."""
        n = len(self.y)
        least = ROUNDING**2 * float(np.mean(self.y**2))
        return n * math.log(max(misfit / n, least, 1e-300))

    def _score(self, misfit: float, size: int, price: float) -> float:
        return self.unexplained(misfit) + price * size * math.log(max(len(self.y), 2))

    def _misfit_of(self, coefficients: Floats) -> float:
        with np.errstate(all="ignore"):
            misfit = float(np.sum((self.y - self.value(coefficients)) ** 2))
        return misfit if math.isfinite(misfit) else math.inf

    def _slopes(self) -> Floats:
        slopes = self.slopes(self.coefficients, self.kept)
        if not np.isfinite(np.sum(slopes**2)):
            raise np.linalg.LinAlgError
        return slopes

    def _settles(self, steps: int) -> bool:
        """Whether Gauss-Newton steps can be made; they are."""
        try:
            with np.errstate(all="ignore"):
                return self._descend(steps)
        except np.linalg.LinAlgError:
            return False

    def _descend(self, steps: int) -> bool:
        """Damped Gauss-Newton steps."""
        damping = 1e-8
        for _ in range(steps):
            J = self._slopes()
            H, gradient = J.T @ J, J.T @ (self.y - self.value(self.coefficients))
            size = np.diag(H).copy()
            size[size == 0] = 1.0
            before = self.misfit
            for _ in range(MOST_TRIALS):
                c = self.coefficients.copy()
                c[self.kept] += np.linalg.solve(H + np.diag(damping * size), gradient)
                misfit = self._misfit_of(c)
                if misfit < before:
                    self.coefficients, self.misfit = c, misfit
                    damping = max(damping / 10, 1e-12)
                    break
                damping *= 30
            if not self.misfit < before * (1 - CONVERGED):
                break
        return math.isfinite(self.misfit)

    def _leave_out(self) -> bool:
        """Leave out the least significant coefficients and fit the others again."""
        try:
            with np.errstate(all="ignore"):
                cost, inverse, size = self._costs()
            out = self._cheapest(cost)
            if not len(out):
                return False
            c = self.coefficients[self.kept] * size
            step = inverse[:, out] @ np.linalg.solve(inverse[np.ix_(out, out)], c[out])
        except np.linalg.LinAlgError:
            return False
        moved, plain = self.coefficients.copy(), self.coefficients.copy()
        moved[self.kept] = (c - step) / size
        moved[self.kept[out]] = plain[self.kept[out]] = 0.0
        misfit, better = min((self._misfit_of(trial), k) for k, trial in enumerate((moved, plain)))
        self.coefficients, self.misfit = (moved, plain)[better], misfit
        self.kept = np.delete(self.kept, out)
        return math.isfinite(misfit) and self._settles(STEPS_AFTER)

    def _costs(self) -> tuple[Floats, Floats, Floats]:
        """How much the misfit grows without each coefficient, the inverse Hessian, its units."""
        J = self._slopes()
        size = np.linalg.norm(J, axis=0)
        size[size == 0] = 1.0
        c = self.coefficients[self.kept] * size
        along = c / (np.linalg.norm(c) or 1.0)
        J = J / size
        H = J.T @ J + HELD * np.outer(along, along) + 1e-13 * np.eye(len(c))
        inverse: Floats = np.linalg.inv(H)
        return c**2 / np.diag(inverse), inverse, size

    def _cheapest(self, cost: Floats) -> Indices:
        """The coefficients that matter least, one or, of many, several; never one too many."""
        several = len(cost) // 10 if len(cost) > FEW else 1
        left = np.ones(len(cost), dtype=bool)
        for k in np.argsort(cost, kind="stable"):
            if not self.needed(self.kept[left])[int(left[:k].sum())]:
                left[k] = False
                several -= 1
            if not several:
                break
        return np.flatnonzero(~left)
