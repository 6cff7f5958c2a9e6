"""The waist: layers of exact units, sums with weights -1, 0, 1 and products of powers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "ALLOWED_EXPONENTS",
    "LARGEST_DENOMINATOR",
    "LARGEST_EXPONENT",
    "Circuit",
    "Layer",
    "Term",
    "Unit",
    "UnitKind",
    "exponent_of",
    "is_real_exponent",
    "power_of",
]

Floats = NDArray[np.float64]

ALLOWED_EXPONENTS: frozenset[Fraction] = frozenset(Fraction(k, 2) for k in range(-24, 25) if k)
"""Exponents that weights are snapped to: integers and half-integers up to 12 in size."""

LARGEST_EXPONENT = 24
"""*Guess:* no exponent of a product is larger: even 1.5**24 is 17000, and larger powers single out
a few rows."""

LARGEST_DENOMINATOR = 1000
"""*Guess:* a rational exponent has no larger denominator, so that three decimals are rational: 0.8
is 4/5 and 1.852 is 463/250; other exponents are real constants."""


class UnitKind(StrEnum):
    """What a unit computes from its terms."""

    SUM = "sum"
    PRODUCT = "product"
    MAGNITUDE = "magnitude"


@dataclass(frozen=True, slots=True)
class Term:
    """One input of a unit.

    Parameters
    ----------
    source : int
        Index into the layer's inputs: the units of the layer before, then the columns.
    weight : Fraction
        In a sum -1 or 1; in a product an exponent of at most `LARGEST_EXPONENT` in size, rational
        or the exact value of a double. An input with weight 0 is left out.
    constant : float
        In a sum a real factor greater than zero; in a product always 1.
    """

    source: int
    weight: Fraction
    constant: float = 1.0

    def __post_init__(self) -> None:
        # numpy scalars would leak into texts and files
        object.__setattr__(self, "constant", float(self.constant))


@dataclass(frozen=True, slots=True)
class Unit:
    """A sum or a product of some of the layer's inputs.

    Parameters
    ----------
    kind : UnitKind
        `SUM`: constant + sum of weight * term constant * input. `PRODUCT`: constant * product of
        input ** weight, with sign. `MAGNITUDE`: the same on the absolute values of the inputs.
    terms : tuple of Term
        At most one for each source, sources ascending.
    constant : float
        The offset of a sum (0 when there is none), the scale of a product (1 when there is none).
    """

    kind: UnitKind
    terms: tuple[Term, ...]
    constant: float

    def __post_init__(self) -> None:
        sources = [term.source for term in self.terms]
        if sources != sorted(set(sources)):
            raise ValueError(f"sources must ascend without repeats, got {sources}")
        object.__setattr__(self, "constant", float(self.constant))
        if not np.isfinite(self.constant):
            raise ValueError(f"the constant of a unit must be finite, got {self.constant}")
        for term in self.terms:
            _check_term(self.kind, term)


def _check_term(kind: UnitKind, term: Term) -> None:
    if kind is UnitKind.SUM:
        if abs(term.weight) != 1:
            raise ValueError(f"the weight of a sum must be -1 or 1, got {term.weight}")
        if not (np.isfinite(term.constant) and term.constant > 0):
            raise ValueError(f"a term's constant must be above zero, got {term.constant}")
    elif not 0 < abs(term.weight) <= LARGEST_EXPONENT or term.constant != 1.0:
        raise ValueError(f"not a power a product may use: {term}")


def exponent_of(value: float) -> Fraction:
    """The exponent that a double stands for.

    Parameters
    ----------
    value : float

    Returns
    -------
    Fraction
        The rational with a denominator up to `LARGEST_DENOMINATOR` that is the double within two
        steps of rounding, else the double itself.

    Raises
    ------
    ValueError
        If no product has such an exponent: it is zero, not finite or too large.
    """
    if not 0 < abs(value) <= LARGEST_EXPONENT:
        raise ValueError(f"no product has the exponent {value}")
    exact = Fraction(value)
    # the simple rationals lie so thinly that a double of no meaning is next to none
    simple = exact.limit_denominator(LARGEST_DENOMINATOR)
    is_near = abs(float(simple) - value) <= 2 * math.ulp(float(simple))
    return simple if simple and is_near else exact


def is_real_exponent(exponent: Fraction) -> bool:
    """Whether an exponent is an arbitrary real number, a constant as coefficients are."""
    return exponent.denominator > LARGEST_DENOMINATOR


Layer = tuple[Unit, ...]


@dataclass(frozen=True, slots=True)
class Circuit:
    """A snapped stack: what is judged, written as a formula, saved and applied.

    The inputs of layer k are the units of layer k - 1, in order, followed by all columns. The last
    layer has one unit, the answer.

    Parameters
    ----------
    n_columns : int
        Number of columns the circuit reads.
    layers : tuple of Layer
        From the columns to the answer.

    Raises
    ------
    ValueError
        If a source does not exist or the last layer has not exactly one unit.
    """

    n_columns: int
    layers: tuple[Layer, ...]

    def __post_init__(self) -> None:
        if not self.layers or len(self.layers[-1]) != 1:
            raise ValueError("the last layer of a circuit must have exactly one unit")
        width = 0
        for layer in self.layers:
            for unit in layer:
                if any(not 0 <= t.source < width + self.n_columns for t in unit.terms):
                    raise ValueError(f"a source does not exist in a layer of {unit}")
            width = len(layer)

    def evaluate(self, X: Floats) -> Floats:
        """The circuit's value on each row.

        Parameters
        ----------
        X : ndarray of shape (n_rows, n_columns)

        Returns
        -------
        ndarray of shape (n_rows,)
            NaN where the formula is undefined (root of a negative number), inf at a pole.
        """
        inputs = [X[:, j] for j in range(self.n_columns)]
        before: list[Floats] = []
        with np.errstate(all="ignore"):
            for layer in self.layers:
                sources = before + inputs
                before = [_unit_value(unit, sources, len(X)) for unit in layer]
        return before[0]

    def units(self) -> Iterator[Unit]:
        """All units, layer by layer."""
        for layer in self.layers:
            yield from layer

    def used_columns(self) -> tuple[int, ...]:
        """The columns the answer depends on, ascending."""
        used: set[int] = set()
        live = {0}
        for k in range(len(self.layers) - 1, -1, -1):
            width = len(self.layers[k - 1]) if k else 0
            sources = {t.source for u in live for t in self.layers[k][u].terms}
            used |= {s - width for s in sources if s >= width}
            live = {s for s in sources if s < width}
        return tuple(sorted(used))

    def among(self, n_columns: int, places: Sequence[int]) -> Circuit:
        """The same circuit for a table of more columns.

        Parameters
        ----------
        n_columns : int
            Of that table.
        places : sequence of int
            Where the circuit's own columns stand among them, ascending.

        Raises
        ------
        ValueError
            If two columns stand at one place, or they stand in another order.
        """
        layers: list[Layer] = []
        width = 0
        for layer in self.layers:
            layers.append(tuple(_with_sources(unit, width, places) for unit in layer))
            width = len(layer)
        return Circuit(n_columns, tuple(layers))


def _with_sources(unit: Unit, width: int, places: Sequence[int]) -> Unit:
    terms = tuple(
        replace(t, source=width + places[t.source - width]) if t.source >= width else t
        for t in unit.terms
    )
    return Unit(unit.kind, terms, unit.constant)


def _unit_value(unit: Unit, sources: list[Floats], n_rows: int) -> Floats:
    value = np.full(n_rows, unit.constant)
    if unit.kind is UnitKind.SUM:
        for term in unit.terms:
            value = value + float(term.weight) * term.constant * sources[term.source]
        return value
    for term in unit.terms:
        x = sources[term.source]
        value = value * power_of(np.abs(x) if unit.kind is UnitKind.MAGNITUDE else x, term.weight)
    return value


def power_of(x: Floats, exponent: Fraction) -> Floats:
    """The powers of numbers; NaN of negative ones unless the exponent is whole.

    Parameters
    ----------
    x : ndarray
    exponent : Fraction
    """
    if exponent.denominator == 1:
        return x ** int(exponent)
    if exponent.denominator == 2:
        # sqrt is rounded correctly, pow need not be; the whole part is exact for integers
        return np.sqrt(x) ** exponent.numerator
    # pow alone takes minus infinity to infinity
    return np.where(x < 0, np.nan, x) ** float(exponent)
