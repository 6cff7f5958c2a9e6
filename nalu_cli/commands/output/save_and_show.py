"""What a fit leaves behind: the model, the files with pictures, and what is printed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from nalu_cli.answer import Answer
from nalu_cli.commands.console.screen import Screen
from nalu_cli.commands.output.answer_text import answer_lines, bare_formula, saved_line
from nalu_cli.commands.output.failure import ReportedError, failure_of
from nalu_cli.commands.output.json_output import as_json as written
from nalu_cli.commands.output.json_output import result
from nalu_cli.commands.output.pictures import Drawings
from nalu_cli.errors import OutputError
from nalu_cli.storage.model_file import save_model

__all__ = ["conclude"]


def conclude(
    answer: Answer,
    path: Path,
    drawings: Drawings,
    screen: Screen,
    stopped: Callable[[], bool],
    *,
    as_json: bool,
) -> None:
    """Save, then print: nobody who closes our output early shall lose the model.

    Parameters
    ----------
    answer : Answer
    path : Path
        Of the model file.
    drawings : Drawings
        The other files that were asked for.
    screen : Screen
    stopped : callable
        Whether a signal came: whoever hangs up reads nothing more.
    as_json : bool
        Whether one JSON object is printed instead of text.

    Raises
    ------
    Exception
        If a file could not be written, such as an `OutputError` or, without memory for torch, an
        `ImportError`; all that could be is done first, and the formula told.
    """
    unsaved = _failure(lambda: save_model(answer, path))
    undrawn = _failure(lambda: drawings.save(answer, screen))
    failure = unsaved or undrawn
    try:
        _show(answer, None if unsaved else path, screen, as_json=as_json, failure=failure)
    except OutputError:
        if failure is not None or not stopped():
            raise
    if failure is not None:
        raise failure


def _failure(write: Callable[[], None]) -> Exception | None:
    try:
        write()
    except Exception as error:
        return error
    return None


def _show(
    answer: Answer,
    saved: Path | None,
    screen: Screen,
    *,
    as_json: bool,
    failure: Exception | None,
) -> None:
    if as_json:
        _show_json(answer, saved, screen, failure)
    elif screen.quiet:
        screen.show([bare_formula(answer)])
    else:
        screen.show(answer_lines(answer, screen.out.width))
        if saved is not None:
            screen.show(["", saved_line(saved)])


def _show_json(
    answer: Answer, saved: Path | None, screen: Screen, failure: Exception | None
) -> None:
    """One object, whether or not the model could be saved."""
    data = result(answer, "fit", None if saved is None else str(saved))
    if failure is None:
        screen.show([written(data)])
    else:
        reported = failure_of(failure)
        screen.show([written({**data, "error": reported.as_data()})])
        raise ReportedError(reported)
