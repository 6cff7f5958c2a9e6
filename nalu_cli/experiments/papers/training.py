"""Trains batches of stacks and of dense networks on squared error, each as if it were alone."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from nalu_cli.experiments.papers.dense import Dense
from nalu_cli.experiments.papers.experiment import Tick
from nalu_cli.training.adam import Adam
from nalu_cli.training.stack import Stack

__all__ = ["trained"]

TICKS = 50
"""Steps between two reports."""

Rows = Callable[[], tuple[Tensor, Tensor]]
"""The next rows: X (N, I) or (R, N, I), and y (N,) or (R, N)."""


def trained(models: Dense | Stack, rows: Rows, *, steps: int, rate: float, tick: Tick) -> None:
    """Follow the gradient of the mean squared error.

    Parameters
    ----------
    models : Dense or Stack
        Changed in place.
    rows : callable
        Gives the rows of a step.
    steps : int
    rate : float
        Of Adam.
    tick : callable
    """
    adam = Adam(models.theta)
    for step in range(steps):
        if step % TICKS == 0:
            tick(step / steps)
        X, y = rows()
        gradient = _gradient(models, X, y)
        with torch.no_grad():
            adam.step(models.theta, gradient, rate)
            if isinstance(models, Stack):
                models.project()


def _gradient(models: Dense | Stack, X: Tensor, y: Tensor) -> Tensor:
    if isinstance(models, Dense):
        return models.slopes(X, lambda p: (p - y).square().mean(-1))
    p = models.values(X)
    return models.gradient(p, (p.detach() - y) * (2.0 / y.shape[-1]), None)
