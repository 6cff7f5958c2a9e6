"""Circuits survive as plain data; anything else is refused with the place it went wrong."""

from __future__ import annotations

import copy
import json
import math
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from strategies import circuits

from nalu_cli.circuit import Circuit, Term, Unit, UnitKind, exponent_of
from nalu_cli.circuit.plain_data import circuit_from_data, circuit_to_data

GOOD = {
    "n_columns": 2,
    "layers": [
        [
            {
                "kind": "sum",
                "constant": 1.5,
                "terms": [{"source": 0, "weight": "-1", "constant": 2.0}],
            }
        ],
        [{"kind": "product", "constant": 1.0, "terms": [{"source": 0, "weight": "1/2"}]}],
    ],
}

UNIT = ("layers", 0, 0)
TERM = (*UNIT, "terms", 0)

BAD = [
    ((), None),
    ((), []),
    (("n_columns",), -1),
    (("n_columns",), True),
    (("n_columns",), 2.0),
    (("n_columns",), 10**400),
    (("layers",), {}),
    (("layers",), []),
    (("layers",), [[]] * 1000),
    (("layers", 0), "ab"),
    (("layers", 1), []),
    (UNIT, 3),
    ((*UNIT, "kind"), "quotient"),
    ((*UNIT, "kind"), ["sum"]),
    ((*UNIT, "constant"), math.nan),
    ((*UNIT, "constant"), math.inf),
    ((*UNIT, "constant"), "1"),
    ((*UNIT, "constant"), True),
    ((*UNIT, "constant"), 10**400),
    ((*UNIT, "extra"), 1),
    ((*UNIT, "terms"), None),
    ((*TERM, "source"), 2),
    ((*TERM, "source"), -1),
    ((*TERM, "source"), "0"),
    ((*TERM, "weight"), "2"),
    ((*TERM, "weight"), "0"),
    ((*TERM, "weight"), 1),
    ((*TERM, "weight"), "1/0"),
    ((*TERM, "weight"), "1e9"),
    ((*TERM, "weight"), "٣"),
    ((*TERM, "constant"), 0.0),
    ((*TERM, "constant"), -1.0),
    (("layers", 1, 0, "terms", 0, "weight"), "49/2"),
    (("layers", 1, 0, "terms", 0, "weight"), "0.8"),
    (("layers", 1, 0, "terms", 0, "weight"), "1/" + "9" * 1000),
    (("layers", 1, 0, "terms", 0, "constant"), 1.0),
]


@given(circuits())
def test_every_circuit_comes_back_equal(circuit: Circuit) -> None:
    text = json.dumps(circuit_to_data(circuit), allow_nan=False)
    assert circuit_from_data(json.loads(text)) == circuit


@given(st.floats(-24, 24))
def test_every_real_exponent_comes_back_bit_for_bit(value: float) -> None:
    assume(value != 0)
    terms = (Term(0, exponent_of(value)), Term(1, Fraction(value)))
    circuit = Circuit(2, ((Unit(UnitKind.PRODUCT, terms, 1.0),),))
    assert circuit_from_data(circuit_to_data(circuit)) == circuit


def test_the_example_is_good() -> None:
    assert circuit_to_data(circuit_from_data(GOOD)) == GOOD


@pytest.mark.parametrize(("path", "value"), BAD)
def test_damage_is_refused(path, value) -> None:
    holder = {"root": copy.deepcopy(GOOD)}
    inner, keys = holder, ("root", *path)
    for key in keys[:-1]:
        inner = inner[key]
    inner[keys[-1]] = value
    with pytest.raises(ValueError, match=r".") as caught:
        circuit_from_data(holder["root"])
    assert len(str(caught.value)) < 400


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["n_columns", "layers", "kind", "terms"]), inner, max_size=4
            )
        ),
    )
)
def test_arbitrary_data_raises_nothing_but_value_errors(data) -> None:
    with pytest.raises(ValueError, match=r"."):
        circuit_from_data(data)
