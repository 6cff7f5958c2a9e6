"""Runs the passes of `nalu bench budgets`: to the screen, to a results file and to a page."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from fractions import Fraction

from nalu_cli.commands.console.signals import StopRequest
from nalu_cli.commands.run.bench_trials import Output
from nalu_cli.errors import ExitCode, UsageError, quoted, visible
from nalu_cli.experiments.budgets import (
    Pass,
    PassFile,
    PassResult,
    budget_trials,
    failed_pass,
    pass_patience,
    passes_of,
    run_pass,
)
from nalu_cli.experiments.budgets_page import Measured, budgets_page, measured, summary
from nalu_cli.experiments.engine_numbers import EngineNumber, engine_numbers
from nalu_cli.experiments.workers import run_trials
from nalu_cli.storage.model_file import installed_versions
from nalu_cli.storage.whole_file import WholeFile

__all__ = ["BudgetPlan", "chosen_numbers", "factors_in", "run_budgets"]

LARGEST_FACTOR = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetPlan:
    """What is run.

    `settings` is what all rows of a results file agree in; `command` repeats the run.
    """

    numbers: Sequence[EngineNumber]
    factors: Sequence[Fraction]
    seconds: float
    settings: str
    command: str


def factors_in(text: str) -> list[Fraction]:
    """The factors in `1/2,2`, each once.

    Raises
    ------
    UsageError
        If something else stands there.
    """
    factors: dict[Fraction, None] = {}
    for piece in text.split(","):
        if not re.fullmatch(r"\s*[0-9]{1,6}([./][0-9]{1,6})?\s*", piece) or "/0" in piece:
            raise _no_factors(text)
        factor = Fraction(piece.strip())
        if factor == 1 or not 1 <= LARGEST_FACTOR * factor <= LARGEST_FACTOR**2:
            raise _no_factors(text)
        factors[factor] = None
    return list(factors)


def _no_factors(text: str) -> UsageError:
    return UsageError(
        f"--factors is {quoted(text)}",
        accepted=f"it must be numbers up to {LARGEST_FACTOR} such as 1/2,2, and not 1",
    )


def chosen_numbers(pattern: str | None) -> list[EngineNumber]:
    """The numbers of the engine whose name has a pattern's form.

    Raises
    ------
    UsageError
        If none has.
    """
    numbers = engine_numbers()
    chosen = [n for n in numbers if pattern is None or fnmatchcase(n.label, pattern)]
    if not chosen:
        raise UsageError(
            f"--only {quoted(str(pattern))} is the name of no number",
            accepted=f"names are such as {numbers[0].label}, and * stands for anything",
        )
    return chosen


def run_budgets(plan: BudgetPlan, jobs: int, output: Output) -> ExitCode:
    """Run what is not done yet, and report on all.

    Parameters
    ----------
    plan : BudgetPlan
    jobs : int
        Processes.
    output : Output

    Returns
    -------
    ExitCode
        Of the signal that cut the run short, if one did.
    """
    passes = passes_of(plan.numbers, plan.factors, plan.seconds)
    with output.stop_request() as stop:
        results = _results(plan, passes, jobs, output, stop)
    if not results and stop.code is not None:
        return stop.code
    run = measured(budget_trials(plan.seconds), passes, results)
    output.screen.show(summary(run))
    if stop.asked():
        output.screen.note(f"{len(results)} of {len(passes)} passes are done")
    _write(plan, run, output, interrupted=stop.asked())
    return stop.code or ExitCode.DONE


def _results(
    plan: BudgetPlan, passes: Sequence[Pass], jobs: int, output: Output, stop: StopRequest
) -> list[PassResult]:
    """Results of all passes that ended, now or in an earlier run."""
    file = None if output.csv is None else PassFile(output.csv, plan.settings)
    known = {} if file is None else file.results
    done = {one.key: known[one.key] for one in passes if one.key in known}
    if done:
        output.screen.note(f"{len(done)} of {len(passes)} are done already")
    for result in _run([one for one in passes if one.key not in done], jobs, plan.seconds, stop):
        if file is not None:
            file.append(result)
        done[result.key] = result
        output.screen.note(_progress(result, len(done), len(passes)))
    return list(done.values())


def _run(
    passes: Sequence[Pass], jobs: int, seconds: float, stop: StopRequest
) -> Iterator[PassResult]:
    return run_trials(
        passes,
        jobs,
        run=run_pass,
        failed=failed_pass,
        patience=pass_patience(seconds),
        stop=stop.asked,
    )


def _progress(result: PassResult, done: int, total: int) -> str:
    label, factor, value = result.key
    tried = f"{label} {value}" if factor == "1" else f"{label} times {factor} is {value}"
    if not result.marks:
        return visible(f"{done}/{total}  {tried}  failed ({result.error})")
    laws = f"{result.recovered} of {len(result.marks)} laws"
    return visible(
        f"{done}/{total}  {tried}  {laws}, {result.seconds:.1f} s  {result.error}".rstrip()
    )


def _write(plan: BudgetPlan, run: Measured, output: Output, *, interrupted: bool) -> None:
    if output.page is None:
        return
    if interrupted:
        output.screen.note(f"{output.page} is not written: the run is not complete")
        return
    text = budgets_page(plan.command, run, installed_versions())
    with WholeFile(output.page) as file:
        file.write(text.encode("utf-8"))
    output.screen.note(f"wrote {output.page}")
