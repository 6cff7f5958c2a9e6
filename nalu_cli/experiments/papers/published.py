"""Numbers that were published for the experiments, and how sure we are of each."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

__all__ = ["MEMORY", "Published", "PublishedNumber", "read_published"]

NUMBERS = Path(__file__).parent / "published.toml"

MEMORY = "* as remembered, not re-read in the paper"
"""What the mark behind a number stands for."""


@dataclass(frozen=True)
class PublishedNumber:
    """A number of a paper.

    Parameters
    ----------
    text : str
        As it is printed there, such as ``.41`` or ``>999``.
    source : str
    from_memory : bool
        Not read in the source.
    """

    text: str
    source: str
    from_memory: bool

    def __str__(self) -> str:
        return f"{self.text}*" if self.from_memory else self.text

    @property
    def value(self) -> float:
        """The number, of ``>999`` the bound."""
        return float(self.text.lstrip(">≈"))

    @cached_property
    def rounding(self) -> float:
        """Half a unit of its last digit."""
        digits = self.text.partition("e")[0].partition(".")[2]
        exponent = int(self.text.partition("e")[2] or 0)
        return 0.5 * 10.0 ** (exponent - len(digits))

    def beats(self, value: float, *, more_is_better: bool = False) -> bool:
        """Whether it is better than a number measured here, by more than its own rounding."""
        gap = self.value - value if more_is_better else value - self.value
        return not gap <= self.rounding


@dataclass(frozen=True, slots=True)
class Published:
    """What was published for an experiment.

    Parameters
    ----------
    numbers : mapping of (task, model, measure) to PublishedNumber
    notes : tuple of str
        What a reader should know who compares them with those measured here.
    """

    numbers: Mapping[tuple[str, str, str], PublishedNumber]
    notes: tuple[str, ...] = ()

    def of(self, task: str, model: str, measure: str) -> PublishedNumber | None:
        """The number of one model."""
        return self.numbers.get((task, model, measure))

    def best(
        self, task: str, measure: str, *, more_is_better: bool = False
    ) -> tuple[str, PublishedNumber] | None:
        """The best of all models, and the model."""
        found = [
            (model, number)
            for (its_task, model, its_measure), number in self.numbers.items()
            if (its_task, its_measure) == (task, measure)
        ]
        sign = -1 if more_is_better else 1
        return min(found, key=lambda one: sign * one[1].value, default=None)


def read_published(experiment: str, path: Path = NUMBERS) -> Published:
    """The published numbers that come with the package.

    Parameters
    ----------
    experiment : str
        Its name.
    path : Path
        A table for each row of a published table: experiment, task, model, source, whether it is
        from memory, and the numbers by measure, as text; and one for each note.
    """
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    numbers = {
        (row["task"], row["model"], measure): PublishedNumber(
            text, row["source"], row["from_memory"]
        )
        for row in data["row"]
        if row["experiment"] == experiment
        for measure, text in row["values"].items()
    }
    notes = [note["text"] for note in data["note"] if note["experiment"] == experiment]
    return Published(numbers, tuple(notes))
