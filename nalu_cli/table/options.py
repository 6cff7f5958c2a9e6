"""What a user says about a file, checked once; all else is left to the reader."""

from __future__ import annotations

from dataclasses import dataclass

from nalu_cli.errors import UsageError, quoted

__all__ = ["ReadOptions"]

DELIMITER_WORDS = {
    "tab": "\t",
    "\\t": "\t",
    "comma": ",",
    "semicolon": ";",
    "pipe": "|",
    "space": " ",
}
THOUSANDS_WORDS = {"comma": ",", "point": ".", "dot": ".", "apostrophe": "'", "space": " "}
THOUSANDS = (",", ".", "'", "\u2019", " ", "\u00a0", "\u2009", "\u202f")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOptions:
    """What the user says about a file; None leaves it to the reader.

    Parameters
    ----------
    sep : str or None
        Delimiter: one character, or ``tab``.
    decimal : str or None
        Decimal mark, ``.`` or ``,``.
    thousands : str or None
        Mark between groups of three digits: one character, or ``space``.
    encoding : str or None
        Name of the encoding.
    na : tuple of str
        Further spellings of a missing value; a number counts however it is written.
    skip_lines : int
        Lines above the header.
    header : bool
        Whether the first row names the columns; otherwise they are called ``col1``, ``col2``, ...
    units_row : bool
        Whether the row below the header holds units, even where that cannot be seen.
    dedupe : bool
        Number names that come twice, instead of stopping.
    skip_bad_rows : bool
        Drop rows that cannot be read, instead of stopping at the first.

    Raises
    ------
    UsageError
        If an option is out of range, or two contradict each other.
    """

    sep: str | None = None
    decimal: str | None = None
    thousands: str | None = None
    encoding: str | None = None
    na: tuple[str, ...] = ()
    skip_lines: int = 0
    header: bool = True
    units_row: bool = False
    dedupe: bool = False
    skip_bad_rows: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "sep", _delimiter(self.sep))
        object.__setattr__(self, "thousands", _thousands(self.thousands))
        if self.decimal not in (None, ".", ","):
            raise UsageError(
                f"--decimal is {quoted(str(self.decimal))}", accepted="it must be . or ,"
            )
        if self.thousands is not None and self.thousands == self.decimal:
            raise UsageError(
                f"--thousands and --decimal are both {quoted(self.thousands)}",
                accepted="they must differ",
            )
        if self.skip_lines < 0:
            raise UsageError(f"--skip-lines is {self.skip_lines}", accepted="it must be 0 or more")


def _delimiter(asked: str | None) -> str | None:
    if asked is None:
        return None
    delimiter = DELIMITER_WORDS.get(asked.casefold(), asked)
    if len(delimiter) != 1 or delimiter in '"\r\n.' or delimiter.isalnum() or delimiter > "~":
        raise UsageError(
            f"--sep is {quoted(asked)}",
            accepted="it must be one character such as ; or the word tab",
        )
    return delimiter


def _thousands(asked: str | None) -> str | None:
    if asked is None:
        return None
    mark = THOUSANDS_WORDS.get(asked.casefold(), asked)
    if mark not in THOUSANDS:
        raise UsageError(
            f"--thousands is {quoted(asked)}",
            accepted="it must be one of , . ' or the word space",
        )
    return mark
