"""The application: its commands, and the one place where errors become messages and exit codes."""

from __future__ import annotations

import io
import os
import sys
import tempfile
import traceback
from collections.abc import Sequence
from contextlib import suppress
from typing import NoReturn, TextIO

import typer
from typer.main import get_command

from nalu_cli.commands import bench, explain, fit, predict
from nalu_cli.commands.options import NoColor, Version, help_text
from nalu_cli.commands.signals import TerminatedError, raise_on_termination
from nalu_cli.errors import ExitCode, NaluError, visible

__all__ = ["app", "main", "run"]

THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")

app = typer.Typer(
    name="nalu",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


@app.callback(
    help=help_text(
        "Find the arithmetic formula behind a table.",
        "nalu fit data.csv --target y               find the formula, save model.pt",
        "nalu explain model.pt                      how it came about; export it",
        "nalu predict model.pt new.csv              apply it to rows",
        "nalu predict model.pt --range x=0:10:0.5   apply it to a grid",
    )
)
def nalu(no_color: NoColor = False, version: Version = False) -> None:
    """Options that stand before the command."""


app.command(help=fit.HELP, short_help="Find the formula of a column and save it.")(fit.fit)
app.command(help=explain.HELP, short_help="Show how a formula came about; export it.")(
    explain.explain
)
app.command(help=predict.HELP, short_help="Apply a formula to rows or to a grid.")(predict.predict)
app.add_typer(bench.bench, name="bench", short_help="Fit problems with known answers.")


def main() -> NoReturn:
    """Run the command line and end the process with its exit code."""
    _prepare_streams()
    for name in THREAD_VARIABLES:
        # read when numpy and torch are loaded; the workers of a fit share the cores instead
        os.environ.setdefault(name, "1")
    raise_on_termination()
    code = run(sys.argv[1:])
    sys.exit(_flushed(code))


def run(arguments: Sequence[str]) -> ExitCode | int:
    """Run one command and say on stderr what went wrong, if anything did.

    Parameters
    ----------
    arguments : sequence of str
        As typed after `nalu`.

    Returns
    -------
    ExitCode or int
        What the process should end with.
    """
    try:
        code = get_command(app).main(list(arguments), prog_name="nalu", standalone_mode=False)
        return int(code or ExitCode.DONE)
    except (KeyboardInterrupt, TerminatedError) as error:
        interrupted = isinstance(error, KeyboardInterrupt)
        return ExitCode.INTERRUPTED if interrupted else ExitCode.TERMINATED
    except Exception as error:
        return _explained(error)


def _explained(error: Exception) -> ExitCode:
    from nalu_cli.commands.screen import OutputClosedError

    match error:
        case OutputClosedError():
            _detach(sys.stdout)
            return ExitCode.DONE
        case NaluError():
            _say(f"nalu: {error}")
            return error.exit_code
        case typer.TyperException():
            return _misused(error)
        case MemoryError():
            return _out_of_memory()
        case RuntimeError() if "memory" in f"{type(error).__name__} {error}".lower():
            # torch raises nothing more particular
            return _out_of_memory()
        case _:
            return _bug(error)


def _misused(error: typer.TyperException) -> ExitCode:
    """What typer says about the command line, with the way to the help."""
    context = getattr(error, "ctx", None)
    if type(error).__name__ == "NoArgsIsHelpError":
        sys.stderr.write(f"{error.format_message()}\n")
        return ExitCode.USAGE
    path = context.command_path if context is not None else "nalu"
    # choices are checked by pydantic, which says so
    message = error.format_message().replace(": Value error, ", ": ", 1)
    closed = message if message.endswith((".", "?", "!")) else f"{message}."
    _say(f"nalu: {closed[:1].lower()}{closed[1:]} Try {path} --help.")
    return ExitCode.USAGE


def _out_of_memory() -> ExitCode:
    _say("nalu: there is not enough memory. Use fewer rows, fewer --threads or --effort quick.")
    return ExitCode.RESOURCE


def _bug(error: Exception) -> ExitCode:
    """A short message; the details go to a file that a report can quote."""
    kind = type(error).__name__
    try:
        handle, log = tempfile.mkstemp(prefix="nalu-", suffix=".log", text=True)
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(f"nalu {' '.join(map(repr, sys.argv[1:]))}\n\n")
            traceback.print_exception(error, file=file)
        where = f"The details are in {log}"
    except OSError:
        where = "The details could not be written to the folder for temporary files"
    _say(f"nalu: this is a bug in nalu ({kind}). {where}; please report it with them.")
    return ExitCode.BUG


def _say(message: str) -> None:
    try:
        sys.stderr.write(f"{visible(message)}\n")
        sys.stderr.flush()
    except OSError:
        # nobody listens; the exit code still tells
        _detach(sys.stderr)


def _prepare_streams() -> None:
    """Streams that cannot fail on a character, and that exist even where they were closed."""
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123 - kept open
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123 - kept open
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _flushed(code: ExitCode | int) -> int:
    """The exit code once all is written, or another when it cannot be."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _detach(sys.stdout)
    except OSError as error:
        _detach(sys.stdout)
        _say(f"nalu: standard output cannot be written: {(error.strerror or 'failed').lower()}.")
        return ExitCode.OUTPUT
    return int(code)


def _detach(stream: TextIO) -> None:
    """Let what is still buffered go nowhere, so that the interpreter does not stumble over it."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
