"""Rows in, rows with a prediction and a guard out, a chunk at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nalu_cli.answer import Answer, Errors
from nalu_cli.errors import DataError
from nalu_cli.grid import Axis, Grid, parse_axis
from nalu_cli.guard import Guard, guards
from nalu_cli.plain import to_plain
from nalu_cli.table import Column, ReadOptions, match_name, read_chunks
from nalu_cli.table.written import number_texts
from nalu_cli.tally import Tally

if TYPE_CHECKING:
    from nalu_cli.commands.writers import Writer

__all__ = [
    "Batch",
    "Summary",
    "batches_of_file",
    "batches_of_grid",
    "named_grid",
    "predict_all",
    "used_names",
]

Floats = NDArray[np.float64]

GRID_ROWS = 50_000


@dataclass(frozen=True, slots=True)
class Batch:
    """Some rows to predict.

    Parameters
    ----------
    header : tuple of str
        All their columns.
    X : ndarray of shape (n_rows, n_columns)
        The model's columns; NaN where a cell is missing, and for columns the formula does not use.
    texts : callable
        Writes each row as it was, or as it will be.
    y : ndarray of shape (n_rows,) or None
        The target, where the rows have it.
    delimiter, decimal : str
        How the rows are written.
    notes : tuple of str
        What was decided about them.
    arrow : pyarrow.RecordBatch or None
        The rows as pyarrow holds them, if they come from a Parquet file.
    """

    header: tuple[str, ...]
    X: Floats
    texts: Callable[[], list[str]]
    y: Floats | None = None
    delimiter: str = ","
    decimal: str = "."
    notes: tuple[str, ...] = ()
    arrow: Any = None


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
    for chunk in read_chunks(path, options):
        layout = chunk.layout
        used = [chunk.resolve(name) for name in used_names(answer)]
        known = [answer.target] if answer.target in layout.names else []
        columns = chunk.numeric([*used, *known])
        X = np.full((len(chunk), len(answer.names)), np.nan)
        for j, column in zip(answer.circuit.used_columns(), columns, strict=False):
            _refuse_fault(column, options)
            X[:, j] = column.values
        yield Batch(
            header=layout.names,
            X=X,
            texts=chunk.texts,
            y=columns[-1].values if known else None,
            delimiter=layout.delimiter,
            decimal=layout.spelling.decimal,
            notes=(*chunk.notes, *(c.note for c in columns[: len(used)] if c.note)),
            arrow=chunk.arrow,
        )


def _refuse_fault(column: Column, options: ReadOptions) -> None:
    fault = column.fault
    if fault is not None and not options.skip_bad_rows:
        option = f"Pass {fault.option} if the numbers are written so. " if fault.option else ""
        raise DataError(
            fault.found,
            remedy=f"{option}Correct the cell, or pass --skip-bad-rows to leave its prediction "
            "empty.",
        )


def batches_of_grid(answer: Answer, grid: Grid, fixed: Mapping[str, float]) -> Iterator[Batch]:
    """The rows of a grid; columns of the formula that are not in it keep one value."""
    for columns in grid.chunks(GRID_ROWS, fixed):
        header = tuple(name for name in answer.names if name in columns)
        X = np.full((len(columns[header[0]]), len(answer.names)), np.nan)
        for j, name in enumerate(answer.names):
            if name in columns:
                X[:, j] = columns[name]
        yield Batch(header, X, partial(_grid_texts, [columns[name] for name in header]))


def _grid_texts(columns: Sequence[Floats]) -> list[str]:
    return list(map(",".join, zip(*map(number_texts, columns), strict=True)))


@dataclass(slots=True)
class Summary:
    """What was seen while rows were predicted."""

    rows: int = 0
    notes: list[str] = field(default_factory=list)
    guards: Counter[Guard] = field(default_factory=Counter)
    _tally: Tally = field(default_factory=Tally)

    def add(self, value: Floats, guard: Sequence[Guard], y: Floats | None) -> None:
        """Take note of some rows."""
        self.rows += len(value)
        self.guards.update(guard)
        if y is not None:
            self._tally.add(value, y)

    def errors(self) -> Errors | None:
        """Errors on the rows that had both a value and a target; None without any."""
        return self._tally.errors() if self._tally.rows else None

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
    writer.finish()
    return summary


def named_grid(answer: Answer, texts: Sequence[str], model: str) -> Grid:
    """The grid that `--range` options describe, over the model's columns."""
    axes = [parse_axis(text) for text in texts]
    return Grid(tuple(Axis(match_name(a.name, answer.names, model), a.values) for a in axes))
