r"""The formula as LaTeX: fractions as \frac, roots as \sqrt, names as symbols or upright words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction

from nalu_cli.circuit import Circuit
from nalu_cli.exporters.exporter import Exporter
from nalu_cli.exporters.symbols import GREEK, symbols_of
from nalu_cli.expression.closed_form import literal
from nalu_cli.expression.text import Dialect, Level, Piece, exponent_text, expression_of, write
from nalu_cli.settings import ExportFormat

__all__ = ["LATEX", "latex_formula", "latex_names"]

ESCAPES = {c: f"\\{c}" for c in "{}$&#%_"}

SYMBOLS = {
    "\\": r"{\backslash}",
    "~": r"{\sim}",
    "^": r"{\wedge}",
    **{c: f"{{{c}}}" for c in "<>|"},
}
"""Letters that text mode prints as something else, or that not every renderer knows there."""


def _export(circuit: Circuit, names: Sequence[str], target: str) -> str:
    left = latex_names([*names, target])[-1]
    return f"{left} = {latex_formula(circuit, names)}\n"


def latex_formula(circuit: Circuit, names: Sequence[str]) -> str:
    """The right-hand side alone, to be set in mathematics mode."""
    return write(expression_of(circuit), latex_names(names), DIALECT)


def latex_names(names: Sequence[str]) -> list[str]:
    r"""The names as LaTeX, distinct if the names are.

    ``x`` stays, ``alpha`` is the letter, ``x1`` and ``m_e`` get an index, other words are upright,
    everything else becomes ``\text{...}`` with the special characters escaped.
    """
    return symbols_of(names, word=_word, indexed=_indexed, verbatim=_verbatim)


def _indexed(base: str, index: str) -> str:
    return f"{base}_{{{index}}}"


def _word(word: str) -> str:
    if word in GREEK:
        return f"\\{word}"
    return word if len(word) == 1 or word.isdigit() else f"\\mathrm{{{word}}}"


def _verbatim(name: str) -> str:
    shown = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in name)
    parts = re.findall(r"[^\\~^<>|]+|.", shown, re.DOTALL)
    texts = [SYMBOLS.get(part) or f"\\text{{{_escaped(part)}}}" for part in parts]
    return texts[0] if len(texts) == 1 else f"{{{''.join(texts)}}}"


def _escaped(text: str) -> str:
    return "".join(ESCAPES.get(c, c) for c in text)


def _bracket(piece: Piece, least: Level) -> str:
    return piece.text if piece.level >= least else f"\\left({piece.text}\\right)"


def _number(value: float) -> str:
    mantissa, exponent, power = literal(value).partition("e")
    if not exponent:
        return mantissa
    ten = f"10^{{{int(power)}}}"
    return ten if mantissa == "1" else f"{mantissa} \\times {ten}"


def _power(base: Piece, exponent: Fraction) -> Piece:
    text = base.text
    # 10^{3} is a number of one piece, but takes no second exponent
    if base.level < Level.ATOM or re.match(r"[0-9].*\^", text):
        text = f"\\left({text}\\right)"
    return Piece(f"{text}^{{{_exponent(exponent)}}}", Level.POWER)


def _exponent(exponent: Fraction) -> str:
    """Halves as fractions, others as in the text."""
    if exponent.denominator == 2 or "/" in exponent_text(exponent):
        return str(exponent)
    return _number(float(exponent))


def _quotient(over: Piece, under: Piece) -> Piece:
    return Piece(f"\\frac{{{over.text}}}{{{under.text}}}", Level.PRODUCT)


DIALECT = Dialect(
    name=str,
    number=_number,
    pi="\\pi",
    power=_power,
    quotient=_quotient,
    sqrt=lambda piece: Piece(f"\\sqrt{{{piece.text}}}", Level.ATOM),
    magnitude=lambda piece: Piece(f"\\left|{piece.text}\\right|", Level.ATOM),
    times=" \\, ",
    bracket=_bracket,
)

LATEX = Exporter(ExportFormat.LATEX, is_executable=False, export=_export)
