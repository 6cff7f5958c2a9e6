"""Rows as text: the shortest number that reads back, and quotes where a cell needs them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["cell_text", "number_texts", "row_text", "texts_of_frame"]

_NEEDS_QUOTES = re.compile(r'[",;|\t\r\n]|^\s|\s$')


def number_texts(values: NDArray[np.float64], decimal: str = ".") -> list[str]:
    """Each double as the shortest text that reads back to it; nothing for NaN."""
    texts = list(map(repr, values.tolist()))
    for k in np.flatnonzero(np.isnan(values)).tolist():
        texts[k] = ""
    return texts if decimal == "." else [text.replace(".", decimal) for text in texts]


def cell_text(cell: str) -> str:
    """A cell, in quotes if it has a delimiter, a quote or a line end."""
    if not cell or not _NEEDS_QUOTES.search(cell):
        return cell
    doubled = cell.replace('"', '""')
    return f'"{doubled}"'


def row_text(cells: Iterable[str], delimiter: str) -> str:
    """Cells as one row."""
    return delimiter.join(map(cell_text, cells))


def texts_of_frame(frame: pd.DataFrame) -> list[str]:
    """Each row of a workbook as a row of CSV."""
    columns = [_texts(frame.iloc[:, k]) for k in range(frame.shape[1])]
    return list(map(",".join, zip(*columns, strict=True)))


def _texts(cells: pd.Series) -> Sequence[str]:
    if cells.dtype.kind == "f":
        return number_texts(cells.to_numpy(dtype=np.float64))
    if cells.dtype.kind in "iub":
        return list(map(str, cells.tolist()))
    return [cell_text("" if _is_nothing(cell) else str(cell)) for cell in cells.tolist()]


def _is_nothing(cell: object) -> bool:
    # a missing number or time is unequal to itself
    return cell is None or cell != cell
