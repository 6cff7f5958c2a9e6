"""What columns of numbers span."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["basis"]

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
