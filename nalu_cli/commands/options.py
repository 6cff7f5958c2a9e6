"""The options that commands share, each declared once."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from typing import Annotated

import typer

from nalu_cli import __version__
from nalu_cli.errors import quoted

__all__ = [
    "RESULT_VERSION",
    "Decimal",
    "Dedupe",
    "Encoding",
    "Json",
    "Model",
    "Na",
    "NoColor",
    "NoHeader",
    "Quiet",
    "Sep",
    "SkipBadRows",
    "SkipLines",
    "Thousands",
    "UnitsRow",
    "Version",
    "help_text",
    "listed_names",
    "real_number",
    "whole_number",
]


RESULT_VERSION = 1
"""Of the object that `--json` prints."""


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


def listed_names(texts: Sequence[str]) -> list[str]:
    """The words in `a,b` and `c`; one with a comma inside stands in double quotes."""
    return [name for row in csv.reader(texts, skipinitialspace=True) for name in row if name]


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
Thousands = Annotated[
    str | None,
    typer.Option(
        "--thousands", metavar="CHAR", help="Mark between thousands: , . apostrophe or space."
    ),
]
Na = Annotated[
    list[str] | None,
    typer.Option(
        "--na", metavar="A,B,...", help="Further spellings of a missing value, such as -999."
    ),
]
SkipLines = Annotated[
    int,
    typer.Option(
        "--skip-lines", parser=whole_number, metavar="N", help="Lines above the header to skip."
    ),
]
NoHeader = Annotated[
    bool, typer.Option("--no-header", help="The first row is data; call its columns col1, ...")
]
UnitsRow = Annotated[
    bool, typer.Option("--units-row", help="The row below the header holds units.")
]
Dedupe = Annotated[bool, typer.Option("--dedupe", help="Number names of columns that come twice.")]
SkipBadRows = Annotated[
    bool, typer.Option("--skip-bad-rows", help="Pass over rows that cannot be read.")
]
