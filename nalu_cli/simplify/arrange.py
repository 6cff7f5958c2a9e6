"""The shortest way to write a polynomial or fraction: factored, grouped, squared, divided out."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import combinations

from nalu_cli.constants import TIGHT, snap_value
from nalu_cli.expression import Magnitude, Node, Product, Sum, product, total
from nalu_cli.formula import complexity
from nalu_cli.simplify.fractions import Atoms, Monomial, Poly, TooLargeError

__all__ = ["Arranger", "Clock", "Score", "score", "shortest"]

ONE = Fraction(1)

FACTORABLE = 40
"""Terms of a polynomial that is handed to sympy's factorisation."""

FACTORABLE_ATOMS = 8
FACTORABLE_DEGREE = 24

GROUPABLE = 30
"""Terms of a sum in which common parts are looked for."""

SPLITTABLE = 8
"""Terms of a sum from which each term is taken away in turn."""

DEEPEST = 6
"""Rewritings inside rewritings."""

Score = tuple[int, int]


def score(node: Node) -> Score:
    """How long a tree is to read, and, among equals, how many fraction bars it has."""
    return complexity(node), _divisions(node)


def _divisions(node: Node) -> int:
    match node:
        case Magnitude(inner):
            return _divisions(inner)
        case Sum(terms, _):
            return sum(_divisions(n) for _, n in terms)
        case Product(factors, _):
            return any(e < 0 for _, e in factors) + sum(_divisions(n) for n, _ in factors)
    return 0


def shortest(nodes: Iterable[Node]) -> Node:
    """The first of the shortest trees."""
    return min(nodes, key=score)


class Clock:
    """Seconds that may still be spent."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def is_over(self) -> bool:
        """Whether no further candidate should be tried."""
        return time.monotonic() > self._end


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
    _factors: dict[Poly, list[tuple[Poly, int]]] = field(default_factory=dict)
    _depth: int = 0

    def fraction(self, over: Poly, under: Poly) -> Node:
        """The shortest tree for a quotient in lowest terms."""
        return shortest(self._fractions(over, under))

    def poly(self, poly: Poly) -> Node:
        """The shortest tree for a polynomial."""
        if poly in self._polys:
            return self._polys[poly]
        if len(poly) <= 1 or self._depth >= DEEPEST:
            return self.atoms.expanded(poly)
        self._depth += 1
        try:
            found = shortest([*self._sums(poly), self._product(poly)])
        finally:
            self._depth -= 1
        self._polys[poly] = found
        return found

    # ---- quotients

    def _fractions(self, over: Poly, under: Poly) -> Iterator[Node]:
        yield product([(self.poly(over), ONE), (self.poly(under), -ONE)])
        if not over or under.is_ground:
            return
        (m, over_rest), (n, under_rest) = _monomial_content(over), _monomial_content(under)
        if len(under_rest) == 1:
            yield from self._termwise(over_rest, m, n, ONE)
        if len(over_rest) == 1:
            yield from self._termwise(under_rest, n, m, -ONE, scale=over_rest.LC)
        if len(under_rest) > 1 and not self.clock.is_over():
            yield from self._divided(over, under)
            yield from self._divided_inside(over_rest, under_rest, m, n)

    def _termwise(
        self, poly: Poly, m: Monomial, n: Monomial, exponent: Fraction, scale: object = 1
    ) -> Iterator[Node]:
        """Terms of poly * m / n divided one by one: (a*b + c)/a as b + c/a."""
        atoms = self.atoms
        for k in _supports(n):
            taken = tuple(e if i in k else 0 for i, e in enumerate(n))
            left = tuple(e - t for e, t in zip(n, taken, strict=True))
            inner = self._laurent(poly, taken)
            _, outer = atoms.term(tuple(a - b for a, b in zip(m, left, strict=True)), 1)
            size = atoms.term((0,) * len(m), scale)[0]
            yield product([(inner, exponent), (outer, exponent)], size)

    def _laurent(self, poly: Poly, divisor: Monomial) -> Node:
        shift = tuple(-e for e in divisor)
        plain = self.atoms.expanded(poly, shift)
        if len(poly) > GROUPABLE:
            return plain
        # the parts that keep the divisor stay one quotient, the others lose it
        cancel = [t for t in poly.terms() if _divides(divisor, t[0])]
        keep = [t for t in poly.terms() if not _divides(divisor, t[0])]
        if not cancel or len(keep) < 2:
            return plain
        whole = self.poly(self._from_terms((_minus(m, divisor), c) for m, c in cancel))
        rest = product(
            [(self.poly(self._from_terms(keep)), ONE), (self.atoms.term(shift, 1)[1], ONE)]
        )
        return shortest([plain, total([(1.0, whole), (1.0, rest)])])

    def _divided(self, over: Poly, under: Poly) -> Iterator[Node]:
        """Quotient plus remainder, dividing with respect to each variable: 1 + a/(b + c)."""
        for k in self.atoms.variables:
            if self.clock.is_over():
                return
            if not over.degree(k) >= under.degree(k) > 0:
                continue
            quotient, rest = _divided_in(over, under, k)
            if quotient and len(quotient) <= len(over) and len(rest) < len(over) + len(under):
                try:
                    reduced = self.atoms.reduced(rest, under)
                except TooLargeError:
                    continue
                tail = product([(self.poly(reduced[0]), ONE), (self.poly(reduced[1]), -ONE)])
                yield total([(1.0, self.poly(quotient)), (1.0, tail)])

    def _divided_inside(self, over: Poly, under: Poly, m: Monomial, n: Monomial) -> Iterator[Node]:
        """The same with common factors left outside: x*(1 + a/(b + c))."""
        if not any(m) and not any(n):
            return
        _, outer = self.atoms.term(_minus(m, n), 1)
        for inner in self._divided(over, under):
            yield product([(inner, ONE), (outer, ONE)])

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
        return [self._from_terms(terms) for _, terms in groups]

    def _by_degree(self, poly: Poly) -> Iterator[Node]:
        """Parts of equal degree, each by itself: (a - b)**2 + 0.29*(a + b)."""
        parts: dict[int, list[tuple[Monomial, object]]] = {}
        for monomial, coefficient in poly.terms():
            degree = sum(monomial[k] for k in self.atoms.variables)
            parts.setdefault(degree, []).append((monomial, coefficient))
        if 1 < len(parts) < len(poly):
            yield total((1.0, self.poly(self._from_terms(part))) for part in parts.values())

    def _squared(self, poly: Poly) -> Iterator[Node]:
        """Completed squares: a*v**2 + b*v + c as a*(v + b/(2*a))**2 + rest."""
        tried = 0
        for k in sorted(self.atoms.variables):
            if tried == 2 or poly.degree(k) != 2:
                continue
            c, b, a = (_coefficient(poly, k, power) for power in range(3))
            if not b:
                continue
            half, left = divmod(b, 2 * a)
            if left:
                continue
            rest = c - a * half**2
            if len(rest) > max(len(c), 1):
                continue
            tried += 1
            base = self.poly(self.atoms.ring.gens[k] + half)
            square = product([(self.poly(a), ONE), (base, Fraction(2))])
            yield total([(1.0, square), (1.0, self.poly(rest))])

    def _grouped(self, poly: Poly) -> Iterator[Node]:
        """Some terms' common part taken out: a*(b + c) + d."""
        if not 3 <= len(poly) <= GROUPABLE:
            return
        for common in _commonest(poly):
            inside = [(_minus(m, common), c) for m, c in poly.terms() if _divides(common, m)]
            outside = [t for t in poly.terms() if not _divides(common, t[0])]
            # x*(x*(x + 1) + 1) is no shorter to read than x**3 + x**2 + x
            entangled = any(m[k] and common[k] for m, _ in inside for k in self.atoms.variables)
            if len(inside) < 2 or not outside or entangled:
                continue
            group = self._product(self._from_terms(inside))
            _, outer = self.atoms.term(common, 1)
            scale = self.atoms.term(common, 1)[0]
            taken = product([(group, ONE), (outer, ONE)], scale)
            yield total([(1.0, taken), (1.0, self.poly(self._from_terms(outside)))])
            if self.clock.is_over():
                return

    def _without_one(self, poly: Poly) -> Iterator[Node]:
        """All terms but one as a product: 1.57 + (a + b)*(c + d)."""
        if not 4 <= len(poly) <= SPLITTABLE:
            return
        for monomial, coefficient in reversed(poly.terms()):
            if self.clock.is_over():
                return
            term = self._from_terms([(monomial, coefficient)])
            yield total([(1.0, self._product(poly - term)), (1.0, self.atoms.expanded(term))])

    # ---- products

    def _product(self, poly: Poly) -> Node:
        """Content, monomial and factors, each written in the shortest way."""
        monomial, rest = _monomial_content(poly)
        size, outer = self.atoms.term(monomial, 1)
        content, primitive = rest.primitive()
        size *= self.atoms.term((0,) * len(monomial), content)[0]
        factors = [(f, e) for f, e in self._factored(primitive) if not f.is_ground]
        for f, e in self._factored(primitive):
            if f.is_ground:
                size *= self.atoms.term((0,) * len(monomial), f.LC)[0] ** e
        factors = self._merged(factors)
        plain = [(self._factor(f), Fraction(e)) for f, e in factors]
        rescaled = [part for node, e in plain for part in _rescaled(node, e)]
        return shortest(product([(outer, ONE), *parts], size) for parts in (plain, rescaled))

    def _factor(self, poly: Poly) -> Node:
        """A factor that is not a product itself."""
        if poly in self._polys or self._depth >= DEEPEST:
            return self._polys.get(poly) or self.atoms.expanded(poly)
        self._depth += 1
        try:
            return shortest(self._sums(poly))
        finally:
            self._depth -= 1

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

    def _factored(self, poly: Poly) -> list[tuple[Poly, int]]:
        """Irreducible factors, or fewer where finding them might take long."""
        if poly not in self._factors:
            self._factors[poly] = list(self._factors_of(poly))
        return self._factors[poly]

    def _factors_of(self, poly: Poly) -> Iterator[tuple[Poly, int]]:
        if len(poly) <= 1 or self.clock.is_over() or len(poly) > 4 * FACTORABLE:
            yield poly, 1
            return
        linear = [k for k in range(len(self.atoms.nodes)) if poly.degree(k) == 1]
        if linear:
            yield from self._linear_factors(poly, linear[0])
        elif _is_factorable(poly):
            content, factors = poly.factor_list()
            yield self.atoms.ring(content), 1
            yield from factors
        else:
            yield poly, 1

    def _linear_factors(self, poly: Poly, k: int) -> Iterator[tuple[Poly, int]]:
        """a*v + b with a and b without common factor has none: only gcd(a, b) is left to factor."""
        common = _coefficient(poly, k, 1).gcd(_coefficient(poly, k, 0))
        yield poly.exquo(common), 1
        if not common.is_ground:
            yield from self._factored(common)
        else:
            yield common, 1

    def _from_terms(self, terms: Iterable[tuple[Monomial, object]]) -> Poly:
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
    sizes = dict.fromkeys(abs(c) for c in (*(c for c, _ in node.terms), node.offset) if c)
    scaled = [(_divided_sum(node, size), size) for size in sizes]
    best, size = min([(node, 1.0), *scaled], key=lambda pair: score(pair[0]))
    return [(best, exponent), (product([], size), exponent)]


def _divided_sum(node: Sum, size: float) -> Node:
    terms = [(snap_value(c / size, TIGHT), n) for c, n in node.terms]
    return total(terms, snap_value(node.offset / size, TIGHT))


def _monomial_content(poly: Poly) -> tuple[Monomial, Poly]:
    if not poly:
        return (0,) * poly.ring.ngens, poly
    common = tuple(min(column) for column in zip(*poly, strict=True))
    if not any(common):
        return common, poly
    return common, poly.ring.from_dict({_minus(m, common): c for m, c in poly.terms()})


def _minus(left: Monomial, right: Monomial) -> Monomial:
    return tuple(a - b for a, b in zip(left, right, strict=True))


def _divides(divisor: Monomial, monomial: Monomial) -> bool:
    return all(d <= e for d, e in zip(divisor, monomial, strict=True))


def _supports(monomial: Monomial) -> list[set[int]]:
    """Which of a monomial's atoms to divide by: all of them, then each alone."""
    support = [k for k, e in enumerate(monomial) if e]
    if not support:
        return []
    return [set(support), *({k} for k in support if len(support) > 1)]


def _coefficient(poly: Poly, k: int, power: int) -> Poly:
    """The coefficient of a power of the k-th generator."""
    terms = {(*m[:k], 0, *m[k + 1 :]): c for m, c in poly.terms() if m[k] == power}
    return poly.ring.from_dict(terms)


def _divided_in(over: Poly, under: Poly, k: int) -> tuple[Poly, Poly]:
    """Division with remainder with respect to one generator, as far as no fractions appear."""
    quotient, rest = over.ring.zero, over
    generator = over.ring.gens[k]
    degree = under.degree(k)
    lead = _coefficient(under, k, degree)
    while rest and rest.degree(k) >= degree:
        power = rest.degree(k)
        part, left = divmod(_coefficient(rest, k, power), lead)
        if left or not part:
            break
        part = part * generator ** (power - degree)
        quotient, rest = quotient + part, rest - part * under
    return quotient, rest


def _commonest(poly: Poly) -> list[Monomial]:
    """Common parts of two terms that would save most if taken out."""
    counts: Counter[Monomial] = Counter()
    for left, right in combinations(list(poly), 2):
        common = tuple(min(pair) for pair in zip(left, right, strict=True))
        if any(common):
            counts[common] += 1
    saved = sorted(counts, key=lambda m: (-counts[m] * sum(2 * (e > 0) for e in m), m))
    return saved[:3]
