"""Rows of numbers, each cell with how precisely it is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Rows", "together"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of a table, with how precisely each cell is known.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_columns)
        Inputs.
    y : ndarray of shape (n_rows,)
        Targets.
    half_y : ndarray of shape (n_rows,), optional
        Half a unit of the last printed digit of each target; None where all are full doubles.
    half_X : ndarray of shape (n_rows, n_columns), optional
        The same for the inputs, 0 for full doubles and for counts; None where all are 0.
    sigma : ndarray of shape (n_rows,), optional
        Standard errors of the targets, where the user gives them.
    weights : ndarray of shape (n_rows,), optional
        What the error of each target counts times in a fit, where a reduction divided the target
        and its error with it; None where all count the same.
    """

    X: Floats
    y: Floats
    half_y: Floats | None = None
    half_X: Floats | None = None
    sigma: Floats | None = None
    weights: Floats | None = None

    def __len__(self) -> int:
        return len(self.y)

    def take(self, chosen: NDArray[Any]) -> Rows:
        """Some of the rows, by index or by mask."""
        return Rows(
            self.X[chosen],
            self.y[chosen],
            None if self.half_y is None else self.half_y[chosen],
            None if self.half_X is None else self.half_X[chosen],
            None if self.sigma is None else self.sigma[chosen],
            None if self.weights is None else self.weights[chosen],
        )

    def all_weights(self) -> Floats:
        """The weight of each row, 1 where none are given."""
        return np.ones(len(self)) if self.weights is None else self.weights


def together(*parts: Rows) -> Rows:
    """The rows of all parts, in their order."""
    return Rows(
        np.concatenate([p.X for p in parts]),
        np.concatenate([p.y for p in parts]),
        _joined([(p.half_y, p.y) for p in parts]),
        _joined([(p.half_X, p.X) for p in parts]),
        # a file of the user's own has standard errors wherever the table has, and no others
        _joined([(p.sigma, p.y) for p in parts]),
        _joined_weights(parts),
    )


def _joined_weights(parts: Sequence[Rows]) -> Floats | None:
    if all(part.weights is None for part in parts):
        return None
    return np.concatenate([part.all_weights() for part in parts])


def _joined(parts: list[tuple[Floats | None, Floats]]) -> Floats | None:
    """What is known about some values; zeros beside it for those of full doubles."""
    if all(known is None for known, _ in parts):
        return None
    return np.concatenate([np.zeros_like(v) if known is None else known for known, v in parts])
