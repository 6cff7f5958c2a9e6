"""All there is to say about the results of an experiment, for the screen, for JSON and the page."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nalu_cli.experiments.growing_file import read_settings
from nalu_cli.experiments.papers.experiment import Claim, Experiment, Scope
from nalu_cli.experiments.papers.measurement_file import MeasurementFile
from nalu_cli.experiments.papers.published import Published, read_published
from nalu_cli.experiments.papers.run import Results, batches_of, results_in
from nalu_cli.experiments.papers.tables import Shortfall, TaskTable, shortfalls, tables_of

__all__ = ["Summary", "settings_of", "summary_in", "summary_of"]

QUICK = "--quick"


@dataclass(frozen=True, slots=True)
class Summary:
    """What the results of an experiment say.

    Parameters
    ----------
    experiment : Experiment
    command : str
        The command line that repeats the run.
    results : Results
    tables : tuple of TaskTable
    claims : tuple of Claim
        None of a run that is not complete.
    shortfalls : tuple of Shortfall
    notes : tuple of str
        On what was published.
    """

    experiment: Experiment
    command: str
    results: Results
    tables: tuple[TaskTable, ...]
    claims: tuple[Claim, ...]
    shortfalls: tuple[Shortfall, ...]
    notes: tuple[str, ...]

    @property
    def seeds(self) -> int:
        """How many there are results of."""
        return len({m.seed for m in self.results.measurements})

    @property
    def has_memories(self) -> bool:
        """Whether a published number was not read in its source."""
        cells = [cell for table in self.tables for line in table.lines for cell in line.cells]
        return any(cell.published is not None and cell.published.from_memory for cell in cells)

    @property
    def sources(self) -> list[str]:
        """Where the published numbers are from."""
        cells = [cell for table in self.tables for line in table.lines for cell in line.cells]
        return list(dict.fromkeys(cell.published.source for cell in cells if cell.published))


def settings_of(experiment: Experiment, scope: Scope, version: str) -> str:
    """How a run is asked for, but for its seeds and where the results go."""
    words = ["nalu", version, "reproduce", experiment.name, *([QUICK] if scope.quick else [])]
    mnist = [] if scope.mnist is None else ["--mnist", scope.mnist.name]
    return shlex.join([*words, *mnist, "--device", scope.device])


def summary_of(
    experiment: Experiment, settings: str, results: Results, published: Published | None = None
) -> Summary:
    """What results say.

    Parameters
    ----------
    experiment : Experiment
    settings : str
        How the run was asked for.
    results : Results
    published : Published, optional
        Those of the package by default.
    """
    known = read_published(experiment.name) if published is None else published
    tables = tables_of(experiment, results.measurements, known)
    claims = experiment.claims(results.measurements) if results.is_complete else ()
    seeds = len({m.seed for m in results.measurements})
    return Summary(
        experiment,
        _command(experiment, shlex.split(settings), seeds),
        results,
        tuple(tables),
        tuple(claims),
        tuple(shortfalls(experiment, tables, known)),
        known.notes,
    )


def summary_in(path: Path, experiment: Experiment) -> Summary:
    """What a results file says, of all seeds in it.

    Raises
    ------
    UsageError
        If there is no such file, or it holds something else.
    """
    settings = read_settings(path)
    file = MeasurementFile(path, experiment, settings)
    scope = Scope(quick=QUICK in shlex.split(settings))
    seeds = 1 + max((m.seed for m in file.measurements), default=0)
    return summary_of(experiment, settings, results_in(file, batches_of(experiment, scope, seeds)))


def _command(experiment: Experiment, words: Sequence[str], seeds: int) -> str:
    default = experiment.quick_seeds if QUICK in words else experiment.seeds
    more = [] if seeds == default else ["--seeds", str(seeds)]
    # the version behind the name, and the device that is the default anyway
    text = shlex.join([words[0], *words[2:], *more])
    return text.replace(" --device cpu", "")
