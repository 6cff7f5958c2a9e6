"""Other forms of a sum: what a series, or a factor found in one term, may stand for."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from nalu_cli.expression.canonical import product, total
from nalu_cli.expression.edits import length_of, with_node
from nalu_cli.expression.fitted_tree import Spot, jacobian, spots
from nalu_cli.expression.tree import Magnitude, Node, Number, Product, Sum
from nalu_cli.numerics.least_squares import basis
from nalu_cli.rows import Rows

__all__ = ["regroupings"]

Floats = NDArray[np.float64]
Change = tuple[Floats, Callable[[Node], Node]]
"""What is added to the value of a sum, and the new node."""

POWERS = tuple(map(Fraction, ("-1", "1/2", "-1/2", "2")))
"""*Guess:* powers of the bracket that two terms are folded into."""

MOST = 12
"""*Guess:* other forms of one formula, those that are closest before anything is fitted."""

ONE = Fraction(1)


def regroupings(tree: Node, rows: Rows, weights: Floats) -> list[Node]:
    """Formulas with as many constants that the rows may not tell from the given one.

    Two terms are folded, l + r as l*(1 + r/(q*l))**q, which agree to first order; a factor of one
    term is taken out of the whole sum; a term is moved into a sum within another one.

    Parameters
    ----------
    tree : Node
        With fitted constants.
    rows : Rows
    weights : ndarray of shape (N,)

    Returns
    -------
    list of Node
        Those first that will be closest once all constants are fitted, to first order.
    """
    root = spots(tree, rows.X, weights)
    with np.errstate(all="ignore"):
        residual = (rows.y - root.value) * weights
        span = basis(jacobian(root))
    if not np.isfinite(residual).all():
        return []
    found = []
    with np.errstate(all="ignore"):
        for spot, _ in root.with_parents():
            for change, make in _changes(spot):
                after = residual - spot.slope * change
                misfit = float(after @ after - np.sum((span.T @ after) ** 2))
                if math.isfinite(misfit):
                    found.append((misfit, spot.path, make))
    found.sort(key=lambda form: form[0])
    return [with_node(tree, path, make) for _, path, make in found[:MOST]]


def _changes(spot: Spot) -> Iterator[Change]:
    if isinstance(spot.node, Sum):
        yield from _folded(spot, spot.node)
        yield from _taken_out(spot, spot.node)
        yield from _moved(spot, spot.node)


def _folded(spot: Spot, tree: Sum) -> Iterator[Change]:
    values = [c * s.value for (c, _), s in zip(tree.terms, spot.below, strict=True)]
    terms = list(tree.terms)
    if tree.offset:
        values.append(np.full(len(spot.value), tree.offset))
        terms.append((tree.offset, Number(1.0)))
    for i, j in itertools.permutations(range(len(terms)), 2):
        others = [term for k, term in enumerate(terms) if k not in (i, j)]
        for power in POWERS:
            bracket = 1 + values[j] / (float(power) * values[i])
            change = values[i] * (bracket ** float(power) - 1) - values[j]
            yield change, _fold(others, terms[i], terms[j], power)


def _fold(
    others: list[tuple[float, Node]],
    first: tuple[float, Node],
    second: tuple[float, Node],
    power: Fraction,
) -> Callable[[Node], Node]:
    """l*(1 + r/(q*l))**q, or with l inside the bracket where that is shorter."""

    def make(_: Node) -> Node:
        (c, kept), (d, folded) = first, second
        ratio = product([(folded, ONE), (kept, -ONE)])
        share = d / (c * float(power))
        forms = [product([(kept, ONE), (total([(share, ratio)], 1.0), power)])]
        root = product([(kept, 1 / power)])
        if not isinstance(root, Magnitude):
            rest = product([(root, ONE), (ratio, ONE)])
            forms.append(product([(total([(1.0, root), (share, rest)]), power)]))
        return total([*others, (c, min(forms, key=length_of))])

    return make


def _taken_out(spot: Spot, tree: Sum) -> Iterator[Change]:
    for k, ((_, term), inner) in enumerate(zip(tree.terms, spot.below, strict=True)):
        for j, (factor, power) in enumerate(term.factors if isinstance(term, Product) else ()):
            if isinstance(factor, Sum):
                value = inner.below[j].value ** float(power)
                usual = float(np.median(value))
                rest = spot.value - tree.terms[k][0] * inner.value
                yield rest * (value / usual - 1), _take_out(k, factor, power, usual)


def _take_out(k: int, factor: Node, power: Fraction, usual: float) -> Callable[[Node], Node]:
    def make(node: Node) -> Node:
        assert isinstance(node, Sum)
        c, term = node.terms[k]
        others = [(c / usual, n) for i, (c, n) in enumerate(node.terms) if i != k]
        rest = (c, product([(term, ONE), (factor, -power)]))
        inner = total([*others[:k], rest, *others[k:]], node.offset / usual)
        return product([(inner, ONE), (factor, power)])

    return make


def _moved(spot: Spot, tree: Sum) -> Iterator[Change]:
    """A term stands in a sum within another term instead."""
    n = len(spot.path)
    for k, away in enumerate(tree.terms[i][0] * s.value for i, s in enumerate(spot.below)):
        for inner, _ in itertools.chain(
            *(s.with_parents() for i, s in enumerate(spot.below) if i != k)
        ):
            if isinstance(inner.node, Sum):
                # the slope of this sum in that one
                there = inner.slope / spot.slope * spot.below[k].value
                share = float(away @ there) / float(there @ there)
                if math.isfinite(share) and share:
                    yield share * there - away, _move(k, inner.path[n:], share)


def _move(k: int, path: tuple[int, ...], share: float) -> Callable[[Node], Node]:
    def make(node: Node) -> Node:
        assert isinstance(node, Sum)
        term = node.terms[k][1]
        changed = with_node(node, path, lambda inner: total([(1.0, inner), (share, term)]))
        assert isinstance(changed, Sum)
        return total([t for i, t in enumerate(changed.terms) if i != k], changed.offset)

    return make
