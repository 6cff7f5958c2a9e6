"""Columns that only multiply the target by a power, pulled out of the question."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from nalu_cli.answer import Move
from nalu_cli.circuit import Circuit, Term, Unit, UnitKind
from nalu_cli.numerics.least_squares import log_weights, reweighted
from nalu_cli.problem import Problem
from nalu_cli.rows import Rows
from nalu_cli.search.candidate import Found

__all__ = ["Factored", "pull_out"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

SURE = 4.0
"""Standard errors within which the slope of a factor's logarithm lies from its exponent."""

ROUNDING = 1e-9
CLEAR = 2.0
"""Standard errors that the next exponent must be away."""

NEAR = 0.1
"""Largest distance of the slope from the exponent, however large the error; relative above 1."""

LARGEST = 6

ROWS_PER_SLOPE = 4
"""With fewer rows than this for each logarithm and product of two, products are left out."""

LEAST_FREE = 1e-3
"""Of a row that decides a coefficient alone, the share that it is taken to say about its error."""


@dataclass(frozen=True, slots=True)
class Factored:
    """The target over a product of powers, as a question about the other columns.

    Parameters
    ----------
    problem : Problem
        Without the factors, and with the target divided by them.
    sizes : ndarray of shape (N,)
        Of the factors on the training rows: an error of the target is divided by them as well.
    names : tuple of str
        All columns.
    slopes : ndarray of shape (n_columns,)
        Of the target's logarithm in those of the columns.
    exponents : tuple of Fraction
        Of the factors; 0 for the columns that are left.
    """

    problem: Problem
    sizes: Floats
    names: tuple[str, ...]
    slopes: Floats
    exponents: tuple[Fraction, ...]

    @property
    def said(self) -> str:
        """What rungs for the columns that are left are called beside their names."""
        return "times factors"

    def lift(self, found: Found) -> Found:
        """What was found for the columns that are left, times the factors."""
        kept = [j for j, e in enumerate(self.exponents) if not e]
        lifted = found.circuit.among(len(self.names), kept)
        width = len(lifted.layers[-1])
        factors = [(j, e) for j, e in enumerate(self.exponents) if e]
        terms = (Term(0, Fraction(1)), *(Term(width + j, e) for j, e in factors))
        layers = (*lifted.layers, (Unit(UnitKind.PRODUCT, terms, 1.0),))
        circuit = Circuit(len(self.names), layers)
        moves = found.moves and (*found.moves, *self._moves(len(layers) - 1))
        return Found(circuit, moves, found.restarts)

    def _moves(self, layer: int) -> Iterator[Move]:
        for name, slope, e in zip(self.names, self.slopes, self.exponents, strict=True):
            if e:
                yield Move(layer, 0, name, float(slope), float(e), 0.0)


def pull_out(problem: Problem) -> tuple[Factored, ...]:
    """Divide the target by the columns it is a product of, as far as logarithms tell.

    In y = a*b**2 * f(c, d) with columns that vary by themselves the logarithm of the target has
    the slopes 1 and 2 in those of a and b, whatever f is. A slope of a half may be chance sooner
    than one of 1.

    Parameters
    ----------
    problem : Problem

    Returns
    -------
    tuple of Factored
        With whole exponents alone, and with half ones too; none when there is no such column, or
        no other.
    """
    rows = problem.train
    given = rows.y != 0
    if not problem.all_rows().X.all() or given.sum() < rows.X.shape[1] + 2:
        return ()
    powers = _Powers.of(rows.X[given], rows.y[given])
    positive = np.all(rows.X > 0, axis=0)
    ways = dict.fromkeys(powers.of_factors(roots) for roots in (np.zeros_like(positive), positive))
    return tuple(
        Factored(
            _without_factors(problem, exponents),
            _sizes(problem.train.X, exponents),
            problem.names,
            powers.slopes,
            exponents,
        )
        for exponents in ways
        if any(exponents) and not all(exponents)
    )


def _without_factors(problem: Problem, exponents: tuple[Fraction, ...]) -> Problem:
    kept = [j for j, e in enumerate(exponents) if not e]
    powers = np.array([float(e) for e in exponents])

    def divided(rows: Rows) -> Rows:
        with np.errstate(all="ignore"):
            return Rows(rows.X[:, kept], rows.y / np.prod(rows.X**powers, axis=1))

    names = tuple(problem.names[j] for j in kept)
    return replace(problem.with_rows(divided), names=names)


def _sizes(X: Floats, exponents: tuple[Fraction, ...]) -> Floats:
    with np.errstate(all="ignore"):
        sizes = np.exp(np.log(np.abs(X)) @ np.array([float(e) for e in exponents]))
    return np.asarray(sizes / (np.median(sizes) or 1.0))


@dataclass(frozen=True, slots=True)
class _Powers:
    """Slopes of log|y| in each log|x|, (n_columns,), their errors, and which are straight lines.

    A factor is one whatever the other columns are; any other column has some slope too, which may
    be close to a whole number by chance, but it changes with the column or with others.
    """

    slopes: Floats
    errors: Floats
    straight: Bools

    @classmethod
    def of(cls, X: Floats, y: Floats) -> _Powers:
        """By weighted least squares, of each slope the surer one of two.

        Products of two logarithms take what the other columns do out of the errors, but ask for
        more than a few rows that outweigh all others.
        """
        n = X.shape[1]
        logs, target, weights = np.log(np.abs(X)), np.log(np.abs(y)), log_weights(y)
        logs = logs - np.average(logs, axis=0, weights=weights**2)
        lines = np.column_stack([logs, np.ones(len(y))])
        slopes, errors = (of[:n] for of in _fitted(lines, target, weights))
        bent: set[int] = set()
        if len(y) >= ROWS_PER_SLOPE * math.comb(n + 2, 2):
            pairs = [*itertools.combinations_with_replacement(range(n), 2)]
            curves = np.column_stack([logs[:, i] * logs[:, j] for i, j in pairs])
            coefficients, theirs = _fitted(np.hstack([lines, curves]), target, weights)
            bends = np.abs(coefficients[n + 1 :]) > SURE * theirs[n + 1 :] + ROUNDING
            bent = {j for pair, is_bent in zip(pairs, bends, strict=True) if is_bent for j in pair}
            surer = theirs[:n] < errors
            slopes = np.where(surer, coefficients[:n], slopes)
            errors = np.where(surer, theirs[:n], errors)
        return cls(slopes, errors, np.array([j not in bent for j in range(n)]))

    def of_factors(self, roots: Bools) -> tuple[Fraction, ...]:
        """The powers columns are factors with, halves among them where roots may be; else 0."""
        return tuple(
            _exponent(slope, error, root=bool(root)) if straight else Fraction(0)
            for slope, error, straight, root in zip(
                self.slopes, self.errors, self.straight, roots, strict=True
            )
        )


def _fitted(design: Floats, target: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Coefficients, (K,), and standard errors that need no errors of one size.

    What a straight line leaves of the other columns is larger in some places than in others; each
    row counts with what it would leave if it had not been fitted (MacKinnon and White, Journal of
    Econometrics 29, 1985, HC3).
    """
    weights = reweighted(design, target, weights)[2]
    A, b = design * weights[:, None], target * weights
    inverse = np.linalg.pinv(A)
    coefficients = inverse @ b
    leverage = np.einsum("nk,kn->n", A, inverse)
    alone = (b - A @ coefficients) / np.maximum(1 - leverage, LEAST_FREE)
    return coefficients, np.sqrt(inverse**2 @ alone**2)


def _exponent(slope: float, error: float, *, root: bool) -> Fraction:
    """The power of a slope that is near it while the next ones are not; 0 if there is none."""
    steps = 2 if root else 1
    nearest = Fraction(round(steps * slope), steps)
    off, near = abs(slope - float(nearest)), NEAR * max(1.0, abs(float(nearest)))
    close = off <= min(SURE * error + ROUNDING, near) and CLEAR * error < 1 / steps - off
    return nearest if close and abs(nearest) <= LARGEST else Fraction(0)
