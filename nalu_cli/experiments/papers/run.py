"""Runs an experiment batch by batch: what is not done yet, on disk as soon as it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch

from nalu_cli.experiments.papers.experiment import Batch, Experiment, Measurement, Scope
from nalu_cli.experiments.papers.measurement_file import MeasurementFile
from nalu_cli.settings import Device
from nalu_cli.training.train import check_device

__all__ = ["Done", "Results", "batches_of", "device_of", "results_in", "results_of"]


class _StoppedError(Exception):
    """Somebody asked to stop in the middle of a batch."""


@dataclass(frozen=True, slots=True)
class Done:
    """How far a run is.

    Parameters
    ----------
    batches, of : int
        Those that are done, and all of them.
    batch : Batch or None
        The one that is trained.
    share : float
        How much of it is done, 0 to 1.
    """

    batches: int
    of: int
    batch: Batch | None = None
    share: float = 0.0


@dataclass(frozen=True, slots=True)
class Results:
    """What was measured for the seeds that were asked for.

    Parameters
    ----------
    measurements : tuple of Measurement
        In the order of the tables.
    is_complete : bool
        Whether nothing is left to be done.
    """

    measurements: tuple[Measurement, ...]
    is_complete: bool


def device_of(device: Device) -> str:
    """What torch calls the device that is asked for.

    Raises
    ------
    ResourceError
        If it is not there.
    """
    check_device(device)
    there = torch.cuda.is_available()
    return "cuda" if there and device is not Device.CPU else "cpu"


def batches_of(experiment: Experiment, scope: Scope, seeds: int) -> list[Batch]:
    """All batches, task by task, in the order of the tables."""
    parts = [
        tuple(range(first, min(first + experiment.together, seeds)))
        for first in range(0, seeds, experiment.together)
    ]
    return [
        Batch(model, task, part)
        for task in experiment.tasks(scope)
        for model in experiment.models
        for part in parts
    ]


def results_of(
    experiment: Experiment,
    scope: Scope,
    batches: Sequence[Batch],
    file: MeasurementFile,
    *,
    watch: Callable[[Done], None],
    stop: Callable[[], bool],
) -> Results:
    """Run what is not in the file yet.

    Parameters
    ----------
    experiment : Experiment
    scope : Scope
    batches : sequence of Batch
    file : MeasurementFile
    watch : callable
        Told when a batch begins, goes on and ends.
    stop : callable
        Asked during batches; True gives one up, and keeps those before it.
    """
    # the models are small, and more threads change the last bits
    torch.set_num_threads(1)
    pending = [missing for batch in batches if (missing := file.pending(batch))]
    done = len(batches) - len(pending)
    watch(Done(done, len(batches)))
    for batch in pending:

        def tick(share: float, batch: Batch = batch, done: int = done) -> None:
            if stop():
                raise _StoppedError
            watch(Done(done, len(batches), batch, share))

        try:
            tick(0.0)
            file.append(experiment.run(batch, scope, tick))
        except _StoppedError:
            break
        done += 1
        watch(Done(done, len(batches)))
    return results_in(file, batches)


def results_in(file: MeasurementFile, batches: Sequence[Batch]) -> Results:
    """What a file has of some batches."""
    found = tuple(_asked(batches, file.measurements))
    return Results(found, not any(file.pending(batch) for batch in batches))


def _asked(batches: Sequence[Batch], measurements: Sequence[Measurement]) -> Iterator[Measurement]:
    """The measurements of the batches, in their order."""
    by_run: dict[tuple[str, str, int], list[Measurement]] = {}
    for m in measurements:
        by_run.setdefault((m.model, m.task, m.seed), []).append(m)
    for batch in batches:
        for seed in batch.seeds:
            yield from by_run.get((batch.model, batch.task, seed), ())
