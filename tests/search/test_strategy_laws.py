"""Laws of all strategies and reductions: what each promises whoever schedules it."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strategies import circuits
from tables import Floats, problem_of

from nalu_cli.circuit import Circuit
from nalu_cli.circuit.rounding_error import rounding_bound
from nalu_cli.problem import Problem
from nalu_cli.search.candidate import Candidate
from nalu_cli.search.reductions.reduction import Reducer
from nalu_cli.search.schedule import REDUCERS, STRATEGIES
from nalu_cli.search.strategy import Context, Example, Strategy, Trains
from nalu_cli.settings import Effort, FitSettings

SETTINGS = FitSettings(effort=Effort.QUICK)

MOST = 60
"""Candidates of a strategy that are looked at."""

BY_NAME = [pytest.param(one, id=f"{one.name} ({one.cost.name.lower()})") for one in STRATEGIES]
REDUCTIONS = [pytest.param(one, id=one.summary) for one in REDUCERS]


def posed(example: Example, seed: int = 0) -> Problem:
    """Rows of an example's law, those where it has no value left out."""
    random = np.random.default_rng(seed)
    x = random.uniform(example.low, example.high, (4 * example.n_rows, example.law.n_columns))
    y = example.law.evaluate(x)
    some = np.flatnonzero(np.isfinite(y))[: example.n_rows]
    error = example.noise * np.std(y[some]) * random.standard_normal(len(some))
    return problem_of(x[some], y[some] + error)


def assert_finds(
    strategy: Strategy,
    problem: Problem,
    *,
    back: Callable[[Circuit, Floats], Floats] = Circuit.evaluate,
) -> None:
    """Fail unless one of the first candidates is the law of the example on other rows.

    Parameters
    ----------
    strategy : Strategy
    problem : Problem
        Made from the rows of its example.
    back : callable
        Values of a candidate for the example's own columns and target.
    """
    example = strategy.example
    other = posed(replace(example, noise=0.0), seed=1).train
    close = max(1e-9, 0.2 * example.noise)
    context = Context(SETTINGS, 0, (), lambda: False)
    search = (found for found in strategy.search(problem, context) if found is not None)
    for found in itertools.islice(search, MOST):
        with np.errstate(all="ignore"):
            gap = back(found.circuit, other.X) - other.y
        if np.sqrt(np.nanmean(gap**2)) <= close * np.std(other.y):
            return
    pytest.fail("the law is not among the first candidates")


@pytest.mark.parametrize("strategy", BY_NAME)
def test_a_strategy_finds_its_example(strategy: Strategy) -> None:
    assert_finds(strategy, posed(strategy.example))


@pytest.mark.parametrize("strategy", BY_NAME)
def test_a_strategy_that_is_told_to_stop_is_soon_silent(strategy: Strategy) -> None:
    looks = itertools.count()

    def stop() -> bool:
        next(looks)
        return True

    context = Context(SETTINGS, 0, (), stop)
    found = list(itertools.islice(strategy.search(posed(strategy.example), context), 200))
    assert len(found) < 200
    if strategy.trains is not Trains.NOTHING:
        assert next(looks) > 0


@pytest.mark.parametrize("strategy", BY_NAME)
def test_a_strategy_finds_the_law_in_another_unit_of_the_target(strategy: Strategy) -> None:
    factor = 4.0**7
    problem = posed(strategy.example)
    scaled = problem.with_rows(lambda rows: replace(rows, y=rows.y * factor))
    assert_finds(strategy, scaled, back=lambda circuit, X: circuit.evaluate(X) / factor)


@pytest.mark.parametrize("strategy", BY_NAME)
def test_the_order_of_the_columns_plays_no_part(strategy: Strategy) -> None:
    problem = posed(strategy.example)
    turned = problem.with_rows(lambda rows: replace(rows, X=rows.X[:, ::-1]))
    assert_finds(strategy, turned, back=lambda circuit, X: circuit.evaluate(X[:, ::-1]))


@pytest.mark.parametrize("reducer", REDUCTIONS)
def test_a_reducer_reduces_its_example(reducer: Reducer) -> None:
    assert list(reducer.reduce(posed(reducer.example)))


@pytest.mark.parametrize("reducer", REDUCTIONS)
@given(st.data())
@settings(
    max_examples=30, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow]
)
def test_lifted_circuits_compute_what_the_reduced_ones_do(
    reducer: Reducer, data: st.DataObject
) -> None:
    problem = posed(reducer.example)
    for reduction in reducer.reduce(problem):
        whole, reduced = problem.train, reduction.problem.train
        circuit = data.draw(circuits(n_columns=reduced.X.shape[1]))
        try:
            lifted = reduction.lift(Candidate(circuit)).circuit
        except ValueError:
            continue  # a power beyond what a circuit holds
        inner, bound = rounding_bound(circuit, reduced.X)
        outer, theirs = rounding_bound(lifted, whole.X)
        factor = whole.y / reduced.y
        with np.errstate(all="ignore"):
            expected, slack = inner * factor, 100 * (bound * np.abs(factor) + theirs)
            same = np.abs(outer - expected) <= slack + 1e-9 * np.abs(expected)
        told = np.isfinite(expected) & np.isfinite(outer) & np.isfinite(slack)
        assert same[told].all()
