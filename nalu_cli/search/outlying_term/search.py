"""A sum that most rows follow, and beside it one term that only some rows show."""

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
from nalu_cli.search.candidate import Found
from nalu_cli.search.outlying_term.residual_term import MOSTLY, SPARE_ROWS, Shown
from nalu_cli.search.outlying_term.robust_regression import NORMAL, Exponents, Trend, trends
from nalu_cli.search.strategy import Context, Cost, Example, Stop, Strategy

__all__ = ["OUTLYING_TERM", "nearly_whole"]

Floats = NDArray[np.float64]
Terms = tuple[tuple[Exponents, float], ...]

ONE = Fraction(1)

POWERS = (Fraction(2), Fraction(1, 2), Fraction(-1))
"""Of the target in units of a sum of one term, that may be 1 and a term beside it."""

STANDING_OUT = 3.0
"""Spreads that a row is off the sum, if it shows what stands beside it."""

CERTAIN = 1e4
"""Errors that the term of any row is where there is no noise and the sum is known."""

NEARLY_ONE = 0.5
"""Distance from 1 up to which a root of a square has a known sign."""

CLOSE_TO_WHOLE, LARGEST_WHOLE = 0.05, 9
"""Relative distance at which a coefficient may be a whole number."""

MOST_COLUMNS = 20
"""Of more the few rows close to a pole tell too little, and to ask them takes long."""

FITTED, OFFERED = 100, 6

KNOWN = 3
"""Formulas of other strategies, the best for most rows, that a term is looked for beside.
*Guess:* a sum, the same with a term that follows the few rows, and one that is shorter."""


def outlying_terms(
    rows: Rows, *, known: Iterable[Circuit] = (), stop: Stop = lambda: False
) -> Iterator[Circuit]:
    """A sum of few monomials and one more term; or one term times a power of 1 and another.

    Where the other term is small the rows give the sum away to a robust fit. Those where it is
    large, close to its poles, then show the term: its logarithm is linear in those of the columns,
    or a power of it is a monomial over a sum. Without noise, and with a sum of whole numbers, all
    rows show it.

    Parameters
    ----------
    rows : Rows
        Training rows.
    known : iterable of Circuit
        Formulas that one more term may stand beside as well.
    stop : callable
        Asked before each sum.

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
            _beside_known(scaled, weights, known, scale), _trees(scaled, weights, scale, stop)
        )
        for tree in itertools.islice(trees, FITTED):
            fitted = fit_tree(tree, scaled, weights)
            if fitted is not None:
                fits.append(fitted)
    for fitted in sorted(fits, key=lambda f: f.score)[:OFFERED]:
        try:
            yield scale.up(circuit_of(tidy(fitted.node), rows.X.shape[1]))
        except (OverflowError, ValueError):
            continue  # an exponent or a constant beyond what a circuit holds


def _beside_known(
    rows: Rows, weights: Floats, known: Iterable[Circuit], scale: Scale
) -> Iterator[Node]:
    """Formulas that most rows follow, and a term that the others show."""
    followed: dict[float, tuple[Circuit, Floats]] = {}
    for circuit in known:
        try:
            scaled = scale.back(circuit)
        except ValueError:
            continue  # a power of the scale is no double
        left = rows.y - scaled.evaluate(rows.X)
        spread = NORMAL * float(np.median(np.abs(left * weights)))
        if spread > 0 and np.isfinite(left).all():
            followed.setdefault(spread, (scaled, left))
    for spread in sorted(followed)[:KNOWN]:
        scaled, left = followed[spread]
        off = np.abs(left) * weights / spread
        some = off > STANDING_OUT
        if some.sum() > SPARE_ROWS and stands_out(left * weights):
            beside = expression_of(scaled)
            for term in Shown(rows.X[some], left[some], off[some]).terms():
                yield total([(1.0, beside), (1.0, term)])


def _trees(rows: Rows, weights: Floats, scale: Scale, stop: Stop) -> Iterator[Node]:
    for trend in trends(rows.X, rows.y, weights):
        if stop():
            return
        yield from _beside_sum(rows, weights, trend, scale)
        if len(trend.terms) == 1:
            yield from _beside_one(rows, weights, trend, scale)


def _beside_sum(rows: Rows, weights: Floats, trend: Trend, scale: Scale) -> Iterator[Node]:
    """The sum and a term."""
    off = np.abs(trend.left) * weights / (trend.spread or 1.0)
    some = off > STANDING_OUT
    shown = [(trend.terms, Shown(rows.X[some], trend.left[some], off[some]))]
    whole = _whole(trend.terms, scale)
    if whole is not None:
        left = rows.y - sum(c * _values(rows.X, e) for e, c in whole)
        if left.all():
            shown.append((whole, Shown(rows.X, left, np.full(len(left), CERTAIN))))
    for terms, rows_that_show in shown:
        if len(rows_that_show.left) > SPARE_ROWS:
            sum_ = [(c, monomial(e)) for e, c in terms]
            yield from (total([*sum_, (1.0, term)]) for term in rows_that_show.terms())


def _beside_one(rows: Rows, weights: Floats, trend: Trend, scale: Scale) -> Iterator[Node]:
    """The one term of a sum times a power of 1 and another term."""
    whole = _whole(trend.terms, scale)
    for power, terms in itertools.product(POWERS, (trend.terms, whole)):
        if terms is None:
            continue
        ((exponents, c),) = terms
        value = c * _values(rows.X, exponents)
        if not value.all() or not np.isfinite(value).all():
            continue
        target, say = _power(rows.y / value, weights * np.abs(value), power)
        left = target - 1
        usable = (say > 0) & (left != 0)
        if usable.mean() < MOSTLY:
            continue
        if terms is whole:
            some = usable & (np.abs(left) < NEARLY_ONE)
            off = np.full(len(left), CERTAIN)
        else:
            off = np.abs(left) * say / (NORMAL * float(np.median(np.abs(left * say)[usable])))
            some = off > STANDING_OUT
        if some.sum() > SPARE_ROWS:
            for term in Shown(rows.X[some], left[some], off[some]).terms():
                bracket = total([(1.0, Number(1.0)), (1.0, term)])
                yield product([(monomial(exponents), ONE), (bracket, 1 / power)], c)


def _power(y: Floats, weights: Floats, power: Fraction) -> tuple[Floats, Floats]:
    """A power of the targets and its weights, 0 where it has no value."""
    target = y ** float(power)
    say = weights / (abs(float(power)) * np.abs(y) ** float(power - 1))
    usable = np.isfinite(target) & np.isfinite(say)
    return np.where(usable, target, 0.0), np.where(usable, say, 0.0)


def _whole(terms: Terms, scale: Scale) -> Terms | None:
    """The sum with coefficients that are whole numbers in the table's units, if all may be."""
    found = []
    for exponents, c in terms:
        columns = np.prod(scale.columns ** np.array([float(e) for e in exponents]))
        unit = scale.target / float(columns)
        near = nearly_whole(c * unit)
        if near is None:
            return None
        found.append((exponents, near / unit))
    return tuple(found)


def nearly_whole(value: float) -> int | None:
    """The small whole number that a coefficient may be, seen beside another term; or None."""
    near = round(value)
    close = 1 <= abs(near) <= LARGEST_WHOLE and abs(value - near) <= CLOSE_TO_WHOLE * abs(near)
    return near if close else None


def _values(X: Floats, exponents: Exponents) -> Floats:
    twice = [int(2 * e) for e in exponents]
    return laurent_values(X, np.array([twice]))[:, 0]


def _search(problem: Problem, context: Context) -> Iterator[Found]:
    # few rows show the term; its constants are fitted to all
    return map(
        Found, outlying_terms(problem.train, known=tuple(context.earlier), stop=context.stop)
    )


# the law is a + b + 1/(a - c)
_DIFFERENCE = total([(1.0, Column(0)), (-1.0, Column(2))], 0.0)
_POLE = total([(1.0, Column(0)), (1.0, Column(1)), (1.0, product([(_DIFFERENCE, -ONE)]))], 0.0)

OUTLYING_TERM = Strategy(
    name="beside a sum",
    summary="solved by robust regression: a sum, and one term that only some rows show",
    cost=Cost.SECONDS,
    example=Example(circuit_of(_POLE, 3), low=-3.0, n_rows=500),
    search=_search,
)
