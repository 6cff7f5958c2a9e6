"""`nalu explain`: how a formula came about, where it holds, and the formula for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from nalu_cli.commands.options import Json, Model, NoColor, Quiet, Version, help_text
from nalu_cli.commands.output.pictures import Drawings, Plot, Report
from nalu_cli.errors import ExitCode, UsageError
from nalu_cli.settings import ExportFormat

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.text import Text

    from nalu_cli.answer import Answer
    from nalu_cli.commands.console.screen import Screen

__all__ = ["HELP", "explain", "print_code"]

HELP = help_text(
    "Show how a formula came about: its errors, the units of the stack, where the formula is "
    "undefined, the simpler formulas that were considered, and the rivals that fit as well, with "
    "the row to measure next. Each unit has one line: its gate, the largest move of its weights "
    "when they were snapped, and its formula.",
    "nalu explain model.pt",
    "nalu explain model.pt --stack",
    "nalu explain model.pt --as python -o law.py",
    "nalu explain model.pt --report law.html",
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
    stack: Annotated[
        bool,
        typer.Option(
            "--stack", help="Also list every weight of the stack, as trained and as snapped."
        ),
    ] = False,
    report: Report = None,
    plot: Plot = None,
    as_json: Json = False,
    quiet: Quiet = False,
    no_color: NoColor = False,
    version: Version = False,
) -> ExitCode:
    """Show how a formula came about, or write it for another program."""
    if export is not None and as_json:
        raise UsageError("--as and --json were both given", remedy="Choose one of them.")
    if export is not None and stack:
        raise UsageError("--as and --stack were both given", remedy="Choose one of them.")
    from nalu_cli.commands.console.screen import Screen
    from nalu_cli.storage.model_file import load_model
    from nalu_cli.storage.whole_file import check_output

    path = None if output in (None, "-") else Path(str(output))
    if path is not None:
        check_output(path, [model])
    outputs = [] if path is None else [path]
    drawings = Drawings.asked(report, plot, inputs=[model], outputs=outputs)
    screen = Screen.open(quiet=quiet)
    answer = load_model(model)
    drawings.save(answer, screen)
    if export is None:
        lines = _lines(answer, model, screen, stack=stack, as_json=as_json)
        if path is None:
            screen.show(lines)
        else:
            _save("".join(f"{line}\n" for line in lines), path, screen)
        return ExitCode.DONE
    from nalu_cli.exporters import EXPORTERS

    code = EXPORTERS[export].export(answer.circuit, answer.names, answer.target)
    if path is None:
        print_code(code, screen)
    else:
        _save(code, path, screen)
    return ExitCode.DONE


def _lines(
    answer: Answer, model: str, screen: Screen, *, stack: bool, as_json: bool
) -> Sequence[str | Text]:
    if as_json:
        from nalu_cli.commands.output import json_output as envelope

        data = envelope.result(answer, "explain", model)
        return [envelope.as_json(data | envelope.weights(answer) if stack else data)]
    from nalu_cli.commands.output.answer_text import bare_formula
    from nalu_cli.commands.output.explain_text import explanation_lines

    if screen.quiet:
        return [bare_formula(answer)]
    return list(explanation_lines(answer, screen.out.width, with_weights=stack))


def print_code(code: str, screen: Screen) -> None:
    """To the last byte into a pipe; a terminal is not shown what it would obey."""
    from nalu_cli.commands.console.screen import StandardOutput
    from nalu_cli.errors import visible

    if screen.out.is_terminal:
        screen.show([visible(line) for line in code.removesuffix("\n").split("\n")])
    else:
        StandardOutput().write(code.encode())


def _save(text: str, path: Path, screen: Screen) -> None:
    from nalu_cli.storage.whole_file import WholeFile

    with WholeFile(path) as file:
        file.write(text.encode())
    screen.note(f"wrote {path}")
