"""Parquet and Excel files, whose readers are extras."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from nalu_cli.errors import DataError, UsageError, quoted
from nalu_cli.table.source import opened

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["WORKBOOK_ENDINGS", "read_workbook"]

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
    extra, module, kind = WORKBOOK_ENDINGS[Path(path).suffix.lower()]
    with opened(path, foreign=True) as stream:
        if find_spec(module) is None:
            raise UsageError(
                f"{source} is {kind}, and its reader is not installed",
                remedy=f"Run `pip install 'nalu-cli[{extra}]'`, or save the table as CSV.",
            )
        import pandas as pd

        try:
            if extra == "parquet":
                return pd.read_parquet(stream)
            return pd.read_excel(stream, engine="calamine")
        except Exception as why:  # each reader has errors of its own kind
            raise DataError(
                f"{source} cannot be read as {kind} ({quoted(str(why))})",
                remedy="Save the table as CSV.",
            ) from why
