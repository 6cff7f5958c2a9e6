"""Constants fitted and named, the form shortened; never worse than what came in."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Set
from dataclasses import dataclass

import numpy as np

from nalu_cli.circuit import Circuit, UnitKind
from nalu_cli.circuit.constants import Place, constants_of, with_constants
from nalu_cli.circuit.rounding_error import EPS, agreement
from nalu_cli.expression.canonical import expression_of
from nalu_cli.expression.closed_form import is_long, snap_value
from nalu_cli.expression.edits import with_shared_coefficients
from nalu_cli.expression.text import complexity
from nalu_cli.fitting import likelihood
from nalu_cli.fitting.fit_constants import refit
from nalu_cli.refine.balance import balance, with_offsets_of_one
from nalu_cli.rows import Rows

__all__ = ["Refined", "refine", "rewritten"]

SURE = 6.0
"""A constant is given a name that lies within this many standard errors."""

HOPELESS = 1e4
"""Errors this many times larger than rounding explains do not come from imprecise constants."""

MOST_NAMED = 60
"""With more real constants than this a formula is not a law, and names would be chance."""

MOST_NOISY = 16
"""With more than this and noise it is a fit, and no shorter form would make it a law."""

LARGEST_WHOLE, NEAR = 10, 3.0
"""Whole numbers that several constants may be, each within so many standard errors."""

SAVED_TOGETHER = 6
"""Symbols that two constants get shorter by when both are named."""

MOST_UNSURE = 0.05
"""A constant known less well than this, relative to its size, gets no name."""

MOST_SHARED = 6
"""Pairs of terms for which one coefficient is tried."""

DOUBT = 3.0
"""A term that is not this many standard errors from 0 is tried without."""


@dataclass(frozen=True, slots=True)
class Refined:
    """A circuit after refinement.

    Parameters
    ----------
    circuit : Circuit
    standard_errors : dict of Place to float
        Of its constants.
    """

    circuit: Circuit
    standard_errors: dict[Place, float]


def refine(
    circuit: Circuit,
    rows: Rows,
    *,
    sigma: float | None = None,
    others: Rows | None = None,
    worthwhile: Callable[[Circuit], bool] | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Refined:
    """Fit and name the constants, then look for the shortest equal form.

    Parameters
    ----------
    circuit : Circuit
    rows : Rows
        Training rows.
    sigma : float or None
        Standard deviation of the target's error; None for data without noise.
    others : Rows, optional
        Rows that nothing is fitted to, and that a form without noise must agree with as well as
        the longer one did: equal forms are rounded differently.
    worthwhile : callable, optional
        Whether to look for a form shorter than the given one with names, which takes most time.
    stop : callable
        Asked before each rewriting.

    Returns
    -------
    Refined
    """
    fits = _acceptance(rows, sigma, others)
    fitted = Refined(*refit(circuit, rows, sigma=sigma))
    if sigma is None:
        hopeless = agreement(fitted.circuit, rows) > HOPELESS
        if hopeless or len(fitted.standard_errors) > MOST_NAMED:
            return fitted
        return _rearranged(_with_names(circuit, rows, sigma, fits), rows, sigma, fits, stop)
    found = [fitted, Refined(circuit, fitted.standard_errors)]
    if len(constants_of(balance(circuit))) <= MOST_NOISY:
        best = _with_names(circuit, rows, sigma, fits)
        if worthwhile is None or worthwhile(best.circuit):
            best = _rearranged(best, rows, sigma, fits, stop)
            best = _with_simple_offsets(best, rows, sigma, fits)
            best = _with_shared_coefficients(best, rows, sigma, fits, stop)
            best = _with_whole_numbers(best, rows, sigma, fits)
        found.insert(0, best)
    return min(found, key=lambda refined: _price(refined.circuit, rows, sigma))


def rewritten(
    circuit: Circuit,
    rows: Rows,
    *,
    length: Callable[[Circuit], float],
    stop: Callable[[], bool],
) -> Circuit:
    """A shorter form of a circuit whose numbers stay, if it agrees with the printed rows as well.

    Parameters
    ----------
    circuit : Circuit
    rows : Rows
    length : callable
        What must not grow.
    stop : callable
        Asked before each rewriting.

    Returns
    -------
    Circuit
        The same one where there is none.
    """
    for rewrite in (_settled, _shortened, _settled):
        if stop():
            break
        new = rewrite(circuit, rows)
        if length(new) <= length(circuit) and likelihood.agreement(new, rows) <= 1.0:
            circuit = new
    return circuit


def _rearranged(
    best: Refined, rows: Rows, sigma: float | None, fits: Fits, stop: Callable[[], bool]
) -> Refined:
    """The shortest equal form, its constants fitted and named again."""
    for rewrite in (_settled, _shortened, _settled):
        if stop():
            break
        best = _rewritten(best, rewrite, rows, sigma, fits)
    return best


def _with_simple_offsets(best: Refined, rows: Rows, sigma: float | None, fits: Fits) -> Refined:
    """Sums with an offset of 1, if that makes the number before them a simple one.

    Without noise ratios of constants are simple to the last digit; here they must be fitted.
    """
    trial = with_offsets_of_one(best.circuit)
    if trial == best.circuit:
        return best
    # offsets that stay: else a number before a sum and the sum's own make up for one another
    ones = {place for place, value in constants_of(trial).items() if value == 1.0}
    fitted, spread = refit(trial, rows, sigma=sigma, fixed=ones)
    again = _named(fitted, spread, rows, sigma, fits, settled=ones)
    shorter = complexity(again.circuit) < complexity(best.circuit)
    return again if shorter and fits(again.circuit, best.circuit) else best


def _with_shared_coefficients(
    best: Refined, rows: Rows, sigma: float | None, fits: Fits, stop: Callable[[], bool]
) -> Refined:
    """One coefficient before the sum of two terms, where the errors allow it."""
    from nalu_cli.expression.to_circuit import circuit_of

    trees = with_shared_coefficients(expression_of(best.circuit))
    for tree in itertools.islice(trees, MOST_SHARED):
        if stop():
            break
        again = _with_names(circuit_of(tree, best.circuit.n_columns), rows, sigma, fits)
        shorter = complexity(again.circuit) < complexity(best.circuit)
        if shorter and fits(again.circuit, best.circuit):
            return _with_shared_coefficients(again, rows, sigma, fits, stop)
    return best


def _with_whole_numbers(best: Refined, rows: Rows, sigma: float | None, fits: Fits) -> Refined:
    """Whole numbers within the errors of several constants, the others following each time.

    Constants that can stand in for one another, as in ``9/(3 - a) - 2``, are each known badly; once
    one is settled the others are known well, and hardly whole by chance.
    """
    circuit, spread, settled = best.circuit, best.standard_errors, set[Place]()
    while (place := _whole(circuit, spread, settled)) is not None:
        whole = with_constants(circuit, {place: float(round(constants_of(circuit)[place]))})
        trial, errors = refit(whole, rows, sigma=sigma, fixed=settled | {place})
        if not fits(trial, circuit):
            break
        circuit, spread = trial, spread | errors
        settled.add(place)
    again = _named(circuit, spread, rows, sigma, fits, settled=settled)
    shorter = complexity(again.circuit) <= complexity(best.circuit) - SAVED_TOGETHER
    return again if shorter else best


def _whole(circuit: Circuit, spread: dict[Place, float], settled: Set[Place]) -> Place | None:
    """The most certain of the constants that may be whole numbers."""
    near = [
        place
        for place, value in constants_of(circuit).items()
        if place in spread
        and place not in settled
        and is_long(value)
        and 1 <= abs(round(value)) <= LARGEST_WHOLE
        and abs(round(value) - value) <= NEAR * spread[place]
    ]
    return min(near, key=lambda p: _relative(circuit, spread, p), default=None)


Fits = Callable[[Circuit, Circuit], bool]


def _rewritten(
    best: Refined,
    rewrite: Callable[[Circuit, Rows], Circuit],
    rows: Rows,
    sigma: float | None,
    fits: Fits,
) -> Refined:
    """The rewritten form, its constants fitted and named again, if it is no longer and fits."""
    new = rewrite(best.circuit, rows)
    if new == best.circuit or complexity(new) > complexity(best.circuit):
        return best
    if not fits(new, best.circuit):
        return best
    again = _with_names(new, rows, sigma, fits)
    if complexity(again.circuit) <= complexity(new) and fits(again.circuit, best.circuit):
        return again
    return Refined(new, refit(new, rows, sigma=sigma)[1])


def _shortened(circuit: Circuit, rows: Rows) -> Circuit:
    from nalu_cli.refine.simplify.shorten import shorten

    return shorten(circuit, positive=[bool((column > 0).all()) for column in rows.X.T])


def _settled(circuit: Circuit, rows: Rows) -> Circuit:
    from nalu_cli.refine.simplify.signs import settle_signs

    return settle_signs(circuit, rows.X)


def _acceptance(
    rows: Rows, sigma: float | None, others: Rows | None
) -> Callable[[Circuit, Circuit], bool]:
    """Whether a new circuit fits as well as an old one, for all that can be told."""

    def exactly(new: Circuit, old: Circuit) -> bool:
        parts = [rows] if others is None else [rows, others]
        return all(agreement(new, p) <= max(1.0, 1.5 * agreement(old, p)) for p in parts)

    def within_noise(new: Circuit, old: Circuit) -> bool:
        # one constant given up is worth log(n) / 2 in log-likelihood (BIC)
        allowed = np.log(max(len(rows), 2))
        return bool(_chi2(new, rows, sigma or 1.0) <= _chi2(old, rows, sigma or 1.0) + allowed)

    def as_printed(new: Circuit, old: Circuit) -> bool:
        # what agrees with every printed digit is no better for fitting the digits cut off
        if likelihood.agreement(old, rows) <= 1.0:
            return likelihood.agreement(new, rows) <= 1.0
        return within_noise(new, old)

    if sigma is None:
        return exactly
    return within_noise if rows.half_y is None else as_printed


def _price(circuit: Circuit, rows: Rows, sigma: float) -> float:
    """Bayesian information criterion, each symbol counting as a constant does."""
    return _chi2(circuit, rows, sigma) + complexity(circuit) * math.log(max(len(rows), 2))


def _chi2(circuit: Circuit, rows: Rows, sigma: float) -> float:
    with np.errstate(all="ignore"):
        total = float(np.sum(((circuit.evaluate(rows.X) - rows.y) / sigma) ** 2))
    return total if np.isfinite(total) else np.inf


def _with_names(
    circuit: Circuit,
    rows: Rows,
    sigma: float | None,
    fits: Callable[[Circuit, Circuit], bool],
) -> Refined:
    fitted, spread = refit(balance(circuit), rows, sigma=sigma)
    if not fits(fitted, circuit):
        fitted, spread = refit(circuit, rows, sigma=sigma)
    fitted, spread = _without_nothing(fitted, spread, rows, sigma, fits)
    return _named(fitted, spread, rows, sigma, fits)


def _named(
    circuit: Circuit,
    spread: dict[Place, float],
    rows: Rows,
    sigma: float | None,
    fits: Callable[[Circuit, Circuit], bool],
    *,
    settled: Set[Place] = frozenset(),
) -> Refined:
    """Give names to the constants, the most certain first; the others follow each time."""
    asked: set[Place] = set()
    if len(spread) > MOST_NAMED:
        return Refined(circuit, spread)
    while unnamed := [p for p in constants_of(circuit) if p in spread and p not in asked]:
        place = min(unnamed, key=lambda p: _relative(circuit, spread, p))
        asked.add(place)
        value = constants_of(circuit)[place]
        for named in _names(value, spread[place], noisy=sigma is not None):
            trial = with_constants(circuit, {place: named})
            trial, errors = refit(trial, rows, sigma=sigma, fixed=settled | {place})
            if fits(trial, circuit):
                circuit = trial
                spread = spread | errors
                settled = settled | {place}
                break
    return Refined(circuit, spread)


def _names(value: float, error: float, *, noisy: bool) -> list[float]:
    """Values worth trying for a constant: 1 is structure and needs no odds, names do."""
    relative = error / abs(value)
    found = []
    if noisy and abs(abs(value) - 1) < SURE / 2 * error and relative < 1 / SURE:
        found.append(math.copysign(1.0, value))
    tolerance = min(max(SURE * relative, 8 * EPS), MOST_UNSURE)
    named = snap_value(value, tolerance)
    if named != value:
        found.append(named)
    return found


def _without_nothing(
    circuit: Circuit,
    spread: dict[Place, float],
    rows: Rows,
    sigma: float | None,
    fits: Callable[[Circuit, Circuit], bool],
) -> tuple[Circuit, dict[Place, float]]:
    """Drop the terms and offsets that the data cannot tell from 0, least certain first."""
    for _ in range(min(len(spread), MOST_NAMED)):
        values = constants_of(circuit)
        doubtful = [
            p
            for p, v in values.items()
            if p in spread and abs(v) < DOUBT * spread[p] and _is_term(circuit, p)
        ]
        if not doubtful:
            break
        worst = max(doubtful, key=lambda p: spread[p] / abs(values[p]))
        trial, trial_spread = refit(with_constants(circuit, {worst: 0.0}), rows, sigma=sigma)
        if not fits(trial, circuit):
            break
        circuit, spread = trial, trial_spread
    return circuit, spread


def _is_term(circuit: Circuit, place: Place) -> bool:
    return circuit.layers[place.layer][place.unit].kind is UnitKind.SUM


def _relative(circuit: Circuit, spread: dict[Place, float], place: Place) -> float:
    value = constants_of(circuit).get(place, 1.0)
    return spread[place] / abs(value)
