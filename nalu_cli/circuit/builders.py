"""Circuits from polynomials: powers in a product layer, sums of them, a quotient or root on top."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from nalu_cli.circuit import Circuit, Layer, Term, Unit, UnitKind

__all__ = [
    "Exponents",
    "Polynomial",
    "power_of_quotient",
    "quadratic_root",
    "root_over_size",
    "single_product",
    "single_sum",
]

CANCELLED = 1e-7
"""Share of the coefficients added up below which their sum counts as zero. *Guess:* they were
fitted, not given, and are known to about half the digits of a double."""

LEAST_SUMMAND = 1e-3
"""Least size of such coefficients, relative to the largest of all. *Guess:* smaller ones are known
to fewer digits."""

ROUNDING = 1e-12
"""Share of the products added up below which their sum counts as zero. *Derived:* 4500 EPS, far
more than the rounding of as many products as two polynomials have."""

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
    n: int,
    top: Polynomial,
    bottom: Polynomial,
    power: Fraction,
    sign: float,
    *,
    open_squares: bool = True,
) -> Circuit:
    """``sign * (top / bottom) ** power``, common powers pulled out and squares under a root opened.

    The root of a square is taken with sign, since a target that takes both signs needs that; where
    squares stay closed it is the size.
    """
    nothing = (Fraction(0),) * n
    top_common, top = _pull_out(top, power) if open_squares else (nothing, top)
    bottom_common, bottom = _pull_out(bottom, power) if open_squares else (nothing, bottom)
    common = [power * (a - b) for a, b in zip(top_common, bottom_common, strict=True)]
    sums: list[Polynomial] = []
    exponents, scale = [], sign
    for polynomial, exponent in ((top, power), (bottom, -power)):
        factor, rest, inner = _simplest_power(polynomial, exponent, open_squares=open_squares)
        scale *= factor
        if rest:
            sums.append(rest)
            exponents.append(inner)
    if len(sums) == 1 and exponents == [Fraction(1)] and scale == 1 and not any(common):
        return _on_sums(n, sums)
    factors = [*enumerate(exponents), *((len(sums) + j, e) for j, e in enumerate(common) if e)]
    above = _under_one_root(factors, scale)
    return _on_sums(n, sums, *above) if sums else Circuit(n, above)


def _under_one_root(factors: list[tuple[int, Fraction]], scale: float) -> tuple[Layer, ...]:
    """A product of powers; several half powers become the root of one product.

    The root of a product is defined where the roots of its factors are not: both may be negative.
    """
    halves = [(k, e) for k, e in factors if e.denominator == 2]
    if len(halves) < 2:
        terms = tuple(Term(k, e) for k, e in factors)
        return ((Unit(UnitKind.PRODUCT, terms, scale),),)
    # 3/2 is 1 outside and 1/2 inside, -3/2 is -1 and -1/2
    inside = tuple(Term(k, Fraction(1 if e > 0 else -1)) for k, e in halves)
    outside = [(k, e - Fraction(1 if e > 0 else -1, 2)) for k, e in halves]
    outside += [(k, e) for k, e in factors if e.denominator == 1]
    rest = tuple(sorted((Term(k, e) for k, e in outside if e), key=lambda t: t.source))
    first: Layer = (Unit(UnitKind.PRODUCT, inside, 1.0),)
    last: tuple[Term, ...] = (Term(0, Fraction(1, 2)),)
    if rest:
        first += (Unit(UnitKind.PRODUCT, rest, 1.0),)
        last += (Term(1, Fraction(1)),)
    return (first, (Unit(UnitKind.PRODUCT, last, scale),))


def _simplest_power(
    polynomial: Polynomial, exponent: Fraction, *, open_squares: bool
) -> tuple[float, Polynomial, Fraction]:
    """A factor, the sum that remains (empty for none) and its exponent."""
    e, c = next(iter(polynomial.items()))
    if len(polynomial) == 1 and not any(e) and (exponent.denominator == 1 or c > 0):
        return c ** float(exponent), {}, exponent
    if open_squares and exponent.denominator == 2 and (root := square_root(polynomial)) is not None:
        return 1.0, root, 2 * exponent
    return 1.0, polynomial, exponent


def square_root(polynomial: Polynomial) -> Polynomial | None:
    """The polynomial whose square this is, to the precision of fitted coefficients; else None.

    Long division: the leading term's root first, then one term after the other.
    """
    remainder = dict(polynomial)
    lead = max(remainder)
    if remainder[lead] <= 0:
        return None
    first = tuple(e / 2 for e in lead)
    if any(e.denominator > 2 for e in first):
        return None
    root: Polynomial = {first: remainder[lead] ** 0.5}
    size = max(map(abs, remainder.values()))
    for _ in range(len(polynomial)):
        remainder = _plus(polynomial, _times(root, root), -1.0, size)
        if not remainder:
            return root
        head = max(remainder)
        term = tuple(a - b for a, b in zip(head, first, strict=True))
        if any(e < 0 for e in term) or term >= min(root):
            return None
        root[term] = remainder[head] / (2 * root[first])
    return None


def quadratic_root(
    n: int, square: Polynomial, linear: Polynomial, rest: Polynomial, sign: float
) -> Circuit:
    """The root ``(-linear + sign * sqrt(linear**2 - 4 square rest)) / (2 square)``."""
    inside = _plus(_times(linear, linear), _times(square, rest), -4.0)
    common, inside = _pull_out(inside, Fraction(1, 4))
    sums, one = (inside, linear, square), Fraction(1)
    outside = tuple(Term(len(sums) + j, e / 2) for j, e in enumerate(common) if e)
    roots = (
        Unit(UnitKind.PRODUCT, (Term(0, Fraction(1, 2)), *outside), 1.0),
        Unit(UnitKind.PRODUCT, (Term(1, one),), 1.0),
        Unit(UnitKind.PRODUCT, (Term(2, one),), 1.0),
    )
    numerator = Unit(UnitKind.SUM, (Term(0, Fraction(int(sign))), Term(1, -one)), 0.0)
    denominator = Unit(UnitKind.SUM, (Term(2, one),), 0.0)
    answer = Unit(UnitKind.PRODUCT, (Term(0, one), Term(1, -one)), 0.5)
    return _on_sums(n, sums, roots, (numerator, denominator), (answer,))


def root_over_size(
    n: int, square: Polynomial, linear: Polynomial, rest: Polynomial, sign: float
) -> Circuit:
    """The root ``-linear / (2 square) + sign * sqrt((linear**2 - 4 square rest) / (4 square**2))``.

    The upper or the lower one of the two whatever the sign of `square`: ``a + sqrt(b/c)`` is the
    one for each sign of c.
    """
    inside = _plus(_times(linear, linear), _times(square, rest), -4.0)
    sums, one = (inside, linear, square), Fraction(1)
    quotients = (
        Unit(UnitKind.PRODUCT, (Term(0, one), Term(2, Fraction(-2))), 0.25),
        Unit(UnitKind.PRODUCT, (Term(1, one), Term(2, -one)), -0.5),
    )
    parts = (
        Unit(UnitKind.PRODUCT, (Term(0, Fraction(1, 2)),), sign),
        Unit(UnitKind.PRODUCT, (Term(1, one),), 1.0),
    )
    answer = Unit(UnitKind.SUM, (Term(0, one), Term(1, one)), 0.0)
    return _on_sums(n, sums, quotients, parts, (answer,))


def _on_sums(n: int, polynomials: Sequence[Polynomial], *above: Layer) -> Circuit:
    """Layers on a layer of polynomials, whose monomials are a layer of products, if there are any.

    Monomials that are a column need no product, and each other one has one product.
    """
    monomials = tuple(dict.fromkeys(e for p in polynomials for e in p if not _is_plain(e)))
    place = {e: k for k, e in enumerate(monomials)}
    sums = tuple(_sum_of(p, place) for p in polynomials)
    products = tuple(
        Unit(UnitKind.PRODUCT, tuple(Term(j, v) for j, v in enumerate(e) if v), 1.0)
        for e in monomials
    )
    return Circuit(n, (products, sums, *above) if products else (sums, *above))


def _is_plain(exponents: Exponents) -> bool:
    """Whether a monomial is 1 or a column."""
    used = [e for e in exponents if e]
    return not used or used == [1]


def _sum_of(polynomial: Polynomial, place: dict[Exponents, int]) -> Unit:
    """A polynomial as a sum of products, at their places in the layer below, and of columns."""
    offset, terms = 0.0, []
    for e, c in polynomial.items():
        column = next((j for j, v in enumerate(e) if v), None)
        if column is None:
            offset = c
        else:
            # a layer reads the units below it, then the columns
            terms.append(_sum_term(place.get(e, len(place) + column), c))
    return Unit(UnitKind.SUM, tuple(sorted(terms, key=lambda t: t.source)), offset)


def _pull_out(polynomial: Polynomial, power: Fraction) -> tuple[Exponents, Polynomial]:
    """The largest common monomial that is an allowed one under the power, and the other factor.

    Under half the power an odd exponent stays inside.
    """
    exponents = list(polynomial)
    smallest = [min(column) for column in zip(*exponents, strict=True)]
    common = tuple(e if (2 * e * power).denominator == 1 else Fraction(0) for e in smallest)
    rest = {tuple(a - b for a, b in zip(e, common, strict=True)): c for e, c in polynomial.items()}
    return common, rest


def _times(one: Polynomial, other: Polynomial) -> Polynomial:
    out: Polynomial = {}
    sizes: Polynomial = {}
    for e, a in one.items():
        for f, b in other.items():
            key = tuple(u + v for u, v in zip(e, f, strict=True))
            out[key] = out.get(key, 0.0) + a * b
            sizes[key] = sizes.get(key, 0.0) + abs(a * b)
    return {e: c for e, c in out.items() if abs(c) > ROUNDING * sizes[e]}


def _plus(one: Polynomial, other: Polynomial, factor: float, largest: float = 0.0) -> Polynomial:
    """One + factor * other, without what cancels; `largest` is the largest coefficient of all."""
    out = dict(one)
    for e, c in other.items():
        total = out.get(e, 0.0) + factor * c
        size = abs(out.get(e, 0.0)) + abs(factor * c)
        out[e] = total if abs(total) > CANCELLED * max(size, LEAST_SUMMAND * largest) else 0.0
    return {e: c for e, c in out.items() if c}
