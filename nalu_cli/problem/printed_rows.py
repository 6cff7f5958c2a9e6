"""Rows whose cells are known as precisely as they are printed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nalu_cli.rows import Rows
from nalu_cli.table import Kind, Precision

__all__ = ["printed_rows"]

Floats = NDArray[np.float64]


def printed_rows(
    X: Floats, y: Floats, precisions: Sequence[Precision], sigma: Floats | None = None
) -> Rows:
    """Rows whose half-widths follow from how their columns are printed.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_columns)
    y : ndarray of shape (n_rows,)
    precisions : sequence of Precision
        Of each column, and of the target.
    sigma : ndarray of shape (n_rows,), optional
    """
    *inputs, target = precisions
    halves = [_input_halves(p, x) for p, x in zip(inputs, X.T, strict=True)]
    half_X = np.column_stack(halves) if halves else np.zeros_like(X)
    return Rows(X, y, _if_any(target.half_widths(y)), _if_any(half_X), sigma)


def _input_halves(precision: Precision, x: Floats) -> Floats:
    # whole numbers among the inputs are counts, which nobody rounded
    exact = precision.kind is Kind.WHOLE
    return np.zeros(len(x)) if exact else precision.half_widths(x)


def _if_any(halves: Floats) -> Floats | None:
    return halves if halves.any() else None
