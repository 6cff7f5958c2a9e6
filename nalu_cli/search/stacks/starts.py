"""Where stacks start: at random, from one product, from the residual of a shorter stack."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

from nalu_cli.numerics.tolerances import NOVEL
from nalu_cli.search.stacks.batch import Batch, Columns, Shape
from nalu_cli.search.stacks.nearby import distinct, neighbours, simplified
from nalu_cli.search.stacks.projection import project, signs_of
from nalu_cli.search.stacks.training import Goal

__all__ = [
    "grown_starts",
    "library",
    "random_starts",
    "recombined",
    "screened",
    "values_of",
    "with_one_product",
]

Floats = NDArray[np.float64]

WIDEST = 1.5
"""Largest size of a real exponent in a random start. *Guess:* training goes further where it
must."""

READ = 1.5
"""Average number of columns in a product of a sparse start. *Guess:* most products in laws have one
or two."""

RATIOS = 0.3
"""Share of the products of sparse starts that are quotients of two columns. *Guess:* numbers
without a unit are frequent in sums."""

WHOLE = (-2.0, -1.0, -1.0, -1.0, 0.5, 1.0, 1.0, 1.0, 1.0, 1.0, 2.0, 2.0)
"""Exponents of sparse starts, likely ones several times. *Guess:* those of most laws."""

FIRST_POWERS = (-1.0, -1.0, -1.0, -0.5, 0.5, 0.5, 1.0, -2.0, 2.0)
"""Powers of inner sums in starts, likely ones several times. *Guess:* quotients and roots before
others."""

WITHOUT_CONSTANT = 0.2
"""Share of the inner sums of two terms or more that have no constant. *Guess:* most can be divided
by a term, not so those of columns with both signs."""

SOME = (
    tuple((e, False) for e in (-2.0, -1.0, -0.5, 0.5, 1.0, 2.0, 3.0)),
    ((1.0, True), (2.0, False), (3.0, True), (4.0, False)),
)
FEW = (((-1.0, False), (1.0, False)), ((1.0, True), (2.0, False)))
HIGH = (tuple((e, False) for e in (-4.0, -3.0, 4.0, 5.0)), ((5.0, True), (6.0, False)))
"""Exponents in the library for products of two columns, of more, and further ones for single
columns: first of columns that are never negative, then of others, with True where the product takes
the column's sign. *Guess:* those of most laws."""

PARENTS = 10
"""Starts for each stack that one term is added to, as it is and with simple exponents. *Guess.*"""

MOST_MONOMIALS = 1500
"""Number of products in the library. *Guess:* their correlations with the residual take some
milliseconds."""

DEPENDENT = 1e-12
"""Singular value, relative to the largest, of terms that depend on one another. *Derived:* 4500
EPS, since products of any length are rounded more than columns of length 1."""


def random_starts(
    shape: Shape,
    columns: Columns,
    count: int,
    rng: np.random.Generator,
    *,
    sparse: bool = False,
) -> Batch:
    """Stacks from nowhere.

    Half of the stacks are sparse: their products read a column or two, with whole powers, and no
    others while they train. In the others half of the exponents are whole and a third is 0. Half of
    all have a constant term.

    Parameters
    ----------
    shape : Shape
    columns : Columns
    count : int
    rng : numpy.random.Generator
    sparse : bool
        Whether all are.

    Returns
    -------
    Batch
    """
    n, signed = columns.logs.shape[1], columns.signed
    size = (count, shape.units, n)
    exponents = rng.uniform(-WIDEST, WIDEST, size)
    exponents = np.where(rng.random(size) < 0.5, np.round(exponents), exponents)
    if shape.units > 1:
        exponents[rng.random(size) < 0.35] = 0.0
    odd = (rng.random(size) < 0.4) & signed
    whole = np.where(
        odd, np.where(rng.random(size) < 0.8, 1.0, 3.0), 2.0 * (rng.random(size) < 0.35)
    )
    exponents = np.where(signed, whole, exponents)
    free = ~signed | (exponents != 0)
    few = np.arange(count) < (count if sparse else count // 2)
    exponents[few], free[few] = _sparse(exponents[few], signed, rng)
    odd = signed & (exponents % 2 == 1)
    if shape.outer > 1:
        constant = rng.random(count) < 0.5
        exponents[constant, 0], free[constant, 0], odd[constant, 0] = 0.0, False, False
    batch = _stacks(shape, exponents, free, odd, rng)
    _without_constants_inside(batch, columns, rng)
    return batch


def _sparse(
    exponents: Floats, signed: NDArray[np.bool_], rng: np.random.Generator
) -> tuple[Floats, NDArray[np.bool_]]:
    """Products of few columns, and which of their exponents are trained."""
    n = exponents.shape[2]
    read = rng.random(exponents.shape) < min(0.5, READ / n)
    read[..., 0] |= ~read.any(axis=2) & (n == 1)
    values = np.where(signed, exponents, rng.choice(WHOLE, exponents.shape))
    # ratios of two columns are numbers without a unit, as are terms added to 1
    plain = np.flatnonzero(~signed)
    ratio = (rng.random(read.shape[:2]) < RATIOS) & (len(plain) > 1)
    read[ratio] = False
    for r, k in np.argwhere(ratio):
        over, under = rng.permutation(plain)[:2]
        read[r, k, [over, under]] = True
        values[r, k, over], values[r, k, under] = 1.0, -1.0
    return np.where(read, values, 0.0), read & (values != 0)


def _stacks(
    shape: Shape,
    exponents: Floats,
    free: NDArray[np.bool_],
    odd: NDArray[np.bool_],
    rng: np.random.Generator,
) -> Batch:
    """Stacks with random numbers but for their exponents."""
    count, sums, terms = len(exponents), len(shape.inner), sum(shape.inner)
    signs = rng.choice([-1.0, 1.0], (count, terms))
    bare = (rng.random((count, sums)) < WITHOUT_CONSTANT) & (np.array(shape.inner) > 1)
    powers = rng.choice(FIRST_POWERS, (count, sums))
    reads = rng.random((count, shape.outer, sums)) < 0.5
    reads |= (rng.random(count) < 0.5)[:, None, None]
    for t in range(sums):
        # each inner sum is read, and with two terms or more each has one of its own at first
        reads[:, t % shape.outer, t] = True
    return Batch(
        shape,
        exponents,
        free.copy(),
        odd,
        signs * rng.uniform(0.15, 0.8, (count, terms)) / max(terms, 1),
        powers,
        np.ones((count, sums), dtype=bool),
        (rng.random((count, sums)) < 0.5) & (np.abs(powers) % 2 == 1),
        np.where(bare, 0.0, 1.0),
        reads,
        np.zeros((count, shape.outer)),
        np.full(count, np.inf),
    )


def _without_constants_inside(batch: Batch, columns: Columns, rng: np.random.Generator) -> None:
    """A term of an inner sum that reads no column is none: it gets one."""
    inner = batch.exponents[:, batch.shape.outer :]
    for r, k in np.argwhere(~inner.any(axis=2)):
        j = int(rng.integers(inner.shape[2]))
        unit = batch.shape.outer + k
        batch.free[r, unit, j] = True
        batch.odd[r, unit, j] = bool(columns.signed[j])
        batch.exponents[r, unit, j] = (
            1.0 if columns.signed[j] else rng.choice([-2.0, -1.0, 1.0, 2.0])
        )


def with_one_product(batch: Batch, columns: Columns, goal: Goal) -> None:
    """Let a third of the stacks begin from the one product that is nearest."""
    if columns.signed.any() or not (goal.target > 0).all():
        return
    logs = np.column_stack([columns.logs, np.ones(len(goal.target))])
    solved = np.linalg.lstsq(logs, np.log(goal.target), rcond=None)[0]
    some = np.arange(max(1, len(batch) // 3))
    batch.exponents[some, 0] = np.clip(solved[:-1], -6, 6)
    batch.free[some, 0] = True


def library(columns: Columns, most: int = MOST_MONOMIALS) -> tuple[Floats, NDArray[np.bool_]]:
    """Exponents and signs of simple products: of one column, of two, and of three if they are few.

    Parameters
    ----------
    columns : Columns
    most : int
        Largest number of products; kinds of them that would exceed it are left out.

    Returns
    -------
    exponents : ndarray of shape (products, n)
    odd : ndarray of bool, shape (products, n)
        Whether a product takes the sign of a column.
    """
    n = columns.logs.shape[1]
    found: list[dict[int, tuple[float, bool]]] = []
    for width, kind in (
        (1, SOME),
        (2, SOME),
        (2, FEW),
        (3, FEW),
        (1, HIGH),
        (4, FEW),
        (5, FEW),
    ):
        level = [
            dict(zip(chosen, values, strict=True))
            for chosen in itertools.combinations(range(n), width)
            for values in itertools.product(*(kind[bool(columns.signed[j])] for j in chosen))
        ]
        if len(found) + len(level) > most:
            continue
        found += [monomial for monomial in level if monomial not in found] if width == 2 else level
    exponents, odd = np.zeros((len(found), n)), np.zeros((len(found), n), dtype=bool)
    for k, monomial in enumerate(found):
        for j, (power, is_odd) in monomial.items():
            exponents[k, j], odd[k, j] = power, is_odd
    return exponents, odd


def grown_starts(
    shorter: Batch, columns: Columns, goal: Goal, shape: Shape, count: int, rng: np.random.Generator
) -> Batch:
    """One more term, where it explains most of the residual of the best shorter stacks.

    Parameters
    ----------
    shorter : Batch
        Trained stacks with one term of the last sum, or of the last inner one, less.
    columns : Columns
    goal : Goal
    shape : Shape
        Of the starts.
    count : int
    rng : numpy.random.Generator

    Returns
    -------
    Batch
    """
    simple = library(columns)
    best = distinct(shorter, max(1, count // PARENTS))
    best = Batch.joined([best, simplified(best, columns)])
    at = project(best, columns, signs_of(best, columns), goal.target, goal.weights)
    inside = shape.outer == shorter.shape.outer
    parts = []
    each = -(-count // len(best))
    for r in range(len(best)):
        near = neighbours(best.exponents[r], best.odd[r], columns)
        exponents, odd = (np.concatenate(pair) for pair in zip(simple, near, strict=True))
        values = values_of(exponents, odd, columns)
        base = at.terms[r] @ at.weights[r] if inside else goal.weights
        gains = _gains(values * base[:, None], at.terms[r], at.residual[r])
        chosen = np.argsort(-gains)[: 3 * each]
        # the best, and others near it at random
        others = 1 + np.sort(rng.permutation(len(chosen) - 1)[: each - 1])
        chosen = chosen[np.concatenate([[0], others])]
        parts.append(
            _extended(best.take(np.array([r])), shape, exponents[chosen], odd[chosen], rng)
        )
    return Batch.joined(parts).take(np.arange(min(count, sum(map(len, parts)))))


def values_of(exponents: Floats, odd: NDArray[np.bool_], columns: Columns) -> Floats:
    """Each product on each row: (N, products)."""
    values: Floats = np.exp(np.clip(columns.logs @ exponents.T, -60, 60))
    turns = (columns.signs < 0).astype(float) @ odd.T.astype(float)
    return np.asarray(values * (1.0 - 2.0 * (turns % 2)))


def _gains(values: Floats, terms: Floats, residual: Floats) -> Floats:
    """How far the squared error falls with each product as one more term."""
    q, _ = np.linalg.qr(terms)
    across = values - q @ (q.T @ values)
    length = np.einsum("nk,nk->k", across, across)
    whole = np.einsum("nk,nk->k", values, values)
    gains = (residual @ across) ** 2 / np.where(length > NOVEL * whole, length, np.inf)
    return np.asarray(np.nan_to_num(gains))


def _extended(
    one: Batch, shape: Shape, exponents: Floats, odd: NDArray[np.bool_], rng: np.random.Generator
) -> Batch:
    """One stack with each of some products as one more term."""
    count = len(exponents)
    old = one.take(np.zeros(count, dtype=np.intp))
    new_unit = (exponents[:, None], (exponents != 0)[:, None], odd[:, None])
    outer = shape.outer > one.shape.outer
    place = one.shape.outer if outer else one.shape.units
    names = ("exponents", "free", "odd")
    longer, free, signs = (
        np.insert(getattr(old, k), [place], v, axis=1) for k, v in zip(names, new_unit, strict=True)
    )
    batch = _stacks(shape, longer, free, signs, rng)
    # an exponent of a positive column may leave 0 again
    if outer:
        batch.inner_weights, batch.powers, batch.odd_powers = (
            old.inner_weights,
            old.powers,
            old.odd_powers,
        )
        batch.free_powers, batch.constants = old.free_powers, old.constants
        batch.reads[:, : one.shape.outer] = old.reads
    elif len(shape.inner) == len(one.shape.inner):
        batch.inner_weights[:, :-1], batch.powers = old.inner_weights, old.powers
        batch.odd_powers, batch.reads = old.odd_powers, old.reads
        batch.free_powers, batch.constants = old.free_powers, old.constants
    else:
        batch.inner_weights[:, :-1] = old.inner_weights
        batch.powers[:, :-1], batch.odd_powers[:, :-1] = old.powers, old.odd_powers
        batch.constants[:, :-1], batch.reads[:, :, :-1] = old.constants, old.reads
    return batch


def recombined(
    batch: Batch, columns: Columns, goal: Goal, count: int, rng: np.random.Generator
) -> Batch:
    """Stacks whose terms are the best of all stacks together, chosen greedily.

    Parameters
    ----------
    batch : Batch
        Trained stacks without inner sums.
    columns : Columns
    goal : Goal
    count : int
    rng : numpy.random.Generator

    Returns
    -------
    Batch
        Each from a random half of the terms there are.
    """
    n, outer = columns.logs.shape[1], batch.shape.outer
    exponents, odd = batch.exponents.reshape(-1, n), batch.odd.reshape(-1, n)
    free = batch.free.reshape(-1, n)
    values = values_of(exponents, odd, columns) * goal.weights[:, None]
    chosen = np.array([_greedy(values, goal, outer, rng) for _ in range(count)])
    return _stacks(batch.shape, exponents[chosen], free[chosen], odd[chosen], rng)


def _greedy(values: Floats, goal: Goal, terms: int, rng: np.random.Generator) -> list[int]:
    allowed = np.asarray(rng.random(values.shape[1]) < 0.5)
    allowed[: terms + 1] = True
    chosen: list[int] = []
    residual = goal.target * goal.weights
    for _ in range(terms):
        basis = values[:, chosen] if chosen else np.zeros((len(residual), 1))
        gains = np.where(allowed, _gains(values, basis, residual), -1.0)
        chosen.append(int(np.argmax(gains)))
        A = values[:, chosen]
        solved = np.linalg.lstsq(A, goal.target * goal.weights, rcond=DEPENDENT)[0]
        residual = goal.target * goal.weights - A @ solved
    return chosen


def screened(columns: Columns, goal: Goal, most: int) -> NDArray[np.intp]:
    """The columns that explain most of the target, one after another, by value and by logarithm."""
    n = columns.logs.shape[1]
    if n <= most:
        return np.arange(n)
    values = np.concatenate([columns.logs, np.exp(columns.logs) * columns.signs], axis=1)
    values = (values - values.mean(axis=0)) * goal.weights[:, None]
    residual = goal.target * goal.weights
    basis = goal.weights[:, None]
    found: list[int] = []
    while len(found) < most:
        residual_now = residual - basis @ np.linalg.lstsq(basis, residual, rcond=None)[0]
        gains = _gains(values, basis, residual_now)
        gains[[k for k in range(2 * n) if k % n in found]] = -1.0
        j = int(np.argmax(gains)) % n
        found.append(j)
        basis = np.column_stack([basis, values[:, j], values[:, n + j]])
    return np.sort(np.array(found))
