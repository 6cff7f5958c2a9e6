"""The square of the target as a question."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from tables import problem_of, uniform

from nalu_cli.circuit import Circuit, Term, Unit, UnitKind
from nalu_cli.squared import squared
from nalu_cli.workbench import Found


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_what_is_found_for_the_square_stands_under_a_root(sign: float) -> None:
    x = uniform(1, 200, 2)
    y = sign * np.sqrt(x[:, 0] / x[:, 1])
    part = squared(problem_of(x, y))
    assert part is not None
    train = part.problem.train
    np.testing.assert_allclose(train.y, train.X[:, 0] / train.X[:, 1])
    one = Fraction(1)
    law = Circuit(2, ((Unit(UnitKind.PRODUCT, (Term(0, one), Term(1, -one)), 1.0),),))
    lifted = part.lift(Found(law, (), 3))
    assert lifted.restarts == 3
    np.testing.assert_allclose(lifted.circuit.evaluate(x), y)


def test_large_targets_have_larger_errors_in_their_squares() -> None:
    x = uniform(2, 200, 1)
    part = squared(problem_of(x, 10 * x[:, 0]))
    assert part is not None
    root = np.sqrt(part.problem.train.y)
    np.testing.assert_allclose(part.sizes * root, np.median(part.sizes * root))


@pytest.mark.parametrize("name", ["both signs", "zero", "too large", "too small"])
def test_other_targets_are_not_squared(name: str) -> None:
    x = uniform(3, 100, 2)
    y = x[:, 0].copy()
    y[3] = {"both signs": -1.0, "zero": 0.0, "too large": 1e200, "too small": 1e-200}[name]
    assert squared(problem_of(x, y)) is None
