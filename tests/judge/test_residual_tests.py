"""Residuals: noise is told from structure."""

from __future__ import annotations

import numpy as np
import pytest

from nalu_cli.judge.residual_tests import (
    column_of_agreement,
    column_that_explains,
    neighbours_agree,
)

SEEDS = range(8)


def rows(seed: int) -> tuple[np.random.Generator, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng, rng.uniform(-1, 1, (500, 3))


@pytest.mark.parametrize("seed", SEEDS)
def test_noise_is_noise(seed: int) -> None:
    rng, X = rows(seed)
    residuals = rng.standard_normal(len(X)) * rng.choice([1.0, 10.0])
    assert column_that_explains(X, residuals) is None
    assert not neighbours_agree(X, residuals)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_column_that_changes_the_residuals_is_named(seed: int) -> None:
    rng, X = rows(seed)
    residuals = X[:, 1] ** 2 + 0.5 * rng.standard_normal(len(X))
    assert column_that_explains(X, residuals) == 1


@pytest.mark.parametrize("seed", SEEDS)
def test_smooth_residuals_are_like_those_of_their_neighbours(seed: int) -> None:
    _, X = rows(seed)
    assert neighbours_agree(X, np.sin(4 * X[:, 0]) * np.cos(3 * X[:, 2]))


def test_few_rows_say_nothing() -> None:
    assert not neighbours_agree(np.arange(10.0)[:, None], np.arange(10.0))


@pytest.mark.parametrize("seed", SEEDS)
def test_teeth_too_narrow_for_the_space_are_seen_along_their_column(seed: int) -> None:
    _, X = rows(seed)
    teeth = ((30 * X[:, 1]) % 1 - 0.5) * (2 + X[:, 0])
    assert not neighbours_agree(X, teeth)
    assert column_of_agreement(X, teeth) == 1


@pytest.mark.parametrize("seed", SEEDS)
def test_teeth_of_four_rows_are_seen(seed: int) -> None:
    _, X = rows(seed)
    teeth = ((62 * X[:, 1]) % 1 - 0.5) * (2 + X[:, 0])
    assert column_of_agreement(X, teeth) == 1


@pytest.mark.parametrize("seed", SEEDS)
def test_noise_does_not_agree_along_any_column(seed: int) -> None:
    rng, X = rows(seed)
    residuals = rng.standard_normal(len(X))
    assert column_of_agreement(X, residuals) is None
    # nor where the file is in the order of a drifting error and a column has few values
    assert column_of_agreement(np.round(X), np.cumsum(residuals)) is None


def test_few_rows_do_not_agree() -> None:
    assert column_of_agreement(np.arange(10.0)[:, None], np.arange(10.0)) is None
