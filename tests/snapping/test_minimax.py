"""The smallest largest error: against brute force, and its proofs that a limit is out of reach."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stacks import SEEDS
from tables import Floats

from nalu_cli.snapping.minimax import AIM, NEAR, _Points, _step, least_largest

SMALL = st.tuples(st.integers(1, 2), st.integers(5, 12), SEEDS)
SIZES = st.tuples(st.integers(1, 3), st.integers(5, 12), SEEDS)


def solved(r: Floats, J: Floats, limit: float) -> tuple[Floats, float]:
    """The moves of one model, and the largest error after them."""
    free, damping = np.ones((1, J.shape[1]), dtype=bool), np.zeros(1)
    moves, largest = least_largest(r[None], J[None], free, damping, limit=limit)
    return moves[0], float(largest[0])


def true_least(r: Floats, J: Floats) -> float:
    """By brute force: the minimum is where one row more than there are numbers are equally off."""
    n, q = J.shape
    best = np.inf
    for rows in itertools.combinations(range(n), q + 1):
        for signs in itertools.product((-1.0, 1.0), repeat=q):
            A = np.column_stack([J[list(rows)], -np.array([1.0, *signs])])
            if abs(np.linalg.det(A)) > 1e-12:
                step = np.linalg.solve(A, -r[list(rows)])[:q]
                best = min(best, float(np.abs(r + J @ step).max()))
    return best


def drawn(q: int, n: int, seed: int) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=n), rng.normal(size=(n, q)) * 10.0 ** rng.uniform(-3, 3, q)


@pytest.mark.parametrize("seed", range(4))
def test_brute_force_is_no_worse_than_a_fine_grid(seed: int) -> None:
    r, J = drawn(2, 8, seed)
    least = true_least(r, J)
    units = np.linalg.norm(J, axis=0)
    grid = np.linspace(-4, 4, 401)
    moves = np.stack(np.meshgrid(grid, grid), axis=-1).reshape(-1, 2)
    on_grid = np.abs(r[:, None] + (J / units) @ moves.T).max(axis=0).min()
    assert least <= on_grid <= least + 0.02


@given(SMALL)
@settings(max_examples=150, deadline=None)
def test_a_limit_that_can_be_kept_is_kept(size: tuple[int, int, int]) -> None:
    r, J = drawn(*size)
    limit = true_least(r, J) * NEAR / AIM
    moves, largest = solved(r, J, limit)
    assert largest <= limit
    np.testing.assert_allclose(np.abs(r + J @ moves).max(), largest, rtol=1e-9)


@given(SMALL, st.floats(1.0011, 1.2))
@settings(max_examples=150, deadline=None)
def test_the_steps_go_on_until_a_limit_is_kept_and_with_room_where_there_is_some(
    size: tuple[int, int, int], over: float
) -> None:
    r, J = drawn(*size)
    least = true_least(r, J)
    limit = least * over
    _, largest = solved(r, J, limit)
    room = least * NEAR <= AIM * limit
    assert least * (1 - 1e-9) <= largest <= (AIM * limit if room else limit)


@given(SIZES, st.floats(0.0, 3.0), SEEDS)
@settings(max_examples=150, deadline=None)
def test_no_proof_is_above_the_least(size: tuple[int, int, int], apart: float, seed: int) -> None:
    """Wherever the steps are, or no model within a limit could be relied on to be found."""
    r, J = drawn(*size)
    J = J / np.linalg.norm(J, axis=0)
    rng = np.random.default_rng(seed)
    moves, free = rng.normal(size=J.shape[1]), np.ones((1, J.shape[1]), dtype=bool)
    errors = (r + J @ moves)[None]
    up, down = np.exp(apart * rng.normal(size=(2, 1, len(r))))
    level = np.abs(errors).max(axis=1) * (1 + rng.random())
    _, bound = _step(_Points(moves[None], errors, level, up, down), J[None], free, np.zeros(1))
    assert bound[0] <= true_least(r, J) * (1 + 1e-9)


@given(SIZES, st.floats(0.1, 0.9))
@settings(max_examples=150, deadline=None)
def test_what_is_promised_beyond_a_limit_is_the_truth(
    size: tuple[int, int, int], under: float
) -> None:
    r, J = drawn(*size)
    limit = true_least(r, J) * under
    moves, largest = solved(r, J, limit)
    assert largest > limit
    np.testing.assert_allclose(np.abs(r + J @ moves).max(), largest, rtol=1e-9)


@given(SEEDS)
@settings(max_examples=150, deadline=None)
def test_models_of_a_batch_are_solved_as_if_alone_and_may_share_their_slopes(seed: int) -> None:
    rng = np.random.default_rng(seed)
    r, J = rng.normal(size=(4, 10)), rng.normal(size=(10, 3))
    free = rng.random((4, 3)) < 0.7
    damping = np.zeros(4)
    shared = least_largest(r, J[None], free, damping, limit=0.8)
    repeated = least_largest(r, np.repeat(J[None], 4, axis=0), free, damping, limit=0.8)
    for one, other in zip(shared, repeated, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-9)
    assert (shared[0][~free] == 0).all()
    for k in range(4):
        alone = least_largest(r[[k]], J[None], free[[k]], damping[:1], limit=0.8)
        np.testing.assert_allclose(alone[1][0], shared[1][k], rtol=1e-6)
        np.testing.assert_allclose(alone[0][0], shared[0][k], rtol=1e-6, atol=1e-9)


def test_nothing_is_moved_where_nothing_is_free_or_all_is_well() -> None:
    r, J = np.array([[3.0, -2.0], [0.1, 0.2]]), np.ones((1, 2, 1))
    free = np.array([[False], [True]])
    moves, largest = least_largest(r, J, free, np.zeros(2))
    np.testing.assert_array_equal(moves, 0.0)
    np.testing.assert_array_equal(largest, [3.0, 0.2])


def test_numbers_that_stand_in_for_one_another_do_not_run_away() -> None:
    r = np.array([1.0, -0.5, 2.0, 0.3])
    J = np.column_stack([np.arange(1.0, 5), np.arange(1.0, 5)])
    for damping in (0.0, 1e-6):
        free = np.ones((1, 2), dtype=bool)
        moves, largest = least_largest(r[None], J[None], free, np.full(1, damping), limit=0.1)
        assert np.abs(moves).max() < 10
        assert largest[0] < 1.2 * true_least(r, J[:, :1])
