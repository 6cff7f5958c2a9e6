"""Stage 8: whether the rows say more than the formula that explains them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from nalu_cli.circuit import Circuit
from nalu_cli.constants import is_long, name_constant
from nalu_cli.expression import Magnitude, Node, expression_of, product
from nalu_cli.fitted_tree import spots
from nalu_cli.formula import complexity
from nalu_cli.problem import Rows
from nalu_cli.refit import constants_of
from nalu_cli.tree import nodes
from nalu_cli.tree_edits import tidy, with_node

__all__ = ["has_few_constants", "is_borne_out", "is_law"]

Floats = NDArray[np.float64]

MOST_LONG_CONSTANTS = 4
"""With more arbitrary reals a formula is a fit: smooth functions are approximated to rounding."""

BITS_PER_SYMBOL = 6
BITS_PER_REAL = 53
BITS_OF_A_DOUBLE = 45.0
"""What agreement to rounding shows in one row; the last bits are rounding's own."""

SURPLUS_BITS = 16
"""A law must leave this much of the data unexplained by its own length; 2**-16 is no chance."""


def is_law(circuit: Circuit, rows: Rows) -> bool:
    """Whether a formula that agrees with all rows is short for what they say.

    Parameters
    ----------
    circuit : Circuit
    rows : Rows

    Returns
    -------
    bool
        True for a target that does not vary.
    """
    if not circuit.used_columns():
        return True
    return has_few_constants(circuit) and is_borne_out(circuit, rows)


def has_few_constants(circuit: Circuit) -> bool:
    """Whether a formula has no more arbitrary reals than a law may have."""
    return sum(map(is_long, _sizes(circuit))) <= MOST_LONG_CONSTANTS


def is_borne_out(circuit: Circuit, rows: Rows) -> bool:
    """Whether the rows say more than the formula, and those behind each absolute value as well.

    Without an absolute value a formula is right on the rows of one sign. What it takes to be right
    on the others is told by those alone: one row lets any number be written with abs.

    Parameters
    ----------
    circuit : Circuit
    rows : Rows
    """
    tree = expression_of(circuit)
    length = BITS_PER_SYMBOL * complexity(tree)
    if _information(rows) < length + _bits_of_constants(circuit) + SURPLUS_BITS:
        return False
    return all(
        _information(few) >= length - BITS_PER_SYMBOL * complexity(without) + SURPLUS_BITS
        for without, few in _one_sided(tree, rows)
    )


def _one_sided(tree: Node, rows: Rows) -> Iterator[tuple[Node, Rows]]:
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
        few = sign * inside < 0
        yield tidy(without), Rows(rows.X[few], rows.y[few])


def _with(node: Node, tree: Node, paths: Iterable[tuple[int, ...]]) -> Node:
    for path in paths:
        tree = with_node(tree, path, lambda _: node)
    return tree


def _sizes(circuit: Circuit) -> set[float]:
    return {abs(value) for value in constants_of(circuit).values()}


def _bits_of_constants(circuit: Circuit) -> float:
    """What their digits say: a formula with the right ones goes through any few rows."""
    return sum(map(_bits_of_constant, _sizes(circuit)))


def _bits_of_constant(size: float) -> float:
    named = name_constant(size)
    digits = sum(c.isdigit() for c in named.text) if named is not None else math.inf
    return min(BITS_PER_REAL, digits * math.log2(10))


def _information(rows: Rows) -> float:
    """Bits in the targets of distinct rows, from the digits they are written with."""
    distinct = np.unique(np.column_stack([rows.X, rows.y]), axis=0)[:, -1]
    if not len(distinct):
        return 0.0
    sample = distinct[:: max(1, len(distinct) // 50)]
    digits = [len(f"{v:.17g}".split("e")[0].replace(".", "").strip("-0")) for v in sample]
    return len(distinct) * min(BITS_OF_A_DOUBLE, float(np.mean(digits)) * math.log2(10))
