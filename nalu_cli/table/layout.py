"""Where things are in a text table: the header, the first row, and how cells are written."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from nalu_cli.errors import DataError, quoted
from nalu_cli.table.cell_text import Spelling
from nalu_cli.table.dialect import (
    DECIMAL_COMMA,
    DELIMITER_NAMES,
    Record,
    decimal_of,
    delimiter_of,
    first_records,
    is_number,
)
from nalu_cli.table.header import check_header, check_rows, names_of, notes_on_names, units_row
from nalu_cli.table.options import ReadOptions

__all__ = ["Layout", "layout_of"]

_SEP_LINE = re.compile(r"sep=([,;\t|: ])", re.IGNORECASE)
_LEADING_ZERO = re.compile(r"0\d{1,30}")
_PUNCTUATION = re.compile(r"[:^~!/\\\x01\x1e\x1f]")


@dataclass(frozen=True, slots=True)
class Layout:
    """Where things are in a file.

    Parameters
    ----------
    delimiter : str
        One character.
    spelling : Spelling
        How numbers and missing values are written.
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
    spelling: Spelling
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
    DataError
        If there is no header of distinct names with rows below it.
    """
    lines = head.split("\n")
    top, said = _above_the_table(lines, options)
    announced = _SEP_LINE.fullmatch(lines[top]) if top < len(lines) else None
    if announced is not None:
        top += 1
    marked = None if announced is None else announced[1]
    delimiter = options.sep or marked or delimiter_of(lines[top:], source)
    if said and options.header and _header_is_comment(lines, top, delimiter, source):
        top -= 1
        lines[top] = lines[top].lstrip("# \t")
    records = list(first_records(lines, delimiter, top, source))
    _refuse_no_columns(records, options, source)
    named = _named(records, options, source)
    decimal = options.decimal or decimal_of(named.rows, delimiter, options.thousands, source)
    notes = (said, _delimiter_note(delimiter, options), *named.notes)
    return Layout(
        delimiter=delimiter,
        spelling=Spelling.of(decimal, options.thousands or "", options.na),
        names=named.names,
        nameless=named.nameless,
        body_line=named.rows[0].line,
        sample=named.rows,
        notes=tuple(filter(None, [*notes, *_notes_on_cells(named, decimal, options)])),
    )


@dataclass(frozen=True, slots=True)
class _Named:
    """Columns with their names, the rows below them, and notes on both."""

    names: tuple[str, ...]
    nameless: frozenset[int]
    rows: tuple[Record, ...]
    notes: tuple[str, ...] = ()


def _named(records: Sequence[Record], options: ReadOptions, source: str) -> _Named:
    if not options.header:
        names = tuple(f"col{k + 1}" for k in range(len(records[0].cells)))
        return _Named(names, frozenset(), tuple(records))
    header, rows = records[0], tuple(records[1:])
    check_header(header, rows, options, source)
    names, nameless = names_of(header, options, source)
    notes = list(notes_on_names(header, names))
    units = units_row(names, rows, options, source)
    if units:
        notes.append(f"row {rows[0].line} ({units}) was taken for units and skipped")
        rows = rows[1:]
        check_rows(rows, source)
    return _Named(names, nameless, rows, tuple(notes))


def _above_the_table(lines: Sequence[str], options: ReadOptions) -> tuple[int, str]:
    """Number of lines above the header, and what is said about comments among them."""
    asked = options.skip_lines
    comments = _leading_comments(lines[asked:])
    plural = "s" if comments > 1 else ""
    return (
        asked + comments,
        f"{comments} comment line{plural} at the top skipped" if comments else "",
    )


def _leading_comments(lines: Sequence[str]) -> int:
    """Number of lines before the table that are blank or begin with ``#``; 0 without comments."""
    count = 0
    for k, line in enumerate(lines, start=1):
        if line.startswith("#"):
            count = k
        elif line.strip():
            break
    return count


def _header_is_comment(lines: Sequence[str], top: int, delimiter: str, source: str) -> bool:
    """Whether the names stand behind a ``#``, as numpy.savetxt writes them."""
    first = next(first_records(lines, delimiter, top, source), None)
    above = next(first_records([lines[top - 1].lstrip("# \t")], delimiter, 0, source), None)
    if first is None or above is None or len(first.cells) < 2:
        return False
    return (
        len(above.cells) == len(first.cells)
        and not any(map(is_number, above.cells))
        and any(map(is_number, first.cells))
    )


def _refuse_no_columns(records: Sequence[Record], options: ReadOptions, source: str) -> None:
    if not records:
        below = f" below line {options.skip_lines}" if options.skip_lines else ""
        raise DataError(
            f"{source} is empty{below}",
            accepted="a table has a header and rows",
            remedy="Check the file.",
        )
    if options.sep is None:
        _refuse_one_column(records, source)


def _refuse_one_column(records: Sequence[Record], source: str) -> None:
    """Stop at columns set apart by spaces or other marks, which would pass for one of text."""
    header, rows = records[0], records[1:]
    if not rows or any(len(row.cells) > 1 for row in records):
        return
    fields = len(header.cells[0].split())
    words = [row.cells[0].split() for row in rows]
    if fields > 1 and all(len(w) == fields and any(map(is_number, w)) for w in words):
        raise DataError(
            f"{source} seems to be separated by spaces",
            accepted="commas, semicolons, tabs and vertical bars are found without help",
            remedy="Pass --sep ' ' if there is one space between cells; else turn the spaces into "
            "commas, for example with `tr -s ' ' ,`.",
        )
    for mark in sorted(set(_PUNCTUATION.findall(header.cells[0]))):
        split = [row.cells[0].split(mark) for row in rows]
        fields = header.cells[0].count(mark) + 1
        if all(len(w) == fields and all(map(is_number, map(str.strip, w))) for w in split):
            raise DataError(
                f"{source} seems to be separated by {quoted(mark)}",
                accepted="commas, semicolons, tabs and vertical bars are found without help",
                remedy=f"Pass --sep {quoted(mark)}.",
            )


def _delimiter_note(delimiter: str, options: ReadOptions) -> str:
    if options.sep is not None or delimiter not in DELIMITER_NAMES:
        return ""
    return f"columns are separated by {DELIMITER_NAMES[delimiter]}"


def _notes_on_cells(named: _Named, decimal: str, options: ReadOptions) -> Iterator[str]:
    cells = [cell for row in named.rows for cell in row.cells]
    commas = [cell for cell in cells if DECIMAL_COMMA.fullmatch(cell)]
    if decimal == "," and options.decimal is None and commas:
        yield f"decimal comma: {quoted(commas[0])} read as {commas[0].replace(',', '.')}"
    for k, name in enumerate(named.names):
        column = [row.cells[k] for row in named.rows if k < len(row.cells)]
        zeros = next((cell for cell in column if _LEADING_ZERO.fullmatch(cell)), None)
        if zeros is not None:
            yield (
                f"column {quoted(name)} has leading zeros ({quoted(zeros)} read as {int(zeros)}); "
                "if it is an identifier, leave it out with --ignore"
            )
