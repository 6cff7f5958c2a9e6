"""The neural power unit: complex powers of real inputs, and relevance gates."""

from __future__ import annotations

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
from nalu_cli.training.cells.realnpu import (
    LARGEST_LOG,
    NPU_EXPONENTS,
    NPU_RECIPE,
    relevance,
    size_and_turn,
    sum_of_sizes,
)

__all__ = ["NPU"]


@final
class NPU(Cell):
    r"""z = exp(W_re log r - W_im k) * cos(W_re k + W_im log r), r and k as in a RealNPU.

    References
    ----------
    Heim, Pevný and Šmídl 2020, equations 12 and 13. Imaginary parts start at zero, real ones as in
    Glorot and Bengio 2010, uniform; gates at 1/2.
    """

    name = CellName.NPU
    paper = "Heim, Pevný and Šmídl 2020"
    paths = frozenset({Path.PRODUCT})
    sum_weights = frozenset[Fraction]()
    exponents = NPU_EXPONENTS
    constants = False
    operations = frozenset({Operation.MULTIPLY, Operation.DIVIDE, Operation.SQUARE, Operation.ROOT})
    recipe = NPU_RECIPE

    def start(self, generators: Sequence[np.random.Generator]) -> None:
        """Draw the real parts; the gates are half open."""
        shape = (self.inputs, self.outputs)
        self.W_re = uniform(generators, shape, (6.0 / sum(shape)) ** 0.5)  # (R, I, O)
        self.W_im = nn.Parameter(torch.zeros(len(generators), *shape))  # (R, I, O)
        self.g = nn.Parameter(torch.full((len(generators), self.inputs), 0.5))  # (R, I)

    def forward(self, x: Tensor) -> Tensor:
        """Multiply powers of the inputs that count: (R, N, I) -> (R, N, O)."""
        log_r, k = size_and_turn(x, self.g)
        size = weighted(log_r, self.W_re) - weighted(k, self.W_im)
        return (
            size.clamp_max(LARGEST_LOG).exp()
            * (weighted(k, self.W_re) + weighted(log_r, self.W_im)).cos()
        )

    def penalty(self) -> Tensor:
        """Sum of the sizes of all parameters: (R,)."""
        return sum_of_sizes(list(self.parameters()))

    @torch.no_grad()
    def settle(self, weights: Tensor, *, sums: bool = False) -> None:
        """Set real powers, and open the gates of the inputs that count."""
        self.W_re[:], self.W_im[:] = weights, 0.0
        self.g[:] = (weights != 0).any(1).to(self.g.dtype)

    @torch.no_grad()
    def freeze(self, x: Tensor) -> tuple[RelaxedLayer, NDArray[np.float64]]:
        """Make every unit a product with sign, of the real parts of its powers."""
        return frozen_units(self.W_re * relevance(self.g).unsqueeze(-1), PRODUCT)
