"""The neural arithmetic logic unit as published: one W for both paths, a gate that reads x."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nalu_cli.circuit.relaxed import MAGNITUDE, SUM, RelaxedLayer
from nalu_cli.settings import CellName
from nalu_cli.training.cells.cell import Cell, Operation, Path, to_numpy, uniform
from nalu_cli.training.cells.nac import nac_bound, nac_weight, saturate
from nalu_cli.training.cells.powers import weighted
from nalu_cli.training.cells.recipe import Recipe

__all__ = ["NALU"]

EPSILON = 1e-7
"""Added to magnitudes before the logarithm; the paper gives no value, Madsen and Johansen this."""

STEEP = 1e12
"""Weight of a gate that is on one side however small the inputs."""


@final
class NALU(Cell):
    r"""y = g a + (1 - g) m with a = W x, m = exp(W log(abs x + eps)), g = sigmoid(G x).

    References
    ----------
    Trask et al. 2018, equations 1 to 3. Initialisation of W_hat and M_hat: Madsen and Johansen
    2020, appendix; of G: Glorot and Bengio 2010, uniform.
    """

    name = CellName.NALU
    paper = "Trask et al. 2018"
    paths = frozenset({Path.FREE})
    sum_weights = frozenset(map(Fraction, (-1, 0, 1)))
    exponents = frozenset(map(Fraction, (-1, 0, 1)))
    constants = False
    operations = frozenset(
        {Operation.ADD, Operation.SUBTRACT, Operation.MULTIPLY, Operation.DIVIDE}
    )
    recipe = Recipe()

    def start(self, generators: Sequence[np.random.Generator]) -> None:
        """Draw W_hat, M_hat and G."""
        shape, bound = (self.inputs, self.outputs), nac_bound(self.inputs, self.outputs)
        self.W_hat = uniform(generators, shape, bound)  # (R, I, O)
        self.M_hat = uniform(generators, shape, bound)  # (R, I, O)
        self.G = uniform(generators, shape, (6.0 / sum(shape)) ** 0.5)  # (R, I, O)

    def forward(self, x: Tensor) -> Tensor:
        """Blend sums and products of magnitudes: (R, N, I) -> (R, N, O)."""
        W = nac_weight(self.W_hat, self.M_hat)
        a = weighted(x, W)
        m = weighted((x.abs() + EPSILON).log(), W).exp()
        g = weighted(x, self.G).sigmoid()
        return g * a + (1 - g) * m

    @torch.no_grad()
    def settle(self, weights: Tensor, *, sums: bool) -> None:
        """Saturate tanh and sigmoid; the gate is on the given side if the inputs add up above zero.

        No weights of the gate keep it on one side everywhere.
        """
        saturate(self.W_hat, self.M_hat, weights)
        self.G[:] = STEEP if sums else -STEEP

    @torch.no_grad()
    def freeze(self, x: Tensor) -> tuple[RelaxedLayer, NDArray[np.float64]]:
        """Read the gates over the rows; each unit becomes what most of them say."""
        share = to_numpy((weighted(x, self.G) > 0).to(x.dtype).mean(1))  # (R, O): rows that say sum
        sums = share >= 0.5
        kind = np.where(sums, SUM, MAGNITUDE).astype(np.int8)
        weights = to_numpy(nac_weight(self.W_hat, self.M_hat))
        layer = RelaxedLayer(kind, weights, np.where(sums, 0.0, 1.0))
        return layer, np.maximum(share, 1 - share)
