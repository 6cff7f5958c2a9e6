"""A circuit as plain lists, dicts, strings and numbers, and back, trusting nothing that is read."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from fractions import Fraction
from typing import TypeVar

from nalu_cli.circuit import Circuit, Layer, Term, Unit, UnitKind

__all__ = ["circuit_from_data", "circuit_to_data"]

MOST_LAYERS = 64
"""*Guess:* a circuit with more layers comes from a damaged or hostile file, which is refused
early."""

MOST_UNITS = 10_000
"""*Guess:* a layer with more units comes from a damaged or hostile file."""

MOST_COLUMNS = 1_000_000
"""*Guess:* a circuit of more columns comes from a damaged or hostile file."""

WEIGHT = re.compile(r"-?[1-9][0-9]{0,340}(/[1-9][0-9]{0,340})?", re.ASCII)
"""The exact value of a double, which an exponent may be, has up to 324 digits over and under."""

Data = dict[str, object]
Part = TypeVar("Part")


def circuit_to_data(circuit: Circuit) -> Data:
    """A circuit as a dict fit for JSON.

    Returns
    -------
    dict
        Keys ``n_columns`` and ``layers``; a unit has ``kind``, ``constant`` and ``terms``; a term
        has ``source``, ``weight`` (a string such as ``-1``, ``1/2`` or ``463/250``, for a real
        exponent the exact value of its double) and, in sums, ``constant``.
    """
    layers = [[_unit_to_data(unit) for unit in layer] for layer in circuit.layers]
    return {"n_columns": circuit.n_columns, "layers": layers}


def _unit_to_data(unit: Unit) -> Data:
    terms = [_term_to_data(unit.kind, term) for term in unit.terms]
    return {"kind": unit.kind.value, "constant": unit.constant, "terms": terms}


def _term_to_data(kind: UnitKind, term: Term) -> Data:
    data: Data = {"source": term.source, "weight": str(term.weight)}
    if kind is UnitKind.SUM:
        data["constant"] = term.constant
    return data


def circuit_from_data(data: object) -> Circuit:
    """The circuit that `circuit_to_data` described.

    Raises
    ------
    ValueError
        If anything is missing, added, of another type, not finite, or no circuit; the message
        names the layer and the unit.
    """
    fields = _fields(data, {"n_columns", "layers"}, "the circuit")
    n_columns = _whole(fields["n_columns"], "n_columns", MOST_COLUMNS)
    layers = _items(fields["layers"], "layers", MOST_LAYERS, _layer)
    return Circuit(n_columns, layers)


def _layer(data: object, place: str) -> Layer:
    return _items(data, place, MOST_UNITS, _unit)


def _unit(data: object, place: str) -> Unit:
    fields = _fields(data, {"kind", "constant", "terms"}, place)
    kind = fields["kind"]
    if not isinstance(kind, str) or kind not in set(UnitKind):
        raise ValueError(f"{place}: kind is {_shown(kind)}; it must be one of {list(UnitKind)}")
    read = _sum_term if kind == UnitKind.SUM else _product_term
    terms = _items(fields["terms"], f"{place} terms", MOST_COLUMNS, read)
    constant = _number(fields["constant"], place)
    try:
        return Unit(UnitKind(kind), terms, constant)
    except ValueError as error:
        raise ValueError(f"{place}: {error}") from None


def _sum_term(data: object, place: str) -> Term:
    fields = _fields(data, {"source", "weight", "constant"}, place)
    source = _whole(fields["source"], place, MOST_COLUMNS + MOST_UNITS)
    return Term(source, _weight(fields["weight"], place), _number(fields["constant"], place))


def _product_term(data: object, place: str) -> Term:
    fields = _fields(data, {"source", "weight"}, place)
    source = _whole(fields["source"], place, MOST_COLUMNS + MOST_UNITS)
    return Term(source, _weight(fields["weight"], place))


def _fields(data: object, keys: set[str], place: str) -> Data:
    if not isinstance(data, dict):
        raise ValueError(f"{place} is {_shown(data)}; it must be a dict with {sorted(keys)}")
    if set(data) != keys:
        raise ValueError(f"{place} has the keys {_shown(list(data))}; they must be {sorted(keys)}")
    return data


def _items(
    data: object, place: str, most: int, read: Callable[[object, str], Part]
) -> tuple[Part, ...]:
    if not isinstance(data, list):
        raise ValueError(f"{place} is {_shown(data)}; it must be a list")
    if len(data) > most:
        raise ValueError(f"{place} has {len(data)} entries; at most {most} are allowed")
    return tuple(read(item, f"{place}[{k}]") for k, item in enumerate(data))


def _whole(value: object, place: str, most: int) -> int:
    if type(value) is not int or not 0 <= value <= most:
        raise ValueError(f"{place} has {_shown(value)}; it must be a whole number up to {most}")
    return value


def _number(value: object, place: str) -> float:
    if type(value) not in (int, float):
        raise ValueError(f"{place} has the constant {_shown(value)}; it must be a number")
    try:
        number = float(value)  # type: ignore[arg-type]
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise ValueError(f"{place} has the constant {_shown(value)}; it must be finite")
    return number


def _weight(value: object, place: str) -> Fraction:
    if not isinstance(value, str) or not WEIGHT.fullmatch(value):
        raise ValueError(f"{place} has the weight {_shown(value)}; it must be like '-1' or '1/2'")
    return Fraction(value)


def _shown(value: object) -> str:
    """A value as it may stand in a message: short, and with nothing a terminal would obey."""
    if isinstance(value, int) and abs(value) > 10**30:
        return "a huge number"
    text = (
        ascii(value) if isinstance(value, (str, int, float, type(None))) else type(value).__name__
    )
    return text if len(text) <= 60 else f"{text[:57]}..."
