"""A product of two sums of many columns, from the spectrum of the residuals of one sum."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Self

import numpy as np
from numpy.typing import NDArray

from nalu_cli.circuit import Circuit, Term, Unit, UnitKind
from nalu_cli.numerics.gauss_newton import Damping, descend
from nalu_cli.problem import Problem
from nalu_cli.rows import Rows
from nalu_cli.search.candidate import Candidate
from nalu_cli.search.strategy import Context, Cost, Example, Strategy

__all__ = ["PRODUCT_OF_SUMS"]

Floats = NDArray[np.float64]

FEWEST_ROWS_PER_WEIGHT = 1.1
"""*Derived:* a product of two sums with as many weights as there are rows goes through anything;
the tenth more is what must agree by itself."""

CLEAR = 5.0
"""*Guess:* a column is one that a sum alone needs if its weight is five standard errors from zero;
of a hundred columns one is so by chance once in ten thousand tables."""

STEPS = 25
"""*Guess:* Gauss-Newton steps at most; a product is found in about eight."""

RETRIES = 8
"""*Guess:* dampings tried for each step; the last is two million times the first."""

FIRST_DAMPING = 1e-3
"""*Guess:* the spectrum gives a start close to the product, and the first step may be bold."""

LEAST_DAMPING = 1e-14
"""*Derived:* keeps the equations solvable in the one direction without effect, in which one sum
grows as the other shrinks; some fifty steps of rounding."""

FACTOR = 8
"""*Guess:* damping falls and rises by this factor."""

NEGLIGIBLE = 1e-12
"""*Guess:* each weight is damped as if its column had this share of all squares at least."""


def _scales(diagonal: Floats) -> Floats:
    return diagonal + NEGLIGIBLE * float(diagonal.sum())


DAMPING = Damping(
    _scales, first=FIRST_DAMPING, least=LEAST_DAMPING, fall=FACTOR, rise=FACTOR, trials=RETRIES
)

HOPELESS_AFTER = 10
HOPELESS = 1e-3
"""*Guess:* a product is found in about eight steps, so one that leaves more than this share of the
variance after ten is none."""

SOLVED = 1e-20
"""*Guess:* a product leaves this share of the variance at most, residuals of a relative size of
1e-10, which is what rounding makes of sums of some dozens of columns."""

WELL_SOLVED = 1e-4 * SOLVED
"""*Guess:* nothing is gained by further steps once residuals have a relative size of 1e-12."""

ABSENT = 1e-7
"""*Guess:* a weight below this share of the largest of its sum is none: it is a hundred to a
thousand times as large as what rounding leaves of a weight that is zero."""

NEXT_TO = 1e-8
"""*Guess:* a weight is taken for a half, or for a whole number, if it is as near to one as this,
relative to the largest weight of its sum."""


def products_of_two_sums(rows: Rows) -> Iterator[Circuit]:
    """Y = (a x + a0) (b x + b0).

    The residual of the best sum is (a d) (b d) up to its mean, d being the columns less their
    means. The mean of that times d d' is near a b' + b a', a matrix whose two eigenvectors with
    eigenvalues that are not zero give a and b. From there Gauss-Newton needs few steps, however
    narrow the ranges.

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
        found = _fitted(D[:, columns], y, *_start(D[:, columns], y))
        if found is None:
            continue
        plain = [_plain(w, columns, centre, spread) for w in found]
        yield _circuit(plain, size, simple=True)
        yield _circuit(plain, size, simple=False)
        return


def _choices(D: Floats, y: Floats) -> Iterator[NDArray[np.intp]]:
    """The columns a sum alone needs, then all; neither where the rows are too few for so many."""
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


@dataclass(frozen=True, slots=True)
class _Product:
    """Two sums with weights (n + 1,) each, and how far their product is off on the rows."""

    D: Floats
    y: Floats
    a: Floats
    b: Floats
    residual: Floats
    misfit: float

    @classmethod
    def of(cls, D: Floats, y: Floats, a: Floats, b: Floats) -> Self:
        residual = y - (D @ a) * (D @ b)
        return cls(D, y, a, b, residual, float(residual @ residual))

    @property
    def parameters(self) -> Floats:
        return np.concatenate([self.a, self.b])

    def jacobian(self) -> Floats:
        in_a, in_b = self.D * (self.D @ self.b)[:, None], self.D * (self.D @ self.a)[:, None]
        return np.concatenate([in_a, in_b], axis=1)

    def moved(self, parameters: Floats) -> Self:
        n = len(self.a)
        return self.of(self.D, self.y, parameters[:n], parameters[n:])


def _fitted(D: Floats, y: Floats, a: Floats, b: Floats) -> tuple[Floats, Floats] | None:
    """Weights of both sums; None if Gauss-Newton does not come to rest at a product."""
    total = float(np.sum((y - y.mean()) ** 2))

    def is_done(step: int, loss: float) -> bool:
        is_hopeless = step >= HOPELESS_AFTER and loss > HOPELESS * total
        return loss <= WELL_SOLVED * total or is_hopeless

    found = descend(_Product.of(D, y, a, b), DAMPING, steps=STEPS, is_done=is_done)
    return None if found is None or found.misfit > SOLVED * total else (found.a, found.b)


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


def _search(problem: Problem, _: Context) -> Iterator[Candidate]:
    return map(Candidate, products_of_two_sums(problem.train))


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
