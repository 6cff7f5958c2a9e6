"""Laws of quotients of sums of monomials."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from nalu_cli.problem import Rows
from nalu_cli.quotient import Quotient, QuotientShape, total_least_squares

EVEN = np.ones(800)


def rows(noise: float, power: float = 1.0) -> tuple[Rows, np.ndarray]:
    rng = np.random.default_rng(3)
    X = rng.uniform(0.5, 3, (800, 2))
    truth = ((X[:, 0] * X[:, 1] + 2) / (1 + 0.5 * X[:, 0] ** 2)) ** power
    return Rows(X, truth + noise * truth.std() * rng.standard_normal(len(X))), truth


@pytest.mark.parametrize(("power", "noise"), [(1, 0.0), (1, 0.1), (Fraction(1, 2), 0.02)])
def test_coefficients_are_consistent_although_the_design_is_noisy(
    power: Fraction, noise: float
) -> None:
    data, truth = rows(noise, float(power))
    quotient = Quotient(QuotientShape(2, 2, Fraction(power)), data, EVEN)
    start = total_least_squares(quotient, reweighted=3)
    assert quotient.fit([(start, quotient.kept)])
    left = quotient.value(quotient.coefficients) - truth
    assert np.std(left) <= 0.25 * noise * np.std(truth) + 1e-6


@pytest.mark.parametrize("power", [Fraction(1), Fraction(1, 2)])
@pytest.mark.parametrize("roots", [False, True])
def test_slopes_are_the_derivatives(power: Fraction, roots: bool) -> None:
    data, _ = rows(0.0)
    quotient = Quotient(QuotientShape(1, 2, power, roots), data, EVEN)
    rng = np.random.default_rng(8)
    c = rng.uniform(0.5, 1, len(quotient.coefficients))
    step = 1e-6
    for k, slope in enumerate(quotient.slopes(c, np.arange(len(c))).T):
        moved = [quotient.value(c + sign * step * np.eye(len(c))[k]) for sign in (1, -1)]
        np.testing.assert_allclose((moved[0] - moved[1]) / (2 * step), slope, rtol=1e-5, atol=1e-8)


def test_polynomials_have_the_coefficients_that_are_kept_the_largest_below_being_one() -> None:
    data, _ = rows(0.0)
    quotient = Quotient(QuotientShape(1, 1, Fraction(1), roots=True), data, EVEN)
    top, bottom = quotient.polynomials(np.arange(1.0, 7.0), np.array([0, 2, 4]))
    none, half = Fraction(0), Fraction(1, 2)
    assert top == {(none, none): 1 / 5, (none, half): 3 / 5}
    assert bottom == {(half, none): 1.0}


def test_columns_with_both_signs_have_no_roots_but_those_with_zeros_do() -> None:
    data, _ = rows(0.0)
    X = data.X * [-1.0, 1.0]
    X[0, 1] = 0.0
    mixed = Rows(X, data.y)
    quotient = Quotient(QuotientShape(1, 0, Fraction(1), roots=True), mixed, EVEN)
    top, _ = quotient.polynomials(np.arange(1.0, 5.0), np.arange(4))
    none, half = Fraction(0), Fraction(1, 2)
    assert set(top) == {(none, none), (Fraction(1), none), (none, half)}
    np.testing.assert_allclose(quotient.above[:, 1], X[:, 0])
    np.testing.assert_allclose(quotient.above[:, 2], X[:, 1] ** 0.5)


def test_the_last_monomial_of_each_sum_is_needed() -> None:
    data, _ = rows(0.0)
    quotient = Quotient(QuotientShape(1, 1), data, EVEN)
    assert quotient.needed(np.array([0, 1, 4])).tolist() == [False, False, True]
    assert QuotientShape(1, 1).size(2) == len(quotient.coefficients) == 6


def test_targets_close_to_zero_under_a_root_weigh_no_more_than_others() -> None:
    data, _ = rows(0.0)
    y = data.y.copy()
    y[:3] = 0.0, 1e-300, -1e-9
    z, weights = Quotient(QuotientShape(1, 1, Fraction(1, 2)), Rows(data.X, y), EVEN).linear()
    np.testing.assert_array_equal(z, np.sign(y) * y**2)
    assert weights.max() <= 5 * np.median(weights)


def test_a_target_without_numbers_leaves_no_numbers() -> None:
    data, _ = rows(0.0)
    quotient = Quotient(QuotientShape(1, 1, Fraction(1, 2)), Rows(data.X, 0 * data.y), EVEN)
    with pytest.raises(np.linalg.LinAlgError):
        total_least_squares(quotient, reweighted=1)
