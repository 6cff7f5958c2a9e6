"""Shared levels of rounding: each is above the rounding it stands for, and far below any data."""

from __future__ import annotations

import numpy as np
import pytest

from nalu_cli.numerics.tolerances import EPS, NOVEL, RANK, RIDGE, SAME, TINY


def unit_columns(seed: int, rows: int, columns: int) -> np.ndarray:
    A = np.random.default_rng(seed).standard_normal((rows, columns))
    return A / np.linalg.norm(A, axis=0)


def test_eps_is_the_distance_from_one_to_the_next_double() -> None:
    assert np.nextafter(1.0, 2.0) - 1.0 == EPS


@pytest.mark.parametrize("columns", [10, 100, 400])
def test_a_column_that_others_make_up_is_below_the_levels(columns: int) -> None:
    A = unit_columns(1, 2 * columns, columns)
    made_up = A @ np.random.default_rng(2).standard_normal(columns)
    whole = np.column_stack([A, made_up / np.linalg.norm(made_up)])
    s = np.linalg.svd(whole, compute_uv=False)
    assert s[-1] < RANK * s[0] < s[-2]
    q = np.linalg.qr(A)[0]
    orthogonal = whole[:, -1] - q @ (q.T @ whole[:, -1])
    assert orthogonal @ orthogonal < NOVEL


def test_the_ridge_makes_a_singular_gram_matrix_invertible_and_moves_nothing_else() -> None:
    A = unit_columns(3, 60, 5)
    y = A @ np.arange(1.0, 6.0)
    ridged = np.linalg.solve(A.T @ A + RIDGE * np.eye(5), A.T @ y)
    np.testing.assert_allclose(ridged, np.arange(1.0, 6.0), rtol=SAME)
    twice = np.column_stack([A, A])
    fitted = twice @ np.linalg.solve(twice.T @ twice + RIDGE * np.eye(10), twice.T @ y)
    np.testing.assert_allclose(fitted, y, atol=1e-3)


def test_the_least_divisor_has_a_finite_inverse_and_adds_nothing() -> None:
    assert np.isfinite(1 / TINY)
    assert np.finfo(np.float64).tiny < TINY
    assert 1.0 + TINY == 1.0
