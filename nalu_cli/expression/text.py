"""The formula as text, as a person would write it."""

from __future__ import annotations

import keyword
import math
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from fractions import Fraction

from nalu_cli.circuit import Circuit, is_real_exponent
from nalu_cli.expression.canonical import (
    Column,
    Magnitude,
    Node,
    Number,
    Product,
    Sum,
    expression_of,
)
from nalu_cli.expression.closed_form import Named, literal, name_constant
from nalu_cli.expression.tree import HALF, ONE

__all__ = [
    "PRINTING",
    "PYTHON",
    "Dialect",
    "Level",
    "Piece",
    "Quotient",
    "bracketed",
    "computes",
    "exponent_text",
    "expression_of",
    "formula_text",
    "is_plain_offset",
    "printed_name",
    "quoted_name",
    "reads_back",
    "term_quotient",
    "write",
]

PRINTING = 4.5e-16
"""*Derived:* a name may be off by two steps of rounding relative to the constant it is printed for.
It must read back as well, see `reads_back`."""

MOST_PLACES = 4
"""*Guess:* an exponent that takes more decimal places is written as a fraction."""


class Level(IntEnum):
    """How tightly the outermost operation of a text binds."""

    SUM = 1
    PRODUCT = 2
    POWER = 3
    ATOM = 4


@dataclass(frozen=True, slots=True)
class Piece:
    """Text of a part of a formula, and how tightly it binds."""

    text: str
    level: Level


def bracketed(piece: Piece, least: Level) -> str:
    """The text of a piece, in parentheses if it binds less tightly than `least`."""
    return piece.text if piece.level >= least else f"({piece.text})"


def exponent_text(exponent: Fraction) -> str:
    """An exponent as a person writes it: ``2``, ``1.5``, ``0.8``, ``2/3``, ``0.7983417``.

    Rational ones are decimals where those are short, real ones the shortest text that reads back.
    """
    decimal = literal(float(exponent))
    _, _, places = decimal.partition(".")
    is_short = len(places) <= MOST_PLACES and Fraction(decimal) == exponent
    return decimal if is_short or is_real_exponent(exponent) else str(exponent)


def _infix_power(base: Piece, exponent: Fraction) -> Piece:
    text = exponent_text(exponent)
    shown = f"({text})" if "/" in text else text
    return Piece(f"{bracketed(base, Level.ATOM)}**{shown}", Level.POWER)


def _infix_quotient(over: Piece, under: Piece) -> Piece:
    text = f"{bracketed(over, Level.PRODUCT)}/{bracketed(under, Level.POWER)}"
    return Piece(text, Level.PRODUCT)


Spells = Callable[[Named, float], bool]


def reads_back(named: Named, size: float) -> bool:
    """Whether a name is the double within two steps of rounding: what a reader wants to see."""
    return abs(named.value - size) <= 2 * math.ulp(size)


def computes(named: Named, size: float) -> bool:
    """Whether a program that computes the name in doubles, as it is written, gets the double."""
    power = abs(named.pi_power)
    pi = math.sqrt(math.pi) if power == HALF else math.pi ** int(power)
    over, under = (pi, 1.0) if named.pi_power > 0 else (1.0, pi)
    value = named.numerator * over * math.sqrt(named.radicand) / (named.denominator * under)
    return value == size


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one language writes the parts of a formula.

    Parameters
    ----------
    number : function of a float that is not negative
        Its literal.
    name : function of the column's name
        How the column is written.
    pi : str
        The number pi.
    power : function of a piece and an exponent
        The exponent is positive, and not 1 or 1/2.
    quotient : function of two pieces
        Numerator over denominator.
    sqrt, magnitude : function of a piece
    times : str
        Between factors.
    plus, minus, negative : str
        Between terms, and in front of what is negative.
    bracket : function of a piece and a level
        Its text, in brackets if it binds less tightly.
    under_minus : Level
        How tightly a piece must bind to stand without brackets behind a minus sign in front.
    spells : function of a name and a float
        Whether a constant may be spelled by a name within rounding.
    """

    name: Callable[[str], str]
    number: Callable[[float], str] = literal
    pi: str = "pi"
    power: Callable[[Piece, Fraction], Piece] = _infix_power
    quotient: Callable[[Piece, Piece], Piece] = _infix_quotient
    sqrt: Callable[[Piece], Piece] = lambda piece: Piece(f"sqrt({piece.text})", Level.ATOM)
    magnitude: Callable[[Piece], Piece] = lambda piece: Piece(f"abs({piece.text})", Level.ATOM)
    times: str = "*"
    plus: str = " + "
    minus: str = " - "
    negative: str = "-"
    bracket: Callable[[Piece, Level], str] = bracketed
    under_minus: Level = Level.PRODUCT
    spells: Spells = reads_back


def formula_text(circuit: Circuit, names: Sequence[str]) -> str:
    """The formula of a circuit in Python syntax.

    Parameters
    ----------
    circuit : Circuit
    names : sequence of str
        One for each column. A name that is no Python identifier, is a keyword, or is ``pi``,
        ``sqrt`` or ``abs``, stands in backquotes; backquotes inside it are doubled, line breaks
        and other characters that cannot be printed become escapes.

    Returns
    -------
    str
        Such as ``m*v**2/2``. Numbers are the shortest text that reads back to the same double;
        named constants read back within two steps of rounding.
    """
    return write(expression_of(circuit), names, PYTHON)


def write(node: Node, names: Sequence[str], dialect: Dialect) -> str:
    """The text of a tree in one language."""
    return _Writer(names, dialect).piece(node).text


def quoted_name(name: str) -> str:
    """A name in backquotes: those inside it doubled, what cannot be printed as a Python escape."""
    shown = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in name)
    return "`" + shown.replace("`", "``") + "`"


RESERVED = frozenset({"pi", "sqrt", "abs"})


def printed_name(name: str) -> str:
    """A column's name as it stands in a formula: itself if it is an identifier, else quoted."""
    # Python reads identifiers in normal form, where two columns could become one
    is_plain = name.isidentifier() and unicodedata.is_normalized("NFKC", name)
    is_free = not keyword.iskeyword(name) and name not in RESERVED
    return name if is_plain and is_free else quoted_name(name)


PYTHON = Dialect(name=printed_name)

Item = tuple[Node, Fraction]
"""A node and the positive power it is printed with."""


@dataclass(frozen=True, slots=True)
class Quotient:
    """A product as it is printed: a sign, what stands over the line and what under it."""

    negative: bool
    over: tuple[Item, ...]
    under: tuple[Item, ...]

    @classmethod
    def of(
        cls, scale: float, factors: tuple[Item, ...], *, spells: Spells = reads_back
    ) -> Quotient:
        """The scale spelled out by its name, its numbers in front."""
        over, under = _spelled(abs(scale), spells=spells)
        negative = math.copysign(1.0, scale) < 0
        over += [(n, e) for n, e in factors if e > 0]
        under += [(n, -e) for n, e in factors if e < 0]
        return cls(negative, tuple(over), tuple(under))


def _spelled(size: float, *, spells: Spells) -> tuple[list[Item], list[Item]]:
    named = name_constant(size, tolerance=PRINTING)
    if named is None or not spells(named, size):
        return [(Number(size), ONE)], []
    over: list[Item] = [(Number(named.numerator), ONE)] if named.numerator != 1.0 else []
    under: list[Item] = [(Number(named.denominator), ONE)] if named.denominator != 1.0 else []
    if named.pi_power:
        target = over if named.pi_power > 0 else under
        target.append((Number(math.pi), abs(named.pi_power)))
    if named.radicand != 1:
        over.append((Number(float(named.radicand)), HALF))
    return over, under


def term_quotient(coefficient: float, node: Node, *, spells: Spells = reads_back) -> Quotient:
    """A term of a sum as it is printed, its sign apart."""
    if isinstance(node, Product):
        return Quotient.of(coefficient * node.scale, node.factors, spells=spells)
    return Quotient.of(coefficient, ((node, ONE),), spells=spells)


def is_plain_offset(size: float) -> bool:
    """Whether a number standing alone is better read as a decimal: x + 0.5, not x + 1/2."""
    named = name_constant(size, tolerance=PRINTING)
    return named is not None and len(literal(size)) <= len(named.text)


class _Writer:
    """Writes trees in one dialect."""

    def __init__(self, names: Sequence[str], dialect: Dialect) -> None:
        self.names = names
        self.dialect = dialect

    def piece(self, node: Node) -> Piece:
        match node:
            case Column(index):
                return Piece(self.dialect.name(self.names[index]), Level.ATOM)
            case Number(value):
                return self._signed(value < 0, self._offset(abs(value)))
            case Magnitude(inner):
                return self.dialect.magnitude(self.piece(inner))
            case Sum():
                return self._sum(node)
            case Product(factors, scale):
                quotient = Quotient.of(scale, factors, spells=self.dialect.spells)
                return self._signed(quotient.negative, self._quotient(quotient))

    def _signed(self, negative: bool, piece: Piece) -> Piece:
        if not negative:
            return piece
        text = self.dialect.bracket(piece, self.dialect.under_minus)
        return Piece(f"{self.dialect.negative}{text}", Level.SUM)

    def _sum(self, node: Sum) -> Piece:
        parts = list(self._parts(node))
        first = next((k for k, (negative, _) in enumerate(parts) if not negative), 0)
        parts.insert(0, parts.pop(first))
        negative, head = parts[0]
        text = self._signed(negative, head).text
        for negative, part in parts[1:]:
            sign = self.dialect.minus if negative else self.dialect.plus
            text += f"{sign}{self.dialect.bracket(part, Level.PRODUCT)}"
        return Piece(text, Level.SUM)

    def _parts(self, node: Sum) -> Iterator[tuple[bool, Piece]]:
        for coefficient, inner in node.terms:
            quotient = term_quotient(coefficient, inner, spells=self.dialect.spells)
            yield quotient.negative, self._quotient(quotient)
        if node.offset:
            yield node.offset < 0, self._offset(abs(node.offset))

    def _offset(self, size: float) -> Piece:
        if is_plain_offset(size):
            return Piece(self.dialect.number(size), Level.ATOM)
        return self._quotient(Quotient.of(size, (), spells=self.dialect.spells))

    def _quotient(self, quotient: Quotient) -> Piece:
        over = self._product(quotient.over)
        if not quotient.under:
            return over
        return self.dialect.quotient(over, self._product(quotient.under))

    def _product(self, items: tuple[Item, ...]) -> Piece:
        pieces = [self._power(node, exponent) for node, exponent in items]
        if not pieces:
            return Piece(self.dialect.number(1.0), Level.ATOM)
        if len(pieces) == 1:
            return pieces[0]
        texts = [self.dialect.bracket(piece, Level.PRODUCT) for piece in pieces]
        return Piece(self.dialect.times.join(texts), Level.PRODUCT)

    def _power(self, node: Node, exponent: Fraction) -> Piece:
        base = self._literal(node.value) if isinstance(node, Number) else self.piece(node)
        if exponent == 1:
            return base
        if exponent == HALF:
            return self.dialect.sqrt(base)
        return self.dialect.power(base, exponent)

    def _literal(self, value: float) -> Piece:
        if value == math.pi:
            return Piece(self.dialect.pi, Level.ATOM)
        return self._signed(value < 0, Piece(self.dialect.number(abs(value)), Level.ATOM))
