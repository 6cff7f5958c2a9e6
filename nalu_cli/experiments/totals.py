"""Counts over outcomes: how many laws were recovered, how sure that is, and how long it took."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from nalu_cli.experiments.trial import Outcome
from nalu_cli.settings import Status

__all__ = ["FAILED", "Totals", "by_label", "by_stage", "by_verdict", "totals_of", "wilson_interval"]

NORMAL_95 = 1.959963984540054
"""Two-sided 95 % quantile of the normal distribution."""

FAILED = "failed"
"""In place of a verdict, where a fit ended without one."""


@dataclass(frozen=True, slots=True)
class Totals:
    """Counts over some outcomes.

    Parameters
    ----------
    problems, recovered, exact, failed : int
        How many there are, were recovered, are called exact, also as printed, and ended without a
        formula.
    falsely_exact : int
        Called exact and not recovered.
    low, high : float
        95 % interval of the share recovered.
    sharp : int or None
        How many of printed tables are equal to the law, each constant to the last digit; None where
        no table was printed.
    all_seconds : float
        Of all fits together.
    median_seconds, slowest_seconds, median_process_seconds : float or None
        None where nothing was timed.
    """

    problems: int
    recovered: int
    exact: int
    failed: int
    falsely_exact: int
    low: float
    high: float
    sharp: int | None
    all_seconds: float
    median_seconds: float | None
    slowest_seconds: float | None
    median_process_seconds: float | None

    @property
    def share(self) -> float:
        """Share recovered."""
        return self.recovered / self.problems if self.problems else 0.0


def totals_of(outcomes: Sequence[Outcome]) -> Totals:
    """Count."""
    recovered = sum(outcome.recovered for outcome in outcomes)
    known = [o.sharp for o in outcomes if o.sharp is not None]
    seconds = [o.seconds for o in outcomes if o.seconds is not None]
    processes = [o.process_seconds for o in outcomes if o.process_seconds is not None]
    falsely_exact = sum(outcome.is_falsely_exact for outcome in outcomes)
    low, high = wilson_interval(recovered, len(outcomes))
    return Totals(
        problems=len(outcomes),
        recovered=recovered,
        exact=sum(o.verdict is not None and o.verdict.is_exact for o in outcomes),
        failed=sum(bool(o.error) for o in outcomes),
        falsely_exact=falsely_exact,
        low=low,
        high=high,
        sharp=sum(map(bool, known)) if known else None,
        all_seconds=math.fsum(seconds),
        median_seconds=median(seconds) if seconds else None,
        slowest_seconds=max(seconds, default=None),
        median_process_seconds=median(processes) if processes else None,
    )


def by_label(outcomes: Iterable[Outcome], label: int) -> dict[str, Totals]:
    """Totals of each group, in the order of their labels.

    Parameters
    ----------
    outcomes : iterable of Outcome
    label : int
        Which of the two labels.
    """
    return _grouped((outcome.labels[label], outcome) for outcome in outcomes)


def by_stage(outcomes: Iterable[Outcome]) -> dict[str, Totals]:
    """Totals by the stage that had the answer, those that took most of the time first."""
    groups = _grouped((outcome.found_by or "none", outcome) for outcome in outcomes)
    return dict(sorted(groups.items(), key=lambda group: -group[1].all_seconds))


def by_verdict(outcomes: Iterable[Outcome]) -> dict[str, Totals]:
    """Totals by what was claimed, the strongest claim first; claims that nobody made are there."""
    groups: dict[str, list[Outcome]] = {verdict.value: [] for verdict in Status}
    for outcome in outcomes:
        groups.setdefault(outcome.verdict or FAILED, []).append(outcome)
    return {name: totals_of(group) for name, group in groups.items()}


def _grouped(named: Iterable[tuple[str, Outcome]]) -> dict[str, Totals]:
    groups: dict[str, list[Outcome]] = {}
    for name, outcome in named:
        groups.setdefault(name, []).append(outcome)
    return {name: totals_of(groups[name]) for name in sorted(groups)}


def wilson_interval(successes: int, trials: int) -> tuple[float, float]:
    """95 % interval of a success rate; sound for few trials and for rates near 0 and 1 too.

    Notes
    -----
    Wilson (1927), Probable inference, the law of succession, and statistical inference.
    """
    if not trials:
        return 0.0, 1.0
    rate, squared = successes / trials, NORMAL_95**2
    middle = rate + squared / (2 * trials)
    half = NORMAL_95 * math.sqrt(rate * (1 - rate) / trials + squared / (4 * trials**2))
    bottom = 1 + squared / trials
    return max(0.0, (middle - half) / bottom), min(1.0, (middle + half) / bottom)
