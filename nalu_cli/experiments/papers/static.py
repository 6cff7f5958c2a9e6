"""The second experiment of the NALU paper: functions of two sums of some of a hundred columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from statistics import median
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nalu_cli.cells import Path
from nalu_cli.experiments.known_law import Part
from nalu_cli.experiments.operations import (
    Operation,
    OperationTask,
    TaskKind,
    computed,
    groups_of,
    operation_rows,
)
from nalu_cli.experiments.papers.dense import ACTIVATIONS, Dense
from nalu_cli.experiments.papers.experiment import (
    Batch,
    Claim,
    Experiment,
    Measurement,
    Measurements,
    Origin,
    Scope,
    Tick,
)
from nalu_cli.experiments.papers.training import trained
from nalu_cli.experiments.published_run import check_columns, target_of
from nalu_cli.experiments.sampling import generator
from nalu_cli.experiments.spread import Spread, SpreadKind
from nalu_cli.pipeline import fit_table
from nalu_cli.settings import CellName, Device, FitSettings
from nalu_cli.stack import Stack, StackShape
from nalu_cli.table import table_of_arrays

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Static"]

Floats = NDArray[np.float64]

OPERATIONS: Mapping[str, Operation] = {
    "a + b": Operation.ADD,
    "a - b": Operation.SUB,
    "a * b": Operation.MUL,
    "a / b": Operation.DIV,
    "a^2": Operation.SQUARED,
    "sqrt(a)": Operation.ROOT,
}

INPUTS = 100
TRAIN, FAR = (1.0, 2.0), (2.0, 6.0)
"""The paper gives no ranges; these are those of Madsen and Johansen 2020, as are the sums: a
quarter of the columns each, of which half are in both."""

HIDDEN, HIDDEN_UNITS = 100, 2
"""Of the dense baselines, and of the cells, which need no more."""

STEPS, QUICK_STEPS = 20_000, 1_500
RATE = 1e-2
BATCH_ROWS = 128
CHECK_ROWS = 2000
FIT_ROWS = 1000
"""Rows of the table that `nalu fit` is given; training takes fresh ones at every step."""

START, STREAM = 7, 8
"""Random streams: of the weights, and of the batches."""

DENSE = {"relu6": "relu6", "linear": "none"}
CELLS = {"nac": (CellName.NAC, Path.SUM), "nalu": (CellName.NALU, Path.FREE)}
OURS = "nalu fit"
TRAINED_ONLY = "nalu fit, trained"

INTERPOLATION, EXTRAPOLATION = "interpolation", "extrapolation"
PARTS = {INTERPOLATION: Part.TRAIN, EXTRAPOLATION: Part.EXTRAPOLATION}


class Static(Experiment):
    """Two layers over a hundred columns."""

    name = "static"
    title = "Two layers learn functions of two sums of some of 100 columns, fixed but not told."
    source = "Trask et al. 2018, section 4.1"
    unit = (
        "root mean squared error in percent of that of the same model before training; ours of "
        "the root mean square of the target"
    )
    models: ClassVar[Mapping[str, Origin]] = {
        **dict.fromkeys(DENSE, Origin.BASELINE),
        **dict.fromkeys(CELLS, Origin.PUBLISHED),
        OURS: Origin.OURS,
        TRAINED_ONLY: Origin.OURS,
    }
    measures = (INTERPOLATION, EXTRAPOLATION)
    seeds = 10
    quick_seeds = 3
    together = 10

    def tasks(self, scope: Scope) -> Sequence[str]:
        """Six functions; in quick runs one that is linear and two that are not."""
        return ("a + b", "a * b", "a / b") if scope.quick else tuple(OPERATIONS)

    def run(self, batch: Batch, scope: Scope, tick: Tick) -> Measurements:
        """Train the seeds side by side, or fit a table for each."""
        task = _task(OPERATIONS[batch.task])
        if self.models[batch.model] is Origin.OURS:
            scores = _fitted(task, batch, tick)
        else:
            scores = _learned(task, batch, scope, tick)
        return [
            Measurement(batch.model, batch.task, seed, measure, float(score))
            for k, seed in enumerate(batch.seeds)
            for measure, score in ((measure, scores[measure][k]) for measure in self.measures)
        ]

    def claims(self, measurements: Measurements) -> Sequence[Claim]:
        """Formulas hold outside; what is learned by slope alone does not, but for sums."""
        raise NotImplementedError

    def draw(self, figure: Figure, measurements: Measurements) -> None:
        """Draw the scores of every model, a panel for each function."""
        raise NotImplementedError


def _task(operation: Operation) -> OperationTask:
    near, far = (Spread(SpreadKind.UNIFORM, (span,)) for span in (TRAIN, FAR))
    return OperationTask(TaskKind.SUBSET, operation, INPUTS, (near,), (far,))


def _learned(
    task: OperationTask, batch: Batch, scope: Scope, tick: Tick
) -> dict[str, Floats]:
    """Scores of the seeds, from fresh rows at every step."""
    models = _models(batch)
    before = _errors(models, task, batch.seeds)
    models.replace(models.theta.to(scope.device))
    rows = partial(_next_rows, task, batch.seeds, generator(0, batch.task, STREAM), scope.device)
    steps = QUICK_STEPS if scope.quick else STEPS
    trained(models, rows, steps=steps, rate=RATE, tick=tick)
    after = _errors(models, task, batch.seeds)
    return {measure: 100 * after[measure] / before[measure] for measure in PARTS}


def _models(batch: Batch) -> Dense | Stack:
    generators = [generator(seed, f"static-{batch.task}", START) for seed in batch.seeds]
    if batch.model in DENSE:
        return Dense((INPUTS, HIDDEN, 1), ACTIVATIONS[DENSE[batch.model]], generators)
    cell, path = CELLS[batch.model]
    shape = StackShape((path, path), (HIDDEN_UNITS, 1), cell=cell, skips=False)
    return Stack(shape, INPUTS, generators)


def _next_rows(
    task: OperationTask, seeds: Sequence[int], random: np.random.Generator, device: str
) -> tuple[Tensor, Tensor]:
    """The same columns for all seeds, (N, I), and their targets, (R, N)."""
    X = random.uniform(*TRAIN, (BATCH_ROWS, INPUTS))
    y = np.stack([target_of(task, seed, X) for seed in seeds])
    return tuple(torch.from_numpy(a.astype(np.float32)).to(device) for a in (X, y))


def _errors(models: Dense | Stack, task: OperationTask, seeds: Sequence[int]) -> dict[str, Floats]:
    """Root mean squared errors in float64, (R,)."""
    theta = models.theta
    models.replace(theta.double().cpu())
    errors: dict[str, Floats] = {}
    with torch.no_grad():
        for measure, part in PARTS.items():
            X = check_columns(task, part, CHECK_ROWS)
            y = np.stack([target_of(task, seed, X) for seed in seeds])
            gap = models.values(torch.from_numpy(X)).numpy() - y
            errors[measure] = np.sqrt(np.mean(gap**2, axis=1))
    models.replace(theta)
    return errors


def _fitted(task: OperationTask, batch: Batch, tick: Tick) -> dict[str, Floats]:
    """Scores of the formulas that a table of each seed gives."""
    names = [f"x{j + 1}" for j in range(INPUTS)]
    settings = FitSettings(device=Device.CPU, threads=1, train_only=batch.model == TRAINED_ONLY)
    scores: dict[str, list[float]] = {measure: [] for measure in PARTS}
    for k, seed in enumerate(batch.seeds):
        tick(k / len(batch.seeds))
        rows = operation_rows(task, Part.TRAIN, FIT_ROWS, seed=seed)
        table = table_of_arrays(rows.X, rows.y, names, "y")
        answer = fit_table(table, "y", settings, watch=lambda _, k=k: tick(k / len(batch.seeds)))
        for measure, part in PARTS.items():
            X = check_columns(task, part, CHECK_ROWS)
            y = target_of(task, seed, X)
            gap = answer.circuit.evaluate(X) - y
            scores[measure].append(100 * float(np.sqrt(np.mean(gap**2) / np.mean(y**2))))
    return {measure: np.array(some) for measure, some in scores.items()}
