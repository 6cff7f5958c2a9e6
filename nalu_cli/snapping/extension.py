"""Settings of some numbers of a formula, and values that may be set beside."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nalu_cli.snapping.line import Line
from nalu_cli.snapping.model import Model
from nalu_cli.snapping.prices import cheapest, price_of_exponent
from nalu_cli.snapping.surprise import LONGER

__all__ = ["NO_EFFECT", "OF_A_TERM", "STANDARD_ERRORS", "Extender", "Proposal", "Setting", "Trial"]

Floats = NDArray[np.float64]

STANDARD_ERRORS = 3.0
"""Half-width of the interval in which a number's values are looked for. *Derived:* under rounding
the numbers that every row allows lie closer than that to the least squares."""

MOST_VALUES = 24
"""Of one number. *Guess:* a number with one digit more than the rows tell has some twenty."""

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

NO_EFFECT = 1e-9
"""How far a change of a number by its scale moves the residuals that it has become nothing to.
*Derived:* above the rounding of doubles."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A value for a number, and its price."""

    number: int
    value: float
    bits: float


@dataclass(frozen=True, slots=True, eq=False)
class Setting:
    """Some numbers set, the others where the bound holds.

    Parameters
    ----------
    theta : ndarray
        All weights.
    measure : float
        Of its errors.
    trials : tuple of Trial
        What is set.
    line : Line
        The linear model of the others.
    expected : float
        Bits that all numbers and errors are likely to take: the price of those that are set, and of
        the others what the rows tell.
    """

    theta: Floats
    measure: float
    trials: tuple[Trial, ...]
    line: Line
    expected: float

    @property
    def bits(self) -> float:
        """Of the numbers that are set."""
        return sum(trial.bits for trial in self.trials)


@dataclass(frozen=True, slots=True, eq=False)
class Proposal:
    """A setting before it is fitted: the one it comes from, and what is set beside."""

    parent: Setting
    new: tuple[Trial, ...]
    expected: float

    @property
    def trials(self) -> tuple[Trial, ...]:
        """All that is set."""
        return (*self.parent.trials, *self.new)

    def moves(self, model: Model) -> Floats:
        """Of all numbers (Q,), as the linear model has it."""
        line, moves = self.parent.line, np.zeros(len(model.places))
        moves[line.free] = line.scales * line.followed(*_shifts(model, self.parent, self.new))[0]
        return moves


def _shifts(model: Model, setting: Setting, new: tuple[Trial, ...]) -> tuple[list[int], Floats]:
    at = setting.line.places([trial.number for trial in new])
    off = np.array([t.value - setting.theta[model.at[t.number]] for t in new])
    return at, off / setting.line.scales[at]


class Extender:
    """What may be set beside what is.

    Parameters
    ----------
    model : Model
    to_set : ndarray of bool, shape (Q,)
        Numbers that are to be set.
    unnamed : ndarray of shape (Q,)
        Bits of each where it keeps the digits that the rows tell.
    """

    def __init__(self, model: Model, to_set: NDArray[np.bool_], unnamed: Floats) -> None:
        self.model, self.to_set, self.unnamed = model, to_set, unnamed

    def bits(self, trials: Iterable[Trial], squares: float) -> float:
        """Of numbers that are set, and of errors; a term that is dropped saves its own."""
        total = self.model.bound.bits(squares)
        for trial in trials:
            drops = trial.value == 0 and self.model.term[trial.number]
            total += -OF_A_TERM if drops else trial.bits
        return total

    def proposals(self, setting: Setting, width: float) -> Iterator[Proposal]:
        """Each value for each free number alone, and the surest ones of several together.

        Parameters
        ----------
        setting : Setting
        width : float
            Standard errors within which values are looked for; where it is less than
            `STANDARD_ERRORS`, around the setting and not around the least squares.
        """
        squares = setting.line.squares
        best: dict[int, tuple[float, Trial]] = {}
        for trial, known, off in self._trials(setting, width):
            bits = self.bits([trial], squares + off**2) - self.model.bound.bits(squares)
            saved = known - bits
            yield Proposal(setting, (trial,), setting.expected - saved)
            if trial.number not in best or saved > best[trial.number][0]:
                best[trial.number] = saved, trial
        ranked = sorted(best.values(), key=lambda one: -one[0])
        sure = [trial for saved, trial in ranked if saved >= SURE]
        # one of those that look sure may be an accident
        several = [sure[:k] for k in range(2, len(sure) + 1)]
        several += [sure[:k] + sure[k + 1 :] for k in range(len(sure) - 1)] if sure[2:] else []
        for some in several:
            yield self._together(setting, tuple(some))

    def bold(self, root: Setting) -> list[Proposal]:
        """All exponents at once that are nearly whole or halves."""
        values = root.theta[self.model.at]
        found: list[list[Trial]] = []
        for parts in (1, 2):
            nearest = np.round(parts * values) / parts + 0.0
            for distance in BOLD:
                some = self.to_set & self.model.exponent & (np.abs(nearest - values) <= distance)
                trials = [
                    Trial(int(q), float(nearest[q]), price_of_exponent(float(nearest[q])))
                    for q in np.flatnonzero(some)
                ]
                if trials and trials not in found:
                    found.append(trials)
        return [self._together(root, tuple(trials)) for trials in found]

    def _together(self, setting: Setting, new: tuple[Trial, ...]) -> Proposal:
        _, squares, chance = setting.line.followed(*_shifts(self.model, setting, new))
        return Proposal(setting, new, chance + self.bits((*setting.trials, *new), squares))

    def _trials(self, setting: Setting, width: float) -> Iterator[tuple[Trial, float, float]]:
        """Values of free numbers, what the rows tell of these, and how many errors they are off."""
        model, line = self.model, setting.line
        for k, q in enumerate(map(int, line.free)):
            if not self.to_set[q]:
                continue
            exponent, term = bool(model.exponent[q]), bool(model.term[q])
            scale, error = float(line.scales[k]), float(line.errors[k])
            known = -math.log2(error)
            if line.effects[k] <= NO_EFFECT:
                yield Trial(q, 0.0 if exponent or term else 1.0, 0.0), known, 0.0
                continue
            now = float(setting.theta[model.at[q]])
            middle = now + float(line.shifts[k]) * scale
            near = cheapest(
                middle if width >= STANDARD_ERRORS else now,
                width * error * scale,
                exponent=exponent,
                of_product=model.is_product,
                related=self._related(q, now, setting),
                most=MOST_VALUES,
            )
            for bits, x in near:
                gains_nothing = model.bound.keeps_reals and bits >= self.unnamed[q] + LONGER
                if (x or exponent or term) and not gains_nothing:
                    yield Trial(q, x, bits), known, (x - middle) / (error * scale)

    def _related(self, q: int, value: float, setting: Setting) -> list[tuple[float, float]]:
        """Values of numbers that are set, as this one may have."""
        exponent = self.model.exponent
        return [
            (SAME_AGAIN, math.copysign(t.value, value))
            for t in setting.trials
            if exponent[t.number] == exponent[q] and t.value and t.bits > SAME_AGAIN
        ]
