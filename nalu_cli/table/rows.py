"""Which rows belong to the table: not ragged ones, totals, or those of a second table."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from nalu_cli.errors import DataError, quoted
from nalu_cli.table.layout import Layout
from nalu_cli.table.names import listed
from nalu_cli.table.numeric import Column
from nalu_cli.table.options import ReadOptions
from nalu_cli.table.records import Records

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "refuse_second_table",
    "refuse_surplus",
    "sound_rows",
    "without_total",
    "wrong_fields_note",
]

TOTAL = re.compile(
    r"((grand|sub)[ -]?)?totals?|sums?|average|mean|summe|gesamt(summe)?|mittelwert|totaux|totale|"
    r"suma|moyenne|media",
    re.IGNORECASE,
)

SURELY_A_HEADER = 3
"""Different words side by side in columns of numbers, with which a second table must begin."""


def sound_rows(
    records: Records, layout: Layout, options: ReadOptions, source: str
) -> tuple[Records, list[str]]:
    """Rows with one cell for each name; where all have one more, an empty last column."""
    width = len(layout.names)
    trailing = len(records) and np.all(records.fields == width + 1)
    if trailing and all(not row.cells[-1] for row in layout.sample):
        return records, ["an empty last column was dropped"]
    wrong = records.fields != width
    if not wrong.any():
        return records, []
    if not options.skip_bad_rows:
        first = int(np.argmax(wrong))
        raise _wrong_fields(source, int(records.lines[first]), int(records.fields[first]), layout)
    return records.only(~wrong), [wrong_fields_note(int(wrong.sum()))]


def _wrong_fields(source: str, line: int, fields: int, layout: Layout) -> DataError:
    """The error for a row that has another number of fields than the header."""
    width = len(layout.names)
    remedy = "Correct or remove the row, or pass --skip-bad-rows."
    if fields > width and layout.delimiter == ",":
        remedy += " A cell with a comma inside must stand in quotes."
    return DataError(
        f"{source}, row {line} has {fields} field{'s' if fields != 1 else ''}",
        accepted=f"the header has {width}",
        remedy=remedy,
    )


def wrong_fields_note(count: int) -> str:
    """What is said about such rows when they are skipped."""
    rows = "1 row has" if count == 1 else f"{count} rows have"
    return f"{rows} more or fewer fields than the header; dropped"


def without_total(
    content: bytes, records: Records, layout: Layout, options: ReadOptions, source: str
) -> tuple[Records, str]:
    """Refuse or drop a row of totals at the end, which no formula of the rows explains."""
    if not len(records):
        return records, ""
    last = content[records.starts[-1] : records.stops[-1]].decode("utf-8", "replace")
    cells = [cell.strip(' "\t:') for cell in last.split(layout.delimiter)]
    word = next((cell for cell in cells if TOTAL.fullmatch(cell)), None)
    line = records.lines[-1]
    # a word that stands in other rows too is a category
    if word is None or any(word in row.cells for row in layout.sample if row.line != line):
        return records, ""
    if not options.skip_bad_rows:
        raise DataError(
            f"{source}, row {line} seems to sum up the rows above it ({quoted(word)})",
            remedy="Remove the row or pass --skip-bad-rows.",
        )
    kept = np.arange(len(records)) < len(records) - 1
    return records.only(kept), f"row {line} ({quoted(word)}) dropped"


def refuse_surplus(cells: pd.Series, records: Records, layout: Layout, source: str) -> None:
    """Stop where a last column without a name is not empty throughout."""
    full = np.flatnonzero(cells.notna() & (cells.astype(str).str.strip() != ""))
    if len(full):
        first = int(full[0])
        raise _wrong_fields(source, int(records.lines[first]), int(records.fields[first]), layout)


def refuse_second_table(
    columns: Sequence[Column],
    places: Sequence[int],
    texts: pd.DataFrame,
    records: Records,
    source: str,
) -> None:
    """Stop at a row of other names, below which the columns mean something else."""
    faults = [column.fault for column in columns if column.fault is not None]
    numeric = sum(not column.unusable for column in columns)
    if len(faults) < 2 or len(faults) < numeric:
        return
    common = set.intersection(*(set(fault.rows.tolist()) for fault in faults))
    faulty = [k for k, c in zip(places, columns, strict=True) if c.fault is not None]
    names = [column.name for column in columns if column.fault is not None]
    for row in sorted(common - set(range(_first_good(common)))):
        cells = [str(texts[k].iloc[row]).strip() for k in faulty]
        is_apart = row > 0 and records.lines[row] > records.lines[row - 1] + 1
        if cells != names and _are_names(cells) and (is_apart or len(cells) >= SURELY_A_HEADER):
            raise DataError(
                f"{source}, row {records.lines[row]} seems to be the header of a second table "
                f"({listed(cells)})",
                accepted="a file holds one table",
                remedy="Save each table in a file of its own.",
            )


def _first_good(bad: set[int]) -> int:
    """The first row that is none of these."""
    row = 0
    while row in bad:
        row += 1
    return row


def _are_names(cells: Sequence[str]) -> bool:
    """Whether these may be names: they differ, and none looks like a number or a value."""
    begin = all(cell[:1].isalpha() or cell[:1] == "_" for cell in cells)
    return begin and len(set(cells)) == len(cells)
