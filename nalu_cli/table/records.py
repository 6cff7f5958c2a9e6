"""Where each row of a text begins and ends, and how many fields it has."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from nalu_cli.errors import DataError
from nalu_cli.table.encoding import LONGEST_LINE, refuse_long_line

__all__ = ["Records", "find_records", "refuse_broken_quotes"]

LONGEST_CELL = 131072
"""Characters; the limit of Python's csv module, far above any number."""

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Records:
    """Rows of a text that are not blank; a row of empty cells is.

    Parameters
    ----------
    lines : ndarray of shape (n_rows,)
        Physical line each begins in, counted from 1.
    starts, stops : ndarray of shape (n_rows,)
        Bytes from its first to behind its last, the line end not counted.
    fields : ndarray of shape (n_rows,)
        Number of cells.
    """

    lines: Ints
    starts: Ints
    stops: Ints
    fields: Ints

    def __len__(self) -> int:
        return len(self.lines)

    def only(self, kept: NDArray[np.bool_] | Ints) -> Records:
        """Some of the rows, by mask or by index."""
        return Records(self.lines[kept], self.starts[kept], self.stops[kept], self.fields[kept])

    def text_of(self, content: bytes) -> bytes:
        """The rows alone, one behind the other; without a copy of each where nothing is between."""
        if not len(self):
            return b""
        first, last = int(self.starts[0]), int(self.stops[-1])
        if int((self.stops - self.starts).sum()) + len(self) - 1 == last - first:
            return content[first:last] + b"\n"
        pairs = zip(self.starts.tolist(), self.stops.tolist(), strict=True)
        return b"\n".join(content[start:stop] for start, stop in pairs) + b"\n"

    def texts_of(self, content: bytes) -> list[str]:
        """The text of each row, without a line end."""
        lines = self.text_of(content).decode("utf-8", "surrogatepass").split("\n")[:-1]
        if len(lines) == len(self):
            return lines
        # some cell has a line end inside
        pairs = zip(self.starts.tolist(), self.stops.tolist(), strict=True)
        return [content[start:stop].decode("utf-8", "surrogatepass") for start, stop in pairs]


def find_records(
    content: bytes, delimiter: str, first_line: int, source: str, *, above: int = 0
) -> Records:
    """Find the rows from a physical line on.

    Parameters
    ----------
    content : bytes
        UTF-8, its lines ended by line feeds alone.
    delimiter : str
        An ASCII character.
    first_line : int
        Where to begin, counted from 1.
    source : str
        What to call the file.
    above : int
        Lines of the file before these, of which `content` then is a part.

    Raises
    ------
    DataError
        If a quote is not closed, or a cell or a line is absurdly long.
    """
    ends = np.flatnonzero(np.frombuffer(content, np.uint8) == ord("\n"))
    if not content.endswith(b"\n"):
        ends = np.append(ends, len(content))
    starts = np.concatenate([[0], ends[:-1] + 1])[first_line - 1 :]
    ends = ends[first_line - 1 :]
    if not len(ends):
        return Records(*(np.zeros(0, np.int64) for _ in range(4)))
    too_long = ends - starts > LONGEST_LINE
    if too_long.any():
        refuse_long_line(above + first_line + int(np.argmax(too_long)), source)
    begin = int(starts[0])
    if content.find(b'"', begin) < 0:
        return _unquoted(content, delimiter, above + first_line, starts, ends)
    text = content[begin:].decode()
    return _quoted(text, delimiter, above + first_line, starts, ends, source)


def _unquoted(content: bytes, delimiter: str, first_line: int, starts: Ints, ends: Ints) -> Records:
    begin = int(starts[0])
    marks = np.flatnonzero(np.frombuffer(content, np.uint8)[begin:] == ord(delimiter)) + begin
    fields = np.diff(np.searchsorted(marks, np.append(starts, ends[-1]))) + 1
    records = Records(np.arange(len(starts)) + first_line, starts, ends, fields)
    # a blank row holds delimiters alone, or spaces, and few rows begin with one of these
    kept = ends - starts >= fields
    first = np.frombuffer(content + b"\n", np.uint8)[starts]
    doubtful = np.flatnonzero(kept & ((first <= ord(" ")) | (first == ord(delimiter))))
    marks_and_spaces = delimiter.encode() + b" \t\x0b\x0c"
    blank = [
        k for k in doubtful.tolist() if not content[starts[k] : ends[k]].strip(marks_and_spaces)
    ]
    kept[blank] = False
    return records.only(kept)


def _quoted(
    text: str, delimiter: str, first_line: int, starts: Ints, ends: Ints, source: str
) -> Records:
    reader = csv.reader(
        io.StringIO(text, newline="\n"), delimiter=delimiter, skipinitialspace=True, strict=True
    )
    firsts, lasts, fields = [], [], []
    done = 0
    try:
        for cells in reader:
            if any(map(str.strip, cells)):
                firsts.append(done)
                lasts.append(reader.line_num - 1)
                fields.append(len(cells))
            done = reader.line_num
    except csv.Error as why:
        refuse_broken_quotes(why, first_line + done, source)
    first, last = np.array(firsts, np.int64), np.array(lasts, np.int64)
    return Records(first + first_line, starts[first], ends[last], np.array(fields, np.int64))


def refuse_broken_quotes(why: csv.Error, line: int, source: str) -> NoReturn:
    """Say what the csv module found wrong in the row that begins in this line."""
    if "limit" in str(why):
        raise DataError(
            f"{source}, row {line} has a cell of more than {LONGEST_CELL} characters",
            remedy="A quote may not be closed; look for a single '\"' in or above that row.",
        ) from why
    if "end of data" in str(why):
        raise DataError(
            f"{source}, row {line} has a quote that is never closed",
            remedy="Close it, or remove it.",
        ) from why
    raise DataError(
        f"{source}, row {line} has text behind a closing quote",
        accepted="a quote inside quotes is written twice",
        remedy="Correct the row.",
    ) from why
