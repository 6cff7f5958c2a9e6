"""A formula is a law where the rows say more than it does, on each side of an absolute value."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from tables import Floats, uniform

from nalu_cli.circuit import Circuit, exponent_of
from nalu_cli.expression.canonical import Column, Node, magnitude, product, total
from nalu_cli.expression.complexity import digits_of_constants
from nalu_cli.expression.to_circuit import circuit_of
from nalu_cli.fitting.likelihood import ErrorKind
from nalu_cli.judge.description_length import (
    has_few_constants,
    is_borne_out,
    is_law,
    loses_its_digits,
)
from nalu_cli.rows import Rows

PRINTED_TARGET, PRINTED_INPUTS = ErrorKind.PRINTED_TARGET, ErrorKind.PRINTED_INPUTS

A, B = Column(0), Column(1)
PRODUCT = product([(A, 1), (B, 1)])
LARGER = product(
    [(total([(1.0, PRODUCT), (1.0, magnitude(total([(1.0, PRODUCT)], -1.0)))], 1.0), 1)], 0.5
)
"""The larger one of a*b and 1, as (a*b + 1 + abs(a*b - 1))/2."""


def asked(node: Node, x: Floats, *, digits: int = 17) -> tuple[Circuit, Rows]:
    """A formula and what it is on some rows, written with a few digits."""
    circuit = circuit_of(node, x.shape[1])
    return circuit, Rows(x, np.array([float(f"{v:.{digits}g}") for v in circuit.evaluate(x)]))


def with_rows_below(count: int) -> Floats:
    x = uniform(1, 90, 2, low=2, high=9)
    x[:count, 0] /= -100
    return x


@pytest.mark.parametrize(("below", "expected"), [(1, False), (2, True), (20, True), (89, False)])
def test_one_row_is_no_reason_for_an_absolute_value(below: int, expected: bool) -> None:
    circuit, rows = asked(LARGER, with_rows_below(below))
    # beyond the kink the target is 1, which says less than the digits of a double
    rows.y[rows.y == 1] = 1 / 3
    assert is_borne_out(circuit, rows) is expected
    assert is_law(circuit, rows) is expected


def test_whole_numbers_say_less_than_doubles() -> None:
    x = np.round(with_rows_below(2))
    assert not is_borne_out(*asked(LARGER, x))
    x[2:32] = np.column_stack([np.full(30, -1), np.arange(2, 32)])
    assert is_borne_out(*asked(LARGER, x))


@pytest.mark.parametrize("seed", range(5))
def test_an_absolute_value_that_many_rows_ask_for_is_a_law(seed: int) -> None:
    x = uniform(seed, 20, 2, low=-3, high=3)
    distance = magnitude(total([(1.0, A), (-1.0, B)]))
    assert is_law(*asked(distance, x))
    assert is_law(*asked(product([(distance, 2), (magnitude(A), 1)], 0.7), x))


def test_an_exponent_costs_its_digits() -> None:
    x = uniform(2, 4, 1, low=1, high=9)
    root, power = (product([(A, Fraction(e))]) for e in ("1/2", "983/457"))
    real = product([(A, exponent_of(0.79834171234567891))])
    assert is_borne_out(*asked(root, x[:1]))
    assert not is_borne_out(*asked(power, x[:1]))
    assert is_borne_out(*asked(power, x[:2]))
    assert not is_borne_out(*asked(real, x[:2]))
    assert is_borne_out(*asked(real, x))


def test_a_row_is_worth_its_digits() -> None:
    x = uniform(2, 6, 2)
    assert is_law(*asked(PRODUCT, x))
    assert not is_law(*asked(PRODUCT, x, digits=1))


def test_rows_that_are_repeated_say_nothing_new() -> None:
    circuit, rows = asked(product([(A, 1), (B, -3)], 1.5), uniform(3, 2, 2), digits=3)
    again = Rows(np.tile(rows.X, (50, 1)), np.tile(rows.y, 50))
    others = uniform(3, 100, 2)
    assert not is_law(circuit, rows)
    assert not is_law(circuit, again)
    assert is_law(circuit, Rows(others, circuit.evaluate(others)))


def test_five_arbitrary_reals_are_a_fit() -> None:
    values = np.random.default_rng(4).uniform(1, 2, 5)
    powers = [(float(v), product([(A, k)])) for k, v in enumerate(values, 1)]
    x = uniform(5, 300, 1)
    assert is_law(*asked(total(powers[:4]), x))
    assert not is_law(*asked(total(powers), x))
    assert not has_few_constants(circuit_of(total(powers), 1))


def test_a_target_that_does_not_vary_is_a_law() -> None:
    assert is_law(*asked(total([], 0.123456), uniform(6, 2, 1)))


def as_printed(node: Node, x: Floats, digits: int) -> tuple[Circuit, Rows]:
    """A formula and what it is on some rows, printed with so many significant digits."""
    circuit = circuit_of(node, x.shape[1])
    y = circuit.evaluate(x)
    half = 0.5 * 10.0 ** (np.floor(np.log10(np.abs(y))) - digits + 1)
    return circuit, Rows(x, np.array([float(f"{v:.{digits}g}") for v in y]), half_y=half)


def power(exponent: float, scale: float) -> Node:
    return product([(A, exponent), (B, -1)], scale)


@pytest.mark.parametrize("digits", [3, 4, 6])
def test_forty_printed_rows_bear_out_a_law_and_four_do_not(digits: int) -> None:
    assert is_law(*as_printed(power(2, 1.7), uniform(7, 40, 2), digits), PRINTED_TARGET)
    few = as_printed(power(2, 1.734512), uniform(7, 4, 2), 2)
    assert not is_law(*few, PRINTED_TARGET)


def test_a_digit_or_two_that_agreement_does_not_need_cost_nothing() -> None:
    x = uniform(8, 12, 2)
    circuit, rows = as_printed(power(2, 1.7), x, 3)
    longer = circuit_of(power(2, 1.7003), 2)
    assert is_law(longer, rows, PRINTED_TARGET)
    assert not is_law(circuit_of(power(2, 1.7), 2), rows.take(np.arange(4)), PRINTED_TARGET)
    assert digits_of_constants(longer) > digits_of_constants(circuit) == 2


def test_a_number_much_longer_than_the_printed_ones_is_none_of_a_law() -> None:
    """Such a number makes up for others that it cancels."""
    _, rows = as_printed(power(2, 1.7), uniform(8, 40, 2), 3)
    assert not is_law(circuit_of(power(2, 1.7000312345678), 2), rows, PRINTED_TARGET)


def test_inputs_printed_coarsely_say_less() -> None:
    circuit, rows = as_printed(power(2, 1.7), uniform(9, 12, 2), 4)
    coarse = Rows(rows.X, rows.y, rows.half_y, np.full(rows.X.shape, 0.4))
    assert is_law(circuit, rows, PRINTED_TARGET)
    assert not is_law(circuit, coarse, PRINTED_INPUTS)


@pytest.mark.parametrize("degree", [3, 4, 5])
@pytest.mark.parametrize("digits", [2, 3, 4, 6])
def test_a_polynomial_that_has_as_many_numbers_as_digits_are_printed_is_no_law(
    digits: int, degree: int
) -> None:
    x = uniform(11, 200, 1, low=0, high=3)
    y = np.sin(x[:, 0] / 2) + np.exp(-x[:, 0])
    c = np.polynomial.Chebyshev.fit(x[:, 0], y, degree).convert(kind=np.polynomial.Polynomial).coef
    c = np.round(c, digits + 1)  # longer numbers are none of a law at all
    terms = [(float(v), product([(A, k)])) for k, v in enumerate(c[1:], 1)]
    circuit = circuit_of(total(terms, float(c[0])), 1)
    half = np.full(200, 0.5 * 10.0**-digits)
    rows = Rows(x, np.round(circuit.evaluate(x), digits), half)
    assert is_law(circuit, rows, PRINTED_TARGET) is (digits > degree + 1)


@pytest.mark.parametrize("digits", [3, 4])
def test_exponents_and_factors_of_engineering_are_laws_as_printed(digits: int) -> None:
    x = uniform(12, 60, 2, low=1, high=50)
    boelter = product([(A, Fraction(4, 5)), (B, Fraction(2, 5))], 0.023)
    assert is_law(*as_printed(boelter, x, digits), PRINTED_TARGET)
    assert is_law(*as_printed(product([(A, Fraction(3, 4))], 70.0), x, digits), PRINTED_TARGET)
    assert is_law(*as_printed(total([(1.8, A)], 32.0), x, digits), PRINTED_TARGET)


def test_a_logarithm_made_of_powers_near_zero_is_no_law() -> None:
    x = uniform(13, 80, 1, low=1, high=9)
    powers = [
        (50.0, product([(A, exponent_of(0.01))])),
        (-50.0, product([(A, exponent_of(-0.01))])),
    ]
    circuit = circuit_of(total(powers), 1)
    y = np.round(np.log(x[:, 0]), 3)
    assert np.max(np.abs(circuit.evaluate(x) - y)) < 1e-3
    rows = Rows(x, np.round(circuit.evaluate(x), 3), np.full(80, 5e-4))
    assert not is_law(circuit, rows, PRINTED_TARGET)


def test_one_product_with_a_nearly_whole_power_is_a_law() -> None:
    """It imitates nothing: only differences of such powers do."""
    x = uniform(14, 60, 2, low=1, high=50)
    for exponent in (1.03, -0.976, 2.04):
        one = product([(A, exponent_of(exponent)), (B, Fraction(1, 2))], 0.37)
        assert is_law(*as_printed(one, x, 4), PRINTED_TARGET)
        beside = circuit_of(total([(1.0, one), (2.0, product([(B, 2)]))]), 2)
        y = np.round(beside.evaluate(x), 4)
        assert not is_law(beside, Rows(x, y, np.full(60, 5e-5)), PRINTED_TARGET)


def test_a_constant_within_the_printed_digits_is_no_law() -> None:
    x = uniform(10, 30, 1)
    y = np.where(np.arange(30) % 3, 1.2, 1.3)
    rows = Rows(x, y, half_y=np.full(30, 0.05))
    assert not is_law(circuit_of(total([], 1.25), 1), rows, PRINTED_TARGET)


def test_what_cancels_its_digits_proves_no_law() -> None:
    x = uniform(3, 400, 1, low=0.5, high=50)
    power = 2.2440375197941874e-05
    less_one = total([(1.0, product([(Column(0), exponent_of(power))]))], -1.0)
    law = circuit_of(total([(1 / power, less_one)]), 1)
    rows = Rows(x, np.log(x[:, 0]))
    assert loses_its_digits(law, rows)
    assert not is_law(law, rows)
