"""Formulas and tables to judge: a product, and a law printed with a few decimals."""

from __future__ import annotations

import numpy as np
from answers import product, total
from tables import Floats, problem_of, uniform

from nalu_cli.circuit import Circuit
from nalu_cli.problem import Problem
from nalu_cli.rows import Rows

__all__ = ["CONSTANT", "LAW", "PRODUCT", "far_out", "printed_problem"]

PRODUCT = Circuit(2, ((product((0, 1), (1, 1)),),))
CONSTANT = Circuit(2, ((total(offset=4.0),),))
LAW = Circuit(2, ((product((0, 2), (1, -1), scale=1.7),),))


def far_out(x: Floats) -> Floats:
    """The rows, those with the largest first column last."""
    return x[np.argsort(x[:, 0], kind="stable")]


def printed_problem(seed: int, rows: int, decimals: int, circuit: Circuit = LAW) -> Problem:
    """A law's values printed with so many decimals."""
    x = far_out(uniform(seed, rows, 2))
    y = np.round(circuit.evaluate(x), decimals)
    half = 0.5 * 10.0**-decimals
    problem = problem_of(x, y)
    return problem.with_rows(lambda part: Rows(part.X, part.y, np.full(len(part), half)))
