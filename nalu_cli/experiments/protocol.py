"""The published protocols: what is trained, for how long, and when it counts as solved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from nalu_cli.errors import UsageError
from nalu_cli.experiments.operations import Group, Operation, OperationTask, TaskKind, computed
from nalu_cli.settings import CellName

__all__ = ["COURSES", "HIDDEN", "Course", "Protocol", "course_of", "inner_cell", "threshold"]

Floats = NDArray[np.float64]

HIDDEN = 2
"""Units of the first layer where there are two (Madsen and Johansen 2020)."""

Steps = tuple[int, int]


class Protocol(StrEnum):
    """`csv`: rows of a table, snapped, equal to the law. `paper`: as published, see `Course`."""

    CSV = "csv"
    PAPER = "paper"


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """A published way to train and to test.

    Parameters
    ----------
    source : str
    steps : int
        Batches of fresh rows a run sees.
    ramps : mapping of CellName to (int, int)
        Steps between which the regulariser grows, where the cell's own recipe does not say.
    epsilon : float
        How far off the weights of an exact model may be: its error is the threshold of success.
    layers : int
        One, or two with `HIDDEN` units in the first.
    batch_rows, log_every, test_rows : int
    """

    source: str
    steps: int
    ramps: Mapping[CellName, Steps]
    epsilon: float
    layers: int
    batch_rows: int = 128
    log_every: int = 1000
    test_rows: int = 10_000

    def shortened(self, steps: int | None) -> Course:
        """The same with fewer steps; ramps that would not be over by then shrink with them."""
        if steps is None:
            return self
        log_every = max(1, min(self.log_every, steps // 10))
        ramps = {cell: self._ramp(ramp, steps) for cell, ramp in self.ramps.items()}
        return replace(self, steps=steps, ramps=ramps, log_every=log_every)

    def _ramp(self, ramp: Steps, steps: int) -> Steps:
        first, last = ramp
        if last < steps or first >= self.steps:
            return ramp
        return first * steps // self.steps, last * steps // self.steps


_LATE = dict.fromkeys((CellName.NMU, CellName.NRU, CellName.NMRU), (1_000_000, 2_000_000))
_MADSEN: dict[CellName, Steps] = {CellName.NAU: (5_000, 50_000), **_LATE}

COURSES: Mapping[TaskKind, Course] = {
    TaskKind.SINGLE: Course(
        source="Mistry, Farrahi and Hare 2022", steps=50_000, ramps={}, epsilon=1e-4, layers=1
    ),
    TaskKind.SUBSET: Course(
        source="Madsen and Johansen 2020", steps=5_000_000, ramps=_MADSEN, epsilon=1e-5, layers=2
    ),
    TaskKind.GROUPS: Course(
        source="Madsen and Johansen 2020", steps=200_000, ramps=_MADSEN, epsilon=1e-5, layers=2
    ),
}
"""By kind of task. A ramp that begins after the last step leaves the regulariser out, as published
for sums of four columns."""


def course_of(task: OperationTask, steps: int | None = None) -> Course:
    """The published course of a task.

    Parameters
    ----------
    task : OperationTask
    steps : int or None
        Fewer steps than published.

    Raises
    ------
    UsageError
        If there is none, or it has not so many steps.
    """
    course = COURSES.get(task.kind)
    if course is None:
        raise UsageError(
            f"there is no published protocol for tasks of the kind {task.kind}",
            accepted=f"there is one for {', '.join(COURSES)}",
        )
    if steps is not None and not 10 <= steps <= course.steps:
        raise UsageError(
            f"--steps is {steps}",
            accepted=f"it must be 10 to {course.steps}, those of {course.source}",
        )
    return course.shortened(steps)


def inner_cell(cell: CellName, *, sums: bool) -> CellName:
    """The cell of the first of two layers: the same if it can add up, else one that can."""
    if sums:
        return cell
    return CellName.NAC if cell is CellName.NAC_PRODUCT else CellName.NAU


def threshold(task: OperationTask, groups: list[Group], X: Floats, epsilon: float) -> float:
    """Mean squared error of an exact model whose weights are all off by epsilon.

    Parameters
    ----------
    task : OperationTask
    groups : list of Group
        The columns of each operand.
    X : ndarray of shape (n_rows, n_columns)
        Test rows.
    epsilon : float

    Notes
    -----
    One layer: Mistry, Farrahi and Hare 2022 take epsilon times the sum of all magnitudes off a sum,
    and multiply a product by 1 - epsilon for each factor, by 1 / (1 + epsilon) for each divisor and
    by 1 - epsilon abs x for each column that does not matter. Two layers: Madsen and Johansen 2020
    put 1 - epsilon for the ones of the first layer and epsilon for its zeros.
    """
    sums = [X[:, group].sum(axis=1) for group in groups]
    y = computed(task.operation, sums)
    if COURSES[task.kind].layers == 2:
        total = X.sum(axis=1)
        shifted = [(1 - epsilon) * s + epsilon * (total - s) for s in sums]
        return float(np.mean((computed(task.operation, shifted) - y) ** 2))
    if task.operation in (Operation.ADD, Operation.SUB):
        return float(np.mean((epsilon * np.abs(X).sum(axis=1)) ** 2))
    used = 1 if task.operation.is_unary else 2
    factor = _FACTOR[task.operation](epsilon) * np.prod(1 - epsilon * np.abs(X[:, used:]), axis=1)
    return float(np.mean((factor * y - y) ** 2))


_FACTOR = {
    Operation.MUL: lambda e: (1 - e) ** 2,
    Operation.DIV: lambda e: (1 - e) / (1 + e),
    Operation.SQUARED: lambda e: (1 - e) ** 2,
    Operation.ROOT: lambda e: (1 - e) ** 0.5,
    Operation.RECIPROCAL: lambda e: 1 / (1 + e),
}
"""What a product of powers is multiplied by when each of its weights is off by epsilon."""
