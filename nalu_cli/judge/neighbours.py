"""Circuits one step away from another, another exponent or one term less, refitted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

import numpy as np

from nalu_cli.circuit import ALLOWED_EXPONENTS, Circuit, Term, Unit, UnitKind
from nalu_cli.expression.closed_form import snap_value
from nalu_cli.rows import Rows

__all__ = ["neighbours", "scaled_to"]

STEPS = (Fraction(-1), Fraction(-1, 2), Fraction(1, 2), Fraction(1))
"""*Guess:* an exponent is changed by a half or by one: most laws have whole and half exponents."""


def neighbours(circuit: Circuit) -> Iterator[Circuit]:
    """Every circuit with one exponent changed by a half or by one, or one term or offset left out.

    Parameters
    ----------
    circuit : Circuit
    """
    for k, layer in enumerate(circuit.layers):
        for i, unit in enumerate(layer):
            for other in _other_units(unit):
                changed = (*layer[:i], other, *layer[i + 1 :])
                yield replace(
                    circuit, layers=(*circuit.layers[:k], changed, *circuit.layers[k + 1 :])
                )


def _other_units(unit: Unit) -> Iterator[Unit]:
    for j, term in enumerate(unit.terms):
        rest = unit.terms[:j], unit.terms[j + 1 :]
        yield replace(unit, terms=(*rest[0], *rest[1]))
        if unit.kind is not UnitKind.SUM:
            for weight in _other_weights(term):
                yield replace(unit, terms=(*rest[0], replace(term, weight=weight), *rest[1]))
    if unit.kind is UnitKind.SUM and unit.constant and unit.terms:
        yield replace(unit, constant=0.0)


def _other_weights(term: Term) -> Iterator[Fraction]:
    for step in STEPS:
        if term.weight + step in ALLOWED_EXPONENTS:
            yield term.weight + step


def scaled_to(circuit: Circuit, rows: Rows) -> Circuit | None:
    """The circuit times the factor that fits some rows best, rounded within its standard error.

    Parameters
    ----------
    circuit : Circuit
    rows : Rows

    Returns
    -------
    Circuit or None
        None when it has no value on some row, or no factor that is surely above zero fits.
    """
    value = circuit.evaluate(rows.X)
    size = float(np.max(np.abs(value), initial=0.0))
    if not np.isfinite(value).all() or size == 0.0:
        return None
    unit = value / size
    weight = float(unit @ unit)
    factor = float(unit @ rows.y) / weight
    error = float(np.sqrt(np.mean((rows.y - factor * unit) ** 2) / weight))
    if not factor > error or not np.isfinite(factor / size):
        return None
    return _times(circuit, snap_value(factor / size, error / factor))


def _times(circuit: Circuit, factor: float) -> Circuit:
    (unit,) = circuit.layers[-1]
    terms = unit.terms
    if unit.kind is UnitKind.SUM:
        terms = tuple(replace(term, constant=term.constant * factor) for term in terms)
    last = Unit(unit.kind, terms, unit.constant * factor)
    return replace(circuit, layers=(*circuit.layers[:-1], (last,)))
