"""A text in blocks of whole rows, so that memory does not grow with its length."""

from __future__ import annotations

import codecs
import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from nalu_cli.errors import DataError
from nalu_cli.table.encoding import refuse_long_line, refuse_nul

__all__ = ["BLOCK_BYTES", "TextBlock", "text_blocks"]

BLOCK_BYTES = 8 << 20

LONGEST_ROW = 64 << 20
"""Bytes without the end of a row outside quotes, after which the quotes are not believed."""


@dataclass(frozen=True, slots=True)
class TextBlock:
    """Whole rows.

    Parameters
    ----------
    content : bytes
        UTF-8, its lines ended by line feeds alone.
    above : int
        Lines of the text before it.
    is_last : bool
        Whether nothing follows.
    """

    content: bytes
    above: int
    is_last: bool


def text_blocks(
    stream: IO[bytes], encoding: str, source: str, block_bytes: int = BLOCK_BYTES
) -> Iterator[TextBlock]:
    """The blocks of a text from its start.

    Parameters
    ----------
    stream : file of bytes
        Seekable.
    encoding : str
    source : str
        What to call the file.
    block_bytes : int
        How much is read at a time.

    Raises
    ------
    DataError
        If the bytes are no text of this encoding, there are NUL characters, or no line ends.
    """
    stream.seek(0)
    rest, above = b"", 0
    for part, is_last in _decoded(stream, encoding, source, block_bytes):
        rest += part if above or rest else part.removeprefix(codecs.BOM_UTF8)
        cut = len(rest) if is_last else _end_of_rows(rest)
        if len(rest) - cut > LONGEST_ROW:
            refuse_long_line(above + 1, source)
        if cut:
            content, rest = rest[:cut], rest[cut:]
            yield TextBlock(content, above, is_last)
            above += content.count(b"\n")


def _decoded(
    stream: IO[bytes], encoding: str, source: str, block_bytes: int
) -> Iterator[tuple[bytes, bool]]:
    """Parts of the text as UTF-8 with plain line ends, and whether nothing follows."""
    decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder(encoding)(), translate=True)
    raw = stream.read(block_bytes)
    while raw:
        following = stream.read(block_bytes)
        try:
            text = decoder.decode(raw, final=not following)
        except UnicodeDecodeError as why:
            raise DataError(
                f"{source} begins as {why.encoding} text and does not stay so",
                remedy="Name its encoding, for example --encoding cp1252.",
            ) from None
        part = text.encode("utf-8", "surrogatepass")
        if b"\x00" in part:
            refuse_nul(part, source)
        yield part, not following
        raw = following


def _end_of_rows(text: bytes) -> int:
    """Length of the whole rows at the start of a text; 0 if there is none yet."""
    end = text.rfind(b"\n") + 1
    if b'"' not in text or len(text) > LONGEST_ROW:
        return end
    # inside quotes a line end is part of a cell
    quotes = text.count(b'"', 0, end)
    while end and quotes % 2:
        before = text.rfind(b"\n", 0, end - 1) + 1
        quotes -= text.count(b'"', before, end)
        end = before
    return end
