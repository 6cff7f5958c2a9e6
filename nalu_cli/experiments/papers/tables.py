"""What was measured here beside what was published: a row for each model, a table for each task."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from nalu_cli.experiments.papers.experiment import Experiment, Measurements, Origin
from nalu_cli.experiments.papers.published import Published, PublishedNumber
from nalu_cli.experiments.results_page import number_text

__all__ = ["Cell", "Line", "Shortfall", "TaskTable", "shortfalls", "tables_of"]

DIGITS = 3


@dataclass(frozen=True, slots=True)
class Cell:
    """One measure of one model.

    Parameters
    ----------
    values : tuple of float
        One for each seed; empty where nothing was measured.
    published : PublishedNumber or None
    """

    values: tuple[float, ...]
    published: PublishedNumber | None

    @property
    def median(self) -> float | None:
        """Over the seeds; what is no number counts as infinite."""
        return (
            median(math.inf if math.isnan(v) else v for v in self.values) if self.values else None
        )

    @property
    def ends(self) -> tuple[float, float] | None:
        """Lowest and highest, where the seeds differ."""
        low, high = min(self.values, default=0.0), max(self.values, default=0.0)
        return None if low == high else (low, high)

    def text(self, *, with_ends: bool = True) -> str:
        """The median, and behind it the ends."""
        text = number_text(self.median, DIGITS)
        if self.ends is None or not with_ends:
            return text
        low, high = (number_text(end, DIGITS) for end in self.ends)
        return f"{text} ({low} to {high})"


@dataclass(frozen=True, slots=True)
class Line:
    """A model, with a cell for each measure."""

    model: str
    origin: Origin
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class TaskTable:
    """All models on one task; those without measurement or published number are left out."""

    task: str
    measures: tuple[str, ...]
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Shortfall:
    """A model that does worse than was published: ours than the best, others than themselves."""

    task: str
    model: str
    origin: Origin
    measure: str
    median: float
    published_model: str
    published: PublishedNumber

    def text(self) -> str:
        """Where, and by how much."""
        mine = f"{self.model} {number_text(self.median, DIGITS)}"
        other = f" ({self.published_model})" if self.published_model != self.model else ""
        return f"{self.task}, {self.measure}: {mine}, published {self.published}{other}"


def tables_of(
    experiment: Experiment, measurements: Measurements, published: Published
) -> list[TaskTable]:
    """A table for each task that was measured, models grouped by where they come from."""
    values: dict[tuple[str, str, str], list[float]] = {}
    for m in measurements:
        values.setdefault((m.task, m.model, m.measure), []).append(m.value)
    grouped = sorted(experiment.models.items(), key=lambda one: list(Origin).index(one[1]))
    tables = []
    for task in dict.fromkeys(m.task for m in measurements):
        lines = [
            Line(
                model,
                origin,
                tuple(
                    Cell(tuple(values.get((task, model, m), ())), published.of(task, model, m))
                    for m in experiment.measures
                ),
            )
            for model, origin in grouped
        ]
        shown = tuple(line for line in lines if any(c.values or c.published for c in line.cells))
        tables.append(TaskTable(task, experiment.measures, shown))
    return tables


def shortfalls(
    experiment: Experiment, tables: Sequence[TaskTable], published: Published
) -> Iterator[Shortfall]:
    """Every row that is worse than was published; ours is held against the best of all models."""
    for table in tables:
        for line in table.lines:
            for measure, cell in zip(table.measures, line.cells, strict=True):
                more = measure in experiment.more_is_better
                bar = (line.model, cell.published) if cell.published else None
                if line.origin is Origin.OURS:
                    bar = published.best(table.task, measure, more_is_better=more)
                value = cell.median
                if bar is None or value is None or not bar[1].beats(value, more_is_better=more):
                    continue
                yield Shortfall(table.task, line.model, line.origin, measure, value, *bar)
