"""What columns of numbers span, and the best combination of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["basis", "least_squares"]

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
