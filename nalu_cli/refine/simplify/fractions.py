"""Rational functions over the atoms of a tree: columns, roots, magnitudes, irrational constants."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import TypeAlias

from sympy.polys.domains import QQ
from sympy.polys.orderings import lex
from sympy.polys.rings import PolyElement, PolyRing

from nalu_cli.expression.canonical import (
    Column,
    Magnitude,
    Node,
    Number,
    Product,
    Sum,
    product,
    total,
)
from nalu_cli.expression.closed_form import TIGHT, Named, literal, name_constant, snap_value
from nalu_cli.refine.simplify.reading import Clock

__all__ = ["Atoms", "Monomial", "Poly", "Ratio", "TooLargeError"]

Poly: TypeAlias = PolyElement
Monomial = tuple[int, ...]
Ratio = tuple[Poly, Poly]
"""Numerator and denominator without common factors."""

MOST_TERMS = 160
"""*Guess:* a fraction with more terms in its numerator or denominator is left as it came."""

DIVISIBLE = 60
"""*Guess:* of polynomials with more terms no greatest common divisor is looked for."""

DIVISIBLE_ATOMS = 12
"""*Guess:* of polynomials in more atoms no greatest common divisor is looked for: it may take
minutes."""

MOST_LONG = 12
"""*Guess:* among more unnamed constants no common multiples and powers are looked for: all pairs
are compared."""

RELATED = 1e-14
"""*Guess:* one unnamed constant counts as a simple multiple of another at up to this relative
distance."""

LARGEST_RATIO = 1e6
"""*Guess:* constants of sizes that differ by more are no simple multiples of each other."""

SMALL_RATIONAL = 2000
"""*Guess:* the numerator times the denominator of a simple multiple is at most this."""


class TooLargeError(ArithmeticError):
    """An intermediate result has more than `MOST_TERMS` terms, or the time is over."""


class Atoms:
    """The ring whose generators are the atoms of a tree.

    Nothing a user named comes near sympy: generators are counted, columns stay nodes. An atom that
    is a root stays one, so that sqrt(x)**2 never becomes x behind our back.

    Parameters
    ----------
    tree : Node
        Its atoms become the generators.
    clock : Clock
        When it is over, no further arithmetic is done.
    """

    def __init__(self, tree: Node, clock: Clock) -> None:
        self.clock = clock
        found: dict[Node, None] = {}
        values: dict[float, None] = {}
        _collect(tree, found, values)
        self._numbers = _constants(list(values))
        for _, powers in self._numbers.values():
            found |= dict.fromkeys(powers)
        self.nodes: tuple[Node, ...] = tuple(found)
        self._index = {node: k for k, node in enumerate(self.nodes)}
        self.ring = PolyRing([f"t{k}" for k in range(max(len(self.nodes), 1))], QQ, lex)
        self.variables = frozenset(k for k, n in enumerate(self.nodes) if not isinstance(n, Number))

    def ratio(self, node: Node) -> Ratio:
        """A tree as numerator and denominator.

        Raises
        ------
        TooLargeError
            If either would have too many terms, or the time is over.
        ZeroDivisionError
            If a denominator is zero everywhere.
        """
        match node:
            case Number(value):
                return self._number(value)
            case Column() | Magnitude():
                return self._atom(node, 1)
            case Sum(terms, offset):
                sum_ = self._number(offset)
                for coefficient, inner in terms:
                    part = self._times(self._number(coefficient), self.ratio(inner))
                    sum_ = self._plus(sum_, part)
                return sum_
            case Product(factors, scale):
                result = self._number(scale)
                for inner, exponent in factors:
                    result = self._times(result, self._power(inner, exponent))
                return result

    def _power(self, node: Node, exponent: Fraction) -> Ratio:
        whole = int(exponent)
        parts = self._raised(self.ratio(node), whole) if whole else (self.ring.one, self.ring.one)
        if exponent != whole:
            root = self._atom(_root(node, abs(exponent - whole)), 1 if exponent > 0 else -1)
            parts = self._times(parts, root)
        return parts

    def _atom(self, node: Node, exponent: int) -> Ratio:
        generator = self.ring.gens[self._index[node]]
        return self._raised((generator, self.ring.one), exponent)

    def _number(self, value: float) -> Ratio:
        fraction, powers = self._numbers.get(value) or (_exact(value), {})
        over, under = self.ring(_qq(fraction)), self.ring.one
        for node, exponent in powers.items():
            over, under = self._times((over, under), self._atom(node, exponent))
        return over, under

    def _raised(self, ratio: Ratio, exponent: int) -> Ratio:
        over, under = ratio if exponent >= 0 else (ratio[1], ratio[0])
        if not under:
            raise ZeroDivisionError
        size = abs(exponent)
        for part in (over, under):
            # as many terms as there are ways to pick `size` of them
            if len(part) > 1 and math.comb(len(part) + size - 1, size) > MOST_TERMS:
                raise TooLargeError
        return over**size, under**size

    def _times(self, left: Ratio, right: Ratio) -> Ratio:
        self._refuse_large(len(left[0]) * len(right[0]), len(left[1]) * len(right[1]))
        return self.reduced(left[0] * right[0], left[1] * right[1])

    def _plus(self, left: Ratio, right: Ratio) -> Ratio:
        if left[1] == right[1]:
            return self.reduced(left[0] + right[0], left[1])
        if len(left[1]) == len(right[1]) == 1:
            whole = left[1].lcm(right[1])
            over = left[0] * whole.exquo(left[1]) + right[0] * whole.exquo(right[1])
            return self.reduced(over, whole)
        sizes = (len(left[0]) * len(right[1]), len(left[1]) * len(right[0]))
        self._refuse_large(sum(sizes), len(left[1]) * len(right[1]))
        return self.reduced(left[0] * right[1] + right[0] * left[1], left[1] * right[1])

    def _refuse_large(self, *sizes: int) -> None:
        if max(sizes) > 4 * MOST_TERMS or self.clock.is_over():
            raise TooLargeError

    def reduced(self, over: Poly, under: Poly) -> Ratio:
        """The same quotient, in lowest terms where those are quickly found."""
        if not under:
            raise ZeroDivisionError
        if max(len(over), len(under)) > MOST_TERMS:
            raise TooLargeError
        common = self.common(over, under)
        return over.exquo(common), under.exquo(common)

    def common(self, left: Poly, right: Poly) -> Poly:
        """The greatest common divisor, or at least the monomial and the number in it.

        With many atoms the full one may take minutes.
        """
        if not left or not right:
            return left or right
        atoms = {k for poly in (left, right) for m in poly for k, e in enumerate(m) if e}
        small = max(len(left), len(right)) <= DIVISIBLE and len(atoms) <= DIVISIBLE_ATOMS
        if small and min(len(left), len(right)) > 1:
            return left.gcd(right)
        monomials = [m for poly in (left, right) for m in poly]
        shared = tuple(min(column) for column in zip(*monomials, strict=True))
        least = min((left, right), key=len)
        number = least.LC if len(least) == 1 else 1
        return self.ring.from_dict({shared: self.ring.domain.convert(number)})

    def number(self, coefficient: object) -> float:
        """A coefficient of the ring as the nearest double."""
        return _as_float(coefficient)

    def term(self, monomial: Sequence[int], coefficient: object) -> tuple[float, Node]:
        """A term as its real coefficient and the product of its atoms."""
        scale = _as_float(coefficient)
        named = False
        factors: list[tuple[Node, Fraction]] = []
        for node, exponent in zip(self.nodes, monomial, strict=False):
            if exponent and isinstance(node, Number):
                scale *= node.value**exponent
                named = True
            elif exponent:
                factors.append((node, Fraction(exponent)))
        return (snap_value(scale, TIGHT) if named else scale), product(factors)

    def monomial(self, exponents: Monomial) -> Node:
        """A product of atoms; exponents may be negative."""
        scale, node = self.term(exponents, 1)
        return product([(node, Fraction(1))], scale)

    def expanded(self, poly: Poly, shift: Monomial | None = None) -> Node:
        """The plain sum of a polynomial's terms, each times the monomial `shift`."""
        terms = []
        for monomial, coefficient in poly.terms():
            moved = monomial if shift is None else _added(monomial, shift)
            terms.append(self.term(moved, coefficient))
        return total(terms)


def _added(left: Monomial, right: Monomial) -> Monomial:
    return tuple(a + b for a, b in zip(left, right, strict=True))


def _root(node: Node, exponent: Fraction) -> Node:
    return Product(((node, exponent),), 1.0)


def _collect(node: Node, atoms: dict[Node, None], values: dict[float, None]) -> None:
    match node:
        case Number(value):
            values[value] = None
        case Column() | Magnitude():
            atoms[node] = None
        case Sum(terms, offset):
            values[offset] = None
            for coefficient, inner in terms:
                values[coefficient] = None
                _collect(inner, atoms, values)
        case Product(factors, scale):
            values[scale] = None
            for inner, exponent in factors:
                whole = int(exponent)
                if exponent != whole:
                    atoms[_root(inner, abs(exponent - whole))] = None
                if whole:
                    _collect(inner, atoms, values)


Powers = dict[Node, int]
"""Irrational constants and their exponents."""


def _constants(values: list[float]) -> dict[float, tuple[Fraction, Powers]]:
    """Each number as an exact fraction times powers of irrational constants."""
    known: dict[float, tuple[Fraction, Powers]] = {}
    long: list[float] = []
    for value in values:
        named = name_constant(value)
        if named is None:
            long.append(value)
        else:
            known[value] = _named_parts(named)
    sizes = list(dict.fromkeys(abs(v) for v in long))
    if len(sizes) > MOST_LONG:
        return known | {value: (_exact(value), {}) for value in long}
    derived = _derived(sizes)
    for value in long:
        factor, base, power = derived.get(abs(value), (Fraction(1), abs(value), 1))
        known[value] = (factor if value > 0 else -factor, {Number(base): power})
    return known


def _named_parts(named: Named) -> tuple[Fraction, Powers]:
    powers: Powers = {}
    if named.pi_power.denominator == 2:
        powers[Number(math.sqrt(math.pi))] = named.pi_power.numerator
    elif named.pi_power:
        powers[Number(math.pi)] = int(named.pi_power)
    if named.radicand != 1:
        powers[Number(math.sqrt(named.radicand))] = 1
    return Fraction(literal(named.numerator)) / (Fraction(literal(named.denominator)) or 1), powers


def _derived(sizes: list[float]) -> dict[float, tuple[Fraction, float, int]]:
    """Constants that are simple multiples of a power of another: factor, the other, the power."""
    found: dict[float, tuple[Fraction, float, int]] = {}
    for power in (1, -1, 2, -2, 3):
        for size in sizes:
            for base in _bases(size, sizes, found):
                factor = _simple_factor(size, base, power)
                if factor is not None:
                    found[size] = (factor, base, power)
                    break
    return found


def _bases(
    size: float, sizes: list[float], found: dict[float, tuple[Fraction, float, int]]
) -> Iterator[float]:
    """Constants another may be written with; none if something is written with it already."""
    if size in found or any(base == size for _, base, _ in found.values()):
        return
    yield from (base for base in sizes if base != size and base not in found)


def _simple_factor(size: float, base: float, power: int) -> Fraction | None:
    try:
        ratio = size / base**power
    except (OverflowError, ZeroDivisionError):
        return None
    if not 1 / LARGEST_RATIO < ratio < LARGEST_RATIO:
        return None
    named = name_constant(ratio, tolerance=RELATED)
    if named is None or named.pi_power or named.radicand != 1:
        return None
    factor = Fraction(literal(named.numerator)) / Fraction(literal(named.denominator))
    return factor if factor.numerator * factor.denominator <= SMALL_RATIONAL else None


def _exact(value: float) -> Fraction:
    return Fraction(literal(value))


def _qq(fraction: Fraction) -> object:
    return QQ(fraction.numerator, fraction.denominator)


def _as_float(coefficient: object) -> float:
    exact = Fraction(int(coefficient.numerator), int(coefficient.denominator))  # type: ignore[attr-defined]
    return float(exact)
