"""The rungs that come once: which, in which order, and what growing starts from."""

from __future__ import annotations

import numpy as np
import pytest
from tables import problem_of, uniform

from nalu_cli.problem import Problem
from nalu_cli.search.candidate import Found
from nalu_cli.search.linear.product_and_sum import sum_rung
from nalu_cli.search.reductions.divide_by_monomial import pull_out
from nalu_cli.search.schedule import first_rungs
from nalu_cli.search.strategy import Part, Rung

LINEAR = ["product", "sum", "product of sums", "algebraic"]


def stacks(_: Part | None) -> Rung:
    return Rung("stacks", lambda _: iter(()))


def noisy(rows: int = 400) -> Problem:
    x = uniform(1, rows, 3)
    truth = x[:, 2] ** 2 * (x[:, 0] - x[:, 1] / (1 + x[:, 0]))
    return problem_of(x, truth + 0.01 * truth.std() * np.random.default_rng(2).normal(size=rows))


def test_simple_questions_come_first_and_fewer_columns_before_many() -> None:
    problem = noisy()
    parts = pull_out(problem)
    assert len(parts) == 1
    names = [rung.name for rung in first_rungs(problem, lambda: parts, stacks)]
    first = [*LINEAR, *(f"{name} times factors" for name in LINEAR), "stacks"]
    assert names[: len(first)] == first
    assert names.index("stacks times factors") > names.index("stacks")
    assert names[-1] == "grown"


def test_no_closed_form_ends_a_climb_before_stacks_were_asked() -> None:
    rungs = list(first_rungs(noisy(), lambda: pull_out(noisy()), stacks))
    closed = [rung.name for rung in rungs if not rung.pause]
    assert closed == [rung.name for rung in rungs][: len(closed)]
    assert "stacks" not in closed
    assert set(LINEAR) <= set(closed)


@pytest.mark.parametrize("with_factors", [False, True])
def test_growing_starts_from_what_the_others_offered(with_factors: bool) -> None:
    problem = noisy()

    def sums(part: Part | None) -> Rung:
        rows = (part.problem if part else problem).train
        return Rung("stacks", lambda _: map(Found, sum_rung(rows)))

    (*others, grown) = first_rungs(problem, lambda: pull_out(problem) if with_factors else (), sums)
    if with_factors:
        others = [rung for rung in others if rung.name.endswith("times factors")]
    alone = [found.circuit for found in grown.search(lambda: True)]
    for rung in others:
        list(rung.search(lambda: False))
    given = [found.circuit for found in grown.search(lambda: True)]
    assert len(given) > len(alone)


def test_parts_are_asked_for_when_one_product_or_sum_is_not_enough() -> None:
    asked = []
    rungs = first_rungs(noisy(), lambda: tuple(asked.append(1) or ()), stacks)
    assert [next(rungs).name for _ in LINEAR] == LINEAR
    assert not asked
    next(rungs)
    assert asked


def test_roots_of_products_are_asked_for_before_anything_is_trained() -> None:
    x = uniform(9, 400, 3, low=-3, high=3)
    x = x[x[:, 0] * x[:, 1] > 0]
    led = first_rungs(problem_of(x, np.exp(x[:, 2])), tuple, stacks)
    names = [rung.name for rung in led]
    assert names.index("algebraic with a root") < names.index("stacks")


def test_large_questions_come_before_what_takes_longer() -> None:
    names = [rung.name for rung in first_rungs(noisy(), tuple, stacks)]
    assert names.count("algebraic") == 2
    assert names[::-1].index("algebraic") > names[::-1].index("grown")
