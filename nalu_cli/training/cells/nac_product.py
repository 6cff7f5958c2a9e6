"""The multiplicative neural accumulator: the NALU's product path alone."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nalu_cli.circuit.relaxed import MAGNITUDE, RelaxedLayer
from nalu_cli.settings import CellName
from nalu_cli.training.cells.cell import Cell, Operation, Path, frozen_units, uniform
from nalu_cli.training.cells.nac import nac_bound, nac_weight, saturate
from nalu_cli.training.cells.nalu import EPSILON
from nalu_cli.training.cells.powers import weighted
from nalu_cli.training.cells.recipe import Recipe

__all__ = ["NACProduct"]


@final
class NACProduct(Cell):
    r"""m = exp(W log(abs x + eps)) with W = tanh(W_hat) * sigmoid(M_hat).

    References
    ----------
    Trask et al. 2018, the product path of a NALU; Madsen and Johansen 2020, equations 1 and 3, test
    it on its own (NAC with a dot). Initialisation: their appendix.
    """

    name = CellName.NAC_PRODUCT
    paper = "Trask et al. 2018; Madsen and Johansen 2020"
    paths = frozenset({Path.PRODUCT})
    sum_weights = frozenset[Fraction]()
    exponents = frozenset(map(Fraction, (-1, 0, 1)))
    constants = False
    operations = frozenset({Operation.MULTIPLY, Operation.DIVIDE})
    recipe = Recipe()

    def start(self, generators: Sequence[np.random.Generator]) -> None:
        """Draw W_hat and M_hat alike."""
        shape, bound = (self.inputs, self.outputs), nac_bound(self.inputs, self.outputs)
        self.W_hat = uniform(generators, shape, bound)  # (R, I, O)
        self.M_hat = uniform(generators, shape, bound)  # (R, I, O)

    def forward(self, x: Tensor) -> Tensor:
        """Multiply powers of magnitudes: (R, N, I) -> (R, N, O)."""
        W = nac_weight(self.W_hat, self.M_hat)
        return weighted((x.abs() + EPSILON).log(), W).exp()

    @torch.no_grad()
    def settle(self, weights: Tensor, *, sums: bool = False) -> None:
        """Saturate tanh and sigmoid."""
        saturate(self.W_hat, self.M_hat, weights)

    @torch.no_grad()
    def freeze(self, x: Tensor) -> tuple[RelaxedLayer, NDArray[np.float64]]:
        """Make every unit a product of magnitudes."""
        return frozen_units(nac_weight(self.W_hat, self.M_hat), MAGNITUDE)
