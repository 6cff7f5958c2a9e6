"""The two output streams: results on stdout, everything else on stderr, nothing interpreted."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TextIO

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from nalu_cli.errors import OutputError, visible

__all__ = ["OutputClosedError", "Row", "Screen", "StandardOutput", "aligned", "shortened"]

PLAIN_SYMBOLS = str.maketrans("·…×", "-~x")
"""What stands in for our own symbols where the terminal cannot show them, one for one."""


NARROWEST = 30
"""Cells below which a column is left to the terminal's own breaks."""


class OutputClosedError(Exception):
    """Whoever read our output has had enough, as `head` does."""


class _Console(Console):
    def on_broken_pipe(self) -> None:
        # rich would end the process here, with the model perhaps not yet saved
        raise OutputClosedError from None


def _console(stream: TextIO) -> Console:
    return _Console(file=stream, markup=False, emoji=False, highlight=False)


@dataclass(frozen=True, slots=True)
class Screen:
    """Where a command prints.

    Parameters
    ----------
    out, err : Console
        Results, and everything else.
    quiet : bool
        Whether notes are left out.
    """

    out: Console
    err: Console
    quiet: bool

    @classmethod
    def open(cls, *, quiet: bool = False) -> Screen:
        """The screen of this process; colours follow `NO_COLOR` and the kind of stream."""
        return cls(_console(sys.stdout), _console(sys.stderr), quiet)

    @property
    def is_live(self) -> bool:
        """Whether stderr is a terminal that can redraw; `FORCE_COLOR` does not make it one."""
        return sys.stderr.isatty() and os.environ.get("TERM") not in ("dumb", "unknown")

    def show(self, lines: Iterable[Text | str]) -> None:
        """Print results, each line as it is, however long."""
        for line in lines:
            _print(self.out, line)

    def note(self, text: Text | str) -> None:
        """Print a message, unless quiet was asked for; where nobody can read it, work goes on."""
        if not self.quiet:
            with suppress(OutputError, OutputClosedError):
                _print(self.err, text)


class StandardOutput:
    """Standard output for bytes: data is UTF-8 whatever the terminal speaks.

    A file or a pipe gets every byte; a terminal is not shown what it would obey.
    """

    def write(self, data: bytes) -> None:
        """Append bytes."""
        try:
            sys.stdout.flush()
            sys.stdout.buffer.write(_tame(data) if sys.stdout.isatty() else data)
            sys.stdout.buffer.flush()
        except BrokenPipeError:
            raise OutputClosedError from None
        except OSError as error:
            raise _unwritable(error) from None


def _tame(data: bytes) -> bytes:
    """Rows with their tabs, line ends and all that can be seen, and escapes for the rest."""
    text = data.decode("utf-8", "backslashreplace")
    return re.sub(r"[^\t\n]+", lambda some: visible(some[0]), text).encode()


def _unwritable(error: OSError) -> OutputError:
    reason = (error.strerror or "the write failed").lower()
    return OutputError(f"standard output cannot be written: {reason}")


def _print(console: Console, line: Text | str) -> None:
    text = Text(line) if isinstance(line, str) else line
    if isinstance(text, Row) and console.is_terminal:
        text = text.broken(console.width)
    if not console.encoding.lower().startswith("utf"):
        text.plain = text.plain.translate(PLAIN_SYMBOLS)
    # a wrapped formula could be neither copied nor piped
    try:
        console.print(text, soft_wrap=True)
    except OSError as error:
        raise _unwritable(error) from None


def aligned(
    head: Sequence[str], rows: Sequence[Sequence[str]], *, left: frozenset[int] = frozenset({0})
) -> list[Text]:
    """A table as lines: columns two spaces apart, the last one as long as it needs to be.

    Parameters
    ----------
    head : sequence of str
        Titles.
    rows : sequence of sequence of str
        One text for each title.
    left : frozenset of int
        Columns aligned to the left; the others are numbers.
    """
    cells = [list(head), *map(list, rows)]
    widths = [max(cell_len(row[j]) for row in cells) for j in range(len(head))]
    hang = sum(widths[:-1]) + 2 * (len(widths) - 1)
    lines = [Row(_line(row, widths, left), hang=hang) for row in cells]
    lines[0].style = "dim"
    return [*lines]


class Row(Text):
    """A line of a table that a terminal may break.

    Parameters
    ----------
    text : str
    hang : int
        Cells that what comes after the break is indented by.
    """

    def __init__(self, text: str, *, hang: int, style: str = "") -> None:
        super().__init__(text, style)
        self.hang = hang

    def broken(self, width: int) -> Text:
        """The row on as many lines as a width asks for, broken at spaces."""
        if self.cell_len <= width or width - self.hang < NARROWEST:
            return self
        # wide letters fill two cells
        start = next(k for k in range(len(self.plain)) if cell_len(self.plain[:k]) >= self.hang)
        lines = [self.plain[:start]]
        room = width - self.hang
        used = 0
        for word in self.plain[start:].split(" "):
            size = cell_len(word)
            if used and used + 1 + size > room:
                lines.append(" " * self.hang + word)
                used = size
            else:
                lines[-1] += f" {word}" if used else word
                used += size + (1 if used else 0)
        return Text("\n".join(lines), style=self.style)


def shortened(text: str, most: int) -> str:
    """The text, or as much of it as fits into some cells with an ellipsis behind."""
    line = Text(text)
    line.truncate(most, overflow="ellipsis")
    return line.plain


def _line(row: Sequence[str], widths: Sequence[int], left: frozenset[int]) -> str:
    padded = []
    for j, (text, width) in enumerate(zip(row, widths, strict=True)):
        space = " " * (width - cell_len(text))
        padded.append(text + space if j in left else space + text)
    return "  ".join(padded).rstrip()
