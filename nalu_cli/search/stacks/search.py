"""The strategy: stacks of one shape after another are trained, and their numbers snapped."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from nalu_cli.circuit import Circuit
from nalu_cli.likelihood import tolerance
from nalu_cli.problem import Rows
from nalu_cli.search.stacks.batch import Batch, Columns, Shape
from nalu_cli.search.stacks.discrete import Breeding, discrete_starts
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
"""Stacks that start at random, and from a shorter one. *Measured:* in the sketches 12 to 48."""

ROUNDS = ((8, 32, 64), (12, 10, 128), (50, 8, MOST_ROWS))
"""Steps, how many stacks are kept after them, and on how many rows. *Guess:* hopeless ones show
after a few."""

SNAPPED = 3
"""Of each shape and power the best stacks that differ, whose numbers are snapped. *Guess.*"""

SIMPLE = 0.03
BITS_OF_AN_EXPONENT = (3.0, 10.0)
"""Distance from a whole number at which an exponent is likely to be one, and bits of such an
exponent and of others. *Guess.*"""

BITS_OF_A_WEIGHT, HOPED = 4.0, 8.0
"""Bits of a weight of a sum, and how many fewer a stack may take with short numbers than it seems
to before. *Guess.*"""

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

SURE = 12.0
"""Bits by which numbers are shorter than chance would have them, when no longer stack is asked.
*Derived:* one imitation in 4096 has numbers as short."""

SHAPES_AFTER = 4
"""Longer shapes that are asked after a law whose numbers are not cheap. *Guess.*"""

IDLE_SHAPES, SURE_SHAPES = 4, 2
"""Shapes without a better formula under noise after which no longer one is asked, and when its
numbers are short, or sums are only grown. *Measured:* in the sketches three."""


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
        return self.rows.half_y is not None

    def goal(self, power: float) -> Goal | None:
        """A power of the target, if it has one on every row."""
        y = self.rows.y[self.chosen]
        if power != 1 and not (y > 0).all():
            return None
        with np.errstate(all="ignore"):
            slope = abs(power) * np.abs(y) ** (power - 1)
            weights = 1 / (slope * self._sizes())
            target = y**power
        weights = np.minimum(weights, np.median(weights) * HEAVIEST)
        if not (np.isfinite(weights).all() and np.isfinite(target).all()):
            return None
        if self.is_printed:
            enough = OF_PRINTING * len(y)
        else:
            enough = NEARLY_EXACT**2 * 1e-6 * float(np.sum((target * weights) ** 2))
        return Goal(target, weights, enough)

    def _sizes(self) -> Floats:
        """The error of each row, to a factor."""
        half, sigma = self.rows.half_y, self.rows.sigma
        if half is not None:
            return np.maximum(half[self.chosen], 1e-300)
        return np.ones(len(self.chosen)) if sigma is None else sigma[self.chosen]

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
        return errors + _bits_of_exponents(batch) + BITS_OF_A_WEIGHT * batch.shape.units

    def _bits_of_a_row(self, batch: Batch, n: int) -> Floats:
        """Of a squared error."""
        least = OF_PRINTING if self.is_printed else 1e-300
        return np.asarray(np.log2(np.maximum(batch.loss / n, least)))

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
    for circuit, restarts in _climbed(narrow, steps, np.random.default_rng(seed), stop):
        yield (circuit if len(used) == n else circuit.among(n, used.tolist())), restarts


def _used_columns(rows: Rows) -> NDArray[np.intp]:
    weights = np.ones(len(rows)) if rows.half_y is None else 1 / np.maximum(rows.half_y, 1e-300)
    return screened(Columns.of(rows.X), Goal(rows.y, weights, 0.0), MOST_COLUMNS)


def _with_columns(rows: Rows, used: NDArray[np.intp]) -> Rows:
    half_X = None if rows.half_X is None else rows.half_X[:, used]
    return Rows(rows.X[:, used], rows.y, rows.half_y, half_X, rows.sigma)


def _climbed(
    rows: Rows, steps: Sequence[Step], rng: np.random.Generator, stop: Stop
) -> Iterator[tuple[Circuit, int]]:
    chosen = rng.permutation(len(rows))
    if len(rows) > MOST_ROWS:
        chosen = rng.permutation(len(rows))[:MOST_ROWS]
    search = _Search(rows, Columns.of(rows.X[chosen]), chosen, rng, stop)
    ledger = _Ledger(search.is_printed)
    for step in steps:
        if ledger.is_closed(step) or 2 * step.shape.units > len(rows):
            continue
        goal = search.goal(step.power)
        if goal is None or (step.grown_alone and not search.can_grow(step.shape, step.power)):
            continue
        if stop():
            return
        batch = search.train(step.shape, step.power, goal, grown_alone=step.grown_alone)
        for settled in _snapped(
            search, ledger.promising(batch, search.expected(batch)), step.power
        ):
            ledger.note(settled, step.place)
            yield settled.circuit, len(batch)


@dataclass(slots=True)
class _Ledger:
    """The cheapest law so far, and whether a longer stack is worth asking."""

    is_printed: bool
    bits: float = np.inf
    found: int | None = None
    is_sure: bool = False
    expected: float = np.inf
    idle: set[tuple[Shape, float | None]] = field(default_factory=set)

    def promising(self, batch: Batch, expected: Floats) -> Batch:
        """The stacks that may become the best one."""
        least = float(np.min(expected, initial=np.inf))
        self.expected = min(self.expected, least)
        return batch if self.is_printed else batch.take(expected <= self.expected + HOPED)

    def note(self, settled: _Snapped, place: int) -> None:
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
            return False
        # each power of the target is grown by itself
        kind = step.power if step.grown_alone else None
        self.idle.add((step.shape, kind))
        few = step.grown_alone or self.is_sure
        return sum(k == kind for _, k in self.idle) > (SURE_SHAPES if few else IDLE_SHAPES)


@dataclass(frozen=True, slots=True)
class _Snapped:
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


def _snapped(search: _Search, batch: Batch, power: float) -> Iterator[_Snapped]:
    """The best stacks that differ as circuits."""
    seen: list[float] = []
    for k in range(len(batch)):
        loss = float(batch.loss[k])
        if len(seen) >= SNAPPED or not np.isfinite(loss) or search.stop():
            return
        if any(abs(loss / max(other, 1e-300) - 1) < 1e-4 for other in seen):
            continue
        if seen and loss > 2 * seen[0] + 1e-300 and not search.is_printed:
            return
        seen.append(loss)
        if search.is_printed and loss > WITHIN_PRINTING * OF_PRINTING * len(search.chosen):
            return
        one = batch.take(np.array([k]))
        found = _as_circuit(search, one, power)
        if found is not None:
            yield found


def _as_circuit(search: _Search, one: Batch, power: float) -> _Snapped | None:
    goal = search.goal(power)
    assert goal is not None
    one = with_whole_signs(one, search.columns, goal, search.stop)
    try:
        circuit = circuit_of_stack(one, search.columns, power)
    except (ValueError, OverflowError):
        return None
    rows = search.rows
    if search.is_printed:
        return _inside(circuit, rows, search.stop)
    return _within_noise(circuit, rows, search.stop)


def _inside(circuit: Circuit, rows: Rows, stop: Stop) -> _Snapped | None:
    """Inside the printed digits of the target or, when that cannot be, of the inputs too."""
    assert rows.half_y is not None
    for half in _half_widths(circuit, rows):
        settled = settle(circuit, rows, Printed(half), stop=stop)
        if settled is not None:
            return _Snapped(settled.circuit, settled.gain, settled.bits, True)
    return None


def _half_widths(circuit: Circuit, rows: Rows) -> Iterator[Floats]:
    assert rows.half_y is not None
    yield rows.half_y * (1 + 1e-9)
    if rows.half_X is not None and rows.half_X.any():
        yield tolerance(circuit, rows)


def _within_noise(circuit: Circuit, rows: Rows, stop: Stop) -> _Snapped | None:
    with np.errstate(all="ignore"):
        errors = circuit.evaluate(rows.X) - rows.y
        rms = float(np.sqrt(np.mean(errors**2)))
    if not np.isfinite(rms) or rms == 0:
        return _Snapped(circuit, np.inf, -np.inf, True) if rms == 0 else None
    nearly = rms <= NEARLY_EXACT * float(np.std(rows.y))
    sigma = np.full(len(rows), rms) if rows.sigma is None else rows.sigma
    settled: Settled | None = settle(circuit, rows, Noise(sigma), exponents_alone=nearly, stop=stop)
    if settled is None:
        return None
    total = len(rows) * np.log2(rms) + settled.measure / 2 / np.log(2) + settled.bits
    return _Snapped(settled.circuit, settled.gain, float(total), nearly)
