"""Errors summed up block by block are the errors of all rows at once."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tables import uniform

from nalu_cli.answer.streamed_errors import Tally
from nalu_cli.circuit import Circuit, Term, Unit, UnitKind
from nalu_cli.judge.judged import errors_on
from nalu_cli.rows import Rows

COPY = Circuit(1, ((Unit(UnitKind.PRODUCT, (Term(0, Fraction(1)),), 1.0),),))


@given(
    cuts=st.lists(st.integers(1, 99), max_size=5),
    power=st.sampled_from([-300, -100, 0, 100, 300]),
    seed=st.integers(0, 9),
)
def test_the_blocks_do_not_matter(cuts: list[int], power: int, seed: int) -> None:
    value, y = uniform(seed, 100, 2).T * 10.0**power
    tally = Tally()
    for one, other in zip(np.split(value, sorted(cuts)), np.split(y, sorted(cuts)), strict=True):
        tally.add(one, other)
    found, true = tally.errors(), errors_on(COPY, Rows(value[:, None], y))
    assert found.rows == 100
    assert found.max_relative == true.max_relative
    assert found.rmse == pytest.approx(true.rmse)
    assert found.r2 == pytest.approx(true.r2)


def test_rows_without_a_value_or_a_target_do_not_count() -> None:
    tally = Tally()
    tally.add(np.array([1.0, np.nan, np.inf, 4.0]), np.array([1.0, 2.0, 3.0, np.nan]))
    assert tally.errors().rows == 1
    assert tally.errors().rmse == 0
    assert Tally().errors().rmse is None
