"""Rows of a table as the stages see them, each cell with how precisely it is known."""

from __future__ import annotations

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
    """

    X: Floats
    y: Floats
    half_y: Floats | None = None
    half_X: Floats | None = None
    sigma: Floats | None = None

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
        )


def together(*parts: Rows) -> Rows:
    """The rows of all parts, in their order."""
    return Rows(
        np.concatenate([p.X for p in parts]),
        np.concatenate([p.y for p in parts]),
        _joined([(p.half_y, p.y) for p in parts]),
        _joined([(p.half_X, p.X) for p in parts]),
        # a file of the user's own has standard errors wherever the table has, and no others
        _joined([(p.sigma, p.y) for p in parts]),
    )


def _joined(parts: list[tuple[Floats | None, Floats]]) -> Floats | None:
    """What is known about some values; zeros beside it for those of full doubles."""
    if all(known is None for known, _ in parts):
        return None
    return np.concatenate([np.zeros_like(v) if known is None else known for known, v in parts])
