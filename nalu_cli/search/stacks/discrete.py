"""Stacks of simple exponents, compared by the thousand: only their sums' weights are trained."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nalu_cli.numerics.tolerances import SAME
from nalu_cli.search.stacks.batch import Batch, Columns, Shape, nearest_of_parity
from nalu_cli.search.stacks.starts import FIRST_POWERS, random_starts
from nalu_cli.search.stacks.training import Goal, train

__all__ = ["Breeding", "discrete_starts"]

Floats = NDArray[np.float64]

ROWS, STEPS = 48, 6
"""Rows on which stacks of simple exponents are compared, and training steps before that. *Guess:*
good ones show after a few steps, on few rows."""

CHANGES = (-2.0, -1.0, -1.0, -0.5, 0.5, 1.0, 1.0, 2.0)
"""Steps by which a child's exponent differs from its parent's. *Guess:* most exponents in laws are
one step apart."""

SPREAD = 0.3
"""Standard deviation of the logarithm of the factors by which a child's weights of inner sums
differ. *Guess:* the training steps do the rest."""

LARGEST = 4.0
"""Largest size of a simple exponent. *Guess:* larger ones are rare in laws."""


@dataclass(frozen=True, slots=True)
class Breeding:
    """How many stacks are compared.

    Parameters
    ----------
    first : int
        Stacks of the first generation.
    children : int
        Stacks of each later generation.
    generations : int
        Number of later generations.
    kept : int
        Number of the best, which have children and are returned.
    """

    first: int = 1000
    children: int = 600
    generations: int = 3
    kept: int = 24


def discrete_starts(
    shape: Shape,
    columns: Columns,
    goal: Goal,
    trained: list[Batch],
    rng: np.random.Generator,
    *,
    breeding: Breeding,
    stop: Callable[[], bool],
) -> Batch:
    """The best of many stacks with simple exponents and powers, which are not trained.

    Smooth stacks with real exponents imitate one another, and their minima are many; those of few
    whole numbers do neither. The best are changed in one place, or take a product from one another.

    Parameters
    ----------
    shape : Shape
    columns : Columns
    goal : Goal
    trained : list of Batch
        Stacks of real exponents whose nearest simple ones are compared too.
    rng : numpy.random.Generator
    breeding : Breeding
    stop : callable

    Returns
    -------
    Batch
        With fixed exponents and powers, best first.
    """
    rows = np.arange(min(ROWS, len(goal.target)))
    columns, goal = columns.take(rows), goal.take(rows)
    batch = random_starts(shape, columns, breeding.first, rng, sparse=True)
    best = _best(
        [_fixed(batch), *(_simple(one, columns) for one in trained)],
        columns,
        goal,
        breeding.kept,
        stop,
    )
    for _ in range(breeding.generations):
        if stop() or best.loss[0] <= goal.enough:
            break
        children = _children(best, columns, breeding.children, rng)
        best = _best([children], columns, goal, breeding.kept, stop, best)
    return best


def _fixed(batch: Batch) -> Batch:
    batch.free, batch.free_powers = np.zeros_like(batch.free), np.zeros_like(batch.free_powers)
    return batch


def _simple(batch: Batch, columns: Columns) -> Batch:
    """The nearest stacks with whole exponents, or halves where no column is negative."""
    simple = _fixed(batch.take(np.arange(len(batch))))
    whole = nearest_of_parity(batch.exponents, batch.odd)
    simple.exponents = np.where(columns.signed, whole, np.round(2 * batch.exponents) / 2)
    simple.powers = np.round(2 * batch.powers) / 2
    simple.powers[simple.powers == 0] = 1.0
    return simple


def _best(
    batches: list[Batch],
    columns: Columns,
    goal: Goal,
    kept: int,
    stop: Callable[[], bool],
    before: Batch | None = None,
) -> Batch:
    """The best stacks that differ, among these batches, trained, and those before as they are."""
    trained = train(Batch.joined(batches), columns, goal, steps=STEPS, stop=stop)
    together = trained if before is None else Batch.joined([before, trained])
    order = np.argsort(together.loss, kind="stable")
    loss = together.loss[order]
    new = np.ones(len(order), dtype=bool)
    new[1:] = loss[1:] > loss[:-1] * (1 + SAME)
    return together.take(order[new][:kept])


def _children(best: Batch, columns: Columns, count: int, rng: np.random.Generator) -> Batch:
    """Changed copies: exponents, a product of another stack, powers, and what they multiply."""
    R, units, _ = best.exponents.shape
    parents = _drawn(R, count, rng)
    children = best.take(parents)
    kind = rng.integers(0, 4 if best.shape.inner else 2, count)
    kind[rng.random(count) < 0.4] = 0
    everyone, unit = np.arange(count), rng.integers(0, units, count)
    _change_exponents(children, columns, everyone[kind == 0], rng)
    other, theirs = _drawn(R, count, rng), rng.integers(0, units, count)
    taken = everyone[kind == 1]
    for name in ("exponents", "odd"):
        getattr(children, name)[taken, unit[taken]] = getattr(best, name)[
            other[taken], theirs[taken]
        ]
    if best.shape.inner:
        _change_powers(children, everyone[kind == 2], rng)
        _change_reads(children, everyone[kind == 3], rng)
        factors = np.exp(SPREAD * rng.standard_normal(children.inner_weights.shape))
        turned = rng.random(factors.shape) < 0.1
        children.inner_weights *= np.where(turned, -factors, factors)
    return children


def _drawn(R: int, count: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Places of parents, better ones more often."""
    return np.minimum((R * rng.random(count) ** 1.5).astype(np.intp), R - 1)


def _change_exponents(
    batch: Batch, columns: Columns, rows: NDArray[np.intp], rng: np.random.Generator
) -> None:
    _, units, n = batch.exponents.shape
    for _ in range(2):
        unit, j = rng.integers(0, units, len(rows)), rng.integers(0, n, len(rows))
        signed = columns.signed[j]
        by = rng.choice(CHANGES, len(rows))
        by = np.where(signed, np.where(np.abs(by) < 1, np.sign(by), by), by)
        new = batch.exponents[rows, unit, j] + by
        new = np.where(rng.random(len(rows)) < 0.2, 0.0, new)
        new = np.clip(new, np.where(signed, 0.0, -LARGEST), LARGEST)
        batch.exponents[rows, unit, j] = new
        batch.odd[rows, unit, j] = signed & (new % 2 == 1)
        # most are changed in one place, some in two
        rows = rows[rng.random(len(rows)) < 0.4]


def _change_powers(batch: Batch, rows: NDArray[np.intp], rng: np.random.Generator) -> None:
    t = rng.integers(0, batch.powers.shape[1], len(rows))
    power = rng.choice(FIRST_POWERS, len(rows))
    batch.powers[rows, t] = power
    batch.odd_powers[rows, t] = (np.abs(power) % 2 == 1) & (rng.random(len(rows)) < 0.5)


def _change_reads(batch: Batch, rows: NDArray[np.intp], rng: np.random.Generator) -> None:
    _, outer, sums = batch.reads.shape
    k, t = rng.integers(0, outer, len(rows)), rng.integers(0, sums, len(rows))
    batch.reads[rows, k, t] ^= True
    # each inner sum stays read by some term
    for r, which in np.argwhere(~batch.reads[rows].any(axis=1)):
        batch.reads[rows[r], 0, which] = True
