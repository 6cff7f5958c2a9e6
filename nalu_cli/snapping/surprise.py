"""Bits by which the numbers of a formula are shorter than chance would have them."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from nalu_cli.circuit import Circuit, UnitKind
from nalu_cli.circuit.constants import Place, constants_of
from nalu_cli.circuit.relaxed import relax
from nalu_cli.fitting.fit_constants import positions
from nalu_cli.fitting.levenberg_marquardt import Network
from nalu_cli.rows import Rows
from nalu_cli.snapping.model import is_product, solved
from nalu_cli.snapping.prices import price_of_coefficient, price_of_exponent

__all__ = ["LONGER", "surprise", "surprise_of", "total_gain"]

Floats = NDArray[np.float64]

LEAST_ERROR = 1e-15
"""*Derived:* no number is known better than to the rounding of doubles."""

LONGER = 1.0
"""Bits by which a number may be longer than chance. *Guess:* prices are rough."""

LONG = 45.0
"""Bits of a coefficient that has no name. *Derived:* thirteen digits."""


def surprise(error: float) -> float:
    """Bits that say where a number is, relative to its size, within an error to both sides."""
    return -math.log2(max(2 * error, LEAST_ERROR))


def total_gain(gains: Iterable[tuple[tuple[int, int] | None, float]]) -> float:
    """Bits by which numbers are shorter than chance, all told.

    Parameters
    ----------
    gains : iterable of ((int, int) or None, float)
        Of each number: the unit whose exponent it is, None for a coefficient, and its bits.

    Returns
    -------
    float
        Of all coefficients, and of the exponents of one product: others repeat what they say.
    """
    total, products = 0.0, dict[tuple[int, int], float]()
    for unit, gain in gains:
        if unit is None:
            total += gain
        else:
            products[unit] = products.get(unit, 0.0) + gain
    return total + max(products.values(), default=0.0)


def surprise_of(circuit: Circuit, rows: Rows, size: Floats) -> float:
    """How much shorter the numbers of a formula are than numbers as well known would be by chance.

    All its numbers count, exponents and coefficients of 1 too, each with the error that it has when
    all others are free.

    Parameters
    ----------
    circuit : Circuit
    rows : Rows
    size : ndarray of shape (N,)
        Standard deviation of each row.

    Returns
    -------
    float
        In bits. Of the exponents those of one product alone: others repeat what they say. A
        coefficient without a name says nothing; an odd exponent that is no shorter than chance says
        that the formula imitates another: -inf.
    """
    exponents, coefficients = _numbers(circuit)
    numbers = {**exponents, **coefficients}
    if not numbers:
        return 0.0
    errors = dict(zip(numbers, _standard_errors(circuit, rows, size, list(numbers)), strict=True))
    gains: list[tuple[tuple[int, int] | None, float]] = []
    for place, value in exponents.items():
        gain = surprise(errors[place]) - price_of_exponent(value)
        if gain < -LONGER and not float(2 * value).is_integer():
            return -math.inf
        gains.append(((place.layer, place.unit), gain))
    for place, value in coefficients.items():
        price = price_of_coefficient(value, of_product=is_product(circuit))
        if price < LONG:
            gains.append((None, surprise(errors[place] / abs(value)) - price))
    return total_gain(gains)


def _numbers(circuit: Circuit) -> tuple[dict[Place, float], dict[Place, float]]:
    """All exponents, and all coefficients, offsets and scales but those that are not there."""
    exponents: dict[Place, float] = {}
    coefficients = dict(constants_of(circuit))
    for k, layer in enumerate(circuit.layers):
        for u, unit in enumerate(layer):
            for term in unit.terms:
                place = Place(k, u, term.source)
                if unit.kind is not UnitKind.SUM:
                    exponents[place] = float(term.weight)
                    coefficients.pop(place, None)
                else:
                    coefficients[place] = float(term.weight) * term.constant
    return exponents, coefficients


def _standard_errors(circuit: Circuit, rows: Rows, size: Floats, places: list[Place]) -> Floats:
    relaxed = relax(circuit)
    network = Network(relaxed, rows.X)
    theta = Network.flatten(relaxed)
    _, traces = network.forward(theta)
    J = network.jacobian(theta, traces, (1 / size)[None])[0][:, positions(network, places)]
    return solved(J)[1]
