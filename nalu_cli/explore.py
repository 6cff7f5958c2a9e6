"""Stage 4: random starts of small stacks, trained to second order as one batch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nalu_cli.relaxed import MAGNITUDE, PRODUCT, SUM, Relaxed, RelaxedLayer

__all__ = ["Plan", "factor_starts", "size_of", "starts"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


FLAT, SPREAD = 0.3, 0.1
"""Weights of a flat start, and how far they differ."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The shape of a stack whose gates have settled layer by layer.

    Parameters
    ----------
    layers : str
        ``M4 A2 M1``: four products, two sums of them, one product of those; the last has one unit.
        A plus sign, as in ``M2 A1+``, lets a sum of products read the columns too.
    signed : bool
        Products with sign, else on magnitudes.
    """

    layers: str
    signed: bool = True

    @property
    def kinds(self) -> list[int]:
        """`SUM`, `PRODUCT` or `MAGNITUDE` of each layer."""
        product = PRODUCT if self.signed else MAGNITUDE
        return [SUM if part[0] == "A" else product for part in self.layers.split()]

    @property
    def widths(self) -> list[int]:
        """Units of each layer."""
        return [int(part[1:].rstrip("+")) for part in self.layers.split()]

    @property
    def name(self) -> str:
        """As shown to people: ``product(4) sum(2) product``."""
        words = []
        for part in self.layers.split():
            kind = "sum" if part[0] == "A" else "product"
            words.append(kind if part[1:].rstrip("+") == "1" else f"{kind}({part[1:]})")
        return " ".join(words)


def size_of(plan: Plan, n: int) -> int:
    """Number of weights of a stack over n columns."""
    return sum(i * o for i, o in _sizes(plan, n))


def starts(plan: Plan, n: int, restarts: int, seed: tuple[int, ...]) -> tuple[Relaxed, Bools]:
    """Random weights, and which of them take part.

    Unless asked to, sums of products do not read the columns past their products, since a product
    can pass a column on; products read everything. The scale of a product below a sum is the sum's
    business.

    Parameters
    ----------
    plan : Plan
    n : int
        Number of columns.
    restarts : int
    seed : tuple of int
        Of the random stream; restart r draws from its own child.

    Returns
    -------
    relaxed : Relaxed
    free : ndarray of bool, shape (P,)
        In the order of `Network.flatten`.
    """
    sizes = _sizes(plan, n)
    total = sum(i * o + o for i, o in sizes)
    streams = np.random.SeedSequence(seed).spawn(restarts)
    draws = np.stack([np.random.default_rng(s).uniform(-1, 1, total) for s in streams])
    layers, free, at = [], [], 0
    parts = plan.layers.split()
    for k, (kind, (i, o)) in enumerate(zip(plan.kinds, sizes, strict=True)):
        reads = np.ones((i, o), dtype=bool)
        if k and kind == SUM and not parts[k].endswith("+"):
            reads[i - n :] = False
        W = np.where(reads, draws[:, at : at + i * o].reshape(-1, i, o), 0.0)
        at += i * o
        b = draws[:, at : at + o] if kind == SUM else np.ones((restarts, o))
        at += o
        last = k == len(sizes) - 1
        free += [reads.ravel(), np.full(o, kind == SUM or last)]
        layers.append(RelaxedLayer(np.full((restarts, o), kind, dtype=np.int8), W, b))
    return Relaxed(tuple(layers), np.full(restarts, np.inf)), np.concatenate(free)


def factor_starts(
    n: int, exponents: tuple[float, ...], restarts: int, seed: tuple[int, ...]
) -> tuple[Relaxed, Bools]:
    """A product of sums with given powers, for tables too wide to learn the powers too.

    Parameters
    ----------
    n : int
        Number of columns.
    exponents : tuple of float
        One for each sum.
    restarts : int
        Every other one starts with nearly equal weights: sums of many columns often have these.
    seed : tuple of int

    Returns
    -------
    relaxed : Relaxed
    free : ndarray of bool, shape (P,)
    """
    plan = Plan(f"A{len(exponents)} M1")
    relaxed, free = starts(plan, n, restarts, seed)
    sums, answer = relaxed.layers
    sums.weights[::2] = FLAT + SPREAD * sums.weights[::2]
    sums.constant[:] = 0.0
    answer.weights[:] = 0.0
    answer.weights[:, : len(exponents), 0] = exponents
    # the scale of the product is one with those of the sums
    free[sums.weights[0].size + sums.constant[0].size :] = False
    return relaxed, free


def _sizes(plan: Plan, n: int) -> list[tuple[int, int]]:
    sizes, width = [], 0
    for o in plan.widths:
        sizes.append((width + n, o))
        width = o
    return sizes
