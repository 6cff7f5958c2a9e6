"""The shortest equal form of a circuit, as a person would write it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations

import numpy as np

from nalu_cli.circuit import Circuit
from nalu_cli.constants import TIGHT, snap_value
from nalu_cli.expression import (
    Column,
    Magnitude,
    Node,
    Number,
    Product,
    Sum,
    expression_of,
    is_never_negative,
    magnitude,
    product,
    total,
)
from nalu_cli.simplify.arrange import Arranger, Clock, score, shortest
from nalu_cli.simplify.fractions import Atoms, TooLargeError
from nalu_cli.simplify.layering import circuit_of

__all__ = ["shorten"]

ONE = Fraction(1)
HALF = Fraction(1, 2)

ROUNDS = 3
"""A shorter form can open the way to a shorter one."""

MOST_PAIRED = 8
"""Terms of a sum of fractions that are brought to a common denominator two by two."""

MOST_PROBED = 400
"""Nodes of a tree that is rewritten as a whole."""

AGREEMENT = 1e-9
"""Relative difference at random points that shows a rewriting to be wrong."""


def shorten(
    circuit: Circuit, *, seconds: float = 2.0, positive: Sequence[bool] | None = None
) -> Circuit:
    """The shortest form found that computes the same, never longer than what came in.

    Parameters
    ----------
    circuit : Circuit
    seconds : float
        After this long no further rewriting is started.
    positive : sequence of bool, optional
        For each column, whether it is above zero in every row; only then sqrt(x**2) becomes x.

    Returns
    -------
    Circuit
        Equal for all inputs, except that points where the original divides zero by zero may be
        filled in. Constants within rounding of a name become that name.
    """
    try:
        tree = expression_of(circuit, positive=positive)
    except ValueError:
        return circuit
    shortener = _Shortener(Clock(seconds))
    before = score(tree)
    best = tree
    for _ in range(ROUNDS):
        found = shortest([best, shortener.shortened(best)])
        if found == best or not _agree(tree, found, circuit.n_columns):
            break
        best = found
    return circuit if score(best) >= before else _compiled(best, circuit)


def _compiled(tree: Node, circuit: Circuit) -> Circuit:
    try:
        return circuit_of(tree, circuit.n_columns)
    except ValueError:
        return circuit


@dataclass(slots=True)
class _Shortener:
    clock: Clock

    def shortened(self, node: Node) -> Node:
        """Inner parts first, then the whole as one fraction."""
        rebuilt = self._with_shorter_parts(node)
        candidates = [rebuilt]
        if isinstance(rebuilt, (Sum, Product)):
            candidates += self._rewritten(rebuilt)
        return shortest(self._gathered(c) for c in candidates)

    def _with_shorter_parts(self, node: Node) -> Node:
        match node:
            case Magnitude(inner):
                return magnitude(self.shortened(inner))
            case Sum(terms, offset):
                parts = [(snap_value(c, TIGHT), self.shortened(n)) for c, n in terms]
                return total(parts, snap_value(offset, TIGHT))
            case Product(factors, scale):
                powers = [self._power(self.shortened(n), e) for n, e in factors]
                return product(powers, snap_value(scale, TIGHT))
        return node

    def _power(self, node: Node, exponent: Fraction) -> tuple[Node, Fraction]:
        """A power, positive factors taken out of a root."""
        if exponent.denominator == 1 or not isinstance(node, Product):
            return node, exponent
        out = [(n, e * exponent) for n, e in node.factors if self._leaves_root(n, e)]
        inside = [(n, e) for n, e in node.factors if not self._leaves_root(n, e)]
        if not out:
            return node, exponent
        rest = product(inside, node.scale)
        parts = [*out, (rest, exponent)]
        return product(parts), ONE

    def _leaves_root(self, node: Node, exponent: Fraction) -> bool:
        # quarters are no powers a product may use
        return _is_positive(node) and exponent.denominator == 1

    def _rewritten(self, node: Node) -> Iterator[Node]:
        if self.clock.is_over() or _size(node) > MOST_PROBED:
            return
        whole = self._as_fraction(node)
        if whole is not None:
            yield whole
        if isinstance(node, Sum) and len(node.terms) <= MOST_PAIRED:
            yield self._paired(node)

    def _as_fraction(self, node: Node) -> Node | None:
        try:
            atoms = Atoms(node)
            over, under = atoms.ratio(node)
        except (TooLargeError, ZeroDivisionError):
            return None
        return Arranger(atoms, self.clock).fraction(over, under)

    def _paired(self, node: Sum) -> Node:
        """Terms brought to a common denominator two by two while that shortens the sum."""
        for left, right in combinations(range(len(node.terms)), 2):
            if self.clock.is_over():
                break
            pair = total([node.terms[left], node.terms[right]])
            joined = self._as_fraction(pair)
            if joined is None or score(joined) >= score(pair):
                continue
            rest = [term for k, term in enumerate(node.terms) if k not in (left, right)]
            found = total([*rest, (1.0, joined)], node.offset)
            return self._paired(found) if isinstance(found, Sum) else found
        return node

    def _gathered(self, node: Node) -> Node:
        """Roots of positive factors under one root: sqrt(a*b/3600) for sqrt(a)*sqrt(b)/60."""
        if isinstance(node, Sum):
            return total(((c, self._gathered(n)) for c, n in node.terms), node.offset)
        if not isinstance(node, Product):
            return node
        roots = [(n, e) for n, e in node.factors if abs(e) == HALF]
        others = [f for f in node.factors if abs(f[1]) != HALF]
        unknown = [n for n, _ in roots if not is_never_negative(n)]
        if not roots or len(unknown) > 1:
            return node
        inner = product([(n, 2 * e) for n, e in roots])
        options = [node, product([*others, (inner, HALF)], node.scale)]
        square = node.scale**2
        if node.scale > 0 and math.isfinite(square) and square > 0:
            inside = product([(n, 2 * e) for n, e in roots], snap_value(square, TIGHT))
            options.append(product([*others, (inside, HALF)]))
        return shortest(options)


def _is_positive(node: Node) -> bool:
    match node:
        case Column(_, is_positive):
            return is_positive
        case Number(value):
            return value > 0
        case Magnitude(inner):
            return _is_positive(inner)
        case Sum(terms, offset):
            return offset >= 0 and all(c > 0 and _is_positive(n) for c, n in terms)
        case Product(factors, scale):
            return scale > 0 and all(_is_positive(n) for n, _ in factors)


def _size(node: Node) -> int:
    match node:
        case Magnitude(inner):
            return 1 + _size(inner)
        case Sum(terms, _):
            return 1 + sum(_size(n) for _, n in terms)
        case Product(factors, _):
            return 1 + sum(_size(n) for n, _ in factors)
    return 1


def _agree(left: Node, right: Node, n_columns: int) -> bool:
    """Whether two trees have the same values at random points, as far as rounding lets one see."""
    rng = np.random.default_rng(0)
    points = rng.uniform(0.5, 3.0, (64, n_columns)) * rng.choice((1.0, 1.0, -1.0), (64, n_columns))
    try:
        a, b = (circuit_of(node, n_columns).evaluate(points) for node in (left, right))
    except ValueError:
        return False
    seen = np.isfinite(a)
    return bool(np.all(np.abs(a - b)[seen] <= AGREEMENT * np.maximum(np.abs(a[seen]), 1e-300)))
