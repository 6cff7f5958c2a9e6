"""Rational functions over the atoms of a tree: columns, roots, magnitudes, irrational constants."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import TypeAlias

from sympy.polys.domains import QQ
from sympy.polys.orderings import lex
from sympy.polys.rings import PolyElement, PolyRing

from nalu_cli.constants import Named, literal, name_constant, snap_value
from nalu_cli.expression import Column, Magnitude, Node, Number, Product, Sum, product, total

__all__ = ["Atoms", "Monomial", "Poly", "Ratio", "TooLargeError"]

Poly: TypeAlias = PolyElement
Monomial = tuple[int, ...]
Ratio = tuple[Poly, Poly]
"""Numerator and denominator without common factors."""

HALF = Fraction(1, 2)

MOST_TERMS = 160
"""In a numerator or denominator; larger ones are left as they came."""

MOST_LONG = 12
"""Unnamed constants among which common multiples and powers are looked for."""

RELATED = 1e-14
"""Relative distance at which one unnamed constant counts as a simple multiple of another."""

SMALL_RATIONAL = 2000
"""Largest numerator times denominator of a simple multiple."""


class TooLargeError(ArithmeticError):
    """An intermediate result has more than `MOST_TERMS` terms."""


class Atoms:
    """The ring whose generators are the atoms of a tree.

    Nothing a user named comes near sympy: generators are counted, columns stay nodes. An atom that
    is a root stays one, so that sqrt(x)**2 never becomes x behind our back.

    Parameters
    ----------
    tree : Node
        Its atoms become the generators.
    """

    def __init__(self, tree: Node) -> None:
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
            If either would have too many terms.
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
        if exponent.denominator == 2:
            root = self._atom(_root(node), 1 if exponent > 0 else -1)
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
        for k in (0, 1):
            if len(left[k]) * len(right[k]) > 4 * MOST_TERMS:
                raise TooLargeError
        return self.reduced(left[0] * right[0], left[1] * right[1])

    def _plus(self, left: Ratio, right: Ratio) -> Ratio:
        if left[1] == right[1]:
            return self.reduced(left[0] + right[0], left[1])
        sizes = (len(left[0]) * len(right[1]), len(left[1]) * len(right[0]))
        if sum(sizes) > 4 * MOST_TERMS or len(left[1]) * len(right[1]) > 4 * MOST_TERMS:
            raise TooLargeError
        return self.reduced(left[0] * right[1] + right[0] * left[1], left[1] * right[1])

    def reduced(self, over: Poly, under: Poly) -> Ratio:
        """The same quotient in lowest terms."""
        if not under:
            raise ZeroDivisionError
        if max(len(over), len(under)) > MOST_TERMS:
            raise TooLargeError
        if under.is_ground:
            return over.quo_ground(under.LC), self.ring.one
        cancelled: Ratio = over.cancel(under)
        return cancelled

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
        return (snap_value(scale, 4e-15) if named else scale), product(factors)

    def expanded(self, poly: Poly, shift: Monomial | None = None) -> Node:
        """The plain sum of a polynomial's terms, each times the monomial `shift`."""
        terms = []
        for monomial, coefficient in poly.terms():
            moved = monomial if shift is None else _added(monomial, shift)
            terms.append(self.term(moved, coefficient))
        return total(terms)

    def free_of_variables(self, poly: Poly) -> bool:
        """Whether a polynomial holds constants only."""
        return all(not m[k] for m in poly for k in self.variables)


def _added(left: Monomial, right: Monomial) -> Monomial:
    return tuple(a + b for a, b in zip(left, right, strict=True))


def _root(node: Node) -> Node:
    return Product(((node, HALF),), 1.0)


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
                if exponent.denominator == 2:
                    atoms[_root(inner)] = None
                if int(exponent):
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
    derived = _derived(sizes) if len(sizes) <= MOST_LONG else {}
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
    if not 1e-6 < ratio < 1e6:
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
