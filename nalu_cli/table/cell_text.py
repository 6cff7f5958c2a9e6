"""What the text of one cell means: a number, a missing value, a truth value or none of these."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

__all__ = [
    "MISSING_WORDS",
    "TRUTH_WORDS",
    "Refusal",
    "is_missing",
    "number_in",
    "refusal_of",
    "written_decimals",
]

MISSING_WORDS = frozenset(
    {"", "na", "nan", "-nan", "null", "none", "nil", "n/a", "#n/a", "<na>", "missing"}
    | {"-", "--", "?", ".", "\u2013", "\u2014"}
)
"""Spellings of a missing value, trimmed and casefolded."""

TRUTH_WORDS = {"true": 1.0, "false": 0.0}
"""Spellings of a truth value, casefolded, and the numbers that stand for them."""

_FOREIGN_SIGNS = str.maketrans({"\u2212": "-", "\uff0d": "-", "\uff0b": "+", "\uff0e": "."})
_DECIMALS = re.compile(r"[+-]?\d*(?:\.(\d*))?(?:[eE]([+-]?\d+))?")


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a cell is not read as a number.

    Parameters
    ----------
    reason : str
        Continues the sentence that begins with the quoted cell.
    nearly : bool
        Whether a person would read a number here, as in ``10%``: such a column is not text.
    """

    reason: str
    nearly: bool


def is_missing(text: str) -> bool:
    """Whether a cell is empty or spells a missing value."""
    return text.strip().casefold() in MISSING_WORDS


def number_in(text: str, decimal: str = ".") -> float | None:
    """The double nearest to the number written in a cell; None if there is no finite one.

    Unicode minus signs and the digits of any script are read; underscores, hexadecimal numbers
    and thousands separators are not.
    """
    plain = text.translate(_FOREIGN_SIGNS)
    if "_" in plain:
        return None
    if decimal != ".":
        # '1.234' beside a decimal comma is a thousands separator, never 1.234.
        plain = "" if "." in plain else plain.replace(decimal, ".")
    try:
        number = float(plain)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


_PLAIN = "is not a number"
_REFUSALS: tuple[tuple[re.Pattern[str], Refusal], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), Refusal(reason, nearly))
    for pattern, reason, nearly in (
        (r"[+-]?inf(inity)?", "is not a finite number", True),
        (r"[+-]?\d*\.?\d*e\+?\d+", "is too large for a double (the largest is 1.8e308)", True),
        (r".*[$€£¥₹].*\d.*|.*\d.*[$€£¥₹].*", "has a currency sign", True),
        (r"[+-]?[\d.,]+\s*[%‰]", "has a percent sign", True),
        (r"\(\s*[\d.,]+\s*\)", "is an accounting negative", True),
        (r"[\d.,]+-", "has its minus sign at the end", True),
        (r"\d{1,4}([-/.])\d{1,2}\1\d{1,4}([T ].*)?", "looks like a date", False),
        (r"\d{1,3}:\d{2}(:\d{2}(\.\d*)?)?\s*([ap]m)?", "looks like a time", False),
        (
            r"[+-]?\d{1,3}([,.'’ \u00a0\u2009\u202f])\d{3}(\1\d{3})*([.,]\d*)?",
            "has a thousands separator",
            True,
        ),
        (r"[+-]?\d*,\d+(e[+-]?\d+)?", "has a decimal comma", True),
        (r"[+-]?\d+\s*/\s*\d+", "is a fraction", True),
        (r"[+-]?0x[0-9a-f]+", "is hexadecimal", True),
        (r"[+-]?\d*\.?\d*d[+-]?\d+", "has a Fortran exponent", True),
        (r"[+-]?\d+(_\d+)+(\.\d*)?", "has underscores between its digits", True),
        (r"[+-]?\d+\.?\d*\s+[^\d\s].{0,9}", "has a unit behind the number", True),
    )
)


def refusal_of(text: str) -> Refusal:
    """Why `number_in` returned None for this text.

    Only the first 100 characters are looked at; no number a person wrote is longer.
    """
    cell = text.strip()[:100]
    for pattern, refusal in _REFUSALS:
        if pattern.fullmatch(cell):
            return refusal
    return Refusal(_PLAIN, nearly=False)


def written_decimals(text: str) -> int:
    """Number of decimals a cell is written with: 2 for ``1.50``, 4 for ``1.50e-2``."""
    match = _DECIMALS.fullmatch(text.strip())
    if match is None:
        return 0
    fraction, exponent = match.groups()
    return max(0, len(fraction or "") - int(exponent or 0))
