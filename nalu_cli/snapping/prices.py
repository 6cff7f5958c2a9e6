"""What a number costs in bits by how it is written, and the cheapest ones near a value."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from functools import partial

__all__ = ["cheapest", "price_of_coefficient", "price_of_exponent"]

BITS_PER_DIGIT = math.log2(10)

DENOMINATORS = (2, 3, 4, 6, 7, 8, 9, 12, 15, 16, 18, 24, 32, 36, 48, 60, 72)
"""Of fractions that stand in formulas. *Guess:* those of handbooks."""

MULTIPLES_OF_PI = (1.0, 2.0, 4.0, 0.5, 0.25, 4 / 3, 1 / 6, 1 / 8, 8.0, 1 / 3, 3.0)
"""*Guess:* circles, spheres, springs and beams."""

MOST_DIGITS = 15
"""*Derived:* a double has no more."""

POINT = 2.0
"""Bits of where the decimal point stands. *Guess.*"""

FRACTION, RECIPROCAL, OF_PI = 3.0, 3.0, 6.0
"""Bits that say which family a number is of. *Guess.*"""


OF_A_PRODUCT = 4.0
"""Bits by which a quotient costs more before a product of powers. *Guess:* there a number stands as
it was written; those of sums come from quotients. *Measured:* without it 7 of 396 printed power
laws get a fraction or a reciprocal for a decimal of four digits, with it none."""

DIGITS, OF_MORE_DIGITS = 4, 4.0
"""Digits that such a number has, and bits of each further one beside itself. *Guess:* few are
measured so well. A reciprocal of four digits, as of 2 g, is as good as five."""

DECIMALS, OF_MORE_DECIMALS = 3, 2.0
"""Decimals that exponents have, and bits of each further one beside its digit. *Guess.*"""


def price_of_exponent(value: float) -> float:
    """Bits of an exponent: -1, 0, 1 cost least, then small whole ones and halves, then others."""
    size = abs(value)
    if size in (0.0, 1.0):
        return size
    if float(2 * size).is_integer() and size <= 8:
        return 1.5 + size / 2 + (1.0 if not size.is_integer() else 0.0)
    decimals = len(f"{size:.12f}".rstrip("0").partition(".")[2])
    rare = OF_MORE_DECIMALS * max(0, decimals - DECIMALS)
    return min(_decimal_price(size) + rare, _fraction_price(size))


def price_of_coefficient(value: float, *, of_product: bool = False) -> float:
    """Bits of a coefficient.

    Parameters
    ----------
    value : float
    of_product : bool
        Whether it stands before a product of powers that is all of a formula.
    """
    size = abs(value)
    if size in (0.0, 1.0):
        return size
    quotient = min(_fraction_price(size), _decimal_price(1 / size) + RECIPROCAL)
    decimal = _decimal_price(size)
    if of_product:
        quotient += OF_A_PRODUCT
        decimal += OF_MORE_DIGITS * max(0, _digits(size) - DIGITS)
    return min(decimal, quotient, _pi_price(size))


def _digits(size: float) -> int:
    """Significant ones."""
    return len(f"{size:.{MOST_DIGITS}g}".split("e")[0].replace(".", "").strip("0")) or 1


def _decimal_price(size: float) -> float:
    digits = _digits(size)
    plain = 0.0 if size.is_integer() and size < 10**digits else POINT
    return BITS_PER_DIGIT * digits + plain


def _fraction_price(size: float) -> float:
    for n in DENOMINATORS:
        over = round(size * n)
        if 0 < over < 1000 and abs(over / n - size) <= 4e-16 * size and math.gcd(over, n) == 1:
            return FRACTION + math.log2(n) + (math.log2(over) + 1 if over > 1 else 0.0)
    return math.inf


def _pi_price(size: float) -> float:
    for n in MULTIPLES_OF_PI:
        if abs(n * math.pi - size) <= 4e-16 * size:
            return OF_PI + abs(math.log2(n))
    return math.inf


TINY = 1e-280
"""*Derived:* units of the last digit of smaller numbers, and of the reciprocals of larger ones, are
no ordinary doubles."""


def cheapest(
    value: float,
    width: float,
    *,
    exponent: bool,
    of_product: bool = False,
    related: Iterable[tuple[float, float]] = (),
    most: int = 8,
) -> list[tuple[float, float]]:
    """Values within a distance that cost least.

    Parameters
    ----------
    value, width : float
    exponent : bool
        Whether it is an exponent.
    of_product : bool
        As in `price_of_coefficient`.
    related : iterable of (float, float)
        Price and value of further numbers to think of, such as others of the formula.
    most : int
        How many.

    Returns
    -------
    list of (float, float)
        Price in bits and value, cheapest first, of equal ones the nearest first.
    """
    if not abs(value) + width <= 1 / TINY:
        return []
    price = price_of_exponent if exponent else partial(price_of_coefficient, of_product=of_product)
    found = {x: price(x) for x in _near(value, width, most) if abs(x - value) <= width}
    if not exponent:
        found |= {x: price(x) for x in _special(value, width) if abs(x - value) <= width and x}
    else:
        fractions = (f(n * value) / n for n in (2, 3, 4, 6) for f in (math.floor, math.ceil))
        found |= {x: price(x) for x in fractions if abs(x - value) <= width}
    for bits, x in related:
        if abs(x - value) <= width:
            found[x] = min(found.get(x, math.inf), bits)
    if abs(value) <= width:
        found[0.0] = 0.0
    ranked = sorted((bits, abs(x - value), x) for x, bits in found.items())
    return [(bits, x) for bits, _, x in ranked[:most]]


def _near(value: float, width: float, most: int) -> Iterator[float]:
    """Decimals of rising length, the nearest of each, until enough are within the distance."""
    if value == 0 or not TINY <= abs(value) + width <= 1 / TINY:
        return
    count = 0
    lead = math.floor(math.log10(abs(value) + width))
    for digits in range(1, MOST_DIGITS + 1):
        unit = 10.0 ** (lead - digits + 1)
        middle, reach = round(value / unit), 2 + int(min(most / 2, width / unit))
        near = range(middle - reach, middle + reach + 1)
        for k in sorted(near, key=lambda k: abs(k * unit - value)):
            x = float(f"{k * unit:.{MOST_DIGITS}g}")
            if x and abs(x - value) <= width:
                count += 1
                yield x
        if count >= most:
            return


def _special(value: float, width: float) -> Iterator[float]:
    """Fractions, reciprocals of short decimals, and multiples of pi."""
    size = abs(value)
    for n in DENOMINATORS:
        over = round(size * n)
        if over:
            yield math.copysign(over / n, value)
    for multiple in MULTIPLES_OF_PI:
        yield math.copysign(multiple * math.pi, value)
    if size > max(width, TINY):
        for x in _near(1 / size, width / size / (size - width), 3):
            yield math.copysign(1 / x, value)
