"""The linear model of the numbers that are free."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nalu_cli.snapping.model import solved

__all__ = ["Line"]

Floats = NDArray[np.float64]


class Line:
    """The linear model of the numbers that are free, as small as these are few.

    All is relative to the numbers' scales. A number that the rows do not tell is known to be about
    as large as its scale.

    Parameters
    ----------
    slopes : ndarray of shape (N, Q)
        Derivatives of the residuals by all numbers.
    residual : ndarray of shape (N,)
    scales : ndarray of shape (Q,)
    free : ndarray of int, shape (F,)
        Which numbers move.

    Attributes
    ----------
    shifts : ndarray of shape (F,)
        To the least squares.
    errors : ndarray of shape (F,)
        Standard errors of residuals of size 1, all free numbers moving.
    effects : ndarray of shape (F,)
        How far each alone moves the residuals.
    squares : float
        Least sum of squares.
    bits : float
        That the free numbers take by chance.
    """

    def __init__(
        self, slopes: Floats, residual: Floats, scales: Floats, free: NDArray[np.intp]
    ) -> None:
        self.free, self.scales = free, scales[free]
        effects = np.nan_to_num(slopes[:, free] * self.scales)
        self.effects: Floats = np.linalg.norm(effects, axis=0)
        prior = np.eye(len(free), len(free) + 1)
        rows = np.vstack([np.column_stack([effects, residual]), prior])
        small = np.asarray(np.linalg.qr(rows, mode="r"), dtype=np.float64)
        self._slopes, self._residual = small[:, :-1], small[:, -1]
        inverse, self.errors = solved(self._slopes)
        self.shifts: Floats = -inverse @ self._residual
        self.squares = self._squares(self.shifts)
        self.bits = self._bits_of(np.arange(len(free)))

    def places(self, numbers: Sequence[int]) -> list[int]:
        """Where numbers stand among the free ones."""
        return [int(place) for place in np.searchsorted(self.free, numbers)]

    def bits_of_places(self, at: Sequence[int]) -> float:
        """Bits that the rows tell of free numbers together, those that stay free moving along."""
        return self.bits - self._bits_of(np.setdiff1d(np.arange(len(self.free)), at))

    def followed(self, at: Sequence[int], shifts: Floats) -> tuple[Floats, float, float]:
        """All free numbers when some of them are set.

        Parameters
        ----------
        at : sequence of int
            Where these stand among the free ones.
        shifts : ndarray
            Theirs.

        Returns
        -------
        moves : ndarray of shape (F,)
            Of all.
        squares : float
            Least sum of squares.
        bits : float
            That the others take by chance.
        """
        rest = np.setdiff1d(np.arange(len(self.free)), at)
        moves = np.zeros(len(self.free))
        moves[at] = shifts
        moves[rest] = -solved(self._slopes[:, rest])[0] @ (self._residual + self._slopes @ moves)
        return moves, self._squares(moves), self._bits_of(rest)

    def _squares(self, moves: Floats) -> float:
        return float(np.sum((self._residual + self._slopes @ moves) ** 2))

    def _bits_of(self, some: NDArray[np.intp]) -> float:
        """The logarithm of how many times their room is larger than what the rows leave of it."""
        sides = np.diag(np.linalg.qr(self._slopes[:, some], mode="r"))
        return float(np.log2(np.abs(sides)).sum())
