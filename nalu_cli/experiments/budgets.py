"""What each number of the engine is worth: the same tables are fitted with others in its place."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction
from functools import cache
from pathlib import Path
from statistics import mean, stdev
from types import SimpleNamespace

from nalu_cli.experiments.benchmark_file import read_laws
from nalu_cli.experiments.engine_numbers import EngineNumber, changed, loaded_modules, set_to
from nalu_cli.experiments.growing_file import GrowingFile
from nalu_cli.experiments.plan import formula_trials
from nalu_cli.experiments.totals import FAILED
from nalu_cli.experiments.trial import Conditions, Outcome, Trial
from nalu_cli.experiments.trial_run import run_trial
from nalu_cli.settings import FitSettings

__all__ = [
    "Baseline",
    "Effect",
    "Key",
    "Pass",
    "PassFile",
    "PassResult",
    "budget_trials",
    "effect_of",
    "failed_pass",
    "moved_tables",
    "pass_patience",
    "passes_of",
    "run_pass",
    "table_name",
]

LAWS = Path(__file__).parent / "formulas" / "formulas.json"

QUIET = slice(0, None, 7)
NOISY = slice(3, None, 22)
PRINTED = slice(11, None, 22)
"""Which laws of the file have tables of full doubles, with noise, and printed."""

NOISE = 0.01
DIGITS = 4

FEWEST_BASELINES = 4
PASSES_PER_BASELINE = 20
"""The engine as it is has a pass now and then, which shows what comes and goes by itself."""

SPREAD = 4.0
"""Standard deviations of the seconds of baselines that a pass is away if more than noise moves it.

Four baselines tell little of their spread: one pass in thirty is called moved without cause. Of
thirty of them it is one in three thousand.
"""

STARTING = 120.0
OVERTIME_FACTOR = 10.0
"""A pass that takes longer than so many of its limits, and these seconds more, hangs."""

BASELINE = "baseline"

Key = tuple[str, str, str]
"""Of a pass: what is changed, the factor, and the number that comes of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """All tables, fitted with one number of the engine changed.

    Parameters
    ----------
    seconds : float
        Limit of a fit.
    number : EngineNumber or None
        None changes nothing.
    factor : Fraction
        What it is multiplied by.
    count : int
        Which pass of those that change nothing.
    """

    seconds: float
    number: EngineNumber | None = None
    factor: Fraction = Fraction(1)
    count: int = 0

    @property
    def value(self) -> float:
        """What is tried in place of the number."""
        return self.count if self.number is None else changed(self.number.value, self.factor)

    @property
    def key(self) -> Key:
        """What tells it from the others; other once the engine has another number there."""
        label = BASELINE if self.number is None else self.number.label
        return label, str(self.factor), repr(self.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class PassResult:
    """What came of a pass.

    Parameters
    ----------
    key : Key
    marks : tuple of str
        A verdict for each table, after `+` where the law was recovered and `-` where it was not;
        empty if the pass did not end.
    seconds : float
        Of all fits, on the processor.
    error : str
        What went wrong first, if anything did.
    """

    key: Key
    marks: tuple[str, ...] = ()
    seconds: float = math.nan
    error: str = ""

    @property
    def recovered(self) -> int:
        """How many laws were."""
        return sum(mark.startswith("+") for mark in self.marks)


class Effect(StrEnum):
    """What a change moves at most, the most first."""

    LAW = "a law"
    VERDICT = "a verdict"
    SECONDS = "seconds"
    NOTHING = "nothing"


def budget_trials(seconds: float) -> list[Trial]:
    """The tables: by their place in the file, whatever is known to become of them.

    Parameters
    ----------
    seconds : float
        Limit of a fit.
    """
    laws = read_laws(LAWS)
    quiet = Conditions(fit=FitSettings(time_limit=seconds, threads=1))
    return [
        *formula_trials(laws[QUIET], [0], quiet),
        *formula_trials(laws[NOISY], [0], replace(quiet, noise=NOISE)),
        *formula_trials(laws[PRINTED], [0], replace(quiet, digits=DIGITS)),
    ]


def table_name(trial: Trial) -> str:
    """The law, and what was done to its table."""
    if trial.conditions.noise:
        return f"{trial.law.name}, {100 * trial.conditions.noise:g} % noise"
    digits = trial.conditions.digits
    return trial.law.name if digits is None else f"{trial.law.name}, {digits} digits"


def passes_of(
    numbers: Sequence[EngineNumber], factors: Sequence[Fraction], seconds: float
) -> list[Pass]:
    """A pass for each number and factor that makes another one of it, and baselines in between.

    Parameters
    ----------
    numbers : sequence of EngineNumber
    factors : sequence of Fraction
    seconds : float
        Limit of a fit.
    """
    tried: dict[Key, Pass] = {}
    for number in numbers:
        for factor in factors:
            one = Pass(seconds=seconds, number=number, factor=factor)
            if one.value != number.value:
                tried[one.key] = one
    passes = list(tried.values())
    count = max(FEWEST_BASELINES, math.ceil(len(passes) / PASSES_PER_BASELINE))
    for k in reversed(range(count)):
        passes.insert(k * len(passes) // count, Pass(seconds=seconds, count=k + 1))
    return passes


def pass_patience(seconds: float) -> float:
    """Seconds after which a pass is given up."""
    return STARTING + OVERTIME_FACTOR * seconds * len(budget_trials(seconds))


def run_pass(one: Pass) -> PassResult:
    """Fit all tables in this process, with the number set for as long as that takes."""
    trials = budget_trials(one.seconds)
    _warm_up()
    setting = nullcontext() if one.number is None else set_to(one.number, one.value)
    with processor_time(), setting:
        outcomes = [run_trial(trial) for trial in trials]
    pairs = zip(trials, outcomes, strict=True)
    errors = [f"{table_name(trial)}: {o.error}" for trial, o in pairs if o.error]
    return PassResult(
        key=one.key,
        marks=tuple(map(_mark, outcomes)),
        seconds=math.fsum(o.seconds or 0.0 for o in outcomes),
        error=errors[0] if errors else "",
    )


def _mark(outcome: Outcome) -> str:
    return f"{'+' if outcome.recovered else '-'}{outcome.verdict or FAILED}"


def failed_pass(one: Pass, error: str) -> PassResult:
    """The result of a pass that did not end."""
    return PassResult(key=one.key, error=" ".join(error.split()))


@cache
def _warm_up() -> None:
    """Load what the first fits of a process load, which no pass should pay for."""
    for trial in budget_trials(1.0)[::4]:
        run_trial(trial)


@contextmanager
def processor_time() -> Iterator[None]:
    """Let the package read the time that this process has computed for off every clock.

    Limits of seconds then cut the work off where they would on a machine that does nothing else,
    however busy it is; and what a fit takes is told in the same seconds.
    """
    # this module is one of those whose clock is exchanged
    true = time
    clocks = SimpleNamespace(**vars(true))
    clocks.monotonic = clocks.perf_counter = true.process_time
    modules = [module for module in loaded_modules() if vars(module).get("time") is true]
    try:
        for module in modules:
            vars(module)["time"] = clocks
        yield
    finally:
        for module in modules:
            vars(module)["time"] = true


class PassFile:
    """Results on disk, a row for each pass.

    Parameters
    ----------
    path : Path
        Continued if it exists.
    settings : str
        How the run was asked for; all rows of a file agree in it.

    Attributes
    ----------
    results : dict of Key to PassResult
        Those in the file.

    Raises
    ------
    UsageError
        If the file is something else, or of a run with other settings.
    OutputError
        If it cannot be read or written.
    """

    HEAD = ("number", "factor", "value", "recovered", "seconds", "tables", "error")

    def __init__(self, path: Path, settings: str) -> None:
        self._file = GrowingFile(path, self.HEAD, settings)
        self.results: dict[Key, PassResult] = {}
        for cells in self._file.rows:
            try:
                result = _result_of(cells)
            except (ValueError, KeyError) as error:
                raise self._file.foreign() from error
            self.results[result.key] = result

    def append(self, result: PassResult) -> None:
        """Add a row, on disk before this returns."""
        marks = " ".join(result.marks)
        numbers = [str(result.recovered), repr(result.seconds)]
        self._file.append([[*result.key, *numbers, marks, result.error]])
        self.results[result.key] = result


def _result_of(cells: Mapping[str, str]) -> PassResult:
    return PassResult(
        key=(cells["number"], cells["factor"], cells["value"]),
        marks=tuple(cells["tables"].split()),
        seconds=float(cells["seconds"]),
        error=cells["error"],
    )


@dataclass(frozen=True, slots=True)
class Baseline:
    """The engine as it is, fitted several times."""

    results: tuple[PassResult, ...]

    @property
    def seconds(self) -> float:
        """Of all fits of a pass, on average."""
        return mean(result.seconds for result in self.results)

    @property
    def noise(self) -> float:
        """Seconds that a pass must be away for more than noise."""
        if len(self.results) < 2:
            return math.inf
        return SPREAD * stdev(result.seconds for result in self.results)

    @property
    def marks(self) -> list[set[str]]:
        """What came of each table, in all passes."""
        return [set(of_table) for of_table in zip(*(r.marks for r in self.results), strict=True)]

    @classmethod
    def of(cls, results: Sequence[PassResult]) -> Baseline:
        """The passes among these that change nothing and ended."""
        return cls(tuple(r for r in results if r.key[0] == BASELINE and r.marks))


def effect_of(result: PassResult, baseline: Baseline) -> Effect:
    """The most that a change moves.

    A fit that ends in an error, or a pass that never ends, counts as a law moved.
    """
    if not result.marks or moved_tables(result, baseline):
        return Effect.LAW
    pairs = zip(result.marks, baseline.marks, strict=True)
    if any(len(usual) == 1 and mark not in usual for mark, usual in pairs):
        return Effect.VERDICT
    away = abs(result.seconds - baseline.seconds)
    return Effect.SECONDS if away > baseline.noise else Effect.NOTHING


def moved_tables(result: PassResult, baseline: Baseline) -> dict[int, bool]:
    """Which tables end otherwise than in every baseline, and whether their law was recovered.

    A table whose law is recovered in some baselines only moves by itself, and tells nothing.
    """
    pairs = enumerate(zip(result.marks, baseline.marks, strict=False))
    return {k: _is_found(mark) for k, (mark, usual) in pairs if _is_moved(mark, usual)}


def _is_moved(mark: str, usual: set[str]) -> bool:
    if mark.endswith(FAILED):
        return mark not in usual
    return {_is_found(mark)}.isdisjoint(map(_is_found, usual))


def _is_found(mark: str) -> bool:
    return mark.startswith("+")
