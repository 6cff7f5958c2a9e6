"""Stage 3: powers of quotients of two sums of monomials."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from nalu_cli.monomials import exponents_up_to, monomial_values, rooted_columns
from nalu_cli.problem import Rows
from nalu_cli.pruned_fit import PrunedFit
from nalu_cli.wiring import Polynomial

__all__ = ["Quotient", "QuotientShape", "total_least_squares"]

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

CLOSE_TO_ZERO = 0.2
"""Of the median: targets under a root are not weighted higher than this one."""

SMALLEST_DIVISOR = 0.03
"""Of its median: rows near a pole must not outweigh all others before the fit is good."""


@dataclass(frozen=True, slots=True)
class QuotientShape:
    """Which quotients of sums of monomials.

    Parameters
    ----------
    above, below : int
        Largest degree of the monomials of the two sums.
    power : Fraction
        Of their quotient: 1, or 1/2 for a root.
    roots : bool
        Monomials of the square roots of the columns that are never negative instead.
    """

    above: int
    below: int
    power: Fraction = Fraction(1)
    roots: bool = False

    def size(self, n: int) -> int:
        """Number of monomials of n columns."""
        return math.comb(n + self.above, n) + math.comb(n + self.below, n)


class Quotient(PrunedFit):
    """``(P / Q) ** power``, P and Q being sums of monomials.

    Parameters
    ----------
    shape : QuotientShape
    rows : Rows
        Scaled to sizes near 1; targets of a root are mostly positive.
    weights : ndarray of shape (N,)
        Of the rows; the errors of the targets are in inverse proportion.

    Attributes
    ----------
    above, below : ndarray of shape (N, n_monomials)
        Values of the monomials of P, times what makes the quotient a weighted one, and of Q; the
        coefficients are in this order.
    units : tuple of Fraction
        The power of each column that the monomials are of: 1, or 1/2 for its square root.
    """

    def __init__(self, shape: QuotientShape, rows: Rows, weights: Floats) -> None:
        self.shape = shape
        self.power = float(shape.power)
        n = rows.X.shape[1]
        self.exponents = exponents_up_to(n, max(shape.above, shape.below))
        self.units: tuple[Fraction, ...] = (Fraction(1),) * n
        X = rows.X
        if shape.roots:
            X, self.units = rooted_columns(X)
        values = monomial_values(X, self.exponents)
        self.above = values[:, : math.comb(n + shape.above, n)]
        self.above = self.above * weights[:, None] ** float(1 / shape.power)
        self.below = values[:, : math.comb(n + shape.below, n)]
        super().__init__(rows.y * weights, self.above.shape[1] + self.below.shape[1])

    def linear(self) -> tuple[Floats, Floats]:
        """Targets of P / Q, and the weights that give their errors one size."""
        if self.power == 1:
            return self.y, np.ones(len(self.y))
        size = np.abs(self.y)
        z = np.sign(self.y) * size ** (1 / self.power)
        # a target close to zero is smaller than its error, however small that is
        size = np.maximum(size, CLOSE_TO_ZERO * np.median(size))
        with np.errstate(all="ignore"):
            return z, self.power * size ** (1 - 1 / self.power)

    def value(self, coefficients: Floats) -> Floats:
        """The quotient, a negative one under a root taken for zero."""
        g, _ = self._quotient(coefficients)
        return g if self.power == 1 else np.maximum(g, 0.0) ** self.power

    def slopes(self, coefficients: Floats, kept: Indices) -> Floats:
        """Of the value in some coefficients of P and of Q."""
        g, below = self._quotient(coefficients)
        outer = 1 / below
        if self.power != 1:
            outer = outer * self.power * np.maximum(g, 0.0) ** (self.power - 1)
        m = self.above.shape[1]
        above, below = self.above[:, kept[kept < m]], self.below[:, kept[kept >= m] - m]
        return np.concatenate([above, -below * g[:, None]], axis=1) * outer[:, None]

    def needed(self, kept: Indices) -> NDArray[np.bool_]:
        """The last monomial of P, and the last of Q."""
        above = kept < self.above.shape[1]
        alone = np.zeros(len(kept), dtype=bool)
        for side in (above, ~above):
            alone |= side & (side.sum() == 1)
        return alone

    def polynomials(self, coefficients: Floats, kept: Indices) -> tuple[Polynomial, Polynomial]:
        """P and Q with the coefficients that are kept; the largest of Q is 1, or -1."""
        m = self.above.shape[1]
        unit = float(np.max(np.abs(coefficients[kept[kept >= m]])))
        parts: tuple[Polynomial, Polynomial] = ({}, {})
        for k in kept:
            e = self.exponents[k if k < m else k - m]
            monomial = tuple(unit * v for unit, v in zip(self.units, e, strict=True))
            parts[int(k >= m)][monomial] = float(coefficients[k]) / unit
        return parts

    def _quotient(self, c: Floats) -> tuple[Floats, Floats]:
        m = self.above.shape[1]
        below = self.below @ c[m:]
        return (self.above @ c[:m]) / below, below


def total_least_squares(quotient: Quotient, *, reweighted: int) -> Floats:
    """Coefficients from the smallest generalised eigenvalue of ``y Q(x) - P(x)``.

    That is consistent although the noise of y is in the design: Fuller, Measurement error models,
    1987.

    Parameters
    ----------
    quotient : Quotient
    reweighted : int
        How often the rows are weighted anew with the Q that was found, so that their errors have
        one size (Sanathanan and Koerner, IEEE Trans. Automatic Control 8, 1963).

    Returns
    -------
    ndarray of shape (n_above + n_below,)

    Raises
    ------
    numpy.linalg.LinAlgError
        If there are no numbers to be had.
    """
    z, w = quotient.linear()
    if not np.isfinite(w).all():
        raise np.linalg.LinAlgError
    divisor = np.ones(len(z))
    coefficients = quotient.coefficients
    for _ in range(reweighted):
        v = (w / divisor)[:, None]
        above = quotient.above * v
        noise = quotient.below / divisor[:, None]
        q = _smallest(above, quotient.below * v * z[:, None], noise)
        values = quotient.below @ q
        p = np.linalg.lstsq(above, values * v[:, 0] * z, rcond=1e-12)[0]
        size = float(np.median(values)) or 1.0
        coefficients = np.concatenate([p, q]) / size
        divisor = np.maximum(np.abs(values / size), SMALLEST_DIVISOR)
    return coefficients


def _smallest(above: Floats, below: Floats, noise: Floats) -> Floats:
    """The q that makes the part of ``below @ q`` off the span of `above` smallest.

    In relation to ``noise @ q``, whose square is the variance that q gives to the noise.
    """
    m = above.shape[1]
    design = np.concatenate([above, below], axis=1)
    size = np.linalg.norm(design, axis=0)
    size[size == 0] = 1.0
    R: Floats = np.asarray(np.linalg.qr(design / size, mode="r"))[m:, m:]
    noise = noise / size[m:]
    ridge = 1e-10 * np.linalg.norm(noise) * np.eye(noise.shape[1])
    metric: Floats = np.asarray(np.linalg.qr(np.concatenate([noise, ridge]), mode="r"))
    vector = np.linalg.svd(np.linalg.solve(metric.T, R.T).T)[2][-1]
    return np.asarray(np.linalg.solve(metric, vector) / size[m:])
