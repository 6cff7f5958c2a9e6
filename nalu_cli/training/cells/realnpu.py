"""The real neural power unit: real powers with the sign rule of cosines, and relevance gates."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from nalu_cli.circuit.relaxed import PRODUCT, RelaxedLayer
from nalu_cli.settings import CellName
from nalu_cli.training.cells.cell import Cell, Operation, Path, frozen_units, uniform
from nalu_cli.training.cells.powers import weighted
from nalu_cli.training.cells.recipe import Recipe, Stairs

__all__ = [
    "LARGEST_LOG",
    "NPU_EXPONENTS",
    "NPU_RECIPE",
    "RealNPU",
    "relevance",
    "size_and_turn",
    "sum_of_sizes",
]

EPSILON = float(torch.finfo(torch.float32).eps)
"""Added to magnitudes before the logarithm (Heim et al. 2020, and their code)."""

LARGEST_LOG = 40.0
"""Logarithms of sizes are cut at this: squares of them stay finite. The paper has no such guard."""

NPU_EXPONENTS = frozenset(Fraction(k, 2) for k in (-4, -2, -1, 0, 1, 2, 4))
"""Powers a unit is snapped to. The paper leaves them real and names squares, roots and ratios."""

NPU_RECIPE = Recipe(rate=5e-3, pull=Stairs(1e-9, 1e-7))
"""The growing weight of Heim et al. 2020, with the numbers of Mistry, Farrahi and Hare 2022 for
division."""


@final
class RealNPU(Cell):
    r"""z = exp(W log r) * cos(W k), r = g (abs x + eps) + 1 - g, k = pi g where x < 0, else 0.

    W is real and g, clipped to [0, 1], one number an input: at 0 the input does not count.

    References
    ----------
    Heim, Pevný and Šmídl 2020, definition of the RealNPU: equations 12 and 13 with imaginary parts
    of zero. Weights start as in Glorot and Bengio 2010, uniform; gates at 1/2.
    """

    name = CellName.REALNPU
    paper = "Heim, Pevný and Šmídl 2020"
    paths = frozenset({Path.PRODUCT})
    sum_weights = frozenset[Fraction]()
    exponents = NPU_EXPONENTS
    constants = False
    operations = frozenset({Operation.MULTIPLY, Operation.DIVIDE, Operation.SQUARE, Operation.ROOT})
    recipe = NPU_RECIPE

    def start(self, generators: Sequence[np.random.Generator]) -> None:
        """Draw the powers; the gates are half open."""
        shape = (self.inputs, self.outputs)
        self.W = uniform(generators, shape, (6.0 / sum(shape)) ** 0.5)  # (R, I, O)
        self.g = nn.Parameter(torch.full((len(generators), self.inputs), 0.5))  # (R, I)

    def forward(self, x: Tensor) -> Tensor:
        """Multiply powers of the inputs that count: (R, N, I) -> (R, N, O)."""
        log_r, k = size_and_turn(x, self.g)
        return weighted(log_r, self.W).clamp_max(LARGEST_LOG).exp() * weighted(k, self.W).cos()

    def penalty(self) -> Tensor:
        """Sum of the sizes of all parameters: (R,)."""
        return sum_of_sizes(list(self.parameters()))

    @torch.no_grad()
    def settle(self, weights: Tensor, *, sums: bool = False) -> None:
        """Set the powers, and open the gates of the inputs that count."""
        self.W[:] = weights
        self.g[:] = (weights != 0).any(1).to(self.g.dtype)

    @torch.no_grad()
    def freeze(self, x: Tensor) -> tuple[RelaxedLayer, NDArray[np.float64]]:
        """Make every unit a product with sign; a half open gate counts as half the power."""
        return frozen_units(self.W * relevance(self.g).unsqueeze(-1), PRODUCT)


def relevance(g: Tensor) -> Tensor:
    """Clip gates to [0, 1] and pass the gradient on as if they were not: (R, I) -> (R, I)."""
    return g + (g.clamp(0.0, 1.0) - g).detach()


def size_and_turn(x: Tensor, g: Tensor) -> tuple[Tensor, Tensor]:
    """Compute log r and k, Heim et al. 2020, equation 13, with the cases of k as in their code.

    Parameters
    ----------
    x : Tensor of shape (R, N, I)
    g : Tensor of shape (R, I)

    Returns
    -------
    log_r, k : Tensor of shape (R, N, I)
    """
    gate = relevance(g).unsqueeze(1)
    r = gate * (x.abs() + EPSILON) + (1 - gate)
    return r.log(), gate * (math.pi * (x < 0).to(x.dtype))


def sum_of_sizes(parameters: Sequence[Tensor]) -> Tensor:
    """Sum over all parameters of their absolute values: (R, ...) each -> (R,)."""
    return torch.stack([p.abs().flatten(1).sum(1) for p in parameters]).sum(0)
