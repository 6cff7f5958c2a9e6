"""Whether the rows say more than the formula that explains them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from nalu_cli.circuit import Circuit, Unit, UnitKind
from nalu_cli.circuit.rounding_error import rounding_bound
from nalu_cli.expression.canonical import Magnitude, Node, expression_of, product
from nalu_cli.expression.closed_form import is_long, name_constant
from nalu_cli.expression.complexity import (
    DIGITS_OF_A_DOUBLE,
    complexity,
    digits_of_each,
    rational_exponents,
    significant_digits,
    sizes_of_constants,
)
from nalu_cli.expression.edits import tidy, with_node
from nalu_cli.expression.fitted_tree import spots
from nalu_cli.expression.text import exponent_text
from nalu_cli.expression.tree import nodes
from nalu_cli.fitting.likelihood import PRINTED, ErrorKind, evidence_bits, tolerance
from nalu_cli.rows import Rows

__all__ = ["has_few_constants", "has_few_numbers", "is_borne_out", "is_law", "loses_its_digits"]

Floats = NDArray[np.float64]

MOST_LOST = 1e-12
"""Rounding of a formula, relative to a typical target, beyond which agreement proves no law.
*Guess:* some thousand times that of doubles; what cancels on most rows loses more."""

MOST_LONG_CONSTANTS = 4
"""*Guess:* a formula with more arbitrary reals is a fit and no law: sums of smooth functions
approximate others to rounding."""

BITS_PER_SYMBOL = 6
"""*Guess:* a symbol of a formula is one of 64: columns, operations and the parts of short
numbers."""

BITS_PER_REAL = 53
"""*Derived:* a constant without a name has at most the bits of the significand of a double."""

SMALLEST_EXPONENT = 0.05
"""*Guess:* exponents closer to an integer than this, in a sum, make a logarithm of a difference of
powers; the smallest exponent that handbooks print is 0.07."""

LARGEST_EXPONENT = 9
"""*Guess:* the largest exponent of a printed law; larger powers single out a few rows."""

SPARE_DIGITS = 3.0
"""*Derived:* a number may have so many digits more than the printed ones, because a thousand rows
that round evenly tell it that much better than one."""

SPARE_NUMBER = 0.5
"""*Guess:* a law may have half a number more than digits are printed: one of its numbers may be
short by half its digits."""

SURPLUS_BITS = 16
"""*Derived:* the rows must say so many bits more than the formula takes; chance gives a wrong
formula that many with a probability of 2**-16, one in 65536."""


def is_law(circuit: Circuit, rows: Rows, kind: ErrorKind = ErrorKind.DOUBLES) -> bool:
    """Whether a formula that agrees with all rows is short for what they say.

    Parameters
    ----------
    circuit : Circuit
    rows : Rows
    kind : ErrorKind
        Under which it agrees: to the rounding of doubles, or as the cells are printed.

    Returns
    -------
    bool
        True for a target that does not vary, not for one that only seems so as it is printed.
    """
    if not circuit.used_columns():
        return kind is ErrorKind.DOUBLES
    if not (has_few_constants(circuit) and is_borne_out(circuit, rows, kind)):
        return False
    if kind is ErrorKind.DOUBLES and loses_its_digits(circuit, rows):
        return False
    return kind not in PRINTED or has_few_numbers(circuit, rows, kind)


def loses_its_digits(circuit: Circuit, rows: Rows) -> bool:
    """Whether rounding inside the formula alone excuses errors that no law of doubles has.

    ``(a**1e-5 - 1)*1e5`` is close to the logarithm of a, and cancels so many digits that the rest
    of the difference passes for rounding.
    """
    _, bound = rounding_bound(circuit, rows.X)
    return bool(np.median(bound) > MOST_LOST * np.median(np.abs(rows.y)))


def has_few_constants(circuit: Circuit) -> bool:
    """Whether a formula has no more arbitrary reals than a law may have."""
    return sum(map(is_long, sizes_of_constants(circuit))) <= MOST_LONG_CONSTANTS


def has_few_numbers(circuit: Circuit, rows: Rows, kind: ErrorKind) -> bool:
    """Whether the numbers of a formula are too few to imitate another one to the printed digits.

    A smooth function of one column is approximated about ten times as well with each number more
    that stands with this column: as many numbers as digits are printed fit anything smooth. A
    number shorter than the printed ones was hardly fitted and counts in part; a longer one makes up
    for others that it cancels.

    Parameters
    ----------
    circuit : Circuit
    rows : Rows
    kind : ErrorKind
        One of those that printing explains.
    """
    allowed = tolerance(circuit, rows, kind)
    distinct = len(np.unique(np.column_stack([rows.X, rows.y]), axis=0))
    printed = max(1.0, evidence_bits(rows, allowed) / (distinct * math.log2(10)))
    has_sums = any(
        unit.kind is UnitKind.SUM and len(unit.terms) + (unit.constant != 0) > 1
        for unit in circuit.units()
    )
    if any(_imitates(term.weight, has_sums) for unit in circuit.units() for term in unit.terms):
        return False
    if any(d > printed + SPARE_DIGITS for d in digits_of_each(circuit)):
        return False
    return all(
        sum(min(significant_digits(size) / printed, 1.0) for size in sizes)
        <= printed + SPARE_NUMBER
        for sizes in _numbers_along(circuit).values()
    )


def _imitates(exponent: Fraction, has_sums: bool) -> bool:
    """Whether a power is one of the nearly whole ones of which differences make logarithms."""
    off = abs(exponent - round(exponent))
    return (has_sums and 0 < off < SMALLEST_EXPONENT) or abs(exponent) > LARGEST_EXPONENT


def _numbers_along(circuit: Circuit) -> dict[int, set[float]]:
    """For each column the sizes of the numbers that stand with it and of those that stand alone."""
    along: dict[int, set[float]] = {j: set() for j in circuit.used_columns()}
    below: list[set[int]] = []
    for layer in circuit.layers:
        sources = [*below, *({j} for j in range(circuit.n_columns))]
        below = [set().union(*(sources[t.source] for t in unit.terms)) for unit in layer]
        for unit, read in zip(layer, below, strict=True):
            for size, columns in _numbers_of(unit, read, sources):
                for j in along if not columns else columns & along.keys():
                    along[j].add(size)
    return along


def _numbers_of(
    unit: Unit, read: set[int], sources: list[set[int]]
) -> Iterator[tuple[float, set[int]]]:
    """The sizes of a unit's numbers, but for 0 and 1, each with the columns it stands with."""
    is_sum = unit.kind is UnitKind.SUM
    if unit.constant not in (0.0, 1.0, -1.0):
        yield abs(unit.constant), set() if is_sum else read
    for term in unit.terms:
        if is_sum and term.constant != 1.0:
            yield term.constant, sources[term.source]
        elif not is_sum and term.weight.denominator > 2:
            yield abs(float(term.weight)), sources[term.source]


def is_borne_out(circuit: Circuit, rows: Rows, kind: ErrorKind = ErrorKind.DOUBLES) -> bool:
    """Whether the rows say more than the formula, and those behind each absolute value as well.

    Without an absolute value a formula is right on the rows of one sign. What it takes to be right
    on the others is told by those alone: one row lets any number be written with abs.

    Parameters
    ----------
    circuit : Circuit
    rows : Rows
    kind : ErrorKind
        As in `is_law`. Wide tolerances make rows say less.

    References
    ----------
    J. Rissanen, "Modeling by shortest data description", Automatica 14 (1978) 465-471: a model is
    worth its length where model and residuals together are shorter than the data. Here there are
    no residuals to code, and the rows must be longer by `SURPLUS_BITS`.
    """
    allowed = None
    if kind in PRINTED:
        allowed = tolerance(circuit, rows, kind)
    tree = expression_of(circuit)
    length = BITS_PER_SYMBOL * complexity(tree)
    evidence = evidence_bits(rows, allowed)
    if evidence < length + _bits_of_constants(circuit) + SURPLUS_BITS:
        return False
    return all(
        evidence_bits(rows.take(few), None if allowed is None else allowed[few])
        >= length - BITS_PER_SYMBOL * complexity(without) + SURPLUS_BITS
        for without, few in _one_sided(tree, rows)
    )


def _one_sided(tree: Node, rows: Rows) -> Iterator[tuple[Node, NDArray[np.bool_]]]:
    """For each absolute value the tree that does without, and the few rows where that is wrong."""
    sized = {node for node in nodes(tree) if isinstance(node, Magnitude)}
    if not sized:
        return
    places = [spot for spot, _ in spots(tree, rows.X, np.ones(len(rows))).with_parents()]
    for node in sized:
        same = [spot for spot in places if spot.node == node]
        inside = same[0].below[0].value
        sign = -1.0 if (inside < 0).sum() > (inside > 0).sum() else 1.0
        without = _with(product([(node.node, Fraction(1))], sign), tree, [s.path for s in same])
        yield tidy(without), sign * inside < 0


def _with(node: Node, tree: Node, paths: Iterable[tuple[int, ...]]) -> Node:
    for path in paths:
        tree = with_node(tree, path, lambda _: node)
    return tree


def _bits_of_constants(circuit: Circuit) -> float:
    """What their digits say: a formula with the right ones goes through any few rows."""
    exponents = sum(map(_bits_of_exponent, rational_exponents(circuit)))
    return exponents + sum(map(_bits_of_constant, sizes_of_constants(circuit)))


def _bits_of_exponent(exponent: Fraction) -> float:
    return sum(c.isdigit() for c in exponent_text(exponent)) * math.log2(10)


def _bits_of_constant(size: float) -> float:
    return min(BITS_PER_REAL, _digits(size) * math.log2(10))


def _digits(size: float) -> int:
    named = name_constant(size)
    if named is None:
        return DIGITS_OF_A_DOUBLE
    return sum(c.isdigit() for c in named.text)
