"""Lack of fit: printed digits, standard errors, few rows, residuals that follow a column."""

from __future__ import annotations

import numpy as np
import pytest
from answers import scaled
from tables import problem_of, uniform

from nalu_cli.fitting.likelihood import ErrorKind
from nalu_cli.judge.lack_of_fit import TOO_FEW, lack_of_fit, residual_structure
from nalu_cli.problem import Problem
from nalu_cli.rows import Rows

ADDITIVE, RELATIVE = ErrorKind.ADDITIVE_NOISE, ErrorKind.RELATIVE_NOISE


def measured(seed: int, *, sigma: float, told: float | None = None, rows: int = 300) -> Problem:
    """Measured with an error of sigma, which may be told wrongly."""
    x = uniform(seed, rows, 2)
    y = scaled().evaluate(x) + sigma * np.random.default_rng(seed).standard_normal(rows)
    given = None if told is None else np.full(rows, told)
    return problem_of(x, y).with_rows(lambda part: Rows(part.X, part.y, sigma=_part(given, part)))


def _part(values, part: Rows):
    return None if values is None else values[: len(part)]


@pytest.mark.parametrize("seed", range(10))
def test_noise_as_large_as_the_standard_errors_is_noise(seed: int) -> None:
    assert lack_of_fit(scaled(), measured(seed, sigma=0.02, told=0.02), ADDITIVE, length=6) == []
    found = lack_of_fit(scaled(), measured(seed, sigma=0.03, told=0.02), ADDITIVE, length=6)
    assert any("times the standard errors given" in said for said in found)


@pytest.mark.parametrize("seed", range(10))
def test_relative_noise_may_grow_with_the_target(seed: int) -> None:
    x = uniform(seed, 300, 2, low=1, high=9)
    x = x[np.argsort(scaled().evaluate(x))]
    noise = 1 + 0.02 * np.random.default_rng(seed).standard_normal(300)
    problem = problem_of(x, scaled().evaluate(x) * noise)
    assert lack_of_fit(scaled(), problem, RELATIVE, length=6) == []
    assert lack_of_fit(scaled(), problem, ADDITIVE, length=6) != []


def test_steps_of_printing_are_no_structure() -> None:
    x = np.column_stack([np.linspace(1, 2, 400), np.ones(400)])
    y = np.round(scaled().evaluate(x), 1)
    problem = problem_of(x, y, near=0, far=40)
    found = lack_of_fit(scaled(1.703), problem, ADDITIVE, length=6)
    assert any("similar errors" in said for said in found)
    known = problem.with_rows(lambda part: Rows(part.X, part.y, np.full(len(part), 0.05)))
    assert lack_of_fit(scaled(1.703), known, ADDITIVE, length=6) == []


def test_agreement_that_may_be_chance_is_called_that() -> None:
    x = uniform(3, 4, 2)
    y = np.round(scaled().evaluate(x), 1)
    problem = problem_of(x, y, near=0, far=0)
    problem = problem.with_rows(lambda part: Rows(part.X, part.y, np.full(len(part), 0.05)))
    (said,) = lack_of_fit(scaled(), problem, ErrorKind.PRINTED_TARGET, length=6)
    assert (
        said
        == "agrees with every row as printed, but 4 rows of 2 digits cannot tell it from chance"
    )


def test_too_few_rows_are_said_to_be_too_few() -> None:
    assert TOO_FEW in lack_of_fit(scaled(), measured(1, sigma=0.1, rows=4), ADDITIVE, length=6)


def test_what_follows_a_column_is_named() -> None:
    problem = measured(2, sigma=0.02)
    inner = problem.inner_rows()
    assert residual_structure(scaled(), problem, inner.y - scaled().evaluate(inner.X)) is None
    assert residual_structure(scaled(), problem, inner.X[:, 1]) is not None
