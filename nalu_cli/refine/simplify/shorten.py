"""The shortest equal form of a circuit, as a person would write it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import combinations

import numpy as np

from nalu_cli.circuit import Circuit
from nalu_cli.expression.canonical import (
    Column,
    Magnitude,
    Node,
    Number,
    Product,
    Sum,
    expression_of,
    magnitude,
    product,
    total,
)
from nalu_cli.expression.closed_form import TIGHT, snap_value
from nalu_cli.expression.complexity import complexity
from nalu_cli.expression.to_circuit import circuit_of
from nalu_cli.expression.tree import ONE
from nalu_cli.refine.simplify.arrange import Arranger
from nalu_cli.refine.simplify.fractions import Atoms, TooLargeError
from nalu_cli.refine.simplify.quotients import Divider
from nalu_cli.refine.simplify.reading import Clock, reading_cost, shortest
from nalu_cli.refine.simplify.roots import gathered

__all__ = ["shorten"]


ROUNDS = 3
"""*Guess:* so often a shorter form is shortened again: it can open the way to another."""

MOST_PAIRED = 8
"""*Guess:* a sum of more terms is not brought to common denominators two by two."""

MOST_PROBED = 400
"""*Guess:* a tree of more nodes is not rewritten as a whole."""

AGREEMENT = 1e-9
"""*Guess:* two forms agree at a random point where they differ by no more than this share."""

PROBES = 64
"""*Guess:* forms are compared at so many random points: forms that are not equal differ at almost
all of them."""

AGREEING = 0.9
"""*Guess:* equal forms agree at this share of the random points at least; near a zero rounding
hides it."""


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
        plain = expression_of(circuit)
        tree = expression_of(circuit, positive=positive)
    except ValueError:
        return circuit
    shortener = _Shortener(Clock(seconds))
    best = tree
    for _ in range(ROUNDS):
        # roots are split where positive columns allow it, so that parts meet, and gathered last
        found = shortest([best, gathered(shortener.shortened(best))])
        if found == best or not _agree(tree, found, circuit.n_columns, positive):
            break
        best = found
    if reading_cost(best) >= reading_cost(plain) or complexity(best) > complexity(plain):
        return circuit
    short = _compiled(best, circuit)
    # a tree and its circuit are not of one length where units are shared
    return short if complexity(short) <= complexity(circuit) else circuit


def _compiled(tree: Node, circuit: Circuit) -> Circuit:
    try:
        return circuit_of(tree, circuit.n_columns)
    except ValueError:
        return circuit


@dataclass(slots=True)
class _Shortener:
    clock: Clock
    _known: dict[Node, Node] = field(default_factory=dict)
    _fractions: dict[Node, Node | None] = field(default_factory=dict)

    def shortened(self, node: Node) -> Node:
        """Inner parts first, then the whole as one fraction."""
        if node not in self._known:
            self._known[node] = self._shortened(node)
        return self._known[node]

    def _shortened(self, node: Node) -> Node:
        rebuilt = self._with_shorter_parts(node)
        candidates = [rebuilt]
        if isinstance(rebuilt, (Sum, Product)):
            candidates += self._rewritten(rebuilt)
        return shortest(candidates)

    def _with_shorter_parts(self, node: Node) -> Node:
        match node:
            case Magnitude(inner):
                return magnitude(self.shortened(inner))
            case Sum(terms, offset):
                parts = [self._shorter_term(snap_value(c, TIGHT), n) for c, n in terms]
                return total(parts, snap_value(offset, TIGHT))
            case Product(factors, scale):
                powers = [self._power(self.shortened(n), e) for n, e in factors]
                return product(powers, snap_value(scale, TIGHT))
        return node

    def _shorter_term(self, coefficient: float, node: Node) -> tuple[float, Node]:
        # the coefficient may cancel against one inside
        if isinstance(node, Product):
            return 1.0, self.shortened(product([(node, ONE)], coefficient))
        return coefficient, self.shortened(node)

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
        if node not in self._fractions:
            self._fractions[node] = self._new_fraction(node)
        return self._fractions[node]

    def _new_fraction(self, node: Node) -> Node | None:
        try:
            atoms = Atoms(node, self.clock)
            over, under = atoms.ratio(node)
        except (TooLargeError, ZeroDivisionError):
            return None
        return Divider(Arranger(atoms, self.clock)).fraction(over, under)

    def _paired(self, node: Sum) -> Node:
        """Terms brought to a common denominator two by two while that shortens the sum."""
        parts = [*node.terms, (node.offset, Number(1.0))] if node.offset else list(node.terms)
        for left, right in combinations(range(len(parts)), 2):
            if self.clock.is_over():
                break
            pair = total([parts[left], parts[right]])
            if not reading_cost(pair)[1]:
                continue
            joined = self._as_fraction(pair)
            if joined is None or reading_cost(joined) >= reading_cost(pair):
                continue
            rest = [term for k, term in enumerate(parts) if k not in (left, right)]
            found = total([*rest, (1.0, joined)])
            if reading_cost(found) < reading_cost(node):
                return self._paired(found) if isinstance(found, Sum) else found
        return node


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


def _agree(left: Node, right: Node, n_columns: int, positive: Sequence[bool] | None) -> bool:
    """Whether two trees have the same values at nearly all of some random points.

    Near a zero of one of the forms rounding may hide that they are equal; forms that are not
    equal differ almost everywhere, or on one side of zero.
    """
    rng = np.random.default_rng(0)
    points = rng.uniform(0.5, 3.0, (PROBES, n_columns))
    signs = rng.choice((1.0, 1.0, -1.0), points.shape)
    points *= np.where(np.array(positive or [False] * n_columns, dtype=bool), 1.0, signs)
    try:
        a, b = (circuit_of(node, n_columns).evaluate(points) for node in (left, right))
    except ValueError:
        return False
    seen = np.isfinite(a)
    with np.errstate(all="ignore"):
        close = np.abs(a - b)[seen] <= AGREEMENT * np.abs(a[seen])
    return bool(np.sum(close) >= AGREEING * np.sum(seen))
