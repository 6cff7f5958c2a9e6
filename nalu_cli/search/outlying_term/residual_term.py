"""A term that some rows show: a product, or a quotient or root of few monomials."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from nalu_cli.expression.canonical import magnitude, monomial, product, total
from nalu_cli.expression.tree import Column, Node
from nalu_cli.numerics.least_squares import weighted_least_squares
from nalu_cli.numerics.monomials import exponents_up_to, monomial_values
from nalu_cli.numerics.selection import backward_elimination

__all__ = ["MOSTLY", "SPARE_ROWS", "Shown"]

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

ONE = Fraction(1)

MOST_SAY = 30.0
"""Errors that the term of one row counts at most: far out other errors are larger."""

SPARE_ROWS = 4
"""Beyond the numbers that are asked for."""

LARGEST_EXPONENT = 4

POWERS = (-ONE, Fraction(-1, 2), Fraction(-2))
"""Of the sum in a quotient."""

FACTOR_DEGREE, MOST_FACTORS = 2, 45
"""Monomials that a power of a sum may be multiplied by."""

ASKED, CLEAR = 300, 5.0
"""Rows that are asked at most about a sum, those that say most, and the errors that their terms
are: the inverse of one that is not much larger than its error is biased."""

ALLOWED = 4.0
"""Mean square, in errors, of what a term may leave in these rows: other rows have their part in
the errors."""

MOST_DEGREE = 4
FEW_MONOMIALS, MANY_MONOMIALS, ROWS_PER_MONOMIAL = 40, 220, 1.4
"""Bounds on the sums: with all factors, and with few if no smaller one fits."""

AT_ONCE = 0.1
"""Share of many monomials that are left out at once."""

TERMS_TRIED, MOST_TRIED = 3, 21
"""Terms of the sums that are all tried where rows are few, and how many monomials there may be."""

KEPT = 3
KEPT_OF_TRIED, KEPT_OF_EACH = 30, 4
"""Quotients that fit best; of those of few rows more, with so many sums for each power and factor,
since only the other rows tell them apart."""

MOSTLY = 0.97
"""Share of the rows where a power must have a value."""


@dataclass(frozen=True, slots=True)
class Shown:
    """Rows that show a term.

    Parameters
    ----------
    X : ndarray of shape (N, n_columns)
    left : ndarray of shape (N,)
        The term, and an error.
    say : ndarray of shape (N,)
        How many times the error the term is.
    """

    X: Floats
    left: Floats
    say: Floats

    def terms(self) -> Iterator[Node]:
        """Terms that these rows may show, each with constants close to those that fit best."""
        yield from self._products()
        order = np.argsort(-self.say, kind="stable")[:ASKED]
        some = order[self.say[order] > CLEAR]
        yield from replace(
            self, X=self.X[some], left=self.left[some], say=self.say[some]
        )._quotients()

    def _products(self) -> Iterator[Node]:
        """Those whose logarithm fits best, exponents rounded to halves at once, or one by one."""
        usable = (self.X != 0).all(axis=1) & (self.left != 0)
        X, left = self.X[usable], self.left[usable]
        say = np.minimum(self.say[usable], MOST_SAY)
        if len(X) < X.shape[1] + SPARE_ROWS:
            return
        logs = np.column_stack([np.log(np.abs(X)), np.ones(len(X))])
        target = np.log(np.abs(left))
        free = weighted_least_squares(logs, target, say)[0][:-1]
        if not np.max(np.abs(free)) < LARGEST_EXPONENT + 0.25:
            return
        for slopes in np.unique([np.round(2 * free) / 2, _rounded(logs, target, say)], axis=0):
            if slopes.any():
                yield _product(X, left, say, [Fraction(round(2 * v), 2) for v in slopes])

    def _quotients(self) -> Iterator[Node]:
        """Monomials times powers of sums of few monomials."""
        n, rows = self.X.shape[1], len(self.X)
        sizes = {degree: math.comb(n + degree, n) for degree in range(1, MOST_DEGREE + 1)}
        most = rows / ROWS_PER_MONOMIAL
        few = [d for d, size in sizes.items() if size <= min(FEW_MONOMIALS, most)]
        many = [d for d, size in sizes.items() if FEW_MONOMIALS < size <= min(MANY_MONOMIALS, most)]
        found = [q for degree in few for q in self._fits(degree, FACTOR_DEGREE)]
        if not found and many:
            found = self._fits(many[-1], 1)
        for quotient in found:
            yield from quotient.eliminated()
        tried = [d for d, size in sizes.items() if size <= MOST_TRIED]
        if tried and rows > TERMS_TRIED + SPARE_ROWS and few[-1:] < tried[-1:]:
            short = [pair for q in self._asked(tried[-1], FACTOR_DEGREE) for pair in q.tried()]
            short.sort(key=lambda pair: pair[0])
            yield from (node for _, node in short[:KEPT_OF_TRIED])

    def _fits(self, degree: int, of_factor: int) -> list[_Quotient]:
        """The best of those that fit with all monomials."""
        misfits = [(q.misfit(), q) for q in self._asked(degree, of_factor)]
        fits = [(misfit, q) for misfit, q in misfits if misfit <= ALLOWED]
        return [q for _, q in sorted(fits, key=lambda pair: pair[0])[:KEPT]]

    def _asked(self, degree: int, of_factor: int) -> Iterator[_Quotient]:
        n = self.X.shape[1]
        counts = [math.comb(n + d, n) for d in range(of_factor + 1)]
        factors = exponents_up_to(n, max(d for d, m in enumerate(counts) if m <= MOST_FACTORS))
        exponents = exponents_up_to(n, degree)
        with np.errstate(all="ignore"):
            values, tops = monomial_values(self.X, exponents), monomial_values(self.X, factors)
        for power, (factor, top) in itertools.product(POWERS, zip(factors, tops.T, strict=True)):
            with np.errstate(all="ignore"):
                ratio = top / self.left
                sign = 1.0 if power == -1 or np.median(ratio) > 0 else -1.0
                wanted = (sign * ratio) ** float(-1 / power)
                say = self.say * abs(float(power)) / np.abs(wanted)
            usable = np.isfinite(wanted) & np.isfinite(say)
            if usable.mean() < MOSTLY:
                continue
            say = np.where(usable, np.minimum(say, MOST_SAY * np.median(say[usable])), 0.0)
            target = np.where(usable, wanted, 0.0) * say
            yield _Quotient(exponents, values * say[:, None], target, factor, power, sign)


def _rounded(logs: Floats, target: Floats, weights: Floats) -> Floats:
    """Slopes rounded to halves, the surest first, the others fitted anew each time.

    `logs` is (N, n_columns + 1), the last for an offset.
    """
    slopes = np.zeros(logs.shape[1] - 1)
    open_ = list(range(len(slopes)))
    while open_:
        fitted, errors = weighted_least_squares(logs[:, [*open_, -1]], target, weights)
        k = int(np.argmin(errors[:-1]))
        slopes[open_[k]] = round(2 * fitted[k]) / 2
        target = target - logs[:, open_[k]] * slopes[open_[k]]
        del open_[k]
    return slopes


def _product(X: Floats, left: Floats, say: Floats, exponents: list[Fraction]) -> Node:
    """The product of powers of columns, or of their magnitudes, with the typical size and sign."""
    sizes = np.log(np.abs(X)) @ np.array([float(e) for e in exponents])
    typical = math.exp(np.average(np.log(np.abs(left)) - sizes, weights=say**2))
    odd = [e.denominator == 1 and e.numerator % 2 == 1 for e in exponents]
    as_product = float(np.mean(np.sign(left) * np.prod(np.sign(X[:, odd]), axis=1)))
    of_one_sign = float(np.mean(np.sign(left)))
    plain = abs(as_product) >= abs(of_one_sign)
    factors = [
        (_base(j, plain and e.denominator == 1, column), e)
        for j, (e, column) in enumerate(zip(exponents, X.T, strict=True))
        if e
    ]
    return product(factors, math.copysign(typical, as_product if plain else of_one_sign))


@dataclass(frozen=True, slots=True)
class _Quotient:
    """``sign * F * T ** power``, F a monomial, T a sum of monomials.

    `design`, (N, M), holds the monomials of T and `target`, (N,), what it should be, both in units
    of the errors.
    """

    exponents: tuple[tuple[int, ...], ...]
    design: Floats
    target: Floats
    factor: tuple[int, ...]
    power: Fraction
    sign: float

    def misfit(self) -> float:
        """Mean square that all monomials leave, for each row beyond them."""
        spare = len(self.target) - len(self.exponents)
        whole = np.column_stack([self.design, self.target])
        # the last column of the triangle: what the monomials explain, and the length they leave
        try:
            told: Floats = np.asarray(np.linalg.qr(whole, mode="r"))[:, -1]
        except np.linalg.LinAlgError:
            return math.inf
        left = float(told[-1]) ** 2 / spare if spare > 0 else 0.0
        return left if math.isfinite(left) else math.inf

    def eliminated(self) -> Iterator[Node]:
        """With the monomials that matter."""
        many = self.design.shape[1] > FEW_MONOMIALS
        try:
            places, coefficients = backward_elimination(
                self.design, self.target, share=AT_ONCE if many else 0.0
            )
        except np.linalg.LinAlgError:
            return
        if len(places):
            yield self._node(places, coefficients)

    def tried(self) -> Iterator[tuple[float, Node]]:
        """The sums of squares that the best sums of three monomials leave, and the quotients."""
        size = np.linalg.norm(self.design, axis=0)
        if not size.all() or not np.isfinite(size).all() or len(size) < TERMS_TRIED:
            return
        A = self.design / size
        G, h = A.T @ A, A.T @ self.target
        sets = np.array([*itertools.combinations(range(A.shape[1]), TERMS_TRIED)])
        H = G[sets[:, :, None], sets[:, None, :]] + 1e-12 * np.eye(TERMS_TRIED)
        c = np.linalg.solve(H, h[sets][:, :, None])[:, :, 0]
        gain = np.einsum("sk,sk->s", c, h[sets])
        whole = float(self.target @ self.target)
        for best in np.argsort(-gain)[:KEPT_OF_EACH]:
            places = sets[best]
            yield whole - float(gain[best]), self._node(places, c[best] / size[places])

    def _node(self, places: Indices, coefficients: Floats) -> Node:
        terms = zip(map(float, coefficients), (self.exponents[k] for k in places), strict=True)
        base = total((c, monomial(e)) for c, e in terms)
        return product([(monomial(self.factor), ONE), (base, self.power)], self.sign)


def _base(column: int, plain: bool, values: Floats) -> Node:
    node = Column(column)
    return node if plain or bool((values > 0).all()) else magnitude(node)
