"""Rows to predict, some at a time, and what was seen of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nalu_cli.answer import Answer, Errors
from nalu_cli.answer.streamed_errors import Tally
from nalu_cli.circuit.validity import Guard
from nalu_cli.storage.plain import to_plain

__all__ = ["Batch", "Summary", "used_names"]

Floats = NDArray[np.float64]


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
