"""Reads a file in chunks of rows, so that memory does not grow with its length."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nalu_cli.table.blocks import BLOCK_BYTES, text_blocks
from nalu_cli.table.frames import columns_of_frame, layout_of_frame
from nalu_cli.table.layout import Layout, layout_of
from nalu_cli.table.names import match_name
from nalu_cli.table.numeric import Column
from nalu_cli.table.opened import opened
from nalu_cli.table.options import ReadOptions
from nalu_cli.table.reading import columns_of, head_text
from nalu_cli.table.records import Records, find_records
from nalu_cli.table.rows import sound_rows, without_total, wrong_fields_note
from nalu_cli.table.source import HEAD_BYTES, source_name
from nalu_cli.table.workbook import WORKBOOK_ENDINGS, workbook_parts
from nalu_cli.table.written import texts_of_frame

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Chunk", "chunks_of_text", "chunks_of_workbook", "read_chunks"]

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Chunk(ABC):
    """Some consecutive rows of a file.

    Parameters
    ----------
    source : str
        What messages call the file.
    layout : Layout
        Its columns, and how it is written.
    lines : ndarray of shape (n_rows,)
        Physical line each row begins in, counted from 1.
    notes : tuple of str
        What was decided or skipped since the chunk before.
    """

    source: str
    layout: Layout
    lines: Ints
    notes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.lines)

    def resolve(self, name: str) -> str:
        """The column a person means by `name`; see `match_name`.

        Raises
        ------
        UsageError
            If no column is meant, or more than one.
        """
        return match_name(name, self.layout.names, self.source)

    @abstractmethod
    def columns(self, places: Sequence[int]) -> list[Column]:
        """Some columns as doubles, each cell diagnosed.

        Parameters
        ----------
        places : sequence of int
            Counted from 0, ascending.
        """

    def numeric(self, names: Sequence[str]) -> list[Column]:
        """Some columns that are taken to be numeric, so that a text in them is a fault.

        Parameters
        ----------
        names : sequence of str
            Exact names.
        """
        header = self.layout.names
        read = self.columns(sorted({header.index(name) for name in names}))
        numeric = [replace(c, unusable="", fault=c.fault or c.words) for c in read]
        by_name = {column.name: column for column in numeric}
        return [by_name[name] for name in names]

    @abstractmethod
    def texts(self) -> list[str]:
        """Each row as it is written, without a line end."""

    @property
    def arrow(self) -> Any:
        """The rows as pyarrow holds them; None where they are text."""
        return None


@dataclass(frozen=True, slots=True)
class _TextChunk(Chunk):
    content: bytes
    records: Records

    def columns(self, places: Sequence[int]) -> list[Column]:
        return columns_of(self.content, self.records, self.layout, self.source, places)

    def texts(self) -> list[str]:
        texts = self.records.texts_of(self.content)
        if len(self.records) and self.records.fields[0] > len(self.layout.names):
            # behind the last delimiter is an empty cell
            return [text.rpartition(self.layout.delimiter)[0] for text in texts]
        return texts


@dataclass(frozen=True, slots=True)
class _FrameChunk(Chunk):
    frame: pd.DataFrame
    batch: Any

    def columns(self, places: Sequence[int]) -> list[Column]:
        return columns_of_frame(self.frame, self.layout, self.lines, self.source, places)

    def texts(self) -> list[str]:
        return texts_of_frame(self.frame)

    @property
    def arrow(self) -> Any:
        return self.batch


def read_chunks(
    path: str | Path, options: ReadOptions | None = None, block_bytes: int = BLOCK_BYTES
) -> Iterator[Chunk]:
    """Read a file in chunks.

    Parameters
    ----------
    path : str or Path
        CSV or the like, plain or packed; Parquet or Excel by its ending; ``-`` is standard input,
        which is kept on disk if large.
    options : ReadOptions, optional
        What need not be guessed.
    block_bytes : int
        How much is read at a time.

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
        yield from chunks_of_workbook(path, source)
        return
    with opened(path) as stream:
        yield from chunks_of_text(stream, options, source, block_bytes=block_bytes)


def chunks_of_workbook(path: str | Path, source: str) -> Iterator[Chunk]:
    """The rows of a Parquet file in chunks; those of an Excel file, which is small, in one."""
    above = 1
    for frame, batch in workbook_parts(path, source):
        lines = np.arange(len(frame)) + above + 1
        above += len(frame)
        yield _FrameChunk(source, layout_of_frame(frame), lines, (), frame, batch)


def chunks_of_text(
    stream: IO[bytes],
    options: ReadOptions,
    source: str,
    *,
    block_bytes: int = BLOCK_BYTES,
    without_totals: bool = False,
) -> Iterator[Chunk]:
    """The rows of an unpacked text in chunks, from its start.

    Parameters
    ----------
    stream : file of bytes
        Seekable.
    options : ReadOptions
    source : str
        What to call the file.
    block_bytes : int
        How much is read at a time.
    without_totals : bool
        Refuse or drop a row of totals at the end.
    """
    stream.seek(0)
    head, encoding, note = head_text(stream.read(HEAD_BYTES), options, source)
    layout = layout_of(head, options, source)
    notes = tuple(n for n in (note, *layout.notes) if n)
    skipped, begun = 0, False
    for block in text_blocks(stream, encoding, source, block_bytes):
        first = max(1, layout.body_line - block.above)
        content = block.content
        found = find_records(content, layout.delimiter, first, source, above=block.above)
        records, said = sound_rows(found, layout, options, source)
        # rows that are skipped are told once, with their number
        skipped += len(found) - len(records)
        notes = notes if len(records) < len(found) else (*notes, *said)
        if block.is_last:
            notes = (*notes, wrong_fields_note(skipped)) if skipped else notes
            if without_totals:
                records, total = without_total(content, records, layout, options, source)
                notes = (*notes, total) if total else notes
        if len(records) or (begun and notes):
            yield _TextChunk(source, layout, records.lines, notes, content, records)
            notes, begun = (), True
