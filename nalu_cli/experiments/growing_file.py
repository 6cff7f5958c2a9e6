"""A CSV file of results that grows row by row, so that a run can be continued."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from nalu_cli.errors import OutputError, UsageError, quoted

__all__ = ["GrowingFile", "read_settings"]

SETTINGS = "settings"
"""The last column: how the run was asked for."""


class GrowingFile:
    """Rows on disk, all of a run with the same settings.

    Parameters
    ----------
    path : Path
        Continued if it exists; half a row at its end, of a run that was killed, is dropped.
    head : sequence of str
        Names of the columns, without the last one, which holds the settings.
    settings : str
        How the run was asked for; all rows of a file agree in it.

    Attributes
    ----------
    rows : tuple of mappings of str to str
        Those that were in the file.

    Raises
    ------
    UsageError
        If the file is something else, or of a run with other settings.
    OutputError
        If it cannot be read or written.
    """

    def __init__(self, path: Path, head: Sequence[str], settings: str) -> None:
        self.path = path
        self._settings = settings
        self._head = [*head, SETTINGS]
        self.rows: tuple[Mapping[str, str], ...] = ()
        try:
            self._continue()
        except OSError as error:
            raise self._failure(error) from error

    def append(self, rows: Sequence[Sequence[str]]) -> None:
        """Add rows, on disk before this returns; every cell stays on one line."""
        tidy = [[*(" ".join(cell.split()) for cell in row), self._settings] for row in rows]
        try:
            self._write(tidy)
        except OSError as error:
            raise self._failure(error) from error

    def keep(self, rows: int) -> None:
        """Drop all but the first rows."""
        content = self.path.read_bytes().splitlines(keepends=True)
        try:
            os.truncate(self.path, sum(map(len, content[: 1 + rows])))
        except OSError as error:
            raise self._failure(error) from error
        self.rows = self.rows[:rows]

    def foreign(self) -> UsageError:
        """What is raised when the file is no results file of this kind."""
        return UsageError(
            f"{self.path} exists and holds no results of this command",
            remedy="Remove it or name another file.",
        )

    def _continue(self) -> None:
        content = self.path.read_bytes() if self.path.is_file() else b""
        whole = content[: content.rfind(b"\n") + 1]
        rows = list(csv.reader(io.StringIO(whole.decode("utf-8", "replace"))))
        if content and (not rows or rows[0] != self._head):
            raise self.foreign()
        self.rows = tuple(self._named(row) for row in rows[1:])
        if len(whole) < len(content):
            os.truncate(self.path, len(whole))
        if not rows:
            self._write([self._head])

    def _named(self, row: Sequence[str]) -> Mapping[str, str]:
        if len(row) != len(self._head):
            raise self.foreign()
        cells = dict(zip(self._head, row, strict=True))
        if cells[SETTINGS] != self._settings:
            raise UsageError(
                f"{self.path} was made with {quoted(cells[SETTINGS])} and this run is "
                f"{quoted(self._settings)}",
                remedy="Name another file, or repeat the run as it was.",
            )
        return cells

    def _write(self, rows: Sequence[Sequence[str]]) -> None:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(rows)
        with self.path.open("ab") as file:
            file.write(text.getvalue().encode("utf-8"))
            file.flush()
            os.fsync(file.fileno())

    def _failure(self, error: OSError) -> OutputError:
        return OutputError(
            f"{self.path} cannot be written: {(error.strerror or 'it failed').lower()}"
        )


def read_settings(path: Path) -> str:
    """How the run of a results file was asked for; empty where the file says nothing.

    Raises
    ------
    UsageError
        If it cannot be read.
    """
    try:
        with path.open(newline="", encoding="utf-8", errors="replace") as lines:
            first = next(csv.DictReader(lines), {})
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read: {(error.strerror or 'it failed').lower()}"
        ) from error
    return first.get(SETTINGS) or ""
