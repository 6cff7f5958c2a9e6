"""The formula as an importable Python module that computes whole arrays with numpy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from nalu_cli.circuit import Circuit
from nalu_cli.exporters.exporter import Exporter
from nalu_cli.exporters.program import (
    Naming,
    arguments,
    has_loose_numbers,
    is_python_reserved,
    python_dict,
    rooted,
)
from nalu_cli.expression.canonical import expression_of
from nalu_cli.expression.closed_form import literal
from nalu_cli.expression.text import Dialect, Level, Piece, bracketed, computes, write
from nalu_cli.settings import ExportFormat

__all__ = ["NUMPY_SOURCE"]

MODULE = '''"""A formula found by nalu."""

import numpy as np

# The argument of predict that stands for each column, and the column that is computed.
COLUMNS = {columns}
TARGET = {target}


def predict({arguments}):
    """Compute the target from numbers or arrays; NaN where the formula is undefined."""
{conversions}    with np.errstate(all="ignore"):
        return {formula}
'''

TAKEN = frozenset({"np", "predict", "COLUMNS", "TARGET"})


def _export(circuit: Circuit, names: Sequence[str], target: str) -> str:
    tree = expression_of(circuit)
    given = arguments([tree], names, NAMING)
    # plain numbers raise in Python where numpy computes on
    is_plain = given.columns and not has_loose_numbers(tree)
    dialect = DIALECT if is_plain else replace(DIALECT, number=_numpy_number)
    return MODULE.format(
        columns=python_dict(zip(given.identifiers, given.columns, strict=True)),
        target=ascii(target),
        arguments=", ".join(given.identifiers),
        conversions="".join(
            f"    {name} = np.asarray({name}, dtype=np.float64)\n" for name in given.identifiers
        ),
        formula=write(tree, given.written, dialect),
    )


def _numpy_number(value: float) -> str:
    return f"np.float64({literal(value)})"


def _root(piece: Piece) -> Piece:
    return Piece(f"np.sqrt({piece.text})", Level.ATOM)


def _power(base: Piece, exponent: str) -> Piece:
    return Piece(f"{bracketed(base, Level.ATOM)}**{exponent}", Level.POWER)


def _any_power(base: Piece, exponent: Fraction) -> Piece:
    return rooted(base, exponent, _root, _power)


NAMING = Naming(lambda name: is_python_reserved(name) or name in TAKEN)

DIALECT = Dialect(
    name=str,
    number=literal,
    pi="np.pi",
    power=_any_power,
    sqrt=_root,
    magnitude=lambda piece: Piece(f"np.abs({piece.text})", Level.ATOM),
    spells=computes,
)

NUMPY_SOURCE = Exporter(ExportFormat.NUMPY, is_executable=True, export=_export)
