"""Snap by evidence: all numbers take the cheapest values that the rows allow together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nalu_cli.circuit import Circuit
from nalu_cli.circuit.constants import with_constants
from nalu_cli.rows import Rows
from nalu_cli.snapping.beam import Beam
from nalu_cli.snapping.bound import Bound
from nalu_cli.snapping.extension import NO_EFFECT, OF_A_TERM, Setting, Trial
from nalu_cli.snapping.line import Line
from nalu_cli.snapping.model import Model
from nalu_cli.snapping.surprise import LONGER, surprise, total_gain

__all__ = ["ShortNumbers", "shorten_numbers"]

Floats = NDArray[np.float64]

MOST_NUMBERS = 24
"""*Guess:* a formula with more numbers is a fit."""

MOST_ROWS = 400
"""Rows that numbers are looked for on; all rows are asked in the end. *Guess.*"""


@dataclass(frozen=True, slots=True)
class ShortNumbers:
    """A circuit whose numbers are as short as the rows allow.

    Parameters
    ----------
    circuit : Circuit
    bits : float
        Price of its numbers.
    gain : float
        Bits by which its numbers are shorter than numbers as well known would be by chance; no more
        than 0 when one of them is longer.
    measure : float
        Of its errors, by the bound that was set.
    """

    circuit: Circuit
    bits: float
    gain: float
    measure: float


def shorten_numbers(
    circuit: Circuit,
    rows: Rows,
    bound: Bound,
    *,
    exponents_alone: bool = False,
    stop: Callable[[], bool] = lambda: False,
) -> ShortNumbers | None:
    """Give all numbers the cheapest values that the bound on the errors allows.

    Parameters
    ----------
    circuit : Circuit
    rows : Rows
    bound : Bound
    exponents_alone : bool
        Whether coefficients keep all their digits.
    stop : callable
        Asked between rounds.

    Returns
    -------
    ShortNumbers or None
        None when no numbers are within the bound, or there are too many.

    Notes
    -----
    A short value may fit while other numbers move, and then leave these no short ones. So several
    settings of some of the numbers are kept and extended, those that are likely to take the fewest
    bits in the end: the price of what is set, and of the others the logarithm of how much of their
    room the rows leave them.
    """
    if len(rows) > MOST_ROWS:
        chosen = np.linspace(0, len(rows) - 1, MOST_ROWS).astype(np.intp)
        rows, bound = rows.take(chosen), bound.take(chosen)
    model = Model(circuit, rows, bound)
    if len(model.places) > MOST_NUMBERS:
        return None
    with np.errstate(all="ignore"):
        beam = Beam(model, exponents_alone=exponents_alone)
        best, strict = beam.best(stop), bound.without_slack()
        if strict is not None and not (best is not None and beam.is_complete(best)) and not stop():
            model.bound = strict
            best = beam.best(stop) or best
        return None if best is None else _with_numbers(circuit, model, best, beam.unnamed)


def _with_numbers(
    circuit: Circuit, model: Model, best: Setting, unnamed: Floats
) -> ShortNumbers | None:
    """The circuit with its numbers."""
    bits = unnamed.copy()
    for trial in best.trials:
        bits[trial.number] = trial.bits
    values = map(float, best.theta[model.at])
    try:
        new = with_constants(circuit, dict(zip(model.places, values, strict=True)))
    except ValueError:
        return None
    return ShortNumbers(new, float(bits.sum()), _gain(model, best), best.measure)


def _gain(model: Model, best: Setting) -> float:
    """Of all numbers, the most convincing first: each as the rows tell it, those after it free."""
    residuals, traces = model.residuals(best.theta[None])
    slopes, scales = model.slopes(best.theta[None], traces)[0], model.scales(best.theta)
    left = {trial.number: trial for trial in best.trials}
    gains = np.full(len(scales), -np.inf)
    while left:
        line = Line(slopes, residuals[0], scales, np.flatnonzero(np.isinf(gains)))
        some = {
            q: _gain_of(model, left[q], error) if effect > NO_EFFECT else 0.0
            for q, error, effect in zip(map(int, line.free), line.errors, line.effects, strict=True)
            if q in left
        }
        first = max(some, key=some.__getitem__)
        gains[first] = some[first]
        del left[first]
    if (gains < -LONGER).any():
        return min(0.0, float(gains.min()))
    units = [
        (place.layer, place.unit) if is_exponent else None
        for place, is_exponent in zip(model.places, model.exponent, strict=True)
    ]
    return total_gain(zip(units, map(float, gains), strict=True))


def _gain_of(model: Model, trial: Trial, error: float) -> float:
    if trial.value == 0 and model.term[trial.number]:
        return OF_A_TERM
    return surprise(error) - trial.bits
