"""The strategy: a sum that most rows follow, plus one term that only some rows show."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from nalu_cli.circuit import Circuit
from nalu_cli.expression.canonical import expression_of, monomial, product, total
from nalu_cli.expression.edits import tidy
from nalu_cli.expression.fitted_tree import FittedTree, fit_tree
from nalu_cli.expression.to_circuit import circuit_of
from nalu_cli.expression.tree import Column, Node, Number
from nalu_cli.fitting.likelihood import stands_out
from nalu_cli.numerics.monomials import laurent_values
from nalu_cli.problem import Problem
from nalu_cli.problem.scaling import Scale
from nalu_cli.rows import Rows
from nalu_cli.search.candidate import Candidate
from nalu_cli.search.outlying_term.residual_term import (
    DEFINED_SHARE,
    SPARE_ROWS,
    ResidualTerm,
)
from nalu_cli.search.outlying_term.robust_regression import NORMAL, Exponents, Trend, trends
from nalu_cli.search.strategy import Context, Cost, Example, Stop, Strategy

__all__ = ["OUTLYING_TERM", "outlying_terms"]

Floats = NDArray[np.float64]
Terms = tuple[tuple[Exponents, float], ...]

ONE: Fraction = Fraction(1)

POWERS = (Fraction(2), Fraction(1, 2), Fraction(-1))
"""Powers of the target over a sum of one term that may be 1 plus another term. *Guess:* the target
is then a root, a square, or a quotient."""

STANDING_OUT = 3.0
"""Spreads by which the residual of a row must stand out to show the term. *Guess:* one normal error
in 370 does, and few of those are larger by much."""

CERTAIN = 1e4
"""Weight of all rows where there is no noise and the sum is known. *Guess:* large enough for every
row to be a clear one."""

NEARLY_ONE = 0.5
"""Distance from 1 up to which a root of a square has a known sign. *Guess:* half of that at which
the sign changes."""

CLOSE_TO_WHOLE = 0.05
"""Relative distance up to which a coefficient of the sum may be a whole number. *Guess:* the error
of a robust fit where the other term is not small."""

LARGEST_WHOLE = 9
"""Largest whole number that a coefficient of the sum is taken for. *Guess:* larger ones are rare in
laws, and more often near by chance."""

MOST_COLUMNS = 20
"""Number of columns of a table beyond which it is not searched. *Guess:* the few rows close to a
pole do not determine a term of so many, and fitting them takes long."""

FITTED = 100
"""Number of formulas whose constants are fitted. *Guess:* they take a second or two."""

YIELDED = 6
"""Number of formulas that are yielded, the best. *Guess:* more only repeat them."""

KNOWN = 3
"""Formulas of other strategies, the best for most rows, to which one more term is looked for.
*Guess:* a sum, the same with a term that follows the few rows, and one that is shorter."""


def outlying_terms(
    rows: Rows, *, known: Iterable[Circuit] = (), stop: Stop = lambda: False
) -> Iterator[Circuit]:
    """A sum of few monomials and one more term; or one term times a power of 1 and another.

    Where the other term is small, a robust fit finds the sum. The rows where it is large, close to
    its poles, then show the term: its logarithm is linear in those of the columns, or a power of it
    is a monomial over a sum. Without noise, and with whole coefficients in the sum, all rows show
    it.

    Parameters
    ----------
    rows : Rows
        Training rows.
    known : iterable of Circuit
        Formulas that one more term may stand beside as well.
    stop : callable
        Asked before each sum; True ends the search.

    Yields
    ------
    Circuit
        Best first.
    """
    if rows.X.shape[1] > MOST_COLUMNS:
        return
    scale = Scale.of(rows)
    scaled = scale.down(rows)
    weights = rows.all_weights()
    fits: list[FittedTree] = []
    with np.errstate(all="ignore"):
        trees = itertools.chain(
            _after_known(scaled, weights, known, scale), _trees(scaled, weights, scale, stop)
        )
        for tree in itertools.islice(trees, FITTED):
            fitted = fit_tree(tree, scaled, weights)
            if fitted is not None:
                fits.append(fitted)
    for fitted in sorted(fits, key=lambda f: f.score)[:YIELDED]:
        try:
            yield scale.up(circuit_of(tidy(fitted.node), rows.X.shape[1]))
        except (OverflowError, ValueError):
            continue  # an exponent or a constant beyond what a circuit holds


def _after_known(
    rows: Rows, weights: Floats, known: Iterable[Circuit], scale: Scale
) -> Iterator[Node]:
    """Formulas that most rows follow, and a term that the others show."""
    followed: dict[float, tuple[Circuit, Floats]] = {}
    for circuit in known:
        try:
            scaled = scale.back(circuit)
        except ValueError:
            continue  # a power of the scale is no double
        residual = rows.y - scaled.evaluate(rows.X)
        spread = NORMAL * float(np.median(np.abs(residual * weights)))
        if spread > 0 and np.isfinite(residual).all():
            followed.setdefault(spread, (scaled, residual))
    for spread in sorted(followed)[:KNOWN]:
        scaled, residual = followed[spread]
        spreads = np.abs(residual) * weights / spread
        some = spreads > STANDING_OUT
        if some.sum() > SPARE_ROWS and stands_out(residual * weights):
            first = expression_of(scaled)
            for term in ResidualTerm(rows.X[some], residual[some], spreads[some]).candidates():
                yield total([(1.0, first), (1.0, term)])


def _trees(rows: Rows, weights: Floats, scale: Scale, stop: Stop) -> Iterator[Node]:
    for trend in trends(rows.X, rows.y, weights):
        if stop():
            return
        yield from _sum_plus_term(rows, weights, trend, scale)
        if len(trend.terms) == 1:
            yield from _times_one_plus_term(rows, weights, trend, scale)


def _sum_plus_term(rows: Rows, weights: Floats, trend: Trend, scale: Scale) -> Iterator[Node]:
    """The sum plus a term that the residual is."""
    spreads = np.abs(trend.residual) * weights / (trend.spread or 1.0)
    some = spreads > STANDING_OUT
    sums = [(trend.terms, ResidualTerm(rows.X[some], trend.residual[some], spreads[some]))]
    whole = _whole(trend.terms, scale)
    if whole is not None:
        residual = rows.y - sum(c * _values(rows.X, e) for e, c in whole)
        if residual.all():
            certain = np.full(len(residual), CERTAIN)
            sums.append((whole, ResidualTerm(rows.X, residual, certain)))
    for terms, unknown in sums:
        if len(unknown.residual) > SPARE_ROWS:
            sum_ = [(c, monomial(e)) for e, c in terms]
            yield from (total([*sum_, (1.0, term)]) for term in unknown.candidates())


def _times_one_plus_term(rows: Rows, weights: Floats, trend: Trend, scale: Scale) -> Iterator[Node]:
    """The one term of a sum times a power of 1 plus another term."""
    whole = _whole(trend.terms, scale)
    for power, terms in itertools.product(POWERS, (trend.terms, whole)):
        if terms is None:
            continue
        ((exponents, c),) = terms
        value = c * _values(rows.X, exponents)
        if not value.all() or not np.isfinite(value).all():
            continue
        target, own_weights = _power(rows.y / value, weights * np.abs(value), power)
        residual = target - 1
        usable = (own_weights > 0) & (residual != 0)
        if usable.mean() < DEFINED_SHARE:
            continue
        if terms is whole:
            some = usable & (np.abs(residual) < NEARLY_ONE)
            spreads = np.full(len(residual), CERTAIN)
        else:
            spread = NORMAL * float(np.median(np.abs(residual * own_weights)[usable]))
            spreads = np.abs(residual) * own_weights / spread
            some = spreads > STANDING_OUT
        if some.sum() > SPARE_ROWS:
            for term in ResidualTerm(rows.X[some], residual[some], spreads[some]).candidates():
                bracket = total([(1.0, Number(1.0)), (1.0, term)])
                yield product([(monomial(exponents), ONE), (bracket, 1 / power)], c)


def _power(y: Floats, weights: Floats, power: Fraction) -> tuple[Floats, Floats]:
    """A power of the targets and its weights, both 0 where it has no value."""
    target = y ** float(power)
    weights = weights / (abs(float(power)) * np.abs(y) ** float(power - 1))
    usable = np.isfinite(target) & np.isfinite(weights)
    return np.where(usable, target, 0.0), np.where(usable, weights, 0.0)


def _whole(terms: Terms, scale: Scale) -> Terms | None:
    """The sum with coefficients that are whole numbers in the table's units, if all may be."""
    found = []
    for exponents, c in terms:
        columns = np.prod(scale.columns ** np.array([float(e) for e in exponents]))
        unit = scale.target / float(columns)
        near = _nearly_whole(c * unit)
        if near is None:
            return None
        found.append((exponents, near / unit))
    return tuple(found)


def _nearly_whole(value: float) -> int | None:
    """The small whole number that a fitted coefficient may stand for; or None."""
    near = round(value)
    close = 1 <= abs(near) <= LARGEST_WHOLE and abs(value - near) <= CLOSE_TO_WHOLE * abs(near)
    return near if close else None


def _values(X: Floats, exponents: Exponents) -> Floats:
    twice = [int(2 * e) for e in exponents]
    return laurent_values(X, np.array([twice]))[:, 0]


def _search(problem: Problem, context: Context) -> Iterator[Candidate]:
    # few rows show the term; its constants are fitted to all
    return map(
        Candidate, outlying_terms(problem.train, known=tuple(context.earlier), stop=context.stop)
    )


# the law is a + b + 1/(a - c)
_DIFFERENCE: Node = total([(1.0, Column(0)), (-1.0, Column(2))], 0.0)
_POLE: Node = total(
    [(1.0, Column(0)), (1.0, Column(1)), (1.0, product([(_DIFFERENCE, -ONE)]))], 0.0
)

OUTLYING_TERM: Strategy = Strategy(
    name="beside a sum",
    summary="solved by robust regression: a sum, and one term that only some rows show",
    cost=Cost.SECONDS,
    example=Example(circuit_of(_POLE, 3), low=-3.0, n_rows=500),
    search=_search,
)
