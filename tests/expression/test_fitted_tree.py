"""Formulas on rows: the same values as their circuits, slopes as differences give, good fits."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from strategies import circuits
from tables import uniform

from nalu_cli.circuit import Circuit
from nalu_cli.expression.canonical import expression_of
from nalu_cli.expression.edits import with_node
from nalu_cli.expression.fitted_tree import (
    constants,
    fit_tree,
    homes,
    jacobian,
    spots,
    with_constants,
)
from nalu_cli.expression.tree import Column, Magnitude, Number, Product, Sum
from nalu_cli.rows import Rows

ONE, HALF = Fraction(1), Fraction(1, 2)
A, B, C = Column(0), Column(1), Column(2)
ROOT = Product(((A, ONE), (Sum(((2.0, B), (3.0, C)), 6.0), HALF)), 1.0)
LAW = Sum(((5.0, ROOT), (-2.0, Magnitude(Sum(((1.5, B), (-2.0, C)), 0.0)))), 7.0)
NAMES = [5.0, 2.0, 3.0, 6.0, -2.0, 1.5, -2.0, 7.0]


@given(circuits())
def test_a_tree_computes_what_its_circuit_computes(circuit: Circuit) -> None:
    X = uniform(3, 30, circuit.n_columns)
    expected = circuit.evaluate(X)
    found = spots(expression_of(circuit), X, np.ones(len(X))).value
    usual = np.isfinite(expected) & (np.abs(expected) < 1e6)
    np.testing.assert_allclose(found[usual], expected[usual], rtol=1e-6, atol=1e-6)


def test_constants_are_listed_and_put_back_in_one_order() -> None:
    assert constants(LAW) == NAMES
    assert with_constants(LAW, iter(NAMES)) == LAW
    doubled = with_constants(LAW, iter([2 * v for v in NAMES]))
    assert constants(doubled) == [2 * v for v in NAMES]
    assert constants(Number(4.0)) == [4.0]


def test_a_constant_belongs_to_the_term_it_stands_before() -> None:
    assert homes(LAW) == [(0,), (0, 1, 0), (0, 1, 1), (0, 1), (1,), (1, 0, 0), (1, 0, 1), ()]


POWER = Sum(((0.7, Product(((Sum(((2.0, A), (3.0, B)), 0.5), Fraction(4, 5)),), 1.0)),), 0.3)


@pytest.mark.parametrize("law", [LAW, POWER])
def test_slopes_in_constants_are_those_of_differences(law: Sum) -> None:
    X = uniform(4, 25, 3)
    weights = np.linspace(1, 2, 25)
    J = jacobian(spots(law, X, weights))
    names = constants(law)
    for k, value in enumerate(names):
        step = 1e-6 * abs(value)
        ends = []
        for sign in (1, -1):
            moved = [v + sign * step * (j == k) for j, v in enumerate(names)]
            ends.append(spots(with_constants(law, iter(moved)), X, weights).value)
        np.testing.assert_allclose(
            J[:, k], weights * (ends[0] - ends[1]) / (2 * step), rtol=1e-5, atol=1e-6
        )


def test_slopes_at_nodes_are_those_of_differences() -> None:
    X = uniform(5, 25, 3)
    one = np.ones(len(X))
    for spot, parent in spots(LAW, X, one).with_parents():
        assert (parent is None) == (spot.path == ())
        ends = [
            spots(with_node(LAW, spot.path, lambda n, h=h: Sum(((1.0, n),), h)), X, one).value
            for h in (1e-6, -1e-6)
        ]
        np.testing.assert_allclose(spot.slope, (ends[0] - ends[1]) / 2e-6, rtol=1e-4, atol=1e-6)


def test_constants_of_clean_rows_are_found() -> None:
    X = uniform(6, 100, 3)
    y = spots(LAW, X, np.ones(100)).value
    start = with_constants(LAW, iter([1.2 * v for v in NAMES]))
    fitted = fit_tree(start, Rows(X, y), np.ones(100), steps=50)
    assert fitted is not None
    assert fitted.misfit < 1e-12 * float(np.sum(y**2))


def test_products_of_columns_that_stand_in_several_places_have_one_value() -> None:
    X = uniform(9, 200, 3)
    both = Product(((A, ONE), (B, -ONE)), 1.0)
    root = Product(((Sum(((1.5, both), (0.5, C)), 1.0), HALF),), 1.0)
    tree = Sum(((3.0, both), (2.0, Product(((root, ONE), (both, ONE)), 1.0))), 0.25)
    a, b, c = X.T
    y = 2.5 * a / b + 4 * np.sqrt(1.2 * a / b + 0.7 * c + 1.4) * a / b + 0.6
    fitted = fit_tree(tree, Rows(X, y), np.ones(200), steps=30)
    assert fitted is not None
    np.testing.assert_allclose(spots(fitted.node, X, np.ones(200)).value, y, rtol=1e-9)
    assert fitted.misfit < 1e-18


def test_rows_that_weigh_more_are_fitted_more_closely() -> None:
    X = np.ones((2, 1))
    weights = np.array([1.0, 3.0])
    fitted = fit_tree(Number(5.0), Rows(X, np.array([0.0, 10.0])), weights)
    assert fitted is not None
    assert constants(fitted.node) == [pytest.approx(9.0)]
    assert fitted.misfit == pytest.approx(9.0**2 + 3.0**2)


def test_a_formula_undefined_on_a_row_has_no_fit() -> None:
    root = Product(((Sum(((1.0, A),), -2.0), HALF),), 1.0)
    assert fit_tree(root, Rows(np.array([[1.0], [3.0]]), np.ones(2)), np.ones(2)) is None
    pole = Product(((A, -ONE),), 1.0)
    assert fit_tree(pole, Rows(np.array([[0.0], [3.0]]), np.ones(2)), np.ones(2)) is None


def test_of_two_formulas_that_fit_alike_the_shorter_scores_better() -> None:
    X = uniform(7, 50, 2)
    rows = Rows(X, X[:, 0] + 0.1 * np.random.default_rng(8).standard_normal(50))
    short = fit_tree(Sum(((1.1, A),), 0.0), rows, np.ones(50))
    long = fit_tree(Sum(((1.1, A), (0.1, B)), 0.0), rows, np.ones(50))
    assert short is not None
    assert long is not None
    assert long.misfit < short.misfit
    assert short.score < long.score


def test_a_constant_without_effect_stays_where_it_is() -> None:
    """Two numbers before one factor: only their product is known."""
    tree = Sum(((2.0, Product(((A, ONE),), 3.0)),), 0.0)
    X = uniform(9, 20, 1)
    fitted = fit_tree(tree, Rows(X, 12 * X[:, 0]), np.ones(20))
    assert fitted is not None
    assert fitted.misfit < 1e-10
    nothing = Sum(((1.0, A), (5.0, Sum(((1.0, A), (-1.0, A)), 0.0))), 0.0)
    fitted = fit_tree(nothing, Rows(X, 2 * X[:, 0]), np.ones(20))
    assert fitted is not None
    assert fitted.misfit < 1e-10


def test_a_scale_may_become_one_on_the_way() -> None:
    tree = Sum(((2.0, Product(((A, ONE), (B, ONE)), 0.75)), (1.0, C)), 0.0)
    X = np.array([[1.0, 2.0, 4.0], [2.0, 2.0, 1.0], [4.0, 1.0, 2.0], [3.0, 2.0, 8.0]])
    fitted = fit_tree(tree, Rows(X, 2 * X[:, 0] * X[:, 1] + 3 * X[:, 2]), np.ones(4), steps=50)
    assert fitted is not None
    assert fitted.misfit < 1e-18
