"""Everything a user can be told went wrong, each with its exit code."""

from __future__ import annotations

import unicodedata
from enum import IntEnum
from typing import ClassVar

__all__ = [
    "DataError",
    "ExitCode",
    "ModelFileError",
    "NaluError",
    "OutputError",
    "ResourceError",
    "UsageError",
    "quoted",
    "visible",
]

LONGEST_QUOTE = 60
"""Characters of a foreign text that a message shows."""


class ExitCode(IntEnum):
    """What the process tells the shell when it ends."""

    DONE = 0
    NOT_EXACT = 1
    USAGE = 2
    DATA = 3
    MODEL_FILE = 4
    OUTPUT = 5
    RESOURCE = 6
    BUG = 70
    INTERRUPTED = 130
    TERMINATED = 143

    @property
    def meaning(self) -> str:
        """The one-line meaning shown in the help and checked against the README."""
        return _MEANINGS[self]


_MEANINGS = {
    ExitCode.DONE: "done",
    ExitCode.NOT_EXACT: "--require-exact was not met (exact, exact as printed); the model is saved",
    ExitCode.USAGE: "usage: unknown option, bad value or unknown column",
    ExitCode.DATA: "the data cannot be used",
    ExitCode.MODEL_FILE: "the model file is missing, damaged, unsafe or too new",
    ExitCode.OUTPUT: "the output cannot be written",
    ExitCode.RESOURCE: "out of memory, or no such device",
    ExitCode.BUG: "a bug in nalu",
    ExitCode.INTERRUPTED: "interrupted (Ctrl-C); the best formula so far is saved",
    ExitCode.TERMINATED: "terminated; the best formula so far is saved",
}


class NaluError(Exception):
    """An error a user can act on.

    Parameters
    ----------
    found : str
        What was found and where, values quoted, in lower case, without a final stop.
    accepted : str, optional
        What would have been accepted.
    remedy : str, optional
        What to do next.
    """

    exit_code: ClassVar[ExitCode] = ExitCode.BUG

    def __init__(self, found: str, *, accepted: str = "", remedy: str = "") -> None:
        self.found = found
        self.accepted = accepted
        self.remedy = remedy
        head = f"{found}; {accepted}" if accepted else found
        closed = head if head.endswith((".", "?", "!")) else f"{head}."
        super().__init__(f"{closed} {remedy}" if remedy else closed)


class UsageError(NaluError):
    """An option, a value or a column name that does not exist."""

    exit_code = ExitCode.USAGE


class DataError(NaluError):
    """A table that cannot be used."""

    exit_code = ExitCode.DATA


class ModelFileError(NaluError):
    """A model file that is missing, damaged, unsafe or too new."""

    exit_code = ExitCode.MODEL_FILE


class OutputError(NaluError):
    """A result that could not be written."""

    exit_code = ExitCode.OUTPUT


class ResourceError(NaluError):
    """Not enough memory, or a device that is not there."""

    exit_code = ExitCode.RESOURCE


UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Categories of characters that show nothing, or that rewrite what is shown around them."""


def visible(text: str) -> str:
    """Text from a file or the command line with all that can be seen, and escapes for the rest.

    Control characters, bidi overrides and lone surrogates could rewrite what a terminal or a page
    shows.
    """
    return "".join(
        c.encode("unicode_escape").decode("ascii") if unicodedata.category(c) in UNSEEN else c
        for c in text
    )


def quoted(text: str) -> str:
    """Text from a file or the command line as a message may show it: in quotes, tame and short."""
    shown = text if len(text) <= LONGEST_QUOTE else f"{text[: LONGEST_QUOTE - 1]}…"
    return f"'{visible(shown)}'"
