"""The nodes of a formula, and the order in which terms and factors are written."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction

from nalu_cli.circuit import LARGEST_EXPONENT, exponent_of, is_real_exponent

__all__ = [
    "HALF",
    "ONE",
    "Column",
    "Magnitude",
    "Node",
    "Number",
    "Product",
    "Sum",
    "columns_of",
    "factor_order",
    "nodes",
    "power_of_power",
    "rounded_exponent",
    "term_order",
]

ONE, HALF = Fraction(1), Fraction(1, 2)
"""*Derived:* the exponents of a factor itself and of its square root."""


@dataclass(frozen=True, slots=True)
class Column:
    """An input column, counted from 0; `is_positive` if it is known to stay above zero."""

    index: int
    is_positive: bool = False


@dataclass(frozen=True, slots=True)
class Number:
    """A real number."""

    value: float


@dataclass(frozen=True, slots=True)
class Magnitude:
    """The absolute value of a node."""

    node: Node


@dataclass(frozen=True, slots=True)
class Sum:
    """offset + sum of coefficient * node; every coefficient is signed and not zero."""

    terms: tuple[tuple[float, Node], ...]
    offset: float


@dataclass(frozen=True, slots=True)
class Product:
    """scale * product of node ** exponent; exponents are rational or real and not zero."""

    factors: tuple[tuple[Node, Fraction], ...]
    scale: float


Node = Column | Number | Magnitude | Sum | Product


def nodes(tree: Node) -> Iterator[Node]:
    """The node itself and all below it."""
    yield tree
    match tree:
        case Magnitude(inner):
            yield from nodes(inner)
        case Sum(terms, _):
            for _, node in terms:
                yield from nodes(node)
        case Product(factors, _):
            for node, _ in factors:
                yield from nodes(node)


def rounded_exponent(exponent: Fraction) -> Fraction:
    """An exponent that was computed from others; a real one as the double it stands for.

    Sums and products of doubles have more digits than doubles have, and those say nothing.
    """
    if is_real_exponent(exponent) and 0 < abs(float(exponent)) <= LARGEST_EXPONENT:
        return exponent_of(float(exponent))
    return exponent


def power_of_power(inner: Fraction, outer: Fraction) -> Fraction:
    """The exponent of (x**inner)**outer."""
    return rounded_exponent(inner * outer)


def columns_of(tree: Node) -> list[int]:
    """The columns that stand in a formula, ascending."""
    return sorted({node.index for node in nodes(tree) if isinstance(node, Column)})


def term_order(term: tuple[float, Node]) -> tuple[object, ...]:
    """x**2 before x*y before x before y; then as built."""
    degrees = _degrees(term[1])
    return (*sorted((column, -degree) for column, degree in degrees.items()), (math.inf, 0))


def factor_order(factor: tuple[Node, Fraction]) -> tuple[object, ...]:
    """By the first column, plain factors before compound ones."""
    first = min((node.index for node in nodes(factor[0]) if isinstance(node, Column)), default=-1)
    return (first, not isinstance(factor[0], Column))


def _degrees(node: Node) -> dict[int, float]:
    """Of each column its largest exponent in size, sums counted by their largest term."""
    match node:
        case Column(index):
            return {index: 1.0}
        case Magnitude(inner):
            return _degrees(inner)
        case Sum(terms, _):
            return _largest(_degrees(n) for _, n in terms)
        case Product(factors, _):
            return _largest(
                {
                    column: degree * abs(e.numerator) / e.denominator
                    for column, degree in _degrees(n).items()
                }
                for n, e in factors
            )
    return {}


def _largest(parts: Iterable[dict[int, float]]) -> dict[int, float]:
    largest: dict[int, float] = {}
    for part in parts:
        for column, degree in part.items():
            largest[column] = max(degree, largest.get(column, degree))
    return largest
