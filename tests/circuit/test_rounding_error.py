"""What counts as rounding: the bound holds against exact arithmetic, and lets no error pass."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from answers import product, total
from exact import UndefinedError, value_of
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from strategies import circuits
from tables import uniform

from nalu_cli.circuit import Circuit, Term, Unit, UnitKind
from nalu_cli.circuit.rounding_error import EPS, agreement, rounding_bound
from nalu_cli.rows import Rows

inputs = st.floats(-100, 100).filter(lambda x: abs(x) > 1e-3)


@given(circuits(), st.lists(inputs, min_size=3, max_size=3))
@settings(max_examples=300, suppress_health_check=[HealthCheck.filter_too_much])
def test_a_value_lies_within_its_bound_of_the_exact_value(
    circuit: Circuit, point: list[float]
) -> None:
    (value,), (bound,) = rounding_bound(circuit, np.array([point[: circuit.n_columns]]))
    # the bound is of first order: it says nothing where rounding leaves no digit
    assume(np.isfinite(value) and np.isfinite(bound) and 1e-250 < abs(value) < 1e250)
    assume(bound < 1e-6 * abs(value))
    try:
        exact = value_of(circuit, point[: circuit.n_columns])
    except UndefinedError:
        assume(False)
    assert abs(exact - value) <= bound * (1 + 1e-5)


@given(circuits(), st.lists(inputs, min_size=3, max_size=3))
def test_the_value_is_that_of_the_circuit(circuit: Circuit, point: list[float]) -> None:
    x = np.array([point[: circuit.n_columns]])
    np.testing.assert_array_equal(rounding_bound(circuit, x)[0], circuit.evaluate(x))


def sum_of_products() -> Circuit:
    return Circuit(
        3, ((product((0, 1), (2, 1)), product((1, 1), (2, 1))), (total((0, 1), (1, 1)),))
    )


def scaled_sum(scale: float) -> Circuit:
    terms = (Term(0, Fraction(1), scale), Term(1, Fraction(1)))
    return Circuit(3, ((Unit(UnitKind.SUM, terms, 0.0),), (product((0, 1), (3, 1)),)))


@pytest.mark.parametrize("size", [1e-200, 1e-3, 1.0, 1e6, 1e150])
def test_another_order_of_operations_agrees(size: float) -> None:
    x = uniform(1, 2000, 3, low=-4.0)
    a, b, c = x.T
    assert agreement(sum_of_products(), Rows(x * [size, size, 1], size * ((a + b) * c))) <= 1
    quotient = Circuit(3, ((product((0, 1), (1, 2), (2, -1), scale=0.1 * size),),))
    assert agreement(quotient, Rows(x, b * (size * a / (c * 10)) * b)) <= 1
    many = Circuit(3, ((total((0, 1), (1, -1), (2, 1), offset=0.3),),))
    assert agreement(many, Rows(x, (c + 0.3) + (a - b))) <= 1


@pytest.mark.parametrize("size", [1e-200, 1.0, 1e150])
@pytest.mark.parametrize("off", [1e-9, -1e-9, 1e-13])
def test_a_constant_that_is_off_does_not_agree(size: float, off: float) -> None:
    x = uniform(2, 500, 3)
    y = (0.7 * x[:, 0] + x[:, 1]) * x[:, 0] * size
    law = scaled_sum(0.7)
    wrong = scaled_sum(0.7 * (1 + off))
    grown = [
        Circuit(3, (c.layers[0], (product((0, 1), (1, 1), scale=size),))) for c in (law, wrong)
    ]
    assert agreement(grown[0], Rows(x, y)) <= 1
    assert agreement(grown[1], Rows(x, y)) > 1


@pytest.mark.parametrize("shift", [1e3, 1e5])
def test_digits_lost_to_cancellation_are_allowed_for(shift: float) -> None:
    rng = np.random.default_rng(3)
    x = np.column_stack([shift + rng.uniform(0, 1, 500), shift + rng.uniform(2, 3, 500)])
    inverse_gap = Circuit(2, ((total((0, -1), (1, 1)),), (product((0, -2)),)))
    one_way = 1 / (x[:, 1] - x[:, 0]) ** 2
    other_way = 1 / (x[:, 1] * (1 - x[:, 0] / x[:, 1])) ** 2
    assert agreement(inverse_gap, Rows(x, one_way)) <= 1
    assert np.max(np.abs(other_way / one_way - 1)) > 100 * EPS
    assert agreement(inverse_gap, Rows(x, other_way)) <= 1
    # but no cancellation excuses more than this
    assert agreement(inverse_gap, Rows(x, one_way * (1 + 1e-8))) > 1


def test_every_row_counts() -> None:
    x = uniform(4, 1000, 3)
    y = (x[:, 0] + x[:, 1]) * x[:, 2]
    assert agreement(sum_of_products(), Rows(x, y)) <= 1
    y[537] *= 1 + 1e-12
    assert agreement(sum_of_products(), Rows(x, y)) > 1


def test_where_a_formula_is_undefined_it_does_not_agree() -> None:
    root = Circuit(1, ((product((0, 0.5)),),))
    x = np.array([4.0, -1.0, 9.0])
    with np.errstate(invalid="ignore"):
        assert agreement(root, Rows(x[:, None], np.sqrt(np.abs(x)))) == np.inf
    inverse = Circuit(1, ((product((0, -1)),),))
    assert agreement(inverse, Rows(np.array([[1.0], [0.0]]), np.ones(2))) == np.inf


def test_no_rows_are_no_objection() -> None:
    assert agreement(sum_of_products(), Rows(np.zeros((0, 3)), np.zeros(0))) == 0


@given(st.integers(-300, 300))
def test_powers_of_two_change_nothing(k: int) -> None:
    x = uniform(6, 50, 3)
    y = (x[:, 0] + x[:, 1]) * x[:, 2] * (1 + 1e-14)
    scaled = Circuit(
        3, (sum_of_products().layers[0], (total((0, 1), (1, 1)),), (product((0, 1), scale=2.0**k),))
    )
    plain = Circuit(3, (sum_of_products().layers[0], (total((0, 1), (1, 1)),), (product((0, 1)),)))
    assert agreement(scaled, Rows(x, y * 2.0**k)) == agreement(plain, Rows(x, y))
