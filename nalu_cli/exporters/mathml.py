"""The formula as MathML, which browsers set as mathematics without any help."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from html import escape
from unicodedata import lookup

from nalu_cli.circuit import Circuit
from nalu_cli.errors import visible
from nalu_cli.exporters.exporter import Exporter
from nalu_cli.exporters.symbols import GREEK, symbols_of
from nalu_cli.expression.canonical import Node, Number, Sum, expression_of, total
from nalu_cli.expression.closed_form import literal
from nalu_cli.expression.text import Dialect, Level, Piece, exponent_text, write
from nalu_cli.settings import ExportFormat

__all__ = ["MATHML", "mathml_equation", "mathml_formula", "mathml_names"]

INVISIBLE_TIMES = '<mo lspace="0.1em" rspace="0.1em">&#x2062;</mo>'
DOT = "<mo>&#x22C5;</mo>"
PREFIX_MINUS = '<mo form="prefix">&#x2212;</mo>'
SIGNS = {False: '<mo form="infix">+</mo>', True: '<mo form="infix">&#x2212;</mo>'}


def _export(circuit: Circuit, names: Sequence[str], target: str) -> str:
    inner = "".join(_lines(circuit, names, target))
    return f'<math xmlns="http://www.w3.org/1998/Math/MathML" display="block">{inner}</math>\n'


def mathml_formula(circuit: Circuit, names: Sequence[str]) -> str:
    """The right-hand side alone as one `math` element."""
    dialect = _dialect(mathml_names(names))
    text = write(expression_of(circuit), mathml_names(names), dialect)
    return f"<math>{text}</math>"


def mathml_equation(circuit: Circuit, names: Sequence[str], target: str) -> str:
    """The equation as `math` elements in a row, one for each term of a sum.

    Browsers break a line between elements only, and formulas may be longer than a line.
    """
    lines = _lines(circuit, names, target)
    return " ".join(f'<math displaystyle="true">{line}</math>' for line in lines)


def _lines(circuit: Circuit, names: Sequence[str], target: str) -> Iterator[str]:
    """Left-hand side with the first term, then each further term with its sign in front."""
    *columns, left = mathml_names([*names, target])
    dialect = _dialect(columns)
    first, *rest = _signed_terms(expression_of(circuit))
    sign = dialect.negative if first[0] else ""
    yield f"<mrow>{left}<mo>=</mo>{sign}{_bracketed_term(first[1], columns, dialect)}</mrow>"
    for negative, node in rest:
        yield f"<mrow>{SIGNS[negative]}{_bracketed_term(node, columns, dialect)}</mrow>"


def _signed_terms(node: Node) -> list[tuple[bool, Node]]:
    """The terms of a sum, a positive one first, each with whether it is subtracted."""
    if not isinstance(node, Sum):
        return [(False, node)]
    terms = [(c < 0, _term(abs(c), inner)) for c, inner in node.terms]
    if node.offset:
        terms.append((node.offset < 0, Number(abs(node.offset))))
    first = next((k for k, (negative, _) in enumerate(terms) if not negative), 0)
    return [terms.pop(first), *terms]


def _term(size: float, inner: Node) -> Node:
    """One term as it stands in a sum: a number before a sum is not multiplied in."""
    if isinstance(inner, Sum):
        return inner if size == 1 else Sum(((size, inner),), 0.0)
    return total([(size, inner)])


def _bracketed_term(node: Node, names: Sequence[str], dialect: Dialect) -> str:
    text = write(node, names, dialect)
    several = isinstance(node, Sum) and (len(node.terms) > 1 or node.offset != 0)
    return _in_brackets(text) if several else text


def mathml_names(names: Sequence[str]) -> list[str]:
    """The names as elements, distinct if the names are.

    ``x`` is set in italics, ``alpha`` as the letter, ``x1`` and ``m_e`` with an index, other words
    upright; everything else is text.
    """
    return symbols_of(names, word=_word, indexed=_indexed, verbatim=_verbatim)


def _indexed(base: str, index: str) -> str:
    return f"<msub>{base}{index}</msub>"


def _word(word: str) -> str:
    if word.isdigit():
        return f"<mn>{word}</mn>"
    if word not in GREEK:
        return f"<mi>{word}</mi>"
    size = "CAPITAL" if word[0].isupper() else "SMALL"
    # Unicode spells it without b
    letter = word.upper().replace("LAMBDA", "LAMDA")
    return f"<mi>{lookup(f'GREEK {size} LETTER {letter}')}</mi>"


def _verbatim(name: str) -> str:
    return f"<mtext>{escape(visible(name))}</mtext>"


def _dialect(names: Sequence[str]) -> Dialect:
    """Words side by side need a sign between them, letters do not."""
    has_words = any(re.search(r"<mi>\w\w|<mtext>", name) for name in names)
    return replace(DIALECT, times=DOT) if has_words else DIALECT


def _in_brackets(text: str) -> str:
    return f"<mrow><mo>(</mo>{text}<mo>)</mo></mrow>"


def _bracket(piece: Piece, least: Level) -> str:
    return piece.text if piece.level >= least else _in_brackets(piece.text)


def _number(value: float) -> str:
    mantissa, exponent, power = literal(value).partition("e")
    if not exponent:
        return f"<mn>{mantissa}</mn>"
    raised = f"<mrow>{_whole(int(power))}</mrow>"
    ten = f"<msup><mn>10</mn>{raised}</msup>"
    return ten if mantissa == "1" else f"<mrow><mn>{mantissa}</mn><mo>&#xD7;</mo>{ten}</mrow>"


def _whole(number: int) -> str:
    return f"{PREFIX_MINUS if number < 0 else ''}<mn>{abs(number)}</mn>"


def _power(base: Piece, exponent: Fraction) -> Piece:
    text = base.text
    # 10 with an exponent is a number of one piece, but takes no second one
    if base.level < Level.ATOM or re.match(r"<(mrow><mn|msup)>", text):
        text = _in_brackets(text)
    return Piece(f"<msup><mrow>{text}</mrow>{_exponent(exponent)}</msup>", Level.POWER)


def _exponent(exponent: Fraction) -> str:
    """Halves as fractions, others as in the text."""
    if exponent.denominator == 2 or "/" in exponent_text(exponent):
        over, under = f"<mn>{exponent.numerator}</mn>", f"<mn>{exponent.denominator}</mn>"
        return f"<mrow>{over}<mo>/</mo>{under}</mrow>"
    return _number(float(exponent))


def _quotient(over: Piece, under: Piece) -> Piece:
    text = f"<mfrac><mrow>{over.text}</mrow><mrow>{under.text}</mrow></mfrac>"
    return Piece(text, Level.PRODUCT)


DIALECT = Dialect(
    name=str,
    number=_number,
    pi="<mi>&#x3C0;</mi>",
    power=_power,
    quotient=_quotient,
    sqrt=lambda piece: Piece(f"<msqrt>{piece.text}</msqrt>", Level.ATOM),
    magnitude=lambda piece: Piece(f"<mrow><mo>|</mo>{piece.text}<mo>|</mo></mrow>", Level.ATOM),
    times=INVISIBLE_TIMES,
    bracket=_bracket,
    plus=SIGNS[False],
    minus=SIGNS[True],
    negative=PREFIX_MINUS,
)

MATHML = Exporter(ExportFormat.MATHML, is_executable=False, export=_export)
