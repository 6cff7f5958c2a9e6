"""Snap by evidence: each number takes the cheapest value that the rows allow, the others moving."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nalu_cli.circuit import Circuit
from nalu_cli.problem import Rows
from nalu_cli.refit import with_constants
from nalu_cli.snapping.bound import Bound
from nalu_cli.snapping.model import Model
from nalu_cli.snapping.prices import cheapest, price_of_exponent
from nalu_cli.snapping.surprise import LONGER, surprise

__all__ = ["Settled", "settle"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

MOST_LINEARISED = 6
"""Times a model is linearised anew on its way to a fit. *Guess:* steps are quadratic in the end."""

LARGEST_STEP = 0.5
"""Of an exponent, and of a coefficient relative to its size. *Guess.*"""

STANDARD_ERRORS = 3.0
"""Half-width of the interval in which a number's values are looked for. *Derived:* under rounding
the numbers that every row allows lie closer than that to the least squares."""

BOLD = (0.45, 0.25, 0.12, 0.05, 0.02, 0.005)
"""Distances from whole numbers and halves within which all exponents are set together.
*Guess.*"""

SURE = 4.0
"""Bits by which a value must be shorter than chance would have it, to be set with others at once.
*Derived:* one value in 16 would be so short by accident."""

OF_A_TERM = 6.0
"""Bits that dropping a term gains. *Derived:* a column's exponent and a digit or two."""

SAME_AGAIN = 3.0
"""Bits of a number that stands elsewhere in the formula already. *Guess:* which one it is."""

DAMPING, LESS, MORE = 1e-9, 0.03, 100.0
"""What a move costs at first, relative to what it does, and the changes of that after a good and a
bad step. *Guess.*"""

LEAST_GAIN = 1e-9
"""*Derived:* a smaller relative gain is rounding."""

UNNAMED = 1.0
"""Bits of a number without a name beside those of the digits that the rows tell. *Guess:* half of
all coefficients have a name."""

MOST_TRIES, MUCH_LONGER = 8, 5.0
"""Times that numbers are looked for again without the least convincing value, when one of the
others became so many bits longer than chance. *Guess.*"""

FEW_NUMBERS = 12
"""Of more numbers none is taken back but for the slack: a fit would be shortened again and again.
*Guess.*"""

MOST_NUMBERS = 24
"""*Guess:* a formula with more numbers is a fit."""

MOST_ROWS = 400
"""Rows that numbers are looked for on; all rows are asked in the end. *Guess.*"""


@dataclass(frozen=True, slots=True)
class Settled:
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


def settle(
    circuit: Circuit,
    rows: Rows,
    bound: Bound,
    *,
    exponents_alone: bool = False,
    stop: Callable[[], bool] = lambda: False,
) -> Settled | None:
    """Give each number its cheapest value that the bound on the errors allows.

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
    Settled or None
        None when no numbers are within the bound, or there are too many.
    """
    if len(rows) > MOST_ROWS:
        chosen = np.linspace(0, len(rows) - 1, MOST_ROWS).astype(np.intp)
        rows, bound = rows.take(chosen), bound.take(chosen)
    model = Model(circuit, rows, bound)
    if len(model.places) > MOST_NUMBERS:
        return None
    best: _State | None = None
    refused: set[tuple[int, float]] = set()
    for _ in range(MOST_TRIES if len(model.places) <= FEW_NUMBERS else 2):
        state = _shortened(model, exponents_alone, refused, stop)
        if state is None:
            break
        # what was let pass on the way must be inside in the end
        if state.measure <= bound.most and (best is None or state.bits.sum() < best.bits.sum()):
            best = state
        if not state.take_back(refused) or stop():
            break
    return None if best is None else best.settled(circuit)


def _shortened(
    model: Model, exponents_alone: bool, refused: set[tuple[int, float]], stop: Callable[[], bool]
) -> _State | None:
    """One number after another given its value; None where none are within the bound."""
    with np.errstate(all="ignore"):
        state = _State(model, exponents_alone, refused)
        if state.measure > model.bound.allowed(state.measure, np.zeros(1))[0]:
            return None
        state.leap()
        while (state.free & state.asked).any() and not stop() and state.advance():
            pass
    return state


class _State:
    """Numbers on their way to short values."""

    def __init__(
        self, model: Model, exponents_alone: bool, refused: set[tuple[int, float]]
    ) -> None:
        self.model, self.refused = model, refused
        self.taken: list[_Trial] = []
        self.asked = model.exponent if exponents_alone else np.ones_like(model.exponent)
        self.free = np.ones(len(model.places), dtype=bool)
        self.gains = np.full(len(model.places), -np.inf)
        reachable = model.bound.allowed(0.0, np.zeros(1))
        theta, measure = _fit(model, model.theta[None], self.free[None], reachable, patience=4)
        self.theta, self.measure = theta[0], float(measure[0])
        # a number without a name keeps the digits that the rows tell
        told = np.array([surprise(error) for error in self._relative_errors()])
        self.bits = np.maximum(told, 0.0) + UNNAMED

    def _relative_errors(self) -> Floats:
        sizes = np.where(self.model.exponent, 1.0, np.abs(self.theta[self.model.at]))
        return self._standard_errors() / sizes

    def leap(self) -> None:
        """Set all exponents at once that are nearly whole or halves, the boldest that fits."""
        values, errors = self.theta[self.model.at], self._standard_errors()
        settings: list[list[_Trial]] = []
        for parts in (1, 2):
            nearest = np.round(parts * values) / parts
            for distance in BOLD:
                some = self.model.exponent & (np.abs(nearest - values) <= distance)
                setting = [
                    _of_exponent(int(q), float(nearest[q]), errors[q]) for q in np.flatnonzero(some)
                ]
                if setting and setting not in settings:
                    settings.append(setting)
        if not settings:
            return
        thetas, measure, allowed = self._fitted(settings, patience=4)
        fits = np.flatnonzero(measure <= allowed)
        if len(fits):
            saved = [sum(self.bits[t.number] - t.bits for t in setting) for setting in settings]
            self._accept(int(max(fits, key=lambda k: saved[k])), settings, thetas, measure)

    def _accept(
        self, k: int, settings: list[list[_Trial]], thetas: Floats, measure: Floats
    ) -> None:
        self.theta, self.measure = thetas[k], float(measure[k])
        for trial in settings[k]:
            self.bits[trial.number], self.free[trial.number] = trial.bits, False
            self.gains[trial.number] = trial.gain
            self.taken.append(trial)

    def take_back(self, refused: set[tuple[int, float]]) -> bool:
        """Where the end was bad, refuse the least convincing value or the slack; else False.

        A value that is shorter than the law's leaves the others no short ones, or no room.
        """
        if self.model.bound.keeps_reals:
            return False
        outside = self.measure > self.model.bound.most
        strict = self.model.bound.without_slack()
        if outside and strict is not None:
            self.model.bound = strict
            return True
        longer = [k for k, trial in enumerate(self.taken) if trial.gain < -MUCH_LONGER]
        if not (outside or longer or self.free[self.asked].any()):
            return False
        before = self.taken[: longer[0]] if longer else self.taken
        if not before:
            return False
        least = min(before, key=lambda trial: trial.gain)
        refused.add((least.number, least.value))
        return True

    def advance(self) -> bool:
        """Settle one number or several; False when none has a short value."""
        ranked = sorted(self._cheapest(self._trials()), key=lambda t: -t.gain)
        if not ranked:
            return False
        sure = max(1, sum(trial.gain >= SURE for trial in ranked))
        settings = [ranked[: k + 1] for k in range(sure)]
        thetas, measure, allowed = self._fitted(settings)
        fits = np.flatnonzero(measure <= allowed)
        if not len(fits):
            return False
        self._accept(int(fits.max()), settings, thetas, measure)
        return True

    def _trials(self) -> list[_Trial]:
        """All values worth trying for all free numbers."""
        errors = self._standard_errors()
        values = self.theta[self.model.at]
        trials = []
        for q in map(int, np.flatnonzero(self.free & self.asked)):
            exponent, value = bool(self.model.exponent[q]), float(values[q])
            scale = 1.0 if exponent else abs(value)
            width = STANDARD_ERRORS * errors[q]
            told = surprise(errors[q] / scale)
            related = self._related(q, values)
            most = self.bits[q] + LONGER if self.model.bound.keeps_reals else math.inf
            for bits, x in cheapest(value, width, exponent=exponent, related=related):
                if (q, x) in self.refused:
                    continue
                if bits >= most or (x == 0 and not (exponent or self.model.term[q])):
                    continue
                gain = OF_A_TERM if x == 0 and not exponent else told - bits
                trials.append(_Trial(q, x, bits, gain))
        return trials

    def _related(self, q: int, values: Floats) -> list[tuple[float, float]]:
        """Values of numbers that are settled, as this one may have."""
        same = (self.model.exponent == self.model.exponent[q]) & ~self.free & (values != 0)
        sign = math.copysign(1.0, values[q])
        return [
            (SAME_AGAIN, sign * abs(float(values[k])))
            for k in np.flatnonzero(same)
            if self.bits[k] > SAME_AGAIN
        ]

    def _standard_errors(self) -> Floats:
        """Of each number, the others free, as if rounding were normal noise of its size."""
        _, traces = self.model.residuals(self.theta[None])
        J = self.model.slopes(self.theta[None], traces)[0][:, self.free]
        lengths = np.linalg.norm(J, axis=0) + 1e-300
        inverse = np.linalg.pinv(J / lengths, rcond=1e-10)
        errors = np.zeros(len(self.free))
        errors[self.free] = np.linalg.norm(inverse, axis=1) / lengths
        return errors

    def _cheapest(self, trials: list[_Trial]) -> list[_Trial]:
        """Of each number the cheapest value that fits."""
        if not trials:
            return []
        _, measure, allowed = self._fitted([[trial] for trial in trials])
        best: dict[int, _Trial] = {}
        for trial, fits in zip(trials, measure <= allowed, strict=True):
            if fits and (trial.number not in best or trial.bits < best[trial.number].bits):
                best[trial.number] = trial
        return list(best.values())

    def _fitted(
        self, settings: list[list[_Trial]], *, patience: int = 2
    ) -> tuple[Floats, Floats, Floats]:
        """With some numbers set in each, the others fitted: weights, measures, allowed ones."""
        residual, traces = self.model.residuals(self.theta[None])
        J = self.model.slopes(self.theta[None], traces)
        free = np.repeat(self.free[None], len(settings), axis=0)
        shifts, saved = np.zeros(free.shape), np.zeros(len(settings))
        values = self.theta[self.model.at]
        for r, setting in enumerate(settings):
            for trial in setting:
                shifts[r, trial.number] = trial.value - values[trial.number]
                free[r, trial.number] = False
                saved[r] += self.bits[trial.number] - trial.bits
        limit = self.model.bound.allowed(self.measure, saved)
        # the others first follow as the linear model has it
        follow = residual + (J[0] @ shifts.T).T
        moves, _ = self.model.bound.moves(follow, J, free, limit, np.full(len(free), DAMPING))
        thetas = np.repeat(self.theta[None], len(settings), axis=0)
        thetas[:, self.model.at] += _clipped(self.model, self.theta[None], moves)
        for r, setting in enumerate(settings):
            for trial in setting:
                thetas[r, self.model.at[trial.number]] = trial.value
        return *_fit(self.model, thetas, free, limit, patience=patience), limit

    def _gain(self) -> float:
        """Of all coefficients, and of the exponents of one product: others repeat what it says."""
        if (self.gains < -LONGER).any():
            return min(0.0, float(self.gains.min()))
        exponents: dict[tuple[int, int], float] = {}
        for place, gain, is_exponent in zip(
            self.model.places, self.gains, self.model.exponent, strict=True
        ):
            if is_exponent:
                unit = place.layer, place.unit
                exponents[unit] = exponents.get(unit, 0.0) + gain
        return float(self.gains[~self.model.exponent].sum()) + max(exponents.values(), default=0.0)

    def settled(self, circuit: Circuit) -> Settled | None:
        """The circuit with its numbers."""
        values = self.theta[self.model.at]
        try:
            new = with_constants(
                circuit, dict(zip(self.model.places, map(float, values), strict=True))
            )
        except ValueError:
            return None
        return Settled(new, float(self.bits.sum()), self._gain(), self.measure)


def _fit(
    model: Model, theta: Floats, free: Bools, limit: Floats, *, patience: int = 2
) -> tuple[Floats, Floats]:
    """Move the free numbers of each setting until its measure is within its limit."""
    theta = theta.copy()
    best, best_theta = model.bound.measure(model.residuals(theta)[0]), theta.copy()
    open_, worse = (best > limit) & free.any(axis=1), np.zeros(len(theta), dtype=int)
    damping = np.full(len(theta), DAMPING)
    for turn in range(MOST_LINEARISED * patience):
        live = np.flatnonzero(open_)
        if not len(live):
            break
        r, traces = model.residuals(best_theta[live])
        J = model.slopes(best_theta[live], traces)
        moves, promised = model.bound.moves(r, J, free[live], limit[live], damping[live])
        new = best_theta[live]
        new[:, model.at] += _clipped(model, new, moves)
        measure = model.bound.measure(model.residuals(new)[0])
        better = measure < best[live] * (1 - LEAST_GAIN)
        best[live[better]], best_theta[live[better]] = measure[better], new[better]
        worse[live] = np.where(better, 0, worse[live] + 1)
        proven = (promised > limit[live]) & (damping[live] <= DAMPING) & (turn >= 2)
        open_[live] = (best[live] > limit[live]) & ~proven & (worse[live] < patience)
        damping[live] = np.clip(damping[live] * np.where(better, LESS, MORE), DAMPING, 1.0)
    return best_theta, best


def _clipped(model: Model, theta: Floats, moves: Floats) -> Floats:
    size = np.where(model.exponent, 1.0, np.abs(theta[:, model.at]))
    return np.clip(np.nan_to_num(moves), -LARGEST_STEP * size, LARGEST_STEP * size)


@dataclass(frozen=True, slots=True)
class _Trial:
    """A value for a number."""

    number: int
    value: float
    bits: float
    gain: float


def _of_exponent(number: int, value: float, error: float) -> _Trial:
    bits = price_of_exponent(value)
    return _Trial(number, value, bits, surprise(error) - bits)
