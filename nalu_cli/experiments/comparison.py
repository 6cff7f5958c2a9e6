"""Results of several runs beside what was published: which runs, how many solved, who agrees."""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

from nalu_cli.errors import UsageError
from nalu_cli.experiments.benchmark_file import SUITES, Suite, read_suite
from nalu_cli.experiments.outcome_file import read_outcomes
from nalu_cli.experiments.plan import OPERATION_TITLES
from nalu_cli.experiments.protocol import Protocol
from nalu_cli.experiments.totals import wilson_interval
from nalu_cli.experiments.trial import Outcome
from nalu_cli.settings import CellName

__all__ = ["Best", "Line", "Numbers", "Run", "lines_of", "read_numbers", "read_runs", "total_of"]

NUMBERS = Path(__file__).parent / "published" / "numbers.toml"


@dataclass(frozen=True, slots=True)
class Run:
    """The outcomes of one file.

    Parameters
    ----------
    suite : str
    protocol : Protocol
    cell : CellName
    options : str
        What else was asked for, such as ``--steps 300000``.
    outcomes : tuple of Outcome
    """

    suite: str
    protocol: Protocol
    cell: CellName
    options: str
    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedResult:
    """A success rate that was published.

    Parameters
    ----------
    suite, cell, operation : str
    range : str
        Empty where it holds for every range.
    percent : float
    runs : int
    source : str
        A key of the sources.
    steps, sparsity : float or None
        Median step at which runs were solved, mean sparsity error of those.
    """

    suite: str
    cell: str
    operation: str
    percent: float
    runs: int
    source: str
    range: str = ""
    steps: float | None = None
    sparsity: float | None = None

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the share of runs solved."""
        return wilson_interval(round(self.percent * self.runs / 100), self.runs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Best:
    """The best that was published for a task, in words."""

    row: str
    suite: str
    text: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Why a result differs from what was published, or fails."""

    suite: str
    text: str


@dataclass(frozen=True, slots=True)
class Numbers:
    """What was published, and what there is to say about it."""

    sources: Mapping[str, str]
    results: tuple[PublishedResult, ...]
    best: tuple[Best, ...]
    notes: tuple[Note, ...]

    def of(self, suite: str, cell: str, operation: str, case: str) -> PublishedResult | None:
        """The result for one range, or the one for all of them."""
        fitting = [
            result
            for result in self.results
            if (result.suite, result.cell, result.operation) == (suite, cell, operation)
            and result.range in ("", case)
        ]
        return max(fitting, key=lambda result: len(result.range), default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Runs of one cell, operation and range, beside what was published.

    Parameters
    ----------
    cell, operation, range, options : str
    solved, runs : int
    steps, sparsity, seconds : float or None
        Medians; the first two over runs that were solved.
    published : PublishedResult or None
    reason : str
        Where runs failed: whether exact weights would pass.
    """

    cell: str
    operation: str
    range: str
    options: str
    solved: int
    runs: int
    steps: float | None
    sparsity: float | None
    seconds: float | None
    published: PublishedResult | None = None
    reason: str = ""

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the share of runs solved."""
        return wilson_interval(self.solved, self.runs)

    @property
    def agrees(self) -> bool | None:
        """Whether the intervals of ours and of the published share overlap."""
        if self.published is None:
            return None
        (low, high), (least, most) = self.interval, self.published.interval
        return low <= most and least <= high


def read_numbers(path: Path = NUMBERS) -> Numbers:
    """The published numbers that come with the package."""
    data: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    return Numbers(
        sources=data["sources"],
        results=tuple(PublishedResult(**entry) for entry in data["result"]),
        best=tuple(Best(**entry) for entry in data["best"]),
        notes=tuple(Note(**entry) for entry in data.get("note", ())),
    )


def read_runs(paths: Iterable[Path]) -> list[Run]:
    """The runs in results files of `nalu bench ops`, and in all of those in a folder.

    Raises
    ------
    UsageError
        If a file is something else.
    """
    files = (sorted(path.glob("*.csv")) if path.is_dir() else [path] for path in paths)
    return [_run(file) for group in files for file in group]


def _run(path: Path) -> Run:
    settings, outcomes = read_outcomes(path, OPERATION_TITLES)
    words = shlex.split(settings)
    asked = {name: word for name, word in pairwise(words) if name[:2] == "--"}
    if "--suite" not in asked:
        raise UsageError(f"{path} holds no results of nalu bench ops")
    known = {"--suite", "--protocol", "--cell"}
    rest = " ".join(f"{name} {word}" for name, word in asked.items() if name not in known)
    return Run(
        suite=asked["--suite"],
        protocol=Protocol(asked.get("--protocol", Protocol.CSV)),
        cell=CellName(asked.get("--cell", CellName.AUTO)),
        options=rest,
        outcomes=tuple(outcomes),
    )


def lines_of(run: Run, numbers: Numbers) -> list[Line]:
    """A line for each operation and range, ranges in the order of their numbers."""
    groups: dict[tuple[str, str], list[Outcome]] = {}
    for outcome in run.outcomes:
        groups.setdefault(outcome.labels, []).append(outcome)
    return [
        _line(run, operation, case, groups[operation, case], numbers)
        for operation, case in sorted(groups, key=_order)
    ]


def total_of(run: Run, operation: str) -> Line:
    """All ranges of an operation together; what was published is about single ranges."""
    chosen = [outcome for outcome in run.outcomes if outcome.labels[0] == operation]
    return _line(run, operation, "all", chosen, None)


def _line(
    run: Run, operation: str, case: str, outcomes: Sequence[Outcome], numbers: Numbers | None
) -> Line:
    solved = [outcome for outcome in outcomes if outcome.recovered]
    found = None if numbers is None else numbers.of(run.suite, run.cell, operation, case)
    return Line(
        cell=run.cell,
        operation=operation,
        range=case,
        options=run.options,
        solved=len(solved),
        runs=len(outcomes),
        steps=_median(outcome.steps for outcome in solved),
        sparsity=_median(outcome.sparsity for outcome in solved),
        seconds=_median(outcome.seconds for outcome in outcomes),
        published=found,
        reason="" if numbers is None or len(solved) == len(outcomes) else _reason(run, outcomes[0]),
    )


REASONS = {True: "exact weights pass", False: "exact weights fail", None: "no weights do it"}


def _reason(run: Run, failed: Outcome) -> str:
    """Why runs by the published protocol can have failed, if their suite is a published one."""
    if run.protocol is Protocol.CSV:
        return ""
    with suppress(UsageError):  # a suite of somebody's own has no published tasks
        return _reason_in(read_suite(SUITES, run.suite), run.cell, failed)
    return ""


def _reason_in(suite: Suite, cell: CellName, failed: Outcome) -> str:
    from nalu_cli.experiments.exact_weights import passes

    for case in suite.cases:
        for task in case.tasks:
            if (task.operation, case.name) == failed.labels:
                return REASONS[passes(cell, task)]
    return ""


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None


def _order(labels: tuple[str, str]) -> tuple[str, str, list[float]]:
    operation, case = labels
    numbers = re.findall(r"-?\d+(?:\.\d+)?(?:e-?\d+)?", case)
    return operation, case.partition(numbers[0])[0] if numbers else case, list(map(float, numbers))
