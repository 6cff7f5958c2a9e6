"""The formula as a C99 function of doubles, a file of its own that C++ compiles too."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction

from nalu_cli.circuit import Circuit
from nalu_cli.exporters.exporter import Exporter
from nalu_cli.exporters.program import Naming, arguments, floating, rooted
from nalu_cli.expression.canonical import expression_of
from nalu_cli.expression.text import Dialect, Level, Piece, computes, write
from nalu_cli.settings import ExportFormat

__all__ = ["C_SOURCE"]

FILE = """/* A formula found by nalu. Link with -lm. */
#include <math.h>

/* The column that stands for each argument, and the column that is computed. */
const char *const nalu_columns[] = {{{columns}}};
const char *const nalu_target = {target};

/* NaN or infinite where the formula has no value. */
double nalu_predict({arguments})
{{
    return {formula};
}}
"""

WORDS = (
    "alignas alignof and and_eq asm atomic_cancel atomic_commit atomic_noexcept auto "
    "bitand bitor bool break case catch char char8_t char16_t char32_t class compl "
    "concept const consteval constexpr constinit const_cast continue co_await co_return "
    "co_yield decltype default delete do double dynamic_cast else enum explicit export "
    "extern false float for friend goto if inline int long mutable namespace new noexcept "
    "not not_eq nullptr operator or or_eq private protected public reflexpr register "
    "reinterpret_cast requires restrict return short signed sizeof static static_assert "
    "static_cast struct switch synchronized template this thread_local throw true try "
    "typedef typeid typename typeof typeof_unqual union unsigned using virtual void "
    "volatile wchar_t while xor xor_eq fortran near huge"
)

"""Keywords of C and C++, and what old compilers add."""

KEYWORDS = frozenset(WORDS.split())

MACROS = re.compile(
    r"(?:_|FP_|M_|MATH_|math_|HUGE|NAN$|INFINITY$|NULL$|EOF$|E[A-Z]+$|DOMAIN$|SING$|OVERFLOW$|"
    r"UNDERFLOW$|[PT]LOSS$|X_TLOSS$|MAXFLOAT$|unix$|linux$|i386$|nalu_|sqrt$|fabs$|pow$)"
)
"""What the system, the compiler or the file itself defines; E followed by capitals is an error."""


def _export(circuit: Circuit, names: Sequence[str], target: str) -> str:
    tree = expression_of(circuit)
    given = arguments([tree], names, NAMING)
    return FILE.format(
        columns=", ".join([*map(_string, given.columns), "0"]),
        target=_string(target),
        arguments=", ".join(f"double {name}" for name in given.identifiers) or "void",
        formula=write(tree, given.written, DIALECT),
    )


def _string(text: str) -> str:
    """A string of plain letters and octal escapes, which end after three digits."""
    data = text.encode("utf-8", "surrogatepass")
    return '"' + "".join(map(_character, data)) + '"'


def _character(byte: int) -> str:
    if not 32 <= byte < 127:
        return f"\\{byte:03o}"
    # a question mark could begin a trigraph
    return f"\\{chr(byte)}" if chr(byte) in '"\\?' else chr(byte)


def _root(piece: Piece) -> Piece:
    return Piece(f"sqrt({piece.text})", Level.ATOM)


def _power(base: Piece, exponent: str) -> Piece:
    return Piece(f"pow({base.text}, {exponent})", Level.ATOM)


def _any_power(base: Piece, exponent: Fraction) -> Piece:
    return rooted(base, exponent, _root, _power, floating)


NAMING = Naming(lambda name: name in KEYWORDS or MACROS.match(name) is not None, is_ascii=True)

DIALECT = Dialect(
    name=str,
    number=floating,
    pi="3.141592653589793",
    power=_any_power,
    sqrt=_root,
    magnitude=lambda piece: Piece(f"fabs({piece.text})", Level.ATOM),
    spells=computes,
)

C_SOURCE = Exporter(ExportFormat.C, is_executable=True, export=_export)
