"""The n-th call to the file system fails: for every n, until a run gets by without."""

from __future__ import annotations

import errno
import os
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

from nalu_cli.storage import whole_file


@dataclass(slots=True)
class Faults:
    """Counts calls and lets the n-th fail, and all after it if the fault lasts."""

    nth: int
    error: int
    lasts: bool
    calls: int = 0
    failed: str = ""

    def pass_or_fail(self, call: str) -> None:
        """Raise if it is this call's turn."""
        self.calls += 1
        if self.calls == self.nth or (self.lasts and self.calls > self.nth):
            self.failed = self.failed or call
            raise OSError(self.error, os.strerror(self.error))


class FaultyFile:
    """A file whose reads, writes and flushes may fail; a failed write leaves half of the bytes."""

    def __init__(self, file: Any, faults: Faults) -> None:
        self._file = file
        self._faults = faults

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def __enter__(self) -> FaultyFile:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __iter__(self) -> Iterator[bytes]:
        for line in self._file:
            self._faults.pass_or_fail("read")
            yield line

    def read(self, *arguments: Any) -> Any:
        self._faults.pass_or_fail("read")
        return self._file.read(*arguments)

    def readinto(self, buffer: Any) -> Any:
        self._faults.pass_or_fail("read")
        return self._file.readinto(buffer)

    def write(self, data: bytes) -> Any:
        try:
            self._faults.pass_or_fail("write")
        except OSError:
            self._file.write(data[: len(data) // 2])
            raise
        return self._file.write(data)

    def flush(self) -> None:
        self._faults.pass_or_fail("flush")
        self._file.flush()

    def close(self) -> None:
        # a file is closed even if that fails
        self._file.close()
        self._faults.pass_or_fail("close")


@contextmanager
def failing(faults: Faults, folder: Path) -> Iterator[None]:
    """Let calls fail that concern files in a folder."""
    real_open = Path.open

    def open_in_folder(path: Path, *arguments: Any, **options: Any) -> Any:
        if not path.resolve().is_relative_to(folder):
            return real_open(path, *arguments, **options)
        faults.pass_or_fail("open")
        return FaultyFile(real_open(path, *arguments, **options), faults)

    def counted(call: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def instead(*arguments: Any, **options: Any) -> Any:
            faults.pass_or_fail(call)
            return real(*arguments, **options)

        return instead

    with (
        mock.patch.object(Path, "open", open_in_folder),
        mock.patch.object(Path, "replace", counted("rename", Path.replace)),
        mock.patch.object(Path, "unlink", counted("unlink", Path.unlink)),
        mock.patch.object(Path, "chmod", counted("chmod", Path.chmod)),
        mock.patch.object(os, "fsync", counted("fsync", os.fsync)),
        mock.patch.object(os, "open", counted("open of the folder", os.open)),
        mock.patch.object(whole_file, "flock", counted("lock", whole_file.flock)),
    ):
        yield


ERRORS = (errno.EIO, errno.ENOSPC, errno.EACCES, errno.EDQUOT, errno.EROFS)


def every_fault(rng: random.Random) -> Iterator[Faults]:
    """Faults at the first call, the second and so on, once and for good, until none happens."""
    for lasts in (False, True):
        nth = 0
        while True:
            nth += 1
            faults = Faults(nth, rng.choice(ERRORS), lasts)
            yield faults
            if not faults.failed:
                break
