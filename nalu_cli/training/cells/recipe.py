"""How the paper of a cell trains it: rate, weight of the regulariser, what is clipped."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Protocol

__all__ = ["Pull", "Ramp", "Recipe", "Stairs"]


class Pull(Protocol):
    """Weight of a regulariser over the course of a training."""

    def at(self, done: float) -> float:
        """Weight when a share `done` of the steps is done."""


@dataclass(frozen=True, slots=True)
class Ramp:
    """A weight that grows from zero to `strength` between two shares of the steps."""

    strength: float = 0.0
    start: float = 0.0
    end: float = 0.0

    def at(self, done: float) -> float:
        """Weight when a share `done` of the steps is done."""
        if done < self.start:
            return 0.0
        width = self.end - self.start
        return self.strength * (min(1.0, (done - self.start) / width) if width > 0 else 1.0)


@dataclass(frozen=True, slots=True)
class Stairs:
    """A weight that grows tenfold from `first` to `last`, after each share `every` of the steps."""

    first: float
    last: float
    every: float = 0.2

    def at(self, done: float) -> float:
        """Weight when a share `done` of the steps is done."""
        return min(self.last, self.first * 10.0 ** int(done / self.every + 1e-9))


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What is particular to the training of a cell.

    The trainer of `nalu fit` follows `pull` and `pull_below`; it has a rate and a limit on the
    gradient of its own, as it takes hundreds of restarts a hundred times fewer steps. The
    published protocol follows all of it.

    Parameters
    ----------
    rate : float
        Of Adam.
    pull : Pull
        Weight of the cell's `penalty` in the loss.
    pull_below : float
        Only restarts with a loss below this are pulled.
    largest_slope : float
        Each entry of the gradient is cut to this size.
    largest_gradient : float
        The gradient of a restart is shortened to this length.
    starts_again : bool
        Whether a restart that is stuck is drawn anew (Schlör, Ring and Hotho 2020).
    """

    rate: float = 1e-3
    pull: Pull = field(default_factory=Ramp)
    pull_below: float = math.inf
    largest_slope: float = math.inf
    largest_gradient: float = math.inf
    starts_again: bool = False
