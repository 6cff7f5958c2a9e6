"""Where stacks start: they hold their invariants, and grow by the residual of a shorter one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stacks import SEEDS, SHAPES, goal_of, never, rows_of, stack, starts, value
from tables import Floats

from nalu_cli.search.stacks.batch import Batch, Columns, Shape
from nalu_cli.search.stacks.nearby import distinct, neighbours, simplified
from nalu_cli.search.stacks.starts import (
    MOST_MONOMIALS,
    grown_starts,
    library,
    random_starts,
    recombined,
    screened,
    with_one_product,
)
from nalu_cli.search.stacks.training import Goal, train

WIDTHS = st.integers(1, 4)


def check(batch: Batch, columns: Columns) -> None:
    """What every start holds."""
    outer, sums = batch.shape.outer, len(batch.shape.inner)
    R, units, n = batch.exponents.shape
    assert units == batch.shape.units
    for name, size in (
        ("free", (R, units, n)),
        ("odd", (R, units, n)),
        ("inner_weights", (R, units - outer)),
        ("powers", (R, sums)),
        ("free_powers", (R, sums)),
        ("odd_powers", (R, sums)),
        ("reads", (R, outer, sums)),
        ("outer_weights", (R, outer)),
        ("loss", (R,)),
    ):
        assert getattr(batch, name).shape == size
    # every inner sum is read, and depends on a column
    assert batch.reads.any(axis=1).all()
    assert (batch.exponents[:, outer:] != 0).any(axis=2).all()
    assert (batch.inner_weights != 0).all()
    assert (batch.powers != 0).all()
    # a column of both signs has a whole power, whose parity is that of the sign
    whole = batch.exponents[..., columns.signed]
    assert (whole == np.round(whole)).all()
    np.testing.assert_array_equal(batch.odd[..., columns.signed], whole % 2 == 1)
    assert not batch.odd[..., ~columns.signed].any()


@given(st.sampled_from(SHAPES), WIDTHS, st.booleans(), st.booleans(), SEEDS)
@settings(max_examples=80, deadline=None)
def test_random_starts_hold_what_training_relies_on(
    shape: Shape, width: int, signed: bool, sparse: bool, seed: int
) -> None:
    columns = Columns.of(rows_of(seed, 20, width, signed=signed))
    rng = np.random.default_rng(seed)
    batch = random_starts(shape, columns, 40, rng, sparse=sparse)
    assert len(batch) == 40
    check(batch, columns)
    assert (np.abs(batch.exponents) <= 3).all()


def test_equal_seeds_start_alike() -> None:
    x = rows_of(1, 20, 3, signed=True)
    one, same, other = (starts(Shape(2, (1,)), x, seed) for seed in (4, 4, 5))
    np.testing.assert_array_equal(one.exponents, same.exponents)
    np.testing.assert_array_equal(one.inner_weights, same.inner_weights)
    assert not np.array_equal(one.exponents, other.exponents)


def test_a_third_of_the_stacks_start_from_the_nearest_product() -> None:
    x = rows_of(2, 50, 3)
    columns = Columns.of(x)
    goal = goal_of(2 * x[:, 0] ** 0.8 * x[:, 2] ** -0.4)
    batch = starts(Shape(1), x, 2, count=9)
    with_one_product(batch, columns, goal)
    np.testing.assert_allclose(batch.exponents[:3, 0], [[0.8, 0, -0.4]] * 3, atol=1e-9)
    assert batch.free[:3, 0].all()
    negative = starts(Shape(1), x, 2, count=9)
    before = negative.exponents.copy()
    with_one_product(negative, columns, Goal(-goal.target, goal.weights, 0.0))
    np.testing.assert_array_equal(negative.exponents, before)


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("n", [1, 3, 8])
def test_the_library_has_no_product_twice_and_all_of_one_column(n: int, signed: bool) -> None:
    columns = Columns.of(rows_of(3, 20, n, signed=signed))
    exponents, odd = library(columns)
    assert len(exponents) <= MOST_MONOMIALS
    assert len(np.unique(np.hstack([exponents, odd]), axis=0)) == len(exponents)
    assert (exponents != 0).any(axis=1).all()
    for j in range(n):
        alone = (exponents != 0).sum(axis=1) == 1
        powers = set(exponents[alone & (exponents[:, j] != 0), j])
        assert {1.0, 2.0} <= powers
        assert columns.signed[j] or {-1.0, 0.5} <= powers


def trained(shape: Shape, x: Floats, goal: Goal, seed: int = 0) -> Batch:
    return train(starts(shape, x, seed, count=24), Columns.of(x), goal, steps=30, stop=never)


@pytest.mark.parametrize("seed", range(4))
def test_a_grown_stack_has_a_term_that_explains_the_residual(seed: int) -> None:
    x = rows_of(seed, 60, 3)
    columns = Columns.of(x)
    shorter = stack([[1.0, 1.0, 0.0]], 1, weights=[1.0])
    goal = goal_of(value(shorter, x) * 3 + 0.4 * x[:, 2] ** 2)
    shorter = train(shorter, columns, goal, steps=0, stop=never)
    rng = np.random.default_rng(seed)
    grown = grown_starts(shorter, columns, goal, Shape(2), 6, rng)
    assert {tuple(row) for row in grown.exponents[:, 0]} == {(1.0, 1.0, 0.0)}
    # the loss with each product of the library as the second term
    exponents, odd = library(columns)
    every = stack([[1.0, 1.0, 0.0], [0.0, 0.0, 0.0]], 2, weights=[0.0, 0.0])
    every = every.take(np.zeros(len(exponents), dtype=np.intp))
    every.exponents[:, 1], every.odd[:, 1] = exponents, odd
    losses = np.sort(train(every, columns, goal, steps=0, stop=never).loss)
    assert losses[0] < 1e-16
    there = train(grown, columns, goal, steps=0, stop=never)
    assert there.loss.max() <= losses[3 * 6] * (1 + 1e-6)
    assert train(grown, columns, goal, steps=40, stop=never).loss.min() < 1e-12


@pytest.mark.parametrize(
    ("short", "long"),
    [
        (Shape(1), Shape(2)),
        (Shape(1), Shape(1, (1,))),
        (Shape(1, (1,)), Shape(1, (2,))),
        (Shape(1, (1,)), Shape(1, (1, 1))),
        (Shape(1, (1,)), Shape(2, (1,))),
        (Shape(2), Shape(2, (1,))),
    ],
    ids=str,
)
@pytest.mark.parametrize("signed", [False, True])
def test_grown_starts_keep_the_shorter_stack(short: Shape, long: Shape, signed: bool) -> None:
    x = rows_of(5, 60, 3, signed=signed)
    columns, goal = Columns.of(x), goal_of(np.random.default_rng(5).uniform(1, 3, 60))
    before = trained(short, x, goal)
    grown = grown_starts(before, columns, goal, long, 12, np.random.default_rng(1))
    assert len(grown) == 12
    assert grown.shape == long
    # as it is, and with simple exponents
    old = np.concatenate([before.exponents, simplified(before, columns).exponents])
    old_outer, old_inner = old[:, : short.outer], old[:, short.outer :]
    best = {row.tobytes() for row in old_outer.copy()}
    assert {row.tobytes() for row in grown.exponents[:, : short.outer].copy()} <= best
    inside = grown.exponents[:, long.outer :][:, : old_inner.shape[1]].copy()
    assert {row.tobytes() for row in inside} <= {row.tobytes() for row in old_inner.copy()}
    # each inner sum is read still
    assert grown.reads.any(axis=1).all()
    kept = min(grown.powers.shape[1], before.powers.shape[1])
    assert {r.tobytes() for r in grown.powers[:, :kept].copy()} <= {
        r.tobytes() for r in before.powers.copy()
    }


def test_terms_that_differ_in_one_column_are_found_beside_a_real_exponent() -> None:
    x = rows_of(8, 80, 4)
    columns = Columns.of(x)
    a, b, c, d = x.T
    goal = goal_of(a**2 * b**3 / c**2 * (d - 0.5))
    shorter = trained(Shape(1), x, goal)
    rng = np.random.default_rng(2)
    grown = grown_starts(shorter, columns, goal, Shape(2), 12, rng)
    assert train(grown, columns, goal, steps=40, stop=never).loss.min() < 1e-12


def test_stacks_that_differ_are_told_from_copies() -> None:
    one = stack([[1.0, 1.2]], 1, weights=[1.0])
    batch = Batch.joined([one, one, one])
    batch.loss = np.array([2.0, 1.0, 2.0])
    assert distinct(batch, 5).loss.tolist() == [1.0, 2.0]
    assert len(distinct(batch, 1)) == 1
    columns = Columns.of(rows_of(1, 20, 2))
    exponents, odd = neighbours(one.exponents[0], one.odd[0], columns)
    assert not odd.any()
    assert {(0.0, 1.0), (1.0, 0.0), (-1.0, 1.0), (1.0, 3.0)} <= set(map(tuple, exponents))


@pytest.mark.parametrize("seed", range(4))
def test_recombined_stacks_take_the_best_terms_of_all(seed: int) -> None:
    x = rows_of(seed, 60, 3)
    columns = Columns.of(x)
    goal = goal_of(x[:, 0] * x[:, 1] + 2 * x[:, 2] ** 2)
    # neither stack has both terms
    one = stack([[1.0, 1.0, 0.0], [0.0, 0.0, -1.0]], 2, weights=[0.0, 0.0])
    other = stack([[0.0, 0.0, 2.0], [0.5, 0.0, 0.0]], 2, weights=[0.0, 0.0])
    both = Batch.joined([one, other])
    rng = np.random.default_rng(seed)
    made = train(recombined(both, columns, goal, 16, rng), columns, goal, steps=0, stop=never)
    assert len(made) == 16
    assert made.loss.min() < 1e-16


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("rows", [300, 120])
def test_three_telling_columns_are_found_among_two_hundred(seed: int, rows: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.uniform(0.5, 3.0, (rows, 200))
    used = np.sort(rng.permutation(200)[:3])
    a, b, c = x[:, used].T
    chosen = screened(Columns.of(x), goal_of(a * b**2 / c), 8)
    assert len(chosen) == 8
    assert set(used) <= set(chosen)
    assert (np.diff(chosen) > 0).all()


def test_few_columns_are_all_kept() -> None:
    x = rows_of(1, 30, 4, signed=True)
    np.testing.assert_array_equal(screened(Columns.of(x), goal_of(x[:, 0]), 8), np.arange(4))
