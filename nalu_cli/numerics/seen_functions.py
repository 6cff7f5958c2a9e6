"""Functions told apart by what they compute on a few rows, whatever they are written as."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["SeenFunctions"]

Floats = NDArray[np.float64]


class SeenFunctions:
    """Functions by their values on the same rows.

    Two forms of one formula differ by rounding, and two fits of it by where each of them stopped.
    So values are compared, with an allowance, and not hashed.
    """

    def __init__(self) -> None:
        self._values: list[Floats] = []

    def __len__(self) -> int:
        return len(self._values)

    def find(self, values: Floats, allowance: float) -> int | None:
        """The place of a function that is known already.

        Parameters
        ----------
        values : ndarray of shape (N,)
            On the rows, times the weights of these, if they have some.
        allowance : float
            Sum of the squared differences up to which two functions are one.

        Returns
        -------
        int or None
            None if it is new, and where some values are not finite.
        """
        if not self._values:
            return None
        with np.errstate(all="ignore"):
            gaps = np.sum((np.array(self._values) - values) ** 2, axis=1)
        near = np.flatnonzero(gaps <= allowance)
        return int(near[0]) if len(near) else None

    def add(self, values: Floats) -> int:
        """The place of a new function."""
        self._values.append(values)
        return len(self._values) - 1
