"""Which of several candidates is the answer, and which are worth showing beside it."""

from __future__ import annotations

import math
from collections.abc import Iterable

from nalu_cli.answer import FrontEntry
from nalu_cli.judge.judged import Judged, errors_on
from nalu_cli.problem import Problem

__all__ = ["front", "pick"]

EQUALLY_GOOD = 1.0
"""*Guess:* two scores that differ by no more say nothing about which formula is the law: that is
less than a bit of evidence."""


def pick(candidates: Iterable[Judged]) -> Judged | None:
    """The shortest exact candidate, or the one with the best score.

    Parameters
    ----------
    candidates : iterable of Judged

    Returns
    -------
    Judged or None
        None when there is none with finite errors.
    """
    usable = [c for c in candidates if math.isfinite(c.score)]
    laws = [c for c in usable if c.is_law]
    if laws:
        return min(laws, key=_rank_of_law)
    if not usable:
        return None
    best = min(c.score for c in usable)
    # of equally good ones the shorter and earlier counts
    return min((c for c in usable if c.score <= best + EQUALLY_GOOD), key=lambda c: c.complexity)


def _rank_of_law(candidate: Judged) -> tuple[bool, int, int, float]:
    """By what exact candidates are ranked: agreement to the last bit is never chance.

    Printed digits leave constants some room, and there the fewest digits count.
    """
    as_printed = candidate.is_exact_as_printed
    digits = candidate.digits if as_printed else 0
    return as_printed, candidate.complexity, digits, candidate.agreement


def front(candidates: Iterable[Judged], problem: Problem) -> tuple[FrontEntry, ...]:
    """The Pareto front of complexity and far error, simplest first.

    Parameters
    ----------
    candidates : iterable of Judged
    problem : Problem

    Returns
    -------
    tuple of FrontEntry
    """
    outer = problem.far if len(problem.far) else problem.train
    measured = []
    for c in candidates:
        rmse = errors_on(c.circuit, outer).rmse
        if rmse is not None:
            measured.append((c.complexity, rmse, c))
    entries: list[FrontEntry] = []
    best = math.inf
    for length, rmse, c in sorted(measured, key=lambda m: (m[0], m[1])):
        if rmse < best:
            entries.append(FrontEntry(c.circuit, length, rmse))
            best = rmse
    return tuple(entries)
