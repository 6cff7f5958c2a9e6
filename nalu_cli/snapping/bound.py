"""How far a formula may be from the rows: inside every printed cell, or within the noise."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from nalu_cli.snapping.minimax import RIDGE, least_largest

__all__ = ["Bound", "Noise", "Printed"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


SLACK = 0.01
"""Share of a half-width by which a row may lie outside while numbers are still free. *Guess:* a
value that is rounded from the very edge of its cell would need them to the last digit."""


class Bound(Protocol):
    """A measure of errors, how it is made small, and how much of it is allowed."""

    @property
    def size(self) -> Floats:
        """What the error of each row is divided by: (N,)."""

    @property
    def most(self) -> float:
        """The largest measure in the end."""

    @property
    def keeps_reals(self) -> bool:
        """Whether a number may stay without a name."""

    def bits(self, squares: float) -> float:
        """Of errors with such a sum of squares, but for what the likeliest errors take."""

    def without_slack(self) -> Bound | None:
        """A bound to try again with when its slack led outside; None when it has none."""

    def measure(self, residuals: Floats) -> Floats:
        """Of divided errors (R, N): (R,)."""

    def allowed(self, best: Floats | float, saved: Floats) -> Floats:
        """The largest measure for so many bits saved, (R,), when the best one is as given."""

    def moves(
        self, residuals: Floats, slopes: Floats, free: Bools, limit: Floats, damping: Floats
    ) -> tuple[Floats, Floats]:
        """Moves (R, Q) of the free numbers, and the measure (R,) they promise where linear."""

    def take(self, rows: NDArray[np.intp]) -> Bound:
        """The same for some of the rows."""


@dataclass(frozen=True, slots=True)
class Printed:
    """Every row inside its printed cell.

    Parameters
    ----------
    size : ndarray of shape (N,)
        Half-widths of the cells.
    slack : float
        Share of them that a row may lie outside while numbers are still free.
    """

    size: Floats
    slack: float = SLACK

    def without_slack(self) -> Printed | None:
        """The same, held from the first number on."""
        return Printed(self.size, 0.0) if self.slack else None

    @property
    def most(self) -> float:
        """Every row inside, and rounding."""
        return 1.0 + 1e-9

    def bits(self, squares: float) -> float:
        """None up to the squares of even errors: a third of a row each; then as if normal."""
        return max(0.0, 1.5 * (squares - len(self.size) / 3)) / math.log(2)

    @property
    def keeps_reals(self) -> bool:
        """Cells hold decimals, and some decimal is always inside."""
        return False

    def measure(self, residuals: Floats) -> Floats:
        """The largest error."""
        return np.asarray(np.abs(residuals).max(axis=1))

    def allowed(self, best: Floats | float, saved: Floats) -> Floats:
        """No row may leave its cell, whatever that saves."""
        return np.full(len(saved), 1.0 + self.slack)

    def moves(
        self, residuals: Floats, slopes: Floats, free: Bools, limit: Floats, damping: Floats
    ) -> tuple[Floats, Floats]:
        """See `minimax.least_largest`."""
        return least_largest(residuals, slopes, free, damping, limit=float(limit.min()))

    def take(self, rows: NDArray[np.intp]) -> Printed:
        """The same for some of the rows."""
        return Printed(self.size[rows], self.slack)


@dataclass(frozen=True, slots=True)
class Noise:
    """Errors as likely as the best ones, but for what a shorter number saves.

    Parameters
    ----------
    size : ndarray of shape (N,)
        Standard deviation of each row.
    """

    size: Floats

    @property
    def most(self) -> float:
        """What was allowed on the way is paid for."""
        return math.inf

    def bits(self, squares: float) -> float:
        """Of normal errors."""
        return 0.5 * squares / math.log(2)

    @property
    def keeps_reals(self) -> bool:
        """A name that is longer than what the rows tell says nothing."""
        return True

    def without_slack(self) -> None:
        """Nothing was let pass that must be inside in the end."""

    def measure(self, residuals: Floats) -> Floats:
        """Chi-square."""
        return np.asarray(np.einsum("rn,rn->r", residuals, residuals))

    def allowed(self, best: Floats | float, saved: Floats) -> Floats:
        """Chi-square may grow by what the saved bits are worth (two natural logarithms each)."""
        return best + 2 * math.log(2) * np.maximum(saved, 0.0)

    def moves(
        self, residuals: Floats, slopes: Floats, free: Bools, limit: Floats, damping: Floats
    ) -> tuple[Floats, Floats]:
        """Least squares."""
        lengths = np.sqrt(np.einsum("rnq,rnq->rq", slopes, slopes)) + 1e-300
        J = np.where(free[:, None], slopes / lengths[:, None], 0.0)
        H = np.matmul(J.transpose(0, 2, 1), J)
        places = np.arange(H.shape[1])
        H[:, places, places] += np.where(free, np.maximum(damping, RIDGE)[:, None], 1.0)
        slope = np.einsum("rnq,rn->rq", J, residuals)
        step = -np.linalg.solve(H, slope[..., None])[..., 0]
        return step / lengths, self.measure(residuals) + np.einsum("rq,rq->r", slope, step)

    def take(self, rows: NDArray[np.intp]) -> Noise:
        """The same for some of the rows."""
        return Noise(self.size[rows])
