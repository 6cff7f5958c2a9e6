"""A factor that changes its sign: told by the signs of the targets, divided out, and put back."""

from __future__ import annotations

import numpy as np
import pytest
from tables import Floats, problem_of, uniform

from nalu_cli.circuit import Circuit
from nalu_cli.linear import sum_rung
from nalu_cli.rung import with_factors
from nalu_cli.vanishing import OverSum, over_sum
from nalu_cli.workbench import Found


def welch(x: Floats) -> Floats:
    a, b, s, t = x.T
    return (a - b) / np.sqrt(s + t)


def question(x: Floats, y: Floats) -> OverSum:
    found = over_sum(problem_of(x, y))
    assert found is not None
    return found


def test_the_sum_is_divided_out() -> None:
    x = uniform(1, 500, 4, low=1, high=5)
    part = question(x, welch(x))
    rows = part.problem.train
    np.testing.assert_allclose(np.abs(rows.y), 1 / np.sqrt(rows.X[:, 2] + rows.X[:, 3]))
    np.testing.assert_allclose(np.median(part.sizes), 1.0)


def test_factors_of_what_is_left_are_pulled_out_too() -> None:
    x = uniform(2, 500, 4, low=1, high=5)
    a, b, s, t = x.T
    part = question(x, (a + b - 2 * s) * t**2 / (1 + a * b))
    factored, whole = with_factors(part)
    assert whole is part
    assert factored.said == "times factors times a sum"
    rows = problem_of(x, x[:, 0]).train
    left = np.abs(rows.X[:, 0] + rows.X[:, 1] - 2 * rows.X[:, 2]) * rows.X[:, 3] ** 2
    assert factored.sizes is not None
    # errors of the target are divided by the sum and by the factors
    np.testing.assert_allclose(np.ptp(np.log(factored.sizes / left)), 0, atol=1e-9)


def test_an_answer_is_lifted_to_the_whole() -> None:
    x = uniform(3, 500, 4, low=1, high=5)
    part = question(x, welch(x))
    there = uniform(4, 50, 4, low=10, high=40)
    offers = [part.lift(Found(c)).circuit for c in sum_rung(part.problem.train, part.sizes)]
    assert min(errors(c, there) for c in offers) < 1e-9


def errors(circuit: Circuit, there: Floats) -> float:
    return float(np.max(np.abs(circuit.evaluate(there) - welch(there))))


def test_columns_of_both_signs_may_stand_beside_the_sum() -> None:
    x = uniform(5, 800, 3, low=-4, high=4)
    a, b, c = x.T
    part = question(x, c * (a - 2 * b) / (3 + a**2 + b**2))
    terms = {e: coefficient for coefficient, e in part.terms}
    assert set(terms) == {(1, 0, 0), (0, 1, 0)}
    assert terms[0, 1, 0] == -2 * terms[1, 0, 0]


@pytest.mark.parametrize("name", ["one sign", "no sum", "noise", "a real number", "few rows"])
def test_other_signs_are_left_alone(name: str) -> None:
    n = 60 if name == "few rows" else 500
    x = uniform(6, n, 3, low=-4, high=4)
    a, b, c = x.T
    y = {
        "one sign": (a - b) ** 2 + 1,
        "no sum": a * b * c,
        "noise": np.random.default_rng(7).normal(size=n),
        "a real number": (a - 1.2345 * b) / (9 + c**2),
        "few rows": (a - b) / (9 + c**2),
    }[name]
    assert over_sum(problem_of(x, y)) is None
