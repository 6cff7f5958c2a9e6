"""Stage 3: the square of a target that never changes its sign, asked for roots of roots."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from nalu_cli.expression import expression_of, product
from nalu_cli.problem import Problem, Rows
from nalu_cli.workbench import Found

__all__ = ["Squared", "squared"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Squared:
    """The square of the target, as a question.

    Parameters
    ----------
    sign : float
        Of every target.
    problem : Problem
        What is asked.
    sizes : ndarray of shape (N,)
        An error of a target is as many times larger in its square as this is small.
    """

    sign: float
    problem: Problem
    sizes: Floats

    said = "under a root"

    def lift(self, found: Found) -> Found:
        """The root of what was found.

        Raises
        ------
        ValueError
            If an exponent becomes too large.
        """
        from nalu_cli.simplify.layering import circuit_of  # sympy takes a third of a second

        tree = product([(expression_of(found.circuit), Fraction(1, 2))], self.sign)
        return Found(circuit_of(tree, found.circuit.n_columns), (), found.restarts)


def squared(problem: Problem) -> Squared | None:
    """The question with the targets squared.

    Most rungs ask for a law and for its square; ``(a/(b + c))**(1/4)`` and
    ``sqrt(a + sqrt(b + c))`` are among the latter of these.

    Parameters
    ----------
    problem : Problem

    Returns
    -------
    Squared or None
        None for targets of both signs, or with a zero among them.
    """
    y = problem.all_rows().y
    if not ((y > 0).all() or (y < 0).all()):
        return None
    with np.errstate(all="ignore"):
        asked = problem.with_rows(lambda rows: Rows(rows.X, rows.y**2))
        sizes = 1 / np.abs(problem.train.y)
        sizes = sizes / np.median(sizes)
    squares = asked.train.y
    if not (np.isfinite(squares).all() and squares.all() and np.isfinite(sizes).all()):
        return None
    return Squared(float(np.sign(y[0])), asked, sizes)
