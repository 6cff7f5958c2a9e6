"""Every row of a long table against the formula that some of its rows gave."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from nalu_cli.answer import EVERY, Answer, Errors
from nalu_cli.answer.streamed_errors import Tally
from nalu_cli.fitting.likelihood import ErrorKind, agreements
from nalu_cli.problem.printed_rows import printed_rows
from nalu_cli.settings import Status
from nalu_cli.table import DOUBLES

__all__ = ["Check", "checked", "holds", "revised", "shortfall"]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

FITTED = ("train", "near", "far")
"""The keys for the rows that a formula came from."""

MOST_KEPT = 200
"""*Guess:* so many rows that a formula explains worst are kept, to be fitted as well: a fraction of
the rows fitted already."""

STRAY_SHARE = 0.01
"""*Guess:* rows that differ from a formula are exceptions to it up to this share of all rows."""

LARGEST_GROWTH = 1.5
"""*Guess:* the error on all rows of a formula within the noise may be this many times its error on
the fitted rows."""


@dataclass(frozen=True, slots=True)
class Check:
    """What a comparison of all rows with a formula found.

    Parameters
    ----------
    errors : Errors
        On every row.
    off : int
        Rows on which the formula is off by more than rounding or printing, or undefined.
    first_line : int
        The physical line of the first row that is off; 0 without any.
    rows : ndarray of shape (n_kept, n_names + 1)
        Those it explains worst, with their targets.
    lines : ndarray of shape (n_kept,)
        Their physical lines.
    is_finished : bool
        Whether all rows were compared.
    """

    errors: Errors
    off: int
    first_line: int
    rows: Floats
    lines: Ints
    is_finished: bool


def checked(
    answer: Answer,
    blocks: Iterable[tuple[Floats, Ints]],
    names: tuple[str, ...],
    typical: float,
    *,
    stop: Callable[[], bool] | None = None,
    report: Callable[[int], None] = lambda rows: None,
) -> Check:
    """Compare a formula with every row.

    Parameters
    ----------
    answer : Answer
    blocks : iterable of (ndarray of shape (n_rows, n_names), ndarray of shape (n_rows,))
        Complete rows with the target in the last column, and their physical lines.
    names : tuple of str
        The columns of these rows.
    typical : float
        Median size of the target.
    stop : callable, optional
        Asked after each block; True ends the comparison.
    report : callable
        Hears after each block how many rows were compared.

    Returns
    -------
    Check
    """
    found = _Findings(answer, names, typical)
    for rows, lines in blocks:
        found.add(rows, lines)
        report(found.seen)
        if stop is not None and stop():
            return found.check(is_finished=False)
    return found.check(is_finished=True)


class _Findings:
    def __init__(self, answer: Answer, names: tuple[str, ...], typical: float) -> None:
        self._circuit = answer.circuit
        # what is exact is so to the last bit, though fewer digits may be printed
        self._kind = ErrorKind.DOUBLES if answer.status is Status.EXACT else None
        self._by_ratio = answer.status.is_exact
        self._precisions = [
            answer.precision.get(name, DOUBLES) for name in (*answer.names, answer.target)
        ]
        self._places = [names.index(name) for name in answer.names]
        self._typical = typical
        self._tally = Tally()
        self._worst = np.zeros(0)
        self._rows = np.zeros((0, len(names)))
        self._lines = np.zeros(0, np.int64)
        self._off = self._undefined = self._first_line = self.seen = 0

    def add(self, rows: Floats, lines: Ints) -> None:
        X, y = rows[:, self._places], rows[:, -1]
        value = self._circuit.evaluate(X)
        printed = printed_rows(X, y, self._precisions)
        ratio = agreements(self._circuit, printed, self._kind, self._typical)
        self._tally.add(value, y)
        self.seen += len(y)
        self._undefined += int(np.sum(~np.isfinite(value)))
        off = ~(ratio <= 1.0)
        if off.any():
            self._first_line = self._first_line or int(lines[np.argmax(off)])
            self._off += int(off.sum())
            badness = ratio if self._by_ratio else np.abs(value - y)
            self._keep(np.where(np.isnan(badness), np.inf, badness)[off], rows[off], lines[off])

    def _keep(self, badness: Floats, rows: Floats, lines: Ints) -> None:
        worst = np.concatenate([self._worst, badness])
        kept = np.sort(np.argsort(-worst, kind="stable")[:MOST_KEPT])
        self._worst = worst[kept]
        self._rows = np.concatenate([self._rows, rows])[kept]
        self._lines = np.concatenate([self._lines, lines])[kept]

    def check(self, *, is_finished: bool) -> Check:
        errors = self._tally.errors()
        if self._undefined:
            errors = Errors(self.seen, None, None, None)
        return Check(errors, self._off, self._first_line, self._rows, self._lines, is_finished)


def holds(answer: Answer, check: Check, key: str) -> bool:
    """Whether all rows bear out what is claimed on account of some of them.

    Parameters
    ----------
    answer : Answer
    check : Check
    key : str
        What `Answer.errors` calls these rows.
    """
    if answer.status.is_exact:
        return not check.off
    if answer.status is not Status.WITHIN_NOISE:
        return True
    rmse = check.errors.rmse
    grown = rmse is None or rmse > LARGEST_GROWTH * _rmse(answer, key)
    return not (grown or _is_stray(check))


def _is_stray(check: Check) -> bool:
    """Whether the formula is off on so few rows that it is no noise."""
    return 0 < check.off <= STRAY_SHARE * check.errors.rows


def _rmse(answer: Answer, key: str) -> float:
    """On those of the rows that were judged."""
    judged = [answer.errors[key]] if key in answer.errors else list(answer.errors.values())
    known = [(e.rmse, e.rows) for e in judged if e.rmse is not None and e.rows]
    rows = sum(count for _, count in known)
    return math.hypot(*(rmse * math.sqrt(count / rows) for rmse, count in known))


def shortfall(answer: Answer, check: Check) -> tuple[bool, int, int, float]:
    """How far an answer falls short of explaining every row of the table; smaller is better."""
    status = revised(answer, check, EVERY).status
    # noise leaves next to no row without an error, and the others say nothing
    off = check.off if _is_stray(check) else check.errors.rows
    rmse = math.inf if check.errors.rmse is None else check.errors.rmse
    return not status.is_exact, off, list(Status).index(status), rmse


def revised(answer: Answer, check: Check, key: str) -> Answer:
    """The answer with what all rows say about it, and no more claimed than they bear out.

    Parameters
    ----------
    answer : Answer
    check : Check
        Of this answer.
    key : str
        What `Answer.errors` calls these rows.

    Returns
    -------
    Answer
    """
    found = _shortcomings(answer, check, key)
    claimed = answer.status.is_exact or answer.status is Status.WITHIN_NOISE
    weaker = bool(found) and claimed
    how = []
    if key == EVERY and check.is_finished:
        fitted = sum(answer.errors[part].rows for part in FITTED if part in answer.errors)
        whole = check.errors.rows
        how = [f"{fitted:,} of {whole:,} rows were fitted, and all compared with the formula"]
    return replace(
        answer,
        status=Status.APPROXIMATE if weaker else answer.status,
        noise=None if weaker else answer.noise,
        errors={**answer.errors, key: check.errors},
        caveats=(*found, *how, *answer.caveats),
        interrupted=answer.interrupted or not check.is_finished,
    )


def _shortcomings(answer: Answer, check: Check, key: str) -> list[str]:
    rows = f"{check.errors.rows:,} rows" + ("" if key == EVERY else f" of the {key} file")
    found = []
    if not check.is_finished:
        found.append(f"stopped when {rows} had been compared with the formula")
    if _is_stray(check) or (answer.status.is_exact and check.off):
        than = "rounding" if answer.status is Status.EXACT else "rounding and printing"
        found.append(
            f"{check.off:,} of {rows} differ from the formula by more than {than}, the first is "
            f"row {check.first_line}"
        )
    elif not holds(answer, check, key):
        found.append(f"on all {rows} the error is larger than on those that were fitted")
    return found
