"""The values that weights may be snapped to, and what each costs to describe."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from nalu_cli.circuit.relaxed import SUM
from nalu_cli.fitting.levenberg_marquardt import Network

__all__ = ["AllowedValues", "grid", "may_stay_real"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class AllowedValues:
    """Which values weights may take, with the price of each in bits-like units.

    Parameters
    ----------
    exponents : tuple of float
        For products, besides 0.
    constants : bool
        Whether a weight of a sum, an offset or a scale may stay real.
    """

    exponents: tuple[float, ...] = tuple(
        sign * size for size in (1, 2, 0.5, 3, 1.5, 4, 2.5, 5, 6) for sign in (1, -1)
    )
    constants: bool = True

    @classmethod
    def of(cls, *, ternary: bool, constants: bool) -> AllowedValues:
        """Those of the default cell; nothing but -1, 0 and 1 if ternary."""
        return cls(exponents=(1, -1), constants=constants) if ternary else cls(constants=constants)

    @classmethod
    def of_cell(cls, exponents: Collection[Fraction], *, ternary: bool) -> AllowedValues:
        """Those of a published cell, which has no constants."""
        kept = (float(e) for e in exponents if e and (abs(e) == 1 or not ternary))
        return cls(exponents=tuple(sorted(kept, key=lambda e: (abs(e), -e))), constants=False)


def grid(network: Network, allowed: AllowedValues, restarts: int) -> tuple[Floats, Floats]:
    """Allowed values and their prices: (R, P, G), padded with NaN."""
    exponents = np.array([0.0, *allowed.exponents])
    width = max(len(exponents), 3)
    exponent_price = np.concatenate([[0.0], 1.0 + np.abs(np.abs(exponents[1:]) - 1) * 2])
    values = np.full((restarts, network.size, width), np.nan)
    price = np.zeros((restarts, network.size, width))
    at = 0
    for kind, (i, o) in zip(network.kinds, network.shapes, strict=True):
        for unit in range(o):
            weights = at + unit + o * np.arange(i)
            constant = at + i * o + unit
            for r in range(restarts):
                if kind[r, unit] == SUM:
                    values[r, weights, :3] = (0.0, 1.0, -1.0)
                    price[r, weights, 1:3] = 1.0
                    values[r, constant, :3] = (0.0, 1.0, -1.0)
                    price[r, constant, 1:3] = 2.0
                else:
                    values[r, weights, : len(exponents)] = exponents
                    price[r, weights, : len(exponents)] = exponent_price
                    values[r, constant, :2] = (1.0, -1.0)
        at += i * o + o
    return values, price


def may_stay_real(network: Network, allowed: AllowedValues, restarts: int) -> Bools:
    """Which weights may be left as real constants: (R, P)."""
    stays = np.zeros((restarts, network.size), dtype=bool)
    at = 0
    for kind, (i, o) in zip(network.kinds, network.shapes, strict=True):
        sums = kind == SUM
        stays[:, at : at + i * o] = np.repeat(sums[:, None, :], i, axis=1).reshape(restarts, -1)
        stays[:, at + i * o : at + i * o + o] = True
        at += i * o + o
    return stays & allowed.constants
