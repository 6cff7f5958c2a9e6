"""Values of monomials."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from nalu_cli.numerics.monomials import (
    exponents_each_up_to,
    laurent_exponents,
    laurent_values,
    monomial_values,
    polynomial_values,
    rooted_columns,
)


def test_values_are_products_of_whole_and_half_powers() -> None:
    X = np.array([[4.0, -2.0], [9.0, 5.0]])
    twice = np.array([[0, 0], [1, 0], [-2, 4], [3, -2]])
    a, b = X.T
    expected = np.column_stack([np.ones(2), a**0.5, b**2 / a, a**1.5 / b])
    np.testing.assert_allclose(laurent_values(X, twice), expected, rtol=1e-15)


@pytest.mark.parametrize("power", [-2, 1])
def test_powers_that_do_not_exist_are_not_finite(power: int) -> None:
    X = np.array([[-1.0 if power == 1 else 0.0], [2.0]])
    values = laurent_values(X, np.array([[power]]))[:, 0]
    assert not np.isfinite(values[0])
    assert np.isfinite(values[1])


def test_the_simplest_monomials_come_first() -> None:
    both = np.ones(2, dtype=bool)
    twice = laurent_exponents(40, roots=both, inverses=both)
    assert not twice[0].any()
    assert len(np.unique(twice, axis=0)) == len(twice) == 40


def test_products_of_powers_of_each_column_are_all_there_once() -> None:
    exponents = exponents_each_up_to((2, 1, 3))
    assert len(set(exponents)) == len(exponents) == 24
    assert np.max(exponents, axis=0).tolist() == [2, 1, 3]
    assert list(map(sum, exponents)) == sorted(map(sum, exponents))
    X = np.random.default_rng(1).uniform(1, 2, (5, 3))
    expected = np.prod(X[:, None, :] ** np.array(exponents), axis=2)
    np.testing.assert_allclose(monomial_values(X, exponents), expected, rtol=1e-14)


def test_columns_that_are_never_negative_have_roots_the_others_stay() -> None:
    X = np.array([[0.0, -1.0], [4.0, 9.0]])
    values, powers = rooted_columns(X)
    np.testing.assert_array_equal(values, [[0.0, -1.0], [2.0, 9.0]])
    assert powers == (Fraction(1, 2), Fraction(1))


def test_a_polynomial_has_the_value_of_its_terms() -> None:
    X = np.array([[4.0, -2.0], [9.0, 3.0]])
    whole = polynomial_values([((0, 0), 5.0), ((1, 2), 2.0)], X)
    np.testing.assert_allclose(whole, [37.0, 167.0])
    half = polynomial_values({(Fraction(1, 2), Fraction(1)): -1.0}.items(), X)
    np.testing.assert_allclose(half, [4.0, -9.0])
