"""Stage 3: quotients, roots and sums of them, of few monomials, for noisy tables."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from nalu_cli.binomial import BesideBinomial, with_binomials
from nalu_cli.circuit import Circuit
from nalu_cli.peeled import Peeled, with_peelings
from nalu_cli.problem import Rows
from nalu_cli.quotient import Quotient, QuotientShape, total_least_squares
from nalu_cli.refit import constants_of
from nalu_cli.scale import Scale
from nalu_cli.short_quotients import short_quotients, within_reach
from nalu_cli.wiring import Polynomial, power_of_quotient, sum_beside_power

__all__ = ["rational_rung"]

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]
Stop = Callable[[], bool]
Fit = Quotient | BesideBinomial | Peeled

MOST_MONOMIALS = 140
ROWS_PER_MONOMIAL = 4
"""Bounds on the quotients that are started from."""

MOST_DEGREE = 8
MOST_ROOTED = 2
"""Columns at most whose square roots are asked for as well."""

POWERS = (Fraction(1), Fraction(1, 2))

REWEIGHTED = (1, 3)
"""How often rows are weighted anew, in the starts that are tried."""

BETTER = 5.0
"""How much a larger question must gain in score to be worth its size."""

LOOK_ON = 3
LOOK_ON_AT_LEAST = 30
"""Sizes, times that of the best question and plainly, up to which a better one is looked for."""

BINOMIAL_POWERS = tuple(map(Fraction, ("-1", "1/2", "-1/2", "-2")))
BINOMIAL_MONOMIALS = 60
BINOMIAL_DEGREE = 5

MOST_PRUNED = 80
MOST_OFFERED = 32
"""Of the fits so many are pruned, and of what is left so many become circuits."""

PRICES = (2.0, 5.0, 10.0)
"""What a term costs, in halves of log n: its coefficient alone, and its monomial too."""

SYMBOLS_OF_A_TERM = 2
SYMBOLS_OF_A_CONSTANT = 3

GONE = 0.1
"""Share of its parts below which a coefficient that is left by a division counts as zero."""


def rational_rung(
    rows: Rows, sizes: Floats | None = None, *, stop: Stop = lambda: False
) -> Iterator[Circuit]:
    """Quotients of sums of monomials, and sums beside powers of others, with few terms each.

    They are fitted with all monomials up to a degree, and the least significant ones are left out
    for as long as that shortens the description of the rows.

    Parameters
    ----------
    rows : Rows
        Training rows.
    sizes : ndarray of shape (N,), optional
        What the target was divided by, and its errors with it.
    stop : callable
        Asked before each question.

    Yields
    ------
    Circuit
        For each of the best questions the best at some prices of a term.
    """
    scale = Scale.of(rows)
    scaled = scale.down(rows)
    sign = 1.0 if np.median(scaled.y) >= 0 else -1.0
    weights = np.ones(len(rows)) if sizes is None else sizes
    quotients = list(_quotients(Rows(scaled.X, sign * scaled.y), weights, stop))
    fits: list[Fit] = [
        *quotients,
        *_short_ones(quotients, stop),
        *_beside_binomials(scaled, weights, stop),
        *with_peelings(scaled, weights, stop=stop),
    ]
    found: list[tuple[float, Circuit]] = []
    for fit in sorted(fits, key=lambda fit: fit.score)[:MOST_PRUNED]:
        if stop():
            break
        for misfit, coefficients, kept in fit.pruned(PRICES):
            try:
                circuits = [scale.up(c) for c in _circuits(fit, coefficients, kept, sign)]
            except (OverflowError, ValueError):
                continue  # a coefficient that came out as zero, or one that no double can hold
            left = fit.unexplained(misfit)
            found += [(left + _length(c) * math.log(len(fit.y)), c) for c in circuits]
    # the same formula comes out of many fits
    different = {f"{score:.2f}": circuit for score, circuit in found}
    for score in sorted(different, key=float)[:MOST_OFFERED]:
        yield different[score]


def _length(circuit: Circuit) -> int:
    """About as many symbols as it takes to write, in a fraction of the time of counting them."""
    terms = [term for layer in circuit.layers for unit in layer for term in unit.terms]
    roots = sum(term.weight.denominator > 1 for term in terms)
    return SYMBOLS_OF_A_TERM * (len(terms) + roots) + SYMBOLS_OF_A_CONSTANT * len(
        constants_of(circuit)
    )


def _circuits(fit: Fit, coefficients: Floats, kept: Indices, sign: float) -> Iterator[Circuit]:
    """The formula, and for a quotient the sum beside it when it is divided with a rest."""
    if isinstance(fit, Quotient):
        top, bottom = fit.polynomials(coefficients, kept)
        n = len(next(iter(bottom)))
        yield power_of_quotient(n, top, bottom, fit.shape.power, sign)
        divided = _divided(top, bottom) if fit.shape.power == 1 else None
        if divided is not None:
            whole, rest = ({e: sign * c for e, c in part.items()} for part in divided)
            yield sum_beside_power(n, whole, rest, bottom, Fraction(-1))
        return
    whole, factor, base = fit.polynomials(coefficients, kept)
    yield sum_beside_power(len(next(iter(base))), whole, factor, base, fit.base_power)


def _beside_binomials(rows: Rows, weights: Floats, stop: Stop) -> Iterator[BesideBinomial]:
    n = rows.X.shape[1]
    most = min(BINOMIAL_MONOMIALS, len(rows) // ROWS_PER_MONOMIAL)
    degree = max(
        (d for d in range(BINOMIAL_DEGREE + 1) if 2 * math.comb(n + d, n) <= most), default=0
    )
    if degree:
        for power in BINOMIAL_POWERS:
            yield from with_binomials(rows, weights, degree, power, stop=stop)


def _quotients(rows: Rows, weights: Floats, stop: Stop) -> Iterator[Quotient]:
    """Quotients of sums of all monomials, small ones first, until larger ones gain nothing."""
    n = rows.X.shape[1]
    best, largest = math.inf, math.inf
    for shape in _shapes(rows):
        if stop() or shape.size(n) > largest:
            return
        quotient = Quotient(shape, rows, weights)
        if not _fitted(quotient):
            continue
        yield quotient
        if quotient.score < best - BETTER:
            best = quotient.score
            largest = max(LOOK_ON * shape.size(n), LOOK_ON_AT_LEAST)


def _short_ones(quotients: list[Quotient], stop: Stop) -> Iterator[Quotient]:
    """Quotients of few monomials, of the largest questions of each kind of which all are tried."""
    largest: dict[tuple[Fraction, bool], Quotient] = {}
    for quotient in filter(within_reach, quotients):  # small ones come first
        largest[quotient.shape.power, quotient.shape.roots] = quotient
    if largest:
        best = min(quotients, key=lambda quotient: quotient.score)
        targets = best.value(best.coefficients)
        for quotient in largest.values():
            yield from short_quotients(quotient, targets, stop=stop)


def _fitted(quotient: Quotient) -> bool:
    starts = []
    for times in REWEIGHTED:
        try:
            starts.append((total_least_squares(quotient, reweighted=times), quotient.kept))
        except np.linalg.LinAlgError:
            continue
    return quotient.fit(starts)


def _shapes(rows: Rows) -> list[QuotientShape]:
    n = rows.X.shape[1]
    most = min(MOST_MONOMIALS, len(rows) // ROWS_PER_MONOMIAL)
    rooted = n <= MOST_ROOTED and bool((rows.X >= 0).all(axis=0).any())
    degrees = range(MOST_DEGREE + 1)
    shapes = [
        QuotientShape(above, below, power, roots)
        for above, below, power in itertools.product(degrees, degrees, POWERS)
        for roots in ((False, True) if rooted else (False,))
        if above + below > 0 and (below > 0 or power != 1)
    ]
    return sorted(
        (s for s in shapes if s.size(n) <= most),
        key=lambda s: (s.size(n), s.power != 1, s.roots, s.above),
    )


def _divided(top: Polynomial, bottom: Polynomial) -> tuple[Polynomial, Polynomial] | None:
    """The sum before the quotient and what is left above, if that takes fewer terms."""
    whole: Polynomial = {}
    while len(bottom) > 1:
        ways = [_subtracted(top, bottom, t, b) for t in top for b in bottom]
        shorter = [way for way in ways if way is not None and len(way[0]) + 1 < len(top)]
        if not shorter:
            break
        top, monomial, coefficient = min(shorter, key=lambda way: len(way[0]))
        whole[monomial] = whole.get(monomial, 0.0) + coefficient
        if not top:
            return None
    return (whole, top) if whole else None


def _subtracted(
    top: Polynomial, bottom: Polynomial, head: tuple[Fraction, ...], lead: tuple[Fraction, ...]
) -> tuple[Polynomial, tuple[Fraction, ...], float] | None:
    """One step of a division that takes away the term `head` by that of `lead`."""
    monomial = tuple(a - b for a, b in zip(head, lead, strict=True))
    if any(e < 0 for e in monomial):
        return None
    factor = top[head] / bottom[lead]
    rest = dict(top)
    for e, c in bottom.items():
        key = tuple(a + b for a, b in zip(e, monomial, strict=True))
        old, less = rest.pop(key, 0.0), factor * c
        if abs(old - less) > GONE * max(abs(old), abs(less)):
            rest[key] = old - less
    return rest, monomial, factor
