"""A file too long to be held: the same table as of a short one, a block of rows at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from nalu_cli.table.chunks import Chunk, chunks_of_text, chunks_of_workbook
from nalu_cli.table.numeric import NO_VALUES
from nalu_cli.table.opened import opened
from nalu_cli.table.options import ReadOptions
from nalu_cli.table.reading import assembled, read_table, table_of_bytes
from nalu_cli.table.source import source_name
from nalu_cli.table.table import Table
from nalu_cli.table.workbook import WORKBOOK_ENDINGS, is_large

__all__ = ["MOST_HELD", "LongTable", "opened_table"]

MOST_HELD = 16 << 20
"""Bytes of a text that is read as a whole; 8 for each cell of a Parquet file."""


@dataclass(frozen=True, slots=True)
class LongTable:
    """A table whose rows are read from its file each time they are asked for.

    Parameters
    ----------
    source : str
        What messages call the file.
    chunks : callable
        Begins to read it from the start.
    options : ReadOptions
    notes : tuple of str
        What is known about it before it is read.
    """

    source: str
    chunks: Callable[[], Iterator[Chunk]]
    options: ReadOptions
    notes: tuple[str, ...] = ()

    def blocks(self, names: Sequence[str] | None = None) -> Iterator[Table]:
        """The rows in order, some at a time.

        Parameters
        ----------
        names : sequence of str, optional
            Exact names of the columns to read. When left out, those that are numeric in the first
            block; from then on a cell in them that is no number is a fault.

        Yields
        ------
        Table

        Raises
        ------
        DataError
            If the file cannot be read.
        """
        for chunk in self.chunks():
            if names is None:
                table = self._first(chunk)
                names = table.names
            else:
                table = self._later(chunk, names)
            yield table

    def _first(self, chunk: Chunk) -> Table:
        columns = chunk.columns(range(len(chunk.layout.names)))
        empty = f"{NO_VALUES} in the first {len(chunk)} rows"
        columns = [replace(c, unusable=empty) if c.unusable == NO_VALUES else c for c in columns]
        return assembled(self.source, columns, chunk.lines, chunk.layout, chunk.notes, self.options)

    def _later(self, chunk: Chunk, names: Sequence[str]) -> Table:
        header = chunk.layout.names
        columns = chunk.numeric(sorted(names, key=header.index))
        return Table(
            source=self.source,
            header=header,
            names=tuple(column.name for column in columns),
            columns=np.column_stack([column.values for column in columns]),
            unusable={},
            notes=(*chunk.notes, *filter(None, [column.note for column in columns])),
            precisions=tuple(column.precision for column in columns),
            lines=chunk.lines,
            faults={c.name: c.fault for c in columns if c.fault is not None},
            skip_bad_rows=self.options.skip_bad_rows,
        )


@contextmanager
def opened_table(
    path: str | Path, options: ReadOptions | None = None, *, most: int = MOST_HELD
) -> Iterator[Table | LongTable]:
    """A file as a table: as a whole if it is short, else to be read in blocks while it is open.

    Parameters
    ----------
    path : str or Path
        As in `read_table`. Standard input is kept on disk if it is long.
    options : ReadOptions, optional
        What need not be guessed.
    most : int
        Bytes of text, or 8 for each cell of a Parquet file, that are read as a whole.

    Raises
    ------
    UsageError, DataError
        As `read_table`.
    """
    options = options or ReadOptions()
    source = source_name(path)
    if Path(path).suffix.lower() in WORKBOOK_ENDINGS:
        if is_large(path, source, most // 8):
            yield LongTable(source, lambda: chunks_of_workbook(path, source), options)
        else:
            yield read_table(path, options)
        return
    with opened(path) as stream:
        raw = stream.read(most + 1)
        if len(raw) <= most:
            yield table_of_bytes(raw, options, source)
            return
        del raw
        yield LongTable(
            source,
            lambda: chunks_of_text(stream, options, source, without_totals=True),
            options,
        )
