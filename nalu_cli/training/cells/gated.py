"""The default cell: separate weights for sums and products, and one gate a unit, free of x."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from nalu_cli.circuit.relaxed import MAGNITUDE, PRODUCT, SUM, RelaxedLayer
from nalu_cli.settings import CellName
from nalu_cli.training.cells.cell import Cell, Operation, Path, to_numpy, uniform
from nalu_cli.training.cells.powers import log_product, product
from nalu_cli.training.cells.recipe import Ramp, Recipe

__all__ = ["Gated"]

DECIDED = 3.0
"""Size of a free gate's logit at the start: 0.05 from one of its sides."""

SHUT = 40.0
"""Logit of a gate that lets nothing of the other side through, in doubles too."""

SUM_BOUND = 1.0
"""Coefficients stay within this: scale is for later layers, which can always supply it."""

EXPONENT_BOUND = 3.0

ASIDE = 0.3
"""Size of the other exponents of a product that starts near a square."""

SQUARES = 0.5
"""Share of inner products with the sign rule that start near a square."""

WIDE = 8
"""More inputs than this start with smaller weights, so that sums of logs stay of order one."""


@final
class Gated(Cell):
    r"""Sums with an offset, and products on magnitudes or with sign.

    Notes
    -----
    a = A x + b;  m = exp(W log abs x) * cos(pi W [x < 0]), or without the cosine;
    y = g a + (1 - g) m with g = sigmoid(G), one number a unit and restart.

    References
    ----------
    Departs from Trask et al. 2018 (equations 1 to 3) as iNALU does (Schlor, Ring and Hotho 2020,
    section 3): independent weights, a gate without input. The sign rule is RealNPU's (Heim, Pevny
    and Smidl 2020). Restarts explore the gates, so nothing has to push them.
    """

    name = CellName.AUTO
    paper = "after Trask et al. 2018; Schlör, Ring and Hotho 2020; Heim, Pevný and Šmídl 2020"
    paths = frozenset(Path)
    sum_weights = frozenset(map(Fraction, (-1, 0, 1)))
    exponents = frozenset(Fraction(k, 2) for k in (-6, -4, -2, -1, 0, 1, 2, 4, 6))
    constants = True
    operations = frozenset(Operation)
    recipe = Recipe(pull=Ramp(0.195, start=0.35, end=1.0))

    def start(self, generators: Sequence[np.random.Generator]) -> None:
        """Draw weights from [-1, 1) and gates near 0 or near 1.

        Without the sign rule a stack is good for sums of squares, which a walk from random
        exponents rarely finds: its inner products start near squares, sums of them without minus.
        With it some start there too, as the sign of a negative input turns between 0 and 2.
        """
        bound = min(1.0, (WIDE / self.inputs) ** 0.5)
        if self.path is not Path.PRODUCT:
            self.A = uniform(generators, (self.inputs, self.outputs), bound)  # (R, I, O)
            self.b = uniform(generators, (self.outputs,))  # (R, O)
        if self.path is not Path.SUM:
            self.W = uniform(generators, (self.inputs, self.outputs), bound)  # (R, I, O)
        if self.path is Path.FREE:
            side = uniform(generators, (self.outputs,))
            self.G = nn.Parameter(side.data.sign() * DECIDED)  # (R, O)
        if self.path is Path.SUM and self.units and not self.signed:
            self.A.data.abs_()
        if self.path is Path.PRODUCT and self.outputs > 1:
            self._start_near_squares(generators)

    def _start_near_squares(self, generators: Sequence[np.random.Generator]) -> None:
        """Let each unit square another input, of the units before if there are any."""
        count = self.units or self.inputs
        first = torch.tensor([[g.integers(count)] for g in generators])  # (R, 1)
        source = (first + torch.arange(self.outputs)) % count  # (R, O)
        near = (ASIDE * self.W.data).scatter_(1, source.unsqueeze(1), 2.0)
        chosen = uniform(generators, (1, self.outputs)).data < 2 * SQUARES - 1  # (R, 1, O)
        self.W.data = torch.where(chosen | (not self.signed), near, self.W.data)

    def forward(self, x: Tensor) -> Tensor:
        """Compute only the live side of decided gates: (R, N, I) -> (R, N, O)."""
        if self.path is Path.SUM:
            return self._sums(x)
        if self.path is Path.PRODUCT:
            return product(x, self.W, signed=self.signed)
        a, m = self._sums(x), product(x, self.W, signed=self.signed)
        return torch.lerp(m, a, self.G.sigmoid().unsqueeze(1))

    def log_forward(self, x: Tensor) -> Tensor:
        """Log of the magnitude of a layer of products: (R, N, I) -> (R, N, O)."""
        return log_product(x, self.W)

    def _sums(self, x: Tensor) -> Tensor:
        # rows last in memory: small matrices multiply 4 times as fast
        return torch.baddbmm(self.b.unsqueeze(-1), self.A.mT, x.mT).mT

    def penalty(self) -> Tensor:
        """Sum of distances to -1, 0, 1 (sums), whole numbers and +-1/2 (exponents): (R,)."""
        parts = []
        if self.path is not Path.PRODUCT:
            parts += [(self.A - self.A.round()).abs().sum((1, 2))]
            parts += [(self.b - self.b.round()).abs().sum(1)]
        if self.path is not Path.SUM:
            size = self.W.abs()
            whole, half = (size - size.round()).abs(), (size - 0.5).abs()
            parts += [torch.minimum(whole, half).sum((1, 2))]
        if self.path is Path.FREE:
            parts += [torch.minimum(self.G.sigmoid(), (-self.G).sigmoid()).sum(1)]
        return torch.stack(parts).sum(0)

    @torch.no_grad()
    def settle(self, weights: Tensor, *, sums: bool) -> None:
        """Set the weights of one side, those of the other to zero, and shut the gates to it."""
        if self.path is not Path.PRODUCT:
            self.A[:], self.b[:] = weights if sums else 0.0, 0.0
        if self.path is not Path.SUM:
            self.W[:] = 0.0 if sums else weights
        if self.path is Path.FREE:
            self.G[:] = SHUT if sums else -SHUT

    @torch.no_grad()
    def project(self) -> None:
        """Keep coefficients and exponents within their bounds."""
        if self.path is not Path.PRODUCT:
            self.A.clamp_(-SUM_BOUND, SUM_BOUND)
            self.b.clamp_(-SUM_BOUND, SUM_BOUND)
        if self.path is not Path.SUM:
            self.W.clamp_(-EXPONENT_BOUND, EXPONENT_BOUND)

    def freeze(self, x: Tensor) -> tuple[RelaxedLayer, NDArray[np.float64]]:
        """Give each unit the side its gate is nearer to; the rows do not matter."""
        shape = (len(x), self.outputs)
        power = PRODUCT if self.signed else MAGNITUDE
        if self.path is Path.SUM:
            sums = np.ones(shape, dtype=np.bool_)
        elif self.path is Path.PRODUCT:
            sums = np.zeros(shape, dtype=np.bool_)
        else:
            sums = to_numpy(self.G) > 0
        A = 0.0 if self.path is Path.PRODUCT else to_numpy(self.A)
        W = 0.0 if self.path is Path.SUM else to_numpy(self.W)
        b = 0.0 if self.path is Path.PRODUCT else to_numpy(self.b)
        kind = np.where(sums, SUM, power).astype(np.int8)
        layer = RelaxedLayer(kind, np.where(sums[:, None, :], A, W), np.where(sums, b, 1.0))
        return layer, np.ones(shape)
