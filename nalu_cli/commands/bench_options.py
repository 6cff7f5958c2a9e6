"""Options that kinds of benchmark share."""

from __future__ import annotations

from typing import Annotated

import typer

from nalu_cli.commands.options import real_number, whole_number
from nalu_cli.settings import Effort

__all__ = [
    "Csv",
    "Digits",
    "Factors",
    "File",
    "HowFar",
    "Jobs",
    "Limit",
    "LimitOfAll",
    "Noise",
    "OnlyNumbers",
    "Page",
    "Rows",
    "Seconds",
    "Seeds",
    "SuiteFile",
    "TrainOnly",
    "WholeProcess",
]

File = Annotated[
    str,
    typer.Argument(metavar="FILE", help="Benchmark file (JSON), or: fastsrb, which is included."),
]
Rows = Annotated[
    int | None,
    typer.Option(parser=whole_number, metavar="N", help="Training rows; the file says by default."),
]
Noise = Annotated[
    float,
    typer.Option(
        parser=real_number, metavar="LEVEL", help="Noise in the training target, such as 0.01."
    ),
]
Digits = Annotated[
    int | None,
    typer.Option(parser=whole_number, metavar="N", help="Print every training cell with N digits."),
]
Seeds = Annotated[
    str | None, typer.Option(metavar="0,1|0-4", help="Seeds the rows are drawn from.")
]
Limit = Annotated[
    int | None,
    typer.Option(parser=whole_number, metavar="N", help="Only the first N of all that is asked."),
]
Seconds = Annotated[
    float | None,
    typer.Option("--time", parser=real_number, metavar="SECONDS", help="Time limit of each fit."),
]
LimitOfAll = Annotated[
    float,
    typer.Option("--time", parser=real_number, metavar="SECONDS", help="Time limit of each fit."),
]
HowFar = Annotated[Effort, typer.Option("--effort", help="How long each fit searches.")]
TrainOnly = Annotated[
    bool, typer.Option("--train-only", help="Train stacks; solve nothing in closed form.")
]
WholeProcess = Annotated[
    bool,
    typer.Option("--whole-process", help="Time a fresh nalu fit as well, start-up included."),
]
Jobs = Annotated[
    int,
    typer.Option(parser=whole_number, metavar="N", help="Fits side by side, each on one core."),
]
Csv = Annotated[
    str | None,
    typer.Option("--csv", metavar="FILE", help="Add each result to a file; continue from it."),
]
Page = Annotated[
    str | None,
    typer.Option("--page", metavar="FILE", help="Write the results as a Markdown page."),
]
SuiteFile = Annotated[
    str,
    typer.Argument(metavar="FILE", help="Suites (JSON), or: published, for those of the papers."),
]
OnlyNumbers = Annotated[
    str | None,
    typer.Option("--only", metavar="PATTERN", help="Only numbers such as search.stacks.*"),
]
Factors = Annotated[
    str, typer.Option(metavar="1/2,2", help="What each number is multiplied by, one at a time.")
]
