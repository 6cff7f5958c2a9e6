"""The rows of a long table that are fitted, some at random and all that lie outermost."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from nalu_cli.errors import DataError
from nalu_cli.problem import allowed_columns
from nalu_cli.table import LongTable, Table
from nalu_cli.table.precision import precision_of_values
from nalu_cli.table.table import Gaps

__all__ = ["Excerpt", "complete_blocks", "excerpt_of", "most_rows"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MOST_ROWS = 20_000
"""*Guess:* no more rows are fitted, whatever the number of columns: noise is averaged out long
before."""

MOST_CELLS = 400_000
"""*Guess:* of tables with many columns so many cells are fitted, hence the fewer rows the more
columns there are."""

FEWEST_ROWS = 4000
"""*Guess:* so many rows are fitted even of tables with the most columns."""

OUTERMOST = 8
"""*Guess:* so many rows with the lowest, and with the highest values of each input are fitted in
any case: they tell formulas apart that agree inside."""

MOST_NOTES = 20
"""*Guess:* more notes on one table would not be read."""


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Some rows of a table.

    Parameters
    ----------
    table : Table
        The rows, in the order of the file and complete in the columns that were asked for, which
        are the only ones.
    rows : int
        How many such rows the whole has.
    """

    table: Table
    rows: int

    @property
    def is_whole(self) -> bool:
        """Whether no row was left out."""
        return len(self.table) == self.rows

    def and_also(self, rows: Floats, lines: Ints) -> Excerpt:
        """The excerpt with more rows of the same table, those it has already passed over.

        Parameters
        ----------
        rows : ndarray of shape (n_rows, n_names)
        lines : ndarray of shape (n_rows,)
            Their physical lines.
        """
        is_new = ~np.isin(lines, self.table.lines)
        columns = np.concatenate([self.table.columns, rows[is_new]])
        every = np.concatenate([self.table.lines, lines[is_new]])
        return Excerpt(replace(self.table, columns=columns, lines=every), self.rows)


def most_rows(n_columns: int) -> int:
    """The largest number of rows that are fitted as a whole."""
    return min(MOST_ROWS, max(FEWEST_ROWS, MOST_CELLS // max(1, n_columns)))


def complete_blocks(
    table: Table | LongTable, names: Sequence[str]
) -> Iterator[tuple[Floats, Ints]]:
    """The complete rows of some columns of a long table, and their physical lines, in order.

    Raises
    ------
    DataError
        If a cell is no number and bad rows are not to be skipped.
    """
    for block in table.blocks(names):
        values, kept = block.complete(Gaps(block.source, tuple(names), None, block.skip_bad_rows))
        yield values[kept], block.lines[kept]


def excerpt_of(
    table: Table | LongTable,
    target: str,
    seed: int,
    *,
    inputs: Sequence[str] | None = None,
    ignore: Sequence[str] = (),
    sigma: str | None = None,
    stop: Callable[[], bool] | None = None,
    report: Callable[[int], None] = lambda rows: None,
) -> Excerpt:
    """Read all rows once and keep as many as can be fitted.

    Parameters
    ----------
    table : Table or LongTable
    target : str
        Column to explain.
    seed : int
        Equal seeds keep equal rows, however large the blocks are that the table comes in.
    inputs, ignore : sequence of str
        As in `pose`.
    sigma : str, optional
        As in `pose`; kept beside the inputs.
    stop : callable, optional
        Asked after each block; True leaves it at the rows so far.
    report : callable
        Hears after each block how many rows were read.

    Returns
    -------
    Excerpt

    Raises
    ------
    UsageError
        A column that does not exist, or one that is asked to be two things.
    DataError
        A column that cannot be used, or more than a fifth of the rows is not complete.
    """
    first = next(iter(table.blocks()), None)
    if first is None:
        raise DataError(f"{table.source} has no rows that can be used", remedy="Check the file.")
    target = first.resolve(target)
    errors = () if sigma is None else (first.resolve(sigma),)
    wanted = (*allowed_columns(first, target, inputs, ignore, sigma), *errors, target)
    gaps = Gaps(table.source, wanted, target, first.skip_bad_rows)
    kept = _Kept(len(wanted) - 1, seed)
    notes = dict.fromkeys(first.notes)
    for block in table.blocks(wanted):
        values, complete = block.complete(gaps)
        kept.add(values[complete], block.lines[complete])
        notes |= dict.fromkeys(block.notes)
        report(gaps.rows)
        if stop is not None and stop():
            break
    gaps.refuse_too_many()
    all_notes = (*list(notes)[:MOST_NOTES], *gaps.notes())
    part = _table_of(first, wanted, kept, all_notes)
    if isinstance(table, LongTable):
        # the cells of its first block may all be of one size, those that were kept are of every
        part = replace(part, precisions=tuple(map(precision_of_values, part.columns.T)))
    return Excerpt(part, kept.seen)


def _table_of(first: Table, wanted: tuple[str, ...], kept: _Kept, notes: tuple[str, ...]) -> Table:
    rows, lines = kept.rows()
    return Table(
        source=first.source,
        header=first.header,
        names=wanted,
        columns=rows,
        unusable=first.unusable,
        notes=notes,
        precisions=tuple(map(first.precision_of, wanted)),
        lines=lines,
    )


class _Kept:
    """Rows worth keeping of those that pass by: random ones, and the outermost of each input.

    A row is chosen when its random number is among the smallest (Vitter 1985 counts skips instead;
    with whole blocks at hand one comparison for each row is as fast).
    """

    def __init__(self, n_inputs: int, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        self._most = most_rows(n_inputs)
        self._outermost = max(1, min(OUTERMOST, self._most // 10 // (2 * max(1, n_inputs))))
        self._rows = np.zeros((0, n_inputs + 1))
        self._lines = np.zeros(0, np.int64)
        self._draws = np.zeros(0)
        self._largest_draw = np.inf
        self._low = np.full(n_inputs, np.inf)
        self._high = np.full(n_inputs, -np.inf)
        self.seen = 0

    def add(self, rows: Floats, lines: Ints) -> None:
        """Look at some rows."""
        self.seen += len(rows)
        draws = self._random.random(len(rows))
        kept = (draws < self._largest_draw) | self._is_outer(rows[:, :-1])
        self._rows = np.concatenate([self._rows, rows[kept]])
        self._lines = np.concatenate([self._lines, lines[kept]])
        self._draws = np.concatenate([self._draws, draws[kept]])
        if len(self._rows) > 2 * self._most:
            self._thin_out()

    def _is_outer(self, X: Floats) -> NDArray[np.bool_]:
        beyond = np.less(X, self._low) | np.greater(X, self._high)
        return np.asarray(np.any(beyond, axis=1), dtype=np.bool_)

    def rows(self) -> tuple[Floats, Ints]:
        """What is kept in the end, in the order it came, and the physical lines."""
        if len(self._rows) > self._most:
            self._thin_out()
        return self._rows, self._lines

    def _thin_out(self) -> None:
        chosen = np.argsort(self._draws, kind="stable")[: self._most]
        self._largest_draw = float(self._draws[chosen[-1]])
        kept = np.zeros(len(self._rows), dtype=bool)
        kept[chosen] = True
        for j, x in enumerate(self._rows[:, :-1].T):
            lowest = np.argsort(x, kind="stable")[: self._outermost]
            highest = np.argsort(-x, kind="stable")[: self._outermost]
            kept[lowest] = kept[highest] = True
            self._low[j], self._high[j] = x[lowest[-1]], x[highest[-1]]
        self._rows, self._lines = self._rows[kept], self._lines[kept]
        self._draws = self._draws[kept]
