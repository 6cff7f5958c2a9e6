"""The rungs: linear algebra first, then stacks as the settings ask, in the units of the user."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
from tables import Floats, problem_of, uniform

from nalu_cli.circuit import UnitKind
from nalu_cli.problem import Problem
from nalu_cli.rows import Rows
from nalu_cli.search.candidate import Found
from nalu_cli.search.rungs import rungs_of
from nalu_cli.settings import CellName, FitSettings

SETTINGS = FitSettings()


def names(problem: Problem, settings: FitSettings, count: int = 20) -> list[str]:
    return [rung.name for rung in islice(rungs_of(problem, settings), count)]


def law(x: Floats) -> Floats:
    return x[:, 0] * x[:, 1] + 2.5 * x[:, 0]


def posed(low: float = 1.0, sizes: tuple[float, float] = (1.0, 1.0)) -> Problem:
    x = uniform(1, 150, 2, low=low)
    return problem_of(x * sizes, law(x))


def found_by(name: str, problem: Problem, settings: FitSettings = SETTINGS) -> list[Found]:
    rung = next(r for r in rungs_of(problem, settings) if r.name == name)
    return list(rung.search(lambda: False))


def test_linear_algebra_comes_first_and_can_be_left_out() -> None:
    shown = names(posed(), SETTINGS)
    assert shown[:4] == ["product", "sum", "product of sums", "algebraic"]
    assert "stacks" in shown
    for settings in (replace(SETTINGS, layers=2), replace(SETTINGS, train_only=True)):
        assert {n.split()[0] for n in names(posed(), settings)} == {"stacks", "auto"}


def test_a_printed_table_asks_stacks_first() -> None:
    problem = posed()
    rows = problem.train
    half = np.full(len(rows), 0.005)
    printed = replace(problem, train=Rows(rows.X, np.round(rows.y, 2), half))
    assert names(printed, SETTINGS)[0] == "stacks"


def test_stacks_come_again_with_other_starts() -> None:
    trained = islice(rungs_of(posed(), replace(SETTINGS, train_only=True)), 12)
    stacks = [rung for rung in trained if rung.name == "stacks"]
    assert [rung.cycle for rung in stacks] == list(range(len(stacks)))
    assert len(stacks) > 1


@pytest.mark.parametrize("layers", [1, 2, 3, 4, 5])
def test_stacks_have_as_many_layers_as_asked_for(layers: int) -> None:
    rungs = islice(rungs_of(posed(), replace(SETTINGS, layers=layers)), 8)
    cells = [rung.name for rung in rungs if rung.name != "stacks"]
    assert all(len(name.split()[1].split("-")) == layers for name in cells)
    stacks = next(r for r in rungs_of(posed(), replace(SETTINGS, layers=layers)))
    found = islice(stacks.search(lambda: False), 3)
    assert all(len(one.circuit.layers) <= layers for one in found)


def test_a_published_cell_is_trained_alone() -> None:
    shown = names(posed(), replace(SETTINGS, cell=CellName.NAC), 6)
    assert all(n.startswith("nac") for n in shown)


@pytest.mark.parametrize("sizes", [(1.0, 1.0), (1e6, 1e-5)])
def test_a_trained_rung_finds_its_law_in_the_users_units(sizes: tuple[float, float]) -> None:
    rung = next(r for r in rungs_of(posed(sizes=sizes), SETTINGS) if r.name == "stacks")
    there = uniform(2, 50, 2, low=5, high=20)
    for one in rung.search(lambda: False):
        assert one.restarts > 0
        assert one.is_snapped
        if np.allclose(one.circuit.evaluate(there * sizes), law(there), rtol=1e-7):
            return
    pytest.fail("the law is not among the offers")


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


def test_a_rung_told_to_stop_ends_without_an_error() -> None:
    for rung in islice(rungs_of(posed(), SETTINGS), 6):
        assert all(isinstance(one, Found) for one in rung.search(lambda: True))


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
