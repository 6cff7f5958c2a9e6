"""What went wrong: an exit code and a sentence, for people and as JSON."""

from __future__ import annotations

import json
import os
import sys
import tempfile
import traceback
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import typer

from nalu_cli.commands.console.signals import StoppedError, said_on_stop, stopped
from nalu_cli.commands.options import RESULT_VERSION
from nalu_cli.errors import ExitCode, NaluError

__all__ = ["Failure", "ReportedError", "failure_of"]

SIGNS_OF_NO_MEMORY = ("memory", "failed to map segment")

OUT_OF_MEMORY = "there is not enough memory. Use fewer rows, fewer --threads or --effort quick."


class ReportedError(Exception):
    """An error that stands in the JSON object already.

    Parameters
    ----------
    failure : Failure
        What went wrong.
    """

    def __init__(self, failure: Failure) -> None:
        self.failure = failure
        super().__init__(failure.message)


@dataclass(frozen=True, slots=True)
class Failure:
    """How a command ended that could not do what it was asked for.

    Parameters
    ----------
    code : ExitCode
    message : str
        One sentence or two.
    help : str
        What is shown to people instead, when nothing at all was asked for.
    """

    code: ExitCode
    message: str
    help: str = ""

    def as_data(self) -> dict[str, Any]:
        """The entry `error` of what `--json` prints."""
        kind = self.code.name.lower()
        return {"kind": kind, "exit_code": int(self.code), "message": self.message}

    def as_json(self, command: str | None) -> str:
        """The object that `--json` prints when there is no result."""
        data: Mapping[str, Any] = {
            "nalu_result_version": RESULT_VERSION,
            "command": command,
            "status": "error",
            "error": self.as_data(),
        }
        return json.dumps(data, indent=2)


def failure_of(error: BaseException) -> Failure:
    """What is said about whatever ended a command.

    A bug is written to a log as well, which a report can quote.
    """
    match error:
        case ReportedError():
            return error.failure
        case _ if (code := stopped()) is not None:
            return Failure(code, said_on_stop(code))
        case StoppedError():
            return Failure(error.code, said_on_stop(error.code))
        case NaluError():
            return Failure(error.exit_code, str(error))
        case typer.TyperException():
            return _misuse(error)
        case _ if _is_lack_of_memory(error):
            return Failure(ExitCode.RESOURCE, OUT_OF_MEMORY)
        case _:
            return Failure(ExitCode.BUG, _logged(error))


def _is_lack_of_memory(error: BaseException) -> bool:
    """Whether memory ran out: torch and the loader of libraries have no error of their own."""
    if isinstance(error, MemoryError):
        return True
    text = f"{type(error).__name__} {error}".lower()
    kinds = RuntimeError | ImportError | OSError
    return isinstance(error, kinds) and any(sign in text for sign in SIGNS_OF_NO_MEMORY)


def _misuse(error: typer.TyperException) -> Failure:
    """What typer says about the command line, with the way to the help."""
    context = getattr(error, "ctx", None)
    if type(error).__name__ == "NoArgsIsHelpError":
        return Failure(ExitCode.USAGE, "nothing was asked for.", error.format_message())
    path = context.command_path if context is not None else "nalu"
    # choices are checked by pydantic, which says so
    message = error.format_message().replace(": Value error, ", ": ", 1)
    closed = message if message.endswith((".", "?", "!")) else f"{message}."
    return Failure(ExitCode.USAGE, f"{closed[:1].lower()}{closed[1:]} Try {path} --help.")


def _logged(error: BaseException) -> str:
    """A short message that says where the details are."""
    where = "The details could not be written to the folder for temporary files"
    with suppress(OSError):
        handle, log = tempfile.mkstemp(prefix="nalu-", suffix=".log", text=True)
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(f"nalu {' '.join(map(repr, sys.argv[1:]))}\n\n")
            traceback.print_exception(error, file=file)
        where = f"The details are in {log}"
    return f"this is a bug in nalu ({type(error).__name__}). {where}; please report it with them."
