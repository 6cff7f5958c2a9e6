"""Predicted rows written as CSV, Parquet or JSON, some at a time."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from nalu_cli.answer import Answer
from nalu_cli.circuit.validity import Guard
from nalu_cli.commands.console.signals import signal_held
from nalu_cli.commands.run.batches import Batch, Summary, used_names
from nalu_cli.table import match_name
from nalu_cli.table.parquet import ParquetSink
from nalu_cli.table.written import number_texts, row_text

__all__ = ["CsvWriter", "JsonWriter", "ParquetWriter", "Sink", "Writer"]

Floats = NDArray[np.float64]

FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r", "\0")
"""Where a spreadsheet begins to calculate (OWASP ASVS 1.2.10, CWE-1236)."""


class Sink(Protocol):
    """Takes bytes: standard output, or a file."""

    def write(self, data: bytes) -> object:
        """Append bytes."""


class Writer(Protocol):
    """Writes predicted rows in some format."""

    def add(self, batch: Batch, value: Floats, guard: Sequence[Guard]) -> None:
        """Write some rows."""

    def finish(self) -> None:
        """Write what makes a file of the rows whole."""

    def close(self, summary: Summary) -> None:
        """Say what is known when the file has its name."""


class CsvWriter:
    """The rows as they were, with two more columns.

    Parameters
    ----------
    answer : Answer
    sink : Sink
    delimiter : str, optional
        What is to stand between the cells, if it is not what stood there.
    """

    def __init__(self, answer: Answer, sink: Sink, delimiter: str | None = None) -> None:
        self._answer = answer
        self._sink = sink
        self._delimiter = delimiter
        self._begun = False

    def add(self, batch: Batch, value: Floats, guard: Sequence[Guard]) -> None:
        """Write some rows, the header first."""
        between = self._delimiter or batch.delimiter
        rows = batch.texts()
        if between != batch.delimiter:
            rows = [row_text(cells, between) for cells in _cells(rows, batch.delimiter)]
        lines = [
            f"{row}{between}{number}{between}{where}\n"
            for row, number, where in zip(
                rows, number_texts(_finite(value), batch.decimal), guard, strict=True
            )
        ]
        if not self._begun:
            self._begun = True
            header = (*batch.header, *_new_names(self._answer, batch.header))
            lines.insert(0, row_text(header, between) + "\n")
        self._sink.write("".join(lines).encode("utf-8", "surrogatepass"))

    def finish(self) -> None:
        """Nothing comes after the rows."""

    def close(self, summary: Summary) -> None:
        """Nothing more is said."""


def _finite(value: Floats) -> Floats:
    """A value that overflowed is no number: its cell stays empty."""
    return np.where(np.isfinite(value), value, np.nan)


def _cells(rows: Sequence[str], delimiter: str) -> Iterator[list[str]]:
    return csv.reader(rows, delimiter=delimiter, skipinitialspace=True)


class ParquetWriter:
    """The rows as a Parquet file, with two more columns.

    Columns of another Parquet file keep their types. Of a text those that the formula reads are
    doubles, and the others stay text.

    Parameters
    ----------
    answer : Answer
    sink : Sink
    """

    def __init__(self, answer: Answer, sink: Sink) -> None:
        self._answer = answer
        self._file = ParquetSink(sink.write)

    def add(self, batch: Batch, value: Floats, guard: Sequence[Guard]) -> None:
        """Write some rows."""
        number, where = _new_names(self._answer, batch.header)
        new: dict[str, Floats | list[str]] = {
            number: _finite(value),
            where: [str(g) for g in guard],
        }
        self._file.add(self._columns(batch) if batch.arrow is None else batch.arrow, new)

    def _columns(self, batch: Batch) -> dict[str, Floats | list[str]]:
        cells = zip(*_cells(batch.texts(), batch.delimiter), strict=True)
        columns: dict[str, Floats | list[str]] = {
            name: list(column) for name, column in zip(batch.header, cells, strict=True)
        }
        for j in self._answer.circuit.used_columns():
            columns[match_name(self._answer.names[j], batch.header, "")] = batch.X[:, j]
        if batch.y is not None:
            columns[self._answer.target] = batch.y
        return columns

    def finish(self) -> None:
        """Write the index of the file."""
        self._file.close()

    def close(self, summary: Summary) -> None:
        """Nothing more is said."""


def _new_names(answer: Answer, header: Sequence[str]) -> tuple[str, str]:
    return _free(f"{answer.target}_predicted", header), _free("guard", header)


def _free(name: str, header: Sequence[str]) -> str:
    """The name, numbered if the file has such a column already.

    A name that a spreadsheet would take for a formula gets an apostrophe, as it is ours; the
    cells of the file stay as they are.
    """
    if name.startswith(FORMULA_SIGNS):
        name = f"'{name}"
    number, free = 2, name
    while free in header:
        number, free = number + 1, f"{name}_{number}"
    return free


class JsonWriter:
    """One JSON object, written while the rows come in; numbers or null.

    Parameters
    ----------
    answer : Answer
    head : mapping
        Entries that come before the rows.
    sink : Sink
    rows : Writer, optional
        Writes the rows in place of the object, whose entry for them is then null.
    """

    def __init__(
        self, answer: Answer, head: Mapping[str, Any], sink: Sink, rows: Writer | None = None
    ) -> None:
        self._used = list(answer.circuit.used_columns())
        self._sink = sink
        self._rows = rows
        self._is_writing = False
        names = used_names(answer)
        columns = [*names, *_new_names(answer, names)]
        opening = json.dumps({**head, "columns": columns}, allow_nan=False).removesuffix("}")
        self._opening = f'{opening}, "predictions": {"[" if rows is None else "null"}'
        self._between = "\n"

    def add(self, batch: Batch, value: Floats, guard: Sequence[Guard]) -> None:
        """Write some rows as arrays."""
        if self._rows is not None:
            self._rows.add(batch, value, guard)
            return
        inputs = batch.X[:, self._used].tolist()
        lines = [
            json.dumps([*map(_json_number, (*row, number)), where.value], allow_nan=False)
            for row, number, where in zip(inputs, value.tolist(), guard, strict=True)
        ]
        if lines:
            self._write(self._between + ",\n".join(lines))
            self._between = ",\n"

    def finish(self) -> None:
        """Finish the file of rows, if there is one."""
        if self._rows is not None:
            self._rows.finish()

    def close(self, summary: Summary) -> None:
        """Write what is known only now."""
        rest = json.dumps(summary.as_data(), allow_nan=False).removeprefix("{")
        self._write(f"{self._end_of_rows}, {rest}\n")

    def fail(self, error: Mapping[str, Any]) -> None:
        """Close the object with an error, unless that was met in the middle of a write."""
        if not self._is_writing:
            self._write(f'{self._end_of_rows}, "error": {json.dumps(error)}}}\n')

    @property
    def _end_of_rows(self) -> str:
        return "\n]" if self._rows is None else ""

    def _write(self, text: str) -> None:
        self._is_writing = True
        with signal_held():
            self._sink.write(f"{self._opening}{text}".encode())
            self._opening = ""
            self._is_writing = False


def _json_number(x: float) -> float | None:
    return x if math.isfinite(x) else None
