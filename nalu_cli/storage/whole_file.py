"""Files that appear under their name complete, or not at all."""

from __future__ import annotations

import errno
import os
import re
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from stat import S_IMODE, S_ISREG
from types import TracebackType
from typing import BinaryIO

from nalu_cli.errors import OutputError, UsageError

IS_POSIX = os.name == "posix"
"""Elsewhere files have no locks, and one that is open can be neither renamed nor removed."""

if IS_POSIX:
    from fcntl import LOCK_EX, LOCK_NB, flock

__all__ = ["WholeFile", "check_output", "check_replaceable", "check_writable"]


def check_output(path: Path, inputs: Iterable[str | Path]) -> None:
    """Find out before the work whether a file can be written and is none of those being read.

    Raises
    ------
    UsageError
        If it is one of the inputs.
    OutputError
        As `check_writable`.
    """
    with _named(path):
        if any(
            path.samefile(other) for other in map(Path, inputs) if path.exists() and other.exists()
        ):
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
    with _named(path):
        _refuse_unwritable(path)


def _refuse_unwritable(path: Path) -> None:
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


def check_replaceable(path: Path, *, magic: bytes, kind: str) -> None:
    """Find out before the work that nothing of another kind would be overwritten.

    Parameters
    ----------
    path : Path
        The file; it need not exist, and may be empty.
    magic : bytes
        What files of this kind begin with.
    kind : str
        What they are called, as in "is no model".

    Raises
    ------
    OutputError
        If the file is something else, or cannot be read.
    """
    remedy = "Remove it or name another file."
    try:
        if not path.is_file() or not path.stat().st_size:
            return
        with path.open("rb") as file:
            found = file.read(len(magic))
    except OSError as error:
        reason = (error.strerror or "its name cannot be used").lower()
        raise OutputError(f"{path} cannot be read: {reason}", remedy=remedy) from error
    if found != magic:
        raise OutputError(f"{path} exists and is no {kind}", remedy=remedy)


NO_SPACE = {errno.ENOSPC, errno.EFBIG, errno.EDQUOT}

TEMPORARY = re.compile(r"\.nalu-[0-9a-f]{16}\.tmp")


class WholeFile:
    """A file being written, as a context manager.

    The bytes go to a temporary file in the same folder, which takes the name when the block ends
    without an exception and is removed when it does not. A process that is killed leaves its
    temporary file behind; the next one to write in the folder removes it. A link is followed; a
    device or a pipe is written to directly, since it must not be replaced by a file.

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
        self._temporary: Path | None = None

    def __enter__(self) -> WholeFile:
        check_writable(self.path)
        try:
            with _named(self.path):
                self._target = self.path.resolve()
                self._open()
        except BaseException:  # a signal too
            self._clean_up()
            raise
        return self

    def write(self, data: bytes) -> None:
        """Append bytes."""
        with _named(self.path):
            self._file.write(data)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                with _named(self.path):
                    self._finish()
        finally:
            self._clean_up()

    def _open(self) -> None:
        if _is_device(self._target):
            self._file: BinaryIO = self._target.open("wb")
            return
        _remove_abandoned(self._target.parent)
        self._make_temporary()
        if self._target.exists():
            assert self._temporary is not None
            self._temporary.chmod(S_IMODE(self._target.stat().st_mode))

    def _make_temporary(self) -> None:
        """A new file, locked until it is closed, also by a kill."""
        while True:
            # the name says nothing of the target's, which may already be as long as names can be,
            # and is known before there is a file, so that a signal leaves none behind
            self._temporary = self._target.parent / f".nalu-{secrets.token_hex(8)}.tmp"
            self._file = self._temporary.open("xb")
            if _keep(self._file) and self._temporary.exists():
                return
            # another process took it for an abandoned one, between its making and its locking
            self._file.close()

    def _finish(self) -> None:
        self._file.flush()
        if self._temporary is None:
            return
        os.fsync(self._file.fileno())
        if not IS_POSIX:
            self._file.close()
        # the lock is held until the file has its name
        self._temporary.replace(self._target)
        self._temporary = None
        _sync_folder(self._target.parent)

    def _clean_up(self) -> None:
        # what could not be flushed has been reported by `_finish`
        with suppress(OSError, AttributeError):  # it may not have been opened
            self._file.close()
        if self._temporary is not None:
            # what cannot be removed now is removed by the next one to write here
            with suppress(OSError):
                self._temporary.unlink(missing_ok=True)


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """What the system refuses, as an error that names the file."""
    try:
        yield
    except (OSError, RuntimeError) as error:
        # a name too long, or links in a circle, which Python 3.11 and 3.12 call a runtime error
        reason = getattr(error, "strerror", None) or "its name cannot be used"
        is_full = getattr(error, "errno", None) in NO_SPACE
        raise OutputError(
            f"{path} cannot be written: {reason.lower()}",
            remedy="Free some space or name another file." if is_full else "Name another file.",
        ) from error


def _remove_abandoned(folder: Path) -> None:
    """Remove the temporary files of processes that were killed: those nobody has locked."""
    if not IS_POSIX:
        return
    with suppress(OSError):
        for path in [path for path in folder.iterdir() if TEMPORARY.fullmatch(path.name)]:
            if S_ISREG(path.lstat().st_mode):
                _remove_unlocked(path)


def _remove_unlocked(path: Path) -> None:
    with suppress(OSError), path.open("rb") as file:
        flock(file, LOCK_EX | LOCK_NB)
        path.unlink()


def _keep(file: BinaryIO) -> bool:
    """Lock a file; False where somebody else has."""
    if IS_POSIX:
        try:
            flock(file, LOCK_EX | LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            # a file system without locks: nobody else gets one either
            return True
    return True


def _is_device(path: Path) -> bool:
    return path.exists() and not S_ISREG(path.stat().st_mode)


def _sync_folder(folder: Path) -> None:
    """Let the name outlive a power failure; before it does, the name means the old file or none."""
    if not IS_POSIX:
        return
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
