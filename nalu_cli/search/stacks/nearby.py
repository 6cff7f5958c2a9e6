"""Stacks and products near those that are there: what one more term may be grown from."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nalu_cli.search.stacks.batch import Batch, Columns, nearest_of_parity

__all__ = ["distinct", "neighbours", "simplified"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

SAME = 1e-6
"""Relative difference of losses below which two stacks are one. *Guess.*"""

CHANGES = (np.nan, -2.0, -1.0, 1.0, 2.0)
"""Of one exponent of a product that stands in a stack already: without its column, and with other
powers. *Guess:* a product times a sum has terms that differ in one column."""


def distinct(batch: Batch, most: int) -> Batch:
    """The best stacks that differ."""
    order = np.argsort(batch.loss, kind="stable")
    loss = batch.loss[order]
    new = np.ones(len(order), dtype=bool)
    new[1:] = loss[1:] > loss[:-1] * (1 + SAME)
    return batch.take(order[new][:most])


def simplified(batch: Batch, columns: Columns) -> Batch:
    """The same with the nearest simple exponents: real ones imitate a term that is to come."""
    simple = batch.take(np.arange(len(batch)))
    simple.exponents = _simple(batch.exponents, batch.odd, columns)
    return simple


def _simple(exponents: Floats, odd: Bools, columns: Columns) -> Floats:
    whole = nearest_of_parity(exponents, odd)
    return np.where(columns.signed, whole, np.round(2 * exponents) / 2)


def neighbours(units: Floats, odd: Bools, columns: Columns) -> tuple[Floats, Bools]:
    """Exponents and signs of the products of a stack with the exponent of one column changed."""
    simple = _simple(units, odd, columns)
    count, n = simple.shape
    changed = np.repeat(simple, n * len(CHANGES), axis=0)
    at = np.tile(np.repeat(np.arange(n), len(CHANGES)), count)
    by = np.tile(CHANGES, count * n)
    rows = np.arange(len(changed))
    changed[rows, at] = np.where(np.isnan(by), 0.0, changed[rows, at] + np.nan_to_num(by))
    changed = changed[changed.any(axis=1) & ~((changed < 0) & columns.signed).any(axis=1)]
    changed = np.unique(changed, axis=0)
    return changed, columns.signed & (changed % 2 == 1)
