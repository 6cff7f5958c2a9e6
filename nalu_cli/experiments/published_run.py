"""Trains a published cell by the published protocol, many seeds and ranges as one batch."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nalu_cli.errors import UsageError
from nalu_cli.experiments.known_law import Part
from nalu_cli.experiments.operations import Operation, OperationTask, computed, groups_of
from nalu_cli.experiments.protocol import HIDDEN, Course, course_of, inner_cell, threshold
from nalu_cli.experiments.sampling import generator
from nalu_cli.experiments.spread import Spread, SpreadKind
from nalu_cli.experiments.trial import Outcome, Trial, failed
from nalu_cli.settings import CellName
from nalu_cli.training.adam import Adam
from nalu_cli.training.cells import CELLS, Path
from nalu_cli.training.cells.recipe import Ramp, Recipe, Stairs
from nalu_cli.training.stack import Stack, StackShape

__all__ = [
    "Batch",
    "batches",
    "check_columns",
    "failed_batch",
    "run_batch",
    "stack_shape",
    "target_of",
]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

MOST_NUMBERS = 2**17
"""Numbers that a step of a batch reads at most; more take longer, fewer waste time."""

BLOCK_NUMBERS = 2**22
"""Numbers drawn at a time."""

START, STREAM, CHECK, REDRAW = 3, 4, 5, 100
"""Random streams of a run: its weights, its batches, the rows it is tested on, later weights."""

ENOUGH_LOGS = 20
"""A batch ends early when all of its runs were solved at so many logs in a row, with the
regulariser at its full weight."""

STUCK_LOGS = 6
"""Logs after which a run of a cell that starts again may do so."""

PRODUCT_PULL = Stairs(1e-7, 1e-5)
"""Mistry, Farrahi and Hare 2022: NPUs are regularised more for products than for quotients."""

Batch = tuple[Trial, ...]
"""Trials of one operation on as many columns, with the same cell."""


def batches(trials: Sequence[Trial]) -> list[Batch]:
    """Trials that can be trained together, together.

    Raises
    ------
    UsageError
        If a trial has no published protocol.
    """
    groups: dict[tuple[object, ...], list[Trial]] = {}
    for trial in trials:
        task = _task(trial)
        course = course_of(task, trial.conditions.steps)
        # test rows are shared where all columns are drawn alike
        key = (task.kind, task.operation, task.inputs, *([task] if course.layers > 1 else []))
        groups.setdefault(key, []).append(trial)
    return [part for group in groups.values() for part in _parts(group)]


def _parts(trials: Sequence[Trial]) -> Iterator[Batch]:
    task = _task(trials[0])
    course = course_of(task, trials[0].conditions.steps)
    most = max(1, MOST_NUMBERS // (course.batch_rows * task.inputs))
    for at in range(0, len(trials), most):
        yield tuple(trials[at : at + most])


def _task(trial: Trial) -> OperationTask:
    if trial.task is None:
        raise UsageError("there is no published protocol for formulas")
    return trial.task


def failed_batch(batch: Batch, error: str) -> list[Outcome]:
    """The outcomes of a batch that ended without any."""
    return [failed(trial, error) for trial in batch]


def run_batch(batch: Batch) -> list[Outcome]:
    """Train and test; whatever goes wrong is part of the outcomes."""
    try:
        torch.set_num_threads(1)
        return _Run(batch).outcomes()
    except Exception as error:  # one bad batch must not end a run of hours
        return failed_batch(batch, f"{type(error).__name__}: {error}")


@dataclass(frozen=True, slots=True)
class _Rows:
    """Rows to check a run on: X (N, I) for all, or (R, N, I); y (R, N), float64."""

    X: Tensor
    y: Tensor


class _Stream:
    """Endless rows of each trial, drawn in blocks, in float64 and cast to float32 as published."""

    def __init__(self, batch: Batch, course: Course) -> None:
        self.tasks = [_task(trial) for trial in batch]
        self.groups = [groups_of(_task(t), t.seed) for t in batch]
        self.random = [generator(t.seed, t.law.name, STREAM) for t in batch]
        self.rows = course.batch_rows
        shape = (len(batch), self.tasks[0].inputs, self.rows)  # (R, I, N), as the stack reads it
        self.length = max(1, BLOCK_NUMBERS // math.prod(shape))
        self.at = self.length
        self.X = np.empty((self.length, *shape), dtype=np.float32)
        self.y = np.empty((self.length, shape[0], shape[2]), dtype=np.float32)

    def next(self) -> tuple[Tensor, Tensor]:
        """The rows of a step: (R, N, I) and (R, N)."""
        if self.at == self.length:
            for r in range(len(self.tasks)):
                self.X[:, r], self.y[:, r] = self._block(r)
            self.at = 0
        X, y = self.X[self.at], self.y[self.at]
        self.at += 1
        return torch.from_numpy(X).mT, torch.from_numpy(y)

    def _block(self, r: int) -> tuple[Floats, Floats]:
        task, spreads = self.tasks[r], self.tasks[r].spreads(Part.TRAIN)
        shape = (self.length, task.inputs, self.rows)
        if len(spreads) == 1:
            X = _values(spreads[0], shape, self.random[r])
        else:
            columns = [_values(s, (self.length, self.rows), self.random[r]) for s in spreads]
            X = np.stack(columns, axis=1)
        return X, computed(task.operation, [X[:, g].sum(axis=1) for g in self.groups[r]])


class _Run:
    """A batch of runs, from its first weights to its outcomes."""

    def __init__(self, batch: Batch) -> None:
        self.batch, self.task = batch, _task(batch[0])
        conditions = batch[0].conditions
        self.course = course_of(self.task, conditions.steps)
        self.cell = conditions.fit.cell
        self.shape = stack_shape(self.cell, self.course)
        self.recipe = _recipe(self.cell, self.task.operation, self.course)
        self.stack = self._fresh(START)
        self.examined = self._fresh(START)
        for cell in self.examined.cells:
            cell.eval()
        self.valid, self.test = self._check_rows(Part.TRAIN), self._check_rows(Part.EXTRAPOLATION)
        self.limits = np.array([self._threshold(r) for r in range(len(batch))])
        self.log = _Log(len(batch), self.limits)
        self.redrawn = 0

    def _fresh(self, stream: int) -> Stack:
        starts = [generator(t.seed, t.law.name, stream) for t in self.batch]
        return Stack(self.shape, self.task.inputs, starts)

    def _check_rows(self, part: Part) -> _Rows:
        """The same columns for all trials of a task, as published."""
        columns: dict[OperationTask, Floats] = {}
        for trial in self.batch:
            task = _task(trial)
            if task not in columns:
                columns[task] = check_columns(task, part, self.course.test_rows)
        each = [columns[_task(trial)] for trial in self.batch]
        y = [target_of(_task(t), t.seed, X) for t, X in zip(self.batch, each, strict=True)]
        X = each[0] if len(columns) == 1 else np.stack(each)
        return _Rows(torch.from_numpy(X), torch.from_numpy(np.stack(y)))

    def _threshold(self, r: int) -> float:
        trial, X = self.batch[r], self.test.X
        rows = (X if X.ndim == 2 else X[r]).numpy()
        groups = groups_of(_task(trial), trial.seed)
        return threshold(_task(trial), groups, rows, self.course.epsilon)

    def outcomes(self) -> list[Outcome]:
        """Train to the end, and say what became of each run."""
        start = time.perf_counter()
        steps = self._train()
        seconds = (time.perf_counter() - start) / len(self.batch)
        return [
            Outcome(
                name=trial.law.name,
                seed=trial.seed,
                labels=trial.labels,
                recovered=bool(self.log.success[r]),
                test_error=_finite(self.log.test_error[r]),
                seconds=seconds,
                steps=int(self.log.solved_at[r]) if self.log.success[r] else None,
                sparsity=_finite(self.log.sparsity[r]),
                found_by=f"{self.cell}, {steps} steps",
            )
            for r, trial in enumerate(self.batch)
        ]

    def _train(self) -> int:
        adam = Adam(
            self.stack.theta,
            largest_slope=self.recipe.largest_slope,
            largest_gradient=self.recipe.largest_gradient,
        )
        stream = _Stream(self.batch, self.course)
        for step in range(self.course.steps + 1):
            if step % self.course.log_every == 0:
                self._look(step)
                if self._is_decided(step):
                    return step
            X, y = stream.next()
            p = self.stack.values(X)
            slope = (p.detach() - y) * (2.0 / y.shape[1])
            gradient = self.stack.gradient(p, slope, self._pulls(step))
            with torch.no_grad():
                adam.step(self.stack.theta, gradient, self.recipe.rate)
                self.stack.project()
        return self.course.steps

    def _pulls(self, step: int) -> Tensor | None:
        pull = self.recipe.pull.at(step / self.course.steps)
        if pull == 0:
            return None
        valid = torch.from_numpy(self.log.valid_error).float()
        return torch.where(valid < self.recipe.pull_below, pull, 0.0)

    def _look(self, step: int) -> None:
        """Note the errors, in float64, and start again what is stuck."""
        self.examined.replace(self.stack.theta.double())
        with torch.no_grad():
            valid, test = (
                (self.examined.values(rows.X) - rows.y).square().mean(1).numpy()
                for rows in (self.valid, self.test)
            )
            sparsity = _sparsity(self.examined, self.valid.X)
        self.log.note(step, valid, test, sparsity)
        if self.recipe.starts_again:
            self._start_again(self.log.stuck())

    def _start_again(self, stuck: Bools) -> None:
        if not stuck.any():
            return
        fresh = self._fresh(REDRAW + self.redrawn)
        self.redrawn += 1
        self.stack.theta[torch.from_numpy(stuck)] = fresh.theta[torch.from_numpy(stuck)]
        self.log.forget(stuck)

    def _is_decided(self, step: int) -> bool:
        full = self.recipe.pull.at(1.0)
        begun = self.recipe.pull.at(step / self.course.steps) == full
        return begun and bool((self.log.in_a_row >= ENOUGH_LOGS).all())


class _Log:
    """What the logs of R runs say; arrays are (R,)."""

    def __init__(self, runs: int, limits: Floats) -> None:
        self.limits = limits
        self.best_valid = np.full(runs, np.inf)
        self.valid_error = np.full(runs, np.inf)
        self.test_error = np.full(runs, np.nan)
        self.sparsity = np.full(runs, np.nan)
        self.solved_at = np.full(runs, -1)
        self.in_a_row = np.zeros(runs, dtype=int)
        self.history: list[list[float]] = [[] for _ in range(runs)]

    @property
    def success(self) -> Bools:
        """Whether the checkpoint with the least validation error is good enough on test rows."""
        success: Bools = np.nan_to_num(self.test_error, nan=np.inf) < self.limits
        return success

    def note(self, step: int, valid: Floats, test: Floats, sparsity: Floats) -> None:
        """Take in a log."""
        self.valid_error = np.nan_to_num(valid, nan=np.inf)
        better = self.valid_error <= self.best_valid
        self.best_valid = np.where(better, self.valid_error, self.best_valid)
        self.test_error = np.where(better, test, self.test_error)
        self.sparsity = np.where(better, sparsity, self.sparsity)
        solved = np.nan_to_num(test, nan=np.inf) < self.limits
        self.solved_at = np.where(solved & (self.solved_at < 0), step, self.solved_at)
        self.in_a_row = np.where(solved, self.in_a_row + 1, 0)
        for run, error in zip(self.history, self.valid_error, strict=True):
            run.append(float(error))

    def stuck(self) -> Bools:
        """Schlör, Ring and Hotho 2020: no better than before, and not good."""
        return np.array([_is_stuck(errors) for errors in self.history])

    def forget(self, runs: Bools) -> None:
        """Begin the history of some runs anew."""
        for r in np.flatnonzero(runs):
            self.history[r].clear()


def _is_stuck(errors: Sequence[float]) -> bool:
    if len(errors) < STUCK_LOGS:
        return False
    first, last = np.array_split(np.clip(errors, 0, 1e30), 2)
    return bool(first.mean() <= last.mean() + last.std() and last.mean() > 1)


def stack_shape(cell: CellName, course: Course) -> StackShape:
    """The published stack: one module, or `HIDDEN` units of what can add up before it."""
    if course.layers == 1:
        return StackShape((_path(cell),), (1,), cell=cell, skips=False)
    paths = CELLS[cell].paths
    inner = inner_cell(cell, sums=Path.FREE in paths or Path.SUM in paths)
    both = (_path(inner), _path(cell))
    return StackShape(both, (HIDDEN, 1), cell=cell, inner=inner, skips=False)


def _path(cell: CellName) -> Path:
    paths = CELLS[cell].paths
    return Path.FREE if Path.FREE in paths else next(iter(paths))


def _recipe(cell: CellName, operation: Operation, course: Course) -> Recipe:
    """The cell's own, with what the course says about its regulariser."""
    recipe = CELLS[cell].recipe
    if isinstance(recipe.pull, Ramp) and cell in course.ramps:
        start, end = (step / course.steps for step in course.ramps[cell])
        return replace(recipe, pull=replace(recipe.pull, start=start, end=end))
    if isinstance(recipe.pull, Stairs) and operation is Operation.MUL:
        return replace(recipe, pull=PRODUCT_PULL)
    return recipe


def _values(spread: Spread, shape: tuple[int, ...], random: np.random.Generator) -> Floats:
    """Draw without a look at which of one interval a value falls into: half of a run's time."""
    if spread.kind is SpreadKind.UNIFORM and len(spread.parts) == 1:
        return random.uniform(*spread.parts[0], shape)
    return spread.draw(shape, random)


def target_of(task: OperationTask, seed: int, X: Floats) -> Floats:
    """The target of rows (N, I): (N,)."""
    groups = groups_of(task, seed)
    return computed(task.operation, [X[:, group].sum(axis=1) for group in groups])


def check_columns(task: OperationTask, part: Part, rows: int) -> Floats:
    """Columns that runs of a task are checked on, the same for all seeds, as published."""
    random = generator(0, f"check-{part}", CHECK)
    spreads = task.spreads(part)
    if len(spreads) == 1:
        return spreads[0].draw((rows, task.inputs), random)
    return np.stack([spread.draw((rows,), random) for spread in spreads], axis=1)


def _sparsity(stack: Stack, X: Tensor) -> Floats:
    """Largest distance of a weight to -1, 0 and 1 in each run (Madsen and Johansen 2020)."""
    x, worst = X.expand(len(stack.theta), -1, -1), np.zeros(len(stack.theta))
    for cell in stack.cells:
        size = np.abs(cell.freeze(x)[0].weights)
        worst = np.maximum(worst, np.minimum(size, np.abs(1 - size)).max(axis=(1, 2)))
        x = cell(x)
    return worst


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
