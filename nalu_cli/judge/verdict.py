"""What may be claimed about a candidate: exact, within the noise, approximate, or nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from nalu_cli.circuit.constants import constants_of
from nalu_cli.expression.closed_form import name_constant
from nalu_cli.fitting.fit_constants import refit
from nalu_cli.fitting.likelihood import PRINTED, ErrorKind
from nalu_cli.judge.judged import Judged, errors_on, weigh
from nalu_cli.judge.lack_of_fit import lack_of_fit
from nalu_cli.problem import Problem
from nalu_cli.rows import Rows
from nalu_cli.settings import Status

__all__ = ["fitted_on_all_rows", "fitted_on_training_rows", "verdict"]

SMALLEST_R2 = 0.9
"""*Guess:* a formula that explains a smaller share of the variance, of the inner or of the far
rows, is no approximation either."""

INPUTS_CONSIDERED = "agrees when the last printed digits of the inputs are considered too"


def verdict(candidate: Judged, problem: Problem) -> tuple[Status, float | None, tuple[str, ...]]:
    """What may be claimed about a candidate.

    Parameters
    ----------
    candidate : Judged
    problem : Problem

    Returns
    -------
    status : Status
    noise : float or None
        Standard deviation of the residuals over the target's root mean square; 0 for exact laws,
        as printed too.
    caveats : tuple of str
    """
    if candidate.is_exact:
        return Status.EXACT, 0.0, ()
    if candidate.is_exact_as_printed:
        with_inputs = candidate.kind is ErrorKind.PRINTED_INPUTS
        return Status.EXACT_AS_PRINTED, 0.0, (INPUTS_CONSIDERED,) if with_inputs else ()
    found = lack_of_fit(candidate.circuit, problem, candidate.kind, length=candidate.complexity)
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


def fitted_on_all_rows(candidate: Judged, problem: Problem) -> Judged:
    """A candidate whose constants without a name are fitted on every row there is.

    Parameters
    ----------
    candidate : Judged
        Judged already: rows that constants were fitted on are no test of them any more.
    problem : Problem
        Rows of a file of the user's own stay out of it.

    Returns
    -------
    Judged
        With the standard errors of its constants; its score is the old one. An exact one is what
        it was.
    """
    if candidate.is_law:
        return candidate
    return _fitted(candidate, problem.own_rows())


def fitted_on_training_rows(candidate: Judged, problem: Problem) -> Judged:
    """A candidate whose constants without a name are fitted on the training rows alone.

    Under noise all rows have a say in which formula is chosen. Its predictions of the held-out
    rows are tested with constants that were fitted without them.

    Parameters
    ----------
    candidate : Judged
    problem : Problem

    Returns
    -------
    Judged
        Judged anew; an exact one is what it was.
    """
    if candidate.is_law:
        return candidate
    fitted = _fitted(candidate, problem.train)
    return weigh(
        fitted.circuit,
        problem,
        found_by=candidate.found_by,
        moves=candidate.moves,
        standard_errors=fitted.standard_errors,
    )


def _fitted(candidate: Judged, rows: Rows) -> Judged:
    if not candidate.rmse > 0:
        return candidate  # there are no residuals to fit
    values = constants_of(candidate.circuit)
    named = {place for place, value in values.items() if name_constant(value) is not None}
    try:
        circuit, errors = refit(candidate.circuit, rows, sigma=candidate.rmse, fixed=named)
    except (OverflowError, ValueError, np.linalg.LinAlgError):
        return candidate  # undefined on some row, or a constant would leave the range of doubles
    return replace(
        candidate, circuit=circuit, standard_errors={**candidate.standard_errors, **errors}
    )
