"""Turns of trained strategies: as the settings require, in the units of the user."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
from tables import Floats, problem_of, uniform

from nalu_cli.circuit import UnitKind
from nalu_cli.problem import Problem
from nalu_cli.search.candidate import Candidate
from nalu_cli.search.schedule import Turn, turns
from nalu_cli.search.strategy import Context
from nalu_cli.settings import CellName, FitSettings

SETTINGS = FitSettings()


def law(x: Floats) -> Floats:
    return x[:, 0] * x[:, 1] + 2.5 * x[:, 0]


def posed(low: float = 1.0, sizes: tuple[float, float] = (1.0, 1.0)) -> Problem:
    x = uniform(1, 150, 2, low=low)
    return problem_of(x * sizes, law(x))


def taken(turn: Turn, settings: FitSettings, *, stop: bool = False) -> list[Candidate]:
    context = Context(settings, turn.cycle, (), lambda: stop)
    return [found for found in turn.strategy.search(turn.problem, context) if found]


def found_by(name: str, problem: Problem, settings: FitSettings = SETTINGS) -> list[Candidate]:
    return taken(next(t for t in turns(problem, settings) if t.name == name), settings)


def test_stacks_come_again_with_other_starts() -> None:
    trained = islice(turns(posed(), replace(SETTINGS, train_only=True)), 12)
    stacks = [turn for turn in trained if turn.name == "stacks" and not turn.goes_on]
    assert [turn.cycle for turn in stacks] == list(range(len(stacks)))
    assert len(stacks) > 1


@pytest.mark.parametrize("layers", [1, 2, 3, 4, 5])
def test_stacks_have_as_many_layers_as_required(layers: int) -> None:
    settings = replace(SETTINGS, layers=layers)
    cells = [t.name for t in islice(turns(posed(), settings), 8) if t.name != "stacks"]
    assert all(len(name.split()[1].split("-")) == layers for name in cells)
    stacks = next(turns(posed(), settings))
    context = Context(settings, 0, (), lambda: False)
    found = islice(stacks.strategy.search(stacks.problem, context), 3)
    assert all(len(one.circuit.layers) <= layers for one in found if one)


@pytest.mark.parametrize("sizes", [(1.0, 1.0), (1e6, 1e-5)])
def test_stacks_find_their_law_in_the_users_units(sizes: tuple[float, float]) -> None:
    turn = next(t for t in turns(posed(sizes=sizes), SETTINGS) if t.name == "stacks")
    there = uniform(2, 50, 2, low=5, high=20)
    context = Context(SETTINGS, 0, (), lambda: False)
    for one in filter(None, turn.strategy.search(turn.problem, context)):
        assert one.restarts > 0
        assert one.is_snapped
        if np.allclose(one.circuit.evaluate(there * sizes), law(there), rtol=1e-7):
            return
    pytest.fail("the law is not among the candidates")


def test_cells_are_snapped_to_what_the_settings_allow() -> None:
    settings = replace(SETTINGS, ternary=True, constants=False, train_only=True)
    x = uniform(3, 150, 2)
    found = found_by("auto 2-1", problem_of(x, x[:, 0] * x[:, 1] + x[:, 0]), settings)
    assert found
    for one in found:
        for unit in one.circuit.units():
            assert abs(unit.constant) in (0.0, 1.0)
            assert {t.constant for t in unit.terms} <= {1.0}
            if unit.kind is not UnitKind.SUM:
                assert {abs(t.weight) for t in unit.terms} <= {1}


@pytest.mark.parametrize(
    ("cell", "name", "operation"),
    [
        (CellName.NAC, "nac 1", lambda a, b: a - b),
        (CellName.NALU, "nalu 1", lambda a, b: a + b),
        (CellName.NALU, "nalu 1", lambda a, b: a * b),
    ],
)
def test_a_published_cell_finds_an_operation_it_has(
    cell: CellName, name: str, operation: Callable[[Floats, Floats], Floats]
) -> None:
    x = uniform(1, 150, 2, low=1.0) * (3.0, 40.0)
    problem = problem_of(x, operation(x[:, 0], x[:, 1]))
    first = found_by(name, problem, replace(SETTINGS, cell=cell))[0]
    np.testing.assert_allclose(first.circuit.evaluate(problem.train.X), problem.train.y, rtol=1e-12)
