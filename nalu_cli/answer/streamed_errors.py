"""Errors of a formula on rows that come some at a time."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from nalu_cli.answer import Errors

__all__ = ["Tally"]

Floats = NDArray[np.float64]


class Tally:
    """Sums up the rows that have both a value and a target."""

    def __init__(self) -> None:
        self.rows = 0
        self._relative = 0.0
        self._scale = 0.0
        self._squares = 0.0
        self._mean = 0.0
        self._spread = 0.0

    def add(self, value: Floats, y: Floats) -> None:
        """Take note of some rows.

        Parameters
        ----------
        value, y : ndarray of shape (n_rows,)
            What the formula says and what is true; rows in which one is not finite do not count.
        """
        both = np.isfinite(value) & np.isfinite(y)
        if both.all():
            self._compare(value, y)
        else:
            self._compare(value[both], y[both])

    def errors(self) -> Errors:
        """The errors on all rows so far."""
        if not self.rows:
            return Errors(0, None, None, None)
        rmse = math.sqrt(self._squares / self.rows) * self._scale
        r2 = 1 - self._squares / self._spread if self._spread > 0 else None
        relative = self._relative if math.isfinite(self._relative) else None
        return Errors(self.rows, relative, rmse if math.isfinite(rmse) else None, r2)

    def _compare(self, value: Floats, y: Floats) -> None:
        if not len(y):
            return
        # squares of 1e200 overflow and those of 1e-200 vanish, so all is measured in a unit
        self._scale = self._scale or float(np.max(np.abs(y))) or 1.0
        with np.errstate(all="ignore"):
            distance = np.abs(value - y)
            relative = distance / np.abs(y)
            self._squares += float(np.sum((distance / self._scale) ** 2))
            worst = float(np.max(np.where(distance == 0, 0.0, relative)))
            self._relative = max(self._relative, worst)
            self._merge(y / self._scale)

    def _merge(self, y: Floats) -> None:
        """Mean and sum of squared deviations of two parts (Chan, Golub and LeVeque 1979)."""
        count, mean = len(y), float(np.mean(y))
        step, total = mean - self._mean, self.rows + count
        self._spread += float(np.sum((y - mean) ** 2)) + step**2 * self.rows * count / total
        self._mean += step * count / total
        self.rows = total
