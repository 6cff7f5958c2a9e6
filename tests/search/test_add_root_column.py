"""Roots that the rows give away: found by the signs of the columns alone, and put back."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from tables import Floats, problem_of, uniform

from nalu_cli.circuit import Circuit, Term, Unit, UnitKind
from nalu_cli.problem import Problem
from nalu_cli.search.candidate import Candidate
from nalu_cli.search.reductions.add_root_column import ADD_IMPLIED_ROOT, ADD_ROOT_OF_SIGNS
from nalu_cli.search.reductions.root_evidence import other_roots_of, roots_of
from nalu_cli.search.relations.null_space import relations
from nalu_cli.search.schedule import ROOT_OF_SIGNS


def defined(inside: Floats, x: Floats) -> Floats:
    """The rows where there is a root."""
    return x[inside > 0]


def posed(x: Floats, y: Floats | None = None) -> Problem:
    """The target plays no part in what is found."""
    return problem_of(x, uniform(9, len(x), 1)[:, 0] if y is None else y)


def test_a_difference_that_is_never_negative_is_no_accident() -> None:
    x = uniform(1, 1000, 3, low=-10, high=10)
    x = defined(x[:, 0] - x[:, 2], x)
    (root,) = roots_of(posed(x))
    assert root.terms == ((1.0, (1, 0, 0)), (-1.0, (0, 0, 1)))
    assert root.signs == ()
    np.testing.assert_allclose(root.values(x), np.sqrt(x[:, 0] - x[:, 2]))


def test_coefficients_are_found_as_closely_as_the_rows_tell() -> None:
    x = uniform(2, 1500, 2, low=-10, high=10)
    x = defined(x[:, 0] + 0.4 * x[:, 1], x)
    (root,) = roots_of(posed(x))
    assert {m: c for c, m in root.terms} == pytest.approx({(1, 0): 1.0, (0, 1): 0.4}, rel=0.03)


def test_the_sign_of_a_sum_is_that_of_other_columns() -> None:
    x = uniform(3, 3000, 5, low=-10, high=10)
    x = defined((x[:, 3] + x[:, 4] - x[:, 0]) * x[:, 0] * x[:, 1], x)
    times, over = roots_of(posed(x))
    assert times.terms == over.terms
    assert {m.index(1): abs(c) for c, m in times.terms} == {0: 1, 3: 1, 4: 1}
    assert times.signs == over.signs == (0, 1)
    inside = np.abs(x[:, 3] + x[:, 4] - x[:, 0])
    outside = np.abs(x[:, 0] * x[:, 1])
    np.testing.assert_allclose(times.values(x), np.sqrt(inside * outside))
    np.testing.assert_allclose(over.values(x), np.sqrt(inside / outside))


def test_products_of_two_columns_stand_under_roots_too() -> None:
    x = uniform(7, 2000, 4, low=-10, high=10)
    x = defined(x[:, 0] - x[:, 1] - 2 * x[:, 2] * x[:, 3], x)
    (root,) = roots_of(posed(x))
    assert {m: c for c, m in root.terms} == {(1, 0, 0, 0): 1, (0, 1, 0, 0): -1, (0, 0, 1, 1): -2}


@pytest.mark.parametrize("name", ["everywhere", "one sign", "few rows", "another boundary"])
def test_rows_from_everywhere_give_nothing_away(name: str) -> None:
    x = uniform(4, 40 if name == "few rows" else 1000, 4, low=-10, high=10)
    if name == "one sign":
        x = np.abs(x) + 1
    elif name == "few rows":
        x = defined(x[:, 0] - x[:, 1], x)
    elif name == "another boundary":
        x = defined(x[:, 0] ** 2 + x[:, 1] ** 2 - 90, x)
    assert roots_of(posed(x)) == ()


def test_what_is_found_with_the_root_as_a_column_is_put_in_the_columns_there_are() -> None:
    x = uniform(5, 1000, 3, low=-10, high=10)
    x = defined(x[:, 0] * (x[:, 1] - x[:, 2]), x)
    y = x[:, 1] * np.sqrt(x[:, 0] * (x[:, 1] - x[:, 2]))
    times = next(iter(ADD_ROOT_OF_SIGNS.reduce(posed(x, y))))
    assert times.problem.train.X.shape[1] == 4
    one = Fraction(1)
    law = Circuit(4, ((Unit(UnitKind.PRODUCT, (Term(1, one), Term(3, one)), 1.0),),))
    np.testing.assert_allclose(law.evaluate(times.problem.train.X), times.problem.train.y)
    lifted = times.lift(Candidate(law, (), 7))
    assert lifted.circuit.n_columns == 3
    assert lifted.restarts == 7
    np.testing.assert_allclose(lifted.circuit.evaluate(x), y)
    squared = Circuit(4, ((Unit(UnitKind.PRODUCT, (Term(3, Fraction(2)),), 1.0),),))
    again = times.lift(Candidate(squared)).circuit
    np.testing.assert_allclose(again.evaluate(x), x[:, 0] * (x[:, 1] - x[:, 2]))
    # no root remains that could be undefined elsewhere
    assert np.isfinite(again.evaluate(-np.abs(x) * [1, 1, 2])).all()


def test_factors_are_pulled_out_of_the_question_with_a_root() -> None:
    x = uniform(6, 1000, 3, low=-10, high=10)
    x = defined(x[:, 0] - x[:, 1], x)
    root = np.sqrt(x[:, 0] - x[:, 1])
    y = x[:, 2] ** 3 * (root + 7)
    parts = list(ROOT_OF_SIGNS.reduce(posed(x, y)))
    assert [part.name for part in parts] == ["times factors with a root", "with a root"]
    part = parts[0]
    assert part.problem.train.weights is not None
    one = Fraction(1)
    inner = Circuit(
        part.problem.train.X.shape[1],
        ((Unit(UnitKind.SUM, (Term(part.problem.names.index("root"), one),), 7.0),),),
    )
    np.testing.assert_allclose(part.lift(Candidate(inner)).circuit.evaluate(x), y)


def others(x: Floats) -> list[tuple[object, ...]]:
    return [(root.terms, root.signs, root.over) for root in other_roots_of(posed(x))]


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_product_that_never_changes_sign_is_no_accident(sign: float) -> None:
    x = uniform(8, 1000, 4, low=-10, high=10)
    x = defined(sign * x[:, 1] * x[:, 3], x)
    first = ((sign, (0, 1, 0, 0)),)
    assert others(x) == [(first, (3,), False), (first, (3,), True)]
    times, over = other_roots_of(posed(x))
    np.testing.assert_allclose(times.values(x), np.sqrt(np.abs(x[:, 1] * x[:, 3])))
    np.testing.assert_allclose(over.values(x), np.sqrt(np.abs(x[:, 1] / x[:, 3])))


def test_a_column_that_is_always_larger_than_another_is_no_accident() -> None:
    x = uniform(9, 3000, 3, low=0.1, high=10)
    assert others(defined(x[:, 0] - 2 * x[:, 2], x)) == [
        (((1.0, (1, 0, 0)), (-2.0, (0, 0, 1))), (), False)
    ]
    assert others(defined(x[:, 0] * x[:, 1] - x[:, 2] ** 2, x)) == [
        (((1.0, (1, 1, 0)), (-1.0, (0, 0, 2))), (), False)
    ]


@pytest.mark.parametrize("name", ["everywhere", "apart", "few rows", "a zero"])
def test_columns_that_are_larger_by_their_range_alone_give_nothing_away(name: str) -> None:
    x = uniform(10, 600, 3, low=1, high=4)
    if name == "apart":
        x[:, 0] += 3.01
    elif name == "few rows":
        x = defined(x[:, 0] - x[:, 1], x)[:50]
    elif name == "a zero":
        x = defined(x[:, 0] - x[:, 1], x)
        x[0, 1] = 0.0
    assert others(x) == []


def test_laws_with_such_roots_are_algebra_with_one_column_more() -> None:
    x = uniform(11, 2000, 3, low=-10, high=10)
    x = defined(x[:, 0] * x[:, 1], x)
    y = (x[:, 2] + np.sqrt(x[:, 0] * x[:, 1])) / (x[:, 0] + 3)
    times = next(iter(ADD_IMPLIED_ROOT.reduce(posed(x, y))))
    laws = [
        c
        for r in relations(times.problem.train, most_columns=100)
        for c in r.circuits(times.problem.train)
    ]
    values = [times.lift(Candidate(law)).circuit.evaluate(x) for law in laws]
    assert any(np.allclose(value, y, rtol=1e-9) for value in values)
