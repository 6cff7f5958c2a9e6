"""What columns of numbers span, and the best combination of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["basis", "least_squares", "log_weights", "reweighted", "weighted_least_squares"]

Floats = NDArray[np.float64]

DEPENDENT = 1e-8
"""Singular value, relative to the largest, of columns that others make up."""


def basis(columns: Floats) -> Floats:
    """Orthonormal columns, (N, rank), with the span of those given, (N, K)."""
    size = np.linalg.norm(columns, axis=0)
    usable = np.isfinite(size) & (size > 0)
    if not usable.any():
        return np.zeros((len(columns), 0))
    u, s, _ = np.linalg.svd(columns[:, usable] / size[usable], full_matrices=False)
    return np.asarray(u[:, s > DEPENDENT * s[0]])


def least_squares(columns: Floats, target: Floats) -> Floats:
    """Coefficients, (K,), of the combination of columns of any sizes that is closest to a target.

    Raises
    ------
    numpy.linalg.LinAlgError
        If the numbers are not finite.
    """
    size = np.linalg.norm(columns, axis=0)
    size[size == 0] = 1.0
    return np.asarray(np.linalg.lstsq(columns / size, target, rcond=DEPENDENT)[0] / size)


MOST_WEIGHT = 100.0
"""Of one row, over that of the median."""


REWEIGHTED = 4
MOST_PREDICTED = 1e8
"""How often a product is weighted anew with its own values, and the largest such weight."""


def reweighted(design: Floats, target: Floats, weights: Floats) -> tuple[Floats, Floats, Floats]:
    """Least squares of a logarithm, rows weighted by the size that comes out.

    Parameters
    ----------
    design : ndarray of shape (N, K)
    target : ndarray of shape (N,)
        Logarithm of the sizes.
    weights : ndarray of shape (N,)
        To start with.

    Returns
    -------
    coefficients, errors : ndarray of shape (K,)
    weights : ndarray of shape (N,)
    """
    for _ in range(REWEIGHTED):
        coefficients, errors = weighted_least_squares(design, target, weights)
        value = design @ coefficients
        with np.errstate(over="ignore"):
            weights = np.minimum(np.exp(value - np.median(value)), MOST_PREDICTED)
    return coefficients, errors, weights


def weighted_least_squares(
    design: Floats, target: Floats, weights: Floats
) -> tuple[Floats, Floats]:
    """Coefficients, (K,), of the columns of a design, (N, K), and their standard errors."""
    A, b = design * weights[:, None], target * weights
    coefficients = np.asarray(np.linalg.lstsq(A, b, rcond=1e-13)[0], dtype=np.float64)
    left = float(np.sum((b - A @ coefficients) ** 2)) / max(len(b) - A.shape[1], 1)
    size = np.linalg.norm(A, axis=0)
    size[size == 0] = 1.0
    inverse = np.linalg.pinv((A / size).T @ (A / size))
    return coefficients, np.sqrt(left * np.diag(inverse)) / size


def log_weights(y: Floats) -> Floats:
    """Weights of log|y|: an error of one size everywhere is one of log|y| that falls with |y|."""
    size = np.abs(y)
    typical = float(np.median(size[size > 0])) if size.any() else 1.0
    with np.errstate(over="ignore"):
        weights: Floats = np.minimum(size / typical, MOST_WEIGHT)
    return weights
