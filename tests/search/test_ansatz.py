"""Ansatzes: their sizes, their order, and monomials that are combinations of others."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from tables import uniform

from nalu_cli.rows import Rows
from nalu_cli.search.relations.ansatz import Ansatz, Basis, Variables, ansatzes

HALF, ONE = Fraction(1, 2), Fraction(1)


def plain(basis: Basis, degree: int, doubled: tuple[int, ...] = ()) -> Ansatz:
    return Ansatz(degree, 0, (Fraction(0), ONE), roots=False, basis=basis, doubled=doubled)


@pytest.mark.parametrize("basis", Basis)
@pytest.mark.parametrize("degree", range(4))
def test_sizes_are_those_of_the_monomials_written_out(basis: Basis, degree: int) -> None:
    ansatz = plain(basis, degree)
    for n in (1, 2, 5):
        exponents = ansatz.exponents(n, degree)
        assert 2 * len(exponents) == 2 * len(set(exponents)) == ansatz.size(n)
        assert list(map(sum, exponents)) == sorted(map(sum, exponents))


def test_single_columns_may_have_double_powers() -> None:
    ansatz = plain(Basis.TENSOR_PRODUCT, 1, (1,))
    assert np.max(ansatz.exponents(3, 1), axis=0).tolist() == [1, 2, 1]
    assert ansatz.size(3) == 2 * len(ansatz.exponents(3, 1)) == 24
    found = ansatzes(Rows(uniform(1, 900, 4), uniform(2, 900, 1)[:, 0]), 0, 400)
    assert {a.doubled for a in found if len(a.powers) == 2} >= {(), (0,), (3,), (0, 1), (2, 3)}


def test_ansatzes_come_smallest_first_and_none_is_too_large() -> None:
    rows = Rows(uniform(1, 300, 3), uniform(2, 300, 1)[:, 0])
    found = ansatzes(rows, 10, 100)
    sizes = [a.size(3) + 5 * a.roots for a in found]
    assert sizes == sorted(sizes)
    assert all(10 < a.size(3) <= 100 for a in found)
    assert len(set(found)) == len(found)
    assert {a.basis for a in found} == {Basis.TOTAL_DEGREE, Basis.TENSOR_PRODUCT}
    few = Rows(rows.X[:60], rows.y[:60])
    assert {a.basis for a in ansatzes(few, 0, 100)} == set(Basis)


def test_only_columns_that_are_never_negative_have_roots() -> None:
    X = uniform(3, 200, 3, low=1.0, high=4.0) * [1.0, -1.0, 1.0]
    roots = Variables.of(X, roots=True)
    assert roots.units == (HALF, ONE, HALF)
    np.testing.assert_allclose(roots.X, np.column_stack([X[:, 0] ** 0.5, X[:, 1], X[:, 2] ** 0.5]))
    columns = Variables.of(X, roots=False)
    assert columns.units == (ONE, ONE, ONE)
    assert columns.dependent == ()


def test_multiples_of_a_monomial_that_is_a_combination_of_others_are_left_out() -> None:
    X = uniform(4, 300, 3, low=1.0, high=4.0)
    root = np.sqrt(X[:, 0] * X[:, 1] + 2)
    variables = Variables.of(np.column_stack([X, root]), roots=False)
    assert variables.dependent == ((0, 0, 0, 2),)
    exponents = variables.exponents(plain(Basis.TOTAL_DEGREE, 3), 3)
    assert max(e[3] for e in exponents) == 1
    assert len(exponents) == 20 + 10
    total = Variables.of(np.column_stack([X, X.sum(axis=1)]), roots=False)
    assert total.dependent == ((0, 0, 0, 1),)
    each = plain(Basis.TENSOR_PRODUCT, 1)
    assert total.exponents(each, 1) == tuple((*e, 0) for e in each.exponents(3, 1))


def test_degrees_fall_by_the_degree_of_the_target_with_each_power_of_the_target() -> None:
    powers = (Fraction(0), ONE, Fraction(2))
    ansatz = Ansatz(5, 2, powers, roots=False, basis=Basis.TOTAL_DEGREE)
    assert ansatz.degrees() == (5, 3, 1)
    assert ansatz.size(2) == 21 + 10 + 3
