"""The table: float64 columns by name, and what is wrong with the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from nalu_cli.errors import DataError, quoted
from nalu_cli.table.names import match_name

__all__ = ["MOST_MISSING", "Fault", "Table"]

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
    """

    found: str
    accepted: str
    remedy: str
    rows: NDArray[np.int64]


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
    decimals : tuple of (int or None)
        For each name the most decimals any of its cells is written with, if all have at most
        eight; None for columns that do not look rounded.
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
    decimals: tuple[int | None, ...]
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
        bad = self._bad_rows(names)
        values = self.columns[:, [self.names.index(name) for name in names]]
        empty = np.isnan(values) & ~bad[:, None]
        unknown = empty[:, names.index(target)].copy() if target in names else np.zeros_like(bad)
        empty[unknown] = False
        missing: NDArray[np.bool_] = np.any(empty, axis=1)
        self._refuse_too_many(missing, empty, names, len(self) - int(unknown.sum()))
        notes = (
            _dropped(bad, "with cells that are no numbers"),
            _dropped(missing, f"with missing cells ({_counts(empty, names)})"),
            _dropped(unknown, f"without {quoted(str(target))}")
            + ("; nalu predict fills them in" if unknown.any() else ""),
        )
        return values[~(bad | missing | unknown)], tuple(note for note in notes if note)

    def _bad_rows(self, names: Sequence[str]) -> NDArray[np.bool_]:
        bad = np.zeros(len(self), dtype=bool)
        for name in names:
            fault = self.faults.get(name)
            if fault is not None:
                if not self.skip_bad_rows:
                    raise DataError(fault.found, accepted=fault.accepted, remedy=fault.remedy)
                bad[fault.rows] = True
        return bad

    def _refuse_too_many(
        self,
        missing: NDArray[np.bool_],
        empty: NDArray[np.bool_],
        names: Sequence[str],
        of: int,
    ) -> None:
        count = int(missing.sum())
        if self.skip_bad_rows or count <= MOST_MISSING * of:
            return
        worst = names[int(np.argmax(empty.sum(axis=0)))]
        raise DataError(
            f"{self.source}: {count} of {of} rows have missing cells, most of them in "
            f"column {quoted(worst)}, the first in row {self.lines[np.argmax(missing)]}",
            accepted="at most a fifth may",
            remedy=f"Leave a column out, for example --ignore {quoted(worst)}, or pass "
            "--skip-bad-rows.",
        )


def _dropped(rows: NDArray[np.bool_], why: str) -> str:
    count = int(rows.sum())
    return f"{count} row{'s' if count != 1 else ''} {why} dropped" if count else ""


def _counts(empty: NDArray[np.bool_], names: Sequence[str]) -> str:
    counts = empty.sum(axis=0).tolist()
    some = [(name, n) for name, n in zip(names, counts, strict=True) if n]
    more = ", ..." if len(some) > MOST_COUNTED else ""
    return ", ".join(f"{n} in {quoted(name)}" for name, n in some[:MOST_COUNTED]) + more
