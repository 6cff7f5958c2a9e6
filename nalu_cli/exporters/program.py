"""What programs in all languages share: safe names for arguments, and roots before powers."""

from __future__ import annotations

import keyword
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from nalu_cli.expression.canonical import Node, Number, Product
from nalu_cli.expression.closed_form import literal
from nalu_cli.expression.text import Level, Piece
from nalu_cli.expression.tree import columns_of, nodes

__all__ = [
    "Arguments",
    "Naming",
    "arguments",
    "floating",
    "has_loose_numbers",
    "identifiers",
    "is_number",
    "is_python_reserved",
    "python_dict",
    "rooted",
]

LONGEST = 40

NUMBER = re.compile(r"[0-9.]+(?:e[+-]?[0-9]+)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Naming:
    """Which names a language lets an argument have.

    Parameters
    ----------
    is_reserved : function of a name
        Whether the language, or the program around the formula, uses it.
    is_ascii : bool
        Whether only letters from A to Z are safe.
    is_caseless : bool
        Whether a and A are one name.
    """

    is_reserved: Callable[[str], bool]
    is_ascii: bool = False
    is_caseless: bool = False

    def allows(self, name: str) -> bool:
        """Whether an argument may have this name as it is."""
        # identifiers are read in normal form, where two of them could become one
        return (
            name.isidentifier()
            and (name.isascii() or not self.is_ascii)
            and unicodedata.is_normalized("NFKC", name)
            and not self.is_reserved(name)
        )


@dataclass(frozen=True, slots=True)
class Arguments:
    """The arguments of an exported function.

    Parameters
    ----------
    columns : tuple of str
        The names of the columns the formula reads: a table may have a thousand others.
    identifiers : tuple of str
        What each of them is called in the program.
    written : tuple of str
        For every column of the circuit what stands for it in the formula.
    """

    columns: tuple[str, ...]
    identifiers: tuple[str, ...]
    written: tuple[str, ...]


def arguments(trees: Iterable[Node], names: Sequence[str], naming: Naming) -> Arguments:
    """The arguments of a function that computes some formulas."""
    used = sorted({column for tree in trees for column in columns_of(tree)})
    columns = tuple(names[j] for j in used)
    chosen = identifiers(columns, naming)
    by_index = dict(zip(used, chosen, strict=True))
    written = tuple(by_index.get(j, "") for j in range(len(names)))
    return Arguments(columns, tuple(chosen), written)


def identifiers(names: Sequence[str], naming: Naming) -> list[str]:
    """Distinct identifiers for distinct names, equal to the names where they can be."""
    fold = str.lower if naming.is_caseless else str
    kept = {fold(name): name for name in reversed(names) if naming.allows(name)}
    chosen: dict[str, str] = {}
    for name in names:
        is_kept = kept.get(fold(name)) == name
        base = name if is_kept else _identifier(name, naming)
        candidate, k = base, 2
        while not is_kept and (fold(candidate) in chosen or fold(candidate) in kept):
            candidate, k = f"{base}_{k}", k + 1
        chosen[fold(candidate)] = candidate
    return list(chosen.values())


def _identifier(name: str, naming: Naming) -> str:
    for words in (_words(name, is_ascii=naming.is_ascii), _words(name, is_ascii=True)):
        for candidate in (words, f"column_{words}"):
            if words and naming.allows(candidate):
                return candidate
    return "column"


def _words(name: str, *, is_ascii: bool) -> str:
    if is_ascii:
        letters = unicodedata.normalize("NFKD", name)
        parts = re.sub(r"[^0-9A-Za-z]+", "_", "".join(c for c in letters if ord(c) < 0x300))
    else:
        parts = re.sub(r"\W+", "_", unicodedata.normalize("NFKC", name))
    return parts.strip("_")[:LONGEST]


def is_python_reserved(name: str) -> bool:
    """Whether Python gives a name a meaning of its own; two underscores can have one."""
    return keyword.iskeyword(name) or name.startswith("__")


def python_dict(items: Iterable[tuple[str, str]]) -> str:
    """Source of a dict from identifiers to names."""
    # !a leaves no character that could end the string, the line or the file
    lines = "".join(f'    "{safe}": {name!a},\n' for safe, name in items)
    return f"{{\n{lines}}}" if lines else "{}"


def floating(value: float) -> str:
    """The shortest text that a compiler reads as the same double, never as an integer."""
    return repr(value)


def is_number(piece: Piece) -> bool:
    """Whether a piece is nothing but a number above zero."""
    return NUMBER.fullmatch(piece.text) is not None and float(piece.text) != 0.0


def has_loose_numbers(tree: Node) -> bool:
    """Whether numbers stand apart that could not be multiplied out, such as 1/0."""
    return any(
        isinstance(inner, Number)
        for node in nodes(tree)
        if isinstance(node, Product)
        for inner, _ in node.factors
    )


def rooted(
    base: Piece,
    exponent: Fraction,
    sqrt: Callable[[Piece], Piece],
    power: Callable[[Piece, str], Piece],
    number: Callable[[float], str] = literal,
) -> Piece:
    """A power with a literal for its exponent, with half exponents as the whole power of a root.

    Powers of negative numbers are complex in one language, infinite or an error in another; roots
    of them are undefined in all. Those of other exponents are left to the language.
    """
    if exponent.denominator == 2:
        base, exponent = Piece(sqrt(base).text, Level.ATOM), Fraction(exponent.numerator)
    return power(base, number(float(exponent)))
