"""The table: float64 columns by name, and what is wrong with the others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from nalu_cli.errors import DataError, quoted
from nalu_cli.table.names import match_name
from nalu_cli.table.precision import Precision

__all__ = ["MOST_MISSING", "Fault", "Gaps", "Table"]

MOST_MISSING = 0.2
"""Largest share of the rows that is dropped without being asked to."""

MOST_COUNTED = 5
"""Columns whose missing cells a message counts."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Fault:
    """Cells of a numeric column that are no numbers.

    Parameters
    ----------
    found, accepted, remedy : str
        The parts of the error about the first of them.
    rows : ndarray of int
        Their rows, counted from 0.
    option : str
        The option with which they are read; may be empty.
    """

    found: str
    accepted: str
    remedy: str
    rows: NDArray[np.int64]
    option: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """The numeric columns of a file.

    Parameters
    ----------
    source : str
        What messages call the file.
    header : tuple of str
        All columns in file order, usable or not.
    names : tuple of str
        Numeric columns in file order.
    columns : ndarray of shape (n_rows, n_names)
        Their values; NaN where a cell is missing or no number. `select` gives finite rows.
    unusable : dict of str to str
        The other columns, each with why it cannot be used.
    notes : tuple of str
        What the reader decided and skipped.
    precisions : tuple of Precision
        For each name how its cells are printed.
    lines : ndarray of shape (n_rows,)
        Physical line of each row, counted from 1.
    faults : dict of str to Fault
        Numeric columns in which some cells are no numbers.
    skip_bad_rows : bool
        Whether `select` drops such rows instead of raising.
    """

    source: str
    header: tuple[str, ...]
    names: tuple[str, ...]
    columns: Floats
    unusable: dict[str, str]
    notes: tuple[str, ...]
    precisions: tuple[Precision, ...]
    lines: NDArray[np.int64]
    faults: dict[str, Fault] = field(default_factory=dict)
    skip_bad_rows: bool = False

    def __len__(self) -> int:
        return len(self.columns)

    def column(self, name: str) -> Floats:
        """Values of one column, shape (n_rows,); NaN where a cell is missing.

        Raises
        ------
        UsageError
            If there is no such column.
        DataError
            If it cannot be used.
        """
        return self.columns[:, self.names.index(self.resolve(name))]

    def precision_of(self, name: str) -> Precision:
        """How the cells of one column are printed; raises as `column` does."""
        return self.precisions[self.names.index(self.resolve(name))]

    def named(self, name: str) -> str:
        """The column a person means by `name`, usable or not; see `match_name`.

        Raises
        ------
        UsageError
            If no column is meant, or more than one.
        """
        return match_name(name, self.header, self.source)

    def resolve(self, name: str) -> str:
        """The numeric column a person means by `name`.

        Raises
        ------
        UsageError
            If no column is meant, or more than one.
        DataError
            If the column is not numeric.
        """
        found = self.named(name)
        if found in self.unusable:
            raise DataError(
                f"{self.source}: column {quoted(found)} cannot be used: {self.unusable[found]}",
                remedy="Choose another column." if self.names else "",
            )
        return found

    def select(
        self, names: Sequence[str], *, target: str | None = None
    ) -> tuple[Floats, tuple[str, ...]]:
        """The rows that are complete in these columns.

        Parameters
        ----------
        names : sequence of str
            Exact names of numeric columns.
        target : str, optional
            The one of them whose missing cells are what a formula is wanted for: such rows are
            left out, however many they are.

        Returns
        -------
        rows : ndarray of shape (n_kept, len(names))
            Finite values.
        notes : tuple of str
            How many rows were dropped and why.

        Raises
        ------
        DataError
            If a cell is no number and bad rows are not to be skipped, or more than a fifth of the
            rows has missing cells.
        """
        gaps = Gaps(self.source, tuple(names), target, self.skip_bad_rows)
        values, kept = self.complete(gaps)
        gaps.refuse_too_many()
        return values[kept], gaps.notes()

    def complete(self, gaps: Gaps) -> tuple[Floats, NDArray[np.bool_]]:
        """All rows of some columns, and which of them are complete.

        Parameters
        ----------
        gaps : Gaps
            Names the columns; counts the rows that are not complete.

        Returns
        -------
        rows : ndarray of shape (n_rows, n_names)
        kept : ndarray of shape (n_rows,)

        Raises
        ------
        DataError
            If a cell is no number and bad rows are not to be skipped.
        """
        bad = self._bad_rows(gaps.names)
        values = self.columns[:, [self.names.index(name) for name in gaps.names]]
        empty = np.isnan(values)
        gaps.count(bad, empty & ~bad[:, None], self.lines)
        return values, ~(bad | empty.any(axis=1))

    def blocks(self, names: Sequence[str] | None = None) -> Iterator[Table]:
        """The table itself, as the only block of its rows; see `LongTable.blocks`."""
        yield self

    def _bad_rows(self, names: Sequence[str]) -> NDArray[np.bool_]:
        bad = np.zeros(len(self), dtype=bool)
        for name in names:
            fault = self.faults.get(name)
            if fault is not None:
                if not self.skip_bad_rows:
                    raise DataError(fault.found, accepted=fault.accepted, remedy=fault.remedy)
                bad[fault.rows] = True
        return bad


@dataclass(slots=True)
class Gaps:
    """Counts the rows that are not complete in some columns.

    Parameters
    ----------
    source : str
        What messages call the file.
    names : tuple of str
        The columns.
    target : str or None
        The one of them whose missing cells do not count.
    skip_bad_rows : bool
        Whether any number of rows may be dropped.
    rows : int
        How many were looked at.
    """

    source: str
    names: tuple[str, ...]
    target: str | None
    skip_bad_rows: bool
    rows: int = 0
    _bad: int = 0
    _missing: int = 0
    _unknown: int = 0
    _first_line: int = 0
    _empty: NDArray[np.int64] = field(init=False)

    def __post_init__(self) -> None:
        self._empty = np.zeros(len(self.names), dtype=np.int64)

    def count(
        self, bad: NDArray[np.bool_], empty: NDArray[np.bool_], lines: NDArray[np.int64]
    ) -> None:
        """Take note of some rows.

        Parameters
        ----------
        bad : ndarray of shape (n_rows,)
            Where a cell is no number.
        empty : ndarray of shape (n_rows, n_names)
            The missing cells of the other rows.
        lines : ndarray of shape (n_rows,)
        """
        unknown = np.zeros_like(bad)
        if self.target in self.names:
            unknown = empty[:, self.names.index(self.target)]
        empty = empty & ~unknown[:, None]
        missing = empty.any(axis=1)
        if missing.any() and not self._missing:
            self._first_line = int(lines[np.argmax(missing)])
        self.rows += len(bad)
        self._bad += int(bad.sum())
        self._missing += int(missing.sum())
        self._unknown += int(unknown.sum())
        self._empty += empty.sum(axis=0)

    def refuse_too_many(self) -> None:
        """Stop where more rows would be dropped than anybody expects.

        Raises
        ------
        DataError
            If more than a fifth of the rows has missing cells.
        """
        of = self.rows - self._unknown
        if self.skip_bad_rows or self._missing <= MOST_MISSING * of:
            return
        worst = self.names[int(np.argmax(self._empty))]
        raise DataError(
            f"{self.source}: {self._missing} of {of} rows have missing cells, most of them in "
            f"column {quoted(worst)}, the first in row {self._first_line}",
            accepted="at most a fifth may",
            remedy=f"Leave a column out, for example --ignore {quoted(worst)}, or pass "
            "--skip-bad-rows.",
        )

    def notes(self) -> tuple[str, ...]:
        """How many rows were dropped and why."""
        notes = (
            _dropped(self._bad, "with cells that are no numbers"),
            _dropped(self._missing, f"with missing cells ({self._counts()})"),
            _dropped(self._unknown, f"without {quoted(str(self.target))}")
            + ("; nalu predict fills them in" if self._unknown else ""),
        )
        return tuple(note for note in notes if note)

    def _counts(self) -> str:
        pairs = zip(self.names, self._empty.tolist(), strict=True)
        some = [(name, n) for name, n in pairs if n]
        more = ", ..." if len(some) > MOST_COUNTED else ""
        return ", ".join(f"{n} in {quoted(name)}" for name, n in some[:MOST_COUNTED]) + more


def _dropped(count: int, why: str) -> str:
    return f"{count} row{'s' if count != 1 else ''} {why} dropped" if count else ""
