"""The strategy: stacks of one shape after another are trained, and their numbers snapped."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from nalu_cli.circuit import Circuit
from nalu_cli.likelihood import PRINTED, tolerance
from nalu_cli.problem import Rows
from nalu_cli.search.stacks.batch import Batch, Columns, Shape
from nalu_cli.search.stacks.discrete import Breeding, discrete_starts
from nalu_cli.search.stacks.ledger import Ledger, Snapped
from nalu_cli.search.stacks.lowering import circuit_of_stack, with_whole_signs
from nalu_cli.search.stacks.schedule import STEPS, Step
from nalu_cli.search.stacks.starts import (
    grown_starts,
    random_starts,
    recombined,
    screened,
    with_one_product,
)
from nalu_cli.search.stacks.training import Goal, train
from nalu_cli.snapping.bound import Noise, Printed
from nalu_cli.snapping.evidence import Settled, settle

__all__ = ["trained_stacks"]

Floats = NDArray[np.float64]
Stop = Callable[[], bool]

MOST_COLUMNS = 8
"""Columns that stacks read; of more the most telling ones. *Guess.*"""

MOST_ROWS = 256
"""Rows that stacks are trained on. *Guess:* some ten for each of their numbers."""

RESTARTS, GROWN = 128, 32
"""Stacks that start at random, and from a shorter one. *Guess.*"""

ROUNDS = ((8, 32, 64), (12, 10, 128), (50, 8, MOST_ROWS))
"""Steps, how many stacks are kept after them, and on how many rows. *Guess:* hopeless ones show
after a few."""

MOST_NUMBERS, MOST_OF_ONE = 0.25, 0.5
"""Numbers of a stack for each row, and of one product, which fits nothing but itself. *Guess:* with
more a stack fits what it was not made for."""

FEWEST_NUMBERS = 5
"""That a stack may have where twice as many printed rows are: a line and a power have as many.
*Guess.*"""

SAME = 1e-4
"""Relative difference of losses below which two stacks are one. *Guess.*"""

SNAPPED = 3
"""Of each shape and power the best stacks that differ, whose numbers are snapped. *Guess.*"""

SIMPLE = 0.03
BITS_OF_AN_EXPONENT = (3.0, 10.0)
"""Distance from a whole number at which an exponent is likely to be one, and bits of such an
exponent and of others. *Guess.*"""

BITS_OF_A_WEIGHT = 4.0
"""*Guess:* a digit, and its sign."""

OF_PRINTING = 1 / 3
"""*Derived:* the mean square of an even error within its half-width, in units of that."""

WITHIN_PRINTING = 2.0
"""Times that mean square up to which numbers may be found that keep all rows inside. *Guess:* few
rows, and weights that were cut, make it larger."""

HEAVIEST = 1e4
"""Times the median weight of the rows that one row may have. *Guess:* near a zero of the target
the weights of its powers grow without bound."""

NEARLY_EXACT = 1e-9
"""Relative error below which a stack is a law of doubles. *Derived:* training ends near the root
of their rounding."""


@dataclass(slots=True)
class _Search:
    """What has been trained and found on some rows.

    Parameters
    ----------
    rows : Rows
    columns : Columns
        Of the rows that are trained on.
    chosen : ndarray of int
        Which rows those are.
    rng : numpy.random.Generator
    stop : callable
    trained : dict
        By power and shape, the best stacks.
    """

    rows: Rows
    columns: Columns
    chosen: NDArray[np.intp]
    rng: np.random.Generator
    stop: Stop
    trained: dict[tuple[float, Shape], Batch] = field(default_factory=dict)

    @property
    def is_printed(self) -> bool:
        return self.rows.half_y is not None and self.rows.sigma is None

    def goal(self, power: float) -> Goal | None:
        """A power of the target, if it has one on every row."""
        y = self.rows.y[self.chosen]
        if power != 1 and not (y > 0).all():
            return None
        with np.errstate(all="ignore"):
            slope = abs(power) * np.abs(y) ** (power - 1)
            weights = 1 / (slope * self.sizes(self.rows)[self.chosen])
            target = y**power
        weights = np.minimum(weights, np.median(weights) * HEAVIEST)
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
        return np.ones(len(rows)) if rows.half_y is None else np.maximum(rows.half_y, 1e-300)

    @property
    def floor(self) -> float:
        """The loss that is explained."""
        return OF_PRINTING * len(self.chosen) if self.is_printed else 1e-300

    def train(self, shape: Shape, power: float, goal: Goal, *, grown_alone: bool) -> Batch:
        """The best stacks of a shape, best first."""
        parts = list(self._grown(shape, power, goal))
        if not grown_alone:
            starts = random_starts(shape, self.columns, RESTARTS, self.rng)
            with_one_product(starts, self.columns, goal)
            parts.append(starts)
            if shape.units > 1:
                parts.append(self._discrete(shape, power, goal, parts[:-1]))
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

    def _discrete(self, shape: Shape, power: float, goal: Goal, given: list[Batch]) -> Batch:
        """Stacks of simple exponents, as they are and with their exponents and powers free."""
        fixed = discrete_starts(
            shape, self.columns, goal, given, self.rng, breeding=Breeding(), stop=self.stop
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

    @staticmethod
    def numbers(batch: Batch) -> Floats:
        """Bits that the numbers of each stack are likely to take."""
        return _bits_of_exponents(batch) + BITS_OF_A_WEIGHT * batch.shape.units

    def _bits_of_a_row(self, batch: Batch, n: int) -> Floats:
        """Of a squared error."""
        least = OF_PRINTING if self.is_printed else 1e-300
        return np.asarray(np.log2(np.maximum(batch.loss / n, least)))

    def has_too_many_numbers(self, batch: Batch, k: int) -> bool:
        """Whether a stack has more numbers than the rows can tell."""
        n, shape = len(self.rows), batch.shape
        numbers = shape.units + len(shape.inner)
        numbers += int(np.count_nonzero(np.abs(batch.exponents[k]) > SIMPLE))
        most = n * (MOST_OF_ONE if shape.units == 1 else MOST_NUMBERS)
        few = min(FEWEST_NUMBERS, n / 2) if self.is_printed else 0.0
        return bool(numbers > max(most, few))

    def can_grow(self, shape: Shape, power: float) -> bool:
        """Whether a shorter stack is there to grow from."""
        return any((power, one) in self.trained for one in _shorter(shape))

    def _grown(self, shape: Shape, power: float, goal: Goal) -> Iterator[Batch]:
        for one in _shorter(shape):
            if (power, one) in self.trained:
                before = self.trained[power, one]
                yield grown_starts(before, self.columns, goal, shape, GROWN, self.rng)


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


def trained_stacks(
    rows: Rows,
    *,
    seed: int | tuple[int, ...] = 0,
    layers: int | None = None,
    stop: Stop = lambda: False,
) -> Iterator[tuple[Circuit, int]]:
    """Formulas of stacks trained by variable projection, with their numbers snapped.

    Parameters
    ----------
    rows : Rows
    seed : int or tuple of int
        Where the random starts come from.
    layers : int, optional
        Of stacks; all are trained when left out.
    stop : callable
        Asked between steps.

    Yields
    ------
    circuit : Circuit
    restarts : int
        Stacks that were trained for it.
    """
    used = _used_columns(rows)
    n = rows.X.shape[1]
    if not len(used):
        return
    narrow = _with_columns(rows, used)
    steps = [step for step in STEPS if layers in (None, step.layers)]
    for kind in _kinds(narrow):
        is_inside = False
        for found, restarts in _climbed(kind, steps, np.random.default_rng(seed), stop):
            is_inside |= found.is_inside
            circuit = found.circuit
            yield (circuit if len(used) == n else circuit.among(n, used.tolist())), restarts
        if is_inside:
            return


def _kinds(rows: Rows) -> Iterator[Rows]:
    """The rows as printed, if they are, and with errors of unknown size."""
    if rows.half_y is not None and rows.sigma is None:
        yield rows
    yield replace(rows, half_y=None)


def _used_columns(rows: Rows) -> NDArray[np.intp]:
    weights = np.ones(len(rows)) if rows.half_y is None else 1 / np.maximum(rows.half_y, 1e-300)
    return screened(Columns.of(rows.X), Goal(rows.y, weights, 0.0), MOST_COLUMNS)


def _with_columns(rows: Rows, used: NDArray[np.intp]) -> Rows:
    half_X = None if rows.half_X is None else rows.half_X[:, used]
    return Rows(rows.X[:, used], rows.y, rows.half_y, half_X, rows.sigma)


def _climbed(
    rows: Rows, steps: Sequence[Step], rng: np.random.Generator, stop: Stop
) -> Iterator[tuple[Snapped, int]]:
    chosen = rng.permutation(len(rows))
    if len(rows) > MOST_ROWS:
        chosen = rng.permutation(len(rows))[:MOST_ROWS]
    search = _Search(rows, Columns.of(rows.X[chosen]), chosen, rng, stop)
    ledger = Ledger(search.is_printed, len(rows))
    for step in steps:
        if ledger.is_closed(step) or 2 * step.shape.units > len(rows):
            continue
        goal = search.goal(step.power)
        if goal is None or (step.grown_alone and not search.can_grow(step.shape, step.power)):
            continue
        if stop():
            return
        batch = search.train(step.shape, step.power, goal, grown_alone=step.grown_alone)
        if step.shape.units == 1 and step.power != 1:
            continue  # a power of one product is one product, and is there to grow from
        for settled in _snapped(
            search,
            ledger.promising(batch, search.expected(batch), search.numbers(batch), step),
            step.power,
        ):
            ledger.note(settled, step.place)
            yield settled, len(batch)


def _snapped(search: _Search, batch: Batch, power: float) -> Iterator[Snapped]:
    """The best stacks that differ as circuits."""
    seen: list[float] = []
    for k in range(len(batch)):
        loss = float(batch.loss[k])
        if len(seen) >= SNAPPED or not np.isfinite(loss) or search.stop():
            return
        if any(abs(loss / max(other, 1e-300) - 1) < SAME for other in seen):
            continue
        if search.has_too_many_numbers(batch, k):
            continue
        if seen and loss > 2 * max(seen[0], search.floor):
            return
        seen.append(loss)
        found = _as_circuit(search, batch.take(np.array([k])), power)
        if found is not None:
            yield found


def _as_circuit(search: _Search, one: Batch, power: float) -> Snapped | None:
    goal = search.goal(power)
    assert goal is not None
    one = with_whole_signs(one, search.columns, goal, search.stop)
    try:
        circuit = circuit_of_stack(one, search.columns, power)
    except (ValueError, OverflowError):
        return None
    return _inside(circuit, search) if search.is_printed else _within_noise(circuit, search)


def _inside(circuit: Circuit, search: _Search) -> Snapped | None:
    """With every row inside its printed cell."""
    for half in _half_widths(circuit, search.rows):
        settled = settle(circuit, search.rows, Printed(half), stop=search.stop)
        if settled is not None:
            return Snapped(settled.circuit, settled.gain, settled.bits, True)
    return None


def _half_widths(circuit: Circuit, rows: Rows) -> Iterator[Floats]:
    """Of the target's cells and, where these do not explain its errors, of the inputs' too."""
    with np.errstate(all="ignore"):
        errors = circuit.evaluate(rows.X) - rows.y
        for kind in PRINTED if rows.half_X is not None else PRINTED[:1]:
            half = tolerance(circuit, rows, kind)
            if np.mean((errors / half) ** 2) <= WITHIN_PRINTING * OF_PRINTING:
                yield half


def _within_noise(circuit: Circuit, search: _Search) -> Snapped | None:
    rows, size = search.rows, search.sizes(search.rows)
    with np.errstate(all="ignore"):
        errors = (circuit.evaluate(rows.X) - rows.y) / size
        rms = float(np.sqrt(np.mean(errors**2)))
    if not np.isfinite(rms) or rms == 0:
        return Snapped(circuit, np.inf, -np.inf, True) if rms == 0 else None
    nearly = rms <= NEARLY_EXACT * float(np.std(rows.y / size))
    sigma = size * (rms if rows.sigma is None else 1.0)
    settled: Settled | None = settle(
        circuit, rows, Noise(sigma), exponents_alone=nearly, stop=search.stop
    )
    if settled is None:
        return None
    # chi-square is of errors of size 1: what is more than one a row was given up for short numbers
    errors_bits = len(rows) * np.log2(rms) + (settled.measure - len(rows)) / 2 / np.log(2)
    return Snapped(settled.circuit, settled.gain, float(errors_bits + settled.bits), nearly)
