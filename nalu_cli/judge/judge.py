"""Errors on all rows in float64, the front of candidates, and what may be claimed."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from nalu_cli.answer import Errors, FrontEntry, Move
from nalu_cli.circuit import Circuit
from nalu_cli.circuit.constants import Place, constants_of
from nalu_cli.expression.closed_form import name_constant
from nalu_cli.expression.complexity import complexity, digits_of_constants
from nalu_cli.fitting.fit_constants import refit
from nalu_cli.fitting.likelihood import (
    PRINTED,
    ErrorKind,
    agreement,
    exact_kind,
    misfit_bits,
    noise_kind,
    tolerance,
)
from nalu_cli.judge.complaints import complaints, structure
from nalu_cli.judge.description_length import is_law
from nalu_cli.problem import Problem
from nalu_cli.rows import Rows
from nalu_cli.settings import Status

__all__ = [
    "DEVIANCE",
    "Candidate",
    "errors_on",
    "front",
    "kept_back",
    "on_all_rows",
    "pick",
    "verdict",
    "weigh",
]

Floats = NDArray[np.float64]

SMALLEST_R2 = 0.9
"""Below this share of the variance, near and far, a formula is no approximation either."""

DEVIANCE = 2 * math.log(2)
"""*Derived:* what a bit is worth in the criterion, twice a natural logarithm."""

EQUALLY_GOOD = 1.0
"""Difference of two scores that no reader should trust. *Guess:* less than a bit of evidence."""


INPUTS_CONSIDERED = "agrees when the last printed digits of the inputs are considered too"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A circuit with its marks.

    Parameters
    ----------
    circuit : Circuit
    found_by : str
        The rung it came from.
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

    @property
    def is_settled(self) -> bool:
        """Whether it leaves nothing to explain."""
        return self.is_exact or self.is_exact_as_printed


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
) -> Candidate:
    """Mark a circuit on all rows.

    Parameters
    ----------
    circuit : Circuit
    problem : Problem
    found_by : str
    moves : tuple of Move
    standard_errors : dict of Place to float

    Returns
    -------
    Candidate
    """
    parts = (problem.train, problem.near, problem.far)
    exactly = _exactly(circuit, problem)
    kind = noise_kind(circuit, problem.own_rows()) if exactly is None else exactly
    lawful = exactly is not None and is_law(circuit, problem.all_rows(), exactly)
    length = complexity(circuit)
    rmse = errors_on(circuit, problem.inner_rows()).rmse
    return Candidate(
        circuit,
        found_by,
        moves,
        length,
        kind,
        lawful,
        max(agreement(circuit, rows, exactly) for rows in parts),
        digits_of_constants(circuit),
        math.inf if rmse is None else rmse,
        _score(circuit, problem, kind, 0 if lawful else len(constants_of(circuit)), length),
        standard_errors or {},
    )


def _exactly(circuit: Circuit, problem: Problem) -> ErrorKind | None:
    """What explains every row exactly, those kept back as well; None where that takes noise."""
    found = exact_kind(circuit, problem.train, problem.near, problem.far)
    if found is ErrorKind.PRINTED_INPUTS:
        # digits that the inputs lack are chance; within them a formula may be wrong all the same
        inner = problem.inner_rows()
        left = (circuit.evaluate(inner.X) - inner.y) / tolerance(circuit, inner, found)
        return found if structure(circuit, problem, left) is None else None
    return found


def _score(
    circuit: Circuit, problem: Problem, kind: ErrorKind, constants: int, length: int
) -> float:
    """Bayesian information criterion, each symbol counting as a constant does."""
    if len(problem.far) and errors_on(circuit, problem.far).rmse is None:
        return math.inf
    rows = problem.own_rows()
    misfit = DEVIANCE * misfit_bits(circuit, rows, kind, constants=constants)
    return misfit + length * math.log(max(len(rows), 2))


def pick(candidates: Iterable[Candidate]) -> Candidate | None:
    """The shortest exact candidate, or the one with the best score.

    Parameters
    ----------
    candidates : iterable of Candidate

    Returns
    -------
    Candidate or None
        None when there is none with finite errors.
    """
    usable = [c for c in candidates if math.isfinite(c.score)]
    settled = [c for c in usable if c.is_settled]
    if settled:
        return min(settled, key=_length)
    if not usable:
        return None
    best = min(c.score for c in usable)
    # of equally good ones the shorter and earlier counts
    return min((c for c in usable if c.score <= best + EQUALLY_GOOD), key=lambda c: c.complexity)


def _length(candidate: Candidate) -> tuple[bool, int, int, float]:
    """By what exact candidates are ranked: agreement to the last bit is never chance.

    Printed digits leave constants some room, and there the fewest digits count.
    """
    as_printed = candidate.is_exact_as_printed
    digits = candidate.digits if as_printed else 0
    return as_printed, candidate.complexity, digits, candidate.agreement


def front(candidates: Iterable[Candidate], problem: Problem) -> tuple[FrontEntry, ...]:
    """The candidates no other beats in both complexity and far error, simplest first.

    Parameters
    ----------
    candidates : iterable of Candidate
    problem : Problem

    Returns
    -------
    tuple of FrontEntry
    """
    outer = problem.far if len(problem.far) else problem.train
    marked = []
    for c in candidates:
        rmse = errors_on(c.circuit, outer).rmse
        if rmse is not None:
            marked.append((c.complexity, rmse, c))
    entries: list[FrontEntry] = []
    best = math.inf
    for length, rmse, c in sorted(marked, key=lambda m: (m[0], m[1])):
        if rmse < best:
            entries.append(FrontEntry(c.circuit, length, rmse))
            best = rmse
    return tuple(entries)


def verdict(candidate: Candidate, problem: Problem) -> tuple[Status, float | None, tuple[str, ...]]:
    """What may be claimed about a candidate.

    Parameters
    ----------
    candidate : Candidate
    problem : Problem

    Returns
    -------
    status : Status
    noise : float or None
        Standard deviation of what is left over the target's root mean square; 0 for exact laws,
        as printed too.
    caveats : tuple of str
    """
    if candidate.is_exact:
        return Status.EXACT, 0.0, ()
    if candidate.is_exact_as_printed:
        with_inputs = candidate.kind is ErrorKind.PRINTED_INPUTS
        return Status.EXACT_AS_PRINTED, 0.0, (INPUTS_CONSIDERED,) if with_inputs else ()
    found = complaints(candidate.circuit, problem, candidate.kind, length=candidate.complexity)
    noise = candidate.rmse / float(np.sqrt(np.mean(problem.all_rows().y ** 2)))
    if not found:
        return Status.WITHIN_NOISE, noise, ()
    parts = (problem.inner_rows(), problem.far)
    r2 = [errors_on(candidate.circuit, rows).r2 for rows in parts if len(rows)]
    # a few rows that agree are no reason to say that there is nothing
    close = candidate.kind in PRINTED
    if not close and any(v is None or v < SMALLEST_R2 for v in r2):
        return Status.NONE, None, tuple(found)
    return Status.APPROXIMATE, None, tuple(found)


def on_all_rows(candidate: Candidate, problem: Problem) -> Candidate:
    """A candidate whose constants without a name are fitted on every row there is.

    Parameters
    ----------
    candidate : Candidate
        Judged already: rows that constants were fitted on are no test of them any more.
    problem : Problem
        Rows of a file of the user's own stay out of it.

    Returns
    -------
    Candidate
        With the standard errors of its constants; its marks are the old ones. An exact one is what
        it was.
    """
    if candidate.is_settled:
        return candidate
    return _fitted(candidate, problem.own_rows())


def kept_back(candidate: Candidate, problem: Problem) -> Candidate:
    """A candidate whose constants without a name are fitted on the training rows alone.

    Under noise all rows have a say in which formula is chosen. What it says of the rows farthest
    out is tested with constants that these had no part in.

    Parameters
    ----------
    candidate : Candidate
    problem : Problem

    Returns
    -------
    Candidate
        Marked anew; an exact one is what it was.
    """
    if candidate.is_settled:
        return candidate
    fitted = _fitted(candidate, problem.train)
    return weigh(
        fitted.circuit,
        problem,
        found_by=candidate.found_by,
        moves=candidate.moves,
        standard_errors=fitted.standard_errors,
    )


def _fitted(candidate: Candidate, rows: Rows) -> Candidate:
    if not candidate.rmse > 0:
        return candidate  # nothing is left to fit
    values = constants_of(candidate.circuit)
    named = {place for place, value in values.items() if name_constant(value) is not None}
    try:
        circuit, errors = refit(candidate.circuit, rows, sigma=candidate.rmse, fixed=named)
    except (OverflowError, ValueError, np.linalg.LinAlgError):
        return candidate  # undefined on some row, or a constant would leave the range of doubles
    return replace(
        candidate, circuit=circuit, standard_errors={**candidate.standard_errors, **errors}
    )
