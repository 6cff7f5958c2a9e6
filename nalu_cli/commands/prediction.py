"""Rows in, rows with a prediction and a guard out, a chunk at a time."""

from __future__ import annotations

import csv
import io
import json
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from nalu_cli.answer import Answer, Errors
from nalu_cli.errors import DataError, quoted
from nalu_cli.grid import Axis, Grid, parse_axis
from nalu_cli.guard import Guard, guards
from nalu_cli.plain import to_plain
from nalu_cli.table import Chunk, Numbers, ReadOptions, match_name, read_chunks
from nalu_cli.table.cell_text import refusal_of

__all__ = [
    "Batch",
    "CsvWriter",
    "JsonWriter",
    "Sink",
    "Summary",
    "Writer",
    "batches_of_file",
    "batches_of_grid",
    "named_grid",
    "predict_all",
    "used_names",
]

Floats = NDArray[np.float64]

CHUNK_ROWS = 20_000

FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r", "\0")
"""Where a spreadsheet begins to calculate (OWASP ASVS 1.2.10, CWE-1236)."""


class Sink(Protocol):
    """Takes bytes: standard output, or a file."""

    def write(self, data: bytes) -> None:
        """Append bytes."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Some rows to predict.

    Parameters
    ----------
    header : tuple of str
        Columns of the cells.
    cells : list of list of str
        As they will be written.
    X : ndarray of shape (n_rows, n_columns)
        The model's columns; NaN where a cell is missing, and for columns the formula does not use.
    y : ndarray of shape (n_rows,) or None
        The target, where the rows have it.
    delimiter, decimal : str
        How the rows are written.
    notes : tuple of str
        What was decided about them.
    """

    header: tuple[str, ...]
    cells: list[list[str]]
    X: Floats
    y: Floats | None = None
    delimiter: str = ","
    decimal: str = "."
    notes: tuple[str, ...] = ()


def used_names(answer: Answer) -> list[str]:
    """The columns the formula depends on."""
    return [answer.names[j] for j in answer.circuit.used_columns()]


def batches_of_file(answer: Answer, path: str, options: ReadOptions) -> Iterator[Batch]:
    """The rows of a file, every column kept as it is written.

    Raises
    ------
    UsageError
        If a column the formula uses is not there; it names the nearest.
    DataError
        If a cell of such a column is no number, unless bad rows are to be passed over.
    """
    for chunk in read_chunks(path, options, CHUNK_ROWS):
        names = [chunk.resolve(name) for name in used_names(answer)]
        X = np.full((len(chunk), len(answer.names)), np.nan)
        numbers = _numbers(chunk, names, options)
        X[:, list(answer.circuit.used_columns())] = numbers.values
        y = chunk.numbers([answer.target]).values[:, 0] if answer.target in chunk.header else None
        notes = (*chunk.notes, *numbers.notes)
        decimal = chunk.spelling.decimal
        yield Batch(chunk.header, chunk.rows, X, y, chunk.delimiter, decimal, notes)


def _numbers(chunk: Chunk, names: Sequence[str], options: ReadOptions) -> Numbers:
    numbers = chunk.numbers(names)
    if numbers.bad.any() and not options.skip_bad_rows:
        row, column = np.argwhere(numbers.bad)[0].tolist()
        cell = chunk.rows[row][chunk.header.index(names[column])].strip()
        refusal = refusal_of(cell)
        option = f"Pass {refusal.option} if the numbers are written so. " if refusal.option else ""
        raise DataError(
            f"{chunk.source}, row {chunk.lines[row]}, column {quoted(names[column])}: "
            f"{quoted(cell)} {refusal.reason}",
            remedy=f"{option}Correct the cell, or pass --skip-bad-rows to leave its prediction "
            "empty.",
        )
    return numbers


def batches_of_grid(answer: Answer, grid: Grid, fixed: Mapping[str, float]) -> Iterator[Batch]:
    """The rows of a grid; columns of the formula that are not in it keep one value."""
    for columns in grid.chunks(CHUNK_ROWS, fixed):
        header = tuple(name for name in answer.names if name in columns)
        texts = [list(map(repr, columns[name].tolist())) for name in header]
        cells = [list(row) for row in zip(*texts, strict=True)]
        X = np.full((len(cells), len(answer.names)), np.nan)
        for j, name in enumerate(answer.names):
            if name in columns:
                X[:, j] = columns[name]
        yield Batch(header, cells, X)


class Writer(Protocol):
    """Writes predicted rows in some format."""

    def add(self, batch: Batch, value: Floats, guard: Sequence[Guard]) -> None:
        """Write some rows."""

    def close(self, summary: Summary) -> None:
        """Write what comes after the last row."""


class CsvWriter:
    """The rows as they were, with two more columns."""

    def __init__(self, answer: Answer, sink: Sink) -> None:
        self._answer = answer
        self._sink = sink
        self._begun = False

    def add(self, batch: Batch, value: Floats, guard: Sequence[Guard]) -> None:
        """Write some rows, the header first."""
        buffer = io.StringIO()
        writer = csv.writer(buffer, delimiter=batch.delimiter, lineterminator="\n")
        if not self._begun:
            writer.writerow((*batch.header, *_new_names(self._answer, batch.header)))
            self._begun = True
        for cells, number, where in zip(batch.cells, value.tolist(), guard, strict=True):
            writer.writerow((*cells, _cell(number, batch.decimal), where.value))
        self._sink.write(buffer.getvalue().encode("utf-8", "surrogateescape"))

    def close(self, summary: Summary) -> None:
        """Nothing comes after the rows."""


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


def _cell(number: float, decimal: str) -> str:
    # repr is the shortest text that reads back to the same double
    return "" if not math.isfinite(number) else repr(number).replace(".", decimal)


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
        self._write(f'{opening}, "predictions": {"[" if rows is None else "null"}')
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

    def close(self, summary: Summary) -> None:
        """Write what is known only now."""
        rest = json.dumps(summary.as_data(), allow_nan=False).removeprefix("{")
        self._write(f"{self._end_of_rows}, {rest}\n")

    def fail(self, error: Mapping[str, Any]) -> bool:
        """Close the object with an error, if what was written so far is whole."""
        if self._is_writing:
            return False
        self._write(f'{self._end_of_rows}, "error": {json.dumps(error)}}}\n')
        return True

    @property
    def _end_of_rows(self) -> str:
        return "\n]" if self._rows is None else ""

    def _write(self, text: str) -> None:
        self._is_writing = True
        self._sink.write(text.encode())
        self._is_writing = False


def _json_number(x: float) -> float | None:
    return x if math.isfinite(x) else None


@dataclass(slots=True)
class Summary:
    """What was seen while rows were predicted."""

    rows: int = 0
    notes: list[str] = field(default_factory=list)
    guards: Counter[Guard] = field(default_factory=Counter)
    compared: int = 0
    _relative: float = 0.0
    _scale: float = 0.0
    _squares: float = 0.0
    _mean: float = 0.0
    _spread: float = 0.0

    def add(self, value: Floats, guard: Sequence[Guard], y: Floats | None) -> None:
        """Take note of some rows."""
        self.rows += len(value)
        self.guards.update(guard)
        if y is None:
            return
        both = np.isfinite(value) & np.isfinite(y)
        if both.any():
            self._compare(value[both], y[both])

    def _compare(self, value: Floats, y: Floats) -> None:
        # squares of 1e200 overflow and those of 1e-200 vanish, so all is measured in a unit
        self._scale = self._scale or float(np.max(np.abs(y))) or 1.0
        with np.errstate(all="ignore"):
            gap = (value - y) / self._scale
            relative = np.abs(value - y) / np.abs(y)
        self._relative = max(self._relative, float(np.max(np.where(gap == 0, 0.0, relative))))
        self._squares += float(np.sum(gap**2))
        self._merge(y / self._scale)

    def _merge(self, y: Floats) -> None:
        """Mean and sum of squared deviations of two parts (Chan, Golub and LeVeque 1979)."""
        count, mean = len(y), float(np.mean(y))
        step, total = mean - self._mean, self.compared + count
        self._spread += float(np.sum((y - mean) ** 2)) + step**2 * self.compared * count / total
        self._mean += step * count / total
        self.compared = total

    def errors(self) -> Errors | None:
        """Errors on the rows that had both a value and a target; None without any."""
        if not self.compared:
            return None
        rmse = math.sqrt(self._squares / self.compared) * self._scale
        r2 = 1 - self._squares / self._spread if self._spread > 0 else None
        relative = self._relative if math.isfinite(self._relative) else None
        return Errors(self.compared, relative, rmse if math.isfinite(rmse) else None, r2)

    def as_data(self) -> dict[str, Any]:
        """The summary as JSON data."""
        return {
            "rows": self.rows,
            "guard": {guard.value: self.guards[guard] for guard in Guard if self.guards[guard]},
            "errors": to_plain(self.errors()),
            "caveats": self.notes,
        }


def predict_all(
    answer: Answer, batches: Iterator[Batch], writer: Writer, heard: Callable[[str], None]
) -> Summary:
    """Predict and write all batches; the writer stays open.

    Parameters
    ----------
    answer : Answer
    batches : iterator of Batch
    writer : Writer
    heard : callable
        Receives each note on the rows.
    """
    summary = Summary()
    for batch in batches:
        for note in batch.notes:
            if note not in summary.notes:
                summary.notes.append(note)
                heard(note)
        value = answer.circuit.evaluate(batch.X)
        guard = guards(answer.circuit, batch.X, value, (answer.low, answer.high))
        writer.add(batch, value, guard)
        summary.add(value, guard, batch.y)
    return summary


def named_grid(answer: Answer, texts: Sequence[str], model: str) -> Grid:
    """The grid that `--range` options describe, over the model's columns."""
    axes = [parse_axis(text) for text in texts]
    return Grid(tuple(Axis(match_name(a.name, answer.names, model), a.values) for a in axes))
