from __future__ import annotations

import numpy as np
import pytest
from answers import product, total
from hypothesis import given, settings
from strategies import circuits

from nalu_cli.circuit import Circuit
from nalu_cli.expression.text import formula_text
from nalu_cli.judge.neighbours import neighbours, scaled_to
from nalu_cli.rows import Rows


def texts(circuit: Circuit) -> set[str]:
    names = "abcdefghij"[: circuit.n_columns]
    return {formula_text(near, names) for near in neighbours(circuit)}


def test_one_exponent_or_one_term_is_another() -> None:
    assert texts(Circuit(2, ((product((0, 1), (1, -1)),),))) == {
        *("1/b", "1/sqrt(a*b)".replace("sqrt(a*b)", "(sqrt(a)*b)"), "sqrt(a)/b", "a**1.5/b"),
        *("a**2/b", "a", "a/b**2", "a/b**1.5", "a/sqrt(b)"),
    } - {"1/(sqrt(a)*b)"}
    assert texts(Circuit(2, ((total((0, 1), (1, -1), offset=3.0),),))) == {
        *("3 - b", "a + 3", "a - b"),
    }


@settings(max_examples=50, deadline=None)
@given(circuits(fewest_terms=1))
def test_neighbours_differ_from_the_circuit_in_one_unit(circuit: Circuit) -> None:
    for near in neighbours(circuit):
        changed = [u != v for u, v in zip(circuit.units(), near.units(), strict=True)]
        assert sum(changed) == 1


def test_the_factor_is_the_one_of_least_squares_and_short_where_the_noise_allows() -> None:
    x = np.linspace(1, 2, 50)[:, None]
    circuit = Circuit(1, ((product((0, 1)),),))
    noise = np.where(np.arange(50) % 2, 1e-3, -1e-3)
    (unit,) = scaled_to(circuit, Rows(x, 2.5 * x[:, 0] + noise)).layers[-1]
    assert unit.constant == 2.5
    (unit,) = scaled_to(circuit, Rows(x, 2.5123456789 * x[:, 0])).layers[-1]
    assert unit.constant == pytest.approx(2.5123456789, rel=1e-14)
    shifted = Circuit(1, ((total((0, 1), offset=1.0),),))
    found = scaled_to(shifted, Rows(x, 4 * (x[:, 0] + 1)))
    assert found.evaluate(x) == pytest.approx(4 * (x[:, 0] + 1))


def test_no_factor_where_there_is_no_value_or_the_sign_is_wrong() -> None:
    x = np.linspace(-1, 2, 50)[:, None]
    assert scaled_to(Circuit(1, ((product((0, 0.5)),),)), Rows(x, x[:, 0])) is None
    assert scaled_to(Circuit(1, ((product((0, 1)),),)), Rows(x, -x[:, 0])) is None
    # targets that have nothing to do with the circuit leave the factor in doubt
    left = np.where(np.arange(50) % 2, 1.0, -1.0) + 1e-9
    assert scaled_to(Circuit(1, ((product((0, 1)),),)), Rows(x, left)) is None
