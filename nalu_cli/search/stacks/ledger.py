"""What a search of stacks has found, and whether longer stacks are worth their time."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from nalu_cli.circuit import Circuit
from nalu_cli.search.stacks.batch import Batch, Shape
from nalu_cli.search.stacks.schedule import QUOTIENTS, SUMS, Kind, Step

__all__ = ["Ledger", "NoisyLedger", "PrintedLedger", "Snapped"]

Floats = NDArray[np.float64]

QUICK = 80.0
"""Bits of its numbers up to which a stack is snapped that did not start at random. *Guess:* of the
stacks that fit any smooth target the exponents alone take more."""

HOPED = 8.0
"""Bits by which snapping may shorten a stack's numbers beyond what was expected. *Guess:* two
weights with a digit less each."""

SURE = 12.0
"""Bits by which numbers must be shorter than chance would have them for a law to be sure.
*Derived:* one imitation in 4096 has numbers as short."""

MANY_ROWS = 60
"""Number of printed rows from which noise is taken to hide the digits where no sum is better than
one product. *Guess:* with fewer rows a further term costs more than it explains."""

SHAPES_AFTER = 2
"""Number of longer shapes that are trained after a law that is not sure. *Guess:* a shape or two
more may have shorter numbers."""

IDLE_SHAPES, SURE_SHAPES = 5, 2
"""Number of shapes in a row without a better formula after which no longer shape is trained; the
second number holds once a law is sure, or nearly the best, and for sums that are only grown.
*Guess:* a law that needs a longer shape is approached by shorter ones."""

SHORT = 3
"""Largest number of products in a short law. *Guess:* longer sums may imitate another law of
fewer."""

NEAR = 25.0
"""Bits by which a stack may be longer than the best and yet be as good but for its numbers.
*Guess:* two or three numbers."""


@dataclass(frozen=True, slots=True)
class Snapped:
    """A circuit with snapped numbers.

    Parameters
    ----------
    circuit : Circuit
    gain : float
        Bits by which its numbers are shorter than chance would have them.
    total : float
        Bits of its numbers and errors.
    is_inside : bool
        Whether it explains every row.
    is_even : bool
        Whether no row is farther off than noise ever is.
    """

    circuit: Circuit
    gain: float
    total: float
    is_inside: bool
    is_even: bool = True


@dataclass(slots=True)
class Ledger:
    """The cheapest law so far, and whether a longer stack is worth training.

    Parameters
    ----------
    rows : int
    cycle : int
        How often stacks have been trained before: each time more shapes may do no better.
    """

    rows: int
    cycle: int = 0
    bits: float = np.inf
    best: Shape | None = None
    found: int | None = None
    is_sure: bool = False
    least: dict[Kind, float] = field(default_factory=dict)
    idle: dict[Kind, set[Shape]] = field(default_factory=lambda: defaultdict(set))

    def note(self, snapped: Snapped, step: Step) -> bool:
        """Whether a formula that a step gave is the cheapest so far."""
        if snapped.total >= self.bits - 1:
            return False
        # the same law, or nearly, may come again with other numbers
        is_same = self.bits - snapped.total < HOPED
        self.is_sure = snapped.gain >= SURE or (self.is_sure and is_same)
        self.bits, self.best = snapped.total, step.shape
        if snapped.is_inside:
            self.found = step.place
        return True

    def promising(self, batch: Batch, expected: Floats, numbers: Floats, step: Step) -> Batch:
        """The stacks that may become the best one, by the bits they and their numbers may take."""
        least = float(np.min(expected, initial=np.inf))
        if least < self.least.get(step.kind, np.inf) - 1:
            self.least[step.kind] = least
            if not self.is_sure:
                self.idle[step.kind].clear()
        cheap = numbers <= (QUICK if step.grown_alone else np.inf)
        # what is not snapped must not keep others from it
        return batch.take(cheap & self._may_be_best(np.where(cheap, expected, np.inf), numbers))

    def is_closed(self, step: Step) -> bool:
        """Whether a step is not worth its time."""
        if self.found is not None:
            return step.place > self.found + (0 if self.is_sure else SHAPES_AFTER)
        # long sums take longest: only those of the power whose shorter ones explain most are grown
        others = self.least.values()
        if step.is_long and self.least.get(step.kind, np.inf) > min(others, default=np.inf):
            return True
        return self._is_idle(step)

    def _is_idle(self, step: Step) -> bool:
        """Whether enough steps of the kind before this one did no better."""
        idle = self.idle[step.kind]
        idle.add(step.shape)
        return len(idle) > self._patience(step) * (1 + self.cycle)

    def _patience(self, step: Step) -> int:
        """Shapes of a step's kind that may do no better."""
        return SURE_SHAPES if step.grown_alone and not step.shape.inner else IDLE_SHAPES

    def _may_be_best(self, expected: Floats, numbers: Floats) -> NDArray[np.bool_]:
        raise NotImplementedError


@dataclass(slots=True)
class PrintedLedger(Ledger):
    """Of printed rows, all of which a law explains."""

    one: float = np.inf
    has_grown: bool | None = None

    def promising(self, batch: Batch, expected: Floats, numbers: Floats, step: Step) -> Batch:
        """See `Ledger`."""
        least = float(np.min(expected, initial=np.inf))
        if step.shape.units == 1:
            self.one = min(self.one, least)
        elif step.grown_alone:
            self.has_grown = bool(self.has_grown) or least < self.one - 1
        return Ledger.promising(self, batch, expected, numbers, step)

    def _may_be_best(self, expected: Floats, numbers: Floats) -> NDArray[np.bool_]:
        return np.asarray(numbers <= self.bits + HOPED)

    def _is_idle(self, step: Step) -> bool:
        if step.kind in {SUMS, QUOTIENTS}:
            return False
        # where no sum of any power was better than one product, noise hides the digits
        is_noise = self.has_grown is False and self.rows >= MANY_ROWS
        return (is_noise and not step.grown_alone) or Ledger._is_idle(self, step)


@dataclass(slots=True)
class NoisyLedger(Ledger):
    """Of rows with errors of unknown size, which a longer formula always explains better."""

    expected: float = np.inf
    kind: Kind = None
    is_even: bool = True

    def note(self, snapped: Snapped, step: Step) -> bool:
        """See `Ledger`."""
        is_best = Ledger.note(self, snapped, step)
        if is_best:
            self.kind, self.is_even = step.kind, snapped.is_even
            # what few rows show stands beside numbers that are right
            self.is_sure = self.is_sure and snapped.is_even
            self.idle.clear()
        return is_best

    def _may_be_best(self, expected: Floats, numbers: Floats) -> NDArray[np.bool_]:
        self.expected = min(self.expected, float(np.min(expected, initial=np.inf)))
        return np.asarray(expected <= self.expected + HOPED)

    def _is_idle(self, step: Step) -> bool:
        if self._is_noise_beyond(step):
            return True
        if step.kind == QUOTIENTS and not self.is_sure:
            return False
        return Ledger._is_idle(self, step)

    def _patience(self, step: Step) -> int:
        is_near = self.least.get(step.kind, np.inf) <= self.expected + NEAR
        return SURE_SHAPES if self.is_sure or is_near else Ledger._patience(self, step)

    def _is_noise_beyond(self, step: Step) -> bool:
        """Whether the best law leaves nothing that longer stacks of its kind, or sums, explain."""
        if self.best is None or not self.is_even:
            return False
        if self.is_sure:
            return len(self.idle[self.kind]) > SURE_SHAPES
        is_short = self.best.units <= min(SHORT, step.shape.units - 1)
        return is_short and len(self.idle[SUMS]) > SURE_SHAPES
