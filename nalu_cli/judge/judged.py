"""A candidate formula, with its errors, its length and its score on all rows."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from nalu_cli.answer import Errors, Move
from nalu_cli.circuit import Circuit
from nalu_cli.circuit.constants import Place, constants_of
from nalu_cli.expression.complexity import complexity, digits_of_constants
from nalu_cli.fitting.likelihood import (
    PRINTED,
    ErrorKind,
    agreement,
    exact_kind,
    misfit_bits,
    noise_kind,
    tolerance,
)
from nalu_cli.judge.description_length import is_law
from nalu_cli.judge.lack_of_fit import residual_structure
from nalu_cli.numerics.criterion import DEVIANCE, bic
from nalu_cli.problem import Problem
from nalu_cli.rows import Rows

__all__ = ["Judged", "errors_on", "weigh"]


@dataclass(frozen=True, slots=True)
class Judged:
    """A circuit with what it is judged by.

    Parameters
    ----------
    circuit : Circuit
    found_by : str
        The strategy it came from.
    moves : tuple of Move
        Its snap table.
    complexity : int
        Description length in symbols.
    kind : ErrorKind
        What its errors are made of.
    is_law : bool
        Whether it agrees with every row exactly, under its kind, and is short for what they say.
    agreement : float
        Largest error on any row over what its kind, or for noise printing, explains.
    digits : int
        Of all its constants.
    rmse : float
        On the train and near rows.
    score : float
        Bayesian information criterion; smaller is better. The far rows count: they tell a law from
        a good fit. Only rows of a file of the user's own stay out of it.
    standard_errors : dict of Place to float
        Of the constants.
    """

    circuit: Circuit
    found_by: str
    moves: tuple[Move, ...]
    complexity: int
    kind: ErrorKind
    is_law: bool
    agreement: float
    digits: int
    rmse: float
    score: float
    standard_errors: dict[Place, float]

    @property
    def is_exact(self) -> bool:
        """Agrees to rounding on every row and is short enough to be a law."""
        return self.is_law and self.kind is ErrorKind.DOUBLES

    @property
    def is_exact_as_printed(self) -> bool:
        """The same, but agrees to the last printed digit of the target, or of the inputs too."""
        return self.is_law and self.kind in PRINTED


def errors_on(circuit: Circuit, rows: Rows) -> Errors:
    """Errors of a circuit on some rows.

    Parameters
    ----------
    circuit : Circuit
    rows : Rows

    Returns
    -------
    Errors
        With None for what cannot be computed.
    """
    if not len(rows):
        return Errors(0, None, None, None)
    value = circuit.evaluate(rows.X)
    scale = float(np.max(np.abs(rows.y))) or 1.0
    with np.errstate(all="ignore"):
        gap = (value / scale) - (rows.y / scale)
        rms = float(np.sqrt(np.mean(gap**2)))
        spread = float(np.std(rows.y / scale))
        distance = np.abs(value - rows.y)
        relative = float(np.max(np.where(distance == 0, 0.0, distance / np.abs(rows.y))))
    r2 = 1 - (rms / spread) ** 2 if spread > 0 and math.isfinite(rms) else None
    return Errors(
        len(rows),
        relative if math.isfinite(relative) else None,
        rms * scale if math.isfinite(rms * scale) else None,
        r2,
    )


def weigh(
    circuit: Circuit,
    problem: Problem,
    *,
    found_by: str,
    moves: tuple[Move, ...] = (),
    standard_errors: dict[Place, float] | None = None,
) -> Judged:
    """Judge a circuit by all rows.

    Parameters
    ----------
    circuit : Circuit
    problem : Problem
    found_by : str
    moves : tuple of Move
    standard_errors : dict of Place to float

    Returns
    -------
    Judged
    """
    parts = (problem.train, problem.near, problem.far)
    exact = _exact_kind(circuit, problem)
    kind = noise_kind(circuit, problem.own_rows()) if exact is None else exact
    lawful = exact is not None and is_law(circuit, problem.all_rows(), exact)
    length = complexity(circuit)
    rmse = errors_on(circuit, problem.inner_rows()).rmse
    return Judged(
        circuit,
        found_by,
        moves,
        length,
        kind,
        lawful,
        max(agreement(circuit, rows, exact) for rows in parts),
        digits_of_constants(circuit),
        math.inf if rmse is None else rmse,
        _score(circuit, problem, kind, 0 if lawful else len(constants_of(circuit)), length),
        standard_errors or {},
    )


def _exact_kind(circuit: Circuit, problem: Problem) -> ErrorKind | None:
    """What explains every row exactly, the held-out ones as well; None where that takes noise."""
    found = exact_kind(circuit, problem.train, problem.near, problem.far)
    if found is ErrorKind.PRINTED_INPUTS:
        # digits that the inputs lack are chance; within them a formula may be wrong all the same
        inner = problem.inner_rows()
        residuals = (circuit.evaluate(inner.X) - inner.y) / tolerance(circuit, inner, found)
        return found if residual_structure(circuit, problem, residuals) is None else None
    return found


def _score(
    circuit: Circuit, problem: Problem, kind: ErrorKind, constants: int, length: int
) -> float:
    """Bayesian information criterion, each symbol counting as a constant does."""
    if len(problem.far) and errors_on(circuit, problem.far).rmse is None:
        return math.inf
    rows = problem.own_rows()
    misfit = DEVIANCE * misfit_bits(circuit, rows, kind, constants=constants)
    return bic(misfit, len(rows), length)
