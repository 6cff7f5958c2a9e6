"""The neural addition unit: linear weights, clamped to [-1, 1] and pushed to its corners."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nalu_cli.circuit.relaxed import SUM, RelaxedLayer
from nalu_cli.settings import CellName
from nalu_cli.training.cells.cell import Cell, Operation, Path, frozen_units, uniform
from nalu_cli.training.cells.powers import weighted
from nalu_cli.training.cells.recipe import Ramp, Recipe

__all__ = ["NAU", "nau_bound", "ternary_penalty"]


@final
class NAU(Cell):
    r"""z = W x with W in [-1, 1].

    References
    ----------
    Madsen and Johansen 2020: equations 5 (clamping), 6 (regulariser), 7 (the sum) and 14 (weight
    of the regulariser, 0.01 at the end). Initialisation: Glorot and Bengio 2010, uniform, at most
    1/2. That weight grows from 40 % to 70 % of the steps as in Mistry, Farrahi and Hare 2022.
    """

    name = CellName.NAU
    paper = "Madsen and Johansen 2020"
    paths = frozenset({Path.SUM})
    sum_weights = frozenset(map(Fraction, (-1, 0, 1)))
    exponents = frozenset[Fraction]()
    constants = False
    operations = frozenset({Operation.ADD, Operation.SUBTRACT})
    recipe = Recipe(pull=Ramp(0.01, start=0.4, end=0.7))

    def start(self, generators: Sequence[np.random.Generator]) -> None:
        """Draw the weights from [-r, r)."""
        bound = nau_bound(self.inputs, self.outputs)
        self.W = uniform(generators, (self.inputs, self.outputs), bound)  # (R, I, O)

    def forward(self, x: Tensor) -> Tensor:
        """Add the weighted inputs: (R, N, I) -> (R, N, O)."""
        return weighted(x, self.W)

    def penalty(self) -> Tensor:
        """Mean distance of the weights to -1, 0 and 1: (R,)."""
        return ternary_penalty(self.W)

    @torch.no_grad()
    def project(self) -> None:
        """Clamp the weights."""
        self.W.clamp_(-1.0, 1.0)

    @torch.no_grad()
    def settle(self, weights: Tensor, *, sums: bool = True) -> None:
        """Set the weights."""
        self.W[:] = weights

    @torch.no_grad()
    def freeze(self, x: Tensor) -> tuple[RelaxedLayer, NDArray[np.float64]]:
        """Make every unit a sum."""
        return frozen_units(self.W, SUM)


def nau_bound(inputs: int, outputs: int) -> float:
    """Half the width of the interval the weights start in (Madsen and Johansen 2020)."""
    return min(0.5, math.sqrt(6.0 / (inputs + outputs)))


def ternary_penalty(W: Tensor) -> Tensor:
    """Mean of min(abs W, 1 - abs W), Madsen and Johansen 2020, equation 6: (R, I, O) -> (R,)."""
    size = W.abs()
    return torch.minimum(size, (1 - size).abs()).mean((1, 2))
