"""From bytes to text: the encoding, line ends, and lines that no table has."""

from __future__ import annotations

import codecs
from typing import NoReturn

from nalu_cli.errors import DataError, UsageError, quoted
from nalu_cli.table.source import HEAD_BYTES

__all__ = [
    "LONGEST_LINE",
    "guess_encoding",
    "refuse_long_line",
    "refuse_nul",
    "tidy_bytes",
    "whole_lines",
]

LONGEST_LINE = HEAD_BYTES // 2
"""Bytes; a longer one is no row, and the first lines of a file are known to hold the header."""

_BYTE_ORDER_MARKS: tuple[tuple[bytes, str], ...] = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    # UTF-32 first: its little-endian mark begins with that of UTF-16.
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def whole_lines(head: str, source: str) -> str:
    """The text up to its last line end.

    Raises
    ------
    DataError
        If what comes behind it is too long for a line.
    """
    lines, _, rest = head.rpartition("\n")
    if len(rest) > LONGEST_LINE:
        refuse_long_line(lines.count("\n") + 2 if lines else 1, source)
    return lines


def refuse_long_line(line: int, source: str) -> NoReturn:
    """Stop at a line of a size that no row of a table has."""
    raise DataError(
        f"{source}, row {line} is longer than {LONGEST_LINE} bytes",
        accepted="a row stands on a line of its own",
        remedy="Check that the file is a table with line ends.",
    )


def guess_encoding(head: bytes, asked: str | None, source: str) -> tuple[str, str]:
    """The encoding of a file and a note on it, empty when there is nothing to say.

    Parameters
    ----------
    head : bytes
        The start of the file, or all of it.
    asked : str or None
        The encoding the user named.
    source : str
        What to call the file.

    Raises
    ------
    UsageError
        If there is no encoding of the name asked for.
    DataError
        If there are NUL bytes.
    """
    if asked is not None:
        return _known_encoding(asked), ""
    for mark, encoding in _BYTE_ORDER_MARKS:
        if head.startswith(mark):
            note = "" if encoding == "utf-8-sig" else f"read as {encoding.upper()}"
            return encoding, note
    refuse_nul(head, source)
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return "cp1252", "not UTF-8: read as Windows-1252 (--encoding names another)"
    return "utf-8", ""


def _known_encoding(asked: str) -> str:
    try:
        name = codecs.lookup(asked).name
        "x".encode(name)
    except (LookupError, ValueError, AssertionError):
        raise UsageError(
            f"--encoding is {quoted(asked)}",
            accepted="it must be the name of a text encoding, such as utf-8, cp1252 or utf-16",
        ) from None
    return "utf-8-sig" if name == "utf-8" else name


def refuse_nul(head: bytes, source: str) -> None:
    """Raise a `DataError` if there is a NUL byte."""
    where = head.find(b"\x00")
    if where < 0:
        return
    # western text in UTF-16 has its NUL bytes behind the others, or before them
    order = "be" if where % 2 == 0 else "le"
    raise DataError(
        f"{source} has a NUL byte at byte {where + 1}, so it is binary, damaged or UTF-16",
        remedy=f"Pass --encoding utf-16-{order} if it is UTF-16 text; else export it as CSV again.",
    )


def tidy_bytes(raw: bytes, encoding: str, source: str) -> bytes:
    """A whole file as UTF-8 with plain line ends and no mark.

    Raises
    ------
    DataError
        If the bytes are no text of this encoding, or there are NUL characters.
    """
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as why:
        raise DataError(
            f"{source} is not {encoding} text (byte {why.start + 1})",
            remedy="Name its encoding, for example --encoding latin-1.",
        ) from None
    content = raw if encoding == "utf-8" else text.encode("utf-8", "surrogatepass")
    if b"\x00" in content:
        refuse_nul(content, source)
    if b"\r" in content:
        content = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return content.removeprefix(codecs.BOM_UTF8)
