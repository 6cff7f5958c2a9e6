"""Absolute values and roots that no row needs, written without them."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from nalu_cli.circuit import Circuit
from nalu_cli.expression.canonical import (
    Magnitude,
    Node,
    Product,
    Sum,
    expression_of,
    product,
    total,
)
from nalu_cli.expression.to_circuit import circuit_of
from nalu_cli.expression.tree import HALF, ONE

__all__ = ["resolve_signs"]

Floats = NDArray[np.float64]
Evaluate = Callable[[Node], Floats]
Factor = tuple[Node, Fraction]


def resolve_signs(circuit: Circuit, X: Floats) -> Circuit:
    """The circuit without absolute values of what keeps its sign, and with roots drawn together.

    abs(x - u*t) is x - u*t where that is positive on every row; sqrt(abs(a))*sqrt(abs(b)) is
    sqrt(a*b) where a*b is, and abs(a)*abs(b) is a*b. All are what a person would write,
    and equal on the rows.

    Parameters
    ----------
    circuit : Circuit
    X : ndarray of shape (n_rows, n_columns)
        The rows.

    Returns
    -------
    Circuit
    """

    def evaluate(node: Node) -> Floats:
        return circuit_of(node, circuit.n_columns).evaluate(X)

    try:
        tree = expression_of(circuit)
        resolved = _resolved(tree, evaluate)
        return circuit if resolved == tree else circuit_of(resolved, circuit.n_columns)
    except ValueError:  # a power or a tree too large to be built again
        return circuit


def _resolved(node: Node, evaluate: Evaluate) -> Node:
    match node:
        case Magnitude(inner):
            return _without_magnitude(_resolved(inner, evaluate), evaluate)
        case Sum(terms, offset):
            return total([(c, _resolved(n, evaluate)) for c, n in terms], offset)
        case Product(factors, scale):
            return product(_signs_together(_drawn_together(factors, evaluate), evaluate), scale)
    return node


def _without_magnitude(node: Node, evaluate: Evaluate) -> Node:
    values = evaluate(node)
    if np.all(values >= 0):
        return node
    if np.all(values <= 0):
        return product([(node, ONE)], -1.0)
    return Magnitude(node)


def _drawn_together(factors: tuple[Factor, ...], evaluate: Evaluate) -> list[Factor]:
    halves = [(n, e) for n, e in factors if e.denominator == 2]
    others = [(_resolved(n, evaluate), e) for n, e in factors if e.denominator != 2]
    inside = [(_resolved(_inside(n), evaluate), _sign(e)) for n, e in halves]
    under = product(inside)
    if not halves or not np.all(evaluate(under) >= 0):
        return others + [(_resolved(n, evaluate), e) for n, e in halves]
    outside = [(_resolved(n, evaluate), e - _sign(e) * HALF) for n, e in halves]
    squares, rest = _squares(under)
    opened = [(_without_magnitude(n, evaluate), e / 2) for n, e in squares]
    return [*others, *((n, e) for n, e in outside if e), *opened, (rest, HALF)]


def _signs_together(factors: list[Factor], evaluate: Evaluate) -> list[Factor]:
    """abs(a)*abs(b) is a*b where a and b change sign together, as few or as many as do."""
    sized = [f for f in factors if isinstance(f[0], Magnitude) and f[1].numerator % 2]
    for count in range(len(sized), 1, -1):
        for chosen in itertools.combinations(sized, count):
            bare = [(_inside(n), e) for n, e in chosen]
            values = evaluate(product(bare))
            if np.all(values >= 0) or np.all(values <= 0):
                rest = [f for f in factors if f not in chosen]
                sign = 1.0 if np.all(values >= 0) else -1.0
                return [*_signs_together(rest, evaluate), *bare, (product([], sign), ONE)]
    return factors


def _inside(node: Node) -> Node:
    return node.node if isinstance(node, Magnitude) else node


def _squares(node: Node) -> tuple[list[Factor], Node]:
    """The factors with even powers, which a root opens, and the rest."""
    if not isinstance(node, Product):
        return [], node
    even = [(n, e) for n, e in node.factors if e.denominator == 1 and e.numerator % 2 == 0]
    return even, product([f for f in node.factors if f not in even], node.scale)


def _sign(exponent: Fraction) -> Fraction:
    return ONE if exponent > 0 else -ONE
