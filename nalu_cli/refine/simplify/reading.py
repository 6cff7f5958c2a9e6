"""How hard a form is to read, and how long one may look for a better one."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator

from nalu_cli.expression.canonical import Column, Magnitude, Node, Number, Product, Sum
from nalu_cli.expression.closed_form import literal
from nalu_cli.expression.complexity import complexity

__all__ = ["Clock", "Cost", "reading_cost", "shortest"]

NESTED = 3
"""*Guess:* a fraction under or over a fraction bar is as hard to read as so many symbols."""

NESTED_RECIPROCAL = 1
"""*Guess:* a number over something, under a fraction bar, is as hard to read as so many symbols:
1/(1/a + 1/b) reads well."""

ENTANGLED = 3
"""*Guess:* x*(x + ...) inside a sum is as hard to read as so many symbols: x**3 + x**2 reads better
than x*(x*(x + 1) + 1) - x."""

REPEATED_LITERAL = 2
"""*Guess:* a number that is written again is as hard to read as so many symbols: 6.67e-11*(1/a -
1/b) takes it out."""

SHORT_LITERAL = 4
"""*Guess:* a number of up to so many characters may be written again for nothing."""

Cost = tuple[int, int, int]


def reading_cost(node: Node) -> Cost:
    """How hard a tree is to read; among equals, how many fraction bars and digits it has.

    The complexity, and on top of it one symbol for each time a column is named again, and some for
    fractions inside fractions and for nested products of the same column.
    """
    survey = _Survey()
    survey.visit(node, under_bar=False, in_sum=False)
    repeats = survey.columns.total() - len(survey.columns)
    repeats += REPEATED_LITERAL * (survey.literals.total() - len(survey.literals))
    return complexity(node) + repeats + survey.extra, survey.bars, survey.digits


class _Survey:
    """Counts what complexity does not."""

    def __init__(self) -> None:
        self.columns: Counter[int] = Counter()
        self.literals: Counter[str] = Counter()
        self.bars = 0
        self.digits = 0
        self.extra = 0

    def visit(self, node: Node, *, under_bar: bool, in_sum: bool) -> None:
        match node:
            case Column(index):
                self.columns[index] += 1
            case Number(value):
                self._count_digits(value)
            case Magnitude(inner):
                self.visit(inner, under_bar=under_bar, in_sum=False)
            case Sum(terms, offset):
                self._count_digits(offset)
                for coefficient, inner in terms:
                    self._count_digits(coefficient)
                    self.visit(inner, under_bar=under_bar, in_sum=True)
            case Product():
                self._visit_product(node, under_bar=under_bar, in_sum=in_sum)

    def _visit_product(self, node: Product, *, under_bar: bool, in_sum: bool) -> None:
        self._count_digits(node.scale)
        has_bar = any(e < 0 for _, e in node.factors)
        is_reciprocal = all(e < 0 for _, e in node.factors)
        self.bars += has_bar
        if has_bar and under_bar:
            self.extra += NESTED_RECIPROCAL if is_reciprocal else NESTED
        for inner, exponent in node.factors:
            is_sum = isinstance(inner, Sum) and exponent.denominator == 1
            self.visit(inner, under_bar=under_bar or (has_bar and is_sum), in_sum=False)
        if in_sum and _is_entangled(node):
            self.extra += ENTANGLED

    def _count_digits(self, value: float) -> None:
        if value in (0.0, 1.0, -1.0):
            return
        text = literal(abs(value))
        self.digits += len(text)
        if len(text) > SHORT_LITERAL:
            self.literals[text] += 1


def _is_entangled(node: Product) -> bool:
    over = [inner for inner, e in node.factors if e > 0]
    plain = {inner for inner in over if isinstance(inner, Column)}
    sums = [inner for inner in over if isinstance(inner, Sum)]
    return any(column in plain for inner in sums for column in _columns(inner))


def _columns(node: Node) -> Iterator[Column]:
    match node:
        case Column():
            yield node
        case Magnitude(inner):
            yield from _columns(inner)
        case Sum(terms, _):
            for _, inner in terms:
                yield from _columns(inner)
        case Product(factors, _):
            for inner, _ in factors:
                yield from _columns(inner)


def shortest(nodes: Iterable[Node]) -> Node:
    """The first of the trees that are easiest to read."""
    return min(nodes, key=reading_cost)


class Clock:
    """Seconds that may still be spent."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def is_over(self) -> bool:
        """Whether no further candidate should be tried."""
        return time.monotonic() > self._end
