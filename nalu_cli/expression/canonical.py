"""The formula as a tree, units inlined, equal terms merged, nothing expanded."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from fractions import Fraction

from nalu_cli.circuit import Circuit, Unit, UnitKind
from nalu_cli.expression.tree import (
    ONE,
    Column,
    Magnitude,
    Node,
    Number,
    Product,
    Sum,
    factor_order,
    power_of_power,
    rounded_exponent,
    term_order,
)

__all__ = [
    "MOST_NODES",
    "Column",
    "Magnitude",
    "Node",
    "Number",
    "Product",
    "Sum",
    "check_length",
    "expression_of",
    "has_root",
    "is_never_negative",
    "magnitude",
    "monomial",
    "product",
    "total",
]

MOST_NODES = 50_000
"""*Guess:* a longer formula is refused: shared units, written out, multiply layer by layer."""

ZERO = Number(0.0)
"""*Derived:* the factor that stays beside powers which bound the domain of a product of zero."""


def expression_of(circuit: Circuit, *, positive: Sequence[bool] | None = None) -> Node:
    """The tree of a circuit's answer.

    Identity units, offsets of 0 and scales of 1 disappear; nested sums, products and powers are
    merged where the result is equal for all real inputs. The domain is only widened at removable
    points: x/x becomes 1, but sqrt(x)*sqrt(x) and sqrt(x)**2 stay, and sqrt(x**2) becomes abs(x).

    Parameters
    ----------
    circuit : Circuit
    positive : sequence of bool, optional
        For each column whether it is known to be above zero; there sqrt(x**2) becomes x.

    Raises
    ------
    ValueError
        If the formula has more than `MOST_NODES` nodes.
    """
    check_length(circuit)
    signs = positive or (False,) * circuit.n_columns
    columns: list[Node] = [Column(j, bool(signs[j])) for j in range(circuit.n_columns)]
    before: list[Node] = []
    for layer in circuit.layers:
        sources = before + columns
        before = [_inlined(unit, sources) for unit in layer]
    return before[0]


def check_length(circuit: Circuit) -> None:
    """Find out how long a formula would be, without writing it.

    Raises
    ------
    ValueError
        If it has more than `MOST_NODES` nodes.
    """
    before: list[int] = []
    for layer in circuit.layers:
        sizes = before + [1] * circuit.n_columns
        before = [1 + sum(sizes[t.source] for t in unit.terms) for unit in layer]
    if before[0] > MOST_NODES:
        raise ValueError(f"the formula has {before[0]} parts; at most {MOST_NODES} can be written")


def _inlined(unit: Unit, sources: Sequence[Node]) -> Node:
    if unit.kind is UnitKind.SUM:
        terms = [(float(t.weight) * t.constant, sources[t.source]) for t in unit.terms]
        return total(terms, unit.constant)
    factors = [(sources[t.source], t.weight) for t in unit.terms]
    if unit.kind is UnitKind.MAGNITUDE:
        factors = [(magnitude(node), weight) for node, weight in factors]
    return product(factors, unit.constant)


def total(terms: Iterable[tuple[float, Node]], offset: float = 0.0) -> Node:
    """The sum offset + coefficient * node + ..., with equal nodes gathered and sums of sums merged.

    A sum inside is only opened when its coefficient is 1 or -1; 2*(a + b) stays.
    """
    gathered = _Terms(offset)
    for coefficient, node in terms:
        gathered.add(coefficient, node)
    return gathered.node()


def product(factors: Iterable[tuple[Node, Fraction]], scale: float = 1.0) -> Node:
    """The product scale * node ** exponent * ..., with equal nodes gathered and powers merged."""
    gathered = _Factors(scale)
    for node, exponent in factors:
        gathered.add(node, exponent)
    return gathered.node()


def monomial(exponents: Iterable[Fraction | int]) -> Node:
    """The product of powers of the columns, one exponent each."""
    return product([(Column(j), Fraction(e)) for j, e in enumerate(exponents) if e])


def magnitude(node: Node) -> Node:
    """The absolute value, left out where nothing can be negative."""
    if is_never_negative(node):
        return node
    if isinstance(node, Number):
        return Number(abs(node.value))
    if isinstance(node, Product):
        return _magnitude_of_product(node)
    if isinstance(node, Sum) and _leads_negative(node):
        return magnitude(_negated(node))
    return Magnitude(node)


def _magnitude_of_product(node: Product) -> Node:
    open_factors = [f for f in node.factors if not _power_is_never_negative(*f)]
    safe = [f for f in node.factors if _power_is_never_negative(*f)]
    if len(open_factors) == 1:
        inner, exponent = open_factors[0]
        return product([*safe, (magnitude(inner), exponent)], abs(node.scale))
    rest = [(Magnitude(product(open_factors)), ONE)] if open_factors else []
    return product([*safe, *rest], abs(node.scale))


def is_never_negative(node: Node) -> bool:
    """Whether the value is at least zero wherever it is defined, whatever the columns hold."""
    match node:
        case Column(_, is_positive):
            return is_positive
        case Magnitude():
            return True
        case Number(value):
            return value >= 0
        case Sum(terms, offset):
            return offset >= 0 and all(c >= 0 and is_never_negative(n) for c, n in terms)
        case Product(factors, scale):
            return scale >= 0 and all(_power_is_never_negative(n, e) for n, e in factors)
    return False


def _power_is_never_negative(node: Node, exponent: Fraction) -> bool:
    return exponent.denominator != 1 or _is_even(exponent) or is_never_negative(node)


def has_root(node: Node) -> bool:
    """Whether a root makes the node undefined for some finite values of the columns."""
    match node:
        case Magnitude(inner):
            return has_root(inner)
        case Sum(terms, _):
            return any(has_root(n) for _, n in terms)
        case Product(factors, _):
            return any(
                has_root(n) or (e.denominator != 1 and not is_never_negative(n)) for n, e in factors
            )
    return False


class _Terms:
    """Terms of a sum being gathered."""

    def __init__(self, offset: float) -> None:
        self.offset = offset
        self.coefficients: dict[Node, float] = {}
        self.separate: list[tuple[float, Node]] = []

    def add(self, coefficient: float, node: Node) -> None:
        coefficient, node = _split_scale(coefficient, node)
        if isinstance(node, Number) and _fits(coefficient * node.value):
            self.offset += coefficient * node.value
        elif isinstance(node, Sum) and abs(coefficient) == 1.0:
            self.offset += coefficient * node.offset
            for inner, part in node.terms:
                self.add(coefficient * inner, part)
        else:
            self._gather(coefficient, node)

    def _gather(self, coefficient: float, node: Node) -> None:
        merged = self.coefficients.get(node, 0.0) + coefficient
        # a term that cancels takes its root, and with it a bound of the domain, along
        if not math.isfinite(merged) or (merged == 0.0 and has_root(node)):
            self.separate.append((coefficient, node))
        else:
            self.coefficients[node] = merged

    def node(self) -> Node:
        terms = [(c, n) for n, c in self.coefficients.items() if c != 0.0] + self.separate
        if not terms:
            return Number(self.offset)
        if len(terms) == 1 and self.offset == 0.0:
            return product([(terms[0][1], ONE)], terms[0][0])
        return Sum(tuple(sorted(terms, key=term_order)), self.offset)


def _split_scale(coefficient: float, node: Node) -> tuple[float, Node]:
    if isinstance(node, Product) and _fits(coefficient * node.scale):
        return coefficient * node.scale, _bare(node.factors)
    return coefficient, node


def _bare(factors: tuple[tuple[Node, Fraction], ...]) -> Node:
    if len(factors) == 1 and factors[0][1] == 1:
        return factors[0][0]
    return Product(factors, 1.0)


def _fits(value: float) -> bool:
    """Whether numbers may be multiplied out: the result is a full double (or exactly 0)."""
    return value == 0.0 or 1e-300 < abs(value) < math.inf


class _Factors:
    """Factors of a product being gathered."""

    def __init__(self, scale: float) -> None:
        self.scale = scale
        self.exponents: dict[Node, Fraction] = {}
        self.separate: list[tuple[Node, Fraction]] = []

    def add(self, node: Node, exponent: Fraction) -> None:
        match node:
            case Magnitude(inner) if _is_even(exponent):
                self.add(inner, exponent)
            case Number(value):
                self._add_number(value, exponent)
            case Product():
                self._add_product(node, exponent)
            case Sum():
                self._add_sum(node, exponent)
            case _:
                self._gather(node, exponent)

    def _add_number(self, value: float, exponent: Fraction) -> None:
        if not self._take_scale(value, exponent):
            self._gather(Number(value), exponent)

    def _take_scale(self, value: float, exponent: Fraction) -> bool:
        try:
            power = (
                value ** int(exponent) if exponent.denominator == 1 else value ** float(exponent)
            )
        except (OverflowError, ZeroDivisionError):
            return False
        if isinstance(power, complex) or power == 0.0 or not _fits(power):
            return False
        if not _fits(self.scale * power):
            return False
        self.scale *= power
        return True

    def _add_product(self, node: Product, exponent: Fraction) -> None:
        if exponent.denominator != 1:
            self._add_root(node, exponent)
        elif all(_opens(n, w, exponent) for n, w in node.factors) and self._take_scale(
            node.scale, exponent
        ):
            for inner, weight in node.factors:
                self.add(inner, power_of_power(weight, exponent))
        elif node.scale != 1.0 and self._take_scale(node.scale, exponent):
            self.add(_bare(node.factors), exponent)
        elif _is_even(exponent) and any(map(_is_whole_magnitude, node.factors)):
            bare = [(_without_magnitude(factor), factor[1]) for factor in node.factors]
            self.add(product(bare, abs(node.scale)), exponent)
        else:
            self._gather(node, exponent)

    def _add_root(self, node: Product, exponent: Fraction) -> None:
        inner, weight = node.factors[0]
        base = magnitude(inner) if _is_even(weight) else inner
        single = len(node.factors) == 1 and node.scale == 1.0
        if single and _opens(base, weight, exponent):
            self.add(base, power_of_power(weight, exponent))
        else:
            self._gather(node, exponent)

    def _add_sum(self, node: Sum, exponent: Fraction) -> None:
        turn = _is_even(exponent) and _leads_negative(node)
        turn = turn or (exponent.denominator == 1 and _is_all_negative(node))
        if turn:
            self.scale *= (-1.0) ** exponent.numerator
            self._gather(_negated(node), exponent)
        else:
            self._gather(node, exponent)

    def _gather(self, node: Node, exponent: Fraction) -> None:
        old = self.exponents.get(node, Fraction(0))
        merged = rounded_exponent(old + exponent)
        # sqrt(x)*sqrt(x) is x only where x is not negative
        roots = exponent.denominator != 1 and merged.denominator == 1
        widens = roots and not is_never_negative(node)
        # a number that is still here is zero, or too large or small to be multiplied in
        if isinstance(node, Number) or widens or (merged == 0 and has_root(node)):
            self.separate.append((node, exponent))
        else:
            self.exponents[node] = merged

    def node(self) -> Node:
        factors = [(n, e) for n, e in self.exponents.items() if e] + self.separate
        if any(_can_settle(n, e) for n, e in factors):
            return product(factors, self.scale)
        if any(n == ZERO and e > 0 for n, e in factors):
            return _zero_product(factors)
        if self.scale < 0:
            factors = self._turned(factors)
        if not factors or (self.scale == 0.0 and not any(has_root(n) for n, _ in factors)):
            return Number(self.scale)
        if len(factors) == 1 and factors[0][1] == 1:
            inner = factors[0][0]
            if self.scale == 1.0:
                return inner
            if self.scale == -1.0 and isinstance(inner, Sum):
                return _negated(inner)
        return Product(tuple(sorted(factors, key=factor_order)), self.scale)

    def _turned(self, factors: list[tuple[Node, Fraction]]) -> list[tuple[Node, Fraction]]:
        """The sign put into a difference: (b - a)*c for -(a - b)*c."""
        for k, (node, exponent) in enumerate(factors):
            is_odd = exponent.denominator == 1 and not _is_even(exponent)
            if is_odd and isinstance(node, Sum) and not _is_all_positive(node):
                self.scale = -self.scale
                return [*factors[:k], (_negated(node), exponent), *factors[k + 1 :]]
        return factors


def _zero_product(factors: list[tuple[Node, Fraction]]) -> Node:
    """Zero times factors, of which only those matter that bound the domain."""
    bounds = [
        (n, e) for n, e in factors if (n == ZERO and e < 0) or has_root(Product(((n, e),), 1.0))
    ]
    if not bounds:
        return ZERO
    return Product(((ZERO, ONE), *sorted(bounds, key=factor_order)), 1.0)


def _is_whole_magnitude(factor: tuple[Node, Fraction]) -> bool:
    return isinstance(factor[0], Magnitude) and factor[1].denominator == 1


def _without_magnitude(factor: tuple[Node, Fraction]) -> Node:
    node = factor[0]
    return node.node if isinstance(node, Magnitude) and _is_whole_magnitude(factor) else node


def _can_settle(node: Node, exponent: Fraction) -> bool:
    """Whether exponents that were gathered to an even one left a magnitude or sign without use."""
    if not _is_even(exponent):
        return False
    return isinstance(node, Magnitude) or (isinstance(node, Sum) and _leads_negative(node))


def _opens(node: Node, weight: Fraction, exponent: Fraction) -> bool:
    """Whether (node**weight)**exponent is node**(weight*exponent): not so for sqrt(x)**2."""
    whole = weight.denominator == exponent.denominator == 1
    is_root = power_of_power(weight, exponent).denominator != 1
    return whole or is_root or is_never_negative(node)


def _is_even(exponent: Fraction) -> bool:
    return exponent.denominator == 1 and exponent.numerator % 2 == 0


def _negated(node: Sum) -> Sum:
    return Sum(tuple((-c, n) for c, n in node.terms), 0.0 - node.offset)


def _leads_negative(node: Sum) -> bool:
    return node.terms[0][0] < 0


def _is_all_positive(node: Sum) -> bool:
    return node.offset >= 0 and all(c > 0 for c, _ in node.terms)


def _is_all_negative(node: Sum) -> bool:
    return node.offset <= 0 and all(c < 0 for c, _ in node.terms)
