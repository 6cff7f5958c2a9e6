"""Which columns of a least squares fit earn their place."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

__all__ = ["backward_elimination"]

Floats = NDArray[np.float64]

ROUNDING = 1e-13
"""Relative error that says nothing about a term: many of them add up to it."""

PRICE = 2.0
"""A term costs its coefficient and the choice of its monomial, in halves of log n."""


def backward_elimination(
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
