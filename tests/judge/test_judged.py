"""Errors by their definitions, and which rows count in the score."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from answers import product, weighted
from judged import PRODUCT, far_out
from tables import problem_of, uniform

from nalu_cli.circuit import Circuit
from nalu_cli.judge.judged import errors_on, weigh
from nalu_cli.rows import Rows


def test_errors_are_those_of_the_definitions() -> None:
    x = np.array([[1.0, 2.0], [2.0, 2.0], [3.0, 1.0]])
    found = errors_on(PRODUCT, Rows(x, np.array([2.0, 5.0, 3.0])))
    assert found.rows == 3
    assert found.max_relative == pytest.approx(0.2)
    assert found.rmse == pytest.approx(math.sqrt(1 / 3))
    assert found.r2 == pytest.approx(1 - (1 / 3) / np.var([2.0, 5.0, 3.0]))
    assert errors_on(PRODUCT, Rows(x[:0], np.zeros(0))).rmse is None


@pytest.mark.parametrize("size", [1e-300, 1e-160, 1e160, 1e300])
def test_errors_do_not_overflow(size: float) -> None:
    x = uniform(10, 50, 2)
    scaled = Circuit(2, ((product((0, 1), (1, 1), scale=size),),))
    found = errors_on(scaled, Rows(x, 1.01 * size * x[:, 0] * x[:, 1]))
    assert found.rmse == pytest.approx(0.01 * size * np.sqrt(np.mean((x[:, 0] * x[:, 1]) ** 2)))
    assert found.max_relative == pytest.approx(0.01 / 1.01)
    assert found.r2 is not None
    assert 0.99 < found.r2 < 1


def test_far_rows_count_in_the_score_unless_they_are_a_test_of_the_users_own() -> None:
    x = far_out(uniform(8, 400, 1))
    y = x[:, 0] + 0.1 * np.random.default_rng(9).standard_normal(400)
    problem = problem_of(x, y, far=120)
    bent = replace(problem, far=Rows(problem.far.X, problem.far.y + 3))
    line = Circuit(1, ((weighted((0, 1.0)),),))
    as_it_is = weigh(line, problem, found_by="test")
    with_bend = weigh(line, bent, found_by="test")
    assert with_bend.score > as_it_is.score + 100
    assert with_bend.rmse == as_it_is.rmse
    own = [weigh(line, replace(p, far_is_test=True), found_by="test") for p in (problem, bent)]
    assert own[0].score == own[1].score
