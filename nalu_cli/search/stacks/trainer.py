"""Stacks of one shape trained on the rows, the best of them kept for longer ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from nalu_cli.numerics.tolerances import TINY
from nalu_cli.rows import Rows
from nalu_cli.search.stacks.batch import Batch, Columns, Shape
from nalu_cli.search.stacks.discrete import Breeding, discrete_starts
from nalu_cli.search.stacks.selection import selected_starts
from nalu_cli.search.stacks.starts import grown_starts, random_starts, recombined, with_one_product
from nalu_cli.search.stacks.training import Goal, train

__all__ = ["MOST_ROWS", "NEARLY_EXACT", "OF_PRINTING", "Trainer", "capped"]

Floats = NDArray[np.float64]

MOST_ROWS = 256
"""Number of rows that stacks are trained on. *Guess:* some ten for each of their numbers."""

RESTARTS, GROWN = 128, 32
"""Number of stacks of a shape that start at random, and that start from a shorter one. *Guess:* one
in some tens of the random ones ends at the law."""

SELECTED, SELECTED_WITH_ADDEND = (4, 12), 2
"""Number of stacks of a shape that start from selected products, the first time and again, and of
those that are added to a shorter sum. *Guess:* the best selections come first."""

ROUNDS = ((8, 32, 64), (12, 10, 128), (50, 8, MOST_ROWS))
"""Rounds of training: steps, how many stacks are kept after them, and on how many rows. *Guess:*
hopeless ones show after a few steps."""

MOST_NUMBERS, MOST_OF_ONE = 0.25, 0.5
"""Largest number of numbers for each row in a stack, and in one product, which fits nothing but
itself. *Guess:* with more a stack fits what it was not made for."""

FEWEST_NUMBERS = 5
"""Number of numbers that a stack may have where there are twice as many printed rows. *Guess:* a
line and a power have as many."""

SIMPLE = 0.03
"""Distance from a whole number up to which an exponent is likely to be that number. *Guess:* the
error of exponents that are trained on noisy rows."""

BITS_OF_AN_EXPONENT = (3.0, 10.0)
"""Bits of an exponent that is a whole number, and of another. *Derived:* one of eight whole
numbers, and three decimal digits."""

BITS_OF_A_WEIGHT = 4.0
"""Bits of a weight. *Guess:* a digit, and its sign."""

OF_PRINTING = 1 / 3
"""Mean square of the rounding error of a printed cell, in units of its squared half-width.
*Derived:* that of an even distribution."""

HEAVIEST = 1e4
"""Largest weight of a row, relative to the median. *Guess:* near a zero of the target the weights
of its powers, and of cells of so many significant digits, grow without bound."""

NEARLY_EXACT = 1e-9
"""Relative error below which a stack is a law of doubles. *Derived:* training ends near the root of
their rounding."""


@dataclass(slots=True)
class Trainer:
    """Training on some rows, and the stacks that were trained.

    Parameters
    ----------
    rows : Rows
    columns : Columns
        Of the rows that are trained on.
    chosen : ndarray of int
        Which rows those are.
    rng : numpy.random.Generator
    again : bool
        Whether other stacks have been trained on them before.
    stop : callable
    trained : dict
        By power and shape, the best stacks.
    """

    rows: Rows
    columns: Columns
    chosen: NDArray[np.intp]
    rng: np.random.Generator
    again: bool
    stop: Callable[[], bool]
    trained: dict[tuple[float, Shape], Batch] = field(default_factory=dict)

    @property
    def is_printed(self) -> bool:
        """Whether the errors are those of printing."""
        return self.rows.half_y is not None and self.rows.sigma is None

    def goal(self, power: float) -> Goal | None:
        """A power of the target, if it has one on every row."""
        y = self.rows.y[self.chosen]
        if power != 1 and not (y > 0).all():
            return None
        with np.errstate(all="ignore"):
            slope = abs(power) * np.abs(y) ** (power - 1)
            weights = capped(1 / (slope * self.sizes(self.rows)[self.chosen]))
            target = y**power
        if not (np.isfinite(weights).all() and np.isfinite(target).all()):
            return None
        if self.is_printed:
            enough = self.floor
        else:
            enough = NEARLY_EXACT**2 * 1e-6 * float(np.sum((target * weights) ** 2))
        return Goal(target, weights, enough)

    @staticmethod
    def sizes(rows: Rows) -> Floats:
        """The error of each row, to a factor."""
        if rows.sigma is not None:
            return rows.sigma
        return np.ones(len(rows)) if rows.half_y is None else np.maximum(rows.half_y, TINY)

    @property
    def floor(self) -> float:
        """The loss of a stack that explains the rows."""
        return OF_PRINTING * len(self.chosen) if self.is_printed else TINY

    def train(self, shape: Shape, power: float, goal: Goal, *, grown_alone: bool) -> Batch | None:
        """The best stacks of a shape, best first; None where none can start."""
        parts = list(self._grown(shape, power, goal))
        if shape.units > 1 and len(shape.inner) <= 1:
            parts += self._selected(shape, power, goal)
        if not grown_alone:
            starts = random_starts(shape, self.columns, RESTARTS, self.rng)
            with_one_product(starts, self.columns, goal)
            parts.append(starts)
            if shape.units > 1:
                parts.append(self._discrete(shape, power, goal, parts[:-1]))
        if not parts:
            return None
        batch = Batch.joined(parts)
        for place, (steps, kept, most) in enumerate(ROUNDS):
            rows = np.arange(min(most, len(self.chosen)))
            columns, part = self.columns.take(rows), goal.take(rows)
            batch = train(batch, columns, part, steps=steps, stop=self.stop)
            best = batch.take(np.argsort(self.prices(batch, len(rows)))[:kept])
            if place == 0 and shape.outer > 1 and not shape.inner:
                best = Batch.joined([best, recombined(batch, columns, part, kept // 2, self.rng)])
            batch = best
        self.trained[power, shape] = batch
        return batch

    def _selected(self, shape: Shape, power: float, goal: Goal) -> Iterator[Batch]:
        """Sums and quotients of simple products, and quotients added to the best shorter sum."""
        starts = selected_starts(shape, self.columns, goal, SELECTED[self.again], self.rng)
        if starts is None:
            return
        yield starts
        shorter = Shape(shape.outer - 1)
        if shape.inner and (power, shorter) in self.trained:
            addend = self.trained[power, shorter].take(np.array([0]))
            most = SELECTED_WITH_ADDEND
            starts = selected_starts(shape, self.columns, goal, most, self.rng, addend)
            if starts is not None:
                yield starts

    def _discrete(self, shape: Shape, power: float, goal: Goal, trained: list[Batch]) -> Batch:
        """Stacks of simple exponents, as they are and with their exponents and powers free."""
        fixed = discrete_starts(
            shape, self.columns, goal, trained, self.rng, breeding=Breeding(), stop=self.stop
        )
        free = fixed.take(np.arange(len(fixed)))
        free.free, free.free_powers = free.exponents != 0, np.ones_like(free.free_powers)
        return Batch.joined([fixed, free])

    def prices(self, batch: Batch, n: int) -> Floats:
        """Bits of each stack's errors on n rows and of its exponents, the fewest for the best."""
        return 0.5 * n * self._bits_of_a_row(batch, n) + _bits_of_exponents(batch)

    def expected(self, batch: Batch) -> Floats:
        """Bits that each stack is likely to take when its numbers are short, on all rows."""
        errors = 0.5 * len(self.rows) * self._bits_of_a_row(batch, len(self.chosen))
        return np.asarray(errors + self.numbers(batch))

    def nearest(self) -> tuple[Batch, float] | None:
        """The stack that takes the fewest bits, and the power of the target that it computes.

        None when all have more numbers than the rows determine.
        """
        candidates = [
            (float(bits), batch.take(np.array([k])), power)
            for (power, _), batch in self.trained.items()
            for k, bits in enumerate(self.expected(batch))
            if not self.has_too_many_numbers(batch, k, fewest=0)
        ]
        if not candidates:
            return None
        _, batch, power = min(candidates, key=lambda candidate: candidate[0])
        return batch, power

    @staticmethod
    def numbers(batch: Batch) -> Floats:
        """Bits that the numbers of each stack are likely to take."""
        return _bits_of_exponents(batch) + BITS_OF_A_WEIGHT * batch.shape.units

    def _bits_of_a_row(self, batch: Batch, n: int) -> Floats:
        """Bits of the squared error of a row."""
        least = OF_PRINTING if self.is_printed else TINY
        return np.asarray(np.log2(np.maximum(batch.loss / n, least)))

    def has_too_many_numbers(self, batch: Batch, k: int, *, fewest: int = FEWEST_NUMBERS) -> bool:
        """Whether a stack has more numbers than the rows determine; printed rows allow a few."""
        n, shape = len(self.rows), batch.shape
        numbers = shape.units + len(shape.inner)
        numbers += int(np.count_nonzero(np.abs(batch.exponents[k]) > SIMPLE))
        most = n * (MOST_OF_ONE if shape.units == 1 else MOST_NUMBERS)
        few = min(fewest, n / 2) if self.is_printed else 0.0
        return bool(numbers > max(most, few))

    def _grown(self, shape: Shape, power: float, goal: Goal) -> Iterator[Batch]:
        for one in _shorter(shape):
            if (power, one) in self.trained:
                before = self.trained[power, one]
                yield grown_starts(before, self.columns, goal, shape, GROWN, self.rng)


def capped(weights: Floats) -> Floats:
    """Weights of rows, none of which outweighs all others."""
    return np.asarray(np.minimum(weights, np.median(weights) * HEAVIEST))


def _bits_of_exponents(batch: Batch) -> Floats:
    size = np.abs(batch.exponents)
    simple = np.abs(size - np.round(size)) <= SIMPLE
    bits = np.where(size <= SIMPLE, 0.0, np.where(simple, *BITS_OF_AN_EXPONENT))
    return np.asarray(bits.sum(axis=(1, 2)))


def _shorter(shape: Shape) -> list[Shape]:
    """Shapes with one term less."""
    found = []
    if shape.outer > 1:
        found.append(Shape(shape.outer - 1, shape.inner))
    if shape.inner:
        *others, last = shape.inner
        found.append(Shape(shape.outer, (*others, last - 1) if last > 1 else tuple(others)))
    return found
