"""Parquet and Excel files, whose readers are extras."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from nalu_cli.errors import DataError, NaluError, UsageError, quoted
from nalu_cli.table.source import SHEET_ENDINGS, as_it_is

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["WORKBOOK_ENDINGS", "is_large", "read_workbook", "sheet_text", "workbook_parts"]

PART_CELLS = 400_000
BUFFER_BYTES = 1 << 20
"""What is held of a Parquet file at a time."""

_PARQUET = ("parquet", "pyarrow", "a Parquet file")
_EXCEL = ("excel", "python_calamine", "an Excel file")

WORKBOOK_ENDINGS = frozenset((".parquet", ".pq"))
"""Endings of files whose cells have types."""

_READERS = dict.fromkeys(WORKBOOK_ENDINGS, _PARQUET) | dict.fromkeys(SHEET_ENDINGS, _EXCEL)
"""For each ending the extra, the module it installs, and what the file is."""


def read_workbook(path: str | Path, source: str) -> pd.DataFrame:
    """The table in a Parquet file.

    Raises
    ------
    UsageError
        If there is no such file, or its reader is not installed.
    DataError
        If it is damaged.
    """
    with _sound(path, source) as stream:
        import pandas as pd

        return pd.read_parquet(stream)


def sheet_text(path: str | Path, source: str) -> bytes:
    """The first sheet of a spreadsheet as CSV, a line for each of its rows.

    Raises
    ------
    UsageError, DataError
        As `read_workbook`.
    """
    with _sound(path, source) as stream:
        import pandas as pd

        # no header: pandas would rename columns, and take numbers or a title for names
        frame = pd.read_excel(stream, engine="calamine", header=None, dtype=object)
    text = io.StringIO()
    rows = frame.astype(object).where(frame.notna(), "").itertuples(index=False)
    csv.writer(text, lineterminator="\n").writerows(map(_on_one_line, rows))
    return text.getvalue().encode("utf-8", "surrogatepass")


def _on_one_line(cells: Iterable[object]) -> list[str]:
    return [" ".join(str(cell).split("\n")) for cell in cells]


def is_large(path: str | Path, source: str, cells: int) -> bool:
    """Whether a workbook has more cells than these.

    Raises
    ------
    UsageError, DataError
        As `read_workbook`.
    """
    with _sound(path, source) as stream:
        from pyarrow.parquet import read_metadata

        about = read_metadata(stream)
        return bool(about.num_rows * about.num_columns > cells)


def workbook_parts(
    path: str | Path, source: str, names: Sequence[str] | None = None
) -> Iterator[tuple[pd.DataFrame, Any]]:
    """The rows of a Parquet file, some at a time.

    Parameters
    ----------
    path : str or Path
    source : str
        What to call the file.
    names : sequence of str, optional
        Columns to read, as they are spelt in the file.

    Yields
    ------
    frame : DataFrame
        Integers beside missing cells stay integers.
    batch : pyarrow.RecordBatch or None
        The same rows of a Parquet file, with their types.

    Raises
    ------
    UsageError, DataError
        As `read_workbook`.
    """
    with _sound(path, source) as stream:
        from pyarrow.parquet import ParquetFile

        file = ParquetFile(stream, buffer_size=BUFFER_BYTES, pre_buffer=False)
        rows = max(1, PART_CELLS // max(1, file.metadata.num_columns))
        for batch in file.iter_batches(rows, columns=names, use_threads=False):
            yield batch.to_pandas(integer_object_nulls=True), batch


@contextmanager
def _sound(path: str | Path, source: str) -> Iterator[IO[bytes]]:
    """The bytes of a workbook; the errors of its reader are ours."""
    extra, module, kind = _READERS[Path(path).suffix.lower()]
    with as_it_is(path) as stream:
        if find_spec(module) is None:
            raise UsageError(
                f"{source} is {kind}, and its reader is not installed",
                remedy=f"Run `pip install 'nalu-cli[{extra}]'`, or save the table as CSV.",
            )
        try:
            yield stream
        except (NaluError, GeneratorExit):
            raise
        except Exception as why:  # each reader has errors of its own kind
            raise DataError(
                f"{source} cannot be read as {kind} ({quoted(str(why))})",
                remedy="Save the table as CSV.",
            ) from why
