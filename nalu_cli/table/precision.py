"""How precisely the cells of a column are printed, told from how they are written."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from nalu_cli.table.written import number_texts

__all__ = [
    "DOUBLES",
    "WHOLE",
    "Kind",
    "Precision",
    "precision_of_texts",
    "precision_of_values",
    "sampled_rows",
]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MOST_DIGITS = 12
"""Significant digits of a printed number.

*Derived:* doubles that nobody rounded have 15 to 17 but for one in a hundred with fewer, and no
instrument gives 13.
"""

RARE = 0.05
"""Share of the cells that may have more digits than the others.

*Guess:* slips of whoever typed the table are rarer, columns that mean it are not.
"""

OFTEN = 0.2
"""Share of the cells that must have the most decimals.

*Derived:* nine in ten have, where the last digit is like any other; half of them, where values are
multiples of 0.5, 0.25 or 0.125, and fewer where people prefer whole numbers.
"""

MOSTLY = 0.6
"""Share of the cells that must have the most significant digits.

*Derived:* nine in ten have; of five cells three or more have with odds of 100 to 1.
"""

ZEROS = 2
"""Zeros at the end that one rule must explain better than the other.

*Derived:* one digit in ten is a zero, so two of them are odds of 100 to 1.
"""

ZEROS_OF_COUNTS = 4
"""The same where all numbers are whole.

*Guess:* of a hundred columns of whole numbers one is printed to significant digits.
"""

FEWEST_SIGNIFICANT = 2
"""Numbers such as 0.1, 0.2, 0.5, 1, 2 are settings that somebody chose, not one printed digit."""

SAMPLE = 500
"""Cells of a column that are looked at.

*Derived:* the standard error of a share is 2 % at most, a tenth of what the rules turn on.
"""

SAMPLE_CELLS = 30_000
"""Cells of a table that are looked at: the more columns there are, the fewer of each.

*Measured:* a cell takes 7 microseconds.
"""

FEWEST_SAMPLED = 50
"""Cells of a column that are looked at in any case.

*Measured:* of 30,000 printed columns of 50 cells over two decades and more each got its rule back.
"""

_NUMBER = re.compile(r"[+-]?(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,4}))?")


class Kind(StrEnum):
    """What is the same in all cells of a column."""

    DOUBLES = "doubles"
    DECIMALS = "decimals"
    SIGNIFICANT = "significant"
    WHOLE = "whole"


@dataclass(frozen=True, slots=True)
class Precision:
    """How the cells of a column are printed.

    Parameters
    ----------
    kind : Kind
    digits : int
        Decimals, or significant digits; 0 for whole numbers and full doubles.
    """

    kind: Kind
    digits: int = 0

    def half_widths(self, values: Floats) -> Floats:
        """How far from each printed value the true one may lie.

        Parameters
        ----------
        values : ndarray of any shape

        Returns
        -------
        ndarray of the same shape
            Half a unit of the last printed digit; 0 for full doubles.
        """
        match self.kind:
            case Kind.DOUBLES:
                return np.zeros(values.shape)
            case Kind.SIGNIFICANT:
                return _halves_of_significant(np.abs(values), self.digits)
        return np.full(values.shape, _half_unit(self.digits))

    def __str__(self) -> str:
        s = "" if self.digits == 1 else "s"
        match self.kind:
            case Kind.DOUBLES:
                return "full doubles"
            case Kind.WHOLE:
                return "whole numbers"
            case Kind.DECIMALS:
                return f"{self.digits} decimal{s}"
            case Kind.SIGNIFICANT:
                return f"{self.digits} significant digit{s}"


DOUBLES = Precision(Kind.DOUBLES)
WHOLE = Precision(Kind.WHOLE)


def _half_unit(decimals: int) -> float:
    # read from text, as no power of ten below one is a double
    return float(f"5e{-decimals - 1}")


def _halves_of_significant(sizes: Floats, digits: int) -> Floats:
    """Half-widths in proportion to the decade of each value."""
    known = (sizes > 0) & np.isfinite(sizes)
    exponents = np.floor(np.log10(sizes, where=known, out=np.zeros(sizes.shape)))
    halves = 0.5 * 10.0 ** (exponents - digits + 1)
    # whole numbers are often written in full, where the others have this many digits
    in_full = (halves > 0.5) & (sizes % (2 * halves) != 0) & (sizes < 10.0**MOST_DIGITS)
    halves[in_full] = 0.5
    # a zero has no decade: it is as precise as the most precise of the others
    halves[~known] = halves[known].min(initial=np.inf) if known.any() else 0.0
    return halves


def sampled_rows(n_rows: int, n_columns: int) -> Ints:
    """The rows whose cells are looked at: all of a short table, some at random of a long one."""
    most = min(SAMPLE, max(FEWEST_SAMPLED, SAMPLE_CELLS // max(1, n_columns)))
    if n_rows <= most:
        return np.arange(n_rows)
    # equal tables get equal samples; equal steps could fall in step with the rows
    return np.sort(np.random.default_rng(0).choice(n_rows, most, replace=False))


def precision_of_values(values: Floats) -> Precision:
    """The precision of a column of which only the doubles are known.

    Parameters
    ----------
    values : ndarray of shape (n_rows,)
        NaN where there is no number.
    """
    finite = values[np.isfinite(values)]
    return precision_of_texts(number_texts(finite[sampled_rows(len(finite), 1)]))


def precision_of_texts(texts: Iterable[str]) -> Precision:
    """The precision of a column.

    Parameters
    ----------
    texts : iterable of str
        Cells, with points for decimal marks and without thousands separators. Those that are no
        numbers are passed over, as are zeros, which any rule writes alike.

    Returns
    -------
    Precision
    """
    # a value that comes twice was not rounded twice
    cells = [cell for cell in map(_written, dict.fromkeys(texts)) if cell is not None]
    if not cells:
        return DOUBLES
    decimals, significant, shown, shown_significant = np.array(cells).T
    if significant.max() > MOST_DIGITS:
        return DOUBLES
    plain = _printed_alike(decimals, shown, shown_significant)
    return plain or _printed_without_zeros(decimals, significant)


def _written(text: str) -> tuple[int, int, int, int] | None:
    """Decimals and significant digits of a cell without the zeros at its end, and with them.

    The last two are -1 where no decimal mark says that zeros at the end were meant.
    """
    match = _NUMBER.fullmatch(text.strip())
    if match is None:
        return None
    whole, fraction, exponent = match.groups(default="")
    digits = (whole + fraction).lstrip("0")
    kept = digits.rstrip("0")
    if not kept:
        return None
    shown = len(fraction) - int(exponent or 0)
    shortest = (shown - len(digits) + len(kept), len(kept))
    return (*shortest, shown, len(digits)) if fraction else (*shortest, -1, -1)


def _printed_alike(decimals: Ints, shown: Ints, significant: Ints) -> Precision | None:
    """The rule, where every cell is written by it to the last zero."""
    if shown[0] > 0 and np.all(shown == shown[0]):
        # programs write whole numbers as 12.0 where they hold them as doubles
        return WHOLE if shown[0] == 1 and decimals.max() <= 0 else _decimals(shown[0])
    if significant[0] >= FEWEST_SIGNIFICANT and np.all(significant == significant[0]):
        return Precision(Kind.SIGNIFICANT, int(significant[0]))
    return None


def _printed_without_zeros(decimals: Ints, significant: Ints) -> Precision:
    """The rule that explains best how many zeros were dropped at the end of each cell."""
    most_decimals, fractions = _most(decimals), decimals > 0
    judged = significant[fractions] if fractions.any() else significant
    most = _most(judged)
    # a whole number may be written in full beside fractions of so many digits
    in_full = np.where(fractions | ~fractions.any(), significant, np.minimum(significant, most))
    more = _dropped(decimals, most_decimals) - _dropped(in_full, most)
    if more >= (ZEROS if fractions.any() else ZEROS_OF_COUNTS):
        if most >= FEWEST_SIGNIFICANT and np.mean(judged == most) >= MOSTLY:
            return Precision(Kind.SIGNIFICANT, most)
        if fractions.any():
            return DOUBLES
    if not fractions.any():
        return WHOLE
    fits = most_decimals > 0 and np.mean(decimals == most_decimals) >= OFTEN
    return _decimals(most_decimals) if fits else DOUBLES


def _decimals(digits: int) -> Precision:
    return Precision(Kind.DECIMALS, int(digits))


def _most(digits: Ints) -> int:
    """The most digits, but for cells so rare that they are slips."""
    return int(np.sort(digits)[::-1][int(RARE * len(digits))])


def _dropped(digits: Ints, most: int) -> int:
    """Zeros dropped at the end, and as many for each cell with more digits than the rule allows."""
    return int(np.where(digits > most, ZEROS, most - digits).sum())
