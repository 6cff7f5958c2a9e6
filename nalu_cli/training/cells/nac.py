"""The neural accumulator as published: sums with weights that lean towards -1, 0 and 1."""

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
from nalu_cli.training.cells.recipe import Recipe

__all__ = ["NAC", "SATURATED", "nac_bound", "nac_weight", "saturate"]

SATURATED = 40.0
"""tanh and sigmoid of this are 1 and, of its negative, -1 and 0, to all digits of float32."""


@final
class NAC(Cell):
    r"""a = W x with W = tanh(W_hat) * sigmoid(M_hat).

    References
    ----------
    Trask et al. 2018, equation 1. Initialisation: Madsen and Johansen 2020, appendix, as the
    original gives none.
    """

    name = CellName.NAC
    paper = "Trask et al. 2018"
    paths = frozenset({Path.SUM})
    sum_weights = frozenset(map(Fraction, (-1, 0, 1)))
    exponents = frozenset[Fraction]()
    constants = False
    operations = frozenset({Operation.ADD, Operation.SUBTRACT})
    recipe = Recipe()

    def start(self, generators: Sequence[np.random.Generator]) -> None:
        """Draw W_hat and M_hat alike."""
        bound = nac_bound(self.inputs, self.outputs)
        self.W_hat = uniform(generators, (self.inputs, self.outputs), bound)  # (R, I, O)
        self.M_hat = uniform(generators, (self.inputs, self.outputs), bound)  # (R, I, O)

    def forward(self, x: Tensor) -> Tensor:
        """Add the weighted inputs: (R, N, I) -> (R, N, O)."""
        return weighted(x, nac_weight(self.W_hat, self.M_hat))

    @torch.no_grad()
    def settle(self, weights: Tensor, *, sums: bool = True) -> None:
        """Saturate tanh and sigmoid."""
        saturate(self.W_hat, self.M_hat, weights)

    @torch.no_grad()
    def freeze(self, x: Tensor) -> tuple[RelaxedLayer, NDArray[np.float64]]:
        """Make every unit a sum."""
        return frozen_units(nac_weight(self.W_hat, self.M_hat), SUM)


def nac_weight(W_hat: Tensor, M_hat: Tensor) -> Tensor:
    """W = tanh(W_hat) * sigmoid(M_hat), Trask et al. 2018, equation 1; all (R, I, O)."""
    return W_hat.tanh() * M_hat.sigmoid()


def saturate(W_hat: Tensor, M_hat: Tensor, weights: Tensor) -> None:
    """Set W_hat and M_hat, (R, I, O), so that W is as given, (I, O), from -1, 0 and 1."""
    W_hat[:] = torch.where(weights < 0, -SATURATED, SATURATED)
    M_hat[:] = torch.where(weights == 0, -SATURATED, SATURATED)


def nac_bound(inputs: int, outputs: int) -> float:
    """Find r so that W_hat, M_hat from [-r, r) give (I + O) Var[W] = 2.

    Parameters
    ----------
    inputs, outputs : int
        Their sum counts as 5 at least: no r makes the variance of W larger than 1/2.

    Returns
    -------
    float

    References
    ----------
    Madsen and Johansen 2020, appendix on initialisation of NAC.
    """
    wanted, low, high = 2.0 / max(inputs + outputs, 5), 1e-6, 10.0
    for _ in range(60):
        r = (low + high) / 2
        variance = (1 - math.tanh(r) / r) * (r - math.tanh(r / 2)) / (2 * r)
        low, high = (r, high) if variance < wanted else (low, r)
    return (low + high) / 2
