"""The improved NALU with one matrix of weights for both of its paths."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nalu_cli.circuit.relaxed import RelaxedLayer
from nalu_cli.settings import CellName
from nalu_cli.training.cells.cell import Cell, Operation, Path, normal
from nalu_cli.training.cells.inalu import (
    INALU_RECIPE,
    INALU_START,
    gated_units,
    large_penalty,
    signed_product,
)
from nalu_cli.training.cells.nac import SATURATED, nac_weight, saturate
from nalu_cli.training.cells.powers import weighted

__all__ = ["SharedINALU"]


@final
class SharedINALU(Cell):
    r"""y = g a + (1 - g) m s with a = W x, m = exp(min(W log max(abs x, eps), 20)).

    s = prod(sign(x) abs W + 1 - abs W) and g = sigmoid(G); W as in a NAC.

    References
    ----------
    Schlör, Ring and Hotho 2020, section 3, with shared weights; the rest as in `INALU`.
    """

    name = CellName.INALU_SHARED
    paper = "Schlör, Ring and Hotho 2020"
    paths = frozenset({Path.FREE})
    sum_weights = frozenset(map(Fraction, (-1, 0, 1)))
    exponents = frozenset(map(Fraction, (-1, 0, 1)))
    constants = False
    operations = frozenset(
        {Operation.ADD, Operation.SUBTRACT, Operation.MULTIPLY, Operation.DIVIDE}
    )
    recipe = INALU_RECIPE

    def start(self, generators: Sequence[np.random.Generator]) -> None:
        """Draw all parameters close to their means."""
        shape = (self.inputs, self.outputs)
        self.W_hat = normal(generators, shape, *INALU_START["W"])  # (R, I, O)
        self.M_hat = normal(generators, shape, *INALU_START["M"])  # (R, I, O)
        self.G = normal(generators, (self.outputs,), *INALU_START["G"])  # (R, O)

    def forward(self, x: Tensor) -> Tensor:
        """Blend sums and products with sign: (R, N, I) -> (R, N, O)."""
        W, g = nac_weight(self.W_hat, self.M_hat), self.G.sigmoid().unsqueeze(1)
        return g * weighted(x, W) + (1 - g) * signed_product(x, W)

    def penalty(self) -> Tensor:
        """Sum over the parameters of how far they are from large: (R,)."""
        return large_penalty(list(self.parameters()))

    @torch.no_grad()
    def settle(self, weights: Tensor, *, sums: bool) -> None:
        """Saturate tanh and sigmoid, of the gate too."""
        saturate(self.W_hat, self.M_hat, weights)
        self.G[:] = SATURATED if sums else -SATURATED

    @torch.no_grad()
    def freeze(self, x: Tensor) -> tuple[RelaxedLayer, NDArray[np.float64]]:
        """Give each unit the side its gate is nearer to; the rows do not matter."""
        W = nac_weight(self.W_hat, self.M_hat)
        return gated_units(self.G, W, W)
