"""Reads a whole file into a table."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nalu_cli.errors import DataError, quoted
from nalu_cli.table.cell_text import MISSING_WORDS, Spelling
from nalu_cli.table.encoding import guess_encoding, tidy_bytes, whole_lines
from nalu_cli.table.frames import columns_of_frame, layout_of_frame
from nalu_cli.table.layout import Layout, layout_of
from nalu_cli.table.numeric import Column, column_of_numbers, column_of_texts, is_doubtful
from nalu_cli.table.opened import opened
from nalu_cli.table.options import ReadOptions
from nalu_cli.table.precision import Precision, precision_of_texts, sampled_rows
from nalu_cli.table.records import Records, find_records
from nalu_cli.table.rows import refuse_second_table, refuse_surplus, sound_rows, without_total
from nalu_cli.table.source import HEAD_BYTES, source_name
from nalu_cli.table.table import Table
from nalu_cli.table.workbook import WORKBOOK_ENDINGS, read_workbook

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["column_names", "head_text", "read_table"]

FEWEST_ROWS = 2


def read_table(path: str | Path, options: ReadOptions | None = None) -> Table:
    """Read a file.

    Parameters
    ----------
    path : str or Path
        CSV or the like, plain or packed; Parquet or Excel by its ending; ``-`` is standard input.
    options : ReadOptions, optional
        What need not be guessed.

    Raises
    ------
    UsageError
        If there is no such file, or an option is out of range.
    DataError
        If it cannot be read as a table of at least two rows.
    """
    options = options or ReadOptions()
    if Path(path).suffix.lower() in WORKBOOK_ENDINGS:
        return _table_of_workbook(path, options)
    with opened(path) as stream:
        return table_of_bytes(stream.read(), options, source_name(path))


def table_of_bytes(raw: bytes, options: ReadOptions, source: str) -> Table:
    """The table in a whole text; see `read_table`."""
    encoding, note = guess_encoding(raw, options.encoding, source)
    content = tidy_bytes(raw, encoding, source)
    layout = layout_of(_head_of(content, source), options, source)
    records = find_records(content, layout.delimiter, layout.body_line, source)
    records, row_notes = sound_rows(records, layout, options, source)
    records, total_note = without_total(content, records, layout, options, source)
    columns = columns_of(content, records, layout, source)
    notes = (note, *layout.notes, *row_notes, total_note)
    _refuse_few_rows(len(records), source)
    return assembled(source, columns, records.lines, layout, notes, options)


def column_names(path: str | Path, options: ReadOptions | None = None) -> tuple[str, ...]:
    """The columns of a file, from its first lines; fast, and without pandas.

    Parameters
    ----------
    path : str or Path
    options : ReadOptions, optional
        What need not be guessed.

    Raises
    ------
    UsageError, DataError
        As `read_table`, as far as the first lines show it.
    """
    options = options or ReadOptions()
    source = source_name(path)
    if Path(path).suffix.lower() in WORKBOOK_ENDINGS:
        return tuple(str(name) for name in read_workbook(path, source).columns)
    with opened(path) as stream:
        head, _, _ = head_text(stream.read(HEAD_BYTES), options, source)
    return layout_of(head, options, source).names


def head_text(raw: bytes, options: ReadOptions, source: str) -> tuple[str, str, str]:
    """The whole lines in the first bytes of a file, its encoding, and a note on that."""
    encoding, note = guess_encoding(raw, options.encoding, source)
    text = raw.decode(encoding, "replace").replace("\r\n", "\n").replace("\r", "\n")
    if len(raw) >= HEAD_BYTES:
        text = whole_lines(text, source)
    return text.removeprefix("\ufeff"), encoding, note


def _head_of(content: bytes, source: str) -> str:
    head = content[:HEAD_BYTES].decode("utf-8", "replace")
    return whole_lines(head, source) if len(content) > HEAD_BYTES else head


def columns_of(
    content: bytes,
    records: Records,
    layout: Layout,
    source: str,
    places: Sequence[int] | None = None,
) -> list[Column]:
    """Read all cells at once; where pandas finds no numbers, again as text.

    Parameters
    ----------
    content : bytes
        What `find_records` was given.
    records : Records
    layout : Layout
    source : str
    places : sequence of int, optional
        The columns to read, ascending; all when left out.
    """
    places = range(len(layout.names)) if places is None else places
    if not len(records) or not places:
        return [Column(layout.names[k], np.zeros(len(records))) for k in places]
    body = records.text_of(content)
    width = int(records.fields[0])
    surplus = range(len(layout.names), width)
    spelling = layout.spelling
    # a decimal mark that is also the delimiter stands in quotes, which pandas does not follow
    as_text = spelling.decimal == layout.delimiter
    frame = _parsed(body, layout, width, [*places, *surplus], as_text=as_text)
    tiny = _TINY.search(body) is not None
    doubtful = [k for k in places if is_doubtful(frame[k], tiny=tiny)]
    texts = _parsed(body, layout, width, doubtful, as_text=True) if doubtful else frame
    if len(frame) != len(records):
        raise DataError(
            f"{source} has quotes that can be read in two ways",
            remedy="Save it again with a spreadsheet, or remove the quotes.",
        )
    if surplus:
        refuse_surplus(frame[width - 1], records, layout, source)
    columns = [
        column_of_texts(layout.names[k], texts[k], records.lines, spelling=spelling, source=source)
        if k in set(doubtful)
        else column_of_numbers(layout.names[k], frame[k], spelling)
        for k in places
    ]
    refuse_second_table(columns, places, texts, records, source)
    printed = _precisions(content, records, layout, places)
    return [replace(c, precision=printed[k]) for k, c in zip(places, columns, strict=True)]


def _precisions(
    content: bytes, records: Records, layout: Layout, places: Sequence[int]
) -> dict[int, Precision]:
    """How the cells of each column are printed, from the texts of some."""
    rows = sampled_rows(len(records), len(places))
    body = records.only(rows).text_of(content)
    texts = _parsed(body, layout, int(records.fields[0]), places, as_text=True)
    return {k: precision_of_texts(_plain_texts(texts[k], layout.spelling)) for k in places}


def _plain_texts(cells: pd.Series, spelling: Spelling) -> list[str]:
    texts = cells.tolist()
    if spelling.missing_numbers:
        texts = [text for text in texts if not spelling.is_missing(text)]
    is_plain = spelling.decimal == "." and not spelling.thousands
    return [text if is_plain and text.isascii() else spelling.plain(text) for text in texts]


_TINY = re.compile(rb"[eE]-(30[89]|3[1-9]\d|[4-9]\d\d|\d{4,})")
"""An exponent with which a double is rounded to few digits, or to zero."""


def _parsed(
    body: bytes, layout: Layout, width: int, columns: Sequence[int], *, as_text: bool
) -> pd.DataFrame:
    import pandas as pd

    return pd.read_csv(
        io.BytesIO(body),
        sep=layout.delimiter,
        decimal="." if as_text else layout.spelling.decimal,
        header=None,
        names=list(range(width)),
        usecols=list(columns),
        # never let a surplus field turn the first column into row labels
        index_col=False,
        dtype=str if as_text else None,
        skipinitialspace=True,
        skip_blank_lines=False,
        keep_default_na=False,
        na_filter=not as_text,
        na_values=None if as_text else _MISSING_SPELLINGS,
        low_memory=False,
        encoding="utf-8",
    )


_MISSING_SPELLINGS = sorted(MISSING_WORDS | {word.upper() for word in MISSING_WORDS} | {"NaN"})


def _table_of_workbook(path: str | Path, options: ReadOptions) -> Table:
    source = source_name(path)
    frame = read_workbook(path, source)
    layout = layout_of_frame(frame)
    lines = np.arange(len(frame)) + 2
    columns = columns_of_frame(frame, layout, lines, source)
    _refuse_few_rows(len(lines), source)
    return assembled(source, columns, lines, layout, (), options)


def assembled(
    source: str,
    columns: Sequence[Column],
    lines: NDArray[np.int64],
    layout: Layout,
    notes: Sequence[str],
    options: ReadOptions,
) -> Table:
    """The table of these columns, but for those that are not numeric."""
    unusable = {}
    usable: dict[int, Column] = {}
    for k, column in enumerate(columns):
        why = column.unusable or (_row_numbers(column) if k in layout.nameless else "")
        if why:
            unusable[column.name] = why
        else:
            usable[k] = column
    ignored = [f"column {quoted(name)} is not used: {why}" for name, why in unusable.items()]
    said = [column.note for column in usable.values()]
    values = [column.values for column in usable.values()]
    return Table(
        source=source,
        header=layout.names,
        names=tuple(column.name for column in usable.values()),
        columns=np.column_stack(values) if values else np.zeros((len(lines), 0)),
        unusable=unusable,
        notes=tuple(note for note in (*notes, *said, *ignored) if note),
        precisions=tuple(column.precision for column in usable.values()),
        lines=lines,
        faults={c.name: c.fault for c in usable.values() if c.fault is not None},
        skip_bad_rows=options.skip_bad_rows,
    )


def _refuse_few_rows(rows: int, source: str) -> None:
    if rows < FEWEST_ROWS:
        raise DataError(
            f"{source} has {rows} row{'s' if rows != 1 else ''} of data",
            accepted="at least two are needed: any formula fits one row",
            remedy="Add rows; ten times as many as columns are a good start.",
        )


def _row_numbers(column: Column) -> str:
    """Why a column without a name is left out, if it only counts the rows."""
    counted = np.arange(len(column.values), dtype=np.float64)
    for first in (0.0, 1.0):
        if np.array_equal(column.values, counted + first):
            return "it has no name and only counts the rows"
    return ""
