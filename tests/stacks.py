"""Stacks, goals and printed rows made by hand."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st
from tables import Floats

from nalu_cli.rows import Rows
from nalu_cli.search.stacks.batch import Batch, Columns, Shape
from nalu_cli.search.stacks.starts import random_starts
from nalu_cli.search.stacks.training import Goal

SEEDS = st.integers(0, 2**32 - 1)

SHAPES = (Shape(1), Shape(3), Shape(1, (1,)), Shape(2, (1, 2)), Shape(3, (2,)))


def never() -> bool:
    return False


def goal_of(y: Floats, enough: float = 1e-24) -> Goal:
    """Relative errors, until nearly nothing is left of them."""
    weights = 1 / np.maximum(np.abs(y), 1e-3 * np.abs(y).max())
    return Goal(y, weights, enough)


def rows_of(seed: int, count: int, columns: int, *, signed: bool = False) -> Floats:
    """Inputs, of which the last is negative on some rows if asked."""
    x = np.random.default_rng(seed).uniform(0.5, 3.0, (count, columns))
    if signed:
        x[::2, -1] *= -1
    return x


def stack(
    exponents: list[list[float]],
    outer: int,
    *,
    weights: list[float],
    inner: tuple[int, ...] = (),
    inner_weights: tuple[float, ...] = (),
    powers: tuple[float, ...] = (),
    odd_powers: tuple[bool, ...] | None = None,
    constants: tuple[float, ...] | None = None,
    odd: list[list[bool]] | None = None,
) -> Batch:
    """One stack with these numbers, each term of which reads every inner sum."""
    size = np.array([exponents]).shape
    sums = (1, len(inner))
    return Batch(
        Shape(outer, inner),
        np.array([exponents], dtype=float),
        np.ones(size, dtype=bool),
        np.zeros(size, dtype=bool) if odd is None else np.array([odd]),
        np.array([inner_weights], dtype=float).reshape(1, sum(inner)),
        np.array([powers], dtype=float).reshape(sums),
        np.ones(sums, dtype=bool),
        np.array([odd_powers or (False,) * len(inner)], dtype=bool).reshape(sums),
        np.array([constants or (1.0,) * len(inner)]).reshape(sums),
        np.ones((1, outer, len(inner)), dtype=bool),
        np.array([weights], dtype=float),
        np.full(1, np.inf),
    )


def value(one: Batch, x: Floats, r: int = 0) -> Floats:
    """What a stack is on rows, written out; its columns are divided by their typical sizes."""
    columns = Columns.of(x)
    scaled = x / columns.typical
    size, units = np.abs(scaled), []
    for exponents, odd in zip(one.exponents[r], one.odd[r], strict=True):
        turned = np.prod(np.where(odd & (x < 0), -1.0, 1.0), axis=1)
        units.append(np.prod(size**exponents, axis=1) * turned)
    sums, at = [], one.shape.outer
    for terms in one.shape.inner:
        inside = range(at, at + terms)
        b = one.inner_weights[r]
        sums.append(
            one.constants[r, len(sums)] + sum(b[k - one.shape.outer] * units[k] for k in inside)
        )
        at += terms
    total = np.zeros(len(x))
    for k in range(one.shape.outer):
        term = one.outer_weights[r, k] * units[k]
        for t, inner in enumerate(sums):
            if one.reads[r, k, t]:
                turned = np.where(one.odd_powers[r, t] & (inner < 0), -1.0, 1.0)
                term = term * turned * np.abs(inner) ** one.powers[r, t]
        total = total + term
    return total


def starts(shape: Shape, x: Floats, seed: int, count: int = 4) -> Batch:
    """Random stacks over some columns."""
    return random_starts(shape, Columns.of(x), count, np.random.default_rng(seed))


def printed(x: Floats, y: Floats, digits: int, *, inputs: int | None = None) -> Rows:
    """Rows whose targets, and inputs if asked, are rounded to so many significant digits."""
    shown, half = _rounded(y, digits)
    if inputs is None:
        return Rows(x, shown, half)
    shown_X, half_X = _rounded(x, inputs)
    return Rows(shown_X, shown, half, half_X)


def _rounded(values: Floats, digits: int) -> tuple[Floats, Floats]:
    shown = np.vectorize(lambda v: float(f"{v:.{digits}g}"))(values)
    return shown, 0.5 * 10.0 ** (np.floor(np.log10(np.abs(shown))) - digits + 1)
