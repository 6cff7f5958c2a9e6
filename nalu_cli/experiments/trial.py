"""One problem with a known answer: its rows are drawn, fitted as a user would, and scored."""

from __future__ import annotations

import csv
import io
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

import nalu_cli
from nalu_cli.experiments.known_law import KnownLaw, Part, Rows
from nalu_cli.experiments.operations import OperationTask, operation_rows
from nalu_cli.experiments.recovery import CONSTANT_TOLERANCE, largest_error, recovery
from nalu_cli.experiments.sampling import law_rows
from nalu_cli.formula import formula_text
from nalu_cli.pipeline import fit_table
from nalu_cli.settings import FitSettings, Status
from nalu_cli.table import read_table

__all__ = ["Conditions", "Outcome", "Trial", "failed", "run_trial", "table_text"]

EXTRAPOLATION_ROWS = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """What all trials of a run share.

    Parameters
    ----------
    rows : int or None
        Training rows; None takes what each problem says.
    noise : float
        Standard deviation of the error in the training target, over its root mean square.
    fit : FitSettings
        Nothing about the problem may be in it but the limits of time and effort.
    whole_process : bool
        Whether to time a fresh `nalu fit` as well.
    """

    rows: int | None = None
    noise: float = 0.0
    fit: FitSettings = field(default_factory=FitSettings)
    whole_process: bool = False

    @property
    def options(self) -> tuple[str, ...]:
        """The command-line options that ask for them, without those at their defaults."""
        asked: Mapping[str, object] = {
            "--rows": self.rows,
            "--noise": f"{self.noise:g}" if self.noise else None,
            "--time": None if self.fit.time_limit is None else f"{self.fit.time_limit:g}",
            "--effort": None if self.fit.effort is FitSettings().effort else self.fit.effort,
        }
        texts = [
            text
            for name, value in asked.items()
            if value is not None
            for text in (name, str(value))
        ]
        flags = {"--train-only": self.fit.train_only, "--whole-process": self.whole_process}
        return (*texts, *(name for name, is_set in flags.items() if is_set))


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A problem and a seed.

    Parameters
    ----------
    law : KnownLaw
        The answer.
    seed : int
        Of the rows; the fit keeps its own.
    labels : (str, str)
        The groups it is counted in.
    conditions : Conditions
    task : OperationTask or None
        Draws the rows, if the law itself does not.
    """

    law: KnownLaw
    seed: int
    labels: tuple[str, str]
    conditions: Conditions
    task: OperationTask | None = None

    def rows(self, part: Part) -> Rows:
        """The rows of one part."""
        count, noise = EXTRAPOLATION_ROWS, 0.0
        if part is Part.TRAIN:
            count, noise = self.conditions.rows or self.law.n_rows, self.conditions.noise
        if self.task is not None:
            return operation_rows(self.task, part, count, seed=self.seed, noise=noise)
        return law_rows(self.law, part, count, seed=self.seed, noise=noise)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a trial.

    Parameters
    ----------
    name : str
        The law's.
    seed : int
    labels : (str, str)
        The groups it is counted in.
    recovered : bool
        Whether the formula found is the true one.
    verdict : Status or None
        What the fit claims; None when it failed.
    far_error : float or None
        Largest relative error on extrapolation rows without noise; None where undefined.
    seconds : float or None
        Of the fit.
    process_seconds : float or None
        Of a fresh process, start and end included.
    found_by : str
        The rung.
    formula : str
    error : str
        Why there is none.
    """

    name: str
    seed: int
    labels: tuple[str, str]
    recovered: bool = False
    verdict: Status | None = None
    far_error: float | None = None
    seconds: float | None = None
    process_seconds: float | None = None
    found_by: str = ""
    formula: str = ""
    error: str = ""

    @property
    def is_falsely_exact(self) -> bool:
        """Whether a formula is called exact that is not the law."""
        return self.verdict is Status.EXACT and not self.recovered


def failed(trial: Trial, error: str) -> Outcome:
    """The outcome of a trial that ended without a formula."""
    return Outcome(
        name=trial.law.name, seed=trial.seed, labels=trial.labels, error=" ".join(error.split())
    )


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
    path.write_text(table_text(law, trial.rows(Part.TRAIN)), encoding="utf-8")
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
    tolerance = max(CONSTANT_TOLERANCE, trial.conditions.noise)
    found = recovery(trial.law, outcome.formula, tolerance=tolerance)
    far_error = largest_error(trial.law, outcome.formula, trial.rows(Part.EXTRAPOLATION))
    return replace(outcome, recovered=found.is_recovered, far_error=far_error)


def table_text(law: KnownLaw, rows: Rows) -> str:
    """The rows as CSV, the target last; 17 digits carry every double unchanged."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow((*law.names, law.target))
    formats = [*("%d" if variable.is_whole else "%.17g" for variable in law.variables), "%.17g"]
    np.savetxt(text, np.column_stack([rows.X, rows.y]), fmt=formats, delimiter=",")
    return text.getvalue()


def _process_seconds(path: Path, target: str, conditions: Conditions) -> float:
    """Wall time of `nalu fit` as a user types it, with all its threads."""
    limits = replace(conditions, rows=None, noise=0.0, whole_process=False).options
    arguments = ["fit", str(path), "--target", target, "--json", *limits]
    package = str(Path(nalu_cli.__file__).parent.parent)
    paths = os.pathsep.join(filter(None, (package, os.environ.get("PYTHONPATH"))))
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "nalu_cli", *arguments, "--output", str(path.with_suffix(".pt"))],
        env={**os.environ, "PYTHONPATH": paths},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=True,
    )
    return time.perf_counter() - start
