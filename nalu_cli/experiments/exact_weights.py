"""Whether exact weights pass a published test: what a cell cannot do, or did not learn."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from nalu_cli.experiments.known_law import Part
from nalu_cli.experiments.operations import Operation, OperationTask, groups_of
from nalu_cli.experiments.protocol import COURSES, threshold
from nalu_cli.experiments.published_run import check_columns, stack_shape, target_of
from nalu_cli.settings import CellName
from nalu_cli.training.cells import CELLS, Cell, Path
from nalu_cli.training.stack import Stack

__all__ = ["passes"]

SEED = 0
"""Where sums begin does not matter here."""

SUMS = (Operation.ADD, Operation.SUB)

WEIGHTS = {
    Operation.ADD: (1.0, 1.0),
    Operation.SUB: (1.0, -1.0),
    Operation.MUL: (1.0, 1.0),
    Operation.DIV: (1.0, -1.0),
    Operation.SQUARED: (2.0, 0.0),
    Operation.ROOT: (0.5, 0.0),
    Operation.RECIPROCAL: (-1.0, 0.0),
}
"""Of the two operands in the last layer."""


def passes(name: CellName, task: OperationTask) -> bool | None:
    """Test a cell with the weights that are right for a task.

    Parameters
    ----------
    name : CellName
    task : OperationTask
        With a published protocol.

    Returns
    -------
    bool or None
        Whether its error is below the threshold of success; None if no allowed weights compute the
        operation.
    """
    cell, course = CELLS[name], COURSES[task.kind]
    outer = _outer(cell, task.operation, twice=course.layers == 2)
    if outer is None:
        return None
    X = check_columns(task, Part.EXTRAPOLATION, course.test_rows)
    limit = threshold(task, groups_of(task, SEED), X, course.epsilon)
    rows, y = torch.from_numpy(X), torch.from_numpy(target_of(task, SEED, X))
    errors = []
    # a gate that reads the inputs may be on the same side with weights of either sign
    both = (True, False) if Path.FREE in cell.paths else (True,)
    for sides in itertools.product(both, repeat=course.layers):
        stack = Stack(stack_shape(name, course), task.inputs, [np.random.default_rng(0)])
        _settle(stack, _inner(task), torch.tensor(outer).unsqueeze(1), sides)
        stack.replace(stack.theta.double())
        with torch.no_grad():
            error = (stack.values(rows)[0] - y).square().mean()
        errors.append(float(torch.nan_to_num(error, torch.inf)))
    return min(errors) < limit


def _outer(cell: type[Cell], operation: Operation, *, twice: bool) -> tuple[float, float] | None:
    """Allowed weights of the operands; a square may be a product of two equal sums."""
    allowed = cell.sum_weights if operation in SUMS else cell.exponents
    if operation is Operation.SQUARED and 2 not in allowed and twice:
        return (1.0, 1.0) if 1 in allowed else None
    return WEIGHTS[operation] if set(WEIGHTS[operation]) <= set(allowed) else None


def _inner(task: OperationTask) -> Tensor:
    """Which columns are in which operand: (I, 2)."""
    groups = groups_of(task, SEED)
    if task.operation.is_unary:
        groups = [groups[0], groups[0]]
    chosen = torch.zeros(task.inputs, 2)
    for k, group in enumerate(groups[:2]):
        chosen[list(group), k] = 1.0
    return chosen


def _settle(stack: Stack, inner: Tensor, outer: Tensor, sides: Sequence[bool]) -> None:
    """Set the weights: (I, 2) of the first of two layers, (2, 1) of the last; and the gates."""
    *first, last = stack.cells
    for cell in first:
        cell.settle(inner, sums=sides[0])
    weights = torch.zeros(last.inputs, 1)
    weights[:2] = outer  # operands that are single columns are the first ones
    last.settle(weights, sums=sides[-1])
    for cell in stack.cells:
        cell.eval()
