"""Values and slopes of stacks: those written out, and finite differences."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from stacks import SEEDS, SHAPES, goal_of, rows_of, starts, value
from tables import Floats

from nalu_cli.numerics.tolerances import RIDGE
from nalu_cli.search.stacks.batch import Batch, Columns, Shape
from nalu_cli.search.stacks.projection import (
    Projection,
    inner_sums,
    products,
    project,
    signs_of,
    slopes,
)

CASES = st.tuples(st.sampled_from(SHAPES), st.booleans(), SEEDS)


def posed(shape: Shape, signed: bool, seed: int) -> tuple[Batch, Floats, Floats]:
    """Stacks, rows, and a target that none of them is."""
    x = rows_of(seed, 40, 3, signed=signed)
    y = np.random.default_rng(seed).uniform(1, 3, 40)
    return starts(shape, x, seed), x, y


def projected(batch: Batch, columns: Columns, y: Floats) -> Projection:
    goal = goal_of(y)
    return project(batch, columns, signs_of(batch, columns), goal.target, goal.weights)


@given(CASES)
@settings(max_examples=60, deadline=None)
def test_the_residual_is_the_target_less_the_stack_written_out(
    case: tuple[Shape, bool, int],
) -> None:
    batch, x, y = posed(*case)
    at = projected(batch, Columns.of(x), y)
    batch.outer_weights = at.weights / at.lengths
    for r in range(len(batch)):
        terms = np.abs(at.terms[r] * at.weights[r]).sum(axis=1)
        residual = (y - value(batch, x, r)) * goal_of(y).weights
        assert (np.abs(at.residual[r] - residual) <= 1e-8 * (1 + terms)).all()


@given(CASES)
@settings(max_examples=60, deadline=None)
def test_the_weights_of_the_last_sum_are_those_of_least_squares(
    case: tuple[Shape, bool, int],
) -> None:
    batch, x, y = posed(*case)
    at = projected(batch, Columns.of(x), y)
    goal = goal_of(y)
    for r in range(len(batch)):
        solved = np.linalg.lstsq(at.terms[r], goal.target * goal.weights, rcond=None)[0]
        least = np.sum((goal.target * goal.weights - at.terms[r] @ solved) ** 2)
        # the ridge may cost what it charges for the best weights
        assert np.sum(at.residual[r] ** 2) <= least * (1 + 1e-9) + 2 * RIDGE * np.sum(solved**2)


@given(CASES)
@settings(max_examples=60, deadline=None)
def test_the_loss_is_the_squared_error_and_more_where_a_root_of_a_negative_is_read(
    case: tuple[Shape, bool, int],
) -> None:
    batch, x, y = posed(*case)
    at = projected(batch, Columns.of(x), y)
    squared = np.sum(at.residual**2, axis=1)
    undefined = (at.sums < 0).any(axis=1) & ~batch.odd_powers & batch.free_powers
    undefined &= batch.reads.any(axis=1)
    clear = ~undefined.any(axis=1)
    np.testing.assert_allclose(at.loss[clear], squared[clear], rtol=1e-12)
    assert (at.loss[~clear] > squared[~clear]).all()


def moved(batch: Batch, place: int, by: float) -> Batch:
    """The same stacks with one number moved."""
    other = batch.take(np.arange(len(batch)))
    _, units, n = batch.exponents.shape
    exponents, inner = units * n, batch.inner_weights.shape[1]
    if place < exponents:
        other.exponents.reshape(len(batch), -1)[:, place] += by
    elif place < exponents + inner:
        other.inner_weights[:, place - exponents] += by
    else:
        other.powers[:, place - exponents - inner] += by
    return other


def trained_numbers(batch: Batch) -> np.ndarray:
    """Which numbers take part in training: (R, numbers)."""
    R = len(batch)
    inner = np.ones(batch.inner_weights.shape, dtype=bool)
    return np.concatenate([batch.free.reshape(R, -1), inner, batch.free_powers], axis=1)


@given(CASES)
@settings(max_examples=40, deadline=None)
def test_the_gradient_of_the_loss_is_that_of_finite_differences(
    case: tuple[Shape, bool, int],
) -> None:
    """The last sum follows the other numbers, and Kaufman's slopes leave the gradient exact."""
    batch, x, y = posed(*case)
    columns, h = Columns.of(x), 1e-6
    at = projected(batch, columns, y)
    gradient = 2 * np.einsum("rnp,rn->rp", slopes(batch, columns, at), at.residual)
    # poles, and terms that nearly repeat one another, have no gradient to compare with
    tame = (np.abs(at.sums) > 0.05).all(axis=(1, 2)) & (np.linalg.cond(at.gram) < 1e4)
    free = trained_numbers(batch)
    for place in range(free.shape[1]):
        up = np.sum(projected(moved(batch, place, h), columns, y).residual ** 2, axis=1)
        down = np.sum(projected(moved(batch, place, -h), columns, y).residual ** 2, axis=1)
        some = tame & free[:, place]
        np.testing.assert_allclose(
            gradient[some, place], (up - down)[some] / (2 * h), rtol=1e-3, atol=1e-4
        )
        assert (gradient[~free[:, place], place] == 0).all()


@given(CASES)
@settings(max_examples=40, deadline=None)
def test_slopes_are_the_derivatives_of_the_residuals_where_these_are_small(
    case: tuple[Shape, bool, int],
) -> None:
    """What Kaufman's slopes leave out is as large as the residual."""
    batch, x, _ = posed(*case)
    one, columns, h = batch.take(np.array([0])), Columns.of(x), 1e-5
    assume(trained_numbers(one).any())
    one.outer_weights = np.full((1, one.shape.outer), 1.3)
    y = value(one, x)
    goal = goal_of(y)
    signs = signs_of(one, columns)
    at = project(one, columns, signs, y, goal.weights)
    assume((np.abs(at.sums) > 0.1).all() and np.linalg.cond(at.gram)[0] < 1e3)
    J = slopes(one, columns, at)[0]
    for place in np.flatnonzero(trained_numbers(one)[0]):
        up, down = (
            project(moved(one, int(place), by), columns, signs, y, goal.weights).residual[0]
            for by in (h, -h)
        )
        measured = (up - down) / (2 * h)
        np.testing.assert_allclose(J[:, place], measured, rtol=1e-3, atol=1e-3 * (1 + abs(J).max()))


def test_frozen_exponents_have_no_columns_when_there_are_no_others() -> None:
    batch, x, y = posed(Shape(2, (1,)), False, 1)
    batch.free[:] = False
    columns = Columns.of(x)
    assert slopes(batch, columns, projected(batch, columns, y)).shape == (4, 40, 1 + 1)


def test_no_sign_is_kept_where_no_column_is_negative() -> None:
    for signed in (False, True):
        batch, x, _ = posed(Shape(2), signed, 3)
        columns = Columns.of(x)
        signs = signs_of(batch, columns)
        assert (signs is None) is (not signed)
        negative = (products(batch, columns, signs) < 0).any()
        assert not negative or signed


@pytest.mark.parametrize("b", [-1.0, -1.0 + 1e-12])
def test_a_sum_that_vanishes_still_has_powers(b: float) -> None:
    batch, x, _ = posed(Shape(1, (1,)), False, 4)
    batch.inner_weights[:], batch.exponents[:, 1] = b, 0.0
    columns = Columns.of(x)
    sums = inner_sums(batch, products(batch, columns, None))
    assert (np.abs(sums) >= 1e-9 * (1 - 1e-6)).all()
    assert np.isfinite(1 / sums**4).all()


def test_stacks_are_replaced_and_taken_by_place() -> None:
    batch, x, y = posed(Shape(2, (1,)), True, 5)
    columns = Columns.of(x)
    at = projected(batch, columns, y)
    chosen = np.array([2, 0])
    for whole, part in ((batch, batch.take(chosen)), (at, at.take(chosen))):
        names = whole.__slots__
        for name in names:
            if name != "shape":
                np.testing.assert_array_equal(getattr(part, name), getattr(whole, name)[chosen])
    joined = Batch.joined([batch.take(chosen), batch])
    assert len(joined) == 6
    joined.put(np.array([0, 1]), batch.take(np.array([1, 3])))
    for f in fields(Batch)[1:]:
        np.testing.assert_array_equal(
            getattr(joined, f.name), getattr(batch, f.name)[[1, 3, 0, 1, 2, 3]]
        )


def test_a_column_that_is_zero_on_a_row_has_a_logarithm_there() -> None:
    x = rows_of(6, 20, 2)
    x[3, 0] = 0.0
    columns = Columns.of(x)
    assert np.isfinite(columns.logs).all()
    assert columns.logs[3, 0] < -20
    assert not columns.signed.any()
    kept = np.array([3, 7])
    np.testing.assert_array_equal(columns.take(kept).logs, columns.logs[kept])
