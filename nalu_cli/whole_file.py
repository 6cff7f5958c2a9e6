"""Files that appear under their name complete, or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable
from pathlib import Path
from stat import S_IMODE, S_ISREG
from types import TracebackType
from typing import BinaryIO

from nalu_cli.errors import OutputError, UsageError

__all__ = ["WholeFile", "check_output", "check_writable"]


def check_output(path: Path, inputs: Iterable[str | Path]) -> None:
    """Find out before the work whether a file can be written and is none of those being read.

    Raises
    ------
    UsageError
        If it is one of the inputs.
    OutputError
        As `check_writable`.
    """
    for other in map(Path, inputs):
        if path.exists() and other.exists() and path.samefile(other):
            raise UsageError(
                f"{path} would overwrite a file that is read", remedy="Name another file."
            )
    check_writable(path)


def check_writable(path: Path) -> None:
    """Find out before the work whether a file can be written.

    Parameters
    ----------
    path : Path
        The file; it need not exist.

    Raises
    ------
    OutputError
        If it is a folder or read-only, or if its folder is missing or cannot be written to.
    """
    target = path.resolve()
    if target.is_dir():
        raise OutputError(f"{path} is a folder", remedy="Name a file in it.")
    if not target.parent.is_dir():
        raise OutputError(
            f"{path} cannot be written: there is no folder {target.parent}",
            remedy="Make the folder first or name another one.",
        )
    exists = target.exists()
    if (exists and not os.access(target, os.W_OK)) or not (
        _is_device(target) or os.access(target.parent, os.W_OK | os.X_OK)
    ):
        raise OutputError(f"{path} cannot be written: permission denied", remedy="Name another.")


class WholeFile:
    """A file being written, as a context manager.

    The bytes go to a temporary file in the same folder, which takes the name when the block ends
    without an exception and is removed when it does not. A link is followed; a device or a pipe is
    written to directly, since it must not be replaced by a file.

    Parameters
    ----------
    path : Path
        The name the file will have.

    Raises
    ------
    OutputError
        If a step fails; with the path and the reason.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._target = path.resolve()
        self._temporary: Path | None = None

    def __enter__(self) -> WholeFile:
        check_writable(self.path)
        try:
            self._file = self._open()
        except OSError as error:
            raise self._failure(error) from error
        return self

    def write(self, data: bytes) -> None:
        """Append bytes."""
        try:
            self._file.write(data)
        except OSError as error:
            raise self._failure(error) from error

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self._finish()
        except OSError as failure:
            raise self._failure(failure) from failure
        finally:
            self._clean_up()

    def _open(self) -> BinaryIO:
        if _is_device(self._target):
            return self._target.open("wb")
        # the name says nothing of the target's, which may already be as long as names can be
        temporary = self._target.with_name(f".nalu-{secrets.token_hex(8)}.tmp")
        file = temporary.open("xb")
        self._temporary = temporary
        if self._target.exists():
            temporary.chmod(S_IMODE(self._target.stat().st_mode))
        return file

    def _finish(self) -> None:
        self._file.flush()
        if self._temporary is None:
            return
        os.fsync(self._file.fileno())
        self._file.close()
        self._temporary.replace(self._target)
        self._temporary = None
        _sync_folder(self._target.parent)

    def _clean_up(self) -> None:
        try:
            self._file.close()
        except OSError:
            pass  # what could not be flushed has been reported by `_finish`
        finally:
            if self._temporary is not None:
                self._temporary.unlink(missing_ok=True)

    def _failure(self, error: OSError) -> OutputError:
        reason = (error.strerror or "the write failed").lower()
        return OutputError(
            f"{self.path} cannot be written: {reason}",
            remedy="Free some space or name another file.",
        )


def _is_device(path: Path) -> bool:
    return path.exists() and not S_ISREG(path.stat().st_mode)


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
