"""Edits of formulas: what they leave alone, and that a tidy formula computes the same."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from strategies import circuits
from tables import uniform

from nalu_cli.circuit import Circuit
from nalu_cli.expression.canonical import expression_of
from nalu_cli.expression.edits import (
    bent,
    largest_power,
    length_of,
    shorter,
    skeleton,
    tidy,
    with_node,
    with_shared_coefficients,
)
from nalu_cli.expression.fitted_tree import spots
from nalu_cli.expression.tree import Column, Node, Number, Product, Sum, nodes

ONE, HALF = Fraction(1), Fraction(1, 2)
A, B, C = Column(0), Column(1), Column(2)
ROOT = Product(((A, ONE), (Sum(((2.0, B), (-4.0, C)), 6.0), HALF)), 3.0)
LAW = Sum(((5.0, ROOT), (1.0, B)), 7.0)


def values(tree: Node, X: np.ndarray) -> np.ndarray:
    return spots(tree, X, np.ones(len(X))).value


def test_a_node_is_replaced_where_the_path_leads() -> None:
    changed = with_node(LAW, (0, 1, 1), lambda node: Product(((node, ONE), (A, ONE)), 1.0))
    inside = Sum(((2.0, B), (-4.0, Product(((C, ONE), (A, ONE)), 1.0))), 6.0)
    assert changed == Sum(((5.0, Product(((A, ONE), (inside, HALF)), 3.0)), (1.0, B)), 7.0)
    assert with_node(LAW, (), lambda _: A) == A


def test_no_path_leads_below_a_column() -> None:
    with pytest.raises(ValueError, match="below"):
        with_node(LAW, (1, 0), lambda node: node)


@given(circuits())
def test_a_tidy_formula_computes_the_same(circuit: Circuit) -> None:
    tree = expression_of(circuit)
    X = uniform(3, 30, circuit.n_columns)
    before, after = values(tree, X), values(tidy(tree), X)
    usual = np.isfinite(before) & (np.abs(before) < 1e6)
    np.testing.assert_allclose(after[usual], before[usual], rtol=1e-6, atol=1e-6)


def test_tidy_sums_in_products_lead_with_one() -> None:
    tree = tidy(LAW)
    assert isinstance(tree, Sum)
    coefficient, root = tree.terms[0]
    assert coefficient == pytest.approx(15 * 2**0.5)
    assert isinstance(root, Product)
    assert root.scale == 1
    assert (Sum(((1.0, B), (-2.0, C)), 3.0), HALF) in root.factors


def test_a_skeleton_has_no_numbers_of_its_own() -> None:
    other = Sum(((2.0, Product(ROOT.factors, 8.0)), (-1.0, B)), 0.5)
    assert skeleton(LAW) == skeleton(other)
    assert skeleton(LAW) != skeleton(Sum(other.terms, 0.0))
    assert skeleton(Number(3.0)) == skeleton(Number(4.0))


def test_every_shorter_formula_is_shorter_and_all_are_there() -> None:
    found = list(shorter(LAW))
    assert all(length_of(tree) < length_of(LAW) for tree in found)
    # three parts of the sum, two factors, three parts of the sum under the root
    assert len(set(found)) == 8


def test_only_powers_of_sums_are_bent_and_not_far() -> None:
    found = list(bent(LAW))
    powers = {
        e
        for tree in found
        for node in nodes(tree)
        if isinstance(node, Product)
        for inner, e in node.factors
        if isinstance(inner, Sum)
    }
    # from 1/2 to 0 would leave nothing, and a power of 1 is a sum like any other
    assert powers == {Fraction(-1, 2), ONE, Fraction(3, 2)}


def test_terms_with_similar_coefficients_share_one() -> None:
    c = Column(2)
    tree = Sum(((0.3, A), (-0.31, B), (2.0, c)), 0.5)
    pair = Sum(((1.0, A), (-0.31 / 0.3, B)), 0.0)
    assert list(with_shared_coefficients(tree)) == [Sum(((2.0, c), (0.3, pair)), 0.5)]
    assert list(with_shared_coefficients(Sum(((0.3, A), (-0.31, B)), 0.0))) == [
        Product(((pair, ONE),), 0.3)
    ]
    inside = Product(((A, ONE), (tree, HALF)), 2.0)
    assert list(with_shared_coefficients(inside)) == [
        Product(((A, ONE), (Sum(((2.0, c), (0.3, pair)), 0.5), HALF)), 2.0)
    ]
    assert not list(with_shared_coefficients(Sum(((1.0, A), (1.0, B)), 0.0)))


def test_the_largest_power_is_that_of_a_sum() -> None:
    assert largest_power(LAW) == HALF
    assert largest_power(Product(((A, Fraction(6)),), 1.0)) == 1
    bracket = Sum(((2.0, ROOT),), 1.0)
    assert largest_power(Sum(((1.0, Product(((bracket, Fraction(-4)),), 1.0)),), 0.0)) == 4


def test_a_coefficient_of_one_costs_nothing() -> None:
    assert length_of(Sum(((1.0, A), (-1.0, B)), 0.0)) == 3
    assert length_of(Sum(((2.0, A), (-1.0, B)), 0.0)) == 5
