"""Constants get the names a person would give them, and only when that is hardly chance."""

from __future__ import annotations

import math
import random
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nalu_cli.expression.closed_form import TIGHT, is_long, literal, name_constant, snap_value

NAMES = {
    "1": 1.0,
    "-1": -1.0,
    "1/2": 0.5,
    "-1/2": -0.5,
    "4/3": 4 / 3,
    "-32/3": -32 / 3,
    "6.4": 6.4,
    "1/1200": 1 / 1200,
    "1/3600": 1 / 3600,
    "299792458": 299792458.0,
    "1e+22": 1e22,
    "pi": math.pi,
    "pi/4": math.pi / 4,
    "2*pi/3": 2 * math.pi / 3,
    "1/(4*pi)": 1 / (4 * math.pi),
    "3/(4*pi)": 3 / (4 * math.pi),
    "4*pi**2": 4 * math.pi**2,
    "sqrt(2)": math.sqrt(2),
    "sqrt(2)/2": 1 / math.sqrt(2),
    "sqrt(3)/2": math.sqrt(3) / 2,
    "sqrt(pi)": math.sqrt(math.pi),
    "2.97": 2.97,
    "0.29": 0.29,
    "24.3": 24.3,
    "8.314": 8.314,
    "235.214583": 235.214583,
    "9.80665": 9.80665,
    "1.96": 1.96,
    "8.854e-12": 8.854e-12,
    "1.380649e-23": 1.380649e-23,
    "1.602176634e-19": 1.602176634e-19,
    "1/8.854e-12": 1 / 8.854e-12,
    "3.313e-34/pi": 6.626e-34 / (2 * math.pi),
    "0": 0.0,
}


@pytest.mark.parametrize("text", NAMES)
def test_known_constants_are_named(text: str) -> None:
    named = name_constant(NAMES[text])
    assert named is not None
    assert named.text == text
    assert abs(named.value - NAMES[text]) <= 2 * math.ulp(NAMES[text])
    assert 0 <= named.odds < 1e-4


@pytest.mark.parametrize(
    "value", [math.e, 0.7310585786300049, 5.812345678901234, math.nan, math.inf, -math.inf]
)
def test_arbitrary_reals_have_no_name(value: float) -> None:
    assert name_constant(value) is None
    assert is_long(value)


@pytest.mark.parametrize("tolerance", [TIGHT, 1e-9, 1e-6, 1e-4, 1e-3, 1e-2])
def test_random_numbers_are_rarely_named(tolerance: float) -> None:
    rng = random.Random(7)
    draws = 400
    named = sum(
        name_constant(rng.uniform(0.1, 50), tolerance=tolerance) is not None for _ in range(draws)
    )
    assert named <= 0.03 * draws


def test_measured_constants_need_short_names() -> None:
    assert snap_value(0.50003, 1e-4) == 0.5
    assert snap_value(1.33335, 1e-4) == 4 / 3
    assert snap_value(0.78545, 1e-4) == math.pi / 4
    # 0.2917 is near 7/24, and so is every number near something as long
    assert snap_value(0.2917, 1e-3) == 0.2917
    assert snap_value(235.214583, 1e-4) == 235.214583


def test_odds_grow_with_the_length_and_the_tolerance() -> None:
    half, longer = name_constant(0.5), name_constant(13 / 17)
    loose = name_constant(0.5, tolerance=1e-4)
    assert half is not None
    assert longer is not None
    assert loose is not None
    assert half.odds < longer.odds < loose.odds


@given(st.integers(-400, 400), st.integers(1, 90))
def test_small_fractions_are_named_exactly(p: int, q: int) -> None:
    named = name_constant(p / q)
    assert named is not None
    assert named.value == p / q


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_double_is_named_faithfully_or_not_at_all(value: float) -> None:
    named = name_constant(value)
    assert float(literal(value)) == value
    if named is None:
        assert snap_value(value, TIGHT) == value
    else:
        assert abs(named.value - value) <= TIGHT * abs(value)
        exact = named.numerator / named.denominator * math.pi ** float(named.pi_power)
        assert math.isclose(exact * math.sqrt(named.radicand), value, rel_tol=1e-14)
        assert -2 <= named.pi_power <= 2
        assert named.pi_power.denominator in (1, 2)


@given(st.integers(1, 10**6), st.integers(-30, 30))
def test_short_decimals_stay_what_they_are(digits: int, exponent: int) -> None:
    value = float(f"{digits}e{exponent}")
    assert snap_value(value, TIGHT) == value
    named = name_constant(value)
    assert named is not None
    assert Fraction(literal(named.numerator)) / Fraction(literal(named.denominator)) > 0


@pytest.mark.parametrize("tolerance", [1.0, 2.0, 50.0, 1e300, math.inf, math.nan])
@pytest.mark.parametrize("value", [1e-300, 0.3, 15.175, 1e17])
def test_a_value_that_may_be_anything_has_no_name(value: float, tolerance: float) -> None:
    assert name_constant(value, tolerance=tolerance) is None
