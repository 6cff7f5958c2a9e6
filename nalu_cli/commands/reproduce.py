"""`nalu reproduce`: repeat an experiment of a paper, and show its numbers beside the published."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from nalu_cli.commands.completion import complete_experiment
from nalu_cli.commands.options import (
    RESULT_VERSION,
    Json,
    NoColor,
    Quiet,
    Version,
    help_text,
    whole_number,
)
from nalu_cli.errors import ExitCode, UsageError
from nalu_cli.experiments.papers import EXPERIMENTS
from nalu_cli.settings import Device

__all__ = ["HELP", "reproduce"]

HELP = help_text(
    "Repeat an experiment of a paper on neural arithmetic: train baselines, the published cells "
    "and ours, and show what is measured beside what was published. Results go to a CSV file and a "
    "figure in the folder 'reproduced' ('reproduced-quick' with --quick), unless --out names "
    "another. Ctrl-C stops; the same command continues where it stopped.",
    "nalu reproduce --list                             what there is",
    "nalu reproduce identity --quick                   in a minute or so, on one core",
    "nalu reproduce static --seeds 3 --out results     in full, with fewer seeds",
    "nalu reproduce --page RESULTS.md --out results    a page of all results in a folder",
)

FOLDER = "reproduced"
MOST_SEEDS = 1000

Name = Annotated[
    str | None,
    typer.Argument(
        metavar="NAME",
        help="Experiment; --list shows all.",
        autocompletion=complete_experiment,
        show_default=False,
    ),
]


def reproduce(
    name: Name = None,
    show_list: Annotated[bool, typer.Option("--list", help="Show the experiments.")] = False,
    quick: Annotated[
        bool, typer.Option("--quick", help="Fewer seeds, tasks and steps: minutes at most.")
    ] = False,
    seeds: Annotated[
        int | None,
        typer.Option(
            parser=whole_number, metavar="N", help="Seeds; each experiment has its own default."
        ),
    ] = None,
    out: Annotated[
        str | None,
        typer.Option(metavar="DIR", help="Folder for the results, made if there is none."),
    ] = None,
    mnist: Annotated[
        str | None,
        typer.Option(metavar="DIR", help="Folder of the MNIST files, read by digits."),
    ] = None,
    device: Annotated[Device, typer.Option(help="Where the models are trained.")] = Device.CPU,
    page: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Write a page (Markdown) of all results in a folder."),
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
    no_color: NoColor = False,
    version: Version = False,
) -> ExitCode:
    """List the experiments, run one, or write the page of their results."""
    asked = [name is not None, show_list, page is not None]
    if asked.count(True) != 1:
        raise UsageError(
            "nothing was asked for" if not any(asked) else "more than one thing was asked for",
            accepted="it must be one of NAME, --list and --page",
            remedy="Try nalu reproduce --list.",
        )
    if show_list:
        return _show_list(in_json=as_json)
    from nalu_cli.commands.run.paper_experiment import Request, run_experiment, write_page

    folder = Path(out or (f"{FOLDER}-quick" if quick else FOLDER))
    if name is None:
        return write_page(Path(str(page)), folder, quiet=quiet)
    if seeds is not None and not 1 <= seeds <= MOST_SEEDS:
        raise UsageError(f"--seeds is {seeds}", accepted=f"it must be 1 to {MOST_SEEDS}")
    return run_experiment(
        Request(
            name=name,
            quick=quick,
            seeds=seeds,
            folder=folder,
            mnist=None if mnist is None else Path(mnist),
            device=device,
            as_json=as_json,
            quiet=quiet,
        )
    )


def _show_list(*, in_json: bool) -> ExitCode:
    from nalu_cli.commands.console.screen import Screen, aligned

    rows = list(EXPERIMENTS.items())
    if in_json:
        named = [{"name": name, "about": about} for name, about in rows]
        data = {
            "nalu_result_version": RESULT_VERSION,
            "command": "reproduce",
            "experiments": named,
        }
        Screen.open().show([json.dumps(data, indent=2)])
    else:
        Screen.open().show(aligned(("name", "about"), rows, left=frozenset({0, 1})))
    return ExitCode.DONE
