"""Names of real constants, 1/2, 4/3, pi/4, sqrt(2), 2.97, with the odds of chance."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

__all__ = ["TIGHT", "Named", "is_long", "literal", "name_constant", "snap_value"]

TIGHT = 4e-15
"""*Guess:* a double counts as a named value at up to this relative distance: some 18 steps of
rounding."""

MOST_ODDS = 5e-3
"""*Guess:* a name is believed when a random number would get one as short less often than this."""

MOST_DIGITS = 10
"""*Guess:* a decimal of so many significant digits is short: 1.602176634e-19 has ten, 299792458
nine."""

MOST_FACTOR_DIGITS = 9
"""*Guess:* a decimal that is divided by, or multiplied with a power of pi is short up to so many
digits."""

LARGEST_RATIONAL = 10**7
"""*Guess:* the numerator times the denominator of a plain fraction is at most this; the odds of
names rule out most fractions below it."""

LARGEST_MULTIPLE = 10**4
"""*Guess:* the numerator times the denominator of a fraction of pi or of a root is at most this."""

LARGEST_DENOMINATOR = 10**4
"""*Guess:* no fraction with a larger denominator is read as a name."""

ROUNDING = 1e-15
"""*Derived:* quick looks in floats, which come before exact arithmetic, are off by some units of
rounding."""

ROUNDING_OF_ODDS = 1e-9
"""*Guess:* the bound that the odds set is widened by this share, much more than it is rounded by;
the odds themselves are computed again."""

LOOSEST_DERIVED = 1e-9
"""*Guess:* reciprocals of decimals and decimal multiples of pi are only looked for up to this
tolerance: there are too many of them for a looser one."""

SMALLEST_DERIVED = 1e-290
"""*Derived:* nearer to the ends of the doubles a quotient would overflow; only decimals are tried
there."""

RATIONAL_DENSITY = 6 / math.pi**2
"""*Derived:* the share of reduced fractions among all p/q; half of it times H of them have p*q <= H
in each unit of log(p/q)."""

DECIMAL_DENSITY = 2 * 9 / math.log(10)
"""*Derived:* twice the density of decimals: 9 * 10**(d - 1) of them have d digits in each
decade."""

_SCALE = 10**60
"""*Derived:* sixty decimals are four times those of a double, so that exact comparisons are never
decided by rounding."""

_PI = Fraction(3141592653589793238462643383279502884197169399375105820974944, _SCALE)
"""*Cited:* the first sixty decimals of pi (OEIS A000796)."""


@dataclass(frozen=True, slots=True)
class Named:
    """A constant with a short name: numerator / denominator * pi**pi_power * sqrt(radicand).

    Parameters
    ----------
    text : str
        In Python syntax: ``1/2``, ``4/3``, ``pi/4``, ``1/(4*pi)``, ``sqrt(2)``, ``2.97``.
    value : float
        The double nearest to the named value.
    odds : float
        Probability that a random number lies within the tolerance of some name as short as this.
    numerator, denominator : float
        Literals, short as decimals; only the numerator can be negative. The exact value of a
        literal is the decimal it prints as.
    pi_power : Fraction
        From -2 to 2 in halves.
    radicand : int
        1 when there is no root.
    """

    text: str
    value: float
    odds: float
    numerator: float
    denominator: float = 1.0
    pi_power: Fraction = Fraction(0)
    radicand: int = 1


@dataclass(frozen=True, slots=True)
class _Family:
    """Multiples of one irrational number; `rank` counts the families at least as common."""

    pi_power: Fraction
    radicand: int
    rank: int

    def factor(self) -> Fraction:
        power = self.pi_power
        whole = _PI ** math.floor(power)
        root = _root(_PI) if power.denominator == 2 else Fraction(1)
        return whole * root * _root(Fraction(self.radicand))


def _root(x: Fraction) -> Fraction:
    return Fraction(math.isqrt(int(x * _SCALE * _SCALE)), _SCALE)


_PLAIN = _Family(Fraction(0), 1, 1)
"""*Derived:* numbers without pi and roots: the family that all others come after."""

_FAMILIES = (
    _PLAIN,
    _Family(Fraction(1), 1, 3),
    _Family(Fraction(-1), 1, 3),
    _Family(Fraction(0), 2, 5),
    _Family(Fraction(0), 3, 5),
    _Family(Fraction(2), 1, 9),
    _Family(Fraction(-2), 1, 9),
    _Family(Fraction(1, 2), 1, 9),
    _Family(Fraction(-1, 2), 1, 9),
)
"""*Guess:* the more a family has to multiply its fractions with, the higher its rank, by which
names count as rarer."""

_FACTORS = tuple(family.factor() for family in _FAMILIES)


def name_constant(value: float, *, tolerance: float = TIGHT) -> Named | None:
    """The shortest name of a value, if there is one that is hardly chance.

    Parameters
    ----------
    value : float
        Any number.
    tolerance : float
        Relative distance that counts as equal; for a measured constant its relative standard
        error. The looser, the shorter a name must be to be believed.

    Returns
    -------
    Named or None
        None when every name within the tolerance is too long to be more than chance.
    """
    # a value that is not known to one digit has no name
    if not math.isfinite(value) or not tolerance < 1:
        return None
    if value == 0.0:
        return Named("0", 0.0, 0.0, 0.0)
    return _name(value, tolerance)


def is_long(value: float) -> bool:
    """Whether a value has no name and is no short decimal."""
    return name_constant(value) is None


def snap_value(value: float, tolerance: float) -> float:
    """The double of the name within a relative tolerance of a value, else the value itself."""
    named = name_constant(value, tolerance=tolerance)
    return value if named is None else named.value


def literal(value: float) -> str:
    """The shortest Python literal that reads back as the same double."""
    text = repr(value)
    return text.removesuffix(".0")


@lru_cache(maxsize=4096)
def _name(value: float, tolerance: float) -> Named | None:
    size = Fraction(abs(value))
    slack = Fraction(max(tolerance, 2.0**-53))
    best = min(_candidates(size, slack), key=lambda pair: pair[0], default=None)
    if best is None:
        return None
    return best[1] if value > 0 else _negated(best[1])


def _negated(named: Named) -> Named:
    return Named(
        f"-{named.text}",
        -named.value,
        named.odds,
        -named.numerator,
        named.denominator,
        named.pi_power,
        named.radicand,
    )


Ranked = tuple[float, Named]
"""How long a name is to read, and the name."""


def _candidates(size: Fraction, slack: Fraction) -> Iterator[Ranked]:
    yield from _plain_decimal(size, slack)
    if not SMALLEST_DERIVED < size < 1 / SMALLEST_DERIVED:
        return
    for family, factor in zip(_FAMILIES, _FACTORS, strict=True):
        fraction = _fraction(size, slack, family, factor)
        if fraction is not None:
            yield fraction
        elif slack < LOOSEST_DERIVED and family.radicand == 1 and family.rank <= 3:
            yield from _derived_decimals(size / factor, slack, family)


def _fraction(size: Fraction, slack: Fraction, family: _Family, factor: Fraction) -> Ranked | None:
    largest = LARGEST_RATIONAL if family is _PLAIN else LARGEST_MULTIPLE
    density = RATIONAL_DENSITY * family.rank
    bound = min(largest, _most(density, slack))
    if not _is_near_fraction(float(size) / float(factor), float(slack), bound):
        return None
    ratio = size / factor
    simplest = _simplest_between(ratio * (1 - slack), ratio * (1 + slack))
    p, q = simplest.numerator, simplest.denominator
    if p * q > largest or q > LARGEST_DENOMINATOR:
        return None
    odds = _odds(density * p * q, slack)
    if odds > MOST_ODDS:
        return None
    named = _written(float(p), float(q), family, odds)
    # as a factor, 1/q takes no numerator: x/20 against 0.05*x; p/q is two numbers: 1.5*x
    extra = 0 if q == 1 else (-1 if p == 1 and family is _PLAIN else 2)
    return len(named.text) + extra, named


def _is_near_fraction(ratio: float, slack: float, bound: float) -> bool:
    """Whether a p/q with p*q up to a bound may lie within the slack.

    Quick in floats: an interval a little wider than the one in question is searched, by the steps
    of `_simplest_between`, and each step widens what it started from more than it rounds.
    """
    low, high = ratio * (1 - slack - ROUNDING), ratio * (1 + slack + ROUNDING)
    p, q, p_before, q_before = 1, 0, 0, 1
    while p * q <= bound:
        whole = math.ceil(low)
        if whole <= high:
            return (whole * p + p_before) * (whole * q + q_before) <= bound
        below = whole - 1
        p, p_before = below * p + p_before, p
        q, q_before = below * q + q_before, q
        low, high = 1 / (high - below), 1 / (low - below)
    return False


def _plain_decimal(size: Fraction, slack: Fraction) -> Iterator[Ranked]:
    found = _shortest_decimal(size, slack, MOST_DIGITS, DECIMAL_DENSITY)
    if found is not None:
        number, odds = found
        # half a symbol: a fraction as short is preferred
        yield len(literal(number)) + 0.5, _written(number, 1.0, _PLAIN, odds)


def _derived_decimals(ratio: Fraction, slack: Fraction, family: _Family) -> Iterator[Ranked]:
    density = DECIMAL_DENSITY * 2 * family.rank
    for reciprocal in (True,) if family is _PLAIN else (False, True):
        target = 1 / ratio if reciprocal else ratio
        found = _shortest_decimal(target, slack, MOST_FACTOR_DIGITS, density)
        if found is not None:
            number, odds = found
            p, q = (1.0, number) if reciprocal else (number, 1.0)
            named = _written(p, q, family, odds)
            yield len(named.text) + 0.5, named


def _shortest_decimal(
    target: Fraction, slack: Fraction, digits: int, density: float
) -> tuple[float, float] | None:
    """The shortest decimal within the slack that is hardly chance, and the odds."""
    rough = float(target)
    most = _most(density, slack)
    if not math.isfinite(rough) or rough == 0.0 or most < 1:
        return None
    digits = min(digits, 1 + math.floor(math.log10(most)))
    # most doubles are long: one look at the longest decimal in question saves the others
    longest = float(f"{rough:.{digits - 1}e}")
    if not abs(longest - rough) <= (float(slack) + ROUNDING) * rough:
        return None
    for length in range(1, digits + 1):
        number = float(f"{rough:.{length - 1}e}")
        # 1.79e308 rounds up to no double
        if math.isfinite(number) and abs(Fraction(repr(number)) - target) <= slack * target:
            odds = _odds(density * 10.0 ** (length - 1), slack)
            return None if odds > MOST_ODDS else (number, odds)
    return None


def _most(density: float, slack: Fraction) -> float:
    """How large p*q, or 10**(digits - 1), may be for a name to be believed, and a little more."""
    return -math.log1p(-MOST_ODDS) / (density * float(slack)) * (1 + ROUNDING_OF_ODDS)


def _odds(density: float, slack: Fraction) -> float:
    return -math.expm1(-density * float(slack))


def _simplest_between(low: Fraction, high: Fraction) -> Fraction:
    """The fraction with the smallest denominator in [low, high], 0 < low <= high."""
    whole = math.ceil(low)
    if whole <= high:
        return Fraction(whole)
    floor = whole - 1
    return floor + 1 / _simplest_between(1 / (high - floor), 1 / (low - floor))


def _written(p: float, q: float, family: _Family, odds: float) -> Named:
    over, under = ([literal(p)] if p != 1.0 else []), ([literal(q)] if q != 1.0 else [])
    if family.pi_power:
        (over if family.pi_power > 0 else under).append(_PI_TEXT[abs(family.pi_power)])
    if family.radicand != 1:
        over.append(f"sqrt({family.radicand})")
    text = "*".join(over) or "1"
    if under:
        text += f"/({'*'.join(under)})" if len(under) > 1 else f"/{under[0]}"
    exact = Fraction(literal(p)) / Fraction(literal(q)) * family.factor()
    return Named(text, float(exact), odds, p, q, family.pi_power, family.radicand)


_PI_TEXT = {Fraction(1): "pi", Fraction(2): "pi**2", Fraction(1, 2): "sqrt(pi)"}
"""*Derived:* the powers of pi that the families have, as they are written."""
