"""Circuits from polynomials: powers in a product layer, sums of them, a quotient or root on top."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from nalu_cli.circuit import Circuit, Layer, Term, Unit, UnitKind

__all__ = [
    "Polynomial",
    "power_of_quotient",
    "quadratic_root",
    "single_product",
    "single_sum",
]

Exponents = tuple[Fraction, ...]
Polynomial = dict[Exponents, float]
"""Coefficient of each monomial, a monomial being one exponent per column."""


def single_product(
    n: int, exponents: dict[int, Fraction], scale: float, *, magnitude: bool = False
) -> Circuit:
    """``scale * product of column ** exponent``."""
    kind = UnitKind.MAGNITUDE if magnitude else UnitKind.PRODUCT
    terms = tuple(Term(j, e) for j, e in sorted(exponents.items()) if e)
    return Circuit(n, ((Unit(kind, terms, scale),),))


def single_sum(
    n: int, coefficients: Sequence[float], offset: float, power: Fraction, sign: float
) -> Circuit:
    """``sign * (offset + sum of coefficient * column) ** power``."""
    terms = tuple(_sum_term(j, c) for j, c in enumerate(coefficients) if c)
    layers: tuple[Layer, ...] = ((Unit(UnitKind.SUM, terms, offset),),)
    if power != 1 or sign != 1:
        layers += ((Unit(UnitKind.PRODUCT, (Term(0, power),), sign),),)
    return Circuit(n, layers)


def _sum_term(source: int, coefficient: float) -> Term:
    return Term(source, Fraction(1 if coefficient > 0 else -1), abs(coefficient))


def power_of_quotient(
    n: int, top: Polynomial, bottom: Polynomial, power: Fraction, sign: float
) -> Circuit:
    """``sign * (top / bottom) ** power``, common powers pulled out."""
    top_common, top = _pull_out(top, power)
    bottom_common, bottom = _pull_out(bottom, power)
    common = [power * (a - b) for a, b in zip(top_common, bottom_common, strict=True)]
    monomials, sums, factors, scale = _Monomials(n), [], [], sign
    for polynomial, exponent in ((top, power), (bottom, -power)):
        (e, c) = next(iter(polynomial.items()))
        if len(polynomial) == 1 and not any(e) and (power == 1 or c > 0):
            scale *= c ** float(exponent)
        else:
            factors.append(exponent)
            sums.append(polynomial)
    layer = tuple(monomials.sum_of(p) for p in sums)
    if len(sums) == 1 and factors == [Fraction(1)] and scale == 1 and not any(common):
        return monomials.circuit((layer,))
    terms = [Term(k, e) for k, e in enumerate(factors)]
    terms += [Term(len(sums) + j, e) for j, e in enumerate(common) if e]
    return monomials.circuit((layer, (Unit(UnitKind.PRODUCT, tuple(terms), scale),)))


def quadratic_root(
    n: int, square: Polynomial, linear: Polynomial, rest: Polynomial, sign: float
) -> Circuit:
    """The root ``(-linear + sign * sqrt(linear**2 - 4 square rest)) / (2 square)``."""
    inside = _plus(_times(linear, linear), _times(square, rest), -4.0)
    monomials = _Monomials(n)
    sums = tuple(monomials.sum_of(p) for p in (inside, linear, square))
    one = Fraction(1)
    roots = (
        Unit(UnitKind.PRODUCT, (Term(0, Fraction(1, 2)),), 1.0),
        Unit(UnitKind.PRODUCT, (Term(1, one),), 1.0),
        Unit(UnitKind.PRODUCT, (Term(2, one),), 1.0),
    )
    numerator = Unit(UnitKind.SUM, (Term(0, Fraction(int(sign))), Term(1, -one)), 0.0)
    denominator = Unit(UnitKind.SUM, (Term(2, one),), 0.0)
    answer = Unit(UnitKind.PRODUCT, (Term(0, one), Term(1, -one)), 0.5)
    return monomials.circuit((sums, roots, (numerator, denominator), (answer,)))


class _Monomials:
    """The product layer that sums of monomials are built on."""

    def __init__(self, n: int) -> None:
        self.n = n
        self.index: dict[Exponents, int] = {}
        self.sums: list[Polynomial] = []

    def sum_of(self, polynomial: Polynomial) -> Unit:
        """A sum whose sources are placeholders: monomials first, columns at ``1000000 + j``."""
        offset, terms = 0.0, []
        for e, c in polynomial.items():
            used = [j for j, v in enumerate(e) if v]
            if not used:
                offset = c
            elif len(used) == 1 and e[used[0]] == 1:
                terms.append(_sum_term(_COLUMN + used[0], c))
            else:
                terms.append(_sum_term(self.index.setdefault(e, len(self.index)), c))
        return Unit(UnitKind.SUM, tuple(sorted(terms, key=lambda t: t.source)), offset)

    def circuit(self, layers: tuple[Layer, ...]) -> Circuit:
        """The circuit with the product layer in front, when there is one."""
        width = len(self.index)
        first = tuple(
            Unit(UnitKind.SUM, tuple(_place(t, width) for t in unit.terms), unit.constant)
            for unit in layers[0]
        )
        powers = tuple(
            Unit(UnitKind.PRODUCT, tuple(Term(j, v) for j, v in enumerate(e) if v), 1.0)
            for e in self.index
        )
        front: tuple[Layer, ...] = (powers, first) if powers else (first,)
        return Circuit(self.n, front + layers[1:])


_COLUMN = 1_000_000


def _place(term: Term, width: int) -> Term:
    source = term.source - _COLUMN + width if term.source >= _COLUMN else term.source
    return Term(source, term.weight, term.constant)


def _pull_out(polynomial: Polynomial, power: Fraction) -> tuple[Exponents, Polynomial]:
    """The largest common monomial that is an allowed one under the power, and what is left."""
    exponents = list(polynomial)
    smallest = [min(column) for column in zip(*exponents, strict=True)]
    common = tuple(e if (2 * e * power).denominator == 1 else Fraction(0) for e in smallest)
    left = {
        tuple(a - b for a, b in zip(e, common, strict=True)): c for e, c in polynomial.items()
    }
    return common, left


def _times(left: Polynomial, right: Polynomial) -> Polynomial:
    out: Polynomial = {}
    sizes: Polynomial = {}
    for e, a in left.items():
        for f, b in right.items():
            key = tuple(u + v for u, v in zip(e, f, strict=True))
            out[key] = out.get(key, 0.0) + a * b
            sizes[key] = sizes.get(key, 0.0) + abs(a * b)
    return {e: c for e, c in out.items() if abs(c) > 1e-12 * sizes[e]}


def _plus(left: Polynomial, right: Polynomial, factor: float) -> Polynomial:
    out = dict(left)
    for e, c in right.items():
        total = out.get(e, 0.0) + factor * c
        size = abs(out.get(e, 0.0)) + abs(factor * c)
        out[e] = total if abs(total) > 1e-9 * size else 0.0
    return {e: c for e, c in out.items() if c}
