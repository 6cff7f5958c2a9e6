"""Formulas one edit away from another, and one form for those that compute the same."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction

from nalu_cli.circuit import is_real_exponent
from nalu_cli.expression.canonical import product, total
from nalu_cli.expression.tree import Magnitude, Node, Number, Product, Sum, nodes

__all__ = [
    "LARGEST_POWER",
    "bent",
    "largest_power",
    "length_of",
    "shorter",
    "skeleton",
    "tidy",
    "with_node",
    "with_shared_coefficients",
]

Path = tuple[int, ...]

SYMBOLS_OF_A_REAL = 1
"""*Guess:* of the numbers that are fitted many turn out to have names of one symbol; the others are
long."""

STEPS = tuple(map(Fraction, ("-1", "-1/2", "1/2", "1")))
LARGEST_POWER = 4
"""*Guess:* sums get no larger power: larger ones are close to exponentials."""

SIMILAR = 0.2
"""*Guess:* coefficients within this relative distance may turn out to be one."""


def with_node(tree: Node, path: Path, make: Callable[[Node], Node]) -> Node:
    """The tree with the node at a path replaced by what is made of it.

    Raises
    ------
    ValueError
        If the path leads below a column or a number.
    """
    if not path:
        return make(tree)
    k, rest = path[0], path[1:]
    match tree:
        case Sum(terms, offset):
            c, inner = terms[k]
            return Sum((*terms[:k], (c, with_node(inner, rest, make)), *terms[k + 1 :]), offset)
        case Product(factors, scale):
            inner, e = factors[k]
            changed = (with_node(inner, rest, make), e)
            return Product((*factors[:k], changed, *factors[k + 1 :]), scale)
        case Magnitude(inner):
            return Magnitude(with_node(inner, rest, make))
    raise ValueError(f"nothing stands below {tree}")


def length_of(node: Node) -> int:
    """About as many symbols as it takes to write: names of numbers are not looked for."""
    match node:
        case Sum(terms, offset):
            inner = sum(length_of(n) + _price(c) for c, n in terms)
            return inner + len(terms) - 1 + (SYMBOLS_OF_A_REAL + 1 if offset else 0)
        case Product(factors, scale):
            powers = sum(length_of(n) + _price_of_power(e) for n, e in factors)
            return powers + len(factors) - 1 + _price(scale)
        case Magnitude(inner):
            return 1 + length_of(inner)
        case Number():
            return SYMBOLS_OF_A_REAL
    return 1


def _price(coefficient: float) -> int:
    return 0 if abs(coefficient) == 1 else SYMBOLS_OF_A_REAL + 1


def _price_of_power(exponent: Fraction) -> int:
    if abs(exponent) == 1:
        return 0 if exponent == 1 else 1
    return 2 + (SYMBOLS_OF_A_REAL if is_real_exponent(exponent) else 0)


def shorter(tree: Node) -> Iterator[Node]:
    """The tree without one of its terms, factors or offsets."""
    match tree:
        case Sum(terms, offset):
            yield from (total([*terms[:k], *terms[k + 1 :]], offset) for k in range(len(terms)))
            if offset:
                yield total(terms)
        case Product(factors, scale):
            for k in range(len(factors)):
                yield product([*factors[:k], *factors[k + 1 :]], scale)
    yield from _below(tree, shorter)


def bent(tree: Node) -> Iterator[Node]:
    """The tree with another power of one of the sums in its products."""
    if isinstance(tree, Product):
        for k, (inner, e) in enumerate(tree.factors):
            powers = [e + step for step in STEPS] if isinstance(inner, Sum) else []
            for power in powers:
                if 0 < abs(power) <= LARGEST_POWER:
                    others = [*tree.factors[:k], *tree.factors[k + 1 :]]
                    yield product([*others, (inner, power)], tree.scale)
    yield from _below(tree, bent)


def with_shared_coefficients(tree: Node) -> Iterator[Node]:
    """The tree with two terms of a sum in brackets behind one of their similar coefficients."""
    if isinstance(tree, Sum):
        for i, j in itertools.combinations(range(len(tree.terms)), 2):
            (c, first), (d, second) = tree.terms[i], tree.terms[j]
            sizes = sorted((abs(c), abs(d)))
            if 1 not in sizes and sizes[0] >= (1 - SIMILAR) * sizes[1]:
                others = [term for k, term in enumerate(tree.terms) if k not in (i, j)]
                pair = Sum(((1.0, first), (d / c, second)), 0.0)
                if others or tree.offset:
                    yield Sum((*others, (c, pair)), tree.offset)
                else:
                    yield Product(((pair, Fraction(1)),), c)
    yield from _below(tree, with_shared_coefficients)


def largest_power(tree: Node) -> Fraction:
    """The largest size of a power of a sum; 1 where there is none."""
    powers = (
        abs(e)
        for node in nodes(tree)
        if isinstance(node, Product)
        for inner, e in node.factors
        if isinstance(inner, Sum)
    )
    return max(powers, default=Fraction(1))


def _below(tree: Node, edits: Callable[[Node], Iterator[Node]]) -> Iterator[Node]:
    """The tree with an edit of one of the nodes that stand directly in it."""
    match tree:
        case Sum(terms, offset):
            for k, (c, inner) in enumerate(terms):
                for other in edits(inner):
                    yield total([*terms[:k], (c, other), *terms[k + 1 :]], offset)
        case Product(factors, scale):
            for k, (inner, e) in enumerate(factors):
                for other in edits(inner):
                    yield product([*factors[:k], (other, e), *factors[k + 1 :]], scale)


def tidy(tree: Node) -> Node:
    """The same formula, scales of terms in their coefficients, sums in products led by 1 or -1."""
    match tree:
        case Sum(terms, offset):
            return total([(c, tidy(n)) for c, n in terms], offset)
        case Product(factors, scale):
            plain = []
            for inner, e in factors:
                node = tidy(inner)
                if isinstance(node, Sum):
                    lead = abs(node.terms[0][0])
                    scale *= lead ** float(e)
                    terms = tuple((c / lead, n) for c, n in node.terms)
                    node = replace(node, terms=terms, offset=node.offset / lead)
                plain.append((node, e))
            return product(plain, scale)
    return tree


def skeleton(tree: Node) -> Node:
    """The tree without its numbers."""
    match tree:
        case Sum(terms, offset):
            return Sum(tuple((1.0, skeleton(n)) for _, n in terms), float(offset != 0))
        case Product(factors, _):
            return Product(tuple((skeleton(n), e) for n, e in factors), 1.0)
        case Number():
            return Number(0.0)
    return tree
