"""From cells to doubles, column by column, with what is to be said about each column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nalu_cli.errors import quoted
from nalu_cli.table.cell_text import (
    EXACT_INTEGERS,
    SMALLEST_NORMAL,
    TRUTH_WORDS,
    Refusal,
    Spelling,
    precision_note,
    refusal_of,
)
from nalu_cli.table.precision import DOUBLES, Precision
from nalu_cli.table.table import Fault

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "NO_VALUES",
    "Column",
    "column_of_numbers",
    "column_of_texts",
    "is_doubtful",
]

NO_VALUES = "it has no values"
"""Why a column without a single number, whose cells are all missing, is not numeric."""

ENOUGH_WORDS = 1000

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Column:
    """One column as read.

    Parameters
    ----------
    name : str
    values : ndarray of shape (n_rows,)
        NaN where there is no number.
    unusable : str
        Why it is not numeric; empty if it is.
    fault : Fault or None
        Cells of a numeric column that are no numbers.
    note : str
        What was done to its cells; may be empty.
    words : Fault or None
        What would be wrong with a column of text if it had to be numeric.
    precision : Precision
        How its cells are printed.
    """

    name: str
    values: Floats
    unusable: str = ""
    fault: Fault | None = None
    note: str = ""
    words: Fault | None = None
    precision: Precision = DOUBLES


def is_doubtful(cells: pd.Series, *, tiny: bool) -> bool:
    """Whether pandas met anything but truth values, holes and numbers that doubles hold well."""
    if cells.dtype.kind != "f":
        return cells.dtype.kind not in "iub"
    size = np.abs(cells.to_numpy())
    # infinities are among the large ones
    return bool((size >= EXACT_INTEGERS).any() or (tiny and (size < SMALLEST_NORMAL).any()))


def column_of_numbers(name: str, cells: pd.Series, spelling: Spelling) -> Column:
    """A column that pandas has already converted to numbers or truth values."""
    values = np.array(cells.to_numpy(dtype=np.float64, na_value=np.nan))
    note = ""
    if cells.dtype.kind == "b":
        note = f"column {quoted(name)}: False and True read as 0 and 1"
    elif cells.dtype.kind in "iu":
        note = precision_note(name, _rounded(cells, values))
    if spelling.missing_numbers:
        values[np.isin(values, list(spelling.missing_numbers))] = np.nan
    if np.isnan(values).all():
        return Column(name, values, unusable=NO_VALUES)
    return Column(name, values, note=note)


def _rounded(cells: pd.Series, values: Floats) -> list[tuple[str, float]]:
    """The integers that a double cannot hold, as texts, and what they became."""
    rows = np.flatnonzero(np.abs(values) >= EXACT_INTEGERS)
    integers, doubles = cells.to_numpy()[rows], values[rows]
    with np.errstate(invalid="ignore"):
        changed = doubles.astype(integers.dtype) != integers
    # 2**63 and 2**64 are doubles that the type of the integers cannot hold
    changed |= np.abs(doubles) >= 2.0 ** (63 if integers.dtype.kind == "i" else 64)
    pairs = zip(integers[changed].tolist(), doubles[changed].tolist(), strict=True)
    return [(str(integer), double) for integer, double in pairs]


def column_of_texts(
    name: str, cells: pd.Series, lines: NDArray[np.int64], *, spelling: Spelling, source: str
) -> Column:
    """A column of texts, each cell diagnosed.

    Parameters
    ----------
    name : str
    cells : Series of str
    lines : ndarray of shape (n_rows,)
        Physical line of each row.
    spelling : Spelling
        How numbers and missing values are written.
    source : str
        What to call the file.
    """
    values = _converted(cells, spelling)
    rows = np.flatnonzero(~np.isfinite(values))
    doubtful = [str(text) for text in cells.iloc[rows]]
    if len(rows) == len(values) and _are_words(doubtful, spelling):
        word = next(k for k, text in enumerate(doubtful) if not spelling.is_missing(text))
        return _text_column(name, values, (doubtful[word], int(lines[word])), source)
    readings = {text: _reading(text, spelling) for text in set(doubtful)}
    truths = _truths(readings, spelling) if len(rows) == len(values) else None
    if truths is not None:
        values[rows] = [truths.get(text, np.nan) for text in doubtful]
        return Column(name, values, note=_truths_note(name, truths))
    values[rows] = [np.nan if (n := readings[text]) is None else n for text in doubtful]
    is_bad = np.array([readings[text] is None for text in doubtful], dtype=bool)
    note = _digits_note(name, doubtful, readings, spelling) or _precision_note(
        name, cells, values, spelling
    )
    return _judged(name, values, rows[is_bad], cells, lines, source, note)


def _precision_note(name: str, cells: pd.Series, values: Floats, spelling: Spelling) -> str:
    size = np.abs(values)
    rows = np.flatnonzero((size >= EXACT_INTEGERS) | (size < SMALLEST_NORMAL))
    texts = [str(text).strip().replace(spelling.decimal, ".") for text in cells.iloc[rows]]
    return precision_note(name, list(zip(texts, values[rows].tolist(), strict=True)))


def _are_words(texts: Sequence[str], spelling: Spelling) -> bool:
    """Whether the first thousand different cells already show that a column is text."""
    first = list(islice(dict.fromkeys(texts), ENOUGH_WORDS))
    return len(first) == ENOUGH_WORDS and not any(
        _is_number(_reading(text, spelling)) or refusal_of(text).nearly for text in first
    )


def _text_column(name: str, values: Floats, first: tuple[str, int], source: str) -> Column:
    """A column without numbers; `first` is a cell that shows it, and its line."""
    cell, line = first[0].strip(), first[1]
    refusal = refusal_of(cell)
    every = np.arange(len(values), dtype=np.int64)
    found = f"{source}, row {line}, column {quoted(name)}: {quoted(cell)} {refusal.reason}"
    words = Fault(found, "", _remedy(name, every, refusal), every, refusal.option)
    why = f"it holds text ({quoted(cell)} {refusal.reason})"
    return Column(name, values, unusable=why, words=words)


def _converted(cells: pd.Series, spelling: Spelling) -> Floats:
    """What pandas reads, correctly rounded; NaN for all else."""
    import pandas as pd

    texts = cells.str.strip()
    if spelling.decimal != ".":
        texts = texts.str.replace(".", "x", regex=False)
        texts = texts.str.replace(spelling.decimal, ".", regex=False)
    values = np.array(pd.to_numeric(texts, errors="coerce"), dtype=np.float64)
    values[np.isin(values, list(spelling.missing_numbers))] = np.nan
    return values


def _reading(text: str, spelling: Spelling) -> float | None:
    """The number in a cell, NaN for a missing one, None for a bad one."""
    return np.nan if spelling.is_missing(text) else spelling.number_in(text)


def _is_number(reading: float | None) -> bool:
    return reading is not None and not np.isnan(reading)


def _truths(readings: dict[str, float | None], spelling: Spelling) -> dict[str, float] | None:
    """0 or 1 for each text, if all that are not missing spell truth values."""
    bad = [text for text, reading in readings.items() if reading is None]
    truths = {text: TRUTH_WORDS.get(text.strip().casefold(), np.nan) for text in bad}
    known = bool(bad) and len(bad) + sum(map(spelling.is_missing, readings)) == len(readings)
    return truths if known and not np.isnan(list(truths.values())).any() else None


def _truths_note(name: str, truths: dict[str, float]) -> str:
    one_of_each = {number: text for text, number in sorted(truths.items(), reverse=True)}
    numbers = sorted(one_of_each)
    words = " and ".join(quoted(one_of_each[number].strip()) for number in numbers)
    return f"column {quoted(name)}: {words} read as {' and '.join(f'{x:g}' for x in numbers)}"


def _digits_note(
    name: str, texts: Sequence[str], readings: dict[str, float | None], spelling: Spelling
) -> str:
    """What is said about numbers that were read though they are not plainly written."""
    read = [text for text in texts if _is_number(readings[text])]
    if not read:
        return ""
    text = read[0].strip()
    cells = "1 cell has" if len(read) == 1 else f"{len(read)} cells have"
    what = "a Unicode minus or digits" if not text.isascii() else "an unusual form"
    if spelling.thousands:
        what = "thousands separators"
    return (
        f"column {quoted(name)}: {cells} {what}, such as {quoted(text)} read as "
        f"{readings[read[0]]:.15g}"
    )


def _judged(
    name: str,
    values: Floats,
    bad: NDArray[np.int64],
    cells: pd.Series,
    lines: NDArray[np.int64],
    source: str,
    note: str,
) -> Column:
    if not len(bad):
        empty = np.isnan(values).all()
        return Column(name, values, unusable=NO_VALUES if empty else "", note=note)
    cell = str(cells.iloc[bad[0]]).strip()
    refusal = refusal_of(cell)
    if np.isnan(values).all() and not refusal.nearly:
        return _text_column(name, values, (cell, int(lines[bad[0]])), source)
    found = f"{source}, row {lines[bad[0]]}, column {quoted(name)}: {quoted(cell)} {refusal.reason}"
    accepted = "write plain numbers such as 1234.5" if refusal.nearly else ""
    if cell == name:
        found = f"{source}, row {lines[bad[0]]} repeats the header in column {quoted(name)}"
        accepted = "files joined into one must have one header"
    fault = Fault(found, accepted, _remedy(name, bad, refusal), bad, refusal.option)
    if not refusal.nearly and len(bad) > len(values[~np.isnan(values)]) and cell != name:
        why = f"it holds text in {len(bad)} of {len(values)} rows ({quoted(cell)} {refusal.reason})"
        return Column(name, values, unusable=why, words=fault)
    return Column(name, values, fault=fault, note=note)


def _remedy(name: str, bad: NDArray[np.int64], refusal: Refusal) -> str:
    count = len(bad)
    if refusal.option:
        return f"Pass {refusal.option} if the numbers are written so, else correct the cell."
    if count == 1 and bad[0] == 0:
        return "Remove the row, or pass --units-row if it holds units, else --skip-bad-rows."
    if count == 1:
        return "Remove the row or pass --skip-bad-rows."
    return (
        f"{count} cells of the column are like it: remove their rows, pass --skip-bad-rows, or "
        f"leave the column out with --ignore {quoted(name)}."
    )
