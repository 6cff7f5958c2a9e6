"""The formula as a JavaScript function, for a page, a module or node."""

from __future__ import annotations

import json
from collections.abc import Sequence
from fractions import Fraction

from nalu_cli.circuit import Circuit
from nalu_cli.exporters.exporter import Exporter
from nalu_cli.exporters.program import Naming, arguments, rooted
from nalu_cli.expression.canonical import expression_of
from nalu_cli.expression.closed_form import literal
from nalu_cli.expression.text import Dialect, Level, Piece, bracketed, computes, write
from nalu_cli.settings import ExportFormat

__all__ = ["JAVASCRIPT"]

SCRIPT = """// A formula found by nalu.

// NaN or infinite where the formula has no value; NaN for arguments that are no numbers.
function predict({arguments}) {{
{conversions}  return {formula};
}}

// The column that stands for each argument, and the column that is computed.
predict.columns = [{columns}];
predict.target = {target};

if (typeof module !== "undefined") {{
  module.exports = predict;
}}
"""

CHECK = """  if (![{arguments}].every((value) => typeof value === "number")) {{
    return NaN;
  }}
"""
"""Null counts as zero in JavaScript, and text is joined by a plus sign."""

WORDS = (
    "arguments async await break case catch class const continue debugger default delete "
    "do else enum eval export extends false finally for function if implements import in "
    "instanceof interface let new null of package private protected public return static "
    "super switch this throw true try typeof undefined var void while with yield Infinity "
    "Math NaN module predict value"
)


def _export(circuit: Circuit, names: Sequence[str], target: str) -> str:
    tree = expression_of(circuit)
    given = arguments([tree], names, NAMING)
    listed = ", ".join(given.identifiers)
    return SCRIPT.format(
        columns=", ".join(map(_string, given.columns)),
        target=_string(target),
        arguments=listed,
        conversions=CHECK.format(arguments=listed) if listed else "",
        formula=write(tree, given.written, DIALECT),
    )


def _string(text: str) -> str:
    """A string that is safe between script tags too."""
    return json.dumps(text).replace("<", "\\u003c")


def _root(piece: Piece) -> Piece:
    return Piece(f"Math.sqrt({piece.text})", Level.ATOM)


def _power(base: Piece, exponent: str) -> Piece:
    return Piece(f"{bracketed(base, Level.ATOM)}**{exponent}", Level.POWER)


def _any_power(base: Piece, exponent: Fraction) -> Piece:
    return rooted(base, exponent, _root, _power)


RESERVED = frozenset(WORDS.split())

NAMING = Naming(RESERVED.__contains__, is_ascii=True)

DIALECT = Dialect(
    name=str,
    number=literal,
    pi="Math.PI",
    power=_any_power,
    sqrt=_root,
    magnitude=lambda piece: Piece(f"Math.abs({piece.text})", Level.ATOM),
    under_minus=Level.ATOM,  # -x**2 is no JavaScript
    spells=computes,
)

JAVASCRIPT = Exporter(ExportFormat.JAVASCRIPT, is_executable=True, export=_export)
