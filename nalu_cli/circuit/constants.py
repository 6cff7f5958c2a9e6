"""The real constants of a circuit: where they stand, and a circuit with others."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from nalu_cli.circuit import Circuit, Term, Unit, UnitKind, exponent_of, is_real_exponent

__all__ = ["Place", "constants_of", "valued_term", "with_constants", "without_constants"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a constant stands: a unit, and the source of a term or None for the unit's own."""

    layer: int
    unit: int
    source: int | None


def constants_of(circuit: Circuit) -> dict[Place, float]:
    """All constants that are not structural: offsets, scales, coefficients and real exponents.

    Each has its sign. Scales and coefficients of 1 and offsets of 0 say nothing and are left out,
    and so are rational exponents.
    """
    found: dict[Place, float] = {}
    for k, layer in enumerate(circuit.layers):
        for u, unit in enumerate(layer):
            neutral = 0.0 if unit.kind is UnitKind.SUM else 1.0
            if unit.constant != neutral:
                found[Place(k, u, None)] = unit.constant
            for term in unit.terms:
                if _is_free(unit.kind, term):
                    found[Place(k, u, term.source)] = float(term.weight) * term.constant
    return found


def _is_free(kind: UnitKind, term: Term) -> bool:
    """Whether a term holds a real number: a coefficient, or an exponent that is no rational."""
    return term.constant != 1.0 if kind is UnitKind.SUM else is_real_exponent(term.weight)


def with_constants(circuit: Circuit, values: dict[Place, float]) -> Circuit:
    """The circuit with some constants replaced.

    Parameters
    ----------
    circuit : Circuit
    values : dict of Place to float
        A coefficient of 0 removes its term, an exponent of 0 its factor; an exponent within
        rounding of a rational, as 0.8 is, becomes that and is no constant any more.

    Raises
    ------
    ValueError
        If a value is not finite, or an exponent too large.
    """
    layers = tuple(
        tuple(_with_values(unit, k, u, values) for u, unit in enumerate(layer))
        for k, layer in enumerate(circuit.layers)
    )
    return Circuit(circuit.n_columns, layers)


def _with_values(unit: Unit, layer: int, place: int, values: dict[Place, float]) -> Unit:
    constant = values.get(Place(layer, place, None), unit.constant)
    terms = []
    for term in unit.terms:
        value = values.get(Place(layer, place, term.source))
        if value != 0:
            terms.append(term if value is None else valued_term(unit.kind, term.source, value))
    return Unit(unit.kind, tuple(terms), constant)


def valued_term(kind: UnitKind, source: int, value: float) -> Term:
    """A term of a unit of some kind: a coefficient in a sum, an exponent in a product."""
    if kind is not UnitKind.SUM:
        return Term(source, exponent_of(value))
    return Term(source, Fraction(1 if value > 0 else -1), abs(value))


def without_constants(circuit: Circuit) -> Circuit:
    """The circuit with simple values for its constants: what is left is structure.

    An offset or coefficient becomes the nearest of -1, 0 and 1, a scale -1 or 1, and a real
    exponent the nearest whole or half one that is not 0.
    """
    values = {
        place: math.copysign(_simple_size(circuit, place, abs(value)), value)
        for place, value in constants_of(circuit).items()
    }
    return with_constants(circuit, values)


def _simple_size(circuit: Circuit, place: Place, size: float) -> float:
    if circuit.layers[place.layer][place.unit].kind is UnitKind.SUM:
        return min(round(size), 1)
    return 1.0 if place.source is None else max(round(2 * size), 1) / 2
