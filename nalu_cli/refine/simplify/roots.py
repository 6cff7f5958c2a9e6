"""Roots as a person writes them: factors under one root, square numbers in front of it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction

from nalu_cli.expression.canonical import (
    Magnitude,
    Node,
    Product,
    Sum,
    is_never_negative,
    magnitude,
    product,
    total,
)
from nalu_cli.expression.closed_form import TIGHT, snap_value
from nalu_cli.expression.tree import HALF, ONE
from nalu_cli.refine.simplify.reading import shortest

__all__ = ["gathered"]


def gathered(node: Node) -> Node:
    """A tree with roots under one root where that is shorter: sqrt(a*b/3600), 10*sqrt(x).

    Only factors that cannot be negative join another: sqrt(a)*sqrt(b) has a smaller domain than
    sqrt(a*b) otherwise.
    """
    match node:
        case Magnitude(inner):
            return magnitude(gathered(inner))
        case Sum(terms, offset):
            # coefficients may go under the root too
            parts = [gathered(product([(n, ONE)], c)) for c, n in terms]
            return shortest([node, total(((1.0, part) for part in parts), offset)])
        case Product(factors, scale):
            rebuilt = product([(gathered(n), e) for n, e in factors], scale)
            return shortest(_options(rebuilt)) if isinstance(rebuilt, Product) else rebuilt
    return node


def _options(node: Product) -> Iterator[Node]:
    yield node
    bare = _with_scales_in_front(node)
    yield bare
    if isinstance(bare, Product):
        yield from _under_one_root(bare)


def _with_scales_in_front(node: Product) -> Node:
    scale = node.scale
    factors: list[tuple[Node, Fraction]] = []
    for inner, exponent in node.factors:
        if exponent.denominator != 1 and isinstance(inner, Product) and inner.scale > 0:
            scale = snap_value(scale * inner.scale ** float(exponent), TIGHT)
            factors.append((product(inner.factors), exponent))
        else:
            factors.append((inner, exponent))
    return product(factors, scale)


def _under_one_root(node: Product) -> Iterator[Node]:
    roots = [f for f in node.factors if abs(f[1]) == HALF]
    unknown = [n for n, _ in roots if not is_never_negative(n)]
    if not roots or len(unknown) > 1:
        return
    for joining in _joining(node):
        others = [f for f in node.factors if f not in roots and f not in joining]
        inside = [(_bare(n), 2 * e) for n, e in (*roots, *joining)]
        over = product(inside)
        under = product((n, -e) for n, e in inside)
        yield product([*others, (over, HALF)], node.scale)
        yield product([*others, (under, -HALF)], node.scale)
        square = node.scale**2
        if node.scale > 0 and math.isfinite(square) and square > 0:
            yield product([*others, (product([(over, ONE)], snap_value(square, TIGHT)), HALF)])


def _joining(node: Product) -> Iterator[list[tuple[Node, Fraction]]]:
    """Factors that are roots of squares: none, magnitudes, even powers too."""
    sizes = [f for f in node.factors if isinstance(f[0], Magnitude) and f[1].denominator == 1]
    even = [f for f in node.factors if f not in sizes and f[1] % 2 == 0]
    yield []
    if sizes:
        yield sizes
    if even:
        yield [*sizes, *even]


def _bare(node: Node) -> Node:
    """What stands in a magnitude, whose square is that of the magnitude."""
    return node.node if isinstance(node, Magnitude) else node
