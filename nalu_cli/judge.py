"""Stage 8: errors on all rows in float64, the front of candidates, and what may be claimed."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from nalu_cli.answer import Errors, FrontEntry, Move
from nalu_cli.circuit import Circuit
from nalu_cli.constants import name_constant
from nalu_cli.formula import complexity
from nalu_cli.law import is_borne_out, is_law
from nalu_cli.leftover import column_of_agreement, column_that_explains, neighbours_agree
from nalu_cli.problem import Problem, Rows
from nalu_cli.refit import Place, constants_of, refit
from nalu_cli.rounding import agreement
from nalu_cli.settings import Status

__all__ = [
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


SPARE_ROWS = 2
TOO_FEW = "the rows are too few to tell a law from chance"


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
    agreement : float
        Largest error on any row in units of what rounding explains.
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
    agreement: float
    rmse: float
    score: float
    standard_errors: dict[Place, float]

    @property
    def is_exact(self) -> bool:
        """Agrees to rounding on every row and is short enough to be a law."""
        return self.agreement <= 1.0


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
    length = complexity(circuit)
    rmse = errors_on(circuit, problem.inner_rows()).rmse
    worst = max(agreement(circuit, rows) for rows in (problem.train, problem.near, problem.far))
    if worst <= 1.0 and not is_law(circuit, problem.all_rows()):
        worst = math.inf
    scored = problem.own_rows()
    n = len(scored)
    floor = 1e-15 * float(np.sqrt(np.mean((scored.y / _size(scored.y)) ** 2))) * _size(scored.y)
    over_all, far = errors_on(circuit, scored).rmse, errors_on(circuit, problem.far).rmse
    undefined = over_all is None or (len(problem.far) > 0 and far is None)
    free = n - len(constants_of(circuit))
    misfit = math.inf
    if not undefined and (free > 0 or worst <= 1.0):
        # the variance left per degree of freedom: as many constants as rows fit anything
        left = math.log(max(over_all or 0.0, floor, 5e-324)) + 0.5 * math.log(n / max(free, 1))
        misfit = 2 * n * left
    return Candidate(
        circuit,
        found_by,
        moves,
        length,
        worst,
        math.inf if rmse is None else rmse,
        misfit + length * math.log(max(n, 2)),
        standard_errors or {},
    )


def _size(y: Floats) -> float:
    return float(np.max(np.abs(y))) or 1.0


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
    exact = [c for c in usable if c.is_exact]
    if exact:
        return min(exact, key=lambda c: (c.complexity, c.agreement))
    if not usable:
        return None
    best = min(c.score for c in usable)
    # of scores that differ by less than one bit of evidence the shorter and earlier counts
    return min((c for c in usable if c.score <= best + 1.0), key=lambda c: c.complexity)


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
        Standard deviation of what is left over the target's root mean square; 0 for exact laws.
    caveats : tuple of str
    """
    if candidate.is_exact:
        return Status.EXACT, 0.0, ()
    everything, inner = problem.all_rows(), problem.inner_rows()
    left = candidate.circuit.evaluate(inner.X) - inner.y
    noise = candidate.rmse / float(np.sqrt(np.mean(everything.y**2)))
    inside, outside = errors_on(candidate.circuit, inner), errors_on(candidate.circuit, problem.far)
    complaints = _complaints(candidate, problem, left)
    if not complaints:
        return Status.WITHIN_NOISE, noise, ()
    r2 = [e.r2 for e in (inside, outside) if e.rows]
    if any(v is None or v < SMALLEST_R2 for v in r2):
        return Status.NONE, None, tuple(complaints)
    return Status.APPROXIMATE, None, tuple(complaints)


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
        With the standard errors of its constants; its marks are the old ones.
    """
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
    if candidate.is_exact:
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
    values = constants_of(candidate.circuit)
    named = {place for place, value in values.items() if name_constant(value) is not None}
    try:
        circuit, errors = refit(candidate.circuit, rows, sigma=candidate.rmse, fixed=named)
    except (OverflowError, ValueError, np.linalg.LinAlgError):
        return candidate  # undefined on some row, or a constant would leave the range of doubles
    return replace(
        candidate, circuit=circuit, standard_errors={**candidate.standard_errors, **errors}
    )


def _complaints(candidate: Candidate, problem: Problem, left: Floats) -> list[str]:
    """Why what is left over does not look like noise."""
    found = []
    inner, y = problem.inner_rows().X, problem.inner_rows().y
    if not candidate.circuit.used_columns() or not _explains(y, left, candidate.complexity):
        found.append("no formula of this class does better than a constant")
    weights = len(candidate.circuit.used_columns()) + len(constants_of(candidate.circuit))
    if len(y) < weights + SPARE_ROWS:
        found.append(TOO_FEW)
    if not np.isfinite(left).all():
        found.append("the formula is undefined on some rows")
        return found
    far = errors_on(candidate.circuit, problem.far).rmse
    if len(problem.far) and (far is None or far > _largest_far(len(problem.far)) * candidate.rmse):
        found.append("the error grows outside the training range")
    if candidate.rmse < 1e-9 * float(np.std(y)):
        enough = is_borne_out(candidate.circuit, problem.all_rows())
        found.append("what is left is small but more than rounding explains" if enough else TOO_FEW)
    columns = candidate.circuit.used_columns()
    if columns and neighbours_agree(inner[:, columns], left):
        found.append("what is left is not noise: neighbouring rows have similar errors")
    elif (column := column_that_explains(inner, left)) is not None:
        found.append(f"what is left is not noise: it changes with {problem.names[column]!r}")
    elif (column := column_of_agreement(inner, left)) is not None:
        found.append(
            "what is left is not noise: rows that are neighbours in"
            f" {problem.names[column]!r} have similar errors"
        )
    return list(dict.fromkeys(found))


def _explains(y: Floats, left: Floats, length: int) -> bool:
    n = len(y)
    with np.errstate(all="ignore"):
        gain = n * math.log(max(float(np.var(y)), 5e-324) / max(float(np.mean(left**2)), 5e-324))
    return gain > length * math.log(max(n, 2))


def _largest_far(rows: int) -> float:
    """Sampling spread of a root mean square over some rows, generously."""
    return 1.5 + 3.0 / math.sqrt(rows)
