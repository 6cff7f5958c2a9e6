"""Numbers shorter than chance."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from nalu_cli.circuit import Circuit, Term, Unit, UnitKind, exponent_of
from nalu_cli.rows import Rows
from nalu_cli.snapping.surprise import surprise, surprise_of, total_gain


def powers(scale: float, *exponents: float) -> Circuit:
    terms = tuple(Term(j, exponent_of(e)) for j, e in enumerate(exponents))
    return Circuit(len(exponents), ((Unit(UnitKind.PRODUCT, terms, scale),),))


def rows_of(circuit: Circuit, n_rows: int = 200) -> Rows:
    X = np.random.default_rng(0).uniform(1, 5, (n_rows, circuit.n_columns))
    return Rows(X, circuit.evaluate(X))


def test_a_number_known_ten_times_better_says_three_bits_more() -> None:
    assert surprise(0.001) - surprise(0.01) == pytest.approx(np.log2(10))


def test_short_exponents_that_are_known_well_are_no_chance() -> None:
    circuit = powers(1.0, 1.0, -2.0)
    rows = rows_of(circuit)
    assert surprise_of(circuit, rows, np.full(len(rows), 0.01 * np.std(rows.y))) > 12


def test_exponents_as_long_as_they_are_known_say_that_a_law_is_imitated() -> None:
    circuit = powers(1.0, 0.98731, -2.0)
    rows = rows_of(circuit)
    assert surprise_of(circuit, rows, np.full(len(rows), 0.01 * np.std(rows.y))) == -np.inf


def test_the_less_the_rows_tell_the_less_short_numbers_say() -> None:
    circuit = powers(2.0, 1.0, -2.0)
    rows = rows_of(circuit)
    said = [
        surprise_of(circuit, rows, np.full(len(rows), noise * np.std(rows.y)))
        for noise in (0.001, 0.01, 0.1)
    ]
    assert said == sorted(said, reverse=True)


def test_coefficients_without_a_name_say_nothing() -> None:
    rows = rows_of(powers(1.0, 1.0))
    size = np.full(len(rows), 0.01)
    sums = [
        Circuit(1, ((Unit(UnitKind.SUM, (Term(0, Fraction(1), c),), 0.0),),))
        for c in (1.0, 1.0437126498213)
    ]
    assert surprise_of(sums[0], rows, size) > 0
    assert surprise_of(sums[1], rows, size) == 0


def test_a_constant_has_no_numbers_to_be_short() -> None:
    rows = rows_of(powers(1.0, 1.0))
    nothing = Circuit(1, ((Unit(UnitKind.SUM, (), 0.0),),))
    assert surprise_of(nothing, rows, np.ones(len(rows))) == 0


def test_coefficients_add_up_and_products_repeat_one_another() -> None:
    gains = [(None, 3.0), ((0, 0), 4.0), ((0, 1), 5.0), ((0, 0), 2.0), (None, -1.0)]
    assert total_gain(gains) == 2 + 6
    assert total_gain([(None, 3.0)]) == 3
    assert total_gain([]) == 0
