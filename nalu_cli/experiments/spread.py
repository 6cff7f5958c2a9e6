"""How the values of columns are spread over their ranges, as the papers draw them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from nalu_cli.experiments.known_law import Span

__all__ = ["Spread", "SpreadKind"]

Floats = NDArray[np.float64]


class SpreadKind(StrEnum):
    """Shape of a distribution; `log` is that of Benford's law over whole powers of ten."""

    UNIFORM = "uniform"
    NORMAL = "normal"
    EXPONENTIAL = "exponential"
    LOG = "log"


@dataclass(frozen=True, slots=True)
class Spread:
    """A distribution over some intervals.

    Parameters
    ----------
    kind : SpreadKind
    parts : tuple of (float, float)
        Intervals; a value falls into one picked at random. Of an exponential distribution the
        first says where a formula is compared with the law, not where values may lie.
    mean, scale : float
        Of a normal distribution, cut at its interval, mean and standard deviation; of an
        exponential one the scale is its mean.

    Raises
    ------
    ValueError
        If the numbers do not make a distribution.
    """

    kind: SpreadKind
    parts: tuple[Span, ...]
    mean: float = 0.0
    scale: float = 1.0

    def __post_init__(self) -> None:
        if not self.parts or not self.scale > 0 or not math.isfinite(self.mean + self.scale):
            raise ValueError("a range is empty, or its scale is not above zero")
        if self.kind is not SpreadKind.UNIFORM and len(self.parts) > 1:
            raise ValueError(f"a {self.kind} range has one interval")
        if self.kind is SpreadKind.LOG and self.parts[0][0] <= 0:
            raise ValueError("a log range must be above zero")

    def draw(self, shape: tuple[int, ...], random: np.random.Generator) -> Floats:
        """Values of any shape.

        Uniform values are drawn as `operation_rows` draws a column, so that the rows of a seed do
        not change with how many columns are drawn at once.
        """
        low, high = self.parts[0]
        if self.kind is SpreadKind.NORMAL:
            return _cut_normal(self.mean, self.scale, (low, high), shape, random)
        if self.kind is SpreadKind.EXPONENTIAL:
            return random.exponential(self.scale, shape)
        if self.kind is SpreadKind.LOG:
            logs: Floats = random.uniform(math.log(low), math.log(high), shape)
            return np.exp(logs)
        bounds = np.array(self.parts)
        chosen = bounds[random.integers(0, len(bounds), shape)]
        values: Floats = chosen[..., 0] + (chosen[..., 1] - chosen[..., 0]) * random.random(shape)
        return values


def _cut_normal(
    mean: float, scale: float, span: Span, shape: tuple[int, ...], random: np.random.Generator
) -> Floats:
    """Draw again what falls outside."""
    values = random.normal(mean, scale, shape)
    while (outside := (values < span[0]) | (values > span[1])).any():
        values[outside] = random.normal(mean, scale, int(outside.sum()))
    return values
