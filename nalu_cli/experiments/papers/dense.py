"""Batches of dense networks, the baselines of the papers, trained side by side like stacks."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - its usual name

__all__ = ["ACTIVATIONS", "Activation", "Dense"]

Activation = Callable[[Tensor, Tensor], Tensor]
"""Of values and of a slope that is learned, which only PReLU uses."""

SLOPE = 0.25
"""Of PReLU at the start."""


def _fixed(function: Callable[[Tensor], Tensor]) -> Activation:
    return lambda x, _: function(x)


ACTIVATIONS: Mapping[str, Activation] = {
    "none": _fixed(lambda x: x),
    "sigmoid": _fixed(torch.sigmoid),
    "tanh": _fixed(torch.tanh),
    "hardtanh": _fixed(F.hardtanh),
    "softsign": _fixed(F.softsign),
    "relu6": _fixed(F.relu6),
    "relu": _fixed(F.relu),
    "leakyrelu": _fixed(F.leaky_relu),
    "elu": _fixed(F.elu),
    "selu": _fixed(F.selu),
    "softplus": _fixed(F.softplus),
    "softshrink": _fixed(F.softshrink),
    "hardshrink": _fixed(F.hardshrink),
    "tanhshrink": _fixed(F.tanhshrink),
    "prelu": lambda x, slope: torch.where(x > 0, x, slope * x),
}
"""By name, each as PyTorch has it by default."""


class Dense:
    """R networks with biases, weights and biases uniform within 1 / sqrt(fan-in).

    Parameters
    ----------
    widths : sequence of int
        Of the inputs, of the hidden layers, and of the output, which is one.
    activation : Activation
        After each hidden layer.
    generators : sequence of numpy Generator
        One for each network, so that one starts the same among any number of others.
    """

    def __init__(
        self,
        widths: Sequence[int],
        activation: Activation,
        generators: Sequence[np.random.Generator],
    ) -> None:
        self.activation = activation
        self.shapes = [(below + 1, above) for below, above in pairwise(widths)]
        drawn = [[_layer(shape, g) for shape in self.shapes] for g in generators]
        slopes = np.full(len(widths) - 2, SLOPE)
        flat = [np.concatenate([*map(np.ravel, layers), slopes]) for layers in drawn]
        self.theta = torch.from_numpy(np.stack(flat).astype(np.float32))  # (R, P)

    def replace(self, theta: Tensor) -> None:
        """Continue with other parameters, (R, P)."""
        self.theta = theta

    def values(self, X: Tensor) -> Tensor:
        """Compute the output: (N, I) or (R, N, I) -> (R, N)."""
        return self._values(X, self.theta)

    def slopes(self, X: Tensor, error: Callable[[Tensor], Tensor]) -> Tensor:
        """Gradient of the summed error of all networks by their parameters.

        Parameters
        ----------
        X : Tensor of shape (N, I) or (R, N, I)
        error : callable
            Of the output, (R, N), to the error of each network, (R,).

        Returns
        -------
        Tensor of shape (R, P)
        """
        theta = self.theta.detach().requires_grad_()
        return torch.autograd.grad(error(self._values(X, theta)).sum(), theta)[0]

    def _values(self, X: Tensor, theta: Tensor) -> Tensor:
        x = X.expand(len(theta), *X.shape[-2:])  # (R, N, I)
        slopes = theta[:, theta.shape[1] - len(self.shapes) + 1 :]  # (R, hidden layers)
        at = 0
        for k, (rows, columns) in enumerate(self.shapes):
            W = theta[:, at : at + rows * columns].view(-1, rows, columns)
            at += rows * columns
            x = torch.baddbmm(W[:, -1:], x, W[:, :-1])
            if k < len(self.shapes) - 1:
                x = self.activation(x, slopes[:, k, None, None])
        return x.squeeze(-1)


def _layer(shape: tuple[int, int], random: np.random.Generator) -> np.ndarray:
    """Weights, and the biases as the last row."""
    bound = 1 / math.sqrt(shape[0] - 1)
    return random.uniform(-bound, bound, shape)
