"""Formulas the rows cannot tell from the answer, and a row that would tell them apart."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from nalu_cli.answer import Rival
from nalu_cli.circuit import Circuit
from nalu_cli.expression.complexity import complexity
from nalu_cli.judge.judged import Judged, weigh
from nalu_cli.judge.neighbours import neighbours, scaled_to
from nalu_cli.problem import Problem
from nalu_cli.rows import Rows

__all__ = ["rivals_of"]

Floats = NDArray[np.float64]

MOST_RIVALS = 3
"""*Guess:* more rivals than this are no help to a reader."""

MOST_COMPARED, MOST_NEIGHBOURS = 60, 150
"""*Guess:* so many candidates with the best scores, and so many formulas one step away from the
answer, are compared with it; each takes one evaluation."""

BETTER = 2.0
"""*Guess:* the mean squared error of a rival may exceed that of the answer by this many standard
errors of the difference."""

MOST_LARGER = 1.5
"""*Guess:* the mean squared error of a rival may be at most this many times that of the answer: a
few far rows make the standard error of the difference a blunt test."""

MOST_LONGER = 6
"""*Guess:* a rival may have so many symbols more than the answer: with enough of them every table
has rivals."""

VISIBLE = 2.0
"""*Guess:* two formulas are two if they differ somewhere by this many times the noise."""

VISIBLE_EXACT = 1e-6
"""*Guess:* two exact formulas are two if they differ somewhere by this share of the value."""

NARROWEST = 3.0
"""*Guess:* a column of one sign is compared down to this part of its smallest size: towards zero
formulas with poles differ without bound."""

POINTS = 4000
"""*Guess:* formulas are compared at so many random points of the widened box, besides its
corners."""

MOST_CORNERS = 10
"""*Guess:* with more columns the corners are not tried: there would be more than a thousand."""


def rivals_of(candidates: Iterable[Judged], best: Judged, problem: Problem) -> tuple[Rival, ...]:
    """The candidates that fit no worse than the best one and yet are other formulas.

    Two formulas are told apart by the rows when the difference of their squared errors, row by row,
    is larger than chance makes it. They are two when they differ by more than the noise somewhere
    in the box of all rows or beside it.

    Parameters
    ----------
    candidates : iterable of Judged
        Everything weighed.
    best : Judged
        The answer.
    problem : Problem

    Returns
    -------
    tuple of Rival
        The closest in score first; none for an answer that uses no column.
    """
    rows = problem.all_rows()
    if not best.circuit.used_columns() or not len(rows):
        return ()
    places = _places(rows.X)
    noise = 0.0 if best.is_law else best.rmse
    found: list[Rival] = []
    for circuit in _as_good(candidates, best, problem):
        rival = _farthest(circuit, best.circuit, places, noise)
        if rival is not None and not _is_known(rival, found, places, noise):
            found.append(rival)
        if len(found) == MOST_RIVALS:
            break
    return tuple(found)


def _as_good(candidates: Iterable[Judged], best: Judged, problem: Problem) -> list[Circuit]:
    """Other circuits that fit no worse: what was weighed, and neighbours of the best."""
    longest = best.complexity + MOST_LONGER
    ranked = sorted((c for c in candidates if math.isfinite(c.score)), key=lambda c: c.score)
    others = {c.circuit: c.is_law for c in ranked[:MOST_COMPARED]}
    for near in itertools.islice(neighbours(best.circuit), MOST_NEIGHBOURS):
        if near not in others:
            others[near] = best.is_law and weigh(near, problem, found_by="").is_law
    others = {
        c: is_law for c, is_law in others.items() if complexity(c) <= longest and c != best.circuit
    }
    if best.is_law:
        return [c for c, is_law in others.items() if is_law]
    rows = problem.all_rows()
    fitted = dict.fromkeys(other for c in others for other in (c, scaled_to(c, rows)) if other)
    ours = _squared(best.circuit, rows)
    errors = {c: _squared(c, rows) for c in fitted}
    return sorted(
        (c for c, squared in errors.items() if _fits_as_well(squared, ours)),
        key=lambda c: float(errors[c].mean()),
    )


def _squared(circuit: Circuit, rows: Rows) -> Floats:
    # scaled, so that squares of large targets stay finite
    scale = float(np.max(np.abs(rows.y))) or 1.0
    return np.asarray(((circuit.evaluate(rows.X) - rows.y) / scale) ** 2, dtype=np.float64)


def _fits_as_well(squared: Floats, best: Floats) -> bool:
    """Whether a rival's squared errors are larger by no more than chance."""
    excess = squared - best
    if not np.isfinite(excess).all():
        return False
    if not squared.mean() <= MOST_LARGER * best.mean():
        return False
    return float(excess.mean()) <= BETTER * float(excess.std()) / math.sqrt(len(excess))


def _places(X: Floats) -> Floats:
    """Corners of the widened box of all rows and points spread inside it."""
    low, high = _widened(X.min(axis=0), X.max(axis=0))
    inside: Floats = low + (high - low) * np.random.default_rng(0).random((POINTS, X.shape[1]))
    if X.shape[1] > MOST_CORNERS:
        return inside
    corners = np.indices((2,) * X.shape[1]).reshape(X.shape[1], -1).T
    return np.concatenate([np.where(corners, high, low), inside])


def _widened(low: Floats, high: Floats) -> tuple[Floats, Floats]:
    """Wider by its width on each side; a column that kept its sign keeps it."""
    width = high - low
    wider_low, wider_high = low - width, high + width
    return (
        np.where(low > 0, np.maximum(wider_low, low / NARROWEST), wider_low),
        np.where(high < 0, np.minimum(wider_high, high / NARROWEST), wider_high),
    )


def _farthest(circuit: Circuit, best: Circuit, places: Floats, noise: float) -> Rival | None:
    ours, theirs = best.evaluate(places), circuit.evaluate(places)
    gap = _gap(ours, theirs)
    k = int(np.argmax(gap))
    if not gap[k] > _threshold(ours[k], noise):
        return None
    columns = tuple(sorted({*best.used_columns(), *circuit.used_columns()}))
    point = tuple(float(places[k, j]) for j in columns)
    return Rival(circuit, complexity(circuit), columns, point, float(ours[k]), float(theirs[k]))


def _gap(one: Floats, other: Floats) -> Floats:
    gap = np.abs(one - other)
    return np.asarray(np.where(np.isfinite(gap), gap, -1.0), dtype=np.float64)


def _threshold(value: float, noise: float) -> float:
    return VISIBLE * noise if noise else VISIBLE_EXACT * abs(value)


def _is_known(rival: Rival, found: Iterable[Rival], places: Floats, noise: float) -> bool:
    """Whether another rival says the same, but for the noise in its constants."""
    theirs = rival.circuit.evaluate(places)
    for other in found:
        gap = _gap(theirs, other.circuit.evaluate(places))
        k = int(np.argmax(gap))
        if not gap[k] > _threshold(theirs[k], noise):
            return True
    return False
