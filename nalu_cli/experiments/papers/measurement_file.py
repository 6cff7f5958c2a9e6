"""The CSV file of an experiment: a row for each measurement, added batch by batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from nalu_cli.experiments.growing_file import GrowingFile
from nalu_cli.experiments.papers.experiment import Batch, Experiment, Measurement, Measurements

__all__ = ["MeasurementFile"]

HEAD = ("experiment", "model", "task", "seed", "measure", "value")

Run = tuple[str, str, int]
"""Model, task and seed."""


class MeasurementFile:
    """Measurements on disk.

    Parameters
    ----------
    path : Path
        Continued if it exists.
    experiment : Experiment
    settings : str
        How the run was asked for; all rows of a file agree in it.

    Attributes
    ----------
    measurements : list of Measurement
        Those in the file, of models that were measured completely.

    Raises
    ------
    UsageError
        If the file is something else, or of a run with other settings.
    OutputError
        If it cannot be read or written.
    """

    def __init__(self, path: Path, experiment: Experiment, settings: str) -> None:
        self._experiment = experiment
        self._file = GrowingFile(path, HEAD, settings)
        try:
            found = [self._measurement(cells) for cells in self._file.rows]
        except ValueError as error:
            raise self._file.foreign() from error
        self.measurements = self._complete(found)
        if len(self.measurements) < len(found):
            # a batch is written at once, and still a full disk may have cut it
            self._file.keep(len(self.measurements))

    @property
    def runs(self) -> frozenset[Run]:
        """What was measured."""
        return frozenset(map(_run_of, self.measurements))

    def pending(self, batch: Batch) -> Batch | None:
        """What of a batch is not in the file yet."""
        runs = self.runs
        missing = tuple(s for s in batch.seeds if (batch.model, batch.task, s) not in runs)
        return Batch(batch.model, batch.task, missing) if missing else None

    def append(self, measurements: Measurements) -> None:
        """Add a batch, on disk before this returns."""
        # the measures of the table last: with them all the others are there as well
        measures = self._experiment.measures
        ordered = sorted(measurements, key=lambda m: (m.seed, m.measure in measures))
        self._file.append([self._row(m) for m in ordered])
        self.measurements.extend(ordered)

    def _complete(self, found: Sequence[Measurement]) -> list[Measurement]:
        """The measurements without those of the last model, if it lacks one."""
        measured: dict[Run, set[str]] = {}
        for m in found:
            measured.setdefault(_run_of(m), set()).add(m.measure)
        wanted = set(self._experiment.measures)
        cut = [run for run, measures in measured.items() if not measures >= wanted]
        if cut not in ([], list(measured)[-1:]):
            raise self._file.foreign()
        return [m for m in found if _run_of(m) not in cut]

    def _measurement(self, cells: Mapping[str, str]) -> Measurement:
        if cells["experiment"] != self._experiment.name:
            raise self._file.foreign()
        return Measurement(
            model=cells["model"],
            task=cells["task"],
            seed=int(cells["seed"]),
            measure=cells["measure"],
            value=float(cells["value"]),
        )

    def _row(self, m: Measurement) -> list[str]:
        name = self._experiment.name
        return [name, m.model, m.task, str(m.seed), m.measure, repr(float(m.value))]


def _run_of(m: Measurement) -> Run:
    return m.model, m.task, m.seed
