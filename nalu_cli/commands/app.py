"""The application: its commands, and the one place where errors become messages and exit codes."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import NoReturn, TextIO

import typer
from typer.main import get_command

from nalu_cli.commands import bench, explain, fit, predict, reproduce
from nalu_cli.commands.console.signals import StoppedError, ignore_signals, raise_on_signals
from nalu_cli.commands.options import NoColor, Version, help_text
from nalu_cli.commands.output.failure import ReportedError, failure_of
from nalu_cli.errors import ExitCode, visible

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
app.command(help=reproduce.HELP, short_help="Repeat an experiment of a paper.")(reproduce.reproduce)


def main() -> NoReturn:
    """Run the command line and end the process with its exit code."""
    _prepare_streams()
    for name in THREAD_VARIABLES:
        # read when numpy and torch are loaded; the workers of a fit share the cores instead
        os.environ.setdefault(name, "1")
    arguments = sys.argv[1:]
    try:
        raise_on_signals()
        code = run(arguments)
    except StoppedError as error:
        # it came while the command began, or while its failure was told
        code = _told(error, arguments)
    # torch takes its time to unload
    ignore_signals()
    sys.exit(_flushed(code))


def run(arguments: Sequence[str]) -> ExitCode | int:
    """Run one command and say what went wrong, if anything did.

    It is said on stderr; with `--json` also as one object on stdout, so that whoever reads that
    finds JSON in any case.

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
    except (Exception, StoppedError) as error:
        return _told(error, arguments)


def _told(error: BaseException, arguments: Sequence[str]) -> ExitCode:
    from nalu_cli.commands.console.screen import OutputClosedError

    if isinstance(error, OutputClosedError):
        _detach(sys.stdout)
        return ExitCode.DONE
    failure = failure_of(error)
    _say(failure.help or f"nalu: {visible(failure.message)}")
    if "--json" in arguments and not isinstance(error, ReportedError):
        with suppress(OSError):
            sys.stdout.write(f"{failure.as_json(_words(arguments))}\n")
    return failure.code


def _words(arguments: Sequence[str]) -> str | None:
    """The words that name the command, such as `fit` or `bench ops`."""
    found: list[str] = []
    command: object = get_command(app)
    for word in arguments:
        command = getattr(command, "commands", {}).get(word)
        if command is None:
            break
        found.append(word)
    return " ".join(found) or None


def _say(text: str) -> None:
    try:
        sys.stderr.write(f"{text}\n")
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
    sys.stdout, sys.stderr = _whole_writes(sys.stdout), _whole_writes(sys.stderr)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _whole_writes(stream: TextIO) -> TextIO:
    """The stream with a buffer: without, as under PYTHONUNBUFFERED, writes may stop half-way."""
    if not isinstance(getattr(stream, "buffer", None), io.RawIOBase):
        return stream
    buffered = open(stream.fileno(), "wb", closefd=False)  # noqa: SIM115 - kept open
    return io.TextIOWrapper(buffered, encoding=stream.encoding, line_buffering=True)


def _flushed(code: ExitCode | int) -> int:
    """The exit code once all is written, or another when it cannot be."""
    try:
        sys.stderr.flush()
    except OSError:
        _detach(sys.stderr)
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _detach(sys.stdout)
    except OSError as error:
        _detach(sys.stdout)
        if code == ExitCode.DONE:
            reason = (error.strerror or "failed").lower()
            _say(f"nalu: standard output cannot be written: {reason}.")
            return ExitCode.OUTPUT
    return int(code)


def _detach(stream: TextIO) -> None:
    """Let what is still buffered go nowhere, so that the interpreter does not stumble over it."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
