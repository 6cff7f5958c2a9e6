"""Stage 3: all quotients of few monomials, tried one by one, for noisy tables."""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from nalu_cli.quotient import Quotient

__all__ = ["short_quotients", "within_reach"]

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

TERMS = (3, 4, 5)
"""Monomials of P and Q together; two are a product."""

MOST_CHOICES = 16_000
AT_ONCE = 2_000
ROWS = 300
"""Choices of monomials, of them judged together, and rows they are judged on."""

FITTED, OFFERED = 24, 4
"""The best choices of each number of terms that are fitted, and of these offered."""


def within_reach(quotient: Quotient) -> bool:
    """Whether its monomials are few enough for all choices to be tried."""
    size = len(quotient.coefficients)
    return sum(math.comb(size, terms) for terms in TERMS) <= MOST_CHOICES


def short_quotients(
    dense: Quotient, targets: Floats, *, stop: Callable[[], bool] = lambda: False
) -> Iterator[Quotient]:
    """Quotients of a few of the monomials of a larger one.

    Leaving out the least significant monomials one by one, which is quicker, ends elsewhere when
    several sets of monomials are nearly as good. Each choice is a linear question once the noise
    is out of the targets: the smallest eigenvalue of ``y Q(x) - P(x)``.

    Parameters
    ----------
    dense : Quotient
    targets : ndarray of shape (N,)
        Without most of their noise, as a good fit of any kind gives them.
    stop : callable
        Asked before each number of terms.

    Yields
    ------
    Quotient
        Fitted, for each number of terms the best ones.
    """
    few = np.linspace(0, len(targets) - 1, min(ROWS, len(targets))).astype(np.intp)
    board = _Board(dense, targets, few)
    for terms in TERMS:
        if stop():
            return
        fits = []
        for coefficients, kept in board.best(terms):
            quotient = copy.copy(dense)
            if quotient.fit([(coefficients, kept)]):
                fits.append(quotient)
        fits.sort(key=lambda quotient: quotient.misfit)
        yield from fits[:OFFERED]


class _Board:
    """Judges choices of monomials on some rows."""

    def __init__(self, dense: Quotient, targets: Floats, some: Indices) -> None:
        self.above, self.below = dense.above[some], dense.below[some]
        self.exponents = np.concatenate(
            [dense.exponents[: self.above.shape[1]], dense.exponents[: self.below.shape[1]]]
        )
        self.power = dense.power
        self.y = dense.y[some]
        smooth = targets[some]
        z = np.sign(smooth) * np.abs(smooth) ** (1 / dense.power)
        design = np.concatenate([self.above, -self.below * z[:, None]], axis=1)
        design /= np.sqrt(1 + z**2)[:, None]
        self.size = np.linalg.norm(design, axis=0)
        self.size[self.size == 0] = 1.0
        design /= self.size
        self.products = design.T @ design

    def best(self, terms: int) -> list[tuple[Floats, Indices]]:
        """Coefficients and places of the best choices of so many monomials."""
        m, size = self.above.shape[1], len(self.size)
        chosen = np.array([*itertools.combinations(range(size), terms)], dtype=np.intp)
        chosen = chosen.reshape(-1, terms)  # none of them is an array of no choices too
        chosen = chosen[(chosen[:, 0] < m) & (chosen[:, -1] >= m)]
        # a factor that both sums share says nothing
        chosen = chosen[(self.exponents[chosen].min(axis=1) == 0).all(axis=1)]
        found: list[tuple[float, Floats, Indices]] = []
        for some in np.array_split(chosen, max(1, len(chosen) // AT_ONCE)):
            coefficients = self._coefficients(some)
            misfits = self._misfits(coefficients)
            for k in np.argsort(misfits, kind="stable")[:FITTED]:
                found.append((float(misfits[k]), coefficients[k], some[k]))
        found.sort(key=lambda choice: choice[0])
        return [(coefficients, kept) for _, coefficients, kept in found[:FITTED]]

    def _coefficients(self, chosen: Indices) -> Floats:
        """Of every choice, zero elsewhere: (n_choices, n_monomials)."""
        products = self.products[chosen[:, :, None], chosen[:, None, :]]
        least = np.linalg.eigh(products)[1][:, :, 0]
        coefficients = np.zeros((len(chosen), len(self.size)))
        np.put_along_axis(coefficients, chosen, least / self.size[chosen], axis=1)
        return coefficients

    def _misfits(self, coefficients: Floats) -> Floats:
        m = self.above.shape[1]
        with np.errstate(all="ignore"):
            value = (coefficients[:, :m] @ self.above.T) / (coefficients[:, m:] @ self.below.T)
            if self.power != 1:
                value = np.maximum(value, 0.0) ** self.power
            misfits: Floats = np.sum((value - self.y) ** 2, axis=1)
        return np.where(np.isfinite(misfits), misfits, np.inf)
