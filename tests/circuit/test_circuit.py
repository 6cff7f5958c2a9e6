from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from answers import LENS_CIRCUIT, product, total
from exact import attempt, is_tame, value_of
from hypothesis import assume, given
from hypothesis import strategies as st
from strategies import circuits

from nalu_cli.circuit import (
    ALLOWED_EXPONENTS,
    LARGEST_DENOMINATOR,
    Circuit,
    Term,
    Unit,
    UnitKind,
    exponent_of,
    is_real_exponent,
    power_of,
)

ONE = Fraction(1)
POINTS = st.lists(st.floats(0.125, 8.0), min_size=3, max_size=3)


@given(circuits(), POINTS, st.tuples(*[st.sampled_from((-1.0, 1.0))] * 3))
def test_a_circuit_has_the_value_it_has_in_fifty_digits(
    circuit: Circuit, sizes: list[float], signs: tuple[float, float, float]
) -> None:
    point = [s * x for s, x in zip(signs, sizes, strict=True)][: circuit.n_columns]
    true = attempt(lambda p: value_of(circuit, p), point)
    assume(true is not None and is_tame(circuit, point) and abs(true) < 1e250)
    value = float(circuit.evaluate(np.array([point]))[0])
    assert value == pytest.approx(float(true), rel=1e-9, abs=1e-280)


@given(circuits(), POINTS)
def test_rows_do_not_touch_each_other(circuit: Circuit, sizes: list[float]) -> None:
    rows = np.array([sizes, sizes[::-1], [1.0, 2.0, 3.0]])[:, : circuit.n_columns]
    one_by_one = [circuit.evaluate(row[None, :])[0] for row in rows]
    np.testing.assert_array_equal(circuit.evaluate(rows), one_by_one)


@given(circuits(), POINTS)
def test_only_the_used_columns_matter(circuit: Circuit, sizes: list[float]) -> None:
    row = np.array([sizes[: circuit.n_columns]])
    value = circuit.evaluate(row)
    idle = [j for j in range(circuit.n_columns) if j not in circuit.used_columns()]
    row[:, idle] = 5.5
    np.testing.assert_array_equal(circuit.evaluate(row), value)


def test_signs_poles_and_roots() -> None:
    x = np.array([[-2.0], [0.0], [4.0]])

    def values(unit: Unit) -> list[float]:
        return Circuit(1, ((unit,),)).evaluate(x).tolist()

    assert values(product((0, -1))) == [-0.5, math.inf, 0.25]
    assert values(product((0, 2))) == [4.0, 0.0, 16.0]
    assert math.isnan(values(product((0, 0.5)))[0])
    assert values(product((0, 0.5)))[1:] == [0.0, 2.0]
    magnitude = Unit(UnitKind.MAGNITUDE, (Term(0, Fraction(3, 2)),), 3.0)
    assert values(magnitude) == pytest.approx([3 * 2**1.5, 0.0, 24.0])
    assert values(total((0, -1), offset=1.0)) == [3.0, 1.0, -3.0]


@given(st.fractions(-24, 24, max_denominator=LARGEST_DENOMINATOR), st.integers(-2, 2))
def test_a_double_within_rounding_of_a_rational_exponent_is_that(
    exponent: Fraction, steps: int
) -> None:
    assume(0 < abs(exponent) < 24)
    value = float(exponent)
    assert exponent_of(value + steps * math.ulp(value)) == exponent
    assert not is_real_exponent(exponent)


@given(st.floats(-24, 24))
def test_an_exponent_is_the_double_to_within_rounding(value: float) -> None:
    assume(value != 0)
    exponent = exponent_of(value)
    assert abs(float(exponent) - value) <= 2 * math.ulp(float(exponent))
    assert exponent == Fraction(value) or not is_real_exponent(exponent)
    assert exponent_of(float(exponent)) == exponent


def test_exponents_as_laws_have_them() -> None:
    assert exponent_of(0.8) == Fraction(4, 5)
    assert exponent_of(1.852) == Fraction(463, 250)
    assert exponent_of(-2 / 3) == Fraction(-2, 3)
    assert is_real_exponent(exponent_of(0.7983417))
    assert not any(map(is_real_exponent, ALLOWED_EXPONENTS))


@pytest.mark.parametrize("value", [0.0, math.nan, math.inf, -math.inf, 24.001])
def test_what_is_no_exponent_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="no product has the exponent"):
        exponent_of(value)


@pytest.mark.parametrize("exponent", [0.5, 1.5, 0.25, 0.8, -2 / 3, 0.7983417])
def test_negative_numbers_have_whole_powers_alone(exponent: float) -> None:
    x = np.array([-math.inf, -2.0, -1e-300, 0.0, 1.0, 4.0])
    with np.errstate(all="ignore"):
        powers = power_of(x, exponent_of(exponent))
    assert np.isnan(powers).tolist() == [True] * 3 + [False] * 3
    assert powers[3:].tolist() == pytest.approx([0.0 if exponent > 0 else math.inf, 1, 4**exponent])


def test_sources_are_the_layer_before_then_the_columns() -> None:
    rows = np.array([[2.0, 3.0, 1.5]])
    assert LENS_CIRCUIT.evaluate(rows).tolist() == [2 * 3 / (2 * 1.5 + 3)]
    assert LENS_CIRCUIT.used_columns() == (0, 1, 2)
    assert len(list(LENS_CIRCUIT.units())) == 5


@given(circuits(), POINTS)
def test_among_more_columns_a_circuit_reads_its_own(circuit: Circuit, sizes: list[float]) -> None:
    n = circuit.n_columns
    places = [2 * j + 1 for j in range(n)]
    wide = np.full((1, 2 * n + 1), np.nan)
    wide[0, places] = sizes[:n]
    among = circuit.among(2 * n + 1, places)
    assert among.used_columns() == tuple(places[j] for j in circuit.used_columns())
    np.testing.assert_array_equal(among.evaluate(wide), circuit.evaluate(np.array([sizes[:n]])))


def test_numpy_scalars_do_not_leak_in() -> None:
    unit = Unit(UnitKind.SUM, (Term(0, ONE, np.float64(2)),), np.float64(3))
    assert type(unit.constant) is float
    assert type(unit.terms[0].constant) is float


@pytest.mark.parametrize(
    ("kind", "terms", "constant", "message"),
    [
        (UnitKind.SUM, [(0, 2, 1.0)], 0.0, "must be -1 or 1"),
        (UnitKind.SUM, [(0, 1, -1.0)], 0.0, "above zero"),
        (UnitKind.SUM, [(0, 1, math.inf)], 0.0, "above zero"),
        (UnitKind.SUM, [(1, 1, 1.0), (0, 1, 1.0)], 0.0, "ascend"),
        (UnitKind.SUM, [(0, 1, 1.0), (0, 1, 1.0)], 0.0, "ascend"),
        (UnitKind.SUM, [], math.nan, "finite"),
        (UnitKind.PRODUCT, [(0, 0, 1.0)], 1.0, "not a power"),
        (UnitKind.PRODUCT, [(0, 25, 1.0)], 1.0, "not a power"),
        (UnitKind.PRODUCT, [(0, "-241/10", 1.0)], 1.0, "not a power"),
        (UnitKind.MAGNITUDE, [(0, 1, 2.0)], 1.0, "not a power"),
    ],
)
def test_what_is_no_unit_is_refused(
    kind: UnitKind, terms: list[tuple[int, str | int, float]], constant: float, message: str
) -> None:
    made = tuple(Term(source, Fraction(weight), factor) for source, weight, factor in terms)
    with pytest.raises(ValueError, match=message):
        Unit(kind, made, constant)


@pytest.mark.parametrize(
    "layers",
    [
        (),
        ((),),
        ((total((0, 1)), total((0, 1))),),
        ((total((2, 1)),),),
        ((total((0, 1)),), (total((3, 1)),)),
    ],
    ids=("no layer", "no unit", "two answers", "no such column", "no such unit"),
)
def test_what_is_no_circuit_is_refused(layers: tuple[tuple[Unit, ...], ...]) -> None:
    with pytest.raises(ValueError, match=r"exactly one unit|does not exist"):
        Circuit(2, layers)
