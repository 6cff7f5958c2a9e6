"""A batch of stacks of one shape: their weights, and which of them are trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

__all__ = ["Batch", "Columns", "Shape", "nearest_of_parity"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

SMALLEST = 1e-12
"""Size of a value, relative to the column's typical one, below which its logarithm is that of this
number. *Derived:* a factor x**e with e of 1 or more is then off by less than 1e-12 of its typical
size."""


@dataclass(frozen=True, slots=True)
class Shape:
    """How many units a stack has.

    Its target, perhaps a power of the table's, is ``sum_k c_k m_k prod_t S_t**(p_t z_kt)`` with
    ``S_t = d_t + sum_l b_l m_l``, each d is 1 or 0, and each m is a product of powers of columns: a
    product layer, a sum layer, a product layer and a sum layer.

    Parameters
    ----------
    outer : int
        Terms of the last sum.
    inner : tuple of int
        For each inner sum its number of terms, the constant not counted.
    """

    outer: int
    inner: tuple[int, ...] = ()

    @property
    def units(self) -> int:
        """Products of columns, outer ones first."""
        return self.outer + sum(self.inner)

    @property
    def membership(self) -> Floats:
        """1 where an inner product (row) belongs to an inner sum (column)."""
        return np.repeat(np.eye(len(self.inner)), self.inner, axis=0)


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns as the product layer reads them: logarithms of sizes, and signs.

    Parameters
    ----------
    logs : ndarray of shape (N, n)
        Logarithm of each size over the column's typical one.
    signs : ndarray of shape (N, n)
    signed, zero : ndarray of bool, shape (n,)
        Columns that are negative, and that are 0, on some row.
    typical : ndarray of shape (n,)
    """

    logs: Floats
    signs: Floats
    signed: Bools
    zero: Bools
    typical: Floats

    @classmethod
    def of(cls, X: Floats) -> Columns:
        """The columns of rows X of shape (N, n)."""
        size = np.abs(X)
        logs = np.where(size > 0, np.log(np.where(size > 0, size, 1.0)), np.nan)
        middle = np.nan_to_num(np.nanmean(np.where(np.isfinite(logs), logs, np.nan), axis=0))
        logs = np.nan_to_num(logs, nan=-np.inf) - middle
        logs = np.maximum(logs, np.log(SMALLEST))
        signed = np.asarray((X < 0).any(axis=0))
        return cls(logs, np.where(X < 0, -1.0, 1.0), signed, (X == 0).any(axis=0), np.exp(middle))

    def take(self, rows: NDArray[np.intp]) -> Columns:
        """The same for some of the rows."""
        return Columns(self.logs[rows], self.signs[rows], self.signed, self.zero, self.typical)


@dataclass(slots=True)
class Batch:
    """R stacks of one shape.

    Parameters
    ----------
    shape : Shape
    exponents : ndarray of shape (R, units, n)
        Of the sizes of the columns in each product.
    free : ndarray of bool, shape (R, units, n)
        Exponents that are trained; the others stay.
    odd : ndarray of bool, shape (R, units, n)
        Whether a product takes the sign of a column.
    inner_weights : ndarray of shape (R, inner units)
        b, the weights of the inner sums.
    powers : ndarray of shape (R, inner sums)
        p, of the sizes of the inner sums.
    free_powers : ndarray of bool, shape (R, inner sums)
    odd_powers : ndarray of bool, shape (R, inner sums)
        Whether a power takes the sign of its sum.
    constants : ndarray of shape (R, inner sums)
        d, 1 for inner sums with a constant, and 0.
    reads : ndarray of bool, shape (R, outer, inner sums)
        z, which terms of the last sum a power of an inner sum multiplies.
    outer_weights : ndarray of shape (R, outer)
        c, the weights of the last sum, solved for.
    loss : ndarray of shape (R,)
        Sum of squared errors.
    """

    shape: Shape
    exponents: Floats
    free: Bools
    odd: Bools
    inner_weights: Floats
    powers: Floats
    free_powers: Bools
    odd_powers: Bools
    constants: Floats
    reads: Bools
    outer_weights: Floats
    loss: Floats

    def __len__(self) -> int:
        return len(self.exponents)

    def take(self, chosen: NDArray[np.intp] | Bools) -> Batch:
        """Some of the stacks."""
        return Batch(self.shape, *(getattr(self, f.name)[chosen].copy() for f in fields(self)[1:]))

    @staticmethod
    def joined(batches: Sequence[Batch]) -> Batch:
        """Batches of one shape as one."""
        parts = (
            np.concatenate([getattr(batch, f.name) for batch in batches]) for f in fields(Batch)[1:]
        )
        return Batch(batches[0].shape, *parts)

    def put(self, at: NDArray[np.intp], other: Batch) -> None:
        """Replace the stacks at some places."""
        for f in fields(self)[1:]:
            getattr(self, f.name)[at] = getattr(other, f.name)


def nearest_of_parity(values: Floats, odd: Bools) -> Floats:
    """The nearest odd whole numbers, or even ones."""
    return np.where(odd, 2 * np.round((values - 1) / 2) + 1, 2 * np.round(values / 2))
