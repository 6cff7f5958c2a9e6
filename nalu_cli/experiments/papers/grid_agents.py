"""Agents that are told a time and see a grid: counters, and bodies that read them and act."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from nalu_cli.experiments.papers.grid_world import PIXELS, Move
from nalu_cli.training.cells.cell import Path, uniform
from nalu_cli.training.cells.nac import NAC
from nalu_cli.training.cells.nau import NAU

__all__ = [
    "Agent",
    "Counter",
    "NACCounter",
    "NoCounter",
    "ReactiveBody",
    "RecurrentBody",
    "SnappedCounter",
]

Generators = Sequence[np.random.Generator]

UNIT = 10.0
"""Steps that make a time, or a count, of one where a network reads it as a number."""


class _Layer(nn.Module):
    """x W + b for R networks."""

    def __init__(self, inputs: int, outputs: int, generators: Generators, scale: float) -> None:
        super().__init__()
        self.W = uniform(generators, (inputs, outputs), scale * math.sqrt(3 / inputs))
        self.b = uniform(generators, (1, outputs), 0.0)

    def forward(self, x: Tensor) -> Tensor:
        """(R, S, N, I) -> (R, S, N, O)."""
        flat = torch.baddbmm(self.b, x.flatten(1, 2), self.W)
        return flat.view(*x.shape[:3], -1)


class Counter(nn.Module, ABC):
    """What is told of the time that is left; it sees the instruction and that time passes."""

    width: int
    """How many numbers a body is given."""

    @abstractmethod
    def counts(self, times: Tensor, steps: int) -> Tensor:
        """Count through the first steps of episodes: (R, N) -> (R, S, N, K)."""

    @abstractmethod
    def read(self, counts: Tensor) -> Tensor:
        """Make of counts what a body is given: (R, S, N, K) -> (R, S, N, width)."""

    def project(self) -> None:
        """Bring parameters back within their bounds."""

    @torch.no_grad()
    def snap(self, times: Tensor) -> None:
        """Give the weights whole values for good; the times are those of training."""


class NoCounter(Counter):
    """Nothing; an LSTM counts by itself."""

    width = 0

    def counts(self, times: Tensor, steps: int) -> Tensor:
        """Count nothing."""
        return torch.zeros(len(times), steps, times.shape[1], 0, device=times.device)

    def read(self, counts: Tensor) -> Tensor:
        """Nothing."""
        return counts


class NACCounter(Counter):
    """A NAC that reads the instruction, the passing of a step and its own last values.

    Its values are given to the body as they are, in units of ten steps.
    """

    width = 4

    def __init__(self, generators: Generators) -> None:
        super().__init__()
        self.cell = NAC(2 + self.width, self.width, generators, path=Path.SUM)

    def counts(self, times: Tensor, steps: int) -> Tensor:
        """Count as the weights will have it."""
        count = torch.zeros(*times.shape, self.width, device=times.device)
        found = []
        for step in range(steps):
            count = self.cell(torch.cat([_told(times, step), count], 2))
            found.append(count)
        return torch.stack(found, 1)

    def read(self, counts: Tensor) -> Tensor:
        """Give the numbers."""
        return counts / UNIT


class SnappedCounter(Counter):
    """One accumulator, a NAU over instruction and passing step, read through gates.

    A gate is open where the count is above a threshold of its own. Weights and thresholds are
    learned as real numbers, with gates of a finite steepness. The snap divides the weights by the
    larger of them, the thresholds along with them, so that nothing moves; then weights go to the
    nearest of -1, 0 and 1, thresholds between two whole numbers, and gates are 0 or 1. A gate that
    has not switched in training stays as it was. Nothing a body reads thus depends on how large
    a count is, once it is larger than all thresholds, and counts are exact up to 2^24, where single
    precision ends.
    """

    width = 48

    STEEPNESS = 6.0
    REACH = 6.0
    """Thresholds start evenly spaced between this and its negative."""

    def __init__(self, generators: Generators) -> None:
        super().__init__()
        self.cell = NAU(2, 1, generators, path=Path.SUM)
        half = len(generators) // 2
        with torch.no_grad():
            self.cell.W[half : 2 * half] = self.cell.W[:half] * torch.tensor([[1.0], [-1.0]])
        even = torch.linspace(-self.REACH, self.REACH, self.width)
        self.thresholds = nn.Parameter(even.repeat(len(generators), 1, 1, 1))  # (R, 1, 1, width)
        self.is_snapped = False

    def counts(self, times: Tensor, steps: int) -> Tensor:
        """Add up what the cell makes of each step."""
        added = torch.stack([self.cell(_told(times, step)) for step in range(steps)], 1)
        return added.cumsum(1)

    def read(self, counts: Tensor) -> Tensor:
        """Open the gates."""
        above = counts - self.thresholds
        return (above > 0).float() if self.is_snapped else (self.STEEPNESS * above).sigmoid()

    def project(self) -> None:
        """Clamp the weights."""
        self.cell.project()

    @torch.no_grad()
    def snap(self, times: Tensor) -> None:
        """Snap weights, thresholds and gates."""
        size = self.cell.W.abs().amax((1, 2), keepdim=True)  # (R, 1, 1)
        self.cell.W[:] = (self.cell.W / size).round()
        bounds = (self.thresholds / size.unsqueeze(3)).floor() + 0.5
        low, high = self._ends(times)
        bounds = torch.where(bounds > high, math.inf, bounds)
        self.thresholds[:] = torch.where(bounds < low, -math.inf, bounds)
        self.is_snapped = True

    def _ends(self, times: Tensor) -> tuple[Tensor, Tensor]:
        """Smallest and largest count in episodes of the times, (M,): both (R, 1, 1, 1)."""
        steps = int(times.max())
        counts = self.counts(times.expand(len(self.thresholds), -1), steps)
        in_time = torch.arange(steps, device=times.device)[:, None] < times
        seen = counts[:, in_time].flatten(1)[:, None, None]
        return seen.amin(3, keepdim=True), seen.amax(3, keepdim=True)


def _told(times: Tensor, step: int) -> Tensor:
    """The instruction, at the start only, and one for the step that passes: (R, N, 2)."""
    times = times.float()
    return torch.stack([times if step == 0 else torch.zeros_like(times), torch.ones_like(times)], 2)


Memory = tuple[Tensor, ...]
"""What a body keeps from one step to the next: each (R, N, H)."""


class _Body(nn.Module, ABC):
    """Sees, reads the counter, and says what to do."""

    def __init__(self, hidden: int, generators: Generators) -> None:
        super().__init__()
        self.act = _Layer(hidden, len(Move), generators, 0.1)
        self.expect = _Layer(hidden, 1, generators, 1.0)

    @abstractmethod
    def start(self, like: Tensor) -> Memory:
        """What is in memory before the first step, given pictures (R, S, N, PIXELS)."""

    @abstractmethod
    def think(
        self, pictures: Tensor, told: Tensor, reading: Tensor, memory: Memory
    ) -> tuple[Tensor, Memory]:
        """Hidden units of S steps, (R, S, N, H), and the memory after them."""


class RecurrentBody(_Body):
    """The body of the paper: a visual layer, and an LSTM that is told the time directly too."""

    HIDDEN = 48

    def __init__(self, read: int, generators: Generators) -> None:
        super().__init__(self.HIDDEN, generators)
        hidden = self.HIDDEN
        self.see = _Layer(PIXELS, hidden, generators, 1.0)
        self.take = _Layer(hidden + 1 + read, 4 * hidden, generators, 1.0)
        self.recur = uniform(generators, (hidden, 4 * hidden), hidden**-0.5)

    def start(self, like: Tensor) -> Memory:
        """Zeros."""
        zeros = like.new_zeros(len(like), like.shape[2], self.HIDDEN)
        return zeros, zeros

    def think(
        self, pictures: Tensor, told: Tensor, reading: Tensor, memory: Memory
    ) -> tuple[Tensor, Memory]:
        """Hochreiter and Schmidhuber 1997, with forget gates that start open."""
        seen = self.see(pictures).relu()
        taken = self.take(torch.cat([seen, told / UNIT, reading], 3))  # (R, S, N, 4 H)
        h, c = memory
        hidden = []
        for step in range(taken.shape[1]):
            keep, let_in, let_out, new = torch.baddbmm(taken[:, step], h, self.recur).chunk(4, 2)
            c = (keep + 1).sigmoid() * c + let_in.sigmoid() * new.tanh()
            h = let_out.sigmoid() * c.tanh()
            hidden.append(h)
        return torch.stack(hidden, 1), (h, c)


class ReactiveBody(_Body):
    """A body without memory: two layers over the picture and what the counter gives."""

    HIDDEN = 64

    def __init__(self, read: int, generators: Generators) -> None:
        super().__init__(self.HIDDEN, generators)
        hidden = self.HIDDEN
        self.see = _Layer(PIXELS + read, hidden, generators, math.sqrt(2))
        self.combine = _Layer(hidden, hidden, generators, math.sqrt(2))

    def start(self, like: Tensor) -> Memory:
        """Nothing."""
        return ()

    def think(
        self, pictures: Tensor, told: Tensor, reading: Tensor, memory: Memory
    ) -> tuple[Tensor, Memory]:
        """Each step on its own; the instruction is heard through the counter only."""
        seen = self.see(torch.cat([pictures, reading], 3)).relu()
        return self.combine(seen).relu(), memory


class Agent(nn.Module):
    """R agents of one kind, whose parameters are views of one tensor.

    Parameters
    ----------
    counter : Counter
    body : RecurrentBody or ReactiveBody
        Made for what the counter gives.
    """

    def __init__(self, counter: Counter, body: RecurrentBody | ReactiveBody) -> None:
        super().__init__()
        self.counter, self.body = counter, body
        self.weights = list(self.parameters())
        self.replace(torch.cat([p.data.flatten(1) for p in self.weights], 1))

    def replace(self, theta: Tensor) -> None:
        """Continue with other parameters, (R, P)."""
        self.theta, at = theta.contiguous(), 0
        for p in self.weights:
            size = p[0].numel()
            p.data = self.theta[:, at : at + size].view(len(theta), *p.shape[1:])
            at += size

    def decide(
        self, pictures: Tensor, told: Tensor, counts: Tensor, memory: Memory | None = None
    ) -> tuple[Tensor, Tensor, Memory]:
        """Weigh the moves of S steps.

        Parameters
        ----------
        pictures : Tensor of shape (R, S, N, PIXELS)
        told : Tensor of shape (R, S, N, 1)
            The instruction at the first step, zero later.
        counts : Tensor of shape (R, S, N, K)
        memory : tuple of Tensor, optional
            As it was after the step before.

        Returns
        -------
        logits : Tensor of shape (R, S, N, moves)
        expected : Tensor of shape (R, S, N)
            Reward.
        memory : tuple of Tensor
        """
        before = self.body.start(pictures) if memory is None else memory
        reading = self.counter.read(counts)
        hidden, after = self.body.think(pictures, told, reading, before)
        return self.body.act(hidden), self.body.expect(hidden).squeeze(3), after
