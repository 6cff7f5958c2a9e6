"""Sums of one sign on every row: sparse, whole where they may be, none where there is none."""

from __future__ import annotations

import numpy as np
import pytest
from tables import Floats, uniform

from nalu_cli.expression.tree import Column, Sum
from nalu_cli.rows import Rows
from nalu_cli.search.reductions.separating_sums import (
    Terms,
    columns_of_both_signs,
    signed_sums,
    sum_node,
    sum_values,
)


def found(x: Floats) -> Terms | None:
    return next((terms for terms, _ in signed_sums(rows(x), 0)), None)


def rows(x: Floats) -> Rows:
    return Rows(x, np.ones(len(x)))


def test_a_sum_that_is_positive_on_every_row_is_sparse_and_whole() -> None:
    x = uniform(1, 1000, 5, low=-3, high=3)
    terms = found(x[x[:, 1] > 3 * x[:, 4]])
    assert terms is not None
    assert {e: c for c, e in terms} == {(0, 1, 0, 0, 0): 1.0, (0, 0, 0, 0, 1): -3.0}


def test_monomials_of_two_columns_are_tried_where_columns_do_not_do() -> None:
    x = uniform(2, 1000, 3, low=-3, high=3) * np.array([1e-9, 1.0, 1e9])
    terms = found(x[x[:, 0] * x[:, 2] > x[:, 1]])
    assert terms is not None
    assert {e: c for c, e in terms} == {(1, 0, 1): 1.0, (0, 1, 0): -1.0}


def test_columns_of_both_signs_may_multiply_it() -> None:
    x = uniform(7, 1600, 4, low=-3, high=3)
    x = x[(x[:, 0] - x[:, 1]) * x[:, 3] > 0]
    terms, others = next(signed_sums(rows(x), 2))
    assert {e: c for c, e in terms} == {(1, 0, 0, 0): 1.0, (0, 1, 0, 0): -1.0}
    assert others == (3,)


def test_real_numbers_stay_what_they_are() -> None:
    x = uniform(3, 4000, 2, low=-3, high=3)
    terms = found(x[x[:, 0] > 0.4142 * x[:, 1]])
    assert terms is not None
    c = {e: c for c, e in terms}
    assert c[0, 1] / c[1, 0] == pytest.approx(-0.4142, abs=0.01)


@pytest.mark.parametrize("name", ["everywhere", "one sign", "few rows", "many columns"])
def test_other_rows_have_no_sum(name: str) -> None:
    x = uniform(4, 80 if name == "few rows" else 1000, 14 if name == "many columns" else 4, low=-3)
    if name == "one sign":
        x = np.abs(x)
    elif name != "everywhere":
        x = x[x[:, 0] > x[:, 1]]
    assert found(x) is None


def test_a_sum_is_a_tree_and_its_values() -> None:
    terms = ((2.0, (1, 0)), (-1.0, (0, 2)), (5.0, (0, 0)))
    x = uniform(6, 30, 2)
    np.testing.assert_allclose(sum_values(terms, x), 2 * x[:, 0] - x[:, 1] ** 2 + 5)
    tree = sum_node(terms)
    assert isinstance(tree, Sum)
    assert tree.offset == 5.0
    assert (2.0, Column(0)) in tree.terms


def test_a_column_of_one_sign_is_none_of_both() -> None:
    x = np.array([[1.0, -1.0, 0.0, -2.0], [2.0, 3.0, 1.0, -1.0]])
    assert columns_of_both_signs(x) == [1]
