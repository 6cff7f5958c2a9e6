"""Stage 2: which rows train, which are kept back near by, which lie farthest out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nalu_cli.errors import DataError
from nalu_cli.settings import FitSettings
from nalu_cli.table import Table

__all__ = ["Box", "Problem", "Rows", "pose"]

Floats = NDArray[np.float64]

NEAR_SHARE = 0.1
"""Share of the inner rows kept back at random."""

FEWEST_ROWS = 2


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of a table: inputs X of shape (n_rows, n_columns) and targets y of shape (n_rows,)."""

    X: Floats
    y: Floats

    def __len__(self) -> int:
        return len(self.y)


@dataclass(frozen=True, slots=True)
class Box:
    """The box of inputs the formula was trained in: per column lowest, highest and median value."""

    low: Floats
    high: Floats
    median: Floats


@dataclass(frozen=True, slots=True)
class Problem:
    """A question put to the engine.

    Parameters
    ----------
    names : tuple of str
        Columns the formula may use.
    target : str
        Column the formula computes.
    train, near, far : Rows
        Inner rows, inner rows kept back at random, outermost rows (or the rows of `--test`).
    far_is_test : bool
        Whether `far` came from a file of the user's own.
    box : Box
        Bounds of the training rows.
    notes : tuple of str
        What was left out and why.
    """

    names: tuple[str, ...]
    target: str
    train: Rows
    near: Rows
    far: Rows
    far_is_test: bool
    box: Box
    notes: tuple[str, ...]

    def all_rows(self) -> Rows:
        """Train, near and far rows together."""
        parts = (self.train, self.near, self.far)
        return Rows(np.concatenate([p.X for p in parts]), np.concatenate([p.y for p in parts]))
