"""Runs one trial: its rows are drawn, fitted as a user's would be, and the formula is scored."""

from __future__ import annotations

import csv
import io
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

import nalu_cli
from nalu_cli.errors import ExitCode
from nalu_cli.experiments.known_law import KnownLaw, Part, Rows
from nalu_cli.experiments.operations import operation_rows
from nalu_cli.experiments.power_product import has_powers_of
from nalu_cli.experiments.recovery import CONSTANT_TOLERANCE, largest_error, recovery
from nalu_cli.experiments.sampling import law_rows
from nalu_cli.experiments.trial import Conditions, Outcome, Trial, failed
from nalu_cli.expression.text import formula_text
from nalu_cli.pipeline import fit_table
from nalu_cli.search.climbed import SECONDS
from nalu_cli.table import read_table

__all__ = ["patience", "run_trial", "table_text", "trial_rows"]

EXTRAPOLATION_ROWS = 1000

OVERTIME = 120.0
OVERTIME_FACTOR = 4.0
"""A trial that takes longer than this times its limit, and this many seconds more, hangs."""


def patience(conditions: Conditions) -> float:
    """Seconds after which a trial is given up."""
    limit = conditions.fit.time_limit or SECONDS[conditions.fit.effort]
    return OVERTIME_FACTOR * limit + OVERTIME


def trial_rows(trial: Trial, part: Part) -> Rows:
    """The rows of one part of a trial."""
    count, noise = EXTRAPOLATION_ROWS, 0.0
    if part is Part.TRAIN:
        count, noise = trial.conditions.rows or trial.law.n_rows, trial.conditions.noise
    if trial.task is not None:
        return operation_rows(trial.task, part, count, seed=trial.seed, noise=noise)
    return law_rows(trial.law, part, count, seed=trial.seed, noise=noise)


def run_trial(trial: Trial) -> Outcome:
    """Draw, fit and score; whatever goes wrong is part of the outcome."""
    try:
        with TemporaryDirectory(prefix="nalu-bench-") as folder:
            return _fitted(trial, Path(folder))
    except Exception as error:  # one bad problem must not end a run of hours
        return failed(trial, f"{type(error).__name__}: {error}")


def _fitted(trial: Trial, folder: Path) -> Outcome:
    law, conditions = trial.law, trial.conditions
    path = folder / "data.csv"
    path.write_text(table_text(law, trial_rows(trial, Part.TRAIN)), encoding="utf-8")
    table = read_table(path)
    start = time.perf_counter()
    answer = fit_table(table, law.target, conditions.fit)
    seconds = time.perf_counter() - start
    outcome = Outcome(
        name=law.name,
        seed=trial.seed,
        labels=trial.labels,
        verdict=answer.status,
        seconds=seconds,
        found_by=answer.evidence.found_by,
        formula=formula_text(answer.circuit, answer.names),
    )
    if conditions.whole_process:
        outcome = replace(outcome, process_seconds=_process_seconds(path, law.target, conditions))
    return _scored(outcome, trial)


def _scored(outcome: Outcome, trial: Trial) -> Outcome:
    tolerance = max(CONSTANT_TOLERANCE, trial.conditions.noise, _printed_tolerance(trial.law))
    found = recovery(trial.law, outcome.formula, tolerance=tolerance)
    far_error = largest_error(trial.law, outcome.formula, trial_rows(trial, Part.EXTRAPOLATION))
    recovered = found.is_recovered
    if trial.law.far_tolerance is not None:
        is_near = far_error is not None and far_error <= trial.law.far_tolerance
        recovered = is_near and has_powers_of(trial.law, outcome.formula)
    sharp = None if trial.law.digits is None else recovered and found.is_exact
    return replace(outcome, recovered=recovered, sharp=sharp, far_error=far_error)


def _printed_tolerance(law: KnownLaw) -> float:
    """How far a constant may be off in tables printed as the law says; 0 for full doubles.

    *Derived:* a unit of the last digit is this share of the number at most. As with noise, where
    the level itself is the tolerance, a constant counts when it is off by no more than one cell is.
    """
    return 0.0 if law.digits is None else 10.0 ** (1 - law.digits)


def table_text(law: KnownLaw, rows: Rows) -> str:
    """The rows as CSV, the target last, without what is hidden.

    Columns that are not printed with fewer digits have 17, which carry every double.
    """
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow((*law.columns, law.target))
    shown = [(j, v) for j, v in enumerate(law.variables) if not v.is_hidden]
    formats = [*("%d" if v.is_whole else _format(v.digits) for _, v in shown), _format(law.digits)]
    cells = np.column_stack([rows.X[:, [j for j, _ in shown]], rows.y])
    np.savetxt(text, cells, fmt=formats, delimiter=",")
    return text.getvalue()


def _format(digits: int | None) -> str:
    return f"%.{digits or 17}g"


def _process_seconds(path: Path, target: str, conditions: Conditions) -> float:
    """Wall time of `nalu fit` as a user types it, with all its threads."""
    limits = replace(conditions, rows=None, noise=0.0, digits=None, whole_process=False).options
    arguments = ["fit", str(path), "--target", target, "--json", *limits]
    package = str(Path(nalu_cli.__file__).parent.parent)
    paths = os.pathsep.join(filter(None, (package, os.environ.get("PYTHONPATH"))))
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "nalu_cli", *arguments, "--output", str(path.with_suffix(".pt"))],
        env={**os.environ, "PYTHONPATH": paths},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )
    seconds = time.perf_counter() - start
    if done.returncode != ExitCode.DONE:
        said = done.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        raise RuntimeError(f"nalu fit ended with exit code {done.returncode}: {said}")
    return seconds
