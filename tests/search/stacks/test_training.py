"""Training: losses never grow, laws are found, and what is frozen stays."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stacks import SEEDS, SHAPES, goal_of, never, rows_of, starts, value
from tables import Floats

from nalu_cli.search.stacks.batch import Batch, Columns, Shape
from nalu_cli.search.stacks.projection import project, signs_of
from nalu_cli.search.stacks.starts import random_starts, with_one_product
from nalu_cli.search.stacks.training import LARGEST_EXPONENT, LARGEST_POWER, Goal, train


def losses(batch: Batch, x: Floats, goal: Goal) -> Floats:
    columns = Columns.of(x)
    signs = signs_of(batch, columns)
    with np.errstate(all="ignore"):
        return project(batch, columns, signs, goal.target, goal.weights).loss


@given(st.sampled_from(SHAPES), st.booleans(), SEEDS)
@settings(max_examples=30, deadline=None)
def test_no_loss_grows_and_nothing_frozen_moves(shape: Shape, signed: bool, seed: int) -> None:
    x = rows_of(seed, 40, 3, signed=signed)
    goal = goal_of(np.random.default_rng(seed).uniform(1, 3, 40))
    before = starts(shape, x, seed, count=6)
    given_exponents = before.exponents.copy()
    after = train(before, Columns.of(x), goal, steps=8, stop=never)
    np.testing.assert_array_equal(before.exponents, given_exponents)
    assert (after.loss <= losses(before, x, goal)).all()
    still = ~before.free
    np.testing.assert_array_equal(after.exponents[still], before.exponents[still])
    for name in ("odd", "odd_powers", "reads", "free", "free_powers"):
        np.testing.assert_array_equal(getattr(after, name), getattr(before, name))
    assert (np.abs(after.exponents) <= LARGEST_EXPONENT).all()
    assert (np.abs(after.powers) <= LARGEST_POWER).all()


@given(st.sampled_from(SHAPES), st.booleans(), SEEDS)
@settings(max_examples=20, deadline=None)
def test_the_loss_is_that_of_the_trained_numbers(shape: Shape, signed: bool, seed: int) -> None:
    x = rows_of(seed, 40, 3, signed=signed)
    goal = goal_of(np.random.default_rng(seed).uniform(1, 3, 40))
    after = train(starts(shape, x, seed), Columns.of(x), goal, steps=5, stop=never)
    np.testing.assert_allclose(after.loss, losses(after, x, goal), rtol=1e-9)
    clear = after.powers.size == 0 or (after.odd_powers | ~after.free_powers).all()
    for r in range(len(after)) if clear else ():
        residual = (goal.target - value(after, x, r)) * goal.weights
        np.testing.assert_allclose(after.loss[r], np.sum(residual**2), rtol=1e-5)


def best_of(
    shape: Shape, x: Floats, y: Floats, seed: int, *, count: int = 64, product: bool = False
) -> float:
    """Root mean squared relative error of the best of some random stacks."""
    columns, goal = Columns.of(x), goal_of(y)
    batch = random_starts(shape, columns, count, np.random.default_rng(seed))
    if product:
        with_one_product(batch, columns, goal)
    return float(np.sqrt(train(batch, columns, goal, steps=60, stop=never).loss.min() / len(y)))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("product", [False, True], ids=["random", "from logarithms"])
def test_a_power_law_with_real_exponents_is_found(seed: int, product: bool) -> None:
    x = rows_of(seed, 60, 3)
    y = 0.023 * x[:, 0] ** 0.8 * x[:, 1] ** 0.4 / x[:, 2] ** 1.852
    assert best_of(Shape(1), x, y, seed, count=8, product=product) < 1e-9


@pytest.mark.parametrize("seed", range(3))
def test_a_sum_of_products_is_found(seed: int) -> None:
    x = rows_of(seed, 60, 3)
    y = 2.5 * x[:, 0] * x[:, 1] ** 1.5 - 0.7 * x[:, 2] ** 2
    assert best_of(Shape(2), x, y, seed) < 1e-9


@pytest.mark.parametrize("seed", range(3))
def test_a_quotient_of_a_product_and_a_sum_is_found(seed: int) -> None:
    x = rows_of(seed, 60, 3)
    y = 3 * x[:, 0] / (1 + 0.4 * x[:, 1] * x[:, 2])
    assert best_of(Shape(1, (1,)), x, y, seed) < 1e-9


@pytest.mark.parametrize("seed", range(3))
def test_a_root_of_a_sum_is_found(seed: int) -> None:
    x = rows_of(seed, 60, 3)
    y = 3 * np.sqrt(x[:, 0] ** 2 + 0.6 * x[:, 1] * x[:, 2])
    assert best_of(Shape(1, (1,)), x, y, seed) < 1e-9


@pytest.mark.parametrize("seed", range(3))
def test_a_column_of_both_signs_has_its_sign_in_a_product(seed: int) -> None:
    x = rows_of(seed, 60, 3, signed=True)
    y = 1.2 * x[:, 0] ** 0.8 * x[:, 2] + 0.5 * x[:, 1]
    assert best_of(Shape(2), x, y, seed) < 1e-9


def test_training_ends_when_it_is_stopped_and_when_it_is_enough() -> None:
    x = rows_of(1, 60, 2)
    y = x[:, 0] ** 0.7 * x[:, 1]
    batch, columns = starts(Shape(1), x, 1), Columns.of(x)
    looks: list[None] = []

    def stop() -> bool:
        looks.append(None)
        return len(looks) > 2

    short = train(batch, columns, goal_of(y), steps=50, stop=stop)
    assert len(looks) == 3
    full = train(batch, columns, goal_of(y), steps=50, stop=never)
    assert short.loss.sum() > full.loss.sum()
    looks.clear()
    enough = train(batch, columns, goal_of(y, enough=np.inf), steps=50, stop=stop)
    assert not looks
    np.testing.assert_array_equal(enough.exponents, batch.exponents)


def test_a_stack_without_numbers_to_train_has_its_sum_solved() -> None:
    x = rows_of(2, 30, 2)
    batch = starts(Shape(2), x, 2)
    batch.free[:] = False
    batch.exponents[:] = [[1, 0], [0, 1]]
    after = train(batch, Columns.of(x), goal_of(x @ [2.0, -0.3]), steps=5, stop=never)
    assert after.loss.max() < 1e-18


def test_equal_rows_have_finite_losses() -> None:
    x = np.ones((20, 2))
    after = train(
        starts(Shape(2, (1,)), x, 3), Columns.of(x), goal_of(x[:, 0]), steps=5, stop=never
    )
    assert np.isfinite(after.loss).all()


def test_a_part_of_the_rows_is_as_good_with_its_share_of_the_error() -> None:
    goal = goal_of(np.arange(1.0, 11.0), enough=5.0)
    part = goal.take(np.array([0, 3]))
    np.testing.assert_array_equal(part.target, [1.0, 4.0])
    assert part.enough == 1.0
