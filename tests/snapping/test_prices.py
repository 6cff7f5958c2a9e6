"""Prices of numbers: what people write is cheap, and what is offered lies near by."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nalu_cli.snapping.prices import cheapest, price_of_coefficient, price_of_exponent

VALUES = st.floats(1e-6, 1e6).map(lambda v: float(f"{v:.6g}")) | st.floats(0.01, 100.0)
WIDTHS = st.floats(1e-9, 0.5)


def ascending(prices: list[float]) -> bool:
    return all(a < b for a, b in itertools.pairwise(prices))


@pytest.mark.parametrize(
    "row",
    [
        (1.0, 2.0, 2.5, 0.8, 0.79, 0.7983),
        (1.0, 0.5, 1.852),
        (0.0, 3.0, 1 / 3, 0.333),
        (2.0, 1.5, 5 / 7, 0.71428),
    ],
)
def test_exponents_that_people_write_are_cheaper(row: tuple[float, ...]) -> None:
    assert ascending([price_of_exponent(v) for v in row])


@pytest.mark.parametrize(
    "row",
    [
        (1.0, 2.0, 0.8, 0.79, 0.7983, 0.79831),
        (2.0, 12.0, 1.2, 1.23),
        (1 / 3, 0.333),
        (4 / 3, 1.33333),
        (math.pi, 3.14159),
        (4 * math.pi, 12.566),
        (9.81, 9.8067),
        (1 / 12, 0.08333),
        (1 / 0.62, 1.6129),
        (3e8, 299792458.0),
    ],
)
def test_coefficients_that_people_write_are_cheaper(row: tuple[float, ...]) -> None:
    assert ascending([price_of_coefficient(v) for v in row])


@given(VALUES)
def test_a_sign_costs_nothing_and_no_price_is_below_zero(value: float) -> None:
    for price in (price_of_exponent, price_of_coefficient):
        assert price(value) == price(-value) >= 0


@given(VALUES, WIDTHS, st.booleans(), st.sampled_from([-1.0, 1.0]))
def test_every_value_offered_lies_within_the_distance_at_its_price(
    size: float, share: float, exponent: bool, sign: float
) -> None:
    value, width = sign * size, share * size
    price = price_of_exponent if exponent else price_of_coefficient
    offered = cheapest(value, width, exponent=exponent)
    assert 0 < len(offered) <= 8
    assert [bits for bits, _ in offered] == sorted(bits for bits, _ in offered)
    assert len({x for _, x in offered}) == len(offered)
    for bits, x in offered:
        assert abs(x - value) <= width
        assert bits == price(x)


@given(VALUES, st.booleans())
def test_zero_is_offered_when_it_is_within_the_distance(value: float, exponent: bool) -> None:
    assert (0.0, 0.0) in cheapest(value, value * 1.01, exponent=exponent)
    assert 0.0 not in {x for _, x in cheapest(value, value * 0.99, exponent=exponent)}


@pytest.mark.parametrize(
    ("truth", "exponent"),
    [
        (0.8, True),
        (0.4, True),
        (1.852, True),
        (-4.87, True),
        (1 / 3, True),
        (-2 / 3, True),
        (0.25, True),
        (0.023, False),
        (10.67, False),
        (9.81, False),
        (2 * math.pi, False),
        (math.pi / 4, False),
        (5 / 9, False),
        (-1 / 12, False),
        (1 / 0.62, False),
        (6.674e-11, False),
        (1.38e23, False),
    ],
)
@pytest.mark.parametrize("off", [-0.9, -0.3, 0.0, 0.4, 0.9])
def test_what_people_write_is_offered_first_near_it(
    truth: float, exponent: bool, off: float
) -> None:
    width = 5e-5 * abs(truth)
    offered = cheapest(truth + off * width, width, exponent=exponent)
    assert offered[0][1] == pytest.approx(truth, rel=1e-15)


def test_numbers_of_the_formula_are_offered_at_their_price() -> None:
    offered = cheapest(0.71234, 1e-4, exponent=False, related=[(3.0, 0.7123), (3.0, 0.72)])
    assert offered[0] == (3.0, 0.7123)
    assert 0.72 not in {x for _, x in offered}
    # one that is cheap anyway costs no more
    assert (1.0, 1.0) in cheapest(1.0, 1e-4, exponent=False, related=[(3.0, 1.0)])


@given(VALUES, WIDTHS, st.booleans())
def test_a_narrower_interval_offers_no_cheaper_value(
    value: float, share: float, exponent: bool
) -> None:
    wide, narrow = (
        cheapest(value, share * value * part, exponent=exponent)[0][0] for part in (1, 0.5)
    )
    assert wide <= narrow


@pytest.mark.parametrize("most", [1, 3, 20])
def test_no_more_are_offered_than_asked_for(most: int) -> None:
    assert len(cheapest(0.5321, 0.2, exponent=False, most=most)) == most


def test_a_number_that_is_known_to_its_last_digit_is_offered_as_it_is() -> None:
    for value in (0.7310585786300049, 123456.789, -2.5e-9):
        offered = cheapest(value, 1e-15 * abs(value), exponent=False)
        assert offered[0][1] == pytest.approx(value, rel=1e-15)


@pytest.mark.parametrize("value", [36 / 7, 217 / 9, 1 / 0.392, 1 / 9.9, 1 / 417, 1 / 1.89])
def test_before_a_product_of_powers_decimals_are_likelier_than_quotients(value: float) -> None:
    decimal = float(f"{value:.4g}")
    assert price_of_coefficient(decimal, of_product=True) < price_of_coefficient(
        value, of_product=True
    )


@pytest.mark.parametrize("value", [1 / 12, 1 / 3, 5 / 9, 4 / 3, 1 / 48, 1 / 19.62, math.pi / 4])
def test_quotients_that_people_write_are_cheap_before_products_too(value: float) -> None:
    longer = float(f"{value:.5g}")
    assert price_of_coefficient(value, of_product=True) < price_of_coefficient(
        longer, of_product=True
    )


def test_the_more_digits_a_coefficient_or_an_exponent_has_the_rarer_it_is() -> None:
    for price in (price_of_exponent, lambda v: price_of_coefficient(v, of_product=True)):
        prices = [price(v) for v in (0.7, 0.73, 0.731, 0.7312, 0.73121, 0.731213)]
        steps = [b - a for a, b in itertools.pairwise(prices)]
        assert min(steps) == pytest.approx(math.log2(10))
        assert steps[-1] > steps[0] + 1


def test_all_decimals_of_a_length_are_offered_where_few_are_asked_for() -> None:
    offered = [x for _, x in cheapest(0.0055541, 6.6e-6, exponent=False, most=24)]
    assert {0.00555, 0.00556, *(k / 1e6 for k in range(5548, 5561))} <= set(offered)


@pytest.mark.parametrize("value", [1e-300, 5e-324, 1e300, math.nan, math.inf, -1e-310])
@pytest.mark.parametrize("width", [0.0, 1e-310, 1.0, 1e300, math.inf, math.nan])
def test_numbers_at_the_ends_of_doubles_have_no_names(value: float, width: float) -> None:
    for exponent in (False, True):
        for _, x in cheapest(value, width, exponent=exponent):
            assert abs(x - value) <= width
