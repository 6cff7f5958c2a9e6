"""The schedule: the steps that six kinds of problem take, frozen as lists."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
from tables import Floats, problem_of, uniform

from nalu_cli.problem import Problem
from nalu_cli.rows import Rows
from nalu_cli.search.schedule import turns
from nalu_cli.settings import CellName, FitSettings


def noisy(x: Floats, truth: Floats) -> Problem:
    random = np.random.default_rng(2)
    y = truth + 0.01 * truth.std() * random.normal(size=len(truth))
    return problem_of(x, y)


def with_factors() -> Problem:
    x = uniform(1, 400, 3)
    return noisy(x, x[:, 2] ** 2 * (x[:, 0] - x[:, 1] / (1 + x[:, 0])))


def with_roots() -> Problem:
    x = uniform(9, 400, 3, low=-3, high=3)
    x = x[x[:, 0] * x[:, 1] > 0]
    return problem_of(x, np.exp(x[:, 2]) + np.sqrt(x[:, 0] * x[:, 1]))


def few_rows() -> Problem:
    x = uniform(4, 40, 2)
    return noisy(x, np.exp(x[:, 0]) + x[:, 1])


def many_columns() -> Problem:
    x = uniform(5, 300, 12)
    return noisy(x, np.exp(x[:, 0]) + x[:, 11])


ALGEBRA = ["product", "sum", "product of sums", "algebraic"]
AGAIN = ["stacks", "auto 1", "auto 2-1", "auto 4-1", "auto 3-3-1"]


def on(part: str, names: list[str]) -> list[str]:
    return [f"{name} {part}" for name in names]


def printed() -> Problem:
    problem = with_factors()
    rows = problem.train
    return replace(problem, train=Rows(rows.X, np.round(rows.y, 3), np.full(len(rows), 0.0005)))


WITH_FACTORS = [
    *ALGEBRA,
    *on("times factors", ALGEBRA),
    *["stacks", "beside a sum"],
    *on("times factors", ["stacks", "beside a sum"]),
    *["algebraic", "grown"],
    *["stacks", "stacks times factors", "stacks", "stacks times factors"],
    *AGAIN,
    *AGAIN,
]

STEPS = {
    "with factors": (
        with_factors,
        FitSettings(),
        [*WITH_FACTORS],
    ),
    "with roots": (
        with_roots,
        FitSettings(),
        [
            *ALGEBRA,
            *on("with a root", ALGEBRA),
            *on("with a root", ALGEBRA),
            *["stacks", "beside a sum", "algebraic", "grown", "stacks", "stacks"],
            *AGAIN,
            *AGAIN,
        ],
    ),
    "few rows": (
        few_rows,
        FitSettings(),
        [
            *ALGEBRA,
            *["stacks", "beside a sum", "few monomials", "algebraic", "grown"],
            *["stacks", "stacks", "few monomials"],
            *AGAIN,
            *AGAIN,
        ],
    ),
    "many columns": (many_columns, FitSettings(), [*WITH_FACTORS]),
    "printed": (
        printed,
        FitSettings(),
        ["stacks", *(step for k, step in enumerate(WITH_FACTORS) if k != 8)],
    ),
    "train only": (many_columns, FitSettings(train_only=True), [*3 * ["stacks"], *AGAIN, *AGAIN]),
    "two layers": (
        few_rows,
        FitSettings(layers=2),
        [*3 * ["stacks"], *2 * ["stacks", "auto 2-1", "auto 4-1"]],
    ),
    "a published cell": (
        few_rows,
        FitSettings(cell=CellName.NAU),
        2 * ["nau 1", "nau 2-1", "nau 4-1", "nau 3-3-1"],
    ),
}


@pytest.mark.parametrize(("posed", "settings", "expected"), STEPS.values(), ids=list(STEPS))
def test_the_steps_of_a_problem_are_these(
    posed: Callable[[], Problem], settings: FitSettings, expected: list[str]
) -> None:
    found = [turn.name for turn in islice(turns(posed(), settings), len(expected))]
    assert found == expected
