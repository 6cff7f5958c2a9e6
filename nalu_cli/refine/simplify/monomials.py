"""Polynomials by their monomials: contents, coefficients, and division as far as it goes."""

from __future__ import annotations

from nalu_cli.refine.simplify.fractions import Monomial, Poly

__all__ = ["coefficient_of", "divided_in", "divides", "minus", "monomial_content", "shares"]

MOST_SHARES = 3
"""*Guess:* so many powers of one atom of a divisor are tried."""


def monomial_content(poly: Poly) -> tuple[Monomial, Poly]:
    """The largest monomial that divides every term, and what it leaves."""
    if not poly:
        return (0,) * poly.ring.ngens, poly
    common = tuple(min(column) for column in zip(*poly, strict=True))
    if not any(common):
        return common, poly
    return common, poly.ring.from_dict({minus(m, common): c for m, c in poly.terms()})


def minus(left: Monomial, right: Monomial) -> Monomial:
    """Exponents of a quotient of monomials."""
    return tuple(a - b for a, b in zip(left, right, strict=True))


def divides(divisor: Monomial, monomial: Monomial) -> bool:
    """Whether a quotient of monomials has no negative exponent."""
    return all(d <= e for d, e in zip(divisor, monomial, strict=True))


def shares(monomial: Monomial, poly: Poly) -> list[Monomial]:
    """Parts of a divisor to divide by: what cancels somewhere, of each atom alone, all."""
    useful = tuple(min(e, max(m[k] for m in poly)) for k, e in enumerate(monomial))
    single = [
        tuple(e if i == k else 0 for i in range(len(monomial)))
        for k, most in enumerate(useful)
        for e in range(1, min(most, MOST_SHARES) + 1)
    ]
    return [share for share in dict.fromkeys((useful, *single, monomial)) if any(share)]


def coefficient_of(poly: Poly, k: int, power: int) -> Poly:
    """The coefficient of a power of the k-th generator."""
    terms = {(*m[:k], 0, *m[k + 1 :]): c for m, c in poly.terms() if m[k] == power}
    return poly.ring.from_dict(terms)


def divided_in(over: Poly, under: Poly, k: int) -> tuple[Poly, Poly]:
    """Division with remainder with respect to one generator, as far as no fractions appear."""
    quotient, rest = over.ring.zero, over
    generator = over.ring.gens[k]
    degree = under.degree(k)
    lead = coefficient_of(under, k, degree)
    while rest and rest.degree(k) >= degree:
        power = rest.degree(k)
        part, left = divmod(coefficient_of(rest, k, power), lead)
        if left or not part:
            break
        part = part * generator ** (power - degree)
        quotient, rest = quotient + part, rest - part * under
    return quotient, rest
