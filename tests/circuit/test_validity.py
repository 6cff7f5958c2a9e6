from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from answers import LENS_CIRCUIT, product, total
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import circuits

from nalu_cli.circuit import Circuit, Term, Unit, UnitKind
from nalu_cli.circuit.validity import Need, conditions, guards, part, parts
from nalu_cli.expression.text import formula_text

ROOT = Circuit(2, ((total((0, 1), (1, -1)),), (product((0, 0.5), (2, -0.5)),)))
"""sqrt(a - b)/sqrt(b)"""


def needs(circuit: Circuit, *names: str) -> dict[str, Need]:
    return {formula_text(c.part, names): c.need for c in conditions(circuit)}


def guard(circuit: Circuit, *points: list[float], low: float = 1.0, high: float = 5.0) -> list[str]:
    rows = np.array(points, dtype=np.float64)
    box = ([low] * circuit.n_columns, [high] * circuit.n_columns)
    return [str(g) for g in guards(circuit, rows, circuit.evaluate(rows), box)]


def test_denominators_and_roots_are_named() -> None:
    assert needs(LENS_CIRCUIT, "d1", "d2", "n") == {"d1*n + d2": Need.NOT_ZERO}
    assert needs(ROOT, "a", "b") == {"a - b": Need.NOT_NEGATIVE, "b": Need.POSITIVE}


def test_a_root_and_a_denominator_of_the_same_part_make_it_positive() -> None:
    circuit = Circuit(1, ((product((0, 0.5)), product((0, -1))), (total((0, 1), (1, 1)),)))
    assert needs(circuit, "x") == {"x": Need.POSITIVE}


POWER = Circuit(2, ((product((0, 0.75), (1, -0.7983417)),),))
"""a**0.75/b**0.7983417"""


def test_powers_that_are_not_whole_are_conditions_as_roots_are() -> None:
    assert needs(POWER, "a", "b") == {"a": Need.NOT_NEGATIVE, "b": Need.POSITIVE}
    rows = ([2, 3], [-2, 3], [2, -3], [0, 3], [2, 0])
    assert guard(POWER, *rows, low=-9, high=9) == [
        *("inside", "undefined", "undefined", "inside", "pole")
    ]


def test_magnitudes_have_roots_everywhere() -> None:
    unit = Unit(UnitKind.MAGNITUDE, (Term(0, Fraction(1, 2)), Term(1, Fraction(-1, 2))), 1.0)
    assert needs(Circuit(2, ((unit,),)), "a", "b") == {"b": Need.NOT_ZERO}


def test_units_nothing_reads_set_no_condition() -> None:
    circuit = Circuit(2, ((product((0, -1)), total((1, 1))), (total((1, 1)),)))
    assert conditions(circuit) == ()
    assert list(parts(circuit)) == [(0, 1), (1, 0)]


@given(circuits(), st.integers(0, 2**32 - 1))
@settings(max_examples=60)
def test_where_the_conditions_hold_the_formula_has_a_value(circuit: Circuit, seed: int) -> None:
    rows = np.random.default_rng(seed).uniform(-2, 2, (50, circuit.n_columns))
    holds = np.ones(len(rows), dtype=bool)
    for condition in conditions(circuit):
        value = condition.part.evaluate(rows)
        with np.errstate(all="ignore"):
            holds &= {
                Need.NOT_ZERO: value != 0,
                Need.NOT_NEGATIVE: value >= 0,
                Need.POSITIVE: value > 0,
            }[condition.need] & np.isfinite(value)
    assert not np.isnan(circuit.evaluate(rows)[holds]).any()


@given(circuits())
@settings(max_examples=60)
def test_the_part_a_layer_reads_is_computed_alone(circuit: Circuit) -> None:
    rows = np.linspace(0.5, 2.5, 3 * circuit.n_columns).reshape(3, -1)
    whole = part(circuit, len(circuit.layers), 0)
    np.testing.assert_array_equal(whole.evaluate(rows), circuit.evaluate(rows))
    for j in range(circuit.n_columns):
        np.testing.assert_array_equal(part(circuit, 0, j).evaluate(rows), rows[:, j])


def test_a_row_is_inside_at_the_edge_or_outside() -> None:
    circuit = Circuit(2, ((total((0, 1), (1, 1)),),))
    rows = ([1, 5], [0.81, 3], [3, 5.2], [3, 5.21], [-100, 3])
    assert guard(circuit, *rows) == ["inside", "edge", "edge", "outside", "outside"]


def test_columns_the_formula_does_not_use_play_no_part() -> None:
    circuit = Circuit(2, ((total((1, 1)),),))
    assert guard(circuit, [float("nan"), 2], [1e9, 2]) == ["inside", "inside"]


def test_a_missing_cell_and_an_undefined_root_are_told_apart() -> None:
    assert guard(ROOT, [float("nan"), 2], [2, 3]) == ["missing", "undefined"]


@pytest.mark.parametrize("gap", [0.0, 1e-12, -1e-7])
def test_a_denominator_that_cancels_is_a_pole(gap: float) -> None:
    circuit = Circuit(2, ((total((0, 1), (1, -1)),), (product((0, -1)),)))
    assert guard(circuit, [2 + gap, 2], [2.1, 2]) == ["pole", "inside"]


def test_a_column_far_smaller_than_ever_is_a_pole() -> None:
    circuit = Circuit(1, ((product((0, -1)),),))
    assert guard(circuit, [0], [1e-9], [0.9], [1]) == ["pole", "pole", "edge", "inside"]
    assert guard(circuit, [1e-9], [0], low=-1) == ["inside", "pole"]


def test_an_overflow_is_a_pole() -> None:
    assert guard(Circuit(1, ((product((0, 2)),),)), [1e200]) == ["pole"]


def test_a_constant_is_inside_everywhere() -> None:
    assert guard(Circuit(1, ((product(scale=2.0),),)), [1e9], [float("nan")]) == ["inside"] * 2
