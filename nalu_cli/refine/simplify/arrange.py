"""The shortest way to write a polynomial or fraction: factored, grouped, squares completed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import combinations
from typing import TypeVar

from nalu_cli.expression.canonical import Node, Number, Sum, product, total
from nalu_cli.expression.closed_form import TIGHT, snap_value
from nalu_cli.expression.complexity import complexity
from nalu_cli.expression.tree import ONE
from nalu_cli.refine.simplify.fractions import Atoms, Monomial, Poly
from nalu_cli.refine.simplify.monomials import coefficient_of, divides, minus, monomial_content
from nalu_cli.refine.simplify.reading import Clock, reading_cost, shortest

__all__ = ["Arranger"]

Size = TypeVar("Size")


FACTORABLE = 40
"""*Guess:* a polynomial of more terms is not handed to sympy's factorisation, which may take
seconds."""

FACTORABLE_ATOMS = 8
"""*Guess:* a polynomial in more atoms is not handed to sympy's factorisation."""

FACTORABLE_DEGREE = 24
"""*Guess:* a polynomial whose degrees in all atoms add up to more is not handed to sympy's
factorisation."""

GROUPABLE = 30
"""*Guess:* in sums of more terms no common parts are looked for."""

SPLITTABLE = 8
"""*Guess:* of sums of more terms not every one is taken away in turn."""

MOST_SCALES = 6
"""*Guess:* coefficients by which all of a sum are divided, to see whether that is shorter."""

DEEPEST = 5
"""*Guess:* rewritings inside rewritings end at this depth; formulas of people are not nested
deeper."""


@dataclass(slots=True)
class Arranger:
    """Writes polynomials over one ring in the shortest way it finds.

    Parameters
    ----------
    atoms : Atoms
        The ring, and what its generators stand for.
    clock : Clock
        Checked before every move that is not cheap.
    """

    atoms: Atoms
    clock: Clock
    _polys: dict[Poly, Node] = field(default_factory=dict)
    _irreducible: dict[Poly, Node] = field(default_factory=dict)
    _factors: dict[Poly, list[tuple[Poly, int]]] = field(default_factory=dict)
    _depth: int = 0

    def poly(self, poly: Poly) -> Node:
        """The shortest tree for a polynomial."""
        if poly in self._polys:
            return self._polys[poly]
        if len(poly) <= 1 or self._depth >= DEEPEST or self.clock.is_over():
            return self.atoms.expanded(poly)
        self._depth += 1
        try:
            found = shortest([self.product(poly), self._factor(poly)])
        finally:
            self._depth -= 1
        self._polys[poly] = found
        return found

    # ---- sums

    def _sums(self, poly: Poly) -> Iterator[Node]:
        yield self.atoms.expanded(poly)
        moves: tuple[Callable[[Poly], Iterator[Node]], ...] = (
            self._apart,
            self._by_degree,
            self._squared,
            self._grouped,
            self._without_one,
        )
        for move in moves:
            if self.clock.is_over():
                return
            yield from move(poly)

    def _apart(self, poly: Poly) -> Iterator[Node]:
        """Parts that share no variable, each by itself."""
        parts = self._components(poly)
        if len(parts) > 1:
            yield total((1.0, self.poly(part)) for part in parts)

    def _components(self, poly: Poly) -> list[Poly]:
        groups: list[tuple[set[int], list[tuple[Monomial, object]]]] = []
        for term in poly.terms():
            variables = {k for k in self.atoms.variables if term[0][k]}
            joined = [term]
            separate = []
            for group in groups:
                if group[0] & variables:
                    variables |= group[0]
                    joined += group[1]
                else:
                    separate.append(group)
            groups = [*separate, (variables, joined)]
        return [self.polynomial(terms) for _, terms in groups]

    def _by_degree(self, poly: Poly) -> Iterator[Node]:
        """Parts of equal degree, each by itself: (a - b)**2 + 0.29*(a + b)."""
        parts: dict[int, list[tuple[Monomial, object]]] = {}
        for monomial, coefficient in poly.terms():
            degree = sum(monomial[k] for k in self.atoms.variables)
            parts.setdefault(degree, []).append((monomial, coefficient))
        if 1 < len(parts) < len(poly):
            yield total((1.0, self.poly(self.polynomial(part))) for part in parts.values())

    def _squared(self, poly: Poly) -> Iterator[Node]:
        """Completed squares: a*v**2 + b*v + c as a*(v + b/(2*a))**2 + rest, one after another."""
        variables = sorted(k for k in self.atoms.variables if poly.degree(k) == 2)
        for order in (variables, variables[::-1]):
            squares, rest = [], poly
            for k in order:
                parts = _completed_square(rest, k)
                if parts is not None:
                    a, base, rest = parts
                    square = [(self.poly(a), ONE), (self.poly(base), Fraction(2))]
                    squares.append((1.0, product(square)))
            found = total([*squares, (1.0, self.poly(rest))])
            # (x - 0.5)**2 + 0.75 is as short as x**2 - x + 1, but nobody writes it
            if squares and complexity(found) < complexity(self.atoms.expanded(poly)):
                yield found

    def _grouped(self, poly: Poly) -> Iterator[Node]:
        """Some terms' common part taken out: a*(b + c) + d."""
        if not 3 <= len(poly) <= GROUPABLE:
            return
        for common in _commonest(poly):
            inside = [(minus(m, common), c) for m, c in poly.terms() if divides(common, m)]
            outside = [t for t in poly.terms() if not divides(common, t[0])]
            # x*(x*(x + 1) + 1) is no shorter to read than x**3 + x**2 + x
            entangled = any(m[k] and common[k] for m, _ in inside for k in self.atoms.variables)
            if len(inside) < 2 or not outside or entangled:
                continue
            group = self.product(self.polynomial(inside))
            taken = product([(group, ONE), (self.atoms.monomial(common), ONE)])
            yield total([(1.0, taken), (1.0, self.poly(self.polynomial(outside)))])
            if self.clock.is_over():
                return

    def _without_one(self, poly: Poly) -> Iterator[Node]:
        """All terms but one as a product: 1.57 + (a + b)*(c + d)."""
        if not 4 <= len(poly) <= SPLITTABLE:
            return
        for monomial, coefficient in reversed(poly.terms()):
            if self.clock.is_over():
                return
            term = self.polynomial([(monomial, coefficient)])
            sums = [e for f, e in self.factored(poly - term) if len(f) > 1]
            if sum(sums) < 2:
                continue
            yield total([(1.0, self.product(poly - term)), (1.0, self.atoms.expanded(term))])

    # ---- products

    def product(self, poly: Poly) -> Node:
        """Content, monomial and factors, each written in the shortest way."""
        monomial, rest = monomial_content(poly)
        outer, constants = self.atoms.monomial(monomial), 1.0
        factors = self.factored(rest)
        for f, e in factors:
            if f.is_ground:
                constants *= self.atoms.number(f.LC) ** e
        factors = self._merged([(f, e) for f, e in factors if not f.is_ground])
        return shortest(
            product([(outer, ONE), *parts], constants)
            for parts in (
                [(self._factor(f), Fraction(e)) for f, e in factors],
                [part for f, e in factors for part in self._normalised(f, Fraction(e))],
            )
        )

    def _normalised(self, poly: Poly, exponent: Fraction) -> list[tuple[Node, Fraction]]:
        """A factor divided by one of its coefficients: x - 1.43 for 100*x - 143."""
        if len(poly) > GROUPABLE or self.clock.is_over():
            return [(self._factor(poly), exponent)]
        sizes = [poly.ring.domain.one, *_commonest_sizes(abs(c) for c in poly.values())]
        best = min(sizes, key=lambda c: reading_cost(self.atoms.expanded(poly.quo_ground(c))))
        node = self._factor(poly.quo_ground(best))
        return [*_rescaled(node, exponent), (Number(self.atoms.number(best)), exponent)]

    def _factor(self, poly: Poly) -> Node:
        """A factor that is not a product itself."""
        if poly in self._irreducible:
            return self._irreducible[poly]
        if len(poly) <= 1 or self._depth >= DEEPEST:
            return self.atoms.expanded(poly)
        self._depth += 1
        try:
            found = shortest(self._sums(poly))
        finally:
            self._depth -= 1
        self._irreducible[poly] = found
        return found

    def _merged(self, factors: list[tuple[Poly, int]]) -> list[tuple[Poly, int]]:
        """Factors multiplied out again where that is shorter: x**2 - 1 for (x - 1)*(x + 1)."""
        factors = list(factors)
        for left, right in combinations(range(len(factors)), 2):
            (f, e), (g, d) = factors[left], factors[right]
            if e != d or len(f) * len(g) > FACTORABLE or self.clock.is_over():
                continue
            joined = f * g
            apart = complexity(product([(self._factor(p), Fraction(e)) for p in (f, g)]))
            if complexity(product([(self._factor(joined), Fraction(e))])) < apart:
                rest = [factor for k, factor in enumerate(factors) if k not in (left, right)]
                return self._merged([*rest, (joined, e)])
        return factors

    def factored(self, poly: Poly) -> list[tuple[Poly, int]]:
        """Irreducible factors, or fewer where finding them might take long."""
        if poly not in self._factors:
            self._factors[poly] = list(self._factors_of(poly))
        return self._factors[poly]

    def _factors_of(self, poly: Poly) -> Iterator[tuple[Poly, int]]:
        if len(poly) <= 1 or self.clock.is_over() or len(poly) > 4 * FACTORABLE:
            yield poly, 1
            return
        degrees = poly.degrees()
        linear = [k for k in range(len(self.atoms.nodes)) if degrees[k] == 1]
        if linear:
            # the shorter the coefficient, the easier its common factor with the rest
            fewest = min(linear, key=lambda k: sum(m[k] for m in poly))
            yield from self._linear_factors(poly, fewest)
        elif _is_factorable(poly):
            content, factors = poly.factor_list()
            yield self.atoms.ring(content), 1
            yield from factors
        else:
            content, primitive = poly.primitive()
            yield self.atoms.ring(content), 1
            yield primitive, 1

    def _linear_factors(self, poly: Poly, k: int) -> Iterator[tuple[Poly, int]]:
        """a*v + b with a and b without common factor has none: only gcd(a, b) is left to factor."""
        common = self.atoms.common(coefficient_of(poly, k, 1), coefficient_of(poly, k, 0))
        content, primitive = poly.exquo(common).primitive()
        yield self.atoms.ring(content), 1
        yield primitive, 1
        if not common.is_ground:
            yield from self.factored(common)
        else:
            yield common, 1

    def polynomial(self, terms: Iterable[tuple[Monomial, object]]) -> Poly:
        """The polynomial with these terms."""
        return self.atoms.ring.from_dict(dict(terms))


def _is_factorable(poly: Poly) -> bool:
    degrees = [d for d in poly.degrees() if d > 0]
    return (
        len(poly) <= FACTORABLE
        and len(degrees) <= FACTORABLE_ATOMS
        and sum(degrees) <= FACTORABLE_DEGREE
    )


def _rescaled(node: Node, exponent: Fraction) -> list[tuple[Node, Fraction]]:
    """A sum divided by one of its coefficients, if that is shorter: x - 1.43 for 100*x - 143."""
    if not isinstance(node, Sum):
        return [(node, exponent)]
    sizes = _commonest_sizes(abs(c) for c in (*(c for c, _ in node.terms), node.offset) if c)
    scaled = [(_divided_sum(node, size), size) for size in sizes]
    best, size = min([(node, 1.0), *scaled], key=lambda pair: reading_cost(pair[0]))
    return [(best, exponent), (Number(size), exponent)]


def _commonest_sizes(sizes: Iterable[Size]) -> list[Size]:
    return [size for size, _ in Counter(sizes).most_common(MOST_SCALES)]


def _divided_sum(node: Sum, size: float) -> Node:
    terms = [(snap_value(c / size, TIGHT), n) for c, n in node.terms]
    return total(terms, snap_value(node.offset / size, TIGHT))


def _completed_square(poly: Poly, k: int) -> tuple[Poly, Poly, Poly] | None:
    """a, v + h and the rest of a*(v + h)**2 + rest, v the k-th generator; None if not shorter."""
    c, b, a = (coefficient_of(poly, k, power) for power in range(3))
    if poly.degree(k) != 2 or not b:
        return None
    half, left = divmod(b, 2 * a)
    if left:
        return None
    rest = c - a * half**2
    return None if len(rest) > max(len(c), 1) else (a, poly.ring.gens[k] + half, rest)


def _commonest(poly: Poly) -> list[Monomial]:
    """Common parts of two terms that would save most if taken out."""
    counts: Counter[Monomial] = Counter()
    for left, right in combinations(list(poly), 2):
        common = tuple(min(pair) for pair in zip(left, right, strict=True))
        if any(common):
            counts[common] += 1
    saved = sorted(counts, key=lambda m: (-counts[m] * sum(2 * (e > 0) for e in m), m))
    return saved[:3]
