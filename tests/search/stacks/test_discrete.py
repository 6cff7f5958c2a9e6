"""Stacks of simple exponents: those that stay whole, and the law among them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from stacks import goal_of, never, rows_of, starts
from tables import Floats

from nalu_cli.search.stacks.batch import Batch, Columns, Shape
from nalu_cli.search.stacks.discrete import LARGEST, Breeding, discrete_starts
from nalu_cli.search.stacks.training import Goal, train

FEW = Breeding(first=200, children=150, generations=3, kept=12)


def bred(
    shape: Shape,
    x: Floats,
    goal: Goal,
    seed: int,
    trained: tuple[Batch, ...] = (),
    *,
    breeding: Breeding = FEW,
    stop: Callable[[], bool] = never,
) -> Batch:
    columns, rng = Columns.of(x), np.random.default_rng(seed)
    return discrete_starts(shape, columns, goal, list(trained), rng, breeding=breeding, stop=stop)


LAWS: dict[str, tuple[Shape, Callable[..., Floats]]] = {
    "a sum": (Shape(2), lambda a, b, c: a * b - 2 * c**2),
    "a quotient": (Shape(1, (1,)), lambda a, b, c: 3 * a / (1 + 0.4 * b * c)),
    "a root": (Shape(1, (1,)), lambda a, b, c: a * np.sqrt(1 + 0.6 * b / c)),
}


@pytest.mark.parametrize("law", LAWS)
def test_a_law_of_whole_numbers_is_among_the_best_more_often_than_not(law: str) -> None:
    shape, function = LAWS[law]
    found = 0
    for seed in range(6):
        x = rows_of(seed, 60, 3)
        goal = goal_of(function(*x.T))
        best = bred(shape, x, goal, seed, breeding=Breeding())
        found += train(best, Columns.of(x), goal, steps=20, stop=never).loss.min() < 1e-12
    assert found >= 4


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("shape", [Shape(3), Shape(2, (1,)), Shape(1, (2, 1))], ids=str)
def test_the_best_are_simple_frozen_and_ranked(shape: Shape, signed: bool) -> None:
    x = rows_of(7, 60, 3, signed=signed)
    goal = goal_of(np.random.default_rng(7).uniform(1, 3, 60))
    real = train(starts(shape, x, 7, count=10), Columns.of(x), goal, steps=10, stop=never)
    before = real.exponents.copy()
    best = bred(shape, x, goal, 7, (real,))
    np.testing.assert_array_equal(real.exponents, before)
    assert len(best) <= FEW.kept
    assert not best.free.any()
    assert not best.free_powers.any()
    assert (np.diff(best.loss) > 0).all()
    np.testing.assert_array_equal(2 * best.exponents, np.round(2 * best.exponents))
    np.testing.assert_array_equal(2 * best.powers, np.round(2 * best.powers))
    assert (best.powers != 0).all()
    assert best.reads.any(axis=1).all()
    if signed:
        whole = best.exponents[..., 2]
        np.testing.assert_array_equal(whole, np.round(whole))
        np.testing.assert_array_equal(best.odd[..., 2], whole % 2 == 1)
    assert not best.odd[..., :2].any()


def test_later_generations_are_no_worse() -> None:
    x = rows_of(8, 60, 4)
    goal = goal_of(x[:, 0] ** 2 / x[:, 3] - 0.5 * x[:, 1] * x[:, 2] + x[:, 3] ** 3)
    losses = []
    for generations in (0, 2, 4):
        best = bred(Shape(3), x, goal, 0, breeding=Breeding(100, 200, generations, 12))
        losses.append(best.loss[0])
    assert losses[0] > losses[1] >= losses[2]
    assert (np.abs(best.exponents) <= LARGEST).all()


def test_stopped_it_returns_what_it_has() -> None:
    x = rows_of(9, 60, 3)
    best = bred(Shape(2), x, goal_of(x[:, 0]), 0, stop=lambda: True)
    assert 0 < len(best) <= FEW.kept
