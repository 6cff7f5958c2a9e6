"""Stage 3: columns that only multiply the target by a power, pulled out of the question."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from nalu_cli.answer import Move
from nalu_cli.circuit import Circuit, Term, Unit, UnitKind
from nalu_cli.linear import log_slopes, log_weights
from nalu_cli.problem import Problem, Rows
from nalu_cli.workbench import Found

__all__ = ["Factored", "pull_out"]

Floats = NDArray[np.float64]

SURE = 4.0
"""Standard errors within which the slope of a factor's logarithm lies from its exponent."""

ROUNDING = 1e-9
NEAR = 0.1
"""Largest distance of the slope from the exponent, however large the error."""

LARGEST = 6


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
    slopes, errors = _slopes(rows.X[given], rows.y[given])
    positive = np.all(rows.X > 0, axis=0)
    found: list[Factored] = []
    for roots in (np.zeros_like(positive), positive):
        exponents = tuple(
            _exponent(slope, error, root=bool(root))
            for slope, error, root in zip(slopes, errors, roots, strict=True)
        )
        some = any(exponents) and not all(exponents)
        if some and exponents not in [f.exponents for f in found]:
            reduced = _without_factors(problem, exponents)
            sizes = _sizes(problem.train.X, exponents)
            found.append(Factored(reduced, sizes, problem.names, slopes, exponents))
    return tuple(found)


def _without_factors(problem: Problem, exponents: tuple[Fraction, ...]) -> Problem:
    kept = [j for j, e in enumerate(exponents) if not e]
    powers = np.array([float(e) for e in exponents])

    def divided(rows: Rows) -> Rows:
        with np.errstate(all="ignore"):
            return Rows(rows.X[:, kept], rows.y / np.prod(rows.X**powers, axis=1))

    return replace(
        problem,
        names=tuple(problem.names[j] for j in kept),
        train=divided(problem.train),
        near=divided(problem.near),
        far=divided(problem.far),
    )


def _sizes(X: Floats, exponents: tuple[Fraction, ...]) -> Floats:
    with np.errstate(all="ignore"):
        sizes = np.exp(np.log(np.abs(X)) @ np.array([float(e) for e in exponents]))
    return np.asarray(sizes / (np.median(sizes) or 1.0))


def _slopes(X: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Of log|y| in log|x|, by weighted least squares with an offset, and standard errors."""
    return log_slopes(np.log(np.abs(X)), np.log(np.abs(y)), log_weights(y))


def _exponent(slope: float, error: float, *, root: bool) -> Fraction:
    """The power a column is a factor with; 0 when it is none."""
    nearest = Fraction(round(2 * slope), 2) if root else Fraction(round(slope))
    close = abs(slope - float(nearest)) <= min(SURE * error + ROUNDING, NEAR)
    return nearest if close and abs(nearest) <= LARGEST else Fraction(0)
