"""Rows written as a Parquet file, some at a time."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nalu_cli.errors import UsageError

__all__ = ["PARQUET_ENDINGS", "ParquetSink"]

PARQUET_ENDINGS = (".parquet", ".pq")


class ParquetSink:
    """A Parquet file whose bytes go to a function.

    Parameters
    ----------
    write : callable
        Takes bytes.

    Raises
    ------
    UsageError
        If the library for it is not installed.
    """

    def __init__(self, write: Callable[[bytes], object]) -> None:
        if find_spec("pyarrow") is None:
            raise UsageError(
                "what writes Parquet files is not installed",
                remedy="Run `pip install 'nalu-cli[parquet]'`, or write a .csv file.",
            )
        self._bytes = _Bytes(write)
        self._file: Any = None

    def add(self, rows: Any, new: Mapping[str, NDArray[np.float64] | list[str]]) -> None:
        """Write some rows.

        Parameters
        ----------
        rows : pyarrow.RecordBatch or mapping of str to columns
        new : mapping of str to ndarray or list of str
            Columns behind these. NaN is written as a missing value.
        """
        import pyarrow

        table = rows
        if isinstance(rows, Mapping):
            table = pyarrow.table({name: _array(column) for name, column in rows.items()})
        else:
            table = pyarrow.Table.from_batches([rows])
        for name, column in new.items():
            table = table.append_column(name, _array(column))
        if self._file is None:
            from pyarrow.parquet import ParquetWriter

            self._file = ParquetWriter(self._bytes, table.schema)
        self._file.write_table(table)

    def close(self) -> None:
        """Write the index of the file."""
        if self._file is not None:
            self._file.close()


def _array(column: NDArray[np.float64] | list[str]) -> Any:
    import pyarrow

    return pyarrow.array(column, from_pandas=True)


class _Bytes(io.RawIOBase):
    """A file as pyarrow wants it."""

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self._write = write
        self._written = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._write(bytes(data))
        self._written += len(data)
        return len(data)

    def tell(self) -> int:
        return self._written
