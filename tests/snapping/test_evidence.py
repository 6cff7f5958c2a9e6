"""Snapping by evidence: numbers that people write come back, and no others are made up."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from answers import product, total
from stacks import printed, rows_of
from tables import Floats

from nalu_cli.circuit import Circuit, Layer, Term, Unit, UnitKind, exponent_of
from nalu_cli.circuit.constants import constants_of
from nalu_cli.experiments.known_law import Part
from nalu_cli.experiments.power_laws import power_law as random_law
from nalu_cli.experiments.power_product import power_product, tells_numbers
from nalu_cli.experiments.sampling import law_rows
from nalu_cli.experiments.written_formula import read_formula
from nalu_cli.fitting.likelihood import agreement
from nalu_cli.rows import Rows
from nalu_cli.snapping.bound import Noise, Printed
from nalu_cli.snapping.evidence import MOST_NUMBERS, shorten_numbers

SEEDS = range(3)


def power_law(scale: float, *exponents: float) -> Circuit:
    terms = tuple(Term(j, exponent_of(e)) for j, e in enumerate(exponents) if e)
    return Circuit(len(exponents), ((Unit(UnitKind.PRODUCT, terms, scale),),))


def numbers(circuit: Circuit) -> list[float]:
    """The scale of a power law, and its exponents."""
    unit = circuit.layers[0][0]
    return [unit.constant, *(float(t.weight) for t in unit.terms)]


def rough(values: list[float], seed: int, off: float = 1e-3) -> list[float]:
    """Numbers as a training ends near them."""
    errors = np.random.default_rng(seed).normal(size=len(values))
    return [v * (1 + off * float(e)) for v, e in zip(values, errors, strict=True)]


def cells(rows: Rows) -> Printed:
    assert rows.half_y is not None
    return Printed(rows.half_y * (1 + 1e-9))


LAWS = {
    "boelter": [0.023, 0.8, 0.4],
    "hazen-williams": [10.67, 1.0, 1.852, -1.852, -4.87],
    "thirds": [0.62, 1 / 3, -2 / 3],
    "whole": [2 * math.pi, 0.5, -0.5],
}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("law", LAWS)
def test_a_printed_power_law_comes_back_from_rough_numbers(law: str, seed: int) -> None:
    truth = LAWS[law]
    x = rows_of(seed, 60, len(truth) - 1)
    rows = printed(x, power_law(*truth).evaluate(x), 5)
    short = shorten_numbers(power_law(*rough(truth, seed)), rows, cells(rows))
    assert short is not None
    assert numbers(short.circuit) == pytest.approx(truth, rel=1e-14)
    assert short.gain > 10
    assert short.measure <= 1 + 1e-9


def least_squares(rows: Rows) -> Circuit:
    """The power law that fits best where all is logarithms, each row as exact as its cell."""
    assert rows.half_y is not None
    weights = rows.y / rows.half_y
    logs = np.column_stack([np.ones(len(rows)), np.log(rows.X)])
    best = np.linalg.lstsq(logs * weights[:, None], np.log(rows.y) * weights, rcond=None)[0]
    return power_law(math.exp(best[0]), *map(float, best[1:]))


@pytest.mark.parametrize(
    ("truth", "n_rows", "digits", "seed"),
    [
        ([0.2751, -2.06, 2.9, -2.819, 0.1], 25, 3, 1),
        ([0.2751, -2.06, 2.9, -2.819, 0.1], 25, 3, 6),
        ([0.08114, -1.597, -2.54, -2.027, -1.76, 0.6], 30, 3, 0),
        ([0.08114, -1.597, -2.54, -2.027, -1.76, 0.6], 30, 3, 1),
        ([0.06491, -0.6, 2.69, 0.89, -1.806], 30, 3, 2),
        ([0.06491, -0.6, 2.69, 0.89, -1.806], 30, 3, 4),
        ([32.88, -1.647, -2.773, 1.5, 0.421], 29, 3, 0),
        ([32.88, -1.647, -2.773, 1.5, 0.421], 29, 3, 1),
        ([2.551, 0.2, -0.8], 35, 3, 0),
    ],
)
def test_a_number_is_not_cut_short_at_the_cost_of_the_others(
    truth: list[float], n_rows: int, digits: int, seed: int
) -> None:
    x = rows_of(seed, n_rows, len(truth) - 1)
    rows = printed(x, power_law(*truth).evaluate(x), digits)
    short = shorten_numbers(least_squares(rows), rows, cells(rows))
    assert short is not None
    scale, *exponents = numbers(short.circuit)
    assert exponents == pytest.approx(truth[1:], rel=1e-14)
    assert scale in [pytest.approx(value, rel=1e-14) for value in as_short(truth, rows)]


def as_short(truth: list[float], rows: Rows) -> list[float]:
    """Factors of as many digits with which the law agrees with every row too, the true one first.

    Which of them it is the rows do not tell.
    """
    scale, *exponents = truth
    unit = 10.0 ** int(Decimal(str(scale)).as_tuple().exponent)
    near = [scale, scale - unit, scale + unit]
    return [one for one in near if agreement(power_law(one, *exponents), rows) <= 1]


def test_of_random_power_laws_that_the_rows_tell_nearly_all_come_back() -> None:
    told = found = 0
    for index in range(40):
        law = random_law(5, index)
        drawn = law_rows(law, Part.TRAIN, law.n_rows, seed=5)
        if not tells_numbers(law, drawn):
            continue
        assert law.digits is not None
        rows = Rows(drawn.X, drawn.y, half_units(drawn.y, law.digits))
        short = shorten_numbers(least_squares(rows), rows, cells(rows))
        assert short is not None
        truth = power_product(read_formula(law.formula, law.names))
        assert truth is not None
        sizes = [truth.coefficient, *(truth.exponents[name] for name in law.names)]
        told += 1
        found += numbers(short.circuit) == pytest.approx([float(v) for v in sizes], rel=1e-12)
    assert told > 30
    assert found >= told - 1


def half_units(y: Floats, digits: int) -> Floats:
    return np.asarray(0.5 * 10.0 ** (np.floor(np.log10(np.abs(y))) - digits + 1))


def test_a_number_that_has_become_nothing_says_nothing() -> None:
    """The exponent of a term that is dropped."""
    x = rows_of(3, 60, 2)
    rows = printed(x, 2.5 * x[:, 0], 4)
    powers: Layer = (product((0, 1)), Unit(UnitKind.PRODUCT, (Term(1, exponent_of(0.731)),), 1.0))
    terms = (Term(0, Fraction(1), 2.5003), Term(1, Fraction(1), 2e-4))
    short = shorten_numbers(
        Circuit(2, (powers, (Unit(UnitKind.SUM, terms, 0.0),))), rows, cells(rows)
    )
    assert short is not None
    assert [t.constant for t in short.circuit.layers[-1][0].terms] == [2.5]
    # 2.5 has some four bits less than the rows tell of it, and a term is gone
    assert 6 < short.gain < 16


@pytest.mark.parametrize("seed", SEEDS)
def test_a_factor_with_an_exponent_of_nearly_nothing_is_dropped(seed: int) -> None:
    x = rows_of(seed, 60, 3)
    rows = printed(x, power_law(0.7, 2.0, 0.8).evaluate(x), 4)
    given = power_law(*rough([0.7, 2.0, 0.8], seed), 2e-4)
    short = shorten_numbers(given, rows, cells(rows))
    assert short is not None
    assert short.circuit.used_columns() == (0, 1)
    assert numbers(short.circuit) == [0.7, 2.0, 0.8]


@pytest.mark.parametrize("seed", SEEDS)
def test_values_printed_from_the_very_edge_of_their_cell_are_kept(seed: int) -> None:
    truth = [0.8, 1.5, -1.0]
    x = rows_of(seed, 40, 2)
    y = power_law(*truth).evaluate(x)
    half = 0.5 * 10.0 ** (np.floor(np.log10(np.abs(y))) - 3)
    # every printed value is as far from the true one as it may be
    edge = y + half * (1 - 1e-10) * np.random.default_rng(seed).choice([-1.0, 1.0], len(y))
    rows = Rows(x, edge, half)
    short = shorten_numbers(power_law(*rough(truth, seed)), rows, cells(rows))
    assert short is not None
    assert numbers(short.circuit) == truth
    assert 0.999 < short.measure <= 1 + 1e-9


@pytest.mark.parametrize("digits", [3, 4, 5])
def test_numbers_without_names_keep_every_row_inside_its_cell(digits: int) -> None:
    """Where there are such numbers, some are found."""
    for seed in range(12):
        rng = np.random.default_rng(seed)
        truth = [rng.uniform(0.3, 1), rng.uniform(0.5, 2), -rng.uniform(0.3, 1)]
        x = rows_of(seed, 40, 2)
        rows = printed(x, power_law(*truth).evaluate(x), digits)
        short = shorten_numbers(power_law(*rough(truth, seed)), rows, cells(rows))
        assert short is not None
        assert rows.half_y is not None
        gap = np.abs(short.circuit.evaluate(x) - rows.y) / rows.half_y
        assert gap.max() <= 1 + 1e-8


def test_numbers_that_no_row_allows_give_nothing() -> None:
    x = rows_of(4, 40, 2)
    rows = printed(x, x[:, 0] + x[:, 1] ** 2, 4)
    assert shorten_numbers(power_law(1.1, 0.51234, 1.51234), rows, cells(rows)) is None
    assert shorten_numbers(power_law(1.0, 0.5, 1.5), rows, cells(rows)) is None


def test_more_numbers_than_a_formula_has_give_nothing() -> None:
    x = rows_of(5, 60, 1)
    terms = tuple(Term(k, Fraction(1), 1.5 + k / 100) for k in range(MOST_NUMBERS + 1))
    powers: Layer = tuple(product((0, k / 2)) for k in range(1, MOST_NUMBERS + 2))
    circuit = Circuit(1, (powers, (Unit(UnitKind.SUM, terms, 0.0),)))
    y = circuit.evaluate(x)
    assert shorten_numbers(circuit, Rows(x, y), Noise(np.abs(y))) is None


def with_noise(truth: list[float], x: Floats, seed: int, share: float) -> tuple[Rows, Floats]:
    y = power_law(*truth).evaluate(x)
    sigma = share * np.abs(y)
    return Rows(x, y + sigma * np.random.default_rng(seed).normal(size=len(y)), sigma=sigma), sigma


@pytest.mark.parametrize("seed", SEEDS)
def test_under_noise_numbers_that_people_write_get_their_names(seed: int) -> None:
    truth = [2.5, 2.0, -0.5]
    x = rows_of(seed, 200, 2)
    rows, sigma = with_noise(truth, x, seed, 0.01)
    short = shorten_numbers(power_law(*rough(truth, seed, 0.02)), rows, Noise(sigma))
    assert short is not None
    assert numbers(short.circuit) == truth
    # chi-square is what so many rows have, but for what the names were worth
    assert 100 < short.measure < 300


@pytest.mark.parametrize("seed", SEEDS)
def test_under_noise_a_number_without_a_name_stays_what_the_rows_tell(seed: int) -> None:
    truth = [0.7371942, 1.2839417, -1.0]
    x = rows_of(seed, 300, 2)
    rows, sigma = with_noise(truth, x, seed, 1e-5)
    short = shorten_numbers(power_law(*rough(truth, seed)), rows, Noise(sigma))
    assert short is not None
    scale, real, whole = numbers(short.circuit)
    assert whole == -1.0
    assert scale == pytest.approx(0.7371942, abs=1e-5)
    assert real == pytest.approx(1.2839417, abs=1e-5)


@pytest.mark.parametrize("seed", SEEDS)
def test_coefficients_keep_their_digits_when_exponents_are_asked_alone(seed: int) -> None:
    truth = [0.5, 2.0, -0.5]
    x = rows_of(seed, 60, 2)
    y = power_law(0.5000000123, 2.0, -0.5).evaluate(x)
    near = power_law(0.5000000123, 2.0 + 1e-11, -0.5 - 1e-11)
    bound = Noise(np.full(60, 1e-10 * np.abs(y).mean()))
    short = shorten_numbers(near, Rows(x, y), bound, exponents_alone=True)
    assert short is not None
    assert numbers(short.circuit)[1:] == truth[1:]
    assert numbers(short.circuit)[0] == pytest.approx(0.5000000123, rel=1e-9)
    assert numbers(short.circuit)[0] != 0.5


@pytest.mark.parametrize("seed", SEEDS)
def test_a_term_that_says_nothing_is_dropped(seed: int) -> None:
    x = rows_of(seed, 60, 2)
    powers: Layer = (product((0, 1), (1, 1)), product((1, 2)))
    rows = printed(x, 1.8 * x[:, 0] * x[:, 1] + 32, 4)
    terms = (Term(0, Fraction(1), 1.8004), Term(1, Fraction(1), 3e-4))
    given = Circuit(2, (powers, (Unit(UnitKind.SUM, terms, 31.99),)))
    short = shorten_numbers(given, rows, cells(rows))
    assert short is not None
    last = short.circuit.layers[-1][0]
    assert [t.constant for t in last.terms] == [1.8]
    assert last.constant == 32.0


def test_a_number_that_stands_twice_is_written_once() -> None:
    x = rows_of(6, 80, 2)
    y = 0.7371 * x[:, 0] ** 1.3 + 0.7371 * x[:, 1] ** 1.3
    rows = printed(x, y, 6)
    given = Circuit(
        2,
        (
            tuple(Unit(UnitKind.PRODUCT, (Term(j, Fraction("1.3")),), 1.0) for j in range(2)),
            (
                Unit(
                    UnitKind.SUM,
                    (Term(0, Fraction(1), 0.73712), Term(1, Fraction(1), 0.73708)),
                    0.0,
                ),
            ),
        ),
    )
    short = shorten_numbers(given, rows, cells(rows))
    assert short is not None
    assert [t.constant for t in short.circuit.layers[-1][0].terms] == [0.7371, 0.7371]


def test_a_law_of_many_rows_is_looked_for_on_some_of_them() -> None:
    truth = [0.023, 0.8, 0.4]
    x = rows_of(7, 3000, 2)
    rows = printed(x, power_law(*truth).evaluate(x), 4)
    short = shorten_numbers(power_law(*rough(truth, 7)), rows, cells(rows))
    assert short is not None
    assert numbers(short.circuit) == truth


def test_told_to_stop_it_gives_numbers_within_the_bound() -> None:
    truth = [0.0231, 0.81, 0.43]
    x = rows_of(8, 60, 2)
    rows = printed(x, power_law(*truth).evaluate(x), 4)
    short = shorten_numbers(power_law(*rough(truth, 8)), rows, cells(rows), stop=lambda: True)
    assert short is None or short.measure <= 1 + 1e-9


def test_a_circuit_without_numbers_is_left_as_it_is() -> None:
    x = rows_of(9, 60, 2)
    circuit = Circuit(2, ((total((0, 1), (1, -1)),),))
    rows = printed(x, circuit.evaluate(x), 3)
    short = shorten_numbers(circuit, rows, cells(rows))
    assert short is not None
    assert short.circuit == circuit
    assert not constants_of(short.circuit)
    assert short.bits == 0


def test_bounds_of_some_rows_are_those_rows_bounds() -> None:
    size = np.array([1.0, 2.0, 3.0])
    some = np.array([2, 0])
    for bound in (Printed(size), Noise(size)):
        np.testing.assert_array_equal(bound.take(some).size, [3.0, 1.0])
    assert Noise(size).allowed(10.0, np.array([-1.0, 0.0, 2.0])) == pytest.approx(
        [10, 10, 10 + 4 * math.log(2)]
    )
    assert Noise(size).measure(np.array([[1.0, 2.0, 2.0]])) == [9.0]
    assert Printed(size).measure(np.array([[1.0, -2.0, 0.5]])) == [2.0]


def test_errors_cost_bits_by_how_likely_they_are() -> None:
    size = np.ones(30)
    # even errors have the squares of ten
    assert Printed(size).bits(0.0) == Printed(size).bits(9.9) == 0
    assert Printed(size).bits(10 + 2 * math.log(2) / 3) == pytest.approx(1)
    assert Noise(size).bits(30 + 2 * math.log(2)) - Noise(size).bits(30.0) == pytest.approx(1)
