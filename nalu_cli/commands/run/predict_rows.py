"""Rows in, rows with a prediction and a guard out, a chunk at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from nalu_cli.answer import Answer
from nalu_cli.circuit.validity import guards
from nalu_cli.commands.output.row_writers import Writer
from nalu_cli.commands.run.batches import Batch, Summary, used_names
from nalu_cli.errors import DataError
from nalu_cli.table import Column, ReadOptions, match_name, read_chunks
from nalu_cli.table.input_grid import Axis, Grid, parse_axis
from nalu_cli.table.written import number_texts

__all__ = ["batches_of_file", "batches_of_grid", "named_grid", "predict_all"]

Floats = NDArray[np.float64]

GRID_ROWS = 50_000


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
