"""The strategy: stacks of one shape after another are trained, and their numbers snapped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from nalu_cli.circuit import Circuit
from nalu_cli.circuit.builders import single_product
from nalu_cli.fitting.likelihood import PRINTED, stands_out, tolerance
from nalu_cli.numerics.tolerances import SAME, TINY
from nalu_cli.problem import Problem
from nalu_cli.rows import Rows
from nalu_cli.search.candidate import Candidate
from nalu_cli.search.stacks.batch import Batch, Columns
from nalu_cli.search.stacks.ledger import Ledger, NoisyLedger, PrintedLedger, Snapped
from nalu_cli.search.stacks.lowering import circuit_of_stack, with_whole_signs
from nalu_cli.search.stacks.schedule import STEPS, SUMS, Step
from nalu_cli.search.stacks.starts import screened
from nalu_cli.search.stacks.trainer import MOST_ROWS, NEARLY_EXACT, OF_PRINTING, Trainer, capped
from nalu_cli.search.stacks.training import Goal
from nalu_cli.search.strategy import Context, Cost, Example, Stop, Strategy, Trains
from nalu_cli.snapping.bound import Noise, Printed
from nalu_cli.snapping.evidence import ShortNumbers, shorten_numbers

__all__ = ["STACKS", "stacks_in_parts", "trained_stacks"]

Floats = NDArray[np.float64]

MOST_COLUMNS = 8
"""Number of columns that stacks read; of more the most telling ones. *Guess:* laws of more are
rare."""

EQUAL_LOSS = 1e-4
"""Relative difference of losses below which two stacks count as one. *Guess:* training ends a
little short of the minimum."""

SNAPPED = 3
"""Number of stacks that differ, the best of each shape and power, that are snapped. *Guess:*
snapping takes longer than training."""

WITHIN_PRINTING = 2.0
"""Mean square of the errors, relative to that of rounding, up to which a stack's numbers are
snapped with all rows inside their cells. *Guess:* few rows, and weights that were capped, make it
larger."""


def trained_stacks(
    rows: Rows,
    *,
    seed: int | tuple[int, ...] = 0,
    layers: int | None = None,
    cycle: int = 0,
    stop: Stop = lambda: False,
) -> Iterator[tuple[Circuit, int]]:
    """Formulas of stacks trained by variable projection, with their numbers snapped.

    Parameters
    ----------
    rows : Rows
    seed : int or tuple of int
        Where the random starts come from.
    layers : int, optional
        Number of layers of the stacks; those with any number are trained when left out.
    cycle : int
        How often stacks have been trained before: each time more shapes may do no better.
    stop : callable
        Asked between steps; True ends the search.

    Yields
    ------
    circuit : Circuit
    restarts : int
        Stacks that were trained for it.
    """
    parts = stacks_in_parts(rows, seed=seed, layers=layers, cycle=cycle, stop=stop)
    return (found for found in parts if found is not None)


def stacks_in_parts(
    rows: Rows,
    *,
    seed: int | tuple[int, ...] = 0,
    layers: int | None = None,
    cycle: int = 0,
    stop: Stop = lambda: False,
) -> Iterator[tuple[Circuit, int] | None]:
    """What `trained_stacks` gives, and None where other searches may have their turn first."""
    used = _used_columns(rows)
    n = rows.X.shape[1]
    if not len(used):
        return
    narrow = _with_columns(rows, used)
    steps = [step for step in STEPS if layers in (None, step.layers)]
    for kind in _kinds(narrow):
        is_inside = False
        for one in _climbed(kind, steps, np.random.default_rng(seed), cycle, stop):
            if one is None:
                yield None
                continue
            found, restarts = one
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
    weights = np.ones(len(rows)) if rows.half_y is None else 1 / np.maximum(rows.half_y, TINY)
    return screened(Columns.of(rows.X), Goal(rows.y, weights, 0.0), MOST_COLUMNS)


def _with_columns(rows: Rows, used: NDArray[np.intp]) -> Rows:
    half_X = None if rows.half_X is None else rows.half_X[:, used]
    return replace(rows, X=rows.X[:, used], half_X=half_X)


def _climbed(
    rows: Rows, steps: Sequence[Step], rng: np.random.Generator, cycle: int, stop: Stop
) -> Iterator[tuple[Snapped, int] | None]:
    """Snapped stacks of one shape after another, and how many were trained for each.

    None where other strategies may have their turn before longer ones.
    """
    chosen = rng.permutation(len(rows))[:MOST_ROWS]
    search = Trainer(rows, Columns.of(rows.X[chosen]), chosen, rng, cycle > 0, stop)
    if search.is_printed:
        yield from _climbed_as_printed(search, steps, PrintedLedger(len(rows), cycle))
        return
    ledger, turn = NoisyLedger(len(rows), cycle), 0
    for step, batch in _trained(search, steps, ledger):
        if step.turn > turn:
            turn = step.turn
            yield None
        for snapped in _snapped(search, batch, step.power):
            ledger.note(snapped, step)
            yield snapped, len(batch)


def _climbed_as_printed(
    search: Trainer, steps: Sequence[Step], ledger: PrintedLedger
) -> Iterator[tuple[Snapped, int]]:
    """As above, but a law whose numbers are not short waits for a longer one whose numbers are."""
    held: tuple[Snapped, int] | None = None
    was_shown = False
    for step, batch in _trained(search, steps, ledger):
        for snapped in _snapped(search, batch, step.power):
            if ledger.note(snapped, step):
                held = snapped, len(batch)
            # one product imitates nothing
            if held is not None and (ledger.is_sure or step.shape.units == 1):
                yield held
                held = None
        if not was_shown and step.kind not in {SUMS, None} and ledger.found is None:
            # the search may end before there is another answer
            was_shown = True
            if (nearest := _nearest(search)) is not None:
                yield nearest, len(batch)
    if held is not None:
        yield held


def _trained(
    search: Trainer, steps: Sequence[Step], ledger: Ledger
) -> Iterator[tuple[Step, Batch]]:
    """The stacks of each step that is worth its time and that may become the best one."""
    for step in steps:
        if ledger.is_closed(step) or 2 * step.shape.units > len(search.rows):
            continue
        goal = search.goal(step.power)
        if goal is None:
            continue
        if search.stop():
            return
        batch = search.train(step.shape, step.power, goal, grown_alone=step.grown_alone)
        if batch is None or (step.shape.units == 1 and step.power != 1):
            continue  # a power of one product is one product, and is there to grow from
        expected, numbers = search.expected(batch), search.numbers(batch)
        yield step, ledger.promising(batch, expected, numbers, step)


def _nearest(search: Trainer) -> Snapped | None:
    """The best stack so far as it is: some rows lie outside their cells."""
    nearest = search.nearest()
    circuit = None if nearest is None else _lowered(search, *nearest)
    return None if circuit is None else Snapped(circuit, -np.inf, np.inf, is_inside=False)


def _snapped(search: Trainer, batch: Batch, power: float) -> Iterator[Snapped]:
    """The best stacks that differ as circuits."""
    seen: list[float] = []
    for k in range(len(batch)):
        loss = float(batch.loss[k])
        if len(seen) >= SNAPPED or not np.isfinite(loss) or search.stop():
            return
        if any(abs(loss / max(other, TINY) - 1) < EQUAL_LOSS for other in seen):
            continue
        if search.has_too_many_numbers(batch, k):
            continue
        if seen and loss > 2 * max(seen[0], search.floor):
            return
        seen.append(loss)
        found = _as_circuit(search, batch.take(np.array([k])), power)
        if found is not None:
            yield found


def _lowered(search: Trainer, one: Batch, power: float) -> Circuit | None:
    goal = search.goal(power)
    assert goal is not None
    one = with_whole_signs(one, search.columns, goal, search.stop)
    try:
        return circuit_of_stack(one, search.columns, power)
    except (ValueError, OverflowError):
        return None


def _as_circuit(search: Trainer, one: Batch, power: float) -> Snapped | None:
    circuit = _lowered(search, one, power)
    if circuit is None:
        return None
    return _inside(circuit, search) if search.is_printed else _within_noise(circuit, search)


def _inside(circuit: Circuit, search: Trainer) -> Snapped | None:
    """With every row inside its printed cell."""
    for half in _half_widths(circuit, search.rows):
        # cells near a zero, of so many significant digits, are first taken to be less narrow
        widened = 1 / capped(1 / half)
        short = shorten_numbers(circuit, search.rows, Printed(widened), stop=search.stop)
        if short is not None and (widened > half * (1 + SAME)).any():
            short = shorten_numbers(short.circuit, search.rows, Printed(half), stop=search.stop)
        if short is not None:
            return Snapped(short.circuit, short.gain, short.bits, True)
    return None


def _half_widths(circuit: Circuit, rows: Rows) -> Iterator[Floats]:
    """Of the target's cells and, where these do not explain its errors, of the inputs' too."""
    with np.errstate(all="ignore"):
        errors = circuit.evaluate(rows.X) - rows.y
        for kind in PRINTED if rows.half_X is not None else PRINTED[:1]:
            half = tolerance(circuit, rows, kind)
            if np.mean((errors * capped(1 / half)) ** 2) <= WITHIN_PRINTING * OF_PRINTING:
                yield half


def _within_noise(circuit: Circuit, search: Trainer) -> Snapped | None:
    rows, size = search.rows, search.sizes(search.rows)
    with np.errstate(all="ignore"):
        errors = (circuit.evaluate(rows.X) - rows.y) / size
        rms = float(np.sqrt(np.mean(errors**2)))
    if not np.isfinite(rms) or rms == 0:
        return Snapped(circuit, np.inf, -np.inf, True) if rms == 0 else None
    nearly = rms <= NEARLY_EXACT * float(np.std(rows.y / size))
    sigma = size * (rms if rows.sigma is None else 1.0)
    short: ShortNumbers | None = shorten_numbers(
        circuit, rows, Noise(sigma), exponents_alone=nearly, stop=search.stop
    )
    if short is None:
        return None
    # errors of size 1 have a chi-square of one a row; the rest was given up for shorter numbers
    errors_bits = len(rows) * np.log2(rms) + (short.measure - len(rows)) / 2 / np.log(2)
    is_even = not stands_out((short.circuit.evaluate(rows.X) - rows.y) / size)
    total = float(errors_bits + short.bits)
    return Snapped(short.circuit, short.gain, total, nearly, is_even)


def _search(problem: Problem, context: Context) -> Iterator[Candidate | None]:
    rows = problem.train if problem.train.half_y is None else problem.own_rows()
    settings, cycle = context.settings, context.cycle
    # longer stacks wait for other strategies, the first time
    search = trained_stacks if cycle else stacks_in_parts
    for found in search(
        rows,
        seed=(settings.seed, cycle),
        layers=settings.layers,
        cycle=cycle,
        stop=context.stop,
    ):
        yield found and Candidate(found[0], restarts=found[1], is_snapped=True)


STACKS: Strategy = Strategy(
    name="stacks",
    summary="trained: products, sums, products of sums, a sum, a power, with real exponents",
    cost=Cost.MINUTES,
    example=Example(single_product(2, {0: Fraction(4, 5), 1: Fraction(-3, 10)}, 2.5), noise=0.01),
    search=_search,
    trains=Trains.STACKS,
    is_exhaustive=True,
)
