from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from nalu_cli.problem.column_checks import contradiction_note, multiple_of, repeated, sentinel_notes

plain = st.floats(-1e6, 1e6).filter(lambda x: x == 0 or abs(x) > 1e-6)
columns = st.lists(plain, min_size=2, max_size=20).map(np.array)
factors = plain.filter(bool)


@given(x=columns, factor=factors)
def test_a_multiple_is_recognised_by_its_factor(x: np.ndarray, factor: float) -> None:
    assume(x.any())
    assert multiple_of(factor * x, x) == pytest.approx(factor, rel=1e-15)
    assert repeated(np.column_stack((x, factor * x)))[1] == (0, pytest.approx(factor, rel=1e-15))


@given(x=columns, factor=factors, row=st.integers(0, 1), change=st.floats(1e-9, 1))
def test_one_other_row_makes_it_none(x: np.ndarray, factor: float, row: int, change: float) -> None:
    assume(x[0] and x[1])
    other = factor * x
    other[row] *= 1 + change
    assert multiple_of(other, x) is None
    assert repeated(np.column_stack((x, other))) == {}


def test_zeros_are_no_multiple() -> None:
    assert multiple_of(np.zeros(3), np.arange(3.0)) is None
    assert multiple_of(np.arange(3.0), np.zeros(3)) is None


def test_equal_inputs_with_other_targets_bound_every_formula() -> None:
    X = np.array([[1.0, 2], [3, 4], [1, 2], [3, 5]])
    note = contradiction_note(X, np.array([5.0, 1, 7, 1]))
    assert note.startswith("2 rows have the same inputs")
    assert note.endswith(f"RMSE of {np.sqrt(2 / 4):.3g}")
    assert contradiction_note(X, np.array([5.0, 1, 5, 9])) == ""
    assert contradiction_note(np.zeros((4, 0)), np.arange(4.0)) == ""


@pytest.mark.parametrize(
    ("values", "note"),
    [
        ([1, 2, -999, 3], "column 'a' is -999 in 1 row, far from the others"),
        ([-9999, 0.1, -9999, 0.2], "column 'a' is -9999 in 2 rows"),
        ([1, 9999, 3, 4], "if that means missing, pass --na 9999"),
        ([998, 999, 997, 1], None),
        ([-1000, -999, -998, 4], None),
        ([-999, -999], None),
    ],
)
def test_numbers_that_mean_missing(values: list[float], note: str | None) -> None:
    notes = list(sentinel_notes(("a",), np.array(values, dtype=float)[:, None]))
    assert (note in notes[0]) if note else not notes
