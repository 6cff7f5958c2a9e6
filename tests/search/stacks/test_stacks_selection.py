"""Terms of sums and of quotients of sums, selected from a library of products."""

from __future__ import annotations

import numpy as np
import pytest
from stacks import goal_of, never, stack, value
from tables import Floats

from nalu_cli.search.stacks.batch import Batch, Columns, Shape
from nalu_cli.search.stacks.lowering import circuit_of_stack
from nalu_cli.search.stacks.projection import project, signs_of
from nalu_cli.search.stacks.selection import selected_starts
from nalu_cli.search.stacks.training import Goal, train


def inputs(columns: int, *, signed: bool, rows: int = 120) -> Floats:
    x = np.random.default_rng(3).uniform(0.4, 3.0, (rows, columns))
    return x * np.random.default_rng(4).choice([-1.0, 1.0], x.shape) if signed else x


def relative_residual(batch: Batch, x: Floats, y: Floats) -> float:
    """Residual of the best of some stacks, relative to the target."""
    columns, goal = Columns.of(x), goal_of(y)
    at = project(batch, columns, signs_of(batch, columns), goal.target, goal.weights)
    return float(np.sqrt(at.loss.min() / np.sum((goal.target * goal.weights) ** 2)))


@pytest.mark.parametrize(
    ("shape", "signed"),
    [
        (Shape(2, (1,)), False),
        (Shape(2, (1,)), True),
        (Shape(1, (2,)), True),
        (Shape(3), True),
        (Shape(2, (2,)), True),
    ],
)
def test_terms_of_a_law_are_selected(shape: Shape, signed: bool) -> None:
    x = inputs(2, signed=signed)
    a, b = x.T
    laws = {
        Shape(2, (1,)): (a**2 + 3 * b) / (1 + 0.5 * a**2 * b**2),
        Shape(1, (2,)): a * b / (2 * a**2 + b**2),
        Shape(3): 2 * a**3 - a * b + 0.3 * b**2,
        Shape(2, (2,)): (a - 2 * b) / (0.5 + a**2 + b**2),
    }
    y = laws[shape]
    starts = selected_starts(shape, Columns.of(x), goal_of(y), 8, np.random.default_rng(0))
    assert starts is not None
    assert relative_residual(starts, x, y) < 1e-9


def test_terms_that_explain_little_alone_are_selected_together() -> None:
    x = inputs(4, signed=False, rows=250)
    y = 5 + ((x - 1.7) ** 2).sum(axis=1)
    goal, columns = goal_of(y), Columns.of(x)
    starts = selected_starts(Shape(9), columns, goal, 4, np.random.default_rng(0))
    assert starts is not None
    assert relative_residual(starts, x, y) < 1e-9


def test_a_quotient_is_selected_that_is_added_to_a_sum() -> None:
    x = inputs(2, signed=True)
    a, b = x.T
    y = a**3 * b + a / (4 + b**2)
    columns, goal = Columns.of(x), Goal(y, np.ones(len(y)), 0.0)
    addend = stack([[3.0, 1.0]], 1, weights=[0.0], odd=[[True, True]])
    addend.free[:] = False
    rng = np.random.default_rng(0)
    shape = Shape(2, (1,))
    starts = selected_starts(shape, columns, goal, 4, rng, addend)
    assert starts is not None
    assert not starts.reads[:, 0].any()
    assert starts.reads[:, 1].all()
    trained = train(starts, columns, goal, steps=30, stop=never)
    assert relative_residual(trained, x, y) < 1e-6


def test_there_are_no_starts_of_more_terms_than_products() -> None:
    x = inputs(1, signed=True)
    rng, goal = np.random.default_rng(0), goal_of(x[:, 0])
    assert selected_starts(Shape(12), Columns.of(x), goal, 4, rng) is None
    assert selected_starts(Shape(1, (12,)), Columns.of(x), goal, 4, rng) is None


def test_each_start_comes_once_fixed_and_once_free() -> None:
    x = inputs(2, signed=False)
    starts = selected_starts(
        Shape(2, (1,)), Columns.of(x), goal_of(x[:, 0]), 3, np.random.default_rng(0)
    )
    assert starts is not None
    half = len(starts) // 2
    assert not starts.free[:half].any()
    np.testing.assert_array_equal(starts.free[half:], starts.exponents[half:] != 0)
    np.testing.assert_array_equal(starts.exponents[:half], starts.exponents[half:])


@pytest.mark.parametrize("power", [-1.0, 2.0, 0.5])
def test_an_inner_sum_without_a_constant_is_a_circuit(power: float) -> None:
    x = inputs(2, signed=False)
    one = stack(
        [[1.0, 0.0], [0.0, 0.0], [2.0, 0.0], [0.0, 1.0]],
        2,
        weights=[0.7, -2.0],
        inner=(2,),
        inner_weights=(3.0, 0.4),
        powers=(power,),
        constants=(0.0,),
    )
    circuit = circuit_of_stack(one, Columns.of(x), 1.0)
    np.testing.assert_allclose(circuit.evaluate(x), value(one, x), rtol=1e-12)
