"""Formula length: how many symbols a formula takes, and how many digits its numbers have."""

from __future__ import annotations

import re
from fractions import Fraction

from nalu_cli.circuit import Circuit, UnitKind, is_real_exponent
from nalu_cli.circuit.constants import constants_of
from nalu_cli.expression.canonical import expression_of
from nalu_cli.expression.closed_form import name_constant
from nalu_cli.expression.text import (
    PRINTING,
    Quotient,
    exponent_text,
    is_plain_offset,
    term_quotient,
)
from nalu_cli.expression.tree import HALF, ONE, Column, Magnitude, Node, Number, Product, Sum

__all__ = [
    "DIGITS_OF_A_DOUBLE",
    "complexity",
    "digits_of_constants",
    "digits_of_each",
    "rational_exponents",
    "significant_digits",
    "sizes_of_constants",
]

LONG_COST = 3
"""*Guess:* symbols that a number without a name counts for: it is harder to believe than a short
one."""

LONG_EXPONENT_COST = 2
"""*Guess:* symbols that a long exponent counts for beyond a long number: most laws have whole
exponents and halves."""

MOST_DIGITS = 4
"""*Guess:* a rational exponent of up to so many digits is believed as a whole one is: 1.852, 2/3,
11/12."""

DIGITS_OF_A_DOUBLE = 17
"""*Derived:* so many significant digits write every double."""


def complexity(formula: Circuit | Node) -> int:
    """Description length: columns, constants and operations a reader meets.

    A constant with a name counts by the symbols of the name (``1/2`` is three, ``2.97`` one); a
    number without a name counts `LONG_COST`, and a long exponent more on top of its own symbol.

    Parameters
    ----------
    formula : Circuit or Node

    Returns
    -------
    int
    """
    node = expression_of(formula) if isinstance(formula, Circuit) else formula
    match node:
        case Column():
            return 1
        case Number(value):
            return _offset_cost(value) + (value < 0)
        case Magnitude(inner):
            return 1 + complexity(inner)
        case Sum():
            return _sum_cost(node)
        case Product(factors, scale):
            return _quotient_cost(Quotient.of(scale, factors))


def _sum_cost(node: Sum) -> int:
    quotients = [term_quotient(c, n) for c, n in node.terms]
    operations = len(node.terms) - 1 + (node.offset != 0)
    all_negative = node.offset <= 0 and all(q.negative for q in quotients)
    offset = _offset_cost(node.offset) if node.offset else 0
    return (
        sum(map(_quotient_cost, quotients))
        - sum(q.negative for q in quotients)
        + (operations + offset + all_negative)
    )


def _quotient_cost(quotient: Quotient) -> int:
    items = quotient.over + quotient.under
    between = max(len(quotient.over), 1) + len(quotient.under) - 1
    one = not quotient.over
    return quotient.negative + one + between + sum(_item_cost(n, e) for n, e in items)


def _item_cost(node: Node, exponent: Fraction) -> int:
    base = _literal_cost(node.value) if isinstance(node, Number) else complexity(node)
    return base + _exponent_cost(exponent)


def _exponent_cost(exponent: Fraction) -> int:
    if exponent in (ONE, HALF):
        return int(exponent == HALF)
    digits = sum(c.isdigit() for c in exponent_text(exponent).lstrip("0."))
    is_long = is_real_exponent(exponent) or digits > MOST_DIGITS
    return 2 + (LONG_COST + LONG_EXPONENT_COST if is_long else 0)


def _literal_cost(value: float) -> int:
    named = name_constant(value, tolerance=PRINTING)
    return LONG_COST if named is None else 1


def _offset_cost(value: float) -> int:
    if is_plain_offset(abs(value)):
        return 1
    return _quotient_cost(Quotient.of(abs(value), ()))


def digits_of_constants(circuit: Circuit) -> int:
    """How many significant digits the constants and the rational exponents of a formula have.

    Parameters
    ----------
    circuit : Circuit

    Returns
    -------
    int
    """
    return sum(digits_of_each(circuit))


def digits_of_each(circuit: Circuit) -> list[int]:
    """Significant digits of each constant, and of each exponent of `rational_exponents`."""
    exponents = map(float, rational_exponents(circuit))
    return [significant_digits(size) for size in (*sizes_of_constants(circuit), *exponents)]


def significant_digits(size: float) -> int:
    """Digits of a number that a reader meets, but for zeros before and after them."""
    named = name_constant(size)
    if named is None:
        return DIGITS_OF_A_DOUBLE
    return sum(len(text.replace(".", "").strip("0")) for text in re.findall(r"[\d.]+", named.text))


def sizes_of_constants(circuit: Circuit) -> set[float]:
    """The absolute values of the constants of a circuit, each once."""
    return {abs(value) for value in constants_of(circuit).values()}


def rational_exponents(circuit: Circuit) -> set[Fraction]:
    """The sizes of the exponents that are neither whole nor half: choices among many."""
    products = (unit for unit in circuit.units() if unit.kind is not UnitKind.SUM)
    sizes = {abs(term.weight) for unit in products for term in unit.terms}
    return {e for e in sizes if e.denominator > 2 and not is_real_exponent(e)}
