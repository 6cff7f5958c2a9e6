"""Columns that only multiply: found, divided out, and put back."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from tables import Floats, problem_of, uniform

from nalu_cli.answer import Move
from nalu_cli.circuit import Circuit, Term, Unit, UnitKind
from nalu_cli.search.candidate import Candidate
from nalu_cli.search.reductions.divide_by_monomial import divided

RATIO = Circuit(2, ((Unit(UnitKind.SUM, (Term(0, Fraction(1)), Term(1, Fraction(1))), 2.0),),))
"""c + d + 2, of the columns c and d alone"""


def law(x: Floats) -> Floats:
    return x[:, 0] * x[:, 1] ** -2 * (x[:, 2] + x[:, 3] + 2)


def test_factors_are_found_whatever_the_rest_is() -> None:
    x = uniform(1, 400, 4, low=0.5, high=3)
    (part,) = divided(problem_of(x, law(x)))
    assert part.exponents == (1, -2, 0, 0)
    rest = part.problem.train
    np.testing.assert_allclose(rest.y, rest.X.sum(axis=1) + 2)
    assert part.problem.names == ("c", "d")


def test_what_is_lifted_is_the_law_of_all_columns() -> None:
    x = uniform(2, 400, 4, low=0.5, high=3)
    (part,) = divided(problem_of(x, law(x)))
    lifted = part.lift(Candidate(RATIO, (Move(0, 0, "c", 0.99, 1.0, 1e-6),), 7))
    there = uniform(3, 30, 4, low=5, high=50)
    np.testing.assert_allclose(lifted.circuit.evaluate(there), law(there))
    assert lifted.restarts == 7
    assert [(m.layer, m.source, m.snapped) for m in lifted.moves] == [
        (0, "c", 1.0),
        (1, "a", 1.0),
        (1, "b", -2.0),
    ]


def test_factors_of_both_signs_keep_them() -> None:
    x = uniform(4, 400, 3, low=-3, high=3)
    x[:, 1:] = np.abs(x[:, 1:]) + 0.5
    y = x[:, 0] * (x[:, 1] + x[:, 2])
    part = divided(problem_of(x, y))[0]
    assert part.exponents[0] == 1
    assert (part.problem.train.y > 0).all()


def test_a_column_whose_slope_is_whole_by_chance_is_no_factor() -> None:
    """The slope of h is close to 1, but changes with h and with w."""
    x = uniform(6, 1000, 3) * [8, 2.8, 4] + [1, 0.2, 1]
    w, h, n = x.T
    (part,) = divided(problem_of(x, (w * h / (w + 2 * h)) ** 1.5 / n))
    assert part.exponents == (0, 0, -1)


@pytest.mark.parametrize("noise", [0.0, 0.01])
def test_factors_of_a_rest_that_has_poles_are_found(noise: float) -> None:
    """A few rows close to the pole weigh more than all others."""
    x = uniform(7, 1000, 4, low=1, high=2) + np.array([0, 0, 0, 1.5])
    a, b, c, d = x.T
    y = a * b**2 * c**4 / (d**2 - c**2) ** 2
    y = y + noise * np.std(y) * np.random.default_rng(8).normal(size=len(y))
    assert divided(problem_of(x, y))[0].exponents == (1, 2, 0, 0)


@pytest.mark.parametrize("name", ["all factors", "no factor", "zeros", "few rows"])
def test_no_factors_and_nothing_but_factors_are_not_divided(name: str) -> None:
    x = uniform(5, 5 if name == "few rows" else 300, 4, low=0.5, high=3)
    y = {
        "all factors": x.prod(axis=1),
        "no factor": x.sum(axis=1) + 40,
        "zeros": law(x),
        "few rows": law(x),
    }[name]
    if name == "zeros":
        x[7, 3] = 0.0
    assert divided(problem_of(x, y)) == ()
