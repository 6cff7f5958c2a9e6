"""Parquet and Excel files, whose readers are extras."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from nalu_cli.errors import DataError, NaluError, UsageError, quoted
from nalu_cli.table.source import opened

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["WORKBOOK_ENDINGS", "is_large", "read_workbook", "workbook_parts"]

PART_CELLS = 400_000
BUFFER_BYTES = 1 << 20
"""What is held of a Parquet file at a time."""

_PARQUET = ("parquet", "pyarrow", "a Parquet file")
_EXCEL = ("excel", "python_calamine", "an Excel file")

WORKBOOK_ENDINGS = {
    ".parquet": _PARQUET,
    ".pq": _PARQUET,
    ".xlsx": _EXCEL,
    ".xlsm": _EXCEL,
    ".xlsb": _EXCEL,
    ".xls": _EXCEL,
    ".ods": _EXCEL,
}
"""Endings with the extra, the module it installs, and what the file is."""


def read_workbook(path: str | Path, source: str) -> pd.DataFrame:
    """The table in a Parquet file, or in the first sheet of an Excel file.

    Raises
    ------
    UsageError
        If there is no such file, or its reader is not installed.
    DataError
        If it is damaged.
    """
    with _sound(path, source) as (stream, extra):
        import pandas as pd

        if extra == "parquet":
            return pd.read_parquet(stream)
        return pd.read_excel(stream, engine="calamine")


def is_large(path: str | Path, source: str, cells: int) -> bool:
    """Whether a workbook has more cells than these; an Excel file, which is small, never has.

    Raises
    ------
    UsageError, DataError
        As `read_workbook`.
    """
    with _sound(path, source) as (stream, extra):
        if extra != "parquet":
            return False
        from pyarrow.parquet import read_metadata

        about = read_metadata(stream)
        return bool(about.num_rows * about.num_columns > cells)


def workbook_parts(
    path: str | Path, source: str, names: Sequence[str] | None = None
) -> Iterator[tuple[pd.DataFrame, Any]]:
    """The rows of a workbook, those of a Parquet file some at a time.

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
    if WORKBOOK_ENDINGS[Path(path).suffix.lower()] is not _PARQUET:
        yield read_workbook(path, source), None
        return
    with _sound(path, source) as (stream, _):
        from pyarrow.parquet import ParquetFile

        file = ParquetFile(stream, buffer_size=BUFFER_BYTES, pre_buffer=False)
        rows = max(1, PART_CELLS // max(1, file.metadata.num_columns))
        for batch in file.iter_batches(rows, columns=names, use_threads=False):
            yield batch.to_pandas(integer_object_nulls=True), batch


@contextmanager
def _sound(path: str | Path, source: str) -> Iterator[tuple[IO[bytes], str]]:
    """The bytes of a workbook and the extra that reads them; its reader's errors are ours."""
    extra, module, kind = WORKBOOK_ENDINGS[Path(path).suffix.lower()]
    with opened(path, foreign=True) as stream:
        if find_spec(module) is None:
            raise UsageError(
                f"{source} is {kind}, and its reader is not installed",
                remedy=f"Run `pip install 'nalu-cli[{extra}]'`, or save the table as CSV.",
            )
        try:
            yield stream, extra
        except (NaluError, GeneratorExit):
            raise
        except Exception as why:  # each reader has errors of its own kind
            raise DataError(
                f"{source} cannot be read as {kind} ({quoted(str(why))})",
                remedy="Save the table as CSV.",
            ) from why
