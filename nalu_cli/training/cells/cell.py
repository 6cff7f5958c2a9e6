"""What every cell is: a layer of units with soft weights for a whole batch of restarts."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from enum import StrEnum
from fractions import Fraction
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from nalu_cli.circuit.relaxed import SUM, RelaxedLayer
from nalu_cli.settings import CellName
from nalu_cli.training.cells.recipe import Recipe

__all__ = ["Cell", "Operation", "Path", "frozen_units", "normal", "to_numpy", "uniform"]


class Path(StrEnum):
    """Which side of its gates a layer starts on; a layer on one side computes only that side."""

    FREE = "free"
    SUM = "sum"
    PRODUCT = "product"


class Operation(StrEnum):
    """Something a unit can do at a corner of its allowed weights."""

    ADD = "add"
    SUBTRACT = "subtract"
    MULTIPLY = "multiply"
    DIVIDE = "divide"
    SQUARE = "square"
    ROOT = "root"


class Cell(nn.Module, ABC):
    """One layer of R restarts; subclasses are final and hold parameters, no other state.

    Parameters
    ----------
    inputs, outputs : int
        I and O, the width of what the layer reads and of what it computes.
    generators : sequence of numpy Generator
        One for each restart, so that a restart starts the same among any number of others.
    units : int
        How many of the inputs, the first ones, are units of the layer before; the rest are columns.
    path : Path
        Side of the gates; one of `paths`.
    signed : bool
        Whether products keep the sign of their inputs (only cells that know a sign rule).

    Raises
    ------
    ValueError
        If the cell has no such path.
    """

    name: ClassVar[CellName]
    paper: ClassVar[str]
    paths: ClassVar[frozenset[Path]]
    sum_weights: ClassVar[frozenset[Fraction]]
    exponents: ClassVar[frozenset[Fraction]]
    constants: ClassVar[bool]
    """Whether sums have an offset and units a scale."""
    operations: ClassVar[frozenset[Operation]]
    recipe: ClassVar[Recipe]

    def __init__(
        self,
        inputs: int,
        outputs: int,
        generators: Sequence[np.random.Generator],
        *,
        units: int = 0,
        path: Path = Path.FREE,
        signed: bool = True,
    ) -> None:
        super().__init__()
        if path not in self.paths:
            raise ValueError(f"a {self.name} cell has no path {path}")
        self.inputs, self.outputs = inputs, outputs
        self.units, self.path, self.signed = units, path, signed
        self.start(generators)

    @abstractmethod
    def start(self, generators: Sequence[np.random.Generator]) -> None:
        """Draw the parameters, each with the restarts as its first axis."""

    @abstractmethod
    def forward(self, x: Tensor) -> Tensor:
        """Compute the units: (R, N, I) -> (R, N, O)."""

    def penalty(self) -> Tensor:
        """Regulariser of the paper, before the weight its `recipe` gives it: (R,).

        Zero unless a cell says otherwise, as some papers have none.
        """
        first = next(self.parameters())
        return first.new_zeros(len(first))

    @abstractmethod
    def settle(self, weights: Tensor, *, sums: bool) -> None:
        """Put every restart at a corner, where the cell computes what its frozen layer computes.

        Parameters
        ----------
        weights : Tensor of shape (I, O)
            From `sum_weights` or `exponents`.
        sums : bool
            Side of the gates, of cells that have both.
        """

    @abstractmethod
    def freeze(self, x: Tensor) -> tuple[RelaxedLayer, NDArray[np.float64]]:
        """Settle the gates.

        Parameters
        ----------
        x : Tensor of shape (R, N, I)
            Rows on which input-dependent gates are read.

        Returns
        -------
        layer : RelaxedLayer
            Kind, real weights and constants of each unit.
        unanimity : ndarray of shape (R, O)
            Share of the rows on which a unit's gate agreed with the kind it was given.
        """

    def project(self) -> None:
        """Bring parameters back within their bounds; called after each step."""


def uniform(
    generators: Sequence[np.random.Generator], shape: tuple[int, ...], bound: float = 1.0
) -> nn.Parameter:
    """Draw a parameter of shape (R, *shape) uniformly from [-bound, bound)."""
    drawn = np.stack([g.uniform(-bound, bound, shape) for g in generators])
    return nn.Parameter(torch.from_numpy(drawn.astype(np.float32)))


def normal(
    generators: Sequence[np.random.Generator], shape: tuple[int, ...], mean: float, spread: float
) -> nn.Parameter:
    """Draw a parameter of shape (R, *shape) from a normal distribution."""
    drawn = np.stack([g.normal(mean, spread, shape) for g in generators])
    return nn.Parameter(torch.from_numpy(drawn.astype(np.float32)))


def frozen_units(weights: Tensor, kind: int) -> tuple[RelaxedLayer, NDArray[np.float64]]:
    """What `freeze` returns for units that are all of one kind, without constants.

    Parameters
    ----------
    weights : Tensor of shape (R, I, O)
    kind : int
        `SUM`, `PRODUCT` or `MAGNITUDE`.
    """
    shape = (len(weights), weights.shape[2])
    constant = np.full(shape, 0.0 if kind == SUM else 1.0)
    layer = RelaxedLayer(np.full(shape, kind, dtype=np.int8), to_numpy(weights), constant)
    return layer, np.ones(shape)


def to_numpy(t: Tensor) -> NDArray[np.float64]:
    """Copy a tensor to float64 numpy."""
    return np.array(t.detach().cpu().numpy(), dtype=np.float64)
