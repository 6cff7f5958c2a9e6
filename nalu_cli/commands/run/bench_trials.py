"""Runs a benchmark: what was asked for, trial by trial, to the screen and to files."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from nalu_cli.commands.console.screen import Screen
from nalu_cli.commands.console.signals import StopRequest
from nalu_cli.commands.output.bench_text import bench_data, bench_lines, headline, progress_line
from nalu_cli.commands.output.json_output import as_json
from nalu_cli.errors import ExitCode
from nalu_cli.experiments.outcome_file import Key, OutcomeFile, key_of
from nalu_cli.experiments.protocol import Protocol
from nalu_cli.experiments.results_page import MARK, results_page
from nalu_cli.experiments.trial import Outcome, Trial, failed
from nalu_cli.experiments.trial_run import patience, run_trial
from nalu_cli.experiments.workers import run_trials
from nalu_cli.storage.model_file import installed_versions
from nalu_cli.storage.whole_file import WholeFile, check_output, check_replaceable

__all__ = ["Output", "Plan", "output_to", "run_plan", "show_comparison"]

PUBLISHED_PATIENCE = 7 * 24 * 3600.0
"""Seconds a batch may take by the published protocol: five million steps last hours."""

STDERR = 2
STOPPING = b"stopping; the results so far are kept\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """Where results go."""

    csv: Path | None
    page: Path | None
    as_json: bool
    screen: Screen

    def stop_request(self) -> StopRequest:
        """Hears signals while a bench runs, and says that what is done is kept."""

        def heard() -> None:
            if not self.screen.quiet:
                # inside a signal handler, where a buffered stream may be in the middle of a write
                with suppress(OSError):
                    os.write(STDERR, STOPPING)

        return StopRequest(heard)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is run.

    `settings` is what all rows of a results file agree in; `command` repeats the run.
    """

    kind: str
    titles: tuple[str, str]
    trials: Sequence[Trial]
    settings: str
    command: str


def output_to(
    csv: str | None, page: str | None, *, file: str | None = None, as_json: bool, quiet: bool
) -> Output:
    """Find out before the work whether results can be written.

    Parameters
    ----------
    csv, page : str or None
        Files the results are added to, and written to as a page.
    file : str, optional
        The benchmark file.
    as_json, quiet : bool
        What is shown.

    Raises
    ------
    UsageError, OutputError
        If a file cannot be written, is the benchmark itself, or is a page of another kind.
    """
    for path in filter(None, (csv, page)):
        check_output(Path(path), [] if file is None else [file])
    if page is not None:
        check_replaceable(Path(page), magic=MARK.encode(), kind="page of results")
    return Output(
        csv=None if csv is None else Path(csv),
        page=None if page is None else Path(page),
        as_json=as_json,
        screen=Screen.open(quiet=quiet),
    )


def run_plan(plan: Plan, jobs: int, output: Output) -> ExitCode:
    """Run what is not done yet, and report on all.

    Parameters
    ----------
    plan : Plan
    jobs : int
        Processes.
    output : Output

    Returns
    -------
    ExitCode
        Of the signal that cut the run short, if one did.
    """
    with output.stop_request() as stop:
        outcomes = _outcomes(plan, jobs, output, stop)
    if not outcomes and stop.code is not None:
        return stop.code
    _report(plan, outcomes, output, interrupted=stop.asked())
    return stop.code or ExitCode.DONE


def _outcomes(plan: Plan, jobs: int, output: Output, stop: StopRequest) -> list[Outcome]:
    """Outcomes of all trials that ended, now or in an earlier run, in the order of the plan."""
    file = None if output.csv is None else _file_of(plan, output.csv)
    done = _done(plan, file)
    pending = [trial for trial in plan.trials if (trial.law.name, trial.seed) not in done]
    if done:
        output.screen.note(f"{len(done)} of {len(plan.trials)} are done already")
    for outcome in _run(pending, jobs, stop):
        if file is not None:
            file.append(outcome)
        done[key_of(outcome)] = outcome
        output.screen.note(progress_line(outcome, len(done), len(plan.trials)))
    return list(_in_order(plan, done))


def _run(trials: Sequence[Trial], jobs: int, stop: StopRequest) -> Iterator[Outcome]:
    """Outcomes as they come: one by one, or a batch at a time by the published protocol."""
    if not trials or trials[0].conditions.protocol is Protocol.CSV:
        limit = max((patience(trial.conditions) for trial in trials), default=0.0)
        yield from run_trials(
            trials, jobs, run=run_trial, failed=failed, patience=limit, stop=stop.asked
        )
        return
    from nalu_cli.experiments.published_run import batches, failed_batch, run_batch

    for outcomes in run_trials(
        batches(trials),
        jobs,
        run=run_batch,
        failed=failed_batch,
        patience=PUBLISHED_PATIENCE,
        stop=stop.asked,
    ):
        yield from outcomes


def _file_of(plan: Plan, path: Path) -> OutcomeFile:
    is_printed = any(trial.law.digits is not None for trial in plan.trials)
    return OutcomeFile(path, plan.titles, plan.settings, is_printed=is_printed)


def _done(plan: Plan, file: OutcomeFile | None) -> dict[Key, Outcome]:
    known = {} if file is None else file.outcomes
    return {key: known[key] for t in plan.trials if (key := (t.law.name, t.seed)) in known}


def _in_order(plan: Plan, done: dict[Key, Outcome]) -> Iterator[Outcome]:
    for trial in plan.trials:
        if (key := (trial.law.name, trial.seed)) in done:
            yield done[key]


def _report(plan: Plan, outcomes: Sequence[Outcome], output: Output, *, interrupted: bool) -> None:
    screen = output.screen
    if output.as_json:
        data = bench_data(plan.kind, plan.command, plan.titles, outcomes, len(plan.trials))
        screen.show([as_json({**data, "interrupted": interrupted})])
    elif screen.quiet:
        screen.show(headline(outcomes))
    else:
        screen.show(bench_lines(plan.titles, outcomes))
    if output.page is None:
        return
    if interrupted:
        screen.note(f"{output.page} is not written: the run is not complete")
    else:
        _write_page(plan, outcomes, output.page)
        screen.note(f"wrote {output.page}")


def _write_page(plan: Plan, outcomes: Sequence[Outcome], path: Path) -> None:
    title = f"Results: {plan.kind}"
    text = results_page(title, plan.command, plan.titles, outcomes, installed_versions())
    with WholeFile(path) as file:
        file.write(text.encode("utf-8"))


def show_comparison(paths: Sequence[Path], command: str, page: str | None) -> None:
    """Write results beside published ones to a page, or to the screen.

    Parameters
    ----------
    paths : sequence of Path
        Results files of operation tasks, or folders of them.
    command : str
        The command line that repeats this.
    page : str or None
        The page.
    """
    from nalu_cli.experiments.comparison import read_numbers, read_runs
    from nalu_cli.experiments.comparison_page import comparison_page

    screen = Screen.open(quiet=False)
    if page is not None:
        check_output(Path(page), [str(path) for path in paths])
        check_replaceable(Path(page), magic=MARK.encode(), kind="page of results")
    text = comparison_page(command, read_runs(paths), read_numbers())
    if page is None:
        screen.show(text.splitlines())
        return
    with WholeFile(Path(page)) as file:
        file.write(text.encode("utf-8"))
    screen.note(f"wrote {page}")
