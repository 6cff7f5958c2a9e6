"""A product that the target nearly is: taken away, asked about without it, and put back."""

from __future__ import annotations

import numpy as np
import pytest
from tables import Floats, problem_of, uniform

from nalu_cli.algebraic import relations
from nalu_cli.leading import Beside, beside_product
from nalu_cli.rung import with_factors
from nalu_cli.workbench import Found


def law(x: Floats) -> Floats:
    a, b, c, d = x.T
    return a * b * d / c**2 - 0.08 * a**2 * c * d / (d**2 - c**2) ** 2


def columns(seed: int) -> Floats:
    return uniform(seed, 1000, 4, low=1, high=3) + np.array([0, 0, 0, 3])


def question() -> Beside:
    x = columns(1)
    found = beside_product(problem_of(x, law(x)))
    assert found is not None
    return found


def test_what_is_left_is_asked() -> None:
    part = question()
    a, _, c, d = part.problem.train.X.T
    left = -0.08 * a**2 * c * d / (d**2 - c**2) ** 2
    np.testing.assert_allclose(part.problem.train.y, left, rtol=1e-14 * part.rounding)


def test_an_answer_to_what_is_left_is_lifted_to_the_whole() -> None:
    factored, whole = with_factors(question())
    rows = factored.problem.train
    assert rows.X.shape[1] == whole.problem.train.X.shape[1] - 1
    there = uniform(2, 50, 4, low=4, high=5) + np.array([0, 0, 0, 9])
    relation = next(relations(rows, rounding=question().rounding))
    lifted = [factored.lift(Found(circuit)).circuit for circuit in relation.circuits(rows)]
    errors = [float(np.max(np.abs(c.evaluate(there) / law(there) - 1))) for c in lifted]
    assert min(errors) < 1e-9


def test_rows_with_less_left_are_not_asked() -> None:
    x = columns(1)
    problem = problem_of(x, law(x))
    a, b, c, d = problem.train.X.T
    share = np.abs(problem.train.y - a * b * d / c**2) / np.abs(problem.train.y)
    asked = question().problem.train
    np.testing.assert_array_equal(asked.X, problem.train.X[share >= np.median(share)])


@pytest.mark.parametrize(
    "name", ["nothing is left", "half is left", "no whole number", "targets of zero"]
)
def test_where_no_product_leads_nothing_is_taken_away(name: str) -> None:
    x = columns(3)
    a, b, c, d = x.T
    y = {
        "nothing is left": 2 * a * b / c,
        "half is left": a * b + c * d + 1 / (c - 4),
        "no whole number": 0.37 * a * b * d / c**2 - 0.001 * a / d,
        "targets of zero": np.zeros(len(x)),
    }[name]
    assert beside_product(problem_of(x, y)) is None
