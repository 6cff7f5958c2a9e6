"""Circuits of polynomials have the values of the polynomials."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from tables import Floats, uniform

from nalu_cli.circuit.builders import (
    Polynomial,
    power_of_quotient,
    quadratic_root,
    root_over_size,
    single_product,
    single_sum,
)

HALF = Fraction(1, 2)
N = 3

exponents = st.tuples(*[st.sampled_from((0, 0, 1, 2, 3, HALF))] * N).map(
    lambda e: tuple(map(Fraction, e))
)
coefficients = st.sampled_from((1.0, -1.0, 2.0, -0.5, 3.7, 0.25))
polynomials = st.dictionaries(exponents, coefficients, min_size=1, max_size=4)
positive = st.dictionaries(exponents, coefficients.map(abs), min_size=1, max_size=4)
powers = st.sampled_from((Fraction(1), Fraction(2), HALF, Fraction(-1), Fraction(-1, 2)))


def value(polynomial: Polynomial, x: Floats) -> Floats:
    parts = [c * np.prod(x ** np.array(e, dtype=float), axis=1) for e, c in polynomial.items()]
    return np.sum(parts, axis=0)


def size(polynomial: Polynomial, x: Floats) -> Floats:
    return value({e: abs(c) for e, c in polynomial.items()}, x)


@given(polynomials, polynomials, st.sampled_from((1.0, -1.0)))
def test_a_quotient_of_polynomials(top: Polynomial, bottom: Polynomial, sign: float) -> None:
    x = uniform(1, 30, N)
    below = value(bottom, x)
    usable = np.abs(below) > 1e-3 * size(bottom, x)
    assume(usable.any())
    found = power_of_quotient(N, top, bottom, Fraction(1), sign).evaluate(x[usable])
    true = sign * value(top, x[usable]) / below[usable]
    np.testing.assert_allclose(
        found, true, rtol=1e-11, atol=1e-11 * np.max(size(top, x[usable]) / np.abs(below[usable]))
    )


@given(positive, positive, powers, st.sampled_from((1.0, -1.0)))
def test_a_power_of_a_quotient(
    top: Polynomial, bottom: Polynomial, power: Fraction, sign: float
) -> None:
    x = uniform(2, 30, N)
    found = power_of_quotient(N, top, bottom, power, sign).evaluate(x)
    np.testing.assert_allclose(
        found, sign * (value(top, x) / value(bottom, x)) ** float(power), rtol=1e-13
    )


@given(
    st.dictionaries(
        st.tuples(*[st.sampled_from((0, 1, 2, 3))] * N).map(lambda e: tuple(map(Fraction, e))),
        coefficients,
        min_size=1,
        max_size=4,
    )
)
def test_whole_powers_take_negative_columns(top: Polynomial) -> None:
    x = uniform(3, 30, N, low=-3, high=3)
    found = power_of_quotient(N, top, {(Fraction(0),) * N: 1.0}, Fraction(1), 1.0).evaluate(x)
    np.testing.assert_allclose(found, value(top, x), rtol=1e-11, atol=1e-11 * size(top, x).max())


@given(positive, polynomials, positive, st.sampled_from((1.0, -1.0)))
def test_a_root_of_a_quadratic_equation_solves_it(
    square: Polynomial, linear: Polynomial, rest: Polynomial, sign: float
) -> None:
    x = uniform(4, 30, N)
    rest = {e: -c for e, c in rest.items()}  # so that both roots are real
    found = quadratic_root(N, square, linear, rest, sign).evaluate(x)
    a, b, c = (value(p, x) for p in (square, linear, rest))
    assert (np.sign(found) == sign).all()
    residual = a * found**2 + b * found + c
    scale = size(square, x) * found**2 + size(linear, x) * np.abs(found) + size(rest, x)
    assert (np.abs(residual) <= 1e-9 * (scale + size(linear, x) ** 2 / a)).all()


def test_what_cancels_under_the_root_is_gone() -> None:
    def monomial(*e: int) -> tuple[Fraction, ...]:
        return tuple(map(Fraction, e))

    # y**2 - 0.2*x*y + 0.01*x**2 - z = 0 has the roots 0.1*x +- sqrt(z): no x remains inside
    linear: Polynomial = {monomial(1, 0): -2 * 0.1}
    rest: Polynomial = {monomial(2, 0): 0.1 * 0.1, monomial(0, 1): -1.0}
    circuit = quadratic_root(2, {monomial(0, 0): 1.0}, linear, rest, -1.0)
    x = uniform(5, 30, 2) * [1.0, 1e-20]
    np.testing.assert_allclose(circuit.evaluate(x), 0.1 * x[:, 0] - np.sqrt(x[:, 1]), rtol=1e-14)


@given(
    st.dictionaries(st.integers(0, 2), st.sampled_from((HALF, 1, 2, -1, 0)).map(Fraction)),
    coefficients,
)
def test_a_single_product(e: dict[int, Fraction], scale: float) -> None:
    x = uniform(6, 30, N)
    true = scale * np.prod([x[:, j] ** float(p) for j, p in e.items()] or [np.ones(30)], axis=0)
    np.testing.assert_allclose(single_product(N, e, scale).evaluate(x), true, rtol=1e-14)


@pytest.mark.parametrize("magnitude", [False, True])
def test_a_single_product_keeps_or_drops_the_signs(magnitude: bool) -> None:
    x = uniform(7, 30, N, low=-3, high=3)
    found = single_product(N, {0: Fraction(1), 2: Fraction(-1)}, 2.0, magnitude=magnitude)
    true = 2 * x[:, 0] / x[:, 2]
    np.testing.assert_allclose(found.evaluate(x), np.abs(true) if magnitude else true, rtol=1e-14)


@given(
    st.tuples(*[st.one_of(st.just(0.0), coefficients.map(abs))] * N),
    powers,
    st.sampled_from((1.0, -1.0)),
)
def test_a_power_of_a_single_sum(c: tuple[float, ...], power: Fraction, sign: float) -> None:
    x = uniform(8, 30, N)
    found = single_sum(N, c, 0.5, power, sign)
    np.testing.assert_allclose(
        found.evaluate(x), sign * (0.5 + x @ np.array(c)) ** float(power), rtol=1e-13
    )
    assert found.used_columns() == tuple(j for j in range(N) if c[j])


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_upper_root_stays_the_upper_one_where_the_square_is_negative(sign: float) -> None:
    def monomial(*e: int) -> tuple[Fraction, ...]:
        return tuple(map(Fraction, e))

    # c*(y - a)**2 = b has the roots a +- sqrt(b/c)
    square: Polynomial = {monomial(0, 0, 1): 1.0}
    linear: Polynomial = {monomial(1, 0, 1): -2.0}
    rest: Polynomial = {monomial(2, 0, 1): 1.0, monomial(0, 1, 0): -1.0}
    x = uniform(7, 60, 3, low=-3, high=3)
    x[:, 1] = np.abs(x[:, 1]) * np.sign(x[:, 2])
    found = root_over_size(3, square, linear, rest, sign).evaluate(x)
    np.testing.assert_allclose(found, x[:, 0] + sign * np.sqrt(x[:, 1] / x[:, 2]), rtol=1e-12)
