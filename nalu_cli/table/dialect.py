"""How a text table is written: its delimiter and its decimal mark."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from nalu_cli.errors import DataError, quoted
from nalu_cli.table.cell_text import Spelling
from nalu_cli.table.records import refuse_broken_quotes

__all__ = [
    "DECIMAL_COMMA",
    "DELIMITER_NAMES",
    "Record",
    "decimal_of",
    "delimiter_of",
    "first_records",
    "is_number",
]

DELIMITERS = (",", ";", "\t", "|")
DELIMITER_NAMES = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}

SAMPLE_RECORDS = 100
"""Rows the delimiter and the decimal mark are guessed from."""

DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+([eE][+-]?\d+)?")
_DECIMAL_POINT = re.compile(r"[+-]?\d*\.\d+([eE][+-]?\d+)?")
_COMMA_IN_DOUBT = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}")
_POINT_IN_DOUBT = re.compile(r"[+-]?[1-9]\d{0,2}\.\d{3}")

_WITH_POINT, _WITH_COMMA = Spelling("."), Spelling(",")


@dataclass(frozen=True, slots=True)
class Record:
    """One row: the physical line it begins in, counted from 1, and its cells."""

    line: int
    cells: tuple[str, ...]


def is_number(cell: str) -> bool:
    """Whether a cell is a number with a decimal point or with a decimal comma."""
    return _WITH_POINT.number_in(cell) is not None or _WITH_COMMA.number_in(cell) is not None


def first_records(
    lines: Sequence[str], delimiter: str, skipped: int, source: str
) -> Iterator[Record]:
    """The first rows of the sample, blank ones left out.

    Raises
    ------
    DataError
        If a cell is absurdly long.
    """
    reader = csv.reader(
        (f"{line}\n" for line in lines[skipped:]), delimiter=delimiter, skipinitialspace=True
    )
    line, found = skipped + 1, 0
    while found <= SAMPLE_RECORDS:
        try:
            cells = tuple(cell.strip() for cell in next(reader))
        except StopIteration:
            return
        except csv.Error as why:
            refuse_broken_quotes(why, line, source)
        if any(cells):
            found += 1
            yield Record(line, cells)
        line = skipped + reader.line_num + 1


def delimiter_of(lines: Sequence[str], source: str) -> str:
    """The delimiter that gives most rows the same number of fields, and more than one."""
    return max(DELIMITERS, key=lambda delimiter: _agreement(lines, delimiter, source))


def _agreement(lines: Sequence[str], delimiter: str, source: str) -> tuple[float, int]:
    """Share of the rows that have the most common number of fields, and that number."""
    counts: Counter[int] = Counter()
    # a row that is broken by this delimiter is named once the delimiter is chosen
    with suppress(DataError):
        counts.update(len(record.cells) for record in first_records(lines, delimiter, 0, source))
    if not counts:
        return 0.0, 1
    fields, frequency = max(counts.items(), key=lambda item: (item[1], item[0]))
    return (frequency / counts.total(), fields) if fields > 1 else (0.0, 1)


def decimal_of(rows: Sequence[Record], delimiter: str, thousands: str | None, source: str) -> str:
    """The decimal mark, as far as the first rows tell; a point where nothing speaks against it.

    Raises
    ------
    DataError
        If it may be a decimal comma or a thousands separator.
    """
    if thousands is not None:
        return "," if thousands == "." else "."
    if delimiter == ",":
        return "."
    cells = [(row.line, cell) for row in rows for cell in row.cells]
    commas = [(line, cell) for line, cell in cells if DECIMAL_COMMA.fullmatch(cell)]
    points = [cell for _, cell in cells if _DECIMAL_POINT.fullmatch(cell)]
    sure = not all(_COMMA_IN_DOUBT.fullmatch(cell) for _, cell in commas)
    # beside 2,5 a cell such as 1.000 has a thousands separator
    if not commas or not all(sure and _POINT_IN_DOUBT.fullmatch(cell) for cell in points):
        return "."
    if not sure:
        line, cell = commas[0]
        whole, thousandths = cell.split(",")
        raise DataError(
            f"{source}, row {line}: {quoted(cell)} may be {whole}.{thousandths} or "
            f"{whole}{thousandths}",
            remedy="Pass --decimal , if it is a decimal comma, or --thousands , if it is not.",
        )
    return ","
