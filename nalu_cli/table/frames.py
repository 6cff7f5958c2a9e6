"""From the rows of a workbook to columns of doubles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nalu_cli.table.cell_text import PLAIN
from nalu_cli.table.layout import Layout
from nalu_cli.table.numeric import Column, column_of_numbers, column_of_texts, is_doubtful
from nalu_cli.table.precision import precision_of_texts, precision_of_values, sampled_rows

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["columns_of_frame", "layout_of_frame"]


def layout_of_frame(frame: pd.DataFrame) -> Layout:
    """The columns of a workbook, written as CSV would be."""
    header = tuple(str(name).strip() for name in frame.columns)
    return Layout(",", PLAIN, header, frozenset(), 2, (), ())


def columns_of_frame(
    frame: pd.DataFrame,
    layout: Layout,
    lines: NDArray[np.int64],
    source: str,
    places: Sequence[int] | None = None,
) -> list[Column]:
    """The columns of a workbook, each cell that is no number diagnosed; see `columns_of`."""
    return [
        _column(name, frame.iloc[:, k], lines, source)
        for k, name in enumerate(layout.names)
        if places is None or k in places
    ]


def _column(name: str, cells: pd.Series, lines: NDArray[np.int64], source: str) -> Column:
    if not is_doubtful(cells, tiny=False):
        column = column_of_numbers(name, cells, PLAIN)
        return replace(column, precision=precision_of_values(column.values))
    texts = _texts_of(cells)
    column = column_of_texts(name, texts, lines, spelling=PLAIN, source=source)
    sample = texts.iloc[sampled_rows(len(texts), 1)]
    return replace(column, precision=precision_of_texts(map(str, sample)))


def _texts_of(cells: pd.Series) -> pd.Series:
    # not all types can hold an empty text where a cell is missing
    return cells.astype(object).where(cells.notna(), "").astype(str)
