"""The options that commands share, each declared once."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from nalu_cli import __version__
from nalu_cli.errors import quoted

__all__ = [
    "Decimal",
    "Encoding",
    "Json",
    "Model",
    "NoColor",
    "Quiet",
    "Sep",
    "SkipBadRows",
    "Version",
    "help_text",
    "real_number",
    "whole_number",
]


def help_text(about: str, *examples: str) -> str:
    """The help of a command: examples first, then what it does.

    Parameters
    ----------
    about : str
        One paragraph.
    examples : str
        Command lines.
    """
    # \b keeps typer from joining the lines of a paragraph
    lines = "\n".join(f"  {example}" for example in examples)
    return f"Examples:\n\n\b\n{lines}\n\n{about}"


def whole_number(text: str | int) -> int:
    """The value of an option that counts; defaults come as numbers already."""
    try:
        return int(text)
    except ValueError:
        raise typer.BadParameter(f"{quoted(str(text))} is no whole number") from None


def real_number(text: str | float) -> float:
    """The value of an option that measures; defaults come as numbers already."""
    try:
        return float(text)
    except ValueError:
        raise typer.BadParameter(f"{quoted(str(text))} is no number") from None


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"nalu {__version__}")
        raise typer.Exit


def _drop_colour(wanted: bool) -> None:
    if wanted:
        # rich and typer both look here, and both before anything is printed
        os.environ["NO_COLOR"] = "1"


Model = Annotated[
    str, typer.Argument(metavar="MODEL", help="Model file that nalu fit wrote.", show_default=False)
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print the bare result and no notes.")]
NoColor = Annotated[
    bool,
    typer.Option(
        "--no-color",
        callback=_drop_colour,
        is_eager=True,
        help="No colours; NO_COLOR does the same.",
    ),
]
Version = Annotated[
    bool,
    typer.Option(
        "--version", callback=_show_version, is_eager=True, help="Show the version and exit."
    ),
]
Sep = Annotated[
    str | None,
    typer.Option("--sep", metavar="CHAR", help="Delimiter of the file; guessed by default."),
]
Decimal = Annotated[
    str | None,
    typer.Option("--decimal", metavar="CHAR", help="Decimal mark, . or , - guessed by default."),
]
Encoding = Annotated[
    str | None,
    typer.Option("--encoding", metavar="NAME", help="Text encoding; guessed by default."),
]
SkipBadRows = Annotated[
    bool, typer.Option("--skip-bad-rows", help="Pass over rows that cannot be read.")
]
