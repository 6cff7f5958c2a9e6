"""Refined circuits: constants named, terms that are not there dropped, never worse than before."""

from __future__ import annotations

import math

import numpy as np
import pytest
from answers import product, total, weighted
from tables import Floats, uniform

from nalu_cli.circuit import Circuit
from nalu_cli.circuit.constants import constants_of
from nalu_cli.circuit.rounding_error import agreement
from nalu_cli.expression.complexity import complexity
from nalu_cli.expression.text import formula_text
from nalu_cli.refine.refine import refine
from nalu_cli.rows import Rows

NAMES = ("a", "b", "c")

ROUGH = {
    "a*b*pi/2": Circuit(3, ((product((0, 1), (1, 1), scale=math.pi / 2 * (1 + 1e-11)),),)),
    "4*a/3 - 0.1*b": Circuit(3, ((weighted((0, 4 / 3 + 1e-10), (1, -0.1 + 1e-11)),),)),
    "(a + b)*c, multiplied out": Circuit(
        3, ((product((0, 1), (2, 1)), product((1, 1), (2, 1))), (total((0, 1), (1, 1)),))
    ),
    "a/(b + c), with factors": Circuit(
        3, ((weighted((1, 7.1), (2, 7.1)),), (product((0, -1), (1, 1), scale=7.1),))
    ),
    "a*b in four layers": Circuit(
        3,
        (
            (product((0, 1)), product((1, 1))),
            (total((0, 1)), total((1, 1))),
            (product((0, 1), (1, 1)),),
            (total((0, 1)),),
        ),
    ),
    "a + 0.5772156649015329*b": Circuit(3, ((weighted((0, 1.0), (1, 0.5772156649015329)),),)),
}


def truth(name: str, x: Floats) -> Floats:
    a, b, c = x.T
    known = {
        "a*b*pi/2": lambda: math.pi / 2 * a * b,
        "4*a/3 - 0.1*b": lambda: 4 * a / 3 - 0.1 * b,
        "(a + b)*c, multiplied out": lambda: (a + b) * c,
        "a/(b + c), with factors": lambda: a / (b + c),
        "a*b in four layers": lambda: a * b,
        "a + 0.5772156649015329*b": lambda: a + 0.5772156649015329 * b,
    }
    return known[name]()


@pytest.mark.parametrize("name", ROUGH)
def test_what_comes_out_is_never_worse_than_what_went_in(name: str) -> None:
    x = uniform(1, 200, 3)
    rows, circuit = Rows(x, truth(name, x)), ROUGH[name]
    found = refine(circuit, rows).circuit
    assert complexity(found) <= complexity(circuit)
    assert agreement(found, rows) <= 1
    # refining the answer changes nothing more
    assert complexity(refine(found, rows).circuit) == complexity(found)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a*b*pi/2", "pi/2"),
        ("4*a/3 - 0.1*b", "4/3"),
        ("(a + b)*c, multiplied out", "(a + b)"),
    ],
)
def test_the_answer_reads_as_a_person_would_write_it(name: str, text: str) -> None:
    x = uniform(1, 200, 3)
    found = refine(ROUGH[name], Rows(x, truth(name, x))).circuit
    shown = formula_text(found, NAMES)
    values = {abs(v) for v in constants_of(found).values()}
    wanted = {"pi/2": {math.pi / 2}, "4/3": {4 / 3, 0.1}, "(a + b)": set()}[text]
    assert values == wanted, shown


def test_a_common_factor_is_no_constant() -> None:
    x = uniform(1, 200, 3)
    name = "a/(b + c), with factors"
    found = refine(ROUGH[name], Rows(x, truth(name, x))).circuit
    assert constants_of(found) == {}


def test_a_constant_without_a_name_keeps_its_value() -> None:
    x = uniform(1, 200, 3)
    name = "a + 0.5772156649015329*b"
    found = refine(ROUGH[name], Rows(x, truth(name, x)))
    ((place, value),) = constants_of(found.circuit).items()
    assert value == pytest.approx(0.5772156649015329, rel=1e-14)
    assert found.standard_errors[place] < 1e-13


@pytest.mark.parametrize("seed", range(5))
def test_of_noisy_data_a_term_that_is_not_there_is_dropped(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = uniform(seed, 300, 3)
    y = 2.37 * x[:, 0] - x[:, 1] + 0.02 * rng.standard_normal(300)
    rich = Circuit(3, ((weighted((0, 2.4), (1, -0.9), (2, 0.01), offset=0.1),),))
    found = refine(rich, Rows(x, y), sigma=0.02).circuit
    assert found.used_columns() == (0, 1)
    assert found.layers[-1][0].constant == 0
    ((_, value),) = constants_of(found).items()
    assert value == pytest.approx(2.37, abs=0.01)


@pytest.mark.parametrize("seed", range(5))
def test_of_noisy_data_a_term_that_is_there_stays(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = uniform(seed, 300, 3)
    y = 2.37 * x[:, 0] - x[:, 1] + 0.03 * x[:, 2] + 0.02 * rng.standard_normal(300)
    rich = Circuit(3, ((weighted((0, 2.4), (1, -0.9), (2, 0.01)),),))
    assert refine(rich, Rows(x, y), sigma=0.02).circuit.used_columns() == (0, 1, 2)


def test_of_noisy_data_coefficients_of_one_are_found_together() -> None:
    """Each alone is known badly, as they compensate one another; with the others fixed, well."""
    x = np.random.default_rng(12).uniform(-1, 1, (900, 1))
    y = sum(x[:, 0] ** k for k in range(1, 7))
    rows = Rows(x, y + 0.01 * np.std(y) * np.random.default_rng(13).standard_normal(900))
    powers = tuple(product((0, k), scale=4.0**k) for k in range(1, 7))
    guess = weighted(*((k, 4.0 ** -(k + 1)) for k in range(6)))
    refined = refine(Circuit(1, (powers, (guess,))), rows, sigma=0.01 * float(np.std(y)))
    assert set(map(abs, constants_of(refined.circuit).values())) <= {1.0}
    clean = np.linspace(-1, 1, 7)[:, None]
    expected = sum(clean[:, 0] ** k for k in range(1, 7))
    np.testing.assert_allclose(refined.circuit.evaluate(clean), expected, atol=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_of_noisy_data_whole_numbers_are_found_together(seed: int) -> None:
    """9/(3 - a) - 2: the pole, the scale and the offset can stand in for one another."""
    x = uniform(20 + seed, 900, 1, low=0.0, high=1.2)
    y = 9 / (3 - x[:, 0]) - 2
    sigma = 0.01 * float(np.std(y)) * 3
    rows = Rows(x, y + sigma * np.random.default_rng(30 + seed).standard_normal(900))
    pole = weighted((0, -1.0), offset=2.9)
    start = Circuit(
        1, ((pole,), (product((0, -1), scale=8.0),), (weighted((0, 1.0), offset=-1.8),))
    )
    found = refine(start, rows, sigma=sigma)
    assert set(map(abs, constants_of(found.circuit).values())) <= {1.0, 2.0, 3.0, 9.0}
    np.testing.assert_allclose(found.circuit.evaluate(x), y, rtol=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_of_noisy_data_one_coefficient_stands_before_two_terms(seed: int) -> None:
    x = uniform(40 + seed, 900, 3)
    y = 0.2893 * (x[:, 0] - x[:, 1]) + x[:, 2]
    sigma = 0.01 * float(np.std(y))
    rows = Rows(x, y + sigma * np.random.default_rng(50 + seed).standard_normal(900))
    start = Circuit(3, ((weighted((0, 0.3), (1, -0.28), (2, 1.1)),),))
    found = refine(start, rows, sigma=sigma).circuit
    (value,) = {abs(v) for v in constants_of(found).values()} - {1.0}
    assert value == pytest.approx(0.2893, abs=0.002)
    assert formula_text(found, "abc") == f"{value!r}*(a - b) + c"


def test_of_noisy_data_coefficients_that_differ_stay_two() -> None:
    x = uniform(41, 900, 3)
    y = 0.2893 * x[:, 0] - 0.2993 * x[:, 1] + x[:, 2]
    sigma = 0.001 * float(np.std(y))
    rows = Rows(x, y + sigma * np.random.default_rng(51).standard_normal(900))
    start = Circuit(3, ((weighted((0, 0.3), (1, -0.3), (2, 1.1)),),))
    values = constants_of(refine(start, rows, sigma=sigma).circuit).values()
    assert sorted(map(abs, values)) == pytest.approx([0.2893, 0.2993], abs=5e-4)


def test_of_noisy_data_what_comes_in_stays_where_it_is_the_shortest() -> None:
    """The fitted coefficients are known too badly to be given these names."""
    x = uniform(60, 900, 2)
    y = 0.29 * x[:, 0] + 0.7 * x[:, 1]
    sigma = 0.3 * float(np.std(y))
    rows = Rows(x, y + sigma * np.random.default_rng(61).standard_normal(900))
    start = Circuit(2, ((weighted((0, 0.29), (1, 0.7)),),))
    assert refine(start, rows, sigma=sigma).circuit == start
    assert refine(start, rows, sigma=sigma, worthwhile=lambda _: False).circuit == start


def test_of_noisy_data_a_number_that_is_whole_by_chance_alone_keeps_its_digits() -> None:
    x = uniform(21, 300, 2)
    y = 3.01 * x[:, 0] + 0.7123 * x[:, 1]
    sigma = 0.05 * float(np.std(y))
    rows = Rows(x, y + sigma * np.random.default_rng(22).standard_normal(300))
    start = Circuit(2, ((weighted((0, 3.0), (1, 0.7)),),))
    found = refine(start, rows, sigma=sigma)
    assert 3.0 not in constants_of(found.circuit).values()


def test_a_constant_known_to_three_digits_gets_no_long_name() -> None:
    rng = np.random.default_rng(8)
    x = uniform(8, 300, 3)
    y = 0.7123 * x[:, 0] * x[:, 1] * (1 + 0.01 * rng.standard_normal(300))
    start = Circuit(3, ((product((0, 1), (1, 1), scale=0.7),),))
    sigma = 0.01 * float(np.sqrt(np.mean(y**2)))
    found = refine(start, Rows(x, y), sigma=sigma)
    ((place, value),) = constants_of(found.circuit).items()
    assert abs(value - 0.7123) < 4 * found.standard_errors[place]
    assert value not in (5 / 7, 0.7)


def test_a_wrong_name_is_not_forced_on_clean_data() -> None:
    x = uniform(9, 200, 3)
    value = 0.5 * (1 + 1e-10)
    rows = Rows(x, value * x[:, 0] * x[:, 1])
    found = refine(Circuit(3, ((product((0, 1), (1, 1), scale=value),),)), rows).circuit
    assert agreement(found, rows) <= 1
    assert 0.5 not in constants_of(found).values()


def test_a_shorter_form_must_be_rounded_as_well_on_other_rows_too() -> None:
    # x**2*(x**2 - 1)**2 is surer near 1 than the sum that the targets were computed by
    powers = tuple(product((0, k)) for k in (6, 4, 2))
    circuit = Circuit(1, (powers, (weighted((0, 1.0), (1, -2.0), (2, 1.0)),)))
    x = np.linspace(0.2, 0.8, 60)[:, None]
    rows = Rows(x, circuit.evaluate(x))
    near_one = np.linspace(0.995, 1.005, 60)[:, None]
    others = Rows(near_one, circuit.evaluate(near_one))
    assert agreement(refine(circuit, rows).circuit, others) > 1
    assert agreement(refine(circuit, rows, others=others).circuit, others) <= 1


def test_of_noisy_data_a_scale_goes_into_the_sum_that_it_makes_simple() -> None:
    """(20.08*a**2 + 1)/(a + sqrt(a)): of its two sums one has an offset."""
    x = uniform(60, 900, 1, low=0.01, high=10.0)
    a = x[:, 0]
    y = (20.08 * a**2 + 1) / (a + np.sqrt(a))
    sigma = 0.01 * float(np.std(y))
    rows = Rows(x, y + sigma * np.random.default_rng(61).standard_normal(900))
    powers = (product((0, 2)), product((0, 0.5)))
    sums = (weighted((0, 1.0), offset=0.055), weighted((1, 1.0), (2, 1.0)))
    start = Circuit(1, (powers, sums, (product((0, 1), (1, -1), scale=19.9),)))
    found = refine(start, rows, sigma=sigma).circuit
    (value,) = {abs(v) for v in constants_of(found).values()} - {1.0}
    assert value == pytest.approx(20.08, rel=1e-3)
