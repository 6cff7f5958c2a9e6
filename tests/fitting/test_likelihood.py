"""What explains a row: rounding, printed digits, or noise; and what it then costs."""

from __future__ import annotations

import math

import numpy as np
import pytest
from answers import product, scaled
from tables import Floats, uniform

from nalu_cli.circuit import Circuit
from nalu_cli.fitting.likelihood import (
    ErrorKind,
    agreement,
    agreements,
    evidence_bits,
    exact_kind,
    misfit_bits,
    noise_kind,
    printed_floor,
    root_mean_square,
    scale_of_errors,
    tolerance,
)
from nalu_cli.rows import Rows

ADDITIVE, RELATIVE = ErrorKind.ADDITIVE_NOISE, ErrorKind.RELATIVE_NOISE


def to_digits(values: Floats, digits: int) -> tuple[Floats, Floats]:
    """Values as printed with so many significant digits, and their half-widths."""
    unit = 10.0 ** (np.floor(np.log10(np.abs(values))) - digits + 1)
    return np.array([float(f"{v:.{digits}g}") for v in values]), unit / 2


def printed(digits: int, rows: int = 60, seed: int = 1) -> Rows:
    x = uniform(seed, rows, 2)
    y, half = to_digits(scaled().evaluate(x), digits)
    return Rows(x, y, half_y=half)


def test_doubles_agree_to_rounding_alone() -> None:
    x = uniform(1, 60, 2)
    rows = Rows(x, scaled().evaluate(x))
    assert exact_kind(scaled(), rows) is ErrorKind.DOUBLES
    assert agreement(scaled(1.7 * (1 + 1e-13)), rows) > 1
    assert exact_kind(scaled(1.7 * (1 + 1e-13)), rows) is None


@pytest.mark.parametrize("digits", [2, 3, 4, 6, 9])
def test_the_law_agrees_with_every_printed_digit_and_another_constant_does_not(digits: int) -> None:
    rows = printed(digits)
    assert agreement(scaled(), rows) <= 1
    assert exact_kind(scaled(), rows) is ErrorKind.PRINTED_TARGET
    assert agreement(scaled(), rows, ErrorKind.DOUBLES) > 1
    off = scaled(1.7 * (1 + 3 * 10.0**-digits))
    assert agreement(off, rows) > 1
    assert exact_kind(off, rows) is None


def test_a_printed_table_whose_target_follows_to_the_last_bit_agrees_as_doubles() -> None:
    x = np.round(uniform(2, 40, 2), 1)
    exact = Circuit(2, ((product((0, 1), (1, 1)),),))
    rows = Rows(x, np.round(exact.evaluate(x), 2), half_y=np.full(40, 0.005))
    assert exact_kind(exact, rows) is ErrorKind.DOUBLES


def test_printed_inputs_widen_the_tolerance_by_the_slopes() -> None:
    x = uniform(3, 200, 2)
    y, half_y = to_digits(scaled().evaluate(x), 6)
    seen, half_X = np.round(x, 2), np.full((200, 2), 0.005)
    rows = Rows(seen, y, half_y=half_y, half_X=half_X)
    assert agreement(scaled(), rows, ErrorKind.PRINTED_TARGET) > 1
    assert exact_kind(scaled(), rows) is ErrorKind.PRINTED_INPUTS
    assert exact_kind(scaled(1.75), rows) is None
    a, b = seen.T
    slopes = np.abs(2 * 1.7 * a / b) * 0.005 + 1.7 * a**2 / b**2 * 0.005
    assert tolerance(scaled(), rows) == pytest.approx(half_y + slopes, rel=0.01)


def test_only_inputs_that_are_used_and_printed_widen_it() -> None:
    rows = Rows(
        np.array([[3.0, 1.0]]), np.array([9.0]), np.array([0.5]), half_X=np.array([[0.0, 9.0]])
    )
    square = Circuit(2, ((product((0, 2)),),))
    assert tolerance(square, rows) == pytest.approx([0.5])


def test_an_end_of_a_cell_without_a_value_says_nothing() -> None:
    root = Circuit(1, ((product((0, 0.5)),),))
    rows = Rows(np.array([[0.0]]), np.array([0.1]), half_X=np.array([[0.04]]))
    assert tolerance(root, rows) == pytest.approx([0.2])


def test_a_formula_without_a_value_agrees_with_nothing() -> None:
    root = Circuit(1, ((product((0, 0.5)),),))
    rows = Rows(np.array([[4.0], [-1.0]]), np.array([2.0, 1.0]), half_y=np.full(2, 9.0))
    assert agreement(root, rows) == math.inf
    assert np.isnan(agreements(root, rows)[1])
    assert misfit_bits(root, rows, ADDITIVE) == math.inf


def test_every_part_has_to_agree() -> None:
    rows = printed(3)
    off = Rows(rows.X, rows.y * 1.01, half_y=rows.half_y)
    assert exact_kind(scaled(), rows, rows.take(np.arange(0))) is ErrorKind.PRINTED_TARGET
    assert exact_kind(scaled(), rows, off) is None


def noisy(noise: Floats, half_y: Floats | None = None) -> Rows:
    x = uniform(4, len(noise), 2, low=1, high=20)
    return Rows(x, scaled().evaluate(x) + noise * (1 if half_y is None else half_y), half_y=half_y)


def test_noise_is_additive_or_relative_as_it_is_likelier() -> None:
    chance = np.random.default_rng(5).standard_normal(200)
    x = uniform(4, 200, 2, low=1, high=20)
    y = scaled().evaluate(x)
    assert noise_kind(scaled(), Rows(x, y + 0.01 * chance)) is ADDITIVE
    assert noise_kind(scaled(), Rows(x, y * (1 + 0.01 * chance))) is RELATIVE
    assert noise_kind(scaled(), Rows(x, y * (1 + 0.01 * chance), sigma=0.01 * y)) is ADDITIVE
    negative = y * (1 + 0.01 * chance) * np.where(np.arange(200) < 1, -1, 1)
    assert noise_kind(scaled(), Rows(x, negative)) is ADDITIVE


@pytest.mark.parametrize("kind", [ADDITIVE, RELATIVE])
def test_ten_times_the_noise_costs_its_digits_on_every_row(kind: ErrorKind) -> None:
    chance = np.random.default_rng(6).standard_normal(100)
    x = uniform(6, 100, 2)
    y = scaled().evaluate(x)
    size = y if kind is RELATIVE else 1.0
    one, ten = (
        misfit_bits(scaled(), Rows(x, y + share * chance * size), kind) for share in (1e-4, 1e-3)
    )
    assert ten - one == pytest.approx(100 * math.log2(10), rel=0.01)


def test_errors_below_the_printed_digits_gain_nothing() -> None:
    rows = printed(3)
    near = misfit_bits(scaled(1.7003), rows, ADDITIVE)
    assert near == pytest.approx(misfit_bits(scaled(), rows, ADDITIVE), rel=0.02)
    floor = printed_floor(rows, np.ones(60))
    assert floor == pytest.approx(root_mean_square(rows.half_y) / math.sqrt(3))
    assert misfit_bits(scaled(1.8), rows, ADDITIVE) > near + 60


def test_agreement_as_printed_costs_no_more_than_noise_of_that_size() -> None:
    x = uniform(7, 80, 2)
    rows = Rows(x, np.round(scaled().evaluate(x), 2), half_y=np.full(80, 0.005))
    as_printed = misfit_bits(scaled(), rows, ErrorKind.PRINTED_TARGET)
    assert as_printed < misfit_bits(scaled(), rows, ADDITIVE) < as_printed + 80


def test_given_standard_errors_are_taken_as_they_are() -> None:
    x = uniform(8, 400, 2)
    sigma = 0.01 * (1 + np.arange(400) % 7)
    chance = np.random.default_rng(8).standard_normal(400)
    rows = Rows(x, scaled().evaluate(x) + sigma * chance, sigma=sigma)
    assert scale_of_errors(rows, ADDITIVE) == pytest.approx(sigma)
    expected = np.sum(np.log2(sigma)) + (np.sum(chance**2) - 400) / (2 * math.log(2))
    assert misfit_bits(scaled(), rows, ADDITIVE) == pytest.approx(expected, rel=1e-6)


def test_as_many_constants_as_rows_fit_anything() -> None:
    x = uniform(9, 3, 2)
    rows = Rows(x, scaled().evaluate(x) * [1, 1.01, 0.99])
    assert misfit_bits(scaled(), rows, ADDITIVE, constants=3) == math.inf
    one, two = (misfit_bits(scaled(), rows, ADDITIVE, constants=k) for k in (1, 2))
    assert two - one == pytest.approx(3 * 0.5)


@pytest.mark.parametrize("size", [1e-300, 1e-160, 1e160, 1e300])
def test_no_size_overflows(size: float) -> None:
    x = uniform(10, 50, 2)
    rows = Rows(x, size * scaled().evaluate(x) * 1.01)
    assert math.isfinite(misfit_bits(scaled(1.7 * size), rows, ADDITIVE))
    assert math.isfinite(misfit_bits(scaled(1.7 * size), rows, RELATIVE))


def test_a_row_says_its_digits_once() -> None:
    x = uniform(11, 100, 1)
    y = np.round(np.linspace(0, 10, 100), 2)
    rows = Rows(x, y, half_y=np.full(100, 0.005))
    assert evidence_bits(rows) == pytest.approx(100 * math.log2(1000), rel=0.01)
    assert evidence_bits(rows.take(np.tile(np.arange(100), 5))) == evidence_bits(rows)
    assert evidence_bits(rows, np.full(100, 0.05)) == pytest.approx(100 * math.log2(100), rel=0.01)


def test_few_different_values_do_not_count_over_and_over() -> None:
    x = uniform(12, 1000, 2)
    y = np.where(np.arange(1000) % 2, 1.234, 5.678)
    rows = Rows(x, y, half_y=np.full(1000, 0.0005))
    assert 1000 < evidence_bits(rows) < 1000 + 2 * 13
    rare = Rows(x, np.where(np.arange(1000) == 7, 1.234, 5.678), half_y=rows.half_y)
    assert evidence_bits(rare) < 60


def test_small_numbers_beside_large_ones_say_their_own_digits_alone() -> None:
    x = uniform(13, 60, 1)
    y, half = to_digits(np.logspace(-3, 3, 60), 3)
    bits = evidence_bits(Rows(x, y, half_y=half))
    assert 60 * 9 < bits < 60 * 15


def test_a_target_that_does_not_vary_says_nothing() -> None:
    assert evidence_bits(Rows(uniform(14, 9, 1), np.full(9, 2.5), half_y=np.full(9, 0.05))) == 0
    assert evidence_bits(Rows(np.zeros((0, 1)), np.zeros(0))) == 0
