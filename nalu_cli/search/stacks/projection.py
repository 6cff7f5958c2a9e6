"""Values and slopes of a batch of stacks, the last sum solved inside: variable projection."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nalu_cli.numerics.tolerances import RIDGE, TINY
from nalu_cli.search.stacks.batch import Batch, Columns

__all__ = ["Projection", "inner_sums", "products", "project", "signs_of", "slopes"]

Floats = NDArray[np.float64]

LARGEST_LOG = 60.0
"""Largest logarithm of a product, up or down. *Derived:* products of four units of this size are
still doubles."""

LEAST_SUM = 1e-9
"""Size of an inner sum below which it counts as this. *Derived:* its powers stay doubles."""

SIGN_CHANGE = 10.0
"""Factor by which the loss grows at most where an inner sum changes its sign below a power that has
no value there. *Guess:* enough to keep starts on the defined side."""


@dataclass(slots=True)
class Projection:
    """The values of a batch on the rows, as its loss and slopes need them.

    Parameters
    ----------
    monomials : ndarray of shape (R, N, units)
    sums : ndarray of shape (R, N, inner sums)
    terms : ndarray of shape (R, N, outer)
        Weighted terms of the last sum, each of length 1.
    lengths : ndarray of shape (R, outer)
        What they were divided by.
    gram : ndarray of shape (R, outer, outer)
    weights : ndarray of shape (R, outer)
        Of the terms of length 1.
    residual : ndarray of shape (R, N)
    loss : ndarray of shape (R,)
    """

    monomials: Floats
    sums: Floats
    terms: Floats
    lengths: Floats
    gram: Floats
    weights: Floats
    residual: Floats
    loss: Floats

    def put(self, at: NDArray[np.intp], other: Projection) -> None:
        """Replace the stacks at some places."""
        for name in self.__slots__:
            getattr(self, name)[at] = getattr(other, name)

    def take(self, chosen: NDArray[np.intp]) -> Projection:
        """The same for some of the stacks."""
        return Projection(*(getattr(self, name)[chosen] for name in self.__slots__))


def signs_of(batch: Batch, columns: Columns) -> Floats | None:
    """The sign of each product of columns, (R, N, units), which no training changes.

    None where no column is ever negative.
    """
    if not columns.signed.any():
        return None
    odd = batch.odd[:, :, columns.signed].transpose(0, 2, 1).astype(float)
    negative = (columns.signs[:, columns.signed] < 0).astype(float)
    return np.asarray(1.0 - 2.0 * (np.matmul(negative, odd) % 2))


def products(batch: Batch, columns: Columns, signs: Floats | None) -> Floats:
    """All products of columns: (R, N, units)."""
    logs = np.matmul(columns.logs, batch.exponents.transpose(0, 2, 1))
    values: Floats = np.exp(np.clip(logs, -LARGEST_LOG, LARGEST_LOG))
    return values if signs is None else values * signs


def inner_sums(batch: Batch, monomials: Floats) -> Floats:
    """S of each inner sum: (R, N, inner sums), never nearer to zero than `LEAST_SUM`."""
    inner = monomials[:, :, batch.shape.outer :] * batch.inner_weights[:, None, :]
    sums = batch.constants[:, None] + inner @ batch.shape.membership
    size = np.maximum(np.abs(sums), LEAST_SUM)
    return np.where(sums < 0, -size, size)


def _factors(batch: Batch, sums: Floats) -> Floats:
    """What the powers of the inner sums multiply each term by: (R, N, outer)."""
    exponents = (batch.reads * batch.powers[:, None, :]).transpose(0, 2, 1)
    logs = np.matmul(np.log(np.abs(sums)), exponents)
    odd = (batch.reads & batch.odd_powers[:, None, :]).astype(float).transpose(0, 2, 1)
    signs = 1.0 - 2.0 * (np.matmul((sums < 0).astype(float), odd) % 2)
    return np.asarray(signs * np.exp(np.clip(logs, -LARGEST_LOG, LARGEST_LOG)))


def project(
    batch: Batch, columns: Columns, signs: Floats | None, target: Floats, weights: Floats
) -> Projection:
    """Solve the last sum and measure the residuals.

    Parameters
    ----------
    batch : Batch
    columns : Columns
    signs : ndarray of shape (R, N, units) or None
        See `signs_of`.
    target, weights : ndarray of shape (N,)
        The target, and the weight that each row's error is multiplied by.

    Returns
    -------
    Projection
    """
    monomials = products(batch, columns, signs)
    sums = inner_sums(batch, monomials)
    terms = monomials[:, :, : batch.shape.outer] * weights[:, None]
    if batch.shape.inner:
        terms = terms * _factors(batch, sums)
    lengths = np.sqrt(np.einsum("rnk,rnk->rk", terms, terms)) + TINY
    terms = terms / lengths[:, None]
    gram = terms.transpose(0, 2, 1) @ terms + RIDGE * np.eye(batch.shape.outer)
    aimed = (target * weights)[:, None]
    solved = np.linalg.solve(gram, terms.transpose(0, 2, 1) @ aimed)
    residual = (aimed - terms @ solved)[..., 0]
    loss = np.einsum("rn,rn->r", residual, residual) * (1 + _undefined(batch, sums))
    return Projection(
        monomials,
        sums,
        terms,
        lengths,
        gram,
        solved[..., 0],
        residual,
        np.nan_to_num(loss, nan=np.inf),
    )


def _undefined(batch: Batch, sums: Floats) -> Floats:
    """The penalty of each stack for inner sums of both signs below powers without a sign."""
    if not batch.shape.inner:
        return np.zeros(len(batch))
    share = (sums < 0).mean(axis=1) * batch.reads.any(axis=1) * ~batch.odd_powers
    return np.asarray(SIGN_CHANGE * np.where(batch.free_powers, share, 0.0).sum(axis=1))


def slopes(batch: Batch, columns: Columns, at: Projection) -> Floats:
    """Derivatives of the residuals by all numbers, the last sum following (Kaufman 1975).

    Returns
    -------
    ndarray of shape (R, N, units * n + inner units + inner sums)
        By the exponents, the inner weights and the powers; 0 for what is not trained. Without the
        exponents where none is.
    """
    shape, n = batch.shape, columns.logs.shape[1]
    R, N = at.residual.shape
    weighted = at.terms * at.weights[:, None]  # (R, N, outer)
    flows = [weighted]
    rest: list[Floats] = []
    if shape.inner:
        through = np.matmul(weighted, batch.reads.astype(float))  # (R, N, inner sums)
        by_sum = through * batch.powers[:, None] / at.sums
        by_inner = by_sum @ shape.membership.T
        inner = at.monomials[:, :, shape.outer :]
        flows.append(by_inner * inner * batch.inner_weights[:, None])
        rest = [by_inner * inner, through * np.log(np.abs(at.sums)) * batch.free_powers[:, None]]
    if batch.free.any():
        flow = np.concatenate(flows, axis=2)
        by_exponent = flow[:, :, :, None] * columns.logs[None, :, None, :] * batch.free[:, None]
        rest.insert(0, by_exponent.reshape(R, N, shape.units * n))
    J = -np.concatenate(rest, axis=2)
    along = np.linalg.solve(at.gram, at.terms.transpose(0, 2, 1) @ J)
    return J - at.terms @ along
