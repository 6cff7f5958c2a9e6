"""The climb: simple strategies first, ended by a law, patience, the clock or the user."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import pytest
from tables import Floats, problem_of, uniform

from nalu_cli.answer import Progress
from nalu_cli.circuit import Circuit
from nalu_cli.circuit.constants import constants_of
from nalu_cli.judge.selection import pick
from nalu_cli.problem import Problem
from nalu_cli.refine.simplify import shorten
from nalu_cli.search import climbed as climbed_module
from nalu_cli.search import ladder
from nalu_cli.search.candidate import Candidate
from nalu_cli.search.ladder import climb
from nalu_cli.search.linear.product_and_sum import PRODUCT, SUM, products, sums
from nalu_cli.search.schedule import Turn
from nalu_cli.search.strategy import Context, Cost, Strategy
from nalu_cli.settings import Effort, FitSettings

QUICK = FitSettings(effort=Effort.QUICK, time_limit=1e6)


def wavy() -> Problem:
    """No law: the climb goes on until it is ended."""
    x = uniform(1, 100, 2)
    return problem_of(x, np.sin(3 * x[:, 0]) * x[:, 1] + x[:, 0])


def product() -> Problem:
    x = uniform(1, 100, 2)
    return problem_of(x, x[:, 0] * x[:, 1])


def test_a_law_ends_the_climb_where_it_is_found() -> None:
    seen: list[Progress] = []
    climbed = climb(product(), QUICK, watch=seen.append)
    assert [p.stage for p in seen] == ["product"]
    assert climbed.best is not None
    assert climbed.best.is_exact
    assert climbed.restarts == 0
    assert not climbed.interrupted


def trained(seen: list[Progress]) -> list[str]:
    return [p.stage for p in seen if p.stage.startswith(("stacks", "auto"))]


def test_the_simple_strategies_come_first() -> None:
    seen: list[Progress] = []
    climb(wavy(), QUICK, watch=seen.append, stop=lambda: bool(trained(seen)))
    stages = [p.stage for p in seen if not p.stage.endswith("times factors")]
    assert stages == ["product", "sum", "product of sums", "algebraic", "stacks"]
    assert [p.step for p in seen] == list(range(len(seen)))


def test_told_to_stop_at_once_it_still_has_an_answer() -> None:
    seen: list[Progress] = []
    climbed = climb(wavy(), QUICK, watch=seen.append, stop=lambda: True)
    assert climbed.interrupted
    assert climbed.best is not None
    assert len(seen) == 1


@pytest.mark.parametrize("stages", [3, 5])
def test_it_stops_on_the_turn_where_it_is_told_to_with_the_best_so_far(stages: int) -> None:
    seen: list[Progress] = []
    problem = wavy()
    climbed = climb(problem, QUICK, watch=seen.append, stop=lambda: len(seen) >= stages)
    assert len(seen) == stages
    assert climbed.interrupted
    assert climbed.best is pick(climbed.candidates)
    assert climbed.best is not None
    constant = climbed.candidates[0]
    assert not constant.circuit.used_columns()
    assert climbed.best.score <= constant.score
    # a longer climb has at least the same candidates
    seen.clear()
    longer = climb(problem, QUICK, watch=seen.append, stop=lambda: len(seen) >= stages + 2)
    assert longer.best is not None
    assert longer.best.score <= climbed.best.score + 1


def test_the_time_limit_ends_the_climb(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Progress] = []
    clock = itertools.count()
    monkeypatch.setattr(climbed_module.time, "monotonic", lambda: next(clock) / 10)
    climbed = climb(wavy(), FitSettings(time_limit=1.0), watch=seen.append)
    assert 1 <= len(seen) <= 5
    assert climbed.best is not None
    assert not climbed.interrupted
    assert [p.seconds for p in seen] == sorted(p.seconds for p in seen)
    assert all(0 <= p.seconds_left <= 1 for p in seen if p.seconds_left is not None)


def test_a_formula_within_the_noise_ends_the_climb_when_nothing_better_comes() -> None:
    x = uniform(2, 200, 2)
    rng = np.random.default_rng(2)
    problem = problem_of(x, 3 * x[:, 0] / x[:, 1] * (1 + 0.02 * rng.standard_normal(200)))
    seen: list[Progress] = []
    climbed = climb(problem, FitSettings(time_limit=1e6), watch=seen.append)
    assert len(seen) <= 25
    assert not climbed.interrupted
    assert climbed.best is not None
    assert climbed.best.circuit.used_columns() == (0, 1)


FEW_ROWS: dict[str, Callable[..., Floats]] = {
    "1.7*a**4 - 1.3*b**3 + b/2": lambda a, b, *_: 1.7 * a**4 - 1.3 * b**3 + b / 2,
    "sqrt(a*b + c/d)": lambda a, b, c, d, *_: np.sqrt(a * b + c / d),
}


@pytest.mark.parametrize("name", FEW_ROWS)
def test_fifteen_rows_are_enough_for_a_law_of_few_terms(name: str) -> None:
    x, there = uniform(5, 15, 6, low=0.5, high=4), uniform(6, 50, 6, low=5, high=9)
    best = climb(problem_of(x, FEW_ROWS[name](*x.T)), FitSettings(time_limit=1e6)).best
    assert best is not None
    np.testing.assert_allclose(best.circuit.evaluate(there), FEW_ROWS[name](*there.T), rtol=1e-8)


def test_a_difference_that_changes_its_sign_over_a_root_is_found() -> None:
    x = uniform(1, 500, 4, low=1, high=5)
    a, b, s, t = x.T
    best = climb(problem_of(x, (a - b) / np.sqrt(s + t)), FitSettings(time_limit=1e6)).best
    assert best is not None
    assert best.is_exact


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_only_stacks_of_the_depth_asked_for_are_trained(layers: int) -> None:
    seen: list[Progress] = []
    settings = FitSettings(effort=Effort.QUICK, layers=layers, time_limit=1e6)
    climb(wavy(), settings, watch=seen.append, stop=lambda: len(seen) > 2)
    first, *others = (p.stage for p in seen)
    assert first == "stacks"
    cells = [name for name in others if name != "stacks"]
    assert all(len(name.split()[1].split("-")) == layers for name in cells)


def test_progress_shows_the_best_so_far() -> None:
    seen: list[Progress] = []
    climb(wavy(), QUICK, watch=seen.append, stop=lambda: len(seen) > 5)
    assert all(p.circuit is not None and p.names == ("a", "b") for p in seen)
    assert [p.restarts for p in seen] == sorted(p.restarts for p in seen)


def test_the_same_seed_climbs_the_same_way() -> None:
    def candidates(seed: int) -> list[object]:
        seen: list[Progress] = []
        settings = replace(QUICK, seed=seed, train_only=True)
        climbed = climb(wavy(), settings, watch=seen.append, stop=lambda: len(seen) > 1)
        return [c.circuit for c in climbed.candidates]

    assert candidates(1) == candidates(1)
    assert candidates(1) != candidates(2)


@pytest.mark.parametrize("target", [0.0, 7.25, -1e300, 1e-300])
def test_a_constant_target_is_a_constant(target: float) -> None:
    x = uniform(3, 50, 2)
    climbed = climb(problem_of(x, np.full(50, target)), QUICK)
    assert climbed.best is not None
    assert not climbed.best.circuit.used_columns()
    np.testing.assert_array_equal(climbed.best.circuit.evaluate(x), np.full(50, target))


def schedule(monkeypatch: pytest.MonkeyPatch, *strategies: Strategy) -> None:
    """Let a climb take these strategies alone."""

    def turns(problem: Problem, _: FitSettings) -> Iterator[Turn]:
        for strategy in strategies:
            yield Turn(strategy, problem, None, 0, True, False, strategy.name)

    monkeypatch.setattr(ladder, "turns", turns)


@pytest.mark.parametrize(
    "error", [np.linalg.LinAlgError("singular"), ValueError("inf"), OverflowError("too large")]
)
def test_a_strategy_whose_numbers_give_out_is_passed_over(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def hopeless(_: Problem, __: Context) -> Iterator[Candidate]:
        raise error
        yield

    schedule(monkeypatch, replace(PRODUCT, search=hopeless), PRODUCT)
    x = uniform(1, 100, 2, low=1.0)
    climbed = climb(problem_of(x, x[:, 0] * x[:, 1]), QUICK)
    assert climbed.best is not None
    assert climbed.best.is_exact


def test_a_strategy_takes_its_share_of_the_time_and_goes_on_where_it_paused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[str] = []

    def pausing(problem: Problem, _: Context) -> Iterator[Candidate | None]:
        seen.append("begun")
        yield None
        seen.append("gone on")
        yield from map(Candidate, products(problem.train))

    def waiting(_: Problem, context: Context) -> Iterator[Candidate]:
        while not context.stop():
            pass
        seen.append("share over")
        yield from ()

    first = Turn(replace(PRODUCT, search=pausing), wavy(), None, 0, False, False, "product")
    other = replace(SUM, search=waiting, share=0.2)

    def turns(problem: Problem, _: FitSettings) -> Iterator[Turn]:
        again = replace(first, problem=problem)
        yield again
        yield Turn(other, problem, None, 0, False, False, "sum")
        yield replace(again, goes_on=True)
        yield replace(again, goes_on=True)

    monkeypatch.setattr(ladder, "turns", turns)
    x = uniform(1, 100, 2, low=1.0)
    climbed = climb(problem_of(x, x[:, 0] * x[:, 1]), FitSettings(time_limit=1.0))
    assert seen == ["begun", "share over", "gone on"]
    assert climbed.best is not None
    assert climbed.best.is_exact


@pytest.mark.parametrize(("columns", "shortened"), [(2, 1), (6, 0)])
def test_under_noise_equal_formulas_are_shortened_once_and_those_of_many_constants_not(
    monkeypatch: pytest.MonkeyPatch, columns: int, shortened: int
) -> None:
    asked: list[Circuit] = []

    def as_it_is(circuit: Circuit, *, positive: Sequence[bool]) -> Circuit:
        asked.append(circuit)
        return circuit

    def thrice(problem: Problem, _: Context) -> Iterator[Candidate]:
        return (Candidate(c) for c in [*sums(problem.train)] * 3)

    schedule(monkeypatch, replace(SUM, search=thrice, cost=Cost.SECONDS))
    monkeypatch.setattr(shorten, "shorten", as_it_is)
    x = uniform(8, 200, columns)
    y = x @ np.linspace(1.2345, 5.4321, columns) + 0.001 * np.random.default_rng(9).standard_normal(
        200
    )
    climbed = climb(problem_of(x, y), QUICK)
    assert len(climbed.candidates) > 3
    assert len(asked) == shortened


@pytest.mark.parametrize("train_only", [False, True])
def test_without_constants_no_strategy_answers_with_one(train_only: bool) -> None:
    x = uniform(6, 200, 2)
    settings = replace(QUICK, constants=False, train_only=train_only)
    seen: list[Progress] = []
    noise = 0.05 * np.random.default_rng(8).normal(size=200)
    climbed = climb(
        problem_of(x, 1.02 * x[:, 0] * x[:, 1] + noise),
        settings,
        watch=seen.append,
        stop=lambda: len(seen) > 20,
    )
    assert len(climbed.candidates) > 1
    for candidate in climbed.candidates[1:]:
        assert {abs(v) for v in constants_of(candidate.circuit).values()} <= {1.0}
    assert climbed.best is not None
    assert np.array_equal(climbed.best.circuit.evaluate(x), x[:, 0] * x[:, 1])


def test_ternary_means_no_roots_and_powers_from_any_strategy() -> None:
    x = uniform(7, 200, 2)
    settings = replace(QUICK, ternary=True)
    seen: list[Progress] = []
    climbed = climb(
        problem_of(x, x[:, 0] * np.sqrt(x[:, 1])),
        settings,
        watch=seen.append,
        stop=lambda: len(seen) > 20,
    )
    assert len(climbed.candidates) > 1
    for candidate in climbed.candidates:
        units = candidate.circuit.units()
        assert {abs(t.weight) for unit in units for t in unit.terms} <= {1}
