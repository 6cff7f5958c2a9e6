"""A table file of any kind as one stream of text, whatever it is packed with."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from nalu_cli.table.source import SHEET_ENDINGS, source_name, unpacked
from nalu_cli.table.workbook import sheet_text

__all__ = ["opened"]


@contextmanager
def opened(path: str | Path) -> Iterator[IO[bytes]]:
    """The unpacked bytes of a table as a seekable stream, at its start.

    Parameters
    ----------
    path : str or Path
        A file, plain or packed with gzip, bzip2, xz or zip, whatever its ending, or a
        spreadsheet; ``-`` is standard input.

    Raises
    ------
    UsageError
        If there is no such file.
    DataError
        If it cannot be read, is another kind of file, or unpacks to suspiciously much.
    """
    if Path(path).suffix.lower() in SHEET_ENDINGS:
        yield io.BytesIO(sheet_text(path, source_name(path)))
        return
    with unpacked(path) as stream:
        yield stream
