"""A product of two sums of many columns, begun from the spectrum of what a sum leaves."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from nalu_cli.circuit import Circuit, Term, Unit, UnitKind
from nalu_cli.problem import Problem
from nalu_cli.rows import Rows
from nalu_cli.search.candidate import Found
from nalu_cli.search.strategy import Context, Cost, Example, Strategy

__all__ = ["PRODUCT_OF_SUMS"]

Floats = NDArray[np.float64]

FEWEST_ROWS_PER_WEIGHT = 1.1
"""With fewer rows for each of the weights of both sums a product goes through anything."""

CLEAR = 5.0
"""Standard errors from zero of the weight of a column that a sum alone needs."""

STEPS = 25
RETRIES = 8
"""Gauss-Newton steps, and dampings tried for each."""

HOPELESS_AFTER, HOPELESS = 10, 1e-3
"""A product is found in about eight steps; loss after which it is none."""

SOLVED = 1e-20
"""Loss relative to the variance that only rounding leaves."""

ABSENT = 1e-7
"""A weight below this share of the largest of its sum is none."""


NEXT_TO = 1e-8
"""How near to a half a weight must be, of the largest, to be taken for it."""


def products_of_two_sums(rows: Rows) -> Iterator[Circuit]:
    """Y = (a x + a0) (b x + b0).

    The best sum leaves (a d) (b d) up to its mean, d being the columns less their means. The
    matrix of the mean of that times d d' is near a b' + b a', whose two eigenvectors that are not
    zero give a and b. From there Gauss-Newton needs few steps, however narrow the ranges.

    Parameters
    ----------
    rows : Rows
        Training rows.

    Yields
    ------
    Circuit
        If the product goes through the rows to rounding.
    """
    size = float(np.max(np.abs(rows.y)))
    centre, spread = rows.X.mean(axis=0), rows.X.std(axis=0)
    if not np.isfinite(size + spread.sum()) or size == 0 or not np.all(spread > 0):
        return
    D = np.column_stack([(rows.X - centre) / spread, np.ones(len(rows))])
    y = rows.y / size
    for columns in _choices(D, y):
        found = _descend(D[:, columns], y, *_start(D[:, columns], y))
        if found is None:
            continue
        plain = [_plain(w, columns, centre, spread) for w in found]
        yield _circuit(plain, size, simple=True)
        yield _circuit(plain, size, simple=False)
        return


def _choices(D: Floats, y: Floats) -> Iterator[NDArray[np.intp]]:
    """Columns a sum alone needs, and all, as far as the rows can say something about so many."""
    rows, n = len(D), D.shape[1] - 1
    if rows > n + 1:
        w = np.linalg.lstsq(D, y, rcond=None)[0]
        noise = np.sqrt(np.sum((y - D @ w) ** 2) / (rows - n - 1) / rows)
        clear = np.flatnonzero(np.abs(w[:-1]) > CLEAR * noise)
        if 2 <= len(clear) < n and rows >= FEWEST_ROWS_PER_WEIGHT * 2 * (len(clear) + 1):
            yield np.append(clear, n)
    if n >= 2 and rows >= FEWEST_ROWS_PER_WEIGHT * 2 * (n + 1):
        yield np.arange(n + 1)


def _start(D: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Weights (n + 1,) of both sums from the spectrum."""
    w = np.linalg.lstsq(D, y, rcond=None)[0]
    d = D[:, :-1]
    M = (d * (y - D @ w)[:, None]).T @ d / len(y)
    np.fill_diagonal(M, 0.0)  # means of fourth powers, which depend on the distribution
    values, vectors = np.linalg.eigh(M)
    plus = np.sqrt(max(values[-1], 0.0)) * vectors[:, -1]
    minus = np.sqrt(max(-values[0], 0.0)) * vectors[:, 0]
    a, b = (plus + minus) / np.sqrt(2), (plus - minus) / np.sqrt(2)
    offsets = np.linalg.lstsq(np.column_stack([b, a]), w[:-1], rcond=None)[0]
    return np.append(a, offsets[0]), np.append(b, offsets[1])


def _descend(D: Floats, y: Floats, a: Floats, b: Floats) -> tuple[Floats, Floats] | None:
    """Damped Gauss-Newton on both sums; None if it does not come to rest at a product."""
    total, damping, n = float(np.sum((y - y.mean()) ** 2)), 1e-3, len(a)
    left = (D @ a) * (D @ b) - y
    loss = float(left @ left)
    for step in range(STEPS):
        J = np.concatenate([D * (D @ b)[:, None], D * (D @ a)[:, None]], axis=1)
        H, slope = J.T @ J, J.T @ left
        scale = np.diagonal(H) + 1e-12 * np.trace(H)
        for _ in range(RETRIES):
            move = np.linalg.solve(H + damping * np.diag(scale), -slope)
            next_a, next_b = a + move[:n], b + move[n:]
            trial = (D @ next_a) * (D @ next_b) - y
            if float(trial @ trial) < loss:
                break
            damping *= 8
        else:
            break
        a, b, left, damping = next_a, next_b, trial, max(damping / 8, 1e-14)
        loss = float(left @ left)
        if loss <= 1e-4 * SOLVED * total or (step >= HOPELESS_AFTER and loss > HOPELESS * total):
            break
    return (a, b) if loss <= SOLVED * total else None


def _plain(w: Floats, columns: NDArray[np.intp], centre: Floats, spread: Floats) -> Floats:
    """Weights of all columns as they are, then the offset."""
    weights = np.zeros(len(centre))
    weights[columns[:-1]] = w[:-1]
    weights /= spread
    return np.append(weights, w[-1] - centre @ weights)


def _circuit(sums: list[Floats], size: float, *, simple: bool) -> Circuit:
    """Both sums with their largest weights at one, and the product of them with a scale.

    A sum of many columns with equal weights is a law, with as many reals it is not: weights next
    to halves are first taken for them.
    """
    units, scale = [], size
    for w in sums:
        top = float(w[np.argmax(np.abs(w[:-1]))])
        share, scale = w / top, scale * top
        if simple:
            halves = np.round(2 * share) / 2
            share = np.where(np.abs(share - halves) < NEXT_TO, halves, share)
        terms = tuple(
            Term(int(i), Fraction(1 if share[i] > 0 else -1), abs(float(share[i])))
            for i in np.flatnonzero(np.abs(share[:-1]) > ABSENT)
        )
        reach = float(np.abs(share[:-1]).sum())
        offset = float(share[-1]) if abs(share[-1]) > ABSENT * reach else 0.0
        units.append(Unit(UnitKind.SUM, terms, offset))
    answer = Unit(UnitKind.PRODUCT, (Term(0, Fraction(1)), Term(1, Fraction(1))), scale)
    return Circuit(len(sums[0]) - 1, (tuple(units), (answer,)))


def _search(problem: Problem, _: Context) -> Iterator[Found]:
    return map(Found, products_of_two_sums(problem.train))


_ONE = Fraction(1)
_SUMS = (
    Unit(UnitKind.SUM, (Term(0, _ONE), Term(1, _ONE)), 0.0),
    Unit(UnitKind.SUM, (Term(1, _ONE), Term(2, -_ONE)), 0.0),
)

PRODUCT_OF_SUMS = Strategy(
    name="product of sums",
    summary="solved: a product of two sums of many columns, from the spectrum of the residuals",
    cost=Cost.INSTANT,
    example=Example(
        Circuit(3, (_SUMS, (Unit(UnitKind.PRODUCT, (Term(0, _ONE), Term(1, _ONE)), 1.0),)))
    ),
    search=_search,
)
