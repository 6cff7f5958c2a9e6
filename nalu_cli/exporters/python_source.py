"""The formula as an importable Python module that needs only the standard library."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from nalu_cli.circuit import Circuit
from nalu_cli.exporters.exporter import Exporter
from nalu_cli.exporters.program import (
    Naming,
    arguments,
    is_number,
    is_python_reserved,
    python_dict,
    rooted,
)
from nalu_cli.expression.canonical import expression_of
from nalu_cli.expression.closed_form import literal
from nalu_cli.expression.text import Dialect, Level, Piece, bracketed, computes, write
from nalu_cli.settings import ExportFormat

__all__ = ["PYTHON_SOURCE"]

MODULE = '''"""A formula found by nalu."""

import math

# The argument of predict that stands for each column, and the column that is computed.
COLUMNS = {columns}
TARGET = {target}


def predict({arguments}):
    """Compute the target from numbers; NaN or infinite where the formula has no value."""
{conversions}    return {formula}
'''

HELPERS = {
    "divide": '''

def divide(x, y):
    """Divide; by zero too, where Python itself would raise."""
    return x / y if y else x * math.copysign(math.inf, y)
''',
    "power": '''

def power(x, n):
    """Raise to a power; NaN or infinite too, where Python itself would raise."""
    try:
        return math.pow(x, n)
    except OverflowError:
        return math.copysign(math.inf, x) ** n
    except ValueError:
        return math.nan
''',
    "root": '''

def root(x):
    """Take the square root; NaN of negative numbers, where Python itself would raise."""
    return math.sqrt(x) if x >= 0 else math.nan
''',
}
"""Python raises where other languages compute on with infinities and NaN."""

TAKEN = frozenset({"math", "predict", "COLUMNS", "TARGET", "abs", "float", *HELPERS})


def _export(circuit: Circuit, names: Sequence[str], target: str) -> str:
    tree = expression_of(circuit)
    given = arguments([tree], names, NAMING)
    formula = write(tree, given.written, DIALECT)
    module = MODULE.format(
        columns=python_dict(zip(given.identifiers, given.columns, strict=True)),
        target=ascii(target),
        arguments=", ".join(given.identifiers),
        conversions="".join(f"    {name} = float({name})\n" for name in given.identifiers),
        formula=formula if given.columns else f"float({formula})",
    )
    return module + "".join(text for name, text in HELPERS.items() if f"{name}(" in formula)


def _divided(over: Piece, under: Piece) -> Piece:
    if is_number(under):
        return Piece(f"{bracketed(over, Level.PRODUCT)}/{under.text}", Level.PRODUCT)
    return Piece(f"divide({over.text}, {under.text})", Level.ATOM)


def _root(piece: Piece) -> Piece:
    function = "math.sqrt" if is_number(piece) else "root"
    return Piece(f"{function}({piece.text})", Level.ATOM)


def _power(base: Piece, exponent: str) -> Piece:
    return Piece(f"power({base.text}, {exponent})", Level.ATOM)


def _any_power(base: Piece, exponent: Fraction) -> Piece:
    return rooted(base, exponent, _root, _power)


NAMING = Naming(lambda name: is_python_reserved(name) or name in TAKEN)

DIALECT = Dialect(
    name=str,
    number=literal,
    pi="math.pi",
    power=_any_power,
    quotient=_divided,
    sqrt=_root,
    spells=computes,
)

PYTHON_SOURCE = Exporter(ExportFormat.PYTHON, is_executable=True, export=_export)
