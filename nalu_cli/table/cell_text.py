"""What the text of one cell means: a number, a missing value, a truth value or none of these."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace

from nalu_cli.errors import quoted

__all__ = [
    "EXACT_INTEGERS",
    "MISSING_WORDS",
    "PLAIN",
    "SMALLEST_NORMAL",
    "TRUTH_WORDS",
    "Refusal",
    "Spelling",
    "precision_note",
    "refusal_of",
]

MISSING_WORDS = frozenset(
    {"", "na", "nan", "-nan", "null", "none", "nil", "n/a", "#n/a", "<na>", "missing"}
    | {"-", "--", "?", ".", "\u2013", "\u2014"}
)
"""Spellings of a missing value, trimmed and casefolded."""

TRUTH_WORDS = {"true": 1.0, "false": 0.0}
"""Spellings of a truth value, casefolded, and the numbers that stand for them."""

_FOREIGN_SIGNS = str.maketrans({"\u2212": "-", "\uff0d": "-", "\uff0b": "+", "\uff0e": "."})


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a cell is not read as a number.

    Parameters
    ----------
    reason : str
        Continues the sentence that begins with the quoted cell.
    nearly : bool
        Whether a person would read a number here, as in ``10%``: such a column is not text.
    option : str
        The option with which it is read; may be empty.
    """

    reason: str
    nearly: bool
    option: str = ""


@dataclass(frozen=True, slots=True)
class Spelling:
    """How the numbers and the holes of a table are written.

    Parameters
    ----------
    decimal : str
        Decimal mark, one character.
    thousands : str
        Mark between groups of three digits; empty if there is none.
    missing_words : frozenset of str
        Spellings of a missing value besides the usual ones, trimmed and casefolded.
    missing_numbers : frozenset of float
        Numbers that stand for a missing value, however they are written.
    """

    decimal: str = "."
    thousands: str = ""
    missing_words: frozenset[str] = frozenset()
    missing_numbers: frozenset[float] = frozenset()

    @classmethod
    def of(cls, decimal: str, thousands: str, missing: Sequence[str]) -> Spelling:
        """The spelling with some further words or numbers for a missing value."""
        bare = cls(decimal, thousands)
        numbers = frozenset(x for x in map(bare._number_in, missing) if x is not None)
        words = frozenset(word.strip().casefold() for word in missing)
        return cls(decimal, thousands, words, numbers)

    def is_missing(self, text: str) -> bool:
        """Whether a cell is empty or spells a missing value."""
        word = text.strip().casefold()
        if word in MISSING_WORDS or word in self.missing_words:
            return True
        return bool(self.missing_numbers) and self._number_in(text) in self.missing_numbers

    def number_in(self, text: str) -> float | None:
        """The double nearest to the number written in a cell; None if there is no finite one.

        Unicode minus signs and the digits of any script are read; underscores, hexadecimal
        numbers and thousands separators that were not announced are not. Announced ones must
        stand between groups of three digits.
        """
        number = self._number_in(text)
        return None if number in self.missing_numbers else number

    def plain(self, text: str) -> str:
        """A cell with a point for the decimal mark and without marks between thousands.

        Nothing where the marks stand in other places than in numbers.
        """
        plain = text.strip().translate(_FOREIGN_SIGNS)
        if self.thousands:
            plain = self._ungrouped(plain)
        if self.decimal != ".":
            # a point beside a decimal comma would be a thousands separator, never a decimal point
            plain = "" if "." in plain else plain.replace(self.decimal, ".")
        return plain

    def _number_in(self, text: str) -> float | None:
        if "_" in text:
            return None
        try:
            number = float(self.plain(text))
        except ValueError:
            return None
        return number if math.isfinite(number) else None

    def _ungrouped(self, text: str) -> str:
        """The text without its thousands separators; nothing where they stand elsewhere."""
        mark = _LOOKALIKES.get(self.thousands, re.escape(self.thousands))
        trimmed = text.strip()
        if not re.search(mark, trimmed):
            return trimmed
        rest = rf"(?:{re.escape(self.decimal)}\d*)?(?:[eE][+-]?\d+)?"
        grouped = re.fullmatch(rf"[+-]?\d{{1,3}}(?:{mark}\d{{3}})+{rest}", trimmed)
        return re.sub(mark, "", trimmed) if grouped else ""


PLAIN = Spelling()

_APOSTROPHES, _SPACES = "['\u2019]", "[ \u00a0\u2009\u202f]"
_LOOKALIKES = dict.fromkeys("'’", _APOSTROPHES)
_LOOKALIKES |= dict.fromkeys(" \xa0\u2009\u202f", _SPACES)

EXACT_INTEGERS = 2.0**53
SMALLEST_NORMAL = sys.float_info.min

_INTEGER = re.compile(r"[+-]?0{0,99}\d{1,310}(\.0*)?")
_NOT_ZERO = re.compile(r"[^eE]*[1-9]")


def precision_note(name: str, read: Sequence[tuple[str, float]]) -> str:
    """What doubles cannot hold of a column; empty if nothing.

    Parameters
    ----------
    name : str
        The column.
    read : sequence of (str, float)
        Texts of cells with points for decimal marks, and the doubles they became.
    """
    changed = [
        (text, x)
        for text, x in read
        if abs(x) >= EXACT_INTEGERS and _INTEGER.fullmatch(text) and int(text.split(".")[0]) != x
    ]
    if changed:
        text, x = changed[0]
        return (
            f"column {quoted(name)} has integers above 2**53 that a double cannot hold "
            f"({_cells(changed)}, such as {quoted(text)} read as {int(x)})"
        )
    lost = [(text, x) for text, x in read if abs(x) < SMALLEST_NORMAL and _NOT_ZERO.match(text)]
    if lost:
        text, x = lost[0]
        return (
            f"column {quoted(name)} has numbers too small for a double to hold in full "
            f"({_cells(lost)}, such as {quoted(text)} read as {x:.3g})"
        )
    return ""


def _cells(some: Sequence[object]) -> str:
    return "1 cell" if len(some) == 1 else f"{len(some)} cells"


_REFUSALS: tuple[tuple[re.Pattern[str], Refusal], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), Refusal(reason, nearly))
    for pattern, reason, nearly in (
        (r"[+-]?inf(inity)?", "is not a finite number", True),
        (r"#(div/0|value|ref|num|name|null|n/d)[!?]?", "is an error of a spreadsheet", True),
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
        (r"yes|no|y|n|on|off", "is not a number; write 1 for yes and 0 for no", False),
        (r"[+-]?\d+\s*/\s*\d+", "is a fraction", True),
        (r"[+-]?0x[0-9a-f]+", "is hexadecimal", True),
        (r"[+-]?\d*\.?\d*d[+-]?\d+", "has a Fortran exponent", True),
        (r"[+-]?(\d*\.?\d+[+-])?\d*\.?\d+[ij]", "is a complex number", True),
        (r"[+-]?\d+(_\d+)+(\.\d*)?", "has underscores between its digits", True),
        (r"[+-]?\d+\.?\d*\s+[^\d\s].{0,9}", "has a unit behind the number", True),
        (r"['\u2018\u2019`][+-]?[\d.,]*\d['\u2019]?", "has an apostrophe before the number", True),
        (r'="?[+-]?[\d.,]*\d"?', "is a formula of a spreadsheet", True),
        (r"[~<>=\u2264\u2265\u2248]+\s*[+-]?[\d.,]*\d", "is a bound, not a number", True),
        (r"[\d.,]*\d\s*(\u00b1|\+/-|\+-)\s*[\d.,]*\d", "has its uncertainty behind it", True),
        (r"[+-]?[\d.,]*\d\s*\u00b0\s?[a-z]?", "has a unit behind the number", True),
    )
)


def refusal_of(text: str) -> Refusal:
    """Why `number_in` returned None for this text.

    Only the first 100 characters are looked at; no number a person wrote is longer.
    """
    cell = text.strip()[:100]
    for pattern, refusal in _REFUSALS:
        match = pattern.fullmatch(cell)
        if match is not None:
            return replace(refusal, option=_option(refusal, match))
    return Refusal("is not a number", nearly=False)


def _option(refusal: Refusal, match: re.Match[str]) -> str:
    if "thousands" in refusal.reason:
        return f"--thousands {_SPOKEN.get(match[1], match[1])}"
    return "--decimal ," if "decimal comma" in refusal.reason else ""


_SPOKEN = {"'": "apostrophe", "\u2019": "apostrophe"} | dict.fromkeys(
    " \u00a0\u2009\u202f", "space"
)
