"""From the tree of a formula back to a circuit: each operation a unit in its layer."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from nalu_cli.circuit import LARGEST_EXPONENT, Circuit, Layer, Term, Unit, UnitKind
from nalu_cli.expression.canonical import (
    Column,
    Magnitude,
    Node,
    Number,
    Product,
    Sum,
    is_never_negative,
)
from nalu_cli.expression.tree import ONE

__all__ = ["circuit_of"]


WHOLE = range(1, LARGEST_EXPONENT + 1)
"""*Derived:* the positive integer exponents that one product may have; a larger one is put together
from several."""

ODD, EVEN = WHOLE[::2], WHOLE[1::2]
"""*Derived:* even powers lose the sign of their base, odd ones keep it."""

POWERS_OF_TWO = (2, 4, 8, 16)
"""*Derived:* the outer exponents, of those a product may have, that a double can be divided by
without rounding."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """A unit whose inputs are still nodes."""

    kind: UnitKind
    inputs: tuple[tuple[Node, Fraction, float], ...]
    constant: float


def circuit_of(node: Node, n_columns: int) -> Circuit:
    """The circuit that computes a tree.

    A unit stands in the earliest layer its inputs allow; identity units carry it to the layer
    that reads it. Equal nodes share a unit.

    Raises
    ------
    ValueError
        If an exponent is too large to be built from those a product may use.
    """
    plans: dict[Node, _Plan] = {}
    depths: dict[Node, int] = {}
    _plan_all(node, plans, depths)
    depth = max(depths[node], 1)
    needed = _needed(node, depth, plans, depths)
    layers = [
        _layer(needed[k], needed[k - 1] if k > 1 else [], k, plans, depths)
        for k in range(1, depth + 1)
    ]
    return Circuit(n_columns, tuple(layers))


def _plan_all(node: Node, plans: dict[Node, _Plan], depths: dict[Node, int]) -> int:
    if node not in depths:
        if isinstance(node, Column):
            plans[node] = _Plan(UnitKind.SUM, ((node, ONE, 1.0),), 0.0)
            depths[node] = 0
        else:
            plan = plans[node] = _plan(node)
            inner = [_plan_all(child, plans, depths) for child, _, _ in plan.inputs]
            depths[node] = 1 + max(inner, default=0)
    return depths[node]


def _plan(node: Node) -> _Plan:
    match node:
        case Number(value):
            return _Plan(UnitKind.SUM, (), value)
        case Magnitude(inner):
            return _Plan(UnitKind.MAGNITUDE, ((inner, ONE, 1.0),), 1.0)
        case Sum(terms, offset):
            inputs = _distinct((n, ONE if c > 0 else -ONE, abs(c)) for c, n in terms)
            return _Plan(UnitKind.SUM, inputs, offset)
        case Product():
            return _product_plan(node)
    raise AssertionError(f"a column needs no plan: {node}")


def _product_plan(node: Product) -> _Plan:
    factors = [part for n, e in node.factors for part in _split_exponent(n, e)]
    magnitudes = any(isinstance(n, Magnitude) for n, _ in factors) and all(
        is_never_negative(n) or _is_even(e) for n, e in factors
    )
    if magnitudes:
        bare = [(n.node if isinstance(n, Magnitude) else n, e) for n, e in factors]
        return _Plan(UnitKind.MAGNITUDE, _distinct((n, e, 1.0) for n, e in bare), node.scale)
    return _Plan(UnitKind.PRODUCT, _distinct((n, e, 1.0) for n, e in factors), node.scale)


def _split_exponent(node: Node, exponent: Fraction) -> list[tuple[Node, Fraction]]:
    """Factors with exponents a product may use that are read back as one power of the node.

    An even power of abs(x) or b - a is read as one of x or a - b, and an odd one of a product is
    read as powers of its factors. So an exponent is only put together from such as are kept.
    """
    if abs(exponent) <= LARGEST_EXPONENT:
        return [(node, exponent)]
    if exponent.denominator != 1:
        return [_nested_root(node, exponent)]
    if abs(exponent) >= LARGEST_EXPONENT * (LARGEST_EXPONENT + 1):
        raise ValueError(f"no product has the exponent {exponent}")
    sign = 1 if exponent > 0 else -1
    even = _is_even(exponent)
    inners, outers = (EVEN, WHOLE) if even else (ODD, ODD)
    factors = []
    while (last := _as_power_of_power(exponent, even=even)) is None:
        steps = ((i, o) for i in inners for o in outers if i * o < abs(exponent))
        inner, outer = max(steps, key=math.prod)
        factors.append(_nested(node, Fraction(sign * inner), outer))
        exponent -= sign * inner * outer
    return [*factors, _nested(node, *last)]


def _as_power_of_power(exponent: Fraction, *, even: bool) -> tuple[Fraction, int] | None:
    for outer in WHOLE if even else ODD:
        inner = exponent / outer
        fits = inner.denominator == 1 and abs(inner) <= LARGEST_EXPONENT
        if fits and _is_even(inner) == even:
            return inner, outer
    return None


def _nested_root(node: Node, exponent: Fraction) -> tuple[Node, Fraction]:
    """A power of a power that is not whole; half of a double is one."""
    for outer in POWERS_OF_TWO:
        if abs(exponent) <= outer * LARGEST_EXPONENT:
            return _nested(node, exponent / outer, outer)
    raise ValueError(f"no product has the exponent {exponent}")


def _is_even(exponent: Fraction) -> bool:
    return exponent.denominator == 1 and exponent.numerator % 2 == 0


def _nested(node: Node, inner: Fraction, outer: int) -> tuple[Node, Fraction]:
    if outer == 1:
        return node, inner
    return Product(((node, inner),), 1.0), Fraction(outer)


def _distinct(
    inputs: Iterable[tuple[Node, Fraction, float]],
) -> tuple[tuple[Node, Fraction, float], ...]:
    """Inputs without repeats: a second use of a node goes through an identity unit."""
    seen: set[Node] = set()
    distinct = []
    for node, weight, constant in inputs:
        while node in seen:
            node = Product(((node, ONE),), 1.0)
        seen.add(node)
        distinct.append((node, weight, constant))
    return tuple(distinct)


def _needed(
    root: Node, depth: int, plans: dict[Node, _Plan], depths: dict[Node, int]
) -> dict[int, list[Node]]:
    """Of each layer the nodes it must hold, in a fixed order without repeats."""
    needed: dict[int, list[Node]] = {depth: [root]}
    for k in range(depth, 1, -1):
        below: dict[Node, None] = {}
        for node in needed[k]:
            children = [n for n, _, _ in plans[node].inputs] if depths[node] == k else [node]
            below |= dict.fromkeys(child for child in children if depths[child] > 0)
        needed[k - 1] = list(below)
    return needed


def _layer(
    nodes: list[Node],
    below: list[Node],
    k: int,
    plans: dict[Node, _Plan],
    depths: dict[Node, int],
) -> Layer:
    places = {node: i for i, node in enumerate(below)}
    units = []
    for node in nodes:
        passes = depths[node] not in (0, k)
        plan = _Plan(UnitKind.SUM, ((node, ONE, 1.0),), 0.0) if passes else plans[node]
        terms = [
            Term(len(below) + n.index if isinstance(n, Column) else places[n], weight, constant)
            for n, weight, constant in plan.inputs
        ]
        units.append(Unit(plan.kind, tuple(sorted(terms, key=_by_source)), plan.constant))
    return tuple(units)


def _by_source(term: Term) -> int:
    return term.source
