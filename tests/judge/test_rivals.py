from __future__ import annotations

import numpy as np
import pytest
from answers import product
from tables import problem_of, uniform

from nalu_cli.circuit import Circuit
from nalu_cli.expression.text import formula_text
from nalu_cli.judge.judged import weigh
from nalu_cli.judge.rivals import rivals_of
from nalu_cli.problem import Problem

SQUARE = Circuit(2, ((product((0, 2), (1, 1)),),))


def measured(noise: float, low: float = 1.0, high: float = 1.6) -> Problem:
    X = uniform(0, 60, 2, low, high)
    factor = 1 + noise * np.random.default_rng(1).normal(size=60)
    return problem_of(X, SQUARE.evaluate(X) * factor)


def rivals(problem: Problem, circuit: Circuit = SQUARE, *others: Circuit):
    best, *rest = (weigh(c, problem, found_by="test") for c in (circuit, *others))
    return rivals_of([best, *rest], best, problem), best


def test_what_noise_hides_is_told_with_the_row_that_would_show_it() -> None:
    problem = measured(noise=0.2)
    found, best = rivals(problem)
    assert 1 <= len(found) <= 3
    rows = problem.all_rows()
    error = np.mean((SQUARE.evaluate(rows.X) - rows.y) ** 2)
    for rival in found:
        point = np.array([rival.point])
        assert rival.columns == (0, 1)
        assert rival.value == SQUARE.evaluate(point)[0]
        assert rival.rival_value == rival.circuit.evaluate(point)[0]
        assert abs(rival.value - rival.rival_value) > 2 * best.rmse
        assert np.mean((rival.circuit.evaluate(rows.X) - rows.y) ** 2) < 1.5 * error
        assert (point > 0).all()
        assert (point < 1.6 + 0.7).all()


def test_little_noise_or_a_wide_range_leaves_no_rival() -> None:
    assert rivals(measured(noise=0.001))[0] == ()
    assert rivals(measured(noise=0.05, low=0.1, high=50.0))[0] == ()


def test_a_candidate_that_fits_as_well_is_a_rival_and_one_that_does_not_is_none() -> None:
    problem = measured(noise=0.2)
    other = Circuit(2, ((product((0, 1), (1, 2)),),))
    wrong = Circuit(2, ((product((0, -2), (1, 2)),),))
    found, _ = rivals(problem, SQUARE, other, wrong)
    assert wrong not in [rival.circuit for rival in found]


def test_switches_that_are_zero_or_one_have_exact_rivals() -> None:
    X = uniform(2, 40, 2)
    X[:, 1] = np.arange(40) % 2
    linear = Circuit(2, ((product((0, 1), (1, 1)),),))
    found, best = rivals(problem_of(X, linear.evaluate(X)), linear)
    assert best.is_exact
    assert "a*b**2" in {formula_text(rival.circuit, ["a", "b"]) for rival in found}
    for rival in found:
        assert rival.value == pytest.approx(linear.evaluate(np.array([rival.point]))[0])
        assert rival.value != pytest.approx(rival.rival_value)


def test_a_constant_has_no_rivals() -> None:
    X = uniform(3, 30, 2)
    constant = Circuit(2, ((product(scale=2.0),),))
    assert rivals(problem_of(X, np.full(30, 2.0)), constant)[0] == ()
