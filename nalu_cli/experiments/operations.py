"""The operation tasks of the NALU papers: one operation on columns, or on sums of columns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from nalu_cli.errors import DataError
from nalu_cli.experiments.known_law import KnownLaw, Part, Rows, Span, Variable
from nalu_cli.experiments.sampling import generator, with_noise
from nalu_cli.experiments.spread import Spread

__all__ = [
    "Group",
    "Operation",
    "OperationTask",
    "TaskKind",
    "computed",
    "groups_of",
    "operation_law",
    "operation_rows",
]

Floats = NDArray[np.float64]

Group = tuple[int, ...]
"""Columns that are summed."""

FIRST_SHARE, SECOND_SHARE = 0.5, 0.25
"""Of random sums the chance of a column to be in the first, and in the second."""

MOST_REDRAWS = 1000

STREAMS = {Part.TRAIN: 1, Part.EXTRAPOLATION: 2}


class Operation(StrEnum):
    """What is done with the columns or sums."""

    ADD = "add"
    SUB = "sub"
    MUL = "mul"
    DIV = "div"
    SQUARED = "squared"
    ROOT = "root"
    RECIPROCAL = "reciprocal"

    @property
    def is_unary(self) -> bool:
        """Whether it takes the first column or sum only."""
        return self in (Operation.SQUARED, Operation.ROOT, Operation.RECIPROCAL)


class TaskKind(StrEnum):
    """Operands: single columns, sums of overlapping stretches, sums of columns, random sums."""

    SINGLE = "single"
    SUBSET = "subset"
    GROUPS = "groups"
    RANDOM = "random"


@dataclass(frozen=True, slots=True)
class OperationTask:
    """One case of a suite.

    Parameters
    ----------
    kind : TaskKind
    operation : Operation
    inputs : int
        Number of columns.
    train, extrapolation : tuple of Spread
        One entry for all columns, or one for each.
    subset_ratio, overlap_ratio : float
        Size of a sum as a share of the columns, and of the overlap as a share of a sum.
    subsets : int
        Number of sums.
    groups : tuple of Group
        The sums of a task of kind `GROUPS`.
    """

    kind: TaskKind
    operation: Operation
    inputs: int
    train: tuple[Spread, ...]
    extrapolation: tuple[Spread, ...]
    subset_ratio: float = 0.25
    overlap_ratio: float = 0.5
    subsets: int = 2
    groups: tuple[Group, ...] = ()

    def spreads(self, part: Part) -> tuple[Spread, ...]:
        """How the columns are drawn: one entry for all, or one for each."""
        return self.train if part is Part.TRAIN else self.extrapolation

    def parts(self, part: Part, column: int) -> tuple[Span, ...]:
        """The intervals of one column."""
        spreads = self.spreads(part)
        return spreads[column if len(spreads) > 1 else 0].parts


def operation_law(task: OperationTask, seed: int, name: str, family: str) -> KnownLaw:
    """The law of a task, as it is scored; where a sum begins depends on the seed.

    Raises
    ------
    DataError
        If the sums do not fit into the columns.
    """
    names = [f"x{j + 1}" for j in range(task.inputs)]
    sums = ["+".join(names[j] for j in group) for group in groups_of(task, seed)]
    return KnownLaw(
        name=name,
        formula=_FORMULA[task.operation](sums),
        target="y",
        variables=tuple(_variable(task, names[j], j) for j in range(task.inputs)),
        family=family,
    )


def _variable(task: OperationTask, name: str, column: int) -> Variable:
    near, far = task.parts(Part.TRAIN, column), task.parts(Part.EXTRAPOLATION, column)
    return Variable(
        name,
        train=(min(low for low, _ in near), max(high for _, high in near)),
        extrapolation=far[-1],
        extrapolation_low=far[0] if len(far) == 2 else None,
    )


def operation_rows(
    task: OperationTask, part: Part, count: int, *, seed: int, noise: float = 0.0
) -> Rows:
    """The rows of a seed; parameters as for `law_rows`.

    Raises
    ------
    DataError
        If the sums do not fit, or the operation is undefined in the range.
    """
    groups = groups_of(task, seed)
    random = generator(seed, f"{task.kind}-{task.operation}", STREAMS[part])
    X = _columns(task, part, count, random)
    for _ in range(MOST_REDRAWS):
        y = computed(task.operation, [X[:, group].sum(axis=1) for group in groups])
        bad = ~np.isfinite(y)
        if not bad.any():
            rows = Rows(X, y)
            return with_noise(rows, noise, random) if part is Part.TRAIN else rows
        X[bad] = _columns(task, part, int(bad.sum()), random)
    raise DataError(f"the operation {task.operation} is undefined in its {part} range")


def computed(operation: Operation, sums: list[Floats]) -> Floats:
    """The target, NaN or infinite where it is undefined."""
    with np.errstate(all="ignore"):
        return _COMPUTE[operation](sums)


def groups_of(task: OperationTask, seed: int) -> list[Group]:
    """The columns that make up each operand.

    Raises
    ------
    DataError
        If the sums do not fit into the columns.
    """
    if task.kind is TaskKind.SINGLE:
        return [(0,), (1,)]
    if task.kind is TaskKind.GROUPS:
        return list(task.groups)
    if task.kind is TaskKind.RANDOM:
        chance = generator(seed, "assignment", 0).random(task.inputs)
        first = np.flatnonzero(chance < FIRST_SHARE)
        second = np.flatnonzero(chance >= 1 - SECOND_SHARE)
        return [tuple(map(int, first)), tuple(map(int, second))]
    size = int(np.floor(task.subset_ratio * task.inputs))
    step = size - int(np.floor(task.overlap_ratio * size))
    width = size + (task.subsets - 1) * step
    if size < 1 or width > task.inputs:
        raise DataError(
            f"{task.subsets} sums of {size} columns do not fit into {task.inputs} columns"
        )
    start = int(generator(seed, "offset", 0).integers(0, task.inputs - width + 1))
    return [tuple(range(start + k * step, start + k * step + size)) for k in range(task.subsets)]


def _columns(task: OperationTask, part: Part, count: int, random: np.random.Generator) -> Floats:
    spreads, X = task.spreads(part), np.empty((count, task.inputs))
    for j in range(task.inputs):
        X[:, j] = spreads[j if len(spreads) > 1 else 0].draw((count,), random)
    return X


_FORMULA: dict[Operation, Callable[[list[str]], str]] = {
    Operation.ADD: "+".join,
    Operation.SUB: lambda sums: f"{sums[0]}-({sums[1]})",
    Operation.MUL: lambda sums: "*".join(f"({s})" for s in sums),
    Operation.DIV: lambda sums: f"({sums[0]})/({sums[1]})",
    Operation.SQUARED: lambda sums: f"({sums[0]})**2",
    Operation.ROOT: lambda sums: f"sqrt({sums[0]})",
    Operation.RECIPROCAL: lambda sums: f"1/({sums[0]})",
}

_COMPUTE: dict[Operation, Callable[[list[Floats]], Floats]] = {
    Operation.ADD: lambda sums: np.sum(sums, axis=0),
    Operation.SUB: lambda sums: sums[0] - sums[1],
    Operation.MUL: lambda sums: np.prod(sums, axis=0),
    Operation.DIV: lambda sums: sums[0] / sums[1],
    Operation.SQUARED: lambda sums: sums[0] ** 2,
    Operation.ROOT: lambda sums: np.sqrt(sums[0]),
    Operation.RECIPROCAL: lambda sums: 1.0 / sums[0],
}
