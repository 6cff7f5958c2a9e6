"""Which column a person means by what they typed."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence

from nalu_cli.errors import UsageError, quoted

__all__ = ["listed", "match_name"]

MOST_LISTED = 20


def listed(names: Sequence[str]) -> str:
    """Names as a message shows them, the first 20 of them."""
    shown = ", ".join(quoted(name)[1:-1] for name in names[:MOST_LISTED])
    more = len(names) - MOST_LISTED
    return f"{shown} and {more} more" if more > 0 else shown


def match_name(name: str, header: Sequence[str], source: str) -> str:
    """The column of this name.

    An exact match wins; then one that is equal but for outer spaces and case; then ``#3``, the
    third column.

    Parameters
    ----------
    name : str
        As typed.
    header : sequence of str
        All columns in file order.
    source : str
        What to call the file.

    Raises
    ------
    UsageError
        If no column is meant, or more than one.
    """
    if name in header:
        return name
    folded = name.strip().casefold()
    equal = [column for column in header if column.strip().casefold() == folded]
    if len(equal) == 1:
        return equal[0]
    if equal:
        raise UsageError(
            f"{quoted(name)} may be any of the columns {listed(equal)} of {source}",
            remedy="Write it with the same capitals.",
        )
    return _numbered(name, header) or _refused(name, header, source)


def _numbered(name: str, header: Sequence[str]) -> str | None:
    match = re.fullmatch(r"#([1-9][0-9]{0,5})", name.strip())
    if match is None or int(match[1]) > len(header):
        return None
    return header[int(match[1]) - 1]


def _refused(name: str, header: Sequence[str], source: str) -> str:
    # difflib minds case, so both sides are folded first
    by_folded = {column.strip().casefold(): column for column in reversed(header)}
    close = difflib.get_close_matches(name.strip().casefold(), by_folded, n=1, cutoff=0.5)
    raise UsageError(
        f"{source} has no column {quoted(name)}",
        accepted=f"it has {listed(header)}",
        remedy=f"Did you mean {quoted(by_folded[close[0]])}?" if close else "",
    )
