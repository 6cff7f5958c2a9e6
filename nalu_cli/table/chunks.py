"""Reads a file in chunks of rows, so that memory does not grow with its length."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from nalu_cli.errors import DataError
from nalu_cli.table.cell_text import (
    EXACT_INTEGERS,
    PLAIN,
    SMALLEST_NORMAL,
    TRUTH_WORDS,
    Spelling,
    precision_note,
)
from nalu_cli.table.layout import Layout, layout_of
from nalu_cli.table.names import match_name
from nalu_cli.table.options import ReadOptions
from nalu_cli.table.reading import head_text, wrong_fields, wrong_fields_note
from nalu_cli.table.records import refuse_broken_quotes
from nalu_cli.table.source import (
    HEAD_BYTES,
    LONGEST_LINE,
    opened,
    refuse_long_line,
    source_name,
)
from nalu_cli.table.workbook import WORKBOOK_ENDINGS, read_workbook

__all__ = ["Chunk", "Numbers", "read_chunks"]


@dataclass(frozen=True, slots=True)
class Numbers:
    """Columns of a chunk as doubles.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_columns)
        NaN where there is no number.
    missing, bad : ndarray of bool, same shape
        Where the cell is empty or says it is missing, and where it is something else.
    notes : tuple of str
        What doubles cannot hold of them.
    """

    values: NDArray[np.float64]
    missing: NDArray[np.bool_]
    bad: NDArray[np.bool_]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some consecutive rows of a file, every cell as it is written.

    Parameters
    ----------
    source : str
        What messages call the file.
    header : tuple of str
        All columns in file order.
    rows : list of list of str
        One cell for each column.
    lines : ndarray of shape (n_rows,)
        Physical line each row begins in, counted from 1.
    delimiter : str
        One character.
    spelling : Spelling
        How numbers and missing values are written.
    notes : tuple of str
        What was decided or skipped since the chunk before.
    """

    source: str
    header: tuple[str, ...]
    rows: list[list[str]]
    lines: NDArray[np.int64]
    delimiter: str
    spelling: Spelling
    notes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.rows)

    def resolve(self, name: str) -> str:
        """The column a person means by `name`; see `match_name`.

        Raises
        ------
        UsageError
            If no column is meant, or more than one.
        """
        return match_name(name, self.header, self.source)

    def numbers(self, names: Sequence[str]) -> Numbers:
        """The asked-for columns as doubles.

        Parameters
        ----------
        names : sequence of str
            Exact names.
        """
        places = [self.header.index(name) for name in names]
        values = np.empty((len(self), len(places)))
        notes = []
        for k, place in enumerate(places):
            cells = [row[place] for row in self.rows]
            values[:, k] = self._column(cells)
            notes.append(self._precision_note(names[k], cells, values[:, k]))
        missing = np.zeros(values.shape, dtype=bool)
        holes = np.isnan(values)
        for row, k in np.argwhere(holes).tolist():
            missing[row, k] = self.spelling.is_missing(self.rows[row][places[k]])
        return Numbers(values, missing, holes & ~missing, tuple(filter(None, notes)))

    def _column(self, cells: list[str]) -> NDArray[np.float64]:
        # float() alone is three times as fast, and right when all cells are plain numbers
        plain = self.spelling.decimal == "." and not self.spelling.missing_numbers
        if plain and "_" not in "".join(cells):
            try:
                values = np.array(list(map(float, cells)), dtype=np.float64)
            except ValueError:
                pass
            else:
                if np.isfinite(values).all():
                    return values
        return np.array([self._number(cell) for cell in cells], dtype=np.float64)

    def _number(self, cell: str) -> float:
        number = self.spelling.number_in(cell)
        return TRUTH_WORDS.get(cell.strip().casefold(), np.nan) if number is None else number

    def _precision_note(self, name: str, cells: list[str], values: NDArray[np.float64]) -> str:
        size = np.abs(values)
        rows = np.flatnonzero((size >= EXACT_INTEGERS) | (size < SMALLEST_NORMAL)).tolist()
        decimal = self.spelling.decimal
        return precision_note(
            name, [(cells[row].strip().replace(decimal, "."), float(values[row])) for row in rows]
        )


def read_chunks(
    path: str | Path, options: ReadOptions | None = None, chunk_rows: int = 50_000
) -> Iterator[Chunk]:
    """Read a file in chunks.

    Parameters
    ----------
    path : str or Path
        CSV or the like, plain or packed; ``-`` is standard input, which is kept on disk if large.
    options : ReadOptions, optional
        What need not be guessed.
    chunk_rows : int
        Rows in a chunk, but for the last.

    Raises
    ------
    UsageError
        If there is no such file, or an option is out of range.
    DataError
        If a row has more or fewer cells than the header and bad rows are not to be skipped, or
        the file is no table.
    """
    options = options or ReadOptions()
    source = source_name(path)
    if Path(path).suffix.lower() in WORKBOOK_ENDINGS:
        yield from _workbook_chunks(path, chunk_rows, source)
        return
    with opened(path) as stream:
        head, encoding, note = head_text(stream.read(HEAD_BYTES), options, source)
        layout = layout_of(head, options, source)
        stream.seek(0)
        text = io.TextIOWrapper(stream, encoding=encoding, newline=None)
        rows = _Rows(text, layout, options, source)
        notes = tuple(n for n in (note, *layout.notes) if n)
        yield from _chunks(rows, layout, chunk_rows, notes, source)


def _workbook_chunks(path: str | Path, chunk_rows: int, source: str) -> Iterator[Chunk]:
    """A workbook in chunks; its readers hand out the whole of it, so memory does grow."""
    frame = read_workbook(path, source)
    header = tuple(str(name).strip() for name in frame.columns)
    for start in range(0, len(frame), chunk_rows):
        part = frame.iloc[start : start + chunk_rows].astype(object)
        rows = part.where(part.notna(), "").astype(str).to_numpy().tolist()
        lines = np.arange(len(rows)) + start + 2
        yield Chunk(source, header, rows, lines, ",", PLAIN, ())


class _Rows:
    """The rows of a text one after the other; counts those that were skipped."""

    def __init__(self, text: IO[str], layout: Layout, options: ReadOptions, source: str) -> None:
        self._layout = layout
        self._options = options
        self._source = source
        self._above = layout.body_line - 1
        lines = _sound_lines(islice(text, self._above, None), self._above + 1, source)
        self._reader = csv.reader(
            lines, delimiter=layout.delimiter, skipinitialspace=True, strict=True
        )
        self.skipped = 0

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        while True:
            line = self._above + self._reader.line_num + 1
            try:
                cells = next(self._reader)
            except StopIteration:
                return
            except csv.Error as why:
                refuse_broken_quotes(why, line, self._source)
            if any(map(str.strip, cells)):
                row = self._of_header_width(cells, line)
                if row is not None:
                    yield line, row

    def _of_header_width(self, cells: list[str], line: int) -> list[str] | None:
        width = len(self._layout.names)
        if len(cells) == width + 1 and not cells[-1].strip():
            # a delimiter at the end of the row
            cells = cells[:-1]
        if len(cells) == width:
            return cells
        if not self._options.skip_bad_rows:
            raise wrong_fields(self._source, line, len(cells), self._layout)
        self.skipped += 1
        return None


def _sound_lines(lines: Iterator[str], number: int, source: str) -> Iterator[str]:
    """The lines, the first of which has this number."""
    try:
        for line in lines:
            if len(line) > LONGEST_LINE:
                refuse_long_line(number, source)
            number += 1
            yield line
    except UnicodeDecodeError as why:
        raise DataError(
            f"{source} begins as {why.encoding} text and does not stay so",
            remedy="Name its encoding, for example --encoding cp1252.",
        ) from None


def _chunks(
    rows: _Rows, layout: Layout, chunk_rows: int, notes: tuple[str, ...], source: str
) -> Iterator[Chunk]:
    numbered = iter(rows)
    told = 0
    while block := list(islice(numbered, chunk_rows)):
        if rows.skipped > told:
            count, told = rows.skipped - told, rows.skipped
            notes = (*notes, wrong_fields_note(count))
        yield Chunk(
            source=source,
            header=layout.names,
            rows=[cells for _, cells in block],
            lines=np.array([line for line, _ in block], dtype=np.int64),
            delimiter=layout.delimiter,
            spelling=layout.spelling,
            notes=notes,
        )
        notes = ()
