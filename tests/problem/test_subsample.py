"""An excerpt is a fair share of a long table and its outermost rows, however the table comes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tables import table_of, uniform

from nalu_cli.errors import DataError
from nalu_cli.problem.subsample import OUTERMOST, complete_blocks, excerpt_of, most_rows
from nalu_cli.table import Table

ROWS = most_rows(2) + 5000


@dataclass(frozen=True)
class Cut:
    """A table that comes in blocks of some rows."""

    table: Table
    size: int
    source: str = "table.csv"

    def blocks(self, names: Sequence[str] | None = None) -> Iterator[Table]:
        columns, lines = self.table.columns, self.table.lines
        for start in range(0, len(columns), self.size):
            part = slice(start, start + self.size)
            yield replace(self.table, columns=columns[part], lines=lines[part])


def long_table(seed: int = 1, rows: int = ROWS) -> Table:
    a, b = np.random.default_rng(seed).standard_normal((2, rows))
    return table_of({"a": a, "b": b, "y": a * b})


@settings(max_examples=10)
@given(size=st.integers(100, ROWS + 1), seed=st.integers(0, 5))
def test_the_same_rows_are_kept_however_large_the_blocks_are(size: int, seed: int) -> None:
    table = long_table()
    whole = excerpt_of(table, "y", seed)
    cut = excerpt_of(Cut(table, size), "y", seed)  # type: ignore[arg-type]
    np.testing.assert_array_equal(cut.table.columns, whole.table.columns)
    np.testing.assert_array_equal(cut.table.lines, whole.table.lines)
    assert cut.rows == len(table)
    assert not cut.is_whole


@pytest.mark.parametrize("seed", range(3))
def test_the_rows_are_a_fair_share_and_the_outermost_ones(seed: int) -> None:
    table = long_table()
    part = excerpt_of(table, "y", seed).table
    assert most_rows(2) <= len(part) <= most_rows(2) + 4 * OUTERMOST
    assert np.all(np.diff(part.lines) > 0)
    np.testing.assert_array_equal(part.columns, table.columns[part.lines - 2])
    for j in range(2):
        order = np.argsort(table.columns[:, j])
        outermost = [*order[:OUTERMOST], *order[-OUTERMOST:]]
        assert set(table.lines[outermost]) <= set(part.lines)
    # early and late rows are as likely as any: the share has a spread of 0.4 %
    share = np.mean(part.lines < len(table) / 3)
    assert share == pytest.approx(1 / 3, abs=0.02)
    assert set(excerpt_of(table, "y", seed + 1).table.lines) != set(part.lines)


def test_a_short_table_is_kept_as_a_whole() -> None:
    table = long_table(rows=most_rows(2))
    part = excerpt_of(Cut(table, 999), "y", 0)  # type: ignore[arg-type]
    assert part.is_whole
    np.testing.assert_array_equal(part.table.columns, table.columns)


def test_rows_that_are_not_complete_are_counted_and_left_out() -> None:
    table = long_table(rows=1000)
    columns = table.columns.copy()
    columns[::10, 0] = np.nan
    table = replace(table, columns=columns)
    part = excerpt_of(Cut(table, 99), "y", 0)  # type: ignore[arg-type]
    assert part.rows == 900
    assert part.table.notes == ("100 rows with missing cells (100 in 'a') dropped",)
    seen = np.concatenate([rows for rows, _ in complete_blocks(table, ("b", "y"))])
    assert len(seen) == 1000
    columns[::2, 0] = np.nan
    with pytest.raises(DataError, match=r"500 of 1000 rows .* 'a', the first in row 2"):
        excerpt_of(Cut(table, 99), "y", 0)  # type: ignore[arg-type]


def test_many_columns_mean_fewer_rows() -> None:
    wide = table_of({f"x{j}": c for j, c in enumerate(uniform(2, 5000, 300).T)})
    part = excerpt_of(wide, "x0", 0)
    assert most_rows(299) <= len(part.table) <= most_rows(299) + 2 * 299
    assert len(part.table) < 5000


def test_rows_are_added_once() -> None:
    table = long_table()
    part = excerpt_of(table, "y", 0)
    missing = np.setdiff1d(table.lines, part.table.lines)[:3]
    lines = np.array([part.table.lines[0], *missing])
    more = part.and_also(table.columns[lines - 2], lines)
    assert len(more.table) == len(part.table) + 3
    np.testing.assert_array_equal(more.table.columns[-3:], table.columns[missing - 2])


def test_only_the_columns_that_were_asked_for_are_kept() -> None:
    table = long_table(rows=100)
    assert excerpt_of(table, "y", 0, ignore=["a"]).table.names == ("b", "y")
    assert excerpt_of(table, "Y ", 0, inputs=["b"]).table.names == ("b", "y")
