"""The formula as an SQL query: SQLite runs it as it is, other databases with quoted names too."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

from nalu_cli.circuit import Circuit
from nalu_cli.exporters.exporter import Exporter
from nalu_cli.exporters.program import Naming, arguments, floating, is_number, rooted
from nalu_cli.expression.canonical import expression_of
from nalu_cli.expression.text import Dialect, Level, Piece, bracketed, computes, write
from nalu_cli.settings import ExportFormat

__all__ = ["SQL"]

QUERY = """-- A formula found by nalu, for the table "data". NULL where it has no value.
SELECT {formula} AS {target}
FROM {rows};
"""

CONVERTED = """(
  SELECT
    {columns}
  FROM data
) AS inputs"""
"""Whole numbers would be divided without the rest."""

UNIT = 2.0**53
"""A whole number that every reader gets right."""

SMALLEST_SAFE = 1e-280
"""Below this SQLite before version 3.43 is off by a bit now and then."""

CLEAR = Fraction(9, 20)
"""Steps of rounding by which a decimal may lie off its double to be read without doubt."""

MOST_FACTORS = 4
"""Up to here a power of a column is a product, which needs no function."""


def _export(circuit: Circuit, names: Sequence[str], target: str) -> str:
    tree = expression_of(circuit)
    given = arguments([tree], names, NAMING)
    columns = [
        f'CAST(data.{_quoted(column)} AS DOUBLE PRECISION) AS "{name}"'
        for column, name in zip(given.columns, given.identifiers, strict=True)
    ]
    rows = CONVERTED.format(columns=",\n    ".join(columns)) if columns else "data"
    formula = write(tree, [f'"{name}"' for name in given.written], DIALECT)
    return QUERY.format(formula=formula, target=_quoted(target), rows=rows)


def _quoted(name: str) -> str:
    """A name in double quotes; what no database takes in a name, as an escape."""
    shown = "".join(c if c != "\0" and not _is_half(c) else ascii(c)[1:-1] for c in name)
    return '"' + shown.replace('"', '""') + '"'


def _is_half(char: str) -> bool:
    return 0xD800 <= ord(char) <= 0xDFFF


def _number(value: float) -> str:
    """A number that SQLite reads to the last bit, though it does not read all digits exactly."""
    if value == 0.0 or value > SMALLEST_SAFE:
        return _decimal(value)
    return f"({_number(value * UNIT)}/{floating(UNIT)})"


def _decimal(value: float) -> str:
    shortest = floating(value)
    # a decimal halfway between two doubles needs more care than SQLite takes
    is_clear = abs(Fraction(shortest) - Fraction(value)) < Fraction(math.ulp(value)) * CLEAR
    return shortest if is_clear else f"{value:.17g}"


def _root(piece: Piece) -> Piece:
    return Piece(f"SQRT({piece.text})", Level.ATOM)


def _power(base: Piece, exponent: str) -> Piece:
    return Piece(f"POWER({base.text}, {exponent})", Level.ATOM)


def _any_power(base: Piece, exponent: Fraction) -> Piece:
    is_column = base.level is Level.ATOM and base.text[0] == '"'
    if is_column and exponent.denominator == 1 and exponent <= MOST_FACTORS:
        return Piece("*".join([base.text] * int(exponent)), Level.PRODUCT)
    return rooted(base, exponent, _root, _power, _number)


def _divided(over: Piece, under: Piece) -> Piece:
    # SQLite makes NULL of a division by zero, other databases stop
    safe = bracketed(under, Level.POWER) if is_number(under) else f"NULLIF({under.text}, 0.0)"
    return Piece(f"{bracketed(over, Level.PRODUCT)}/{safe}", Level.PRODUCT)


# SQLite forgets a column of a query that is called "FALSE"
NAMING = Naming(lambda name: name.lower() in ("true", "false"), is_ascii=True, is_caseless=True)

DIALECT = Dialect(
    name=str,
    number=_number,
    pi="3.141592653589793",
    power=_any_power,
    quotient=_divided,
    sqrt=_root,
    magnitude=lambda piece: Piece(f"ABS({piece.text})", Level.ATOM),
    spells=computes,
)

SQL = Exporter(ExportFormat.SQL, is_executable=True, export=_export)
