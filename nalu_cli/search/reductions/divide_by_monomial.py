"""Reduction: the target divided by the columns that only multiply it by a power."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from nalu_cli.answer import Move
from nalu_cli.circuit import Circuit, Term, Unit, UnitKind
from nalu_cli.problem import Problem
from nalu_cli.rows import Rows
from nalu_cli.search.candidate import Candidate
from nalu_cli.search.reductions.monomial_evidence import Powers
from nalu_cli.search.reductions.reduction import Reducer
from nalu_cli.search.strategy import Example

__all__ = ["DIVIDE_BY_MONOMIAL", "DividedByMonomial", "divided"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class DividedByMonomial:
    """The target over a product of powers, as a problem in the other columns.

    Parameters
    ----------
    problem : Problem
    names : tuple of str
        All columns.
    slopes : ndarray of shape (n_columns,)
        Of the target's logarithm in those of the columns.
    exponents : tuple of Fraction
        Of the monomial; 0 for the columns of the reduced problem.
    """

    problem: Problem
    names: tuple[str, ...]
    slopes: Floats
    exponents: tuple[Fraction, ...]

    name = "times factors"

    def lift(self, found: Candidate) -> Candidate:
        """What was found for the other columns, times the monomial."""
        inner = found.circuit.among(len(self.names), _others(self.exponents))
        width = len(inner.layers[-1])
        factors = [Term(width + j, e) for j, e in enumerate(self.exponents) if e]
        unit = Unit(UnitKind.PRODUCT, (Term(0, Fraction(1)), *factors), 1.0)
        circuit = replace(inner, layers=(*inner.layers, (unit,)))
        moves = found.moves and (*found.moves, *self._moves(len(inner.layers)))
        return replace(found, circuit=circuit, moves=moves)

    def _moves(self, layer: int) -> Iterator[Move]:
        for name, slope, e in zip(self.names, self.slopes, self.exponents, strict=True):
            if e:
                yield Move(layer, 0, name, float(slope), float(e), 0.0)


def divided(problem: Problem) -> tuple[DividedByMonomial, ...]:
    """Divide the target by the columns that its logarithm shows to be factors.

    In y = a*b**2 * f(c, d) with columns that vary by themselves the logarithm of the target has
    the slopes 1 and 2 in those of a and b, whatever f is. A slope of a half may be chance sooner
    than one of 1: first come whole exponents alone, then half ones too.
    """
    rows = problem.train
    given = rows.y != 0
    if not problem.all_rows().X.all() or given.sum() < rows.X.shape[1] + 2:
        return ()
    powers = Powers.of(rows.X[given], rows.y[given])
    positive = np.all(rows.X > 0, axis=0)
    ways = dict.fromkeys(powers.of_factors(roots) for roots in (np.zeros_like(positive), positive))
    return tuple(
        DividedByMonomial(_without(problem, way), problem.names, powers.slopes, way)
        for way in ways
        if any(way) and not all(way)
    )


def _without(problem: Problem, exponents: tuple[Fraction, ...]) -> Problem:
    kept = _others(exponents)
    typical = float(np.median(np.abs(_monomial(problem.train.X, exponents)))) or 1.0

    def divide(rows: Rows) -> Rows:
        monomial = _monomial(rows.X, exponents)
        with np.errstate(all="ignore"):
            # an error of the target is divided as the target is
            return Rows(rows.X[:, kept], rows.y / monomial, weights=np.abs(monomial) / typical)

    return replace(problem.with_rows(divide), names=tuple(problem.names[j] for j in kept))


def _others(exponents: tuple[Fraction, ...]) -> list[int]:
    return [j for j, e in enumerate(exponents) if not e]


def _monomial(X: Floats, exponents: tuple[Fraction, ...]) -> Floats:
    with np.errstate(all="ignore"):
        return np.asarray(np.prod(X ** np.array([float(e) for e in exponents]), axis=1))


# the law is a**2/b*(c + d)
_TIMES_SUM = Circuit(
    4,
    (
        (Unit(UnitKind.SUM, (Term(2, Fraction(1)), Term(3, Fraction(1))), 0.0),),
        (
            Unit(
                UnitKind.PRODUCT,
                (Term(0, Fraction(1)), Term(1, Fraction(2)), Term(2, Fraction(-1))),
                1.0,
            ),
        ),
    ),
)

DIVIDE_BY_MONOMIAL = Reducer(
    name="times factors",
    summary="columns that only multiply the target by a power are divided out",
    reduce=divided,
    example=Example(_TIMES_SUM),
)
