from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from nalu_cli.errors import UsageError
from nalu_cli.experiments.operations import Operation, OperationTask, TaskKind, groups_of
from nalu_cli.experiments.protocol import COURSES, course_of, inner_cell, threshold
from nalu_cli.experiments.spread import Spread, SpreadKind
from nalu_cli.settings import CellName

ROWS = 100_000


def task(kind: TaskKind, operation: Operation, *far: tuple[float, float]) -> OperationTask:
    spread = (Spread(SpreadKind.UNIFORM, far or ((2.0, 6.0),)),)
    inputs = 2 if kind is TaskKind.SINGLE else 100
    return OperationTask(kind, operation, inputs, spread, spread)


def threshold_of(given: OperationTask) -> float:
    X = given.extrapolation[0].draw((ROWS // given.inputs * 2, given.inputs), random())
    groups = groups_of(given, 0)
    return threshold(given, groups, X, COURSES[given.kind].epsilon)


def random() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.mark.parametrize(
    ("far", "add", "mul", "div"),
    [
        ([(20, 40)], 3.67e-5, 3.48e-2, 4.66e-8),
        ([(2, 6)], 6.67e-7, 1.20e-5, 5.77e-8),
        ([(-6, -2), (2, 6)], 6.67e-7, 1.20e-5, 5.77e-8),
        ([(-6.1, -1.2)], 5.73e-7, 9.39e-6, 8.37e-8),
        ([(0.2, 2)], 5.38e-8, 8.76e-8, 1.48e-7),
    ],
)
def test_thresholds_of_one_layer_are_those_of_the_benchmark(
    far: list[tuple[float, float]], add: float, mul: float, div: float
) -> None:
    for operation, wanted in (
        (Operation.ADD, add),
        (Operation.SUB, add),
        (Operation.MUL, mul),
        (Operation.DIV, div),
    ):
        found = threshold_of(task(TaskKind.SINGLE, operation, *far))
        assert found == pytest.approx(wanted, rel=0.03)


@pytest.mark.parametrize(
    ("operation", "wanted"),
    [
        (Operation.ADD, 1.4786e-5),
        (Operation.SUB, 1.3844e-8),
        (Operation.MUL, 0.16001),
        (Operation.DIV, 4.938e-12),
        (Operation.SQUARED, 0.15947),
        (Operation.ROOT, 8.955e-9),
    ],
)
def test_thresholds_of_two_layers_are_the_published_ones(
    operation: Operation, wanted: float
) -> None:
    # those were computed with sums of 26 columns instead of 25
    given = replace(task(TaskKind.SUBSET, operation), subset_ratio=0.26)
    assert threshold_of(given) == pytest.approx(wanted, rel=0.03)


def test_columns_that_do_not_matter_count() -> None:
    few, many = (replace(task(TaskKind.SINGLE, Operation.MUL), inputs=inputs) for inputs in (2, 10))
    assert threshold_of(many) > 10 * threshold_of(few)


def test_a_shorter_course_has_its_ramp_in_it() -> None:
    given = task(TaskKind.SUBSET, Operation.MUL)
    course = course_of(given)
    assert course.steps == 5_000_000
    assert course.ramps[CellName.NMU] == (1_000_000, 2_000_000)
    short = course_of(given, 100_000)
    assert short.steps == 100_000
    assert short.ramps[CellName.NMU] == (20_000, 40_000)
    assert short.ramps[CellName.NAU] == course.ramps[CellName.NAU]
    four = course_of(replace(given, kind=TaskKind.GROUPS), 1000)
    assert four.ramps[CellName.NMU][0] > four.steps


def test_what_was_not_published_is_refused() -> None:
    given = task(TaskKind.SUBSET, Operation.MUL)
    with pytest.raises(UsageError, match="no published protocol for tasks of the kind random"):
        course_of(replace(given, kind=TaskKind.RANDOM))
    for steps in (9, 5_000_001):
        with pytest.raises(UsageError, match="must be 10 to 5000000"):
            course_of(given, steps)


def test_cells_of_products_stand_on_cells_of_sums() -> None:
    assert inner_cell(CellName.NMU, sums=False) is CellName.NAU
    assert inner_cell(CellName.NAC_PRODUCT, sums=False) is CellName.NAC
    assert inner_cell(CellName.NAU, sums=True) is CellName.NAU
    assert inner_cell(CellName.NALU, sums=True) is CellName.NALU
