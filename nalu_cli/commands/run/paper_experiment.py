"""Runs an experiment of a paper: to the screen, to its results file and to its figure."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

from nalu_cli import __version__
from nalu_cli.commands.console.progress import advance_for
from nalu_cli.commands.console.screen import Screen
from nalu_cli.commands.console.signals import StopRequest
from nalu_cli.commands.output.json_output import as_json
from nalu_cli.commands.output.reproduce_text import claim_lines, reproduction_data, result_lines
from nalu_cli.errors import ExitCode, OutputError, UsageError, quoted
from nalu_cli.experiments.papers import experiment_named
from nalu_cli.experiments.papers.experiment import Experiment, Scope
from nalu_cli.experiments.papers.measurement_file import MeasurementFile
from nalu_cli.experiments.papers.page import MARK, page_of
from nalu_cli.experiments.papers.run import batches_of, device_of, results_of
from nalu_cli.experiments.papers.summary import Summary, settings_of, summary_of
from nalu_cli.settings import Device
from nalu_cli.storage.whole_file import WholeFile, check_output, check_replaceable, check_writable

__all__ = ["Request", "run_experiment", "write_page"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What was asked for on the command line."""

    name: str
    quick: bool
    seeds: int | None
    folder: Path
    mnist: Path | None
    device: Device
    as_json: bool
    quiet: bool


def run_experiment(request: Request) -> ExitCode:
    """Run what is not done yet, show all of it, and draw the figure.

    Raises
    ------
    UsageError
        If there is no such experiment or folder, or the results file is of another run.
    OutputError
        If the results cannot be written.
    ResourceError
        If the device is not there.
    """
    experiment = experiment_named(request.name)
    scope = _scope(request, experiment)
    _make(request.folder)
    csv, figure = (request.folder / f"{experiment.name}{suffix}" for suffix in (".csv", ".png"))
    check_writable(figure)
    settings = settings_of(experiment, scope, __version__)
    file = MeasurementFile(csv, experiment, settings)
    screen = Screen.open(quiet=request.quiet)
    view = advance_for(screen)
    batches = batches_of(experiment, scope, _seeds(request, experiment))
    with StopRequest(view.stopping) as stop, view:
        results = results_of(experiment, scope, batches, file, watch=view.watch, stop=stop.asked)
    summary = summary_of(experiment, settings, results)
    if results.is_complete:
        _draw(experiment, summary, figure)
    _show(summary, request, screen, csv, figure)
    going_on = f"{csv} has the results so far; the same command continues"
    screen.note(f"wrote {csv} and {figure}" if results.is_complete else going_on)
    return stop.code or ExitCode.DONE


def write_page(page: Path, folder: Path, *, quiet: bool) -> ExitCode:
    """Write a page of all results in a folder.

    Raises
    ------
    UsageError
        If there are none.
    OutputError
        If the page cannot be written, or is a file of another kind.
    """
    check_output(page, [])
    check_replaceable(page, magic=MARK.encode(), kind="page of results")
    command = shlex.join(["nalu", "reproduce", "--page", str(page), "--out", str(folder)])
    text = page_of(command, folder, page.parent)
    with WholeFile(page) as file:
        file.write(text.encode("utf-8"))
    Screen.open(quiet=quiet).note(f"wrote {page}")
    return ExitCode.DONE


def _scope(request: Request, experiment: Experiment) -> Scope:
    if request.mnist is not None and not experiment.reads_mnist:
        raise UsageError(f"--mnist is for digits, and {experiment.name} reads no images")
    if request.mnist is not None and not request.mnist.is_dir():
        raise UsageError(f"there is no folder {quoted(str(request.mnist))} to read MNIST from")
    return Scope(quick=request.quick, device=device_of(request.device), mnist=request.mnist)


def _seeds(request: Request, experiment: Experiment) -> int:
    default = experiment.quick_seeds if request.quick else experiment.seeds
    return default if request.seeds is None else request.seeds


def _make(folder: Path) -> None:
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"{folder} cannot be made a folder: {(error.strerror or 'it failed').lower()}",
            remedy="Name another with --out.",
        ) from error


def _draw(experiment: Experiment, summary: Summary, path: Path) -> None:
    # takes longer to import than all the rest
    from nalu_cli.experiments.papers.figure import save_figure

    save_figure(experiment, summary.results.measurements, path)


def _show(summary: Summary, request: Request, screen: Screen, csv: Path, figure: Path) -> None:
    if request.as_json:
        drawn = str(figure) if summary.results.is_complete else None
        files = {"results": str(csv), "figure": drawn}
        screen.show([as_json({**reproduction_data(summary), **files})])
    elif request.quiet:
        screen.show(claim_lines(summary))
    else:
        screen.show(result_lines(summary, screen.out.width if screen.out.is_terminal else None))
