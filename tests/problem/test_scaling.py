"""Scaled units: circuits of scaled columns, brought back, compute the same numbers."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from strategies import circuits
from tables import uniform

from nalu_cli.circuit import Circuit, Term, Unit, UnitKind
from nalu_cli.circuit.rounding_error import rounding_bound
from nalu_cli.problem.scaling import Scale
from nalu_cli.rows import Rows

SIZES = st.integers(-40, 40)


@given(circuits(), st.lists(SIZES, min_size=4, max_size=4), st.integers(0, 5))
@settings(suppress_health_check=[HealthCheck.filter_too_much])
def test_a_circuit_of_scaled_columns_is_one_of_the_users_columns(
    circuit: Circuit, sizes: list[int], seed: int
) -> None:
    x = uniform(seed, 20, circuit.n_columns, low=-4) * 10.0 ** np.array(
        sizes[1:][: circuit.n_columns]
    )
    rows = Rows(x, np.full(20, 10.0 ** sizes[0]))
    scale = Scale.of(rows)
    inside, bound = rounding_bound(circuit, scale.down(rows).X)
    brought_back = scale.up(circuit).evaluate(x)
    usable = np.isfinite(bound) & (np.abs(inside) < 1e100) & (np.abs(inside) > 1e-100)
    usable &= bound < 1e-6 * np.abs(inside)
    assume(usable.any())
    gap = np.abs(brought_back / scale.target - inside)
    assert (gap[usable] <= 2 * bound[usable]).all()


@given(circuits())
def test_back_and_up_again_is_the_same_circuit(circuit: Circuit) -> None:
    scale = Scale(4.0 ** np.arange(-1, circuit.n_columns - 1), 16.0)
    again = scale.up(scale.back(circuit))
    products = (unit for unit in circuit.units() if unit.kind is not UnitKind.SUM)
    if all(term.weight.denominator <= 2 for unit in products for term in unit.terms):
        assert again == circuit
    # other powers of four are rounded
    assert [structure(unit) for unit in again.units()] == [structure(u) for u in circuit.units()]
    np.testing.assert_allclose(constants(again), constants(circuit), rtol=1e-13)


def structure(unit: Unit) -> tuple[UnitKind, list[tuple[int, Fraction]]]:
    """A unit without its constants."""
    return unit.kind, [(term.source, term.weight) for term in unit.terms]


def constants(circuit: Circuit) -> list[float]:
    return [
        v for unit in circuit.units() for v in (unit.constant, *(t.constant for t in unit.terms))
    ]


@given(st.lists(SIZES, min_size=3, max_size=3), st.integers(0, 5))
def test_scaled_rows_are_of_size_one_and_scaling_loses_nothing(sizes: list[int], seed: int) -> None:
    x = uniform(seed, 50, 2, low=0.5) * 10.0 ** np.array(sizes[:2])
    rows = Rows(x, x[:, 0] * 10.0 ** (sizes[2] - sizes[0]))
    scale = Scale.of(rows)
    down = scale.down(rows)
    for values in (*down.X.T, down.y):
        assert 0.4 < np.exp(np.mean(np.log(np.abs(values)))) < 2.5
    np.testing.assert_array_equal(down.X * scale.columns, rows.X)
    np.testing.assert_array_equal(down.y * scale.target, rows.y)
    # a power of four: its root is exact too
    mantissa, exponent = np.frexp([*scale.columns, scale.target])
    assert (mantissa == 0.5).all()
    assert (exponent % 2 == 1).all()


def test_zeros_do_not_count_and_columns_of_zeros_stay() -> None:
    x = np.array([0.0, 64.0, 0.0, 64.0])
    scale = Scale.of(Rows(np.column_stack([x, np.zeros(4)]), np.zeros(4)))
    np.testing.assert_array_equal(scale.columns, [64.0, 1.0])
    assert scale.target == 1.0


@pytest.mark.parametrize("size", [5e-324, 1e-300, 1e300])
def test_the_ends_of_the_doubles_are_scaled_without_loss(size: float) -> None:
    rows = Rows(np.full((4, 1), size), np.full(4, size))
    down = Scale.of(rows).down(rows)
    assert np.isfinite(down.X).all()
    np.testing.assert_array_equal(down.X * Scale.of(rows).columns, rows.X)


def test_no_scale_changes_nothing() -> None:
    rows = Rows(uniform(1, 10, 2) * 1e9, np.full(10, 1e-9))
    down = Scale.none(rows).down(rows)
    np.testing.assert_array_equal(down.X, rows.X)
    np.testing.assert_array_equal(down.y, rows.y)


def test_a_scaled_constant_that_is_no_double_is_refused() -> None:
    steep = Circuit(1, ((Unit(UnitKind.PRODUCT, (Term(0, Fraction(20)),), 1.0),),))
    scale = Scale(np.array([1e30]), 1.0)
    with pytest.raises(ValueError, match="constant"):
        scale.back(steep)
