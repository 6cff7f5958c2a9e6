"""Stacks as circuits: the same values on every row, with whole powers where a base turns."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stacks import SEEDS, SHAPES, goal_of, never, rows_of, stack, starts, value

from nalu_cli.circuit import UnitKind
from nalu_cli.search.stacks.batch import Columns, Shape
from nalu_cli.search.stacks.lowering import circuit_of_stack, with_whole_signs
from nalu_cli.search.stacks.starts import random_starts
from nalu_cli.search.stacks.training import train


@given(st.sampled_from(SHAPES), SEEDS, st.sampled_from([1.0, 2.0, -1.0, 0.5]))
@settings(max_examples=60, deadline=None)
def test_a_circuit_computes_what_its_stack_does(shape: Shape, seed: int, power: float) -> None:
    x = rows_of(seed, 30, 3)
    columns = Columns.of(x)
    batch = starts(shape, x, seed, count=3)
    batch.outer_weights[:] = np.random.default_rng(seed).uniform(0.5, 2, (3, shape.outer))
    batch.inner_weights[:] = np.abs(batch.inner_weights)
    for r in range(3):
        one = batch.take(np.array([r]))
        try:
            circuit = circuit_of_stack(one, columns, power)
        except ValueError:
            assert (one.exponents[:, : shape.outer] == 0).all()
            continue
        np.testing.assert_allclose(circuit.evaluate(x), value(one, x) ** (1 / power), rtol=1e-9)


@given(st.sampled_from(SHAPES), SEEDS, st.booleans(), st.booleans())
@settings(max_examples=60, deadline=None)
def test_a_trained_stack_keeps_its_values_where_columns_turn(
    shape: Shape, seed: int, sparse: bool, frozen: bool
) -> None:
    x = rows_of(seed, 40, 3, signed=True)
    columns, goal = Columns.of(x), goal_of(np.random.default_rng(seed).uniform(1, 3, 40))
    rng = np.random.default_rng(seed)
    batch = random_starts(shape, columns, 6, rng, sparse=sparse)
    if frozen:
        batch.free[:], batch.free_powers[:] = False, False
    batch = train(batch, columns, goal, steps=4, stop=never)
    for r in range(len(batch)):
        one = with_whole_signs(batch.take(np.array([r])), columns, goal, never)
        try:
            circuit = circuit_of_stack(one, columns, 1.0)
        except ValueError:
            continue
        there, stacks = circuit.evaluate(x), value(one, x)
        # sums that turn below a power without a sign are for the snap to decide
        defined = np.isfinite(there) & (one.odd_powers.all() or (one.powers % 2 == 0).all())
        size = np.abs(stacks).max()
        np.testing.assert_allclose(there[defined], stacks[defined], rtol=1e-6, atol=1e-6 * size)


@pytest.mark.parametrize(
    ("exponent", "odd", "whole"), [(1.2, True, 1), (2.9, True, 3), (2.4, False, 2), (0.3, False, 0)]
)
def test_powers_of_a_column_of_both_signs_become_whole(
    exponent: float, odd: bool, whole: int
) -> None:
    x = rows_of(1, 40, 2, signed=True)
    columns = Columns.of(x)
    trained = stack([[0.7, exponent]], 1, weights=[1.0], odd=[[False, odd]])
    goal = goal_of(1.5 * x[:, 0] ** 0.8 * x[:, 1] ** whole)
    rounded = with_whole_signs(trained, columns, goal, never)
    assert rounded.exponents[0, 0, 1] == whole
    assert not rounded.free[0, 0, 1]
    # the others were trained again
    assert rounded.exponents[0, 0, 0] == pytest.approx(0.8, abs=1e-6)
    circuit = circuit_of_stack(rounded, columns, 1.0)
    np.testing.assert_allclose(circuit.evaluate(x), goal.target, rtol=1e-6)


@pytest.mark.parametrize(
    ("power", "odd", "whole"), [(1.3, True, 1), (-0.8, True, -1), (1.8, False, 2)]
)
def test_powers_of_a_sum_of_both_signs_become_whole(power: float, odd: bool, whole: int) -> None:
    x = rows_of(2, 60, 2)
    columns = Columns.of(x)
    trained = stack(
        [[1.0, 0.0], [0.0, 1.0]],
        1,
        weights=[1.0],
        inner=(1,),
        inner_weights=(-1.0,),
        powers=(power,),
        odd_powers=(odd,),
    )
    rounded = with_whole_signs(trained, columns, goal_of(x[:, 0]), never)
    assert rounded.powers[0, 0] == whole
    assert not rounded.free_powers[0, 0]


def test_a_stack_of_positive_bases_is_not_changed() -> None:
    x = rows_of(3, 40, 3)
    batch = starts(Shape(2, (1,)), x, 3, count=1)
    batch.inner_weights[:] = np.abs(batch.inner_weights)
    assert with_whole_signs(batch, Columns.of(x), goal_of(x[:, 0]), never) is batch


def test_layers_are_products_sums_products_and_a_sum_and_perhaps_a_power() -> None:
    x = rows_of(4, 20, 2)
    columns = Columns.of(x)
    one = stack([[1.0, 0.0], [0.0, 2.0], [1.0, 1.0]], 2, weights=[1.0, 1.0], inner=(1,),
                inner_weights=(0.5,), powers=(-1.0,))  # fmt: skip
    circuit = circuit_of_stack(one, columns, 2.0)
    kinds = [{unit.kind for unit in layer} for layer in circuit.layers]
    product, total = {UnitKind.PRODUCT}, {UnitKind.SUM}
    assert kinds == [product, total, product, total, product]
    assert circuit.layers[-1][0].terms[0].weight == Fraction(1, 2)


def test_constant_terms_are_the_offset_and_unread_powers_are_left_out() -> None:
    x = rows_of(5, 20, 2)
    one = stack([[0.0, 0.0], [1.0, 0.0], [0.0, 0.0]], 3, weights=[2.0, 3.0, 0.5])
    circuit = circuit_of_stack(one, Columns.of(x), 1.0)
    assert circuit.layers[-1][0].constant == 2.5
    assert circuit.used_columns() == (0,)
    none = stack([[0.0, 0.0], [0.0, 0.0]], 2, weights=[2.0, 3.0])
    with pytest.raises(ValueError, match="reads no column"):
        circuit_of_stack(none, Columns.of(x), 1.0)
