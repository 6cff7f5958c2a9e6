"""The term behind a residual: a product, or a quotient or root of few monomials."""

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
from nalu_cli.numerics.tolerances import RIDGE

__all__ = ["DEFINED_SHARE", "SPARE_ROWS", "ResidualTerm"]

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

ONE: Fraction = Fraction(1)

MOST_WEIGHT = 30.0
"""Largest weight of a row: the term over its error counts up to this. *Guess:* where the term is
larger, other errors than those of the target matter."""

SPARE_ROWS = 4
"""Number of rows beyond that of the coefficients fitted to them. *Guess:* few rows show a term."""

LARGEST_EXPONENT = 4
"""Largest exponent of a column in a product. *Guess:* larger ones are rare in laws."""

POWERS = (-ONE, Fraction(-1, 2), Fraction(-2))
"""Powers of the sum in a rational term. *Guess:* a quotient, one over a root, one over a square."""

FACTOR_DEGREE = 2
"""Largest degree of a monomial that the power of a sum is multiplied by. *Guess:* larger ones are
rare in laws."""

MOST_FACTORS = 45
"""Largest number of monomials that the power of a sum is multiplied by, one after another. *Guess:*
each is tried with every power."""

MOST_ROWS = 300
"""Number of rows that rational terms are fitted to, those of the largest weights. *Guess:* a few
for each monomial."""

CLEAR_WEIGHT = 5.0
"""Least weight of a row that rational terms are fitted to. *Guess:* the inverse of a term that is
not much larger than its error is biased."""

MOST_MISFIT = 4.0
"""Largest mean square residual, in units of the errors, of a rational term. *Guess:* twice the
errors, since the sum that was subtracted has errors of its own."""

MOST_DEGREE = 4
"""Largest degree of the sum in a rational term. *Guess:* larger ones are rare in laws."""

FEW_MONOMIALS = 40
"""Number of monomials up to which sums of a degree are tried with all factors. *Guess:* each takes
milliseconds."""

MANY_MONOMIALS = 220
"""Number of monomials up to which sums of a degree are tried with few factors, where no smaller one
fits. *Guess:* each takes some hundredths of a second."""

ROWS_PER_MONOMIAL = 1.4
"""Number of rows for each monomial of the sum in a rational term. *Guess:* the least with which a
misfit means anything."""

AT_ONCE = 0.1
"""Share of many monomials that is eliminated at once. *Guess:* the first to go are clearly idle."""

TERMS_TRIED = 3
"""Number of terms in sums of which all are tried where rows are few. *Guess:* the shortest sums
that are no quotient of one monomial and another."""

MOST_TRIED = 21
"""Number of monomials up to which all sums of three of them are tried. *Derived:* of 21 there are
1330 such sums, which are solved at once."""

KEPT = 3
"""Number of rational terms of a degree that are kept, those that fit best. *Guess:* the second and
third may be simpler once monomials are eliminated."""

KEPT_OF_TRIED = 30
"""Number of short rational terms that are kept. *Guess:* many, since only the other rows tell them
apart."""

KEPT_OF_EACH = 4
"""Number of short rational terms that are kept for each power and factor. *Guess:* a few, so that
all powers and factors are among those kept."""

DEFINED_SHARE = 0.97
"""Share of the rows where a power must have a value. *Guess:* noise turns the sign of a few."""


@dataclass(frozen=True, slots=True)
class ResidualTerm:
    """A term that is unknown but for its values, the residuals of some rows.

    Parameters
    ----------
    X : ndarray of shape (N, n_columns)
    residual : ndarray of shape (N,)
        The term, and an error.
    weights : ndarray of shape (N,)
        How many times its error the term is.
    """

    X: Floats
    residual: Floats
    weights: Floats

    def candidates(self) -> Iterator[Node]:
        """Terms that the residuals may be, each with constants close to those that fit best."""
        yield from self._products()
        order = np.argsort(-self.weights, kind="stable")[:MOST_ROWS]
        some = order[self.weights[order] > CLEAR_WEIGHT]
        clear = replace(
            self, X=self.X[some], residual=self.residual[some], weights=self.weights[some]
        )
        yield from clear._rational()

    def _products(self) -> Iterator[Node]:
        """Those whose logarithm fits best, exponents rounded to halves at once, or one by one."""
        usable = (self.X != 0).all(axis=1) & (self.residual != 0)
        X, residual = self.X[usable], self.residual[usable]
        weights = np.minimum(self.weights[usable], MOST_WEIGHT)
        if len(X) < X.shape[1] + SPARE_ROWS:
            return
        logs = np.column_stack([np.log(np.abs(X)), np.ones(len(X))])
        target = np.log(np.abs(residual))
        free = weighted_least_squares(logs, target, weights)[0][:-1]
        if not np.max(np.abs(free)) < LARGEST_EXPONENT + 0.25:
            return
        at_once, one_by_one = np.round(2 * free) / 2, _rounded(logs, target, weights)
        for slopes in np.unique([at_once, one_by_one], axis=0):
            if slopes.any():
                exponents = [Fraction(round(2 * v), 2) for v in slopes]
                yield _product(X, residual, weights, exponents)

    def _rational(self) -> Iterator[Node]:
        """Monomials times powers of sums of few monomials."""
        n, rows = self.X.shape[1], len(self.X)
        sizes = {degree: math.comb(n + degree, n) for degree in range(1, MOST_DEGREE + 1)}
        most = rows / ROWS_PER_MONOMIAL
        few = [d for d, size in sizes.items() if size <= min(FEW_MONOMIALS, most)]
        many = [d for d, size in sizes.items() if FEW_MONOMIALS < size <= min(MANY_MONOMIALS, most)]
        found = [term for degree in few for term in self._best_fits(degree, FACTOR_DEGREE)]
        if not found and many:
            found = self._best_fits(many[-1], 1)
        for term in found:
            yield from term.eliminated()
        small = [d for d, size in sizes.items() if size <= MOST_TRIED]
        if small and rows > TERMS_TRIED + SPARE_ROWS and few[-1:] < small[-1:]:
            terms = self._rational_terms(small[-1], FACTOR_DEGREE)
            short = [pair for term in terms for pair in term.short_sums()]
            short.sort(key=lambda pair: pair[0])
            yield from (node for _, node in short[:KEPT_OF_TRIED])

    def _best_fits(self, degree: int, of_factor: int) -> list[_RationalTerm]:
        """The best of those that fit with all monomials."""
        misfits = [(term.misfit(), term) for term in self._rational_terms(degree, of_factor)]
        fits = [(misfit, term) for misfit, term in misfits if misfit <= MOST_MISFIT]
        return [term for _, term in sorted(fits, key=lambda pair: pair[0])[:KEPT]]

    def _rational_terms(self, degree: int, of_factor: int) -> Iterator[_RationalTerm]:
        """For each power and factor the linear fit of the sum to what it should be."""
        n = self.X.shape[1]
        counts = [math.comb(n + d, n) for d in range(of_factor + 1)]
        factors = exponents_up_to(n, max(d for d, m in enumerate(counts) if m <= MOST_FACTORS))
        exponents = exponents_up_to(n, degree)
        with np.errstate(all="ignore"):
            values, tops = monomial_values(self.X, exponents), monomial_values(self.X, factors)
        for power, (factor, top) in itertools.product(POWERS, zip(factors, tops.T, strict=True)):
            with np.errstate(all="ignore"):
                ratio = top / self.residual
                sign = 1.0 if power == -1 or np.median(ratio) > 0 else -1.0
                wanted = (sign * ratio) ** float(-1 / power)
                weights = self.weights * abs(float(power)) / np.abs(wanted)
            usable = np.isfinite(wanted) & np.isfinite(weights)
            if usable.mean() < DEFINED_SHARE:
                continue
            most = MOST_WEIGHT * np.median(weights[usable])
            weights = np.where(usable, np.minimum(weights, most), 0.0)
            target = np.where(usable, wanted, 0.0) * weights
            yield _RationalTerm(exponents, values * weights[:, None], target, factor, power, sign)


def _rounded(logs: Floats, target: Floats, weights: Floats) -> Floats:
    """Slopes rounded to halves, the most certain first, the others fitted anew each time.

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


def _product(X: Floats, residual: Floats, weights: Floats, exponents: list[Fraction]) -> Node:
    """The product of powers of columns, or of their magnitudes, with the typical size and sign."""
    sizes = np.log(np.abs(X)) @ np.array([float(e) for e in exponents])
    typical = math.exp(np.average(np.log(np.abs(residual)) - sizes, weights=weights**2))
    odd = [e.denominator == 1 and e.numerator % 2 == 1 for e in exponents]
    as_product = float(np.mean(np.sign(residual) * np.prod(np.sign(X[:, odd]), axis=1)))
    of_one_sign = float(np.mean(np.sign(residual)))
    plain = abs(as_product) >= abs(of_one_sign)
    factors = [
        (_base(j, plain and e.denominator == 1, column), e)
        for j, (e, column) in enumerate(zip(exponents, X.T, strict=True))
        if e
    ]
    return product(factors, math.copysign(typical, as_product if plain else of_one_sign))


@dataclass(frozen=True, slots=True)
class _RationalTerm:
    """``sign * F * T ** power``, F a monomial, T a sum of monomials.

    `design`, (N, M), holds the monomials of T, and `target`, (N,), the values that T should have,
    both in units of the errors.
    """

    exponents: tuple[tuple[int, ...], ...]
    design: Floats
    target: Floats
    factor: tuple[int, ...]
    power: Fraction
    sign: float

    def misfit(self) -> float:
        """Mean square residual with all monomials, for each row beyond their number."""
        spare = len(self.target) - len(self.exponents)
        whole = np.column_stack([self.design, self.target])
        # the last entry of the triangle's last column is the length of the residual
        try:
            triangle: Floats = np.asarray(np.linalg.qr(whole, mode="r"))
        except np.linalg.LinAlgError:
            return math.inf
        misfit = float(triangle[-1, -1]) ** 2 / spare if spare > 0 else 0.0
        return misfit if math.isfinite(misfit) else math.inf

    def eliminated(self) -> Iterator[Node]:
        """The term with the significant monomials alone."""
        many = self.design.shape[1] > FEW_MONOMIALS
        try:
            places, coefficients = backward_elimination(
                self.design, self.target, share=AT_ONCE if many else 0.0
            )
        except np.linalg.LinAlgError:
            return
        if len(places):
            yield self._node(places, coefficients)

    def short_sums(self) -> Iterator[tuple[float, Node]]:
        """Sums of squared residuals, and terms, with the best sums of three monomials."""
        size = np.linalg.norm(self.design, axis=0)
        if not size.all() or not np.isfinite(size).all() or len(size) < TERMS_TRIED:
            return
        A = self.design / size
        G, h = A.T @ A, A.T @ self.target
        sets = np.array([*itertools.combinations(range(A.shape[1]), TERMS_TRIED)])
        H = G[sets[:, :, None], sets[:, None, :]] + RIDGE * np.eye(TERMS_TRIED)
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
