from __future__ import annotations

import math

import numpy as np
import pytest
from answers import LENS_CIRCUIT, product, total
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import circuits

from nalu_cli.circuit import Circuit
from nalu_cli.circuit.intervals import bounds_of
from nalu_cli.circuit.validity import part, parts

LOW = st.floats(-3, 3)
WIDTH = st.floats(0, 4)


@settings(max_examples=300, deadline=None)
@given(circuits(fewest_terms=1), st.lists(st.tuples(LOW, WIDTH), min_size=3, max_size=3))
def test_no_value_in_the_box_is_outside_the_bounds(
    circuit: Circuit, box: list[tuple[float, float]]
) -> None:
    n = circuit.n_columns
    low = np.array([start for start, _ in box[:n]])
    high = low + np.array([width for _, width in box[:n]])
    X = low + (high - low) * np.random.default_rng(1).random((200, n))
    places = np.vstack([X, low, high])
    found = circuit.evaluate(places)
    smallest, largest = bounds_of(circuit, low, high)
    known = np.isfinite(found)
    room = 1e-9 * _sizes(circuit, places)[known]
    assert (found[known] >= smallest - room).all()
    assert (found[known] <= largest + room).all()


def _sizes(circuit: Circuit, places: np.ndarray) -> np.ndarray:
    """The largest number on the way to each value, by which rounding is measured."""
    inner = [part(circuit, k + 1, i).evaluate(places) for k, i in parts(circuit)]
    return np.nan_to_num(np.abs(inner)).max(axis=0) + 1.0


def test_bounds_of_a_denominator_tell_whether_it_vanishes() -> None:
    denominator = Circuit(3, (*LENS_CIRCUIT.layers[:1], (LENS_CIRCUIT.layers[1][0],)))
    assert bounds_of(denominator, (1, 2, 3), (2, 3, 4)) == (5, 11)
    assert bounds_of(denominator, (-1, 2, 3), (2, 3, 4)) == (-2, 11)


@pytest.mark.parametrize(
    ("exponent", "low", "high", "expected"),
    [
        (2, -3.0, 2.0, (0.0, 9.0)),
        (3, -3.0, 2.0, (-27.0, 8.0)),
        (-1, 2.0, 4.0, (0.25, 0.5)),
        (-1, -1.0, 4.0, (-math.inf, math.inf)),
        (-1, 0.0, 4.0, (0.25, math.inf)),
        (-2, -1.0, 2.0, (0.25, math.inf)),
        (0.5, -1.0, 4.0, (0.0, 2.0)),
        (-0.5, 0.0, 4.0, (0.5, math.inf)),
        (0.25, -1.0, 16.0, (0.0, 2.0)),
        (-0.75, 0.0, 16.0, (0.125, math.inf)),
        (0.8, -3.0, -2.0, (0.0, 0.0)),
        (12, 1e200, 1e201, (math.inf, math.inf)),
    ],
)
def test_powers(exponent: float, low: float, high: float, expected: tuple[float, float]) -> None:
    assert bounds_of(Circuit(1, ((product((0, exponent)),),)), [low], [high]) == expected


def test_sums_and_scales() -> None:
    circuit = Circuit(2, ((total((0, 1), (1, -1), offset=1.0),),))
    assert bounds_of(circuit, (0, 0), (1, 5)) == (-4, 2)
