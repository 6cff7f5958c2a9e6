"""Batches of recurrent networks, with ordinary or with published cells, trained side by side."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from nalu_cli.experiments.papers.experiment import Tick
from nalu_cli.settings import CellName
from nalu_cli.training.adam import Adam
from nalu_cli.training.cells import CELLS, Cell, Path
from nalu_cli.training.cells.cell import uniform

__all__ = [
    "LSTM",
    "CellNetwork",
    "Linear",
    "ReLU",
    "Recurrence",
    "SequenceNetwork",
    "descend",
    "published_cell",
]

Generators = Sequence[np.random.Generator]

State = tuple[Tensor, ...]
"""What is carried from step to step, each (R, N, hidden); the first is what a head reads."""

TICKS = 20
"""Steps between two reports."""


class Recurrence(nn.Module, ABC):
    """R recurrent layers; what they start from is zero.

    Parameters
    ----------
    inputs, hidden : int
    generators : sequence of numpy Generator
        One for each network, so that one starts the same among any number of others.
    """

    def __init__(self, inputs: int, hidden: int, generators: Generators) -> None:
        super().__init__()
        self.inputs, self.hidden = inputs, hidden
        self.start(generators)

    @abstractmethod
    def start(self, generators: Generators) -> None:
        """Draw the parameters, each with the networks as its first axis."""

    @abstractmethod
    def zero(self, x: Tensor) -> State:
        """The state before the first step, for inputs of shape (R, T, N, I)."""

    @abstractmethod
    def advance(self, x: Tensor, state: State) -> State:
        """Take T steps: inputs of shape (R, T, N, I)."""


class Linear(nn.Module):
    """R linear layers with biases, uniform within 1 / sqrt(fan-in): (R, N, I) -> (R, N, O)."""

    def __init__(self, inputs: int, outputs: int, generators: Generators) -> None:
        super().__init__()
        bound = 1 / math.sqrt(inputs)
        self.W = uniform(generators, (inputs, outputs), bound)
        self.b = uniform(generators, (1, outputs), bound)

    def forward(self, x: Tensor) -> Tensor:
        """Add the weighted inputs."""
        return torch.baddbmm(self.b, x, self.W)


class _Driven(Recurrence):
    """A recurrence whose inputs are weighted for all steps at once."""

    gates = 1

    def start(self, generators: Generators) -> None:
        """Draw weights and biases within 1 / sqrt(hidden), as PyTorch does."""
        bound, width = 1 / math.sqrt(self.hidden), self.gates * self.hidden
        self.W = uniform(generators, (self.inputs, width), bound)
        self.U = uniform(generators, (self.hidden, width), bound)
        self.b = uniform(generators, (1, width), bound)

    def advance(self, x: Tensor, state: State) -> State:
        """Take T steps."""
        R, T, N, _ = x.shape
        driven = torch.baddbmm(self.b, x.reshape(R, T * N, -1), self.W).view(R, T, N, -1)
        for t in range(T):
            state = self.step(torch.baddbmm(driven[:, t], state[0], self.U), state)
        return state

    @abstractmethod
    def step(self, driven: Tensor, state: State) -> State:
        """The next state, from the weighted inputs and states of each gate."""


class LSTM(_Driven):
    """Long short-term memory (Hochreiter and Schmidhuber 1997), with a gate to forget."""

    gates = 4

    def zero(self, x: Tensor) -> State:
        """Nothing shown and nothing kept."""
        h = x.new_zeros(x.shape[0], x.shape[2], self.hidden)
        return h, h

    def step(self, driven: Tensor, state: State) -> State:
        """Forget, take in and show."""
        i, f, o, g = driven.chunk(4, -1)
        c = f.sigmoid() * state[1] + i.sigmoid() * g.tanh()
        return o.sigmoid() * c.tanh(), c


class ReLU(_Driven):
    """h = max(0, W x + U h + b)."""

    def zero(self, x: Tensor) -> State:
        """Nothing yet."""
        return (x.new_zeros(x.shape[0], x.shape[2], self.hidden),)

    def step(self, driven: Tensor, state: State) -> State:
        """Cut at zero."""
        return (driven.relu(),)


class CellNetwork(Recurrence):
    """A published cell that reads inputs and state: h = cell([x, h]) (Trask et al. 2018).

    Parameters
    ----------
    cell : CellName
    """

    def __init__(self, inputs: int, hidden: int, generators: Generators, *, cell: CellName) -> None:
        self.name = cell
        super().__init__(inputs, hidden, generators)

    def start(self, generators: Generators) -> None:
        """Draw the parameters of the cell."""
        width = self.inputs + self.hidden
        self.cell = published_cell(self.name, width, self.hidden, generators)

    def zero(self, x: Tensor) -> State:
        """Nothing yet."""
        return (x.new_zeros(x.shape[0], x.shape[2], self.hidden),)

    def advance(self, x: Tensor, state: State) -> State:
        """Take T steps."""
        (h,) = state
        for t in range(x.shape[1]):
            h = self.cell(torch.cat([x[:, t], h], -1))
        return (h,)


class SequenceNetwork(nn.Module):
    """R networks that read a sequence and answer with one number at its end.

    Parameters
    ----------
    recurrence : Recurrence
    head : module
        Reads the last state: (R, N, hidden) -> (R, N, 1).
    """

    def __init__(self, recurrence: Recurrence, head: nn.Module) -> None:
        super().__init__()
        self.recurrence, self.head = recurrence, head

    def forward(self, x: Tensor) -> Tensor:
        """Answer: (R, T, N, I) -> (R, N)."""
        return self.answer(self.recurrence.advance(x, self.recurrence.zero(x)))

    def answer(self, state: State) -> Tensor:
        """What the head makes of a state: (R, N)."""
        value: Tensor = self.head(state[0])
        return value.squeeze(-1)


def published_cell(cell: CellName, inputs: int, outputs: int, generators: Generators) -> Cell:
    """R layers of a published cell, with all it has of sums, products and gates."""
    paths = CELLS[cell].paths
    path = Path.FREE if Path.FREE in paths else next(iter(paths))
    return CELLS[cell](inputs, outputs, generators, path=path)


def descend(
    network: nn.Module,
    loss: Callable[[float], Tensor],
    *,
    steps: int,
    rate: float,
    largest_gradient: float = 1.0,
    last_rate: float = 0.1,
    tick: Tick,
) -> None:
    """Train R networks side by side with Adam, each as if it were alone.

    Parameters
    ----------
    network : module
        All parameters have the networks as their first axis; changed in place.
    loss : callable
        Of the share of the steps that is done; the loss of each network on fresh rows, (R,).
    steps : int
    rate : float
        Of Adam; it falls in a straight line.
    largest_gradient : float
        The gradient of each network is shortened to this length.
    last_rate : float
        Share of the rate that is left at the end.
    tick : callable
    """
    weights = list(network.parameters())
    theta = torch.cat([p.data.flatten(1) for p in weights], 1)
    at = 0
    for p in weights:
        # views: one step on theta moves them all
        p.data = theta[:, at : at + p[0].numel()].view_as(p)
        at += p[0].numel()
    adam = Adam(theta, largest_gradient=largest_gradient)
    for step in range(steps):
        done = step / steps
        if step % TICKS == 0:
            tick(done)
        parts = torch.autograd.grad(loss(done).sum(), weights)
        gradient = torch.cat([part.flatten(1) for part in parts], 1)
        with torch.no_grad():
            adam.step(theta, gradient, rate * (1 - (1 - last_rate) * done))
            for module in network.modules():
                if isinstance(module, Cell):
                    module.project()
