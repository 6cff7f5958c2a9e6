"""The header: is there one, where, which names it gives, and does a row of units follow it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from nalu_cli.errors import DataError, quoted
from nalu_cli.table.cell_text import Spelling, refusal_of
from nalu_cli.table.dialect import Record, is_number
from nalu_cli.table.names import listed
from nalu_cli.table.options import ReadOptions

__all__ = ["check_header", "check_rows", "names_of", "notes_on_names", "units_row"]

ROWS_BELOW_UNITS = 20

_WHOLE = re.compile(r"\d+")


def check_header(header: Record, rows: Sequence[Record], options: ReadOptions, source: str) -> None:
    """Refuse a first row that does not name the columns of the rows below it.

    Raises
    ------
    DataError
        If it holds data, is a title, or is all there is.
    """
    if all(map(is_number, header.cells)):
        raise DataError(
            f"{source} has no header: row {header.line} holds numbers",
            accepted="the first row must name the columns",
            remedy="Pass --no-header to call them col1, col2, ..., or add a row of names.",
        )
    later = None if options.units_row else _later_header(header, rows, options)
    if later is not None:
        raise DataError(
            f"{source} begins with {quoted(next(filter(None, header.cells)))}; its header seems to "
            f"be row {later.line}",
            accepted="the first row must name the columns",
            remedy=f"Pass --skip-lines {later.line - 1}, or remove the rows above it.",
        )
    if _is_data(header, rows):
        raise DataError(
            f"{source}, row {header.line} seems to be data ({listed(header.cells)})",
            accepted="the first row must name the columns",
            remedy="Pass --no-header to call them col1, col2, ..., or add a row of names.",
        )
    check_rows(rows, source)


def check_rows(rows: Sequence[Record], source: str) -> None:
    """Refuse a header without rows.

    Raises
    ------
    DataError
        If there are none.
    """
    if not rows:
        raise DataError(
            f"{source} has a header and no rows below it",
            accepted="at least two rows are needed",
            remedy="Check how it was exported.",
        )


def _later_header(header: Record, rows: Sequence[Record], options: ReadOptions) -> Record | None:
    """The row of names below a title or a row of groups, if the first row is one of these."""
    if not rows:
        return None
    fields = Counter(len(row.cells) for row in rows).most_common(1)[0][0]
    names = next((row for row in _rows_of_words(rows) if len(row.cells) == fields), None)
    if names is None or not _are_names(names.cells):
        return None
    named = [cell for cell in header.cells if cell]
    is_short = len(header.cells) < fields
    has_gaps = len(named) < len(header.cells) or names.line > header.line + 1
    has_twins = len(set(named)) < len(named) and not options.dedupe
    return names if is_short or has_gaps or has_twins else None


def _rows_of_words(rows: Sequence[Record]) -> Iterator[Record]:
    """The rows above the first that has a number, if there is such a row."""
    first = next((k for k, row in enumerate(rows) if any(map(is_number, row.cells))), 0)
    yield from rows[:first]


def _are_names(cells: Sequence[str]) -> bool:
    plain = Spelling()
    return len(set(cells)) == len(cells) and not any(map(plain.is_missing, cells))


def _is_data(header: Record, rows: Sequence[Record]) -> bool:
    """Whether the first row is of the same kind as those below, and not by a chance of naming.

    A whole number may be a name, such as a year; 1.5 is none, nor is a word that comes again
    among the cells of its own column.
    """
    if not rows or len(header.cells) != len(rows[0].cells):
        return False
    below = [[row.cells[k] for row in rows if k < len(row.cells)] for k in range(len(header.cells))]
    kinds = [any(map(is_number, cells)) for cells in below]
    numbers = [is_number(cell) for cell in header.cells]
    if numbers != kinds or not any(numbers):
        return False
    again = [
        cell in cells or _look_like_dates(cell, cells[0])
        for cell, cells in zip(header.cells, below, strict=True)
        if not is_number(cell)
    ]
    odd = [cell for cell in header.cells if is_number(cell) and not _WHOLE.fullmatch(cell)]
    return bool(odd) or any(again)


def _look_like_dates(name: str, cell: str) -> bool:
    reason = refusal_of(name).reason
    return reason.startswith("looks like") and reason == refusal_of(cell).reason


def names_of(
    header: Record, options: ReadOptions, source: str
) -> tuple[tuple[str, ...], frozenset[int]]:
    """The names of the columns, and which of them had none, counted from 0.

    Raises
    ------
    DataError
        If a name comes twice and is not to be numbered.
    """
    nameless = frozenset(k for k, cell in enumerate(header.cells) if not cell)
    taken = {cell for cell in header.cells if cell}
    places: dict[str, int] = {}
    names = []
    for k, cell in enumerate(header.cells):
        if cell in places and not options.dedupe:
            raise DataError(
                f"{source}, row {header.line}: columns {places[cell] + 1} and {k + 1} are both "
                f"called {quoted(cell)}",
                accepted="names must differ",
                remedy=f"Rename one of them, or pass --dedupe to call the second {quoted(cell)} "
                f"{quoted(_free(cell, taken))}.",
            )
        name = cell
        if not cell:
            name = f"col{k + 1}"
            while name in taken:
                name += "_"
        elif cell in places:
            name = _free(cell, taken)
        taken.add(name)
        if cell:
            places.setdefault(cell, k)
        names.append(name)
    return tuple(names), nameless


def _free(name: str, taken: set[str]) -> str:
    number = 2
    while f"{name}_{number}" in taken:
        number += 1
    return f"{name}_{number}"


def notes_on_names(header: Record, names: Sequence[str]) -> Iterator[str]:
    """What should be said about names that may not be meant as they stand."""
    for cell, name in zip(header.cells, names, strict=True):
        if cell and cell != name:
            yield f"a second column {quoted(cell)} is called {quoted(name)}"
    numbers = [name for name in names if is_number(name)]
    if numbers:
        yield (
            f"row {header.line} was taken for names, though {listed(numbers)} "
            f"{'is a number' if len(numbers) == 1 else 'are numbers'} "
            "(--no-header reads it as data)"
        )
    folded: dict[str, str] = {}
    for name in names:
        twin = folded.setdefault(name.casefold(), name)
        if twin != name:
            yield f"columns {quoted(twin)} and {quoted(name)} differ in capitals alone"


def units_row(
    names: Sequence[str], rows: Sequence[Record], options: ReadOptions, source: str
) -> str:
    """The units, if the row below the header holds units and no data; else nothing.

    Raises
    ------
    DataError
        If it repeats the header.
    """
    first, below = rows[0], rows[1:]
    if options.units_row:
        return listed([cell for cell in first.cells if cell])
    if first.cells == tuple(names):
        raise DataError(f"{source}, row {first.line} repeats the header", remedy="Remove the row.")
    if not below or any(map(is_number, first.cells)):
        return ""
    plain = Spelling()
    numeric = [
        cell
        for k, cell in enumerate(first.cells)
        if not plain.is_missing(cell)
        and all(k < len(row.cells) and is_number(row.cells[k]) for row in below[:ROWS_BELOW_UNITS])
    ]
    return listed(numeric)
