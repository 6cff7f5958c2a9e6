"""The second experiment of the NALU paper: functions of two sums of some of a hundred columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nalu_cli.experiments.known_law import Part, Rows
from nalu_cli.experiments.operations import Operation, OperationTask, TaskKind, operation_rows
from nalu_cli.experiments.papers.dense import ACTIVATIONS, Dense
from nalu_cli.experiments.papers.experiment import (
    Batch,
    Claim,
    Experiment,
    Measurements,
    Origin,
    Scope,
    Tick,
    measured_together,
    medians,
)
from nalu_cli.experiments.papers.scores import EXTRAPOLATION, INTERPOLATION, OPERATIONS, draw_scores
from nalu_cli.experiments.papers.training import trained
from nalu_cli.experiments.published_run import check_columns, target_of
from nalu_cli.experiments.sampling import generator
from nalu_cli.experiments.spread import Spread, SpreadKind
from nalu_cli.fitting.levenberg_marquardt import evaluate_relaxed
from nalu_cli.pipeline import fit_table
from nalu_cli.settings import CellName, Device, FitSettings
from nalu_cli.snapping.snap import snap
from nalu_cli.table import table_of_arrays
from nalu_cli.training.cells import Path
from nalu_cli.training.stack import Stack, StackShape

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Static"]

Floats = NDArray[np.float64]

INPUTS = 100
TRAIN, FAR = (1.0, 2.0), (2.0, 6.0)
"""The paper gives no ranges; these are those of Madsen and Johansen 2020, as are the sums: a
quarter of the columns each, of which half are in both."""

HIDDEN, HIDDEN_UNITS = 100, 2
"""Of the dense baselines, and of the cells, which need no more."""

STEPS, QUICK_STEPS = 10_000, 1_000
"""What is snapped takes the fewer steps: a snap needs a beginning, not an end."""

RATE = 1e-2
BATCH_ROWS = 128
CHECK_ROWS = 2000
FIT_ROWS = 1000
"""Rows of the table that `nalu fit` is given; training takes fresh ones at every step."""

START, STREAM = 7, 8
"""Random streams: of the weights, and of the batches."""

DENSE = {"relu6": "relu6", "linear": "none"}
CELLS = {"nac": (CellName.NAC, Path.SUM), "nalu": (CellName.NALU, Path.FREE)}
SNAPPED = "nac, snapped"
OURS = "nalu fit"

PATIENCE = 600.0
"""Seconds a fit may take: so many that a busy machine changes no result."""

ROUNDING, FAILED, MUCH = 1e-8, 10.0, 5.0
"""Percent left to rounding, percent that is a failure, and a clear difference."""

PARTS = {INTERPOLATION: Part.TRAIN, EXTRAPOLATION: Part.EXTRAPOLATION}


class Static(Experiment):
    """Two layers over a hundred columns."""

    name = "static"
    title = "Two layers learn functions of two sums of some of 100 columns, fixed but not told."
    source = "Trask et al. 2018, section 4.1"
    unit = (
        "root mean squared error in percent of that of the same model before training, for nalu "
        "fit of the root mean square of the target"
    )
    models: ClassVar[Mapping[str, Origin]] = {
        **dict.fromkeys(DENSE, Origin.BASELINE),
        **dict.fromkeys(CELLS, Origin.PUBLISHED),
        SNAPPED: Origin.OURS,
        OURS: Origin.OURS,
    }
    measures = (INTERPOLATION, EXTRAPOLATION)
    seeds = 3
    quick_seeds = 1
    together = 3

    def tasks(self, scope: Scope) -> Sequence[str]:
        """Six functions; in quick runs one that is linear and two that are not."""
        return ("a + b", "a * b", "a / b") if scope.quick else tuple(OPERATIONS)

    def run(self, batch: Batch, scope: Scope, tick: Tick) -> Measurements:
        """Train the seeds side by side, or fit a table for each."""
        task = _task(OPERATIONS[batch.task])
        if batch.model == OURS:
            scores = _fitted(task, batch, tick)
        elif batch.model == SNAPPED:
            scores = _snapped(task, batch, scope, tick)
        else:
            scores = _learned(task, batch, scope, tick)
        return measured_together(batch, scores)

    def claims(self, measurements: Measurements) -> Sequence[Claim]:
        """Formulas hold outside; what is learned by slope alone does not."""
        far = {model: _far(measurements, model) for model in self.models}
        trained = [model for model, origin in self.models.items() if origin is not Origin.OURS]
        worst = {
            model: max(m.value for m in measurements if m.model == model and m.task in tasks)
            for model, tasks in ((OURS, far[OURS]), (SNAPPED, _sums(far)))
        }
        return (
            Claim(
                f"Every formula of {OURS}, found by linear algebra before anything is trained, is "
                f"off by rounding at most, inside and outside: {worst[OURS]:.2g} %.",
                worst[OURS] <= ROUNDING,
            ),
            Claim(
                f"Snapped, the NACs compute {' and '.join(_sums(far))} without error: "
                f"{worst[SNAPPED]:.2g} % at most.",
                worst[SNAPPED] <= ROUNDING,
            ),
            _failures({model: far[model] for model in trained}),
            _accumulators(far),
        )

    def draw(self, figure: Figure, measurements: Measurements) -> None:
        """Draw the scores of every model, a panel for each function."""
        label = "error in percent of that before training (line: as before)"
        draw_scores(figure, measurements, list(self.models), label)


def _far(measurements: Measurements, model: str) -> dict[str, float]:
    """Median error outside of a model on each function."""
    return {
        task: score
        for (by, task, measure), score in medians(measurements).items()
        if (by, measure) == (model, EXTRAPOLATION)
    }


def _sums(far: Mapping[str, Mapping[str, float]]) -> list[str]:
    """The functions among those measured that accumulators can compute."""
    return [task for task in ("a + b", "a - b") if task in far["nac"]]


def _failures(far: Mapping[str, Mapping[str, float]]) -> Claim:
    worst = {model: max(errors, key=errors.__getitem__) for model, errors in far.items()}
    listed = ", ".join(
        f"{model} {far[model][task]:.3g} % on {task}" for model, task in worst.items()
    )
    return Claim(
        f"Every model that is only trained fails at some function outside, by {FAILED:g} % or "
        f"more: {listed}.",
        all(far[model][task] >= FAILED for model, task in worst.items()),
    )


def _accumulators(far: Mapping[str, Mapping[str, float]]) -> Claim:
    sums = _sums(far)
    nac, relu6 = max(far["nac"][task] for task in sums), min(far["relu6"][task] for task in sums)
    return Claim(
        "An accumulator extrapolates sums and a saturating network does not: "
        f"{' and '.join(sums)} {nac:.3g} % at most by nac, {relu6:.3g} % or more by relu6.",
        nac * MUCH <= relu6,
    )


def _task(operation: Operation) -> OperationTask:
    near, far = (Spread(SpreadKind.UNIFORM, (span,)) for span in (TRAIN, FAR))
    return OperationTask(TaskKind.SUBSET, operation, INPUTS, (near,), (far,))


def _learned(task: OperationTask, batch: Batch, scope: Scope, tick: Tick) -> dict[str, Floats]:
    """Scores of the seeds, from fresh rows at every step."""
    models = _models(batch)
    before = _errors(models, task, batch.seeds)
    _train(models, task, batch, scope, tick)
    after = _errors(models, task, batch.seeds)
    return {measure: 100 * after[measure] / before[measure] for measure in PARTS}


def _snapped(task: OperationTask, batch: Batch, scope: Scope, tick: Tick) -> dict[str, Floats]:
    """Scores of stacks of NACs that were trained in the same way, but shorter, and snapped."""
    models = _models(Batch("nac", batch.task, batch.seeds))
    assert isinstance(models, Stack)
    before = _errors(models, task, batch.seeds)
    _train(models, task, batch, scope, tick)
    each = models.theta.double().cpu()
    gaps: dict[str, list[float]] = {measure: [] for measure in PARTS}
    for k, seed in enumerate(batch.seeds):
        models.replace(each[k : k + 1])
        rows = operation_rows(task, Part.TRAIN, FIT_ROWS, seed=seed)
        value = _snapped_value(models, rows, tick)
        for measure, part in PARTS.items():
            X = check_columns(task, part, CHECK_ROWS)
            gap = value(X) - target_of(task, seed, X)
            gaps[measure].append(float(np.sqrt(np.mean(gap**2))))
    return {measure: 100 * np.array(gaps[measure]) / before[measure] for measure in PARTS}


def _snapped_value(stack: Stack, rows: Rows, tick: Tick) -> Callable[[Floats], Floats]:
    """What a stack computes once it is polished and snapped, or as it is if that fails."""
    relaxed, _ = stack.freeze(rows.X, rows.y, np.ones_like(rows.y))

    def stop() -> bool:
        tick(1.0)
        return False

    for found in snap(relaxed, rows.X, rows.y, keep=1, stop=stop):
        return found.circuit.evaluate
    return lambda X: evaluate_relaxed(relaxed, X)[0]


def _train(
    models: Dense | Stack, task: OperationTask, batch: Batch, scope: Scope, tick: Tick
) -> None:
    models.replace(models.theta.to(scope.device))
    rows = partial(_next_rows, task, batch.seeds, generator(0, batch.task, STREAM), scope.device)
    steps = QUICK_STEPS if scope.quick or batch.model == SNAPPED else STEPS
    trained(models, rows, steps=steps, rate=RATE, tick=tick)


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
    rows, targets = (torch.from_numpy(a.astype(np.float32)).to(device) for a in (X, y))
    return rows, targets


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
    settings = FitSettings(device=Device.CPU, threads=1, time_limit=PATIENCE)
    scores: dict[str, list[float]] = {measure: [] for measure in PARTS}
    for k, seed in enumerate(batch.seeds):

        def told(_: object, share: float = k / len(batch.seeds)) -> None:
            tick(share)

        rows = operation_rows(task, Part.TRAIN, FIT_ROWS, seed=seed)
        table = table_of_arrays(rows.X, rows.y, names, "y")
        answer = fit_table(table, "y", settings, watch=told)
        for measure, part in PARTS.items():
            X = check_columns(task, part, CHECK_ROWS)
            y = target_of(task, seed, X)
            gap = answer.circuit.evaluate(X) - y
            scores[measure].append(100 * float(np.sqrt(np.mean(gap**2) / np.mean(y**2))))
    return {measure: np.array(some) for measure, some in scores.items()}
