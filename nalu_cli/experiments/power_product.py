"""Products of powers of columns: their numbers, and whether printed rows tell each number."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice

import numpy as np
import sympy
from numpy.typing import NDArray

from nalu_cli.experiments.known_law import KnownLaw, Rows
from nalu_cli.experiments.written_formula import FormulaError, read_formula

__all__ = ["PowerProduct", "has_powers_of", "power_product", "tells_numbers"]

Floats = NDArray[np.float64]

FARTHEST = 6.0
"""Rivals are looked for up to this distance in standard errors of the printed targets.

*Derived:* rounding spreads a target over h/sqrt(3) around the printed one, h being half a unit of
the last digit. A rival at this distance is off by 6*h/sqrt(3*k) in each of k rows, and k cells all
print as they do for it with a chance of (1 - 3/sqrt(3*k))**k, which is below 0.001 for every k.
"""

MOST_RIVALS = 20_000
"""Rivals held against the rows.

*Guess:* a law with more of them so near has one that prints the same.
"""


@dataclass(frozen=True, slots=True)
class PowerProduct:
    """A coefficient times powers of columns.

    Parameters
    ----------
    coefficient : sympy.Expr
    exponents : mapping of str to sympy.Rational
        Of the columns it depends on.
    """

    coefficient: sympy.Expr
    exponents: Mapping[str, sympy.Rational]


def power_product(found: sympy.Expr) -> PowerProduct | None:
    """The numbers of an expression that is a product of powers where all columns are positive.

    Parameters
    ----------
    found : sympy.Expr
        From `read_formula`.

    Returns
    -------
    PowerProduct or None
        None when it is something else.
    """
    places = {s: sympy.Dummy(s.name, positive=True) for s in found.free_symbols}
    names = {place: symbol.name for symbol, place in places.items()}
    # powers of products of positive numbers come apart on their own
    coefficient, rest = found.xreplace(places).as_independent(*names, as_Add=False)
    powers = {} if rest == 1 else rest.as_powers_dict()
    if any(base not in names or not exponent.is_Rational for base, exponent in powers.items()):
        return None
    return PowerProduct(coefficient, {names[base]: e for base, e in powers.items()})


def has_powers_of(law: KnownLaw, found: str) -> bool:
    """Whether a found formula is a product of powers of the columns that a law has powers of."""
    try:
        product = power_product(read_formula(found, law.columns))
    except FormulaError:
        return False
    truth = power_product(read_formula(law.formula, law.names))
    return (
        product is not None and truth is not None and set(product.exponents) == set(truth.exponents)
    )


def tells_numbers(law: KnownLaw, rows: Rows) -> bool:
    """Whether printed rows tell the numbers of a law from all others with as many decimals.

    Parameters
    ----------
    law : KnownLaw
        A product of powers of positive columns, with a printed target.
    rows : Rows
        Its training rows.

    Returns
    -------
    bool
        False where other numbers print the same targets: whoever finds those is not wrong.
    """
    product = power_product(read_formula(law.formula, law.names))
    assert product is not None
    assert law.digits is not None
    numbers = [product.coefficient, *product.exponents.values()]
    values, steps = np.array(numbers, dtype=np.float64), np.array([*map(_last_digit, numbers)])
    logs = np.log(rows.X[:, [law.names.index(name) for name in product.exponents]])
    half = _half_widths(rows.y, law.digits)
    # the relative change of each target when a number changes by one step, in standard errors
    slopes = np.column_stack([np.full(len(rows), 1 / values[0]), logs]) * steps
    weighted = slopes * (math.sqrt(3) * np.abs(rows.y) / half)[:, None]
    triangle = np.asarray(np.linalg.qr(weighted, mode="r"), dtype=np.float64)
    rivals = list(islice(_near(triangle, FARTHEST**2), MOST_RIVALS))
    if len(rivals) == MOST_RIVALS:
        return False
    return not any(
        _prints(values + rival * steps, logs, rows.y, half) for rival in rivals if rival.any()
    )


def _last_digit(number: sympy.Rational) -> float:
    """A unit of the last digit of a decimal that is not zero."""
    decimal = (Decimal(number.p) / Decimal(number.q)).normalize()
    return 10.0 ** int(decimal.as_tuple().exponent)


def _half_widths(values: Floats, digits: int) -> Floats:
    """Half a unit of the last of so many significant digits."""
    halves: Floats = 0.5 * 10.0 ** (np.floor(np.log10(np.abs(values))) - digits + 1)
    return halves


def _near(triangle: Floats, most: float) -> Iterator[Floats]:
    """Whole steps z of all numbers for which the squared length of `triangle @ z` is at most that.

    Notes
    -----
    The enumeration of Fincke and Pohst (1985), from the last number to the first.
    """

    def chosen(level: int, steps: Sequence[int], left: float) -> Iterator[Floats]:
        if level < 0:
            yield np.array(steps, dtype=np.float64)
            return
        size = triangle[level, level]
        middle = -float(triangle[level, level + 1 :] @ np.array(steps, dtype=np.float64)) / size
        reach = math.sqrt(left) / abs(size)
        for step in range(math.ceil(middle - reach), math.floor(middle + reach) + 1):
            rest = left - (size * (step - middle)) ** 2
            yield from chosen(level - 1, [step, *steps], max(rest, 0.0))

    yield from chosen(len(triangle) - 1, [], most)


def _prints(numbers: Floats, logs: Floats, y: Floats, half: Floats) -> bool:
    """Whether a coefficient and exponents print the targets they are held against."""
    values = numbers[0] * np.exp(logs @ numbers[1:])
    return bool(np.all(np.abs(values - y) <= half))
