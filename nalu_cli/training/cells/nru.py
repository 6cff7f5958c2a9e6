"""The neural reciprocal unit: products and quotients of inputs, chosen by weights in [-1, 1]."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nalu_cli.circuit.relaxed import PRODUCT, RelaxedLayer
from nalu_cli.settings import CellName
from nalu_cli.training.cells.cell import Cell, Operation, Path, frozen_units, uniform
from nalu_cli.training.cells.nau import nau_bound, ternary_penalty
from nalu_cli.training.cells.powers import multiplied
from nalu_cli.training.cells.recipe import Ramp, Recipe

__all__ = ["NRU"]

STEEPNESS = 1000.0
"""Of tanh squared, which stands for abs W in training (Mistry et al. 2022)."""

SMALLEST = 1e-7
"""Magnitudes below this are taken for it. The paper has no such guard and no gradient at zero."""


@final
class NRU(Cell):
    r"""z = prod(sign(x) abs(x)^W abs W + 1 - abs W) with W in [-1, 1].

    References
    ----------
    Mistry, Farrahi and Hare 2022 (Exploring the learning mechanisms of neural division modules),
    definition of the NRU; start, clamping and regulariser of a NAU, with weight 10.
    """

    name = CellName.NRU
    paper = "Mistry, Farrahi and Hare 2022"
    paths = frozenset({Path.PRODUCT})
    sum_weights = frozenset[Fraction]()
    exponents = frozenset(map(Fraction, (-1, 0, 1)))
    constants = False
    operations = frozenset({Operation.MULTIPLY, Operation.DIVIDE})
    recipe = Recipe(rate=1.0, pull=Ramp(10.0, start=0.4, end=0.7))

    def start(self, generators: Sequence[np.random.Generator]) -> None:
        """Draw the weights from [-r, r)."""
        bound = nau_bound(self.inputs, self.outputs)
        self.W = uniform(generators, (self.inputs, self.outputs), bound)  # (R, I, O)

    def forward(self, x: Tensor) -> Tensor:
        """Multiply powers of the chosen inputs: (R, N, I) -> (R, N, O)."""
        W = self.W.unsqueeze(1)  # (R, 1, I, O)
        chosen = (STEEPNESS * W).tanh().square() if self.training else W.abs()
        power = (W * x.abs().clamp_min(SMALLEST).log().unsqueeze(-1)).exp()  # (R, N, I, O)
        sign = torch.where(x < 0, -1.0, 1.0).to(x.dtype).unsqueeze(-1)
        return multiplied(sign * power * chosen + (1 - chosen))

    def penalty(self) -> Tensor:
        """Mean distance of the weights to -1, 0 and 1: (R,)."""
        return ternary_penalty(self.W)

    @torch.no_grad()
    def project(self) -> None:
        """Clamp the weights."""
        self.W.clamp_(-1.0, 1.0)

    @torch.no_grad()
    def settle(self, weights: Tensor, *, sums: bool = False) -> None:
        """Set the weights."""
        self.W[:] = weights

    @torch.no_grad()
    def freeze(self, x: Tensor) -> tuple[RelaxedLayer, NDArray[np.float64]]:
        """Make every unit a product with sign."""
        return frozen_units(self.W, PRODUCT)
