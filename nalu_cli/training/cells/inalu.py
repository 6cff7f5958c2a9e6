"""The improved NALU: weights of its own for each path, a gate without input, products with sign."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nalu_cli.circuit.relaxed import PRODUCT, SUM, RelaxedLayer
from nalu_cli.settings import CellName
from nalu_cli.training.cells.cell import Cell, Operation, Path, normal, to_numpy
from nalu_cli.training.cells.nac import SATURATED, nac_weight, saturate
from nalu_cli.training.cells.powers import multiplied, weighted
from nalu_cli.training.cells.recipe import Ramp, Recipe

__all__ = ["INALU", "INALU_RECIPE", "INALU_START", "gated_units", "large_penalty", "signed_product"]

SMALLEST = 1e-7
"""Magnitudes below this are taken for it before the logarithm (Schlör et al. 2020, clipping)."""

LARGEST_LOG = 20.0
"""Logarithms of products are cut at this (Schlör et al. 2020, clipping)."""

LARGE = 20.0
"""The regulariser pushes parameters out to this size (Schlör et al. 2020, regularization)."""

INALU_START = {"G": (0.0, 0.1), "M": (-1.0, 0.1), "W": (1.0, 0.1)}
"""Mean and standard deviation of the parameters at the start (Schlör et al. 2020, experiments)."""

INALU_RECIPE = Recipe(
    pull=Ramp(0.05, start=0.1, end=0.1), pull_below=1.0, largest_slope=0.1, starts_again=True
)
"""Clipped gradients, regularization and reinitialization of Schlör et al. 2020; with Adam, as
Mistry, Farrahi and Hare 2022 train it."""


@final
class INALU(Cell):
    r"""y = g a + (1 - g) m s with a = W_a x, m = exp(min(W_m log max(abs x, eps), 20)).

    s = prod(sign(x) abs W_m + 1 - abs W_m) and g = sigmoid(G); W_a and W_m as in a NAC.

    References
    ----------
    Schlör, Ring and Hotho 2020, section 3, with independent weights: mixed sign vector, clipping,
    regularization, reinitialization, gates without input. Their updates of W and G by turns are
    left out, as in Mistry, Farrahi and Hare 2022.
    """

    name = CellName.INALU
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
        self.W_a_hat = normal(generators, shape, *INALU_START["W"])  # (R, I, O)
        self.M_a_hat = normal(generators, shape, *INALU_START["M"])  # (R, I, O)
        self.W_m_hat = normal(generators, shape, *INALU_START["W"])  # (R, I, O)
        self.M_m_hat = normal(generators, shape, *INALU_START["M"])  # (R, I, O)
        self.G = normal(generators, (self.outputs,), *INALU_START["G"])  # (R, O)

    def forward(self, x: Tensor) -> Tensor:
        """Blend sums and products with sign: (R, N, I) -> (R, N, O)."""
        a = weighted(x, nac_weight(self.W_a_hat, self.M_a_hat))
        ms = signed_product(x, nac_weight(self.W_m_hat, self.M_m_hat))
        g = self.G.sigmoid().unsqueeze(1)
        return g * a + (1 - g) * ms

    def penalty(self) -> Tensor:
        """Sum over the parameters of how far they are from large: (R,)."""
        return large_penalty(list(self.parameters()))

    @torch.no_grad()
    def settle(self, weights: Tensor, *, sums: bool) -> None:
        """Saturate tanh and sigmoid, of the gate too."""
        saturate(self.W_a_hat, self.M_a_hat, weights)
        saturate(self.W_m_hat, self.M_m_hat, weights)
        self.G[:] = SATURATED if sums else -SATURATED

    @torch.no_grad()
    def freeze(self, x: Tensor) -> tuple[RelaxedLayer, NDArray[np.float64]]:
        """Give each unit the side its gate is nearer to; the rows do not matter."""
        W_a = nac_weight(self.W_a_hat, self.M_a_hat)
        return gated_units(self.G, W_a, nac_weight(self.W_m_hat, self.M_m_hat))


def signed_product(x: Tensor, W: Tensor) -> Tensor:
    """Compute m s, Schlör, Ring and Hotho 2020, product with the mixed sign vector.

    Parameters
    ----------
    x : Tensor of shape (R, N, I)
    W : Tensor of shape (R, I, O)
        Exponents.

    Returns
    -------
    Tensor of shape (R, N, O)
    """
    size, chosen = x.abs().clamp_min(SMALLEST), W.abs().unsqueeze(1)
    m = weighted(size.log(), W).clamp_max(LARGEST_LOG).exp()
    # the sign of zero counts as plus, like its magnitude
    sign = torch.where(x < 0, -1.0, 1.0).to(x.dtype)
    return m * multiplied((sign - 1).unsqueeze(-1) * chosen + 1).clamp(-1, 1)


def large_penalty(parameters: Sequence[Tensor]) -> Tensor:
    """Sum over parameters of the mean of max(20 - abs p, 0): (R, ...) each -> (R,)."""
    parts = [(LARGE - p.abs()).clamp_min(0.0).flatten(1).mean(1) for p in parameters]
    return torch.stack(parts).sum(0)


def gated_units(
    G: Tensor, sum_weights: Tensor, exponents: Tensor
) -> tuple[RelaxedLayer, NDArray[np.float64]]:
    """What `freeze` returns for gates without input: (R, O), (R, I, O), (R, I, O)."""
    sums = to_numpy(G) > 0
    weights = np.where(sums[:, None, :], to_numpy(sum_weights), to_numpy(exponents))
    kind = np.where(sums, SUM, PRODUCT).astype(np.int8)
    return RelaxedLayer(kind, weights, np.where(sums, 0.0, 1.0)), np.ones(sums.shape)
