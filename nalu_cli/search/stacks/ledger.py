"""What a search of stacks has found, and whether more of them are worth their time."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from nalu_cli.circuit import Circuit
from nalu_cli.search.stacks.batch import Batch, Shape
from nalu_cli.search.stacks.schedule import Kind, Step

__all__ = ["Ledger", "Snapped"]

Floats = NDArray[np.float64]

QUICK = 60.0
"""Bits of numbers up to which sums that were only grown are snapped. *Guess:* of those that fit any
smooth target the exponents alone take more."""

HOPED = 8.0
"""Bits that a stack may take less with short numbers than it seems to before. *Guess.*"""

SURE = 12.0
"""Bits by which numbers are shorter than chance would have them, when no longer stack is asked.
*Derived:* one imitation in 4096 has numbers as short."""

MANY_ROWS = 60
"""Rows from which sums that are no better than one product say that digits are hidden by noise.
*Guess:* in fewer a term more costs what it explains."""

SHAPES_AFTER = 2
"""Longer shapes that are asked after a law whose numbers are not cheap. *Guess.*"""

IDLE_SHAPES, SURE_SHAPES = 5, 2
"""Shapes without a better formula under noise after which no longer one is asked, and when its
numbers are short, when they are as good as any, or sums are only grown. *Guess.*"""

NEAR = 25.0
"""Bits beside the best stack's within which others are as good but for their numbers. *Guess:* two
or three numbers."""


@dataclass(frozen=True, slots=True)
class Snapped:
    """A circuit with snapped numbers.

    Parameters
    ----------
    circuit : Circuit
    gain : float
        See `evidence.Settled`.
    total : float
        Bits of its numbers and errors.
    is_inside : bool
        Whether it explains every row.
    """

    circuit: Circuit
    gain: float
    total: float
    is_inside: bool


@dataclass(slots=True)
class Ledger:
    """The cheapest law so far, and whether a longer stack is worth asking."""

    is_printed: bool
    rows: int
    cycle: int = 0
    bits: float = np.inf
    found: int | None = None
    is_sure: bool = False
    expected: float = np.inf
    slowly: float = np.inf
    one: float = np.inf
    has_grown: bool | None = None
    stagnant: set[Shape] = field(default_factory=set)
    least: dict[Kind, float] = field(default_factory=dict)
    idle: dict[Kind, set[Shape]] = field(default_factory=lambda: defaultdict(set))

    def promising(self, batch: Batch, expected: Floats, numbers: Floats, step: Step) -> Batch:
        """The stacks that may become the best one, by the bits they and their numbers may take."""
        least = float(np.min(expected, initial=np.inf))
        self.expected = min(self.expected, least)
        if self.is_printed:
            self._note_growth(least, step)
            if not step.grown_alone and least < self.slowly - 1:
                self.slowly = least
                self.stagnant.clear()
            most = min(self.bits + HOPED, QUICK if step.grown_alone else np.inf)
            return batch.take(numbers <= most)
        if least < self.least.get(step.kind, np.inf) - 1:
            self.least[step.kind] = least
            self.idle[step.kind].clear()
        return batch.take(expected <= self.expected + HOPED)

    def _note_growth(self, least: float, step: Step) -> None:
        """Whether a sum explains more than one product does, by more than chance."""
        if step.shape.units == 1:
            self.one = min(self.one, least)
        elif step.grown_alone:
            self.has_grown = bool(self.has_grown) or least < self.one - 1

    @property
    def is_noise(self) -> bool:
        """Whether no sum of any power was better than one product: then noise hides the digits."""
        return self.has_grown is False and self.rows >= MANY_ROWS

    def note(self, settled: Snapped, place: int) -> None:
        """A formula that a shape gave."""
        better = settled.total < self.bits - 1
        if settled.is_inside:
            self.found = place if better else self.found
        if better:
            self.bits = settled.total
            self.is_sure = settled.gain >= SURE
            self.idle.clear()

    def is_closed(self, step: Step) -> bool:
        """Whether a step is not worth its time."""
        if self.found is not None:
            return step.place > self.found + (0 if self.is_sure else SHAPES_AFTER)
        if self.is_printed:
            if step.grown_alone:
                return False
            self.stagnant.add(step.shape)
            return len(self.stagnant) > IDLE_SHAPES * (1 + self.cycle) or self.is_noise
        idle = self.idle[step.kind]
        idle.add(step.shape)
        is_near = self.least.get(step.kind, np.inf) <= self.expected + NEAR
        few = self.is_sure or is_near or (step.grown_alone and not step.shape.inner)
        return len(idle) > (SURE_SHAPES if few else IDLE_SHAPES) * (1 + self.cycle)
