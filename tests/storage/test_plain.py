from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest
from answers import LENS_CIRCUIT, lens
from hypothesis import given
from hypothesis import strategies as st

from nalu_cli.answer import Answer, Constant, Errors, Evidence, Move
from nalu_cli.settings import FitSettings, Status
from nalu_cli.storage.plain import from_plain, to_plain

finite = st.floats(allow_nan=False, allow_infinity=False)
constants = st.builds(
    Constant, finite, st.none() | st.text(), st.none() | finite, st.none() | finite
)


@dataclass(frozen=True)
class Everything:
    status: Status
    constants: tuple[Constant, ...]
    errors: dict[str, Errors]
    settings: FitSettings


@given(
    st.builds(
        Everything,
        st.sampled_from(Status),
        st.lists(constants, max_size=3).map(tuple),
        st.dictionaries(
            st.text(), st.builds(Errors, st.integers(0, 2**60), finite, finite, finite)
        ),
        st.builds(FitSettings, seed=st.integers(0, 2**63 - 1), ternary=st.booleans()),
    )
)
def test_json_and_back_is_identity(value: Everything) -> None:
    data = json.loads(json.dumps(to_plain(value), allow_nan=False))
    assert from_plain(Everything, data) == value


def test_what_is_not_finite_becomes_null() -> None:
    errors = Errors(3, float("inf"), float("nan"), -float("inf"))
    assert to_plain(errors) == {"rows": 3, "max_relative": None, "rmse": None, "r2": None}


def test_fields_can_be_left_out_and_given_back() -> None:
    answer = lens(evidence=Evidence("sum", 0, ()))
    arrays = ("probe_X", "probe_y", "points")
    data = to_plain(answer, without=arrays)
    given = {name: getattr(answer, name) for name in arrays}
    back: Answer = from_plain(Answer, data, given=given)
    assert to_plain(back, without=arrays) == data
    assert back.circuit == LENS_CIRCUIT
    assert back.probe_X is answer.probe_X


def test_a_field_with_a_default_may_be_missing_from_an_older_file() -> None:
    assert from_plain(FitSettings, {"seed": 3}) == FitSettings(seed=3)


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        (Move, []),
        (Move, {"layer": 0}),
        (Errors, {"rows": 1, "max_relative": None, "rmse": None, "r2": None, "more": 1}),
        (Errors, {"rows": True, "max_relative": None, "rmse": None, "r2": None}),
        (Errors, {"rows": 1.0, "max_relative": None, "rmse": None, "r2": None}),
        (Errors, {"rows": 2**70, "max_relative": None, "rmse": None, "r2": None}),
        (Errors, {"rows": 1, "max_relative": "0", "rmse": None, "r2": None}),
        (Errors, {"rows": 1, "max_relative": float("inf"), "rmse": None, "r2": None}),
        (float, None),
        (float, 10**400),
        (Status, "perfect"),
        (Status, ["exact"]),
        (tuple[str, ...], "ab"),
        (tuple[str, ...], [1]),
        (dict[str, float], [1]),
    ],
)
def test_anything_else_is_refused(kind: Any, data: Any) -> None:
    with pytest.raises(ValueError, match=r"^it |of it |entry of"):
        from_plain(kind, data)
