"""The neural multiplication unit: a product of inputs, each chosen by a weight in [0, 1]."""

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
from nalu_cli.training.cells.powers import multiplied
from nalu_cli.training.cells.recipe import Ramp, Recipe

__all__ = ["NMU", "binary_penalty", "chosen_product", "nmu_start"]


@final
class NMU(Cell):
    r"""z = prod(W x + 1 - W) with W in [0, 1].

    References
    ----------
    Madsen and Johansen 2020: equations 10 (clamping), 11 (regulariser), 12 (the product) and 14
    (weight of the regulariser, 10 at the end). Weights start in [1/4, 3/4). That of the regulariser
    grows from 40 % to 70 % of the steps as in Mistry, Farrahi and Hare 2022.
    """

    name = CellName.NMU
    paper = "Madsen and Johansen 2020"
    paths = frozenset({Path.PRODUCT})
    sum_weights = frozenset[Fraction]()
    exponents = frozenset(map(Fraction, (0, 1)))
    constants = False
    operations = frozenset({Operation.MULTIPLY})
    recipe = Recipe(pull=Ramp(10.0, start=0.4, end=0.7))

    def start(self, generators: Sequence[np.random.Generator]) -> None:
        """Draw the weights from [1/4, 3/4)."""
        self.W = nmu_start(generators, (self.inputs, self.outputs))  # (R, I, O)

    def forward(self, x: Tensor) -> Tensor:
        """Multiply the chosen inputs: (R, N, I) -> (R, N, O)."""
        return chosen_product(x, self.W)

    def penalty(self) -> Tensor:
        """Mean distance of the weights to 0 and 1: (R,)."""
        return binary_penalty(self.W)

    @torch.no_grad()
    def project(self) -> None:
        """Clamp the weights."""
        self.W.clamp_(0.0, 1.0)

    @torch.no_grad()
    def settle(self, weights: Tensor, *, sums: bool = False) -> None:
        """Set the weights."""
        self.W[:] = weights

    @torch.no_grad()
    def freeze(self, x: Tensor) -> tuple[RelaxedLayer, NDArray[np.float64]]:
        """Make every unit a product with sign, of powers between 0 and 1."""
        return frozen_units(self.W, PRODUCT)


def nmu_start(generators: Sequence[np.random.Generator], shape: tuple[int, ...]) -> nn.Parameter:
    """Draw weights from [1/4, 3/4)."""
    W = uniform(generators, shape, 0.25)
    W.data.add_(0.5)
    return W


def chosen_product(x: Tensor, W: Tensor) -> Tensor:
    """Compute prod(W x + 1 - W): (R, N, I), (R, I, O) -> (R, N, O)."""
    # 1 - W first: at W = 1 small inputs keep all their digits
    return multiplied(torch.addcmul((1 - W).unsqueeze(1), W.unsqueeze(1), x.unsqueeze(-1)))


def binary_penalty(W: Tensor) -> Tensor:
    """Mean of min(W, 1 - W), Madsen and Johansen 2020, equation 11: (R, I, O) -> (R,)."""
    return torch.minimum(W.abs(), (1 - W).abs()).mean((1, 2))
