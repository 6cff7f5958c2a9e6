"""The formula as an importable Python module with a sympy expression, to work on by algebra."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np

from nalu_cli.circuit import Circuit, is_real_exponent
from nalu_cli.circuit.validity import Condition, Need, conditions
from nalu_cli.exporters.exporter import Exporter
from nalu_cli.exporters.program import (
    Arguments,
    Naming,
    arguments,
    has_loose_numbers,
    is_python_reserved,
    python_dict,
    rooted,
)
from nalu_cli.expression.canonical import Node, expression_of
from nalu_cli.expression.closed_form import Named, literal
from nalu_cli.expression.text import Dialect, Level, Piece, bracketed, write
from nalu_cli.expression.tree import columns_of
from nalu_cli.settings import ExportFormat

__all__ = ["SYMPY_SOURCE"]

MODULE = '''"""A formula found by nalu."""

from sympy import {imported}

# The symbol that stands for each column, and the column that is computed.
COLUMNS = {columns}
TARGET = {target}

{body}'''

BODY = """{symbols}FORMULA = {formula}

# Where the formula has a real value: all of these hold, the first ones first.
DOMAIN = ({domain})
"""

IMPORTED = ("Abs", "Float", "Ge", "Gt", "Integer", "Ne", "Rational", "Symbol", "pi", "sqrt")

RELATIONS = {Need.NOT_ZERO: "Ne", Need.NOT_NEGATIVE: "Ge", Need.POSITIVE: "Gt"}


def _export(circuit: Circuit, names: Sequence[str], target: str) -> str:
    tree = expression_of(circuit)
    needed = [(c.need, expression_of(c.part)) for c in _open_conditions(circuit)]
    given = arguments([tree, *(part for _, part in needed)], names, NAMING)
    body = BODY.format(
        symbols="".join(f'{n} = Symbol("{n}", real=True)\n' for n in given.identifiers),
        formula=_written(tree, given, DIALECT),
        domain="".join(
            f"\n    {RELATIONS[need]}({_written(part, given, REAL)}, 0)," for need, part in needed
        )
        + "\n" * bool(needed),
    )
    return MODULE.format(
        imported=", ".join(name for name in IMPORTED if re.search(rf"\b{name}\b", body)),
        columns=python_dict(zip(given.identifiers, given.columns, strict=True)),
        target=ascii(target),
        body=body,
    )


def _written(tree: Node, given: Arguments, dialect: Dialect) -> str:
    # numbers by themselves would be computed by Python, not by sympy
    is_plain = columns_of(tree) and not has_loose_numbers(tree)
    return write(tree, given.written, dialect if is_plain else replace(dialect, number=_number))


def _open_conditions(circuit: Circuit) -> list[Condition]:
    """What depends on the columns; where a number is not what it must be, that alone."""
    needed = conditions(circuit)
    for condition in needed:
        if not condition.part.used_columns() and not _is_met(condition):
            return [condition]
    return [condition for condition in needed if condition.part.used_columns()]


def _is_met(condition: Condition) -> bool:
    """Whether a number, not a column, is what it must be."""
    (value,) = condition.part.evaluate(np.zeros((1, condition.part.n_columns)))
    match condition.need:
        case Need.NOT_ZERO:
            return bool(value != 0)
        case Need.NOT_NEGATIVE:
            return bool(value >= 0)
        case Need.POSITIVE:
            return bool(value > 0)


def _number(value: float) -> str:
    text = literal(value)
    return f"Integer({text})" if text.isdigit() else f"Float({text})"


def _divided(over: Piece, under: Piece) -> Piece:
    if over.text.isdigit() and under.text.isdigit():
        return Piece(f"Rational({over.text}, {under.text})", Level.ATOM)
    text = f"{bracketed(over, Level.PRODUCT)}/{bracketed(under, Level.POWER)}"
    return Piece(text, Level.PRODUCT)


def _root(piece: Piece) -> Piece:
    return Piece(f"sqrt({piece.text})", Level.ATOM)


def _power(base: Piece, exponent: str) -> Piece:
    return Piece(f"{bracketed(base, Level.ATOM)}**{exponent}", Level.POWER)


def _any_power(base: Piece, exponent: Fraction) -> Piece:
    if exponent.denominator <= 2 or is_real_exponent(exponent):
        return rooted(base, exponent, _root, _power)
    return _power(base, f"Rational({exponent.numerator}, {exponent.denominator})")


def _spells(named: Named, size: float) -> bool:
    """Whether a name is exact in sympy too, where decimals are doubles."""
    is_whole = named.numerator.is_integer() and named.denominator.is_integer()
    return is_whole and named.value == size


TAKEN = frozenset({"COLUMNS", "TARGET", "FORMULA", "DOMAIN", *IMPORTED})

NAMING = Naming(lambda name: is_python_reserved(name) or name in TAKEN)

DIALECT = Dialect(
    name=str,
    number=literal,
    power=_any_power,
    quotient=_divided,
    sqrt=_root,
    magnitude=lambda piece: Piece(f"Abs({piece.text})", Level.ATOM),
    spells=_spells,
)


def _real_root(piece: Piece) -> Piece:
    return Piece(f"sqrt(Abs({piece.text}))", Level.ATOM)


def _real_power(base: Piece, exponent: Fraction) -> Piece:
    if exponent.denominator <= 2:
        return rooted(base, exponent, _real_root, _power)
    return _any_power(Piece(f"Abs({base.text})", Level.ATOM), exponent)


REAL = replace(DIALECT, sqrt=_real_root, power=_real_power)
"""For conditions: sympy does not compare complex numbers, and an earlier one has failed there."""

SYMPY_SOURCE = Exporter(ExportFormat.SYMPY, is_executable=True, export=_export)
