"""The formula as a sheet in CSV: names in the first row, the formula in the second."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from fractions import Fraction

from nalu_cli.circuit import Circuit
from nalu_cli.exporters.exporter import Exporter
from nalu_cli.exporters.program import rooted
from nalu_cli.expression.canonical import expression_of
from nalu_cli.expression.text import Dialect, Level, Piece, bracketed, computes, write
from nalu_cli.expression.tree import columns_of
from nalu_cli.settings import ExportFormat

__all__ = ["EXCEL"]

RUNS_AS_FORMULA = "=+-@\t\r\n'"
"""A cell that begins with one of these is, or was once, taken for more than text."""

FEW_DIGITS = 15
"""A spreadsheet forgets the digits of a number beyond these."""

LARGEST_TYPED = 1e307

HALF_RANGE = 2.0**4

NEARLY = 1e-9
"""Relative distance at which a spreadsheet may take two numbers for equal."""


def _export(circuit: Circuit, names: Sequence[str], target: str) -> str:
    tree = expression_of(circuit)
    used = columns_of(tree)
    cells = [""] * len(names)
    for k, j in enumerate(used):
        cells[j] = f"{_letters(k)}2"
    formula = f"={write(tree, cells, DIALECT)}"
    sheet = io.StringIO()
    rows = csv.writer(sheet, lineterminator="\n")
    rows.writerow([*(_text(names[j]) for j in used), _text(target)])
    rows.writerow([*("" for _ in used), formula])
    return sheet.getvalue()


def _letters(column: int) -> str:
    """A to Z, AA, AB and so on, for columns counted from 0."""
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def _text(name: str) -> str:
    """A name as a cell that no spreadsheet runs, on one line."""
    shown = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in name)
    return f"'{shown}" if name[:1] in RUNS_AS_FORMULA else shown


def _number(value: float) -> str:
    """A number in pieces of fifteen digits that add up to the same double."""
    if value > LARGEST_TYPED:
        return f"({_number(value / HALF_RANGE)}*16)"
    head = float(f"{value:.{FEW_DIGITS - 1}e}")
    if head == value:
        return _typed(value)
    rest = value - head
    for digits in range(1, FEW_DIGITS + 1):
        tail = float(f"{rest:.{digits - 1}e}")
        if head + tail == value:
            return f"({_typed(head)}{'+' if rest > 0 else '-'}{_typed(abs(tail))})"
    raise AssertionError(f"{value!r} is no sum of two short numbers")


def _typed(value: float) -> str:
    text = repr(value).upper().removesuffix(".0")
    return text if len(text) <= FEW_DIGITS or "." in text or "E" in text else f"{value:.14E}"


def _root(piece: Piece) -> Piece:
    return Piece(f"SQRT({piece.text})", Level.ATOM)


def _is_odd_root(exponent: Fraction) -> bool:
    """Whether some spreadsheets take the root of negative numbers: (-8)^(1/3) is -2 in them."""
    degree = round(1 / exponent)
    return degree % 2 == 1 and math.isclose(degree * exponent, 1.0, rel_tol=NEARLY)


def _power(base: Piece, exponent: str) -> Piece:
    return Piece(f"{bracketed(base, Level.ATOM)}^{exponent}", Level.POWER)


def _any_power(base: Piece, exponent: Fraction) -> Piece:
    if _is_odd_root(exponent):
        base, exponent = _root(base), 2 * exponent
    return rooted(base, exponent, _root, _power, _number)


DIALECT = Dialect(
    name=str,
    number=_number,
    pi="PI()",
    power=_any_power,
    sqrt=_root,
    magnitude=lambda piece: Piece(f"ABS({piece.text})", Level.ATOM),
    under_minus=Level.ATOM,  # -x^2 is (-x)^2 in a spreadsheet
    spells=computes,
)

EXCEL = Exporter(ExportFormat.EXCEL, is_executable=True, export=_export)
