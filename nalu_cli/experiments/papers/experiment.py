"""What an experiment is: models, tasks and seeds, the numbers measured, and what they show."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

__all__ = [
    "Batch",
    "Claim",
    "Experiment",
    "Measurement",
    "Measurements",
    "Origin",
    "Scope",
    "Tick",
    "measured",
    "measured_together",
    "medians",
]

Tick = Callable[[float], None]
"""Told how much of a batch is done, 0 to 1, a few times a second; raises to end the batch."""


class Origin(StrEnum):
    """Where a model comes from."""

    BASELINE = "baseline"
    PUBLISHED = "published cell"
    OURS = "ours"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """How much is run, and where.

    Parameters
    ----------
    quick : bool
        Fewer tasks, steps and models: minutes on two cores.
    device : str
        What torch calls it: cpu, cuda.
    mnist : Path or None
        Folder of the MNIST files, in place of the images that are bundled.
    """

    quick: bool = False
    device: str = "cpu"
    mnist: Path | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """Seeds of one model on one task that are trained together."""

    model: str
    task: str
    seeds: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Measurement:
    """One number measured on one trained model."""

    model: str
    task: str
    seed: int
    measure: str
    value: float


Measurements = Sequence[Measurement]


def measured(batch: Batch, seed: int, values: Mapping[str, float]) -> list[Measurement]:
    """The measurements of one seed of a batch, from the value of each measure."""
    return [
        Measurement(batch.model, batch.task, seed, measure, float(value))
        for measure, value in values.items()
    ]


def measured_together(
    batch: Batch, values: Mapping[str, Sequence[float] | NDArray[np.float64]]
) -> list[Measurement]:
    """The measurements of a batch, from the values of each measure in the order of its seeds."""
    return [
        one
        for k, seed in enumerate(batch.seeds)
        for one in measured(batch, seed, {measure: some[k] for measure, some in values.items()})
    ]


def medians(measurements: Measurements) -> dict[tuple[str, str, str], float]:
    """Over the seeds, by model, task and measure."""
    values: dict[tuple[str, str, str], list[float]] = {}
    for m in measurements:
        values.setdefault((m.model, m.task, m.measure), []).append(m.value)
    return {key: median(some) for key, some in values.items()}


@dataclass(frozen=True, slots=True)
class Claim:
    """Something the idea promises, said as a sentence with its figures, and whether it holds."""

    text: str
    holds: bool


class Experiment(ABC):
    """One experiment of a paper; it keeps no state, so that any batch can be run on its own."""

    name: ClassVar[str]
    title: ClassVar[str]
    """One sentence: what is learned and what is asked of it."""
    source: ClassVar[str]
    """Paper and section."""
    unit: ClassVar[str]
    """What the numbers are, such as: mean absolute error."""
    models: ClassVar[Mapping[str, Origin]]
    """In the order of the tables."""
    measures: ClassVar[tuple[str, ...]]
    """The columns of the tables, such as lengths of sequences. What else is measured is for claims
    and the figure."""
    more_is_better: ClassVar[frozenset[str]] = frozenset()
    """Those of the measures that are better when they are larger."""
    seeds: ClassVar[int]
    """How many by default."""
    quick_seeds: ClassVar[int]
    reads_mnist: ClassVar[bool] = False
    together: ClassVar[int] = 1
    """Seeds of a model that are trained as one batch."""

    @abstractmethod
    def tasks(self, scope: Scope) -> Sequence[str]:
        """The tasks, in the order of the tables."""

    @abstractmethod
    def run(self, batch: Batch, scope: Scope, tick: Tick) -> Measurements:
        """Train a batch and measure it: every measure for each of its seeds.

        The same batch gives the same numbers, whatever was run before it. What cannot be computed
        is measured as infinity or nan, never left out.
        """

    @abstractmethod
    def claims(self, measurements: Measurements) -> Sequence[Claim]:
        """What the measurements, of a quick run as of a full one, show about the idea."""

    @abstractmethod
    def draw(self, figure: Figure, measurements: Measurements) -> None:
        """Draw the figure of the experiment."""
