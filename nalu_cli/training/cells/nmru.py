"""The neural multiplicative reciprocal unit: an NMU that reads every input and its reciprocal."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nalu_cli.circuit.relaxed import PRODUCT, RelaxedLayer
from nalu_cli.settings import CellName
from nalu_cli.training.cells.cell import Cell, Operation, Path, frozen_units
from nalu_cli.training.cells.nmu import binary_penalty, chosen_product, nmu_start
from nalu_cli.training.cells.powers import weighted
from nalu_cli.training.cells.recipe import Ramp, Recipe

__all__ = ["NMRU"]

EPSILON = float(torch.finfo(torch.float32).eps)
"""Added to inputs before the reciprocal, in training only (Mistry et al. 2022, and their code)."""


@final
class NMRU(Cell):
    r"""z = prod(W abs x' + 1 - W) * cos(pi W [x' < 0]), x' = (x, 1 / x), W in [0, 1].

    References
    ----------
    Mistry, Farrahi and Hare 2022 (Exploring the learning mechanisms of neural division modules),
    definition of the NMRU, with the sign apart; start, clamping and regulariser of an NMU.
    """

    name = CellName.NMRU
    paper = "Mistry, Farrahi and Hare 2022"
    paths = frozenset({Path.PRODUCT})
    sum_weights = frozenset[Fraction]()
    exponents = frozenset(map(Fraction, (-1, 0, 1)))
    constants = False
    operations = frozenset({Operation.MULTIPLY, Operation.DIVIDE})
    recipe = Recipe(rate=1e-2, pull=Ramp(10.0, start=0.4, end=0.7), largest_gradient=1.0)

    def start(self, generators: Sequence[np.random.Generator]) -> None:
        """Draw the weights, of the inputs and then of their reciprocals, from [1/4, 3/4)."""
        self.W = nmu_start(generators, (2 * self.inputs, self.outputs))  # (R, 2 I, O)

    def forward(self, x: Tensor) -> Tensor:
        """Multiply the chosen inputs and reciprocals: (R, N, I) -> (R, N, O)."""
        both = torch.cat([x, 1 / (x + EPSILON if self.training else x)], -1)  # (R, N, 2 I)
        turn = math.pi * weighted((both < 0).to(x.dtype), self.W)
        return chosen_product(both.abs(), self.W) * turn.cos()

    def penalty(self) -> Tensor:
        """Mean distance of the weights to 0 and 1: (R,)."""
        return binary_penalty(self.W)

    @torch.no_grad()
    def project(self) -> None:
        """Clamp the weights."""
        self.W.clamp_(0.0, 1.0)

    @torch.no_grad()
    def settle(self, weights: Tensor, *, sums: bool = False) -> None:
        """Choose inputs with power 1 and reciprocals of those with power -1."""
        self.W[:] = torch.cat([weights, -weights]).clamp_min(0.0)

    @torch.no_grad()
    def freeze(self, x: Tensor) -> tuple[RelaxedLayer, NDArray[np.float64]]:
        """Make every unit a product with sign; an input and its reciprocal cancel."""
        W = self.W[:, : self.inputs] - self.W[:, self.inputs :]
        return frozen_units(W, PRODUCT)
