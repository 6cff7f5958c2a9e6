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
from nalu_cli.rungs import rungs_of
from nalu_cli.settings import CellName, FitSettings
from nalu_cli.workbench import Found

SETTINGS = FitSettings()


def names(problem: Problem, settings: FitSettings, count: int = 30) -> list[str]:
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
    assert names(posed(), SETTINGS)[:4] == ["product", "sum", "product of sums", "algebraic"]
    assert all(n.startswith("trained") for n in names(posed(), replace(SETTINGS, layers=2)))
    trained = names(posed(), replace(SETTINGS, train_only=True), 60)
    assert trained[0].startswith("trained")
    assert {n for n in trained if not n.startswith("trained")} == {"grown", "grown times factors"}


def test_quick_stacks_are_trained_before_anything_is_grown_and_once() -> None:
    shown = names(posed(), SETTINGS, 60)
    first_cycle = shown[: shown.index("trained product(4) sum(2) product")]
    for quick in ("trained product(2) sum", "trained product(3) sum"):
        assert shown.index(quick) < shown.index("grown")
        # later there is one whose sum reads the columns too
        assert first_cycle.count(quick) == 2


@pytest.mark.parametrize("layers", [1, 2, 3, 4])
def test_stacks_have_as_many_layers_as_asked_for(layers: int) -> None:
    shown = names(posed(), replace(SETTINGS, layers=layers))
    assert {len(n.split()) - 1 for n in shown} == {layers}


def test_a_published_cell_is_trained_alone() -> None:
    shown = names(posed(), replace(SETTINGS, cell=CellName.NAC), 6)
    assert all(n.startswith("nac") for n in shown)


@pytest.mark.parametrize("sizes", [(1.0, 1.0), (1e6, 1e-5)])
def test_a_trained_rung_finds_its_law_in_the_users_units(sizes: tuple[float, float]) -> None:
    found = found_by("trained product(2) sum", posed(sizes=sizes))
    there = uniform(2, 50, 2, low=5, high=20)
    assert any(
        np.allclose(one.circuit.evaluate(there * sizes), law(there), rtol=1e-7) for one in found
    )
    assert sum(one.restarts for one in found) > 0
    assert all(one.moves for one in found)


def test_ternary_circuits_have_no_other_exponents() -> None:
    for one in found_by("trained product(2) sum", posed(), replace(SETTINGS, ternary=True)):
        for unit in one.circuit.units():
            if unit.kind is not UnitKind.SUM:
                assert {abs(t.weight) for t in unit.terms} <= {1}


def test_without_constants_circuits_have_none() -> None:
    settings = replace(SETTINGS, constants=False, train_only=True)
    x = uniform(3, 150, 2)
    problem = problem_of(x, x[:, 0] * x[:, 1] + x[:, 0])
    found = found_by("trained product(2) sum", problem, settings)
    assert found
    for one in found:
        for unit in one.circuit.units():
            assert abs(unit.constant) in (0.0, 1.0)
            assert {t.constant for t in unit.terms} <= {1.0}


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
