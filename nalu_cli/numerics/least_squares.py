"""Least squares: the span of columns, coefficients, and their standard errors."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nalu_cli.numerics.tolerances import RANK

__all__ = [
    "basis",
    "heteroscedastic_least_squares",
    "least_squares",
    "log_weights",
    "reweighted",
    "weighted_least_squares",
]

Floats = NDArray[np.float64]

DEPENDENT = 1e-8
"""*Guess:* a singular value below this share of the largest belongs to columns that others make up;
it is the root of the precision of doubles, about."""


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
"""*Guess:* a row with a large target weighs at most a hundred times as much as that of the median,
since with targets over many decades a few rows would else decide alone."""

REWEIGHTED = 4
"""*Guess:* how often the logarithm of a target is weighted anew with its fitted values; the weights
barely move after the second time."""

MOST_PREDICTED = 1e8
"""*Guess:* largest weight of a row by its fitted value, over that of the median; only a guard
against overflow, since targets over more decades than this are rare."""

LEAST_FREE = 1e-3
"""*Guess:* where a row decides a coefficient alone, the residual it would have if it had not been
fitted is at most a thousand times the one it has: this is the inverse."""


def reweighted(design: Floats, target: Floats, weights: Floats) -> tuple[Floats, Floats, Floats]:
    """Least squares of a logarithm, rows weighted by the size of the fitted value.

    An error of one size everywhere is one of the logarithm that falls with that size: this is
    iteratively reweighted least squares.

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
    """Coefficients of the columns of a design and their standard errors.

    Parameters
    ----------
    design : ndarray of shape (N, K)
    target, weights : ndarray of shape (N,)
        Standard errors of the targets are in inverse proportion to the weights; their size is
        estimated from the residuals.

    Returns
    -------
    coefficients, errors : ndarray of shape (K,)
    """
    A, b = design * weights[:, None], target * weights
    coefficients = np.asarray(np.linalg.lstsq(A, b, rcond=RANK)[0], dtype=np.float64)
    variance = float(np.sum((b - A @ coefficients) ** 2)) / max(len(b) - A.shape[1], 1)
    size = np.linalg.norm(A, axis=0)
    size[size == 0] = 1.0
    inverse = np.linalg.pinv((A / size).T @ (A / size))
    return coefficients, np.sqrt(variance * np.diag(inverse)) / size


def heteroscedastic_least_squares(
    design: Floats, target: Floats, weights: Floats
) -> tuple[Floats, Floats]:
    """Coefficients and standard errors that hold whatever the errors of the single rows are.

    Each row counts with the residual it would have if it had not been fitted: the estimator HC3.

    Parameters
    ----------
    design : ndarray of shape (N, K)
    target, weights : ndarray of shape (N,)

    Returns
    -------
    coefficients, errors : ndarray of shape (K,)

    References
    ----------
    J. G. MacKinnon and H. White, "Some heteroskedasticity-consistent covariance matrix estimators
    with improved finite sample properties", Journal of Econometrics 29 (1985) 305-325.
    """
    A, b = design * weights[:, None], target * weights
    inverse = np.linalg.pinv(A)
    coefficients = inverse @ b
    leverage = np.einsum("nk,kn->n", A, inverse)
    unfitted = (b - A @ coefficients) / np.maximum(1 - leverage, LEAST_FREE)
    return coefficients, np.sqrt(inverse**2 @ unfitted**2)


def log_weights(y: Floats) -> Floats:
    """Weights of log|y|: an error of one size everywhere is one of log|y| that falls with |y|."""
    size = np.abs(y)
    typical = float(np.median(size[size > 0])) if size.any() else 1.0
    with np.errstate(over="ignore"):
        weights: Floats = np.minimum(size / typical, MOST_WEIGHT)
    return weights
