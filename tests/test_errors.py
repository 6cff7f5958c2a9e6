from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nalu_cli import errors
from nalu_cli.errors import LONGEST_QUOTE, ExitCode, NaluError, UsageError, quoted


def test_every_exit_code_has_a_meaning() -> None:
    assert all(code.meaning for code in ExitCode)


def test_every_error_a_user_can_act_on_has_an_exit_code_of_its_own() -> None:
    kinds = [getattr(errors, name) for name in errors.__all__ if name.endswith("Error")]
    codes = [kind.exit_code for kind in kinds]
    assert len(set(codes)) == len(kinds)
    assert [kind for kind in kinds if kind.exit_code is ExitCode.BUG] == [NaluError]


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (UsageError("x is 3"), "x is 3."),
        (UsageError("x is 3", accepted="it must be 4"), "x is 3; it must be 4."),
        (UsageError("x is 3", remedy="Take 4."), "x is 3. Take 4."),
        (UsageError("no 'x'. Did you mean 'y'?"), "no 'x'. Did you mean 'y'?"),
    ],
)
def test_a_message_is_made_of_its_parts(error: NaluError, text: str) -> None:
    assert str(error) == text


@given(st.text())
def test_nothing_foreign_rewrites_a_message(text: str) -> None:
    shown = quoted(text)
    kinds = {unicodedata.category(character) for character in shown}
    assert kinds.isdisjoint({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
    assert shown[0] == shown[-1] == "'"


def test_long_texts_are_cut() -> None:
    assert len(quoted("x" * 1000)) == LONGEST_QUOTE + 2
    assert quoted("presure") == "'presure'"
