from __future__ import annotations

import numpy as np
import pytest

from nalu_cli.errors import DataError
from nalu_cli.experiments.known_law import Part
from nalu_cli.experiments.operations import (
    Operation,
    OperationTask,
    TaskKind,
    groups_of,
    operation_law,
    operation_rows,
)
from nalu_cli.experiments.spread import Spread, SpreadKind
from nalu_cli.experiments.written_formula import in_doubles, read_formula


def uniform(*parts: tuple[float, float]) -> Spread:
    return Spread(SpreadKind.UNIFORM, parts)


LOW, FAR = (uniform((1.0, 2.0)),), (uniform((2.0, 6.0)),)


def task(operation: Operation, kind: TaskKind = TaskKind.SUBSET, **rest: object) -> OperationTask:
    given = {"inputs": 12, "train": LOW, "extrapolation": FAR} | rest
    return OperationTask(kind, operation, **given)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", TaskKind)
@pytest.mark.parametrize("operation", Operation)
def test_rows_obey_the_law_they_are_scored_by(operation: Operation, kind: TaskKind) -> None:
    given = task(operation, kind, groups=((0, 1), (0, 1, 2, 3)))
    law = operation_law(given, 3, "name", "suite")
    value = in_doubles(read_formula(law.formula, law.names), law.names)
    for part in Part:
        rows = operation_rows(given, part, 40, seed=3)
        np.testing.assert_allclose(value(rows.X), rows.y, rtol=1e-12, atol=1e-12)
        low, high = (1, 2) if part is Part.TRAIN else (2, 6)
        assert low <= rows.X.min() <= rows.X.max() <= high
    noisy = operation_rows(given, Part.TRAIN, 40, seed=3, noise=0.1)
    assert not np.allclose(noisy.y, value(noisy.X), rtol=1e-3)


def test_sums_overlap_as_asked_and_begin_where_the_seed_says() -> None:
    given = task(Operation.MUL, subset_ratio=0.5, overlap_ratio=0.5)
    laws = {operation_law(given, seed, "name", "suite").formula for seed in range(30)}
    assert laws == {
        f"({'+'.join(f'x{j}' for j in range(i, i + 6))})"
        f"*({'+'.join(f'x{j}' for j in range(i + 3, i + 9))})"
        for i in (1, 2, 3, 4)
    }
    three = task(Operation.ADD, inputs=4, overlap_ratio=0.0, subsets=3, subset_ratio=0.26)
    assert operation_law(three, 4, "name", "suite").formula.count("x") == 3


def test_a_range_may_have_parts_and_differ_by_column() -> None:
    ranges = (uniform((-2.0, -1.0), (1.0, 2.0)), uniform((5.0, 6.0)))
    given = task(Operation.DIV, TaskKind.SINGLE, inputs=2, train=ranges)
    first_column, second_column = operation_rows(given, Part.TRAIN, 400, seed=0).X.T
    assert 0.4 < np.mean(first_column < 0) < 0.6
    assert np.all((np.abs(first_column) >= 1) & (np.abs(first_column) <= 2))
    assert np.all((second_column >= 5) & (second_column <= 6))
    first, second = operation_law(given, 0, "name", "suite").variables
    assert (first.train, second.train) == ((-2, 2), (5, 6))


def test_rows_where_the_operation_is_undefined_are_drawn_again() -> None:
    both = (uniform((-2.0, 2.0)),)
    rows = operation_rows(
        task(Operation.ROOT, TaskKind.SINGLE, train=both), Part.TRAIN, 100, seed=0
    )
    assert np.all(rows.X[:, 0] >= 0)
    below = (uniform((-2.0, -1.0)),)
    with pytest.raises(DataError, match="root is undefined in its train range"):
        operation_rows(task(Operation.ROOT, TaskKind.SINGLE, train=below), Part.TRAIN, 5, seed=0)


def test_sums_that_do_not_fit_are_an_error() -> None:
    with pytest.raises(DataError, match="2 sums of 6 columns do not fit into 8 columns"):
        operation_law(
            task(Operation.MUL, inputs=8, subset_ratio=0.75, overlap_ratio=0.0), 0, "name", "suite"
        )


def test_sums_may_be_named_or_random() -> None:
    named = task(Operation.MUL, TaskKind.GROUPS, inputs=4, groups=((0, 1), (0, 1, 2, 3)))
    assert operation_law(named, 5, "name", "suite").formula == "(x1+x2)*(x1+x2+x3+x4)"
    chosen = [groups_of(task(Operation.MUL, TaskKind.RANDOM, inputs=400), s) for s in range(5)]
    for first, second in chosen:
        assert not set(first) & set(second)
        assert 150 < len(first) < 250
        assert 60 < len(second) < 140
    assert len({str(groups) for groups in chosen}) == 5
