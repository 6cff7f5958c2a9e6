"""From a path to readable bytes: found, permitted, unpacked, and no other kind of file."""

from __future__ import annotations

import bz2
import difflib
import gzip
import io
import lzma
import re
import shutil
import stat
import struct
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

from nalu_cli.errors import DataError, UsageError, quoted

__all__ = ["HEAD_BYTES", "SHEET_ENDINGS", "as_it_is", "source_name", "unpacked"]

HEAD_BYTES = 1 << 20
"""Bytes from the start of a file that its kind, encoding and dialect are guessed from."""

SHEET_ENDINGS = frozenset((".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"))
"""Endings of spreadsheets, whose first sheet is read as a text would be."""

MOST_UNPACKED = 4 << 30
SUSPECT_UNPACKED = 64 << 20
SUSPECT_RATIO = 200
"""A packed file is given up at 4 GiB, or above 64 MiB once it grew more than 200-fold."""

_DAMAGED = (zlib.error, lzma.LZMAError, zipfile.BadZipFile, struct.error)

_FOREIGN_KINDS: tuple[tuple[bytes, str, str], ...] = (
    (b"\x89PNG", "a PNG picture", ""),
    (b"\xff\xd8\xff", "a JPEG picture", ""),
    (b"GIF8", "a GIF picture", ""),
    (b"%PDF", "a PDF document", ""),
    (b"\xd0\xcf\x11\xe0", "an old Excel or Office file", "Save the sheet as CSV."),
    (b"PAR1", "a Parquet file", "Give it the ending .parquet."),
    (b"SQLite format 3", "an SQLite database", "Export the table as CSV."),
    (b"\x89HDF", "an HDF5 file", "Export the table as CSV."),
    (b"\x93NUMPY", "a NumPy array", "Save it with numpy.savetxt, or as CSV."),
    (b"\x28\xb5\x2f\xfd", "packed with zstd", "Unpack it first with `unzstd`."),
    (b"7z\xbc\xaf\x27\x1c", "packed with 7-Zip", "Unpack it first."),
    (b"Rar!", "packed with RAR", "Unpack it first."),
    (b"\x7fELF", "a program", ""),
)
# a column may be called <b>
_WEB_PAGE = re.compile(rb"\s*<(!doctype|!--|\?xml|(html|head|body|title|meta)[\s>])", re.IGNORECASE)
_WEB_ADDRESS = re.compile(r"(https?|ftp|s3|gs):/")
_JSON = re.compile(rb"\s*(\{\s*[\"}]|\[\s*[\[{\"\d-])")


def source_name(path: str | Path) -> str:
    """What messages call a file: its name without folders, or ``standard input`` for ``-``."""
    return "standard input" if str(path) == "-" else Path(path).name


@contextmanager
def as_it_is(path: str | Path) -> Iterator[IO[bytes]]:
    """The bytes of a file, not unpacked, for a reader of another kind of file; see `opened`."""
    with _readable(source_name(path)), _raw_stream(path) as raw:
        yield raw


@contextmanager
def unpacked(path: str | Path) -> Iterator[IO[bytes]]:
    """The bytes of a text file, packed or not, as a seekable stream; see `opened`."""
    with as_it_is(path) as raw:
        stream = _unpacked(raw, source_name(path))
        _refuse_foreign(stream.read(HEAD_BYTES), source_name(path))
        stream.seek(0)
        yield stream


@contextmanager
def _readable(source: str) -> Iterator[None]:
    """What the system fails to deliver, as an error that names the file."""
    try:
        yield
    except OSError as why:
        reason = (why.strerror or str(why)).lower()
        raise DataError(
            f"{source} cannot be read: {reason}", remedy="Try again, or with a copy of the file."
        ) from why


@contextmanager
def _raw_stream(path: str | Path) -> Iterator[IO[bytes]]:
    if str(path) == "-":
        if sys.stdin.isatty():
            raise UsageError(
                "standard input is a terminal, not a table",
                remedy="Pipe a file into nalu, or name a file instead of '-'.",
            )
        with _spooled(sys.stdin.buffer) as spooled:
            yield spooled
        return
    with _open_file(Path(path)) as stream:
        if stream.seekable():
            yield stream
        else:
            with _spooled(stream) as spooled:
                yield spooled


def _spooled(stream: IO[bytes]) -> IO[bytes]:
    """A pipe copied to where it can be read twice: a file without a name."""
    spool = tempfile.TemporaryFile()  # noqa: SIM115
    shutil.copyfileobj(stream, spool)
    spool.seek(0)
    return spool


def _open_file(path: Path) -> IO[bytes]:
    try:
        return path.open("rb")
    except (FileNotFoundError, NotADirectoryError):
        if _WEB_ADDRESS.match(str(path)):
            raise UsageError(
                f"{quoted(str(path))} is an address on the web, and nalu fetches nothing",
                remedy="Download the file and name it, or pipe it: `curl -L ADDRESS | nalu fit -`.",
            ) from None
        raise UsageError(
            f"there is no file {quoted(str(path))}", remedy=_similar_files(path)
        ) from None
    except IsADirectoryError:
        raise UsageError(
            f"{quoted(str(path))} is a folder, not a table", remedy=_tables_inside(path)
        ) from None
    except PermissionError:
        raise DataError(
            f"{quoted(str(path))} may not be read (mode {stat.filemode(path.stat().st_mode)})",
            remedy=f"Ask its owner, or run `chmod u+r {path.name}`.",
        ) from None
    except (OSError, ValueError) as why:
        raise DataError(f"{quoted(str(path))} cannot be read ({why})") from why


def _similar_files(path: Path) -> str:
    try:
        neighbours = [entry.name for entry in path.parent.iterdir() if entry.is_file()]
    except OSError:
        return f"There is no folder {quoted(str(path.parent))} either."
    by_folded = {name.casefold(): name for name in sorted(neighbours, reverse=True)}
    close = difflib.get_close_matches(path.name.casefold(), by_folded, n=3, cutoff=0.6)
    if not close:
        return "Check the name and the folder."
    return f"Did you mean {' or '.join(quoted(by_folded[name]) for name in close)}?"


def _tables_inside(folder: Path) -> str:
    endings = (".csv", ".tsv", ".csv.gz", ".tsv.gz")
    inside = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(endings))
    if not inside:
        return "Name a file; there is no CSV file inside."
    more = f" and {len(inside) - 5} more" if len(inside) > 5 else ""
    return f"Name one of the files inside: {', '.join(map(quoted, inside[:5]))}{more}."


def _unpacked(raw: IO[bytes], source: str) -> IO[bytes]:
    head = raw.read(6)
    packed_bytes = raw.seek(0, io.SEEK_END)
    raw.seek(0)
    unpacked: IO[bytes]
    if head.startswith(b"\x1f\x8b"):
        unpacked = cast(IO[bytes], gzip.GzipFile(fileobj=raw, mode="rb"))
    elif head.startswith(b"BZh"):
        unpacked = bz2.BZ2File(raw)
    elif head.startswith(b"\xfd7zXZ\x00"):
        unpacked = lzma.LZMAFile(raw)  # noqa: SIM115
    elif head.startswith(b"PK\x03\x04"):
        with _undamaged(source):
            unpacked = _only_member(raw, source)
    else:
        return raw
    return io.BufferedReader(_Watched(unpacked, packed_bytes, source))


def _only_member(raw: IO[bytes], source: str) -> IO[bytes]:
    archive = zipfile.ZipFile(raw)
    names = [name for name in archive.namelist() if not name.endswith("/")]
    if "[Content_Types].xml" in names or "mimetype" in names:
        raise DataError(
            f"{source} is a spreadsheet or an Office file, not text",
            remedy="Save the sheet as CSV, or give the file its usual ending, such as .xlsx.",
        )
    tables = [name for name in names if not name.startswith("__MACOSX/")]
    if len(tables) != 1:
        raise DataError(
            f"{source} is a zip archive of {len(tables)} files",
            accepted="it must hold one",
            remedy="Unpack it and name the table.",
        )
    return archive.open(tables[0])


@contextmanager
def _undamaged(source: str) -> Iterator[None]:
    """Say so when a packed file turns out to be damaged; its readers have many words for it."""
    try:
        yield
    except (OSError, EOFError, ValueError, RuntimeError, NotImplementedError, *_DAMAGED) as why:
        raise DataError(
            f"{source} is packed and damaged, or locked ({why})",
            remedy="Make or fetch the file again, or unpack it first.",
        ) from why


class _Watched(io.RawIOBase):
    """A stream that unpacks and refuses to go on when it grows out of all proportion."""

    def __init__(self, stream: IO[bytes], packed_bytes: int, source: str) -> None:
        self._stream = stream
        self._packed_bytes = max(packed_bytes, 1)
        self._source = source

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        with _undamaged(self._source):
            return self._stream.seek(offset, whence)

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        with _undamaged(self._source):
            block = self._stream.read(len(buffer))
        buffer[: len(block)] = block
        size = self._stream.tell()
        suspect = size > SUSPECT_UNPACKED and size > SUSPECT_RATIO * self._packed_bytes
        if suspect or size > MOST_UNPACKED:
            raise DataError(
                f"{self._source} grows from {self._packed_bytes} to more than {size} bytes "
                "when it is unpacked",
                remedy="If that is right, unpack it yourself and name the unpacked file.",
            )
        return len(block)


def _refuse_foreign(head: bytes, source: str) -> None:
    for magic, kind, remedy in _FOREIGN_KINDS:
        if head.startswith(magic):
            raise DataError(
                f"{source} is {kind}, not a table of text",
                remedy=remedy or "Name a CSV file.",
            )
    if _WEB_PAGE.match(head):
        raise DataError(
            f"{source} looks like a web page, not a table",
            remedy="Download the CSV file itself; a log-in or error page may have been saved.",
        )
    if _JSON.match(head):
        raise DataError(
            f"{source} looks like JSON, not a table",
            remedy="Convert it first, for example with pandas.read_json(...).to_csv(...).",
        )
