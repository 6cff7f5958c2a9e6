"""The shortest way to write a quotient: one bar, terms divided one by one, or divided out."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from nalu_cli.expression.canonical import Node, Sum, product, total
from nalu_cli.expression.tree import ONE
from nalu_cli.refine.simplify.arrange import Arranger
from nalu_cli.refine.simplify.fractions import Atoms, Monomial, Poly, TooLargeError
from nalu_cli.refine.simplify.monomials import divided_in, divides, minus, monomial_content, shares
from nalu_cli.refine.simplify.reading import Clock, shortest

__all__ = ["Divider"]


WIDE = 8
"""*Guess:* a numerator with more terms is only divided with remainder where that pays at once."""

PAYING = 0.75
"""*Guess:* division with remainder pays where quotient and remainder have fewer terms, together,
than this share of the numerator's."""


@dataclass(frozen=True, slots=True)
class Divider:
    """Writes quotients of polynomials over one ring in the shortest way it finds.

    Parameters
    ----------
    arranger : Arranger
        Writes the polynomials.
    """

    arranger: Arranger

    @property
    def _atoms(self) -> Atoms:
        return self.arranger.atoms

    @property
    def _clock(self) -> Clock:
        return self.arranger.clock

    def _plain(self, over: Poly, under: Poly) -> Node:
        return product([(self._poly(over), ONE), (self._poly(under), -ONE)])

    def _poly(self, poly: Poly) -> Node:
        return self.arranger.poly(poly)

    def fraction(self, over: Poly, under: Poly) -> Node:
        """The shortest tree for a quotient in lowest terms."""
        return shortest(self._fractions(over, under))

    def _fractions(self, over: Poly, under: Poly) -> Iterator[Node]:
        yield product([(self.arranger.product(over), ONE), (self.arranger.product(under), -ONE)])
        yield self._plain(over, under)
        if not over or under.is_ground:
            return
        yield from self._power_of_fraction(over, under)
        yield from self._termwise(over, under, ONE)
        yield from self._termwise(under, over, -ONE)
        if len(under) > 1 and not self._clock.is_over():
            yield from self._divided(over, under)
            yield from self._divided_inside(over, under)
            yield from self._partial(over, under)
        if len(over) > 1 and not self._clock.is_over():
            for inverse in self._divided_inside(under, over):
                yield product([(inverse, -ONE)])

    def _power_of_fraction(self, over: Poly, under: Poly) -> Iterator[Node]:
        """(1 + a/b)**2 for (a + b)**2/b**2."""
        power = math.gcd(*(e for part in (over, under) for _, e in self._all_factors(part)))
        if power < 2:
            return
        scale, parts = 1.0, []
        for part in (over, under):
            base = self._atoms.ring.one
            for f, e in self._all_factors(part):
                base *= f ** (e // power)
            quotient = part.quo(base**power)
            scale = self._atoms.number(quotient.LC) ** (1 if part is over else -1) * scale
            parts.append(base)
        if not self._clock.is_over():
            yield product([(self.fraction(*parts), Fraction(power))], scale)

    def _all_factors(self, poly: Poly) -> list[tuple[Poly, int]]:
        monomial, rest = monomial_content(poly)
        atoms = [(self._atoms.ring.gens[k], e) for k, e in enumerate(monomial) if e]
        return [*atoms, *((f, e) for f, e in self.arranger.factored(rest) if not f.is_ground)]

    def _termwise(self, poly: Poly, divisor: Poly, exponent: Fraction) -> Iterator[Node]:
        """Terms divided one by one: (a*b + c)/a as b + c/a; the whole then to the exponent."""
        (m, rest), (n, single) = monomial_content(poly), monomial_content(divisor)
        if len(single) > 1 or len(rest) < 2:
            return
        lead = single.LC
        # the coefficient goes into every term, or stays outside
        for inside, outside in (
            (rest.quo_ground(lead), 1.0),
            (rest, self._atoms.number(lead)),
        ):
            for taken in shares(n, rest) if not self._clock.is_over() else ():
                outer = self._atoms.monomial(minus(m, minus(n, taken)))
                for inner in self._laurent(inside, taken):
                    whole = product([(inner, ONE), (outer, ONE)])
                    yield product([(whole, exponent)], outside ** -int(exponent))
            if lead == 1:
                return

    def _laurent(self, poly: Poly, divisor: Monomial) -> Iterator[Node]:
        """The terms of a polynomial, or its parts, each divided by a monomial."""
        shift = tuple(-e for e in divisor)
        yield self._atoms.expanded(poly, shift)
        bar = self._atoms.monomial(shift)
        arranged = self._poly(poly)
        if isinstance(arranged, Sum) and not arranged.offset:
            parts = ((c, product([(node, ONE), (bar, ONE)])) for c, node in arranged.terms)
            yield total(parts)
        # the parts the divisor divides lose it, the others stay one quotient
        cancel = [t for t in poly.terms() if divides(divisor, t[0])]
        keep = [t for t in poly.terms() if not divides(divisor, t[0])]
        if cancel and keep:
            whole = self._poly(self.arranger.polynomial((minus(m, divisor), c) for m, c in cancel))
            rest = product([(self._poly(self.arranger.polynomial(keep)), ONE), (bar, ONE)])
            yield total([(1.0, whole), (1.0, rest)])

    def _partial(self, over: Poly, under: Poly) -> Iterator[Node]:
        """Partial fractions: one factor of the denominator apart from the others."""
        factors = self._all_factors(under)
        for f, e in factors if len(factors) > 1 else []:
            part = f**e
            others = under.quo(part)
            for k in self._atoms.variables:
                if self._clock.is_over() or not part.degree(k) > 0:
                    continue
                quotient, rest = divided_in(over, part, k)
                outside, left = divmod(rest, others)
                if quotient and outside and not left:
                    halves = [self._reduced(quotient, others), self._reduced(outside, part)]
                    yield total((1.0, node) for node in halves if node is not None)

    def _reduced(self, over: Poly, under: Poly) -> Node:
        over, under = self._atoms.reduced(over, under)
        return shortest(
            [
                self._plain(over, under),
                *self._divided(over, under),
            ]
        )

    def _divided(self, over: Poly, under: Poly) -> Iterator[Node]:
        """Quotient plus remainder, dividing with respect to each variable: 1 + a/(b + c)."""
        for k in self._atoms.variables:
            if self._clock.is_over():
                return
            if not over.degree(k) >= under.degree(k) > 0:
                continue
            quotient, rest = divided_in(over, under, k)
            if quotient and _is_simpler(over, under, quotient, rest):
                try:
                    reduced = self._atoms.reduced(rest, under)
                except TooLargeError:
                    continue
                tail = product([(self._poly(reduced[0]), ONE), (self._poly(reduced[1]), -ONE)])
                yield total([(1.0, self._poly(quotient)), (1.0, tail)])

    def _divided_inside(self, over: Poly, under: Poly) -> Iterator[Node]:
        """The same with common factors left outside: x*(1 + a/(b + c))."""
        (m, over_rest), (n, under_rest) = monomial_content(over), monomial_content(under)
        ways = [(minus(m, n), under_rest), (m, under)] if any(n) else [(m, under)]
        for factor, divisor in ways if any(m) else ways[:-1]:
            outer = self._atoms.monomial(factor)
            for inner in self._divided(over_rest, divisor):
                yield product([(inner, ONE), (outer, ONE)])


def _is_simpler(over: Poly, under: Poly, quotient: Poly, rest: Poly) -> bool:
    """Whether a division is worth a look: a long quotient with a long rest is not."""
    if len(over) > WIDE:
        return len(quotient) + len(rest) < PAYING * len(over)
    return len(quotient) <= len(over) and len(rest) < len(over) + len(under)
