"""A 5 by 5 grid with a target that has to be reached at a given time, for many episodes at once."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
import torch
from torch import Tensor

__all__ = [
    "CELLS",
    "PIXELS",
    "SIDE",
    "Episodes",
    "Move",
    "all_starts",
    "drawn_starts",
    "pictures_of",
]

SIDE = 5
CELLS = SIDE * SIDE
PIXELS = 2 * CELLS
"""Of a picture: a plane for the agent and one for the target."""


class Move(IntEnum):
    """What an agent can do; a move into a wall leaves it where it is."""

    UP = 0
    DOWN = 1
    LEFT = 2
    RIGHT = 3
    PASS = 4


SHIFTS = {
    Move.UP: (-1, 0),
    Move.DOWN: (1, 0),
    Move.LEFT: (0, -1),
    Move.RIGHT: (0, 1),
    Move.PASS: (0, 0),
}


def _next_cells() -> Tensor:
    row, column = np.divmod(np.arange(CELLS), SIDE)
    ends = [
        np.clip(row + down, 0, SIDE - 1) * SIDE + np.clip(column + right, 0, SIDE - 1)
        for down, right in (SHIFTS[move] for move in Move)
    ]
    return torch.from_numpy(np.stack(ends, 1))


NEXT = _next_cells()  # (CELLS, moves)


def _pairs() -> tuple[np.ndarray, np.ndarray]:
    """Every two cells that differ, near ones first, and their distances."""
    agent, target = np.nonzero(~np.eye(CELLS, dtype=bool))
    distance = sum(
        np.abs(a - b) for a, b in zip(np.divmod(agent, SIDE), np.divmod(target, SIDE), strict=True)
    )
    order = np.argsort(distance, kind="stable")
    return np.stack([agent, target], 1)[order], np.asarray(distance)[order]


PAIRS, DISTANCES = _pairs()  # (600, 2), (600,)


def all_starts(time: int) -> Tensor:
    """Every start from which the target can be reached in time: agent and target, (2, N)."""
    near = PAIRS[: np.searchsorted(DISTANCES, time, side="right")]
    return torch.from_numpy(near.T.copy())


def drawn_starts(times: np.ndarray, random: np.random.Generator) -> Tensor:
    """Draw one of those starts for each time: (N,) -> (2, N)."""
    counts = np.searchsorted(DISTANCES, times, side="right")
    return torch.from_numpy(PAIRS[random.integers(0, counts)].T.copy())


class Episodes:
    """R batches of N episodes in step with each other.

    An episode ends when the agent steps onto the target, or when its time is over: later there is
    nothing to be earned.

    Parameters
    ----------
    starts : Tensor of shape (2, R, N)
        Cells of agents and of targets, row by row from 0.
    times : Tensor of shape (R, N)
        When a target has to be reached: neither before nor after.
    """

    def __init__(self, starts: Tensor, times: Tensor) -> None:
        self.agents, self.targets = starts
        self.left = times
        self.running = torch.ones_like(times, dtype=torch.bool)
        self._next = NEXT.to(times.device)

    def move(self, moves: Tensor) -> Tensor:
        """Let time pass by one, and move the agents of running episodes: reward, (R, N)."""
        self.left = self.left - 1
        moved = self._next[self.agents, moves]
        self.agents = torch.where(self.running, moved, self.agents)
        arrived = self.running & (self.agents == self.targets)
        self.running = self.running & ~arrived & (self.left > 0)
        in_time: Tensor = arrived & (self.left == 0)
        return in_time.float()


def pictures_of(agents: Tensor, targets: Tensor) -> Tensor:
    """What is seen: a pixel for the agent and one for the target, (...) -> (..., PIXELS)."""
    seen = torch.zeros(*agents.shape, PIXELS, device=agents.device)
    seen.scatter_(-1, agents.unsqueeze(-1), 1.0)
    return seen.scatter_(-1, targets.unsqueeze(-1) + CELLS, 1.0)
