"""`nalu explain`: how a formula came about, where it holds, and the formula for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nalu_cli.commands.options import Json, Model, NoColor, Quiet, Version, help_text
from nalu_cli.errors import ExitCode, UsageError
from nalu_cli.settings import ExportFormat

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.text import Text

    from nalu_cli.answer import Answer
    from nalu_cli.commands.screen import Screen

__all__ = ["HELP", "explain"]

HELP = help_text(
    "Show how a formula came about: its errors, the trained weights and what they were snapped "
    "to, its parts, where it is undefined, and the simpler formulas that were considered.",
    "nalu explain model.pt",
    "nalu explain model.pt --as python -o law.py",
    "nalu explain model.pt --json",
)


def explain(
    model: Model,
    export: Annotated[
        ExportFormat | None, typer.Option("--as", help="Print the formula for another program.")
    ] = None,
    output: Annotated[
        str | None, typer.Option("--output", "-o", metavar="FILE", help="Write to a file instead.")
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
    no_color: NoColor = False,
    version: Version = False,
) -> ExitCode:
    """Show how a formula came about, or write it for another program."""
    if export is not None and as_json:
        raise UsageError("--as and --json were both given", remedy="Choose one of them.")
    from nalu_cli.commands.screen import Screen
    from nalu_cli.model_file import load_model
    from nalu_cli.whole_file import check_output

    path = None if output in (None, "-") else Path(str(output))
    if path is not None:
        check_output(path, [model])
    screen = Screen.open(quiet=quiet)
    answer = load_model(model)
    _write(_lines(answer, model, export, screen, as_json=as_json), path, screen)
    return ExitCode.DONE


def _lines(
    answer: Answer, model: str, export: ExportFormat | None, screen: Screen, *, as_json: bool
) -> Sequence[str | Text]:
    if as_json:
        from nalu_cli.commands import envelope

        return [envelope.as_json(envelope.result(answer, "explain", model))]
    if export is not None:
        from nalu_cli.exporters import EXPORTERS

        code = EXPORTERS[export].export(answer.circuit, answer.names, answer.target)
        return [code.removesuffix("\n")]
    from nalu_cli.commands.display import bare_formula
    from nalu_cli.commands.explanation import explanation_lines

    if screen.quiet:
        return [bare_formula(answer)]
    return list(explanation_lines(answer, screen.out.width))


def _write(lines: Sequence[str | Text], path: Path | None, screen: Screen) -> None:
    if path is None:
        screen.show(lines)
        return
    from nalu_cli.whole_file import WholeFile

    with WholeFile(path) as file:
        file.write("".join(f"{line}\n" for line in lines).encode())
    screen.note(f"wrote {path}")
