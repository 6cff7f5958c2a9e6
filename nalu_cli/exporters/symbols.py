"""Names of columns as mathematicians write them: letters, Greek ones too, and an index."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence

__all__ = ["GREEK", "symbols_of"]

GREEK = frozenset(
    {
        *("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa"),
        *("lambda", "mu", "nu", "xi", "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi"),
        *("omega", "Gamma", "Delta", "Theta", "Lambda", "Xi", "Sigma", "Upsilon", "Phi", "Psi"),
        "Omega",
    }
)
"""Without pi, which is a number here."""

WITH_INDEX = re.compile(r"([A-Za-z]+)(?:_([A-Za-z0-9]+)|([0-9]+))?", re.ASCII)


def symbols_of(
    names: Sequence[str],
    *,
    word: Callable[[str], str],
    indexed: Callable[[str, str], str],
    verbatim: Callable[[str], str],
) -> list[str]:
    """The names in a notation, distinct if the names are.

    Parameters
    ----------
    names : sequence of str
    word : callable
        Writes a word, or a number as an index.
    indexed : callable
        Puts a written index to a written word.
    verbatim : callable
        Writes any text as it is.
    """

    def symbol(name: str) -> str:
        match = WITH_INDEX.fullmatch(name)
        if match is None:
            return verbatim(name)
        index = match[2] or match[3]
        return word(match[1]) if index is None else indexed(word(match[1]), word(index))

    symbols = [symbol(name) for name in names]
    seen = Counter(symbols)
    # x1 and x_1 look alike as symbols
    return [
        symbol if seen[symbol] == 1 else verbatim(name)
        for symbol, name in zip(symbols, names, strict=True)
    ]
