"""How a text table is written: delimiter, decimal mark, where its header and its rows begin."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from nalu_cli.errors import DataError, UsageError, quoted
from nalu_cli.table.cell_text import is_missing, number_in
from nalu_cli.table.names import listed

__all__ = ["Layout", "ReadOptions", "Record", "layout_of"]

DELIMITERS = (",", ";", "\t", "|")
DELIMITER_WORDS = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|"}
DELIMITER_NAMES = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}

SAMPLE_RECORDS = 100
"""Rows the delimiter and the decimal mark are guessed from."""

_DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+([eE][+-]?\d+)?")
_DECIMAL_POINT = re.compile(r"[+-]?\d*\.\d+([eE][+-]?\d+)?")
_COMMA_IN_DOUBT = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")
_LEADING_ZERO = re.compile(r"0\d+")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOptions:
    """What the user says about a file; None leaves it to the reader.

    Parameters
    ----------
    sep : str or None
        Delimiter: one character, or ``tab``.
    decimal : str or None
        Decimal mark, ``.`` or ``,``.
    encoding : str or None
        Name of the encoding.
    skip_bad_rows : bool
        Drop rows that cannot be read, instead of stopping at the first.
    """

    sep: str | None = None
    decimal: str | None = None
    encoding: str | None = None
    skip_bad_rows: bool = False


@dataclass(frozen=True, slots=True)
class Record:
    """One row: the physical line it begins in, counted from 1, and its cells."""

    line: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """Where things are in a file.

    Parameters
    ----------
    delimiter, decimal : str
        One character each.
    names : tuple of str
        One for each column, trimmed; ``col3`` where the third has none.
    nameless : frozenset of int
        Columns without a name, counted from 0.
    body_line : int
        Physical line in which the first row begins, counted from 1.
    sample : tuple of Record
        The first rows.
    notes : tuple of str
        What was guessed or skipped.
    """

    delimiter: str
    decimal: str
    names: tuple[str, ...]
    nameless: frozenset[int]
    body_line: int
    sample: tuple[Record, ...]
    notes: tuple[str, ...]


def layout_of(head: str, options: ReadOptions, source: str) -> Layout:
    """Guess the layout of a file from its first lines.

    Parameters
    ----------
    head : str
        The start of the file, its lines ended by line feeds alone.
    options : ReadOptions
        What need not be guessed.
    source : str
        What to call the file.

    Raises
    ------
    UsageError
        If an option is out of range.
    DataError
        If there is no header of distinct names with rows below it.
    """
    lines = head.split("\n")
    comments = _leading_comments(lines)
    delimiter = _delimiter(lines[comments:], options.sep)
    if _header_is_last_comment(lines, comments, delimiter):
        comments -= 1
        lines[comments] = lines[comments].lstrip("# \t")
    records = list(_records(lines, delimiter, comments))
    if not records:
        raise DataError(
            f"{source} is empty", accepted="a table has a header and rows", remedy="Check the file."
        )
    header, rows = records[0], records[1:]
    if options.sep is None:
        _refuse_spaces(header, rows, source)
    _refuse_bad_header(header, rows, source)
    names, nameless = _names(header, rows, source)
    layout = Layout(
        delimiter=delimiter,
        decimal=_decimal(rows, delimiter, options.decimal, source),
        names=names,
        nameless=nameless,
        body_line=rows[0].line,
        sample=tuple(rows),
        notes=tuple(_first_notes(comments, delimiter, options)),
    )
    return _with_notes_on_cells(_without_units(layout, source), options)


def _leading_comments(lines: Sequence[str]) -> int:
    """Number of lines before the table that are blank or begin with ``#``; 0 without comments."""
    count = 0
    for k, line in enumerate(lines, start=1):
        if line.startswith("#"):
            count = k
        elif line.strip():
            break
    return count


def _header_is_last_comment(lines: Sequence[str], comments: int, delimiter: str) -> bool:
    """Whether the names stand behind a ``#``, as numpy.savetxt writes them."""
    if not comments:
        return False
    first = next(_records(lines, delimiter, comments), None)
    above = next(_records([lines[comments - 1].lstrip("# \t")], delimiter, 0), None)
    if first is None or above is None or len(first.cells) < 2:
        return False
    return (
        len(above.cells) == len(first.cells)
        and not any(map(_is_number, above.cells))
        and any(map(_is_number, first.cells))
    )


def _records(lines: Sequence[str], delimiter: str, skipped: int) -> Iterator[Record]:
    """The first rows of the sample, blank ones left out."""
    reader = csv.reader(
        (f"{line}\n" for line in lines[skipped:]), delimiter=delimiter, skipinitialspace=True
    )
    line, found = skipped + 1, 0
    while found <= SAMPLE_RECORDS:
        try:
            cells = tuple(cell.strip() for cell in next(reader))
        except (StopIteration, csv.Error):
            # a later stage, which sees the whole file, names the line that is broken
            return
        if len(cells) > 1 or any(cells):
            found += 1
            yield Record(line, cells)
        line = skipped + reader.line_num + 1


def _is_number(cell: str) -> bool:
    return number_in(cell) is not None or number_in(cell, ",") is not None


def _delimiter(lines: Sequence[str], asked: str | None) -> str:
    if asked is None:
        return max(DELIMITERS, key=lambda delimiter: _agreement(lines, delimiter))
    delimiter = DELIMITER_WORDS.get(asked.casefold(), asked)
    if len(delimiter) != 1 or delimiter in '"\r\n.' or delimiter.isalnum() or delimiter > "~":
        raise UsageError(
            f"--sep is {quoted(asked)}",
            accepted="it must be one character such as ; or the word tab",
        )
    return delimiter


def _agreement(lines: Sequence[str], delimiter: str) -> tuple[float, int]:
    """Share of the rows that have the most common number of fields, and that number."""
    counts = Counter(len(record.cells) for record in _records(lines, delimiter, 0))
    if not counts:
        return 0.0, 1
    fields, frequency = max(counts.items(), key=lambda item: (item[1], item[0]))
    return (frequency / counts.total(), fields) if fields > 1 else (0.0, 1)


def _decimal(rows: Sequence[Record], delimiter: str, asked: str | None, source: str) -> str:
    if asked is not None:
        if asked not in (".", ","):
            raise UsageError(f"--decimal is {quoted(asked)}", accepted="it must be . or ,")
        return asked
    if delimiter == ",":
        return "."
    cells = [(row.line, cell) for row in rows for cell in row.cells]
    commas = [(line, cell) for line, cell in cells if _DECIMAL_COMMA.fullmatch(cell)]
    if not commas or any(_DECIMAL_POINT.fullmatch(cell) for _, cell in cells):
        return "."
    if all(_COMMA_IN_DOUBT.fullmatch(cell) for _, cell in commas):
        line, cell = commas[0]
        whole, thousandths = cell.split(",")
        raise DataError(
            f"{source}, row {line}: {quoted(cell)} may be {whole}.{thousandths} or "
            f"{whole}{thousandths}",
            remedy="Pass --decimal , if it is a decimal comma; else remove the thousands "
            "separators.",
        )
    return ","


def _refuse_bad_header(header: Record, rows: Sequence[Record], source: str) -> None:
    if all(map(_is_number, header.cells)):
        raise DataError(
            f"{source} has no header: row {header.line} holds numbers",
            accepted="the first row must name the columns",
            remedy="Add a first row of names.",
        )
    later = _later_header(header, rows)
    if later is not None:
        raise DataError(
            f"{source} begins with {quoted(header.cells[0])}; its header seems to be row "
            f"{later.line}",
            accepted="the first row must name the columns",
            remedy=f"Remove the rows above row {later.line}, or begin them with '#'.",
        )
    if not rows:
        raise DataError(
            f"{source} has a header and no rows below it",
            accepted="at least two rows are needed",
            remedy="Check how it was exported.",
        )


def _refuse_spaces(header: Record, rows: Sequence[Record], source: str) -> None:
    """Stop at columns set apart by spaces, which would pass for one column of text."""
    fields = len(header.cells[0].split())
    if len(header.cells) > 1 or fields < 2 or not rows:
        return
    words = [row.cells[0].split() for row in rows]
    if all(len(cells) == fields and any(map(_is_number, cells)) for cells in words):
        raise DataError(
            f"{source} seems to be separated by spaces",
            accepted="commas, semicolons, tabs and vertical bars are found without help",
            remedy="Pass --sep ' ' if there is one space between cells; else turn the spaces into "
            "commas, for example with `tr -s ' ' ,`.",
        )


def _later_header(header: Record, rows: Sequence[Record]) -> Record | None:
    """The row of names below a title, if the first row is a title."""
    if not rows:
        return None
    fields = Counter(len(row.cells) for row in rows).most_common(1)[0][0]
    if len(header.cells) >= fields:
        return None
    full = [row for row in rows if len(row.cells) == fields]
    named = [row for row in full[:1] if all(row.cells) and not any(map(_is_number, row.cells))]
    return named[0] if named and any(map(_is_number, full[-1].cells)) else None


def _names(
    header: Record, rows: Sequence[Record], source: str
) -> tuple[tuple[str, ...], frozenset[int]]:
    """Names of the columns; a first row of rows that is longer than the header is refused later."""
    cells = header.cells
    nameless = frozenset(k for k, cell in enumerate(cells) if not cell)
    seen: dict[str, int] = {}
    for k, cell in enumerate(cells):
        if cell and cell in seen:
            raise DataError(
                f"{source}, row {header.line}: columns {seen[cell] + 1} and {k + 1} are both "
                f"called {quoted(cell)}",
                accepted="names must differ",
                remedy="Rename one of them.",
            )
        seen[cell] = k
    names = list(cells)
    for k in nameless:
        name = f"col{k + 1}"
        while name in seen:
            name += "_"
        names[k] = name
    return tuple(names), nameless


def _without_units(layout: Layout, source: str) -> Layout:
    """Step over a row of units: no numbers in it, but below it."""
    first, below = layout.sample[0], layout.sample[1:]
    if first.cells == layout.names:
        raise DataError(f"{source}, row {first.line} repeats the header", remedy="Remove the row.")
    if not below or any(map(_is_number, first.cells)):
        return layout
    numeric = [
        k
        for k, cell in enumerate(first.cells)
        if not is_missing(cell)
        and all(k < len(row.cells) and _is_number(row.cells[k]) for row in below[:20])
    ]
    if not numeric:
        return layout
    units = listed([first.cells[k] for k in numeric])
    note = f"row {first.line} ({units}) was taken for units and skipped"
    return replace(layout, body_line=below[0].line, sample=below, notes=(*layout.notes, note))


def _first_notes(comments: int, delimiter: str, options: ReadOptions) -> Iterator[str]:
    if comments:
        yield f"{comments} comment line{'s' if comments > 1 else ''} at the top skipped"
    if options.sep is None and delimiter in DELIMITER_NAMES:
        yield f"columns are separated by {DELIMITER_NAMES[delimiter]}"


def _with_notes_on_cells(layout: Layout, options: ReadOptions) -> Layout:
    notes = [*layout.notes]
    cells = [cell for row in layout.sample for cell in row.cells]
    if layout.decimal == "," and options.decimal is None:
        cell = next(cell for cell in cells if _DECIMAL_COMMA.fullmatch(cell))
        notes.append(f"decimal comma: {quoted(cell)} read as {cell.replace(',', '.')}")
    for k, name in enumerate(layout.names):
        column = [row.cells[k] for row in layout.sample if k < len(row.cells)]
        zeros = next((cell for cell in column if _LEADING_ZERO.fullmatch(cell)), None)
        if zeros is not None:
            notes.append(
                f"column {quoted(name)} has leading zeros ({quoted(zeros)} read as {int(zeros)}); "
                "if it is an identifier, leave it out with --ignore"
            )
    return replace(layout, notes=tuple(notes))
