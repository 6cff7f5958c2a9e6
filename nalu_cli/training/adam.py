"""Adam on a batch of restarts, each as if it were alone."""

from __future__ import annotations

import math

import torch
from torch import Tensor

__all__ = ["Adam"]

EPSILON = 1e-8


class Adam:
    """Kingma and Ba 2015, algorithm 1, on one flat tensor of shape (R, P).

    Parameters
    ----------
    theta : Tensor of shape (R, P)
    betas : (float, float)
        Decay of the means of gradients and of their squares.
    largest_slope : float
        Each entry of a gradient is cut to this size.
    largest_gradient : float
        The gradient of each restart is then shortened to this length.
    """

    def __init__(
        self,
        theta: Tensor,
        betas: tuple[float, float] = (0.9, 0.999),
        *,
        largest_slope: float = math.inf,
        largest_gradient: float = math.inf,
    ) -> None:
        self.m, self.v, self.t = torch.zeros_like(theta), torch.zeros_like(theta), 0
        self.betas = betas
        self.largest_slope, self.largest_gradient = largest_slope, largest_gradient

    def keep(self, chosen: Tensor) -> None:
        """Forget all restarts but the chosen ones."""
        self.m, self.v = self.m[chosen], self.v[chosen]

    def step(self, theta: Tensor, gradient: Tensor, rate: float) -> None:
        """Move theta in place; what is no number in the gradient counts as zero."""
        self.t += 1
        b1, b2 = self.betas
        torch.nan_to_num_(gradient, 0.0, 0.0, 0.0)
        self._limit(gradient)
        self.m.lerp_(gradient, 1 - b1)
        self.v.mul_(b2).addcmul_(gradient, gradient, value=1 - b2)
        root = (self.v / (1 - b2**self.t)).sqrt_().add_(EPSILON)
        theta.addcdiv_(self.m, root, value=-rate / (1 - b1**self.t))

    def _limit(self, gradient: Tensor) -> None:
        if math.isfinite(self.largest_slope):
            gradient.clamp_(-self.largest_slope, self.largest_slope)
        if math.isfinite(self.largest_gradient):
            length = torch.linalg.vector_norm(gradient, dim=1, keepdim=True)
            gradient.mul_(self.largest_gradient / length.clamp_min_(self.largest_gradient))
