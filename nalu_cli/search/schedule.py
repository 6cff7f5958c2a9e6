"""Rungs that come once: linear algebra, stacks for the whole and its parts, growing."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from nalu_cli.circuit import Circuit
from nalu_cli.problem import Problem
from nalu_cli.rows import Rows
from nalu_cli.search.candidate import Found
from nalu_cli.search.greedy.search import grow_rung
from nalu_cli.search.linear.bilinear import bilinear_rung
from nalu_cli.search.linear.product_and_sum import product_rung, sum_rung
from nalu_cli.search.outlying_term.search import beside_rung
from nalu_cli.search.reductions.add_root_column import rooted_otherwise
from nalu_cli.search.relations.null_space import MOST_COLUMNS, relations
from nalu_cli.search.relations.sparse_relations import MOST_TERMS, short_relations
from nalu_cli.search.strategy import Part, Rung, Stop, lifted, noting, with_factors

__all__ = ["MANY_ROWS", "first_rungs"]

Floats = NDArray[np.float64]

SMALL_QUESTION = 260
"""Size of the questions about dependencies that are asked before anything is trained."""

MANY_ROWS = 150
"""With fewer, dependencies of few monomials are looked for, and patience waits until every rung has
had its turn. *Guess.*"""

MORE_MONOMIALS = 20
"""Times the usual work on them, once all else has failed. *Guess.*"""


def first_rungs(
    problem: Problem,
    parts: Callable[[], tuple[Part, ...]],
    trained: Callable[[Part | None], Rung],
) -> Iterator[Rung]:
    """Closed forms first, then stacks, then what both miss.

    Of printed cells, which no closed form explains to rounding, stacks come first.

    Parameters
    ----------
    problem : Problem
    parts : callable
        What is left of it when factors are pulled out, or roots are given; asked when one product
        or sum is not enough.
    trained : callable
        The stacks for a part of it, or for the whole.

    Yields
    ------
    Rung
    """
    seen: list[Circuit] = []
    is_printed = problem.train.half_y is not None
    if is_printed:
        yield from noting(seen, [trained(None)])
    yield from noting(seen, _unpaused(_linear_algebra(problem.train)))
    others = itertools.chain.from_iterable(map(with_factors, rooted_otherwise(problem)))
    for part in (*parts(), *others):
        yield from _unpaused(lifted(part, _linear_algebra(part.problem.train, part.sizes)))
    if not is_printed:
        yield from noting(seen, [trained(None)])
    for part in parts():
        rungs = [trained(part), _beside(part.problem.train, part.sizes)]
        yield from noting(seen, lifted(part, rungs))
    yield from noting(seen, [_beside(problem.train)])
    few_rows = len(problem.train) < MANY_ROWS
    if few_rows:
        yield _few_monomials(problem.train, effort=1)
        for part in parts():
            yield from lifted(part, [_few_monomials(part.problem.train, effort=1)])
    yield replace(_algebraic(problem.train, SMALL_QUESTION, MOST_COLUMNS), instant=True)
    yield _grown(problem.train, seen)
    if few_rows:
        yield _few_monomials(problem.train, effort=MORE_MONOMIALS)


def _unpaused(rungs: Iterable[Rung]) -> Iterator[Rung]:
    """Nearly everything is within noise of some size: a longer formula may be much closer."""
    for rung in rungs:
        yield replace(rung, pause=False)


def _linear_algebra(rows: Rows, sizes: Floats | None = None) -> Iterator[Rung]:
    rungs = (
        Rung("product", lambda _: (Found(c) for c in product_rung(rows))),
        Rung("sum", lambda _: (Found(c) for c in sum_rung(rows, sizes))),
        Rung("product of sums", lambda _: (Found(c) for c in bilinear_rung(rows))),
        _algebraic(rows, 0, SMALL_QUESTION),
    )
    return (replace(rung, instant=True) for rung in rungs)


def _beside(rows: Rows, sizes: Floats | None = None) -> Rung:
    """Few rows show the term; its constants are fitted to all."""
    return Rung("beside a sum", lambda stop: map(Found, beside_rung(rows, sizes, stop=stop)))


def _few_monomials(rows: Rows, *, effort: int) -> Rung:
    """All dependencies of few monomials are tried: rows too few to select terms by their sizes."""

    def search(stop: Stop) -> Iterator[Found]:
        for relation in short_relations(rows, most_terms=MOST_TERMS, effort=effort, stop=stop):
            yield from map(Found, relation.circuits(rows))

    return Rung("few monomials", search)


def _grown(rows: Rows, starts: list[Circuit]) -> Rung:
    """Grown, one edit at a time, from what the others have offered."""
    return Rung("grown", lambda stop: map(Found, grow_rung(rows, starts, stop=stop)))


def _algebraic(rows: Rows, least: int, most: int) -> Rung:
    def search(stop: Stop) -> Iterator[Found]:
        for relation in relations(rows, least_columns=least, most_columns=most, stop=stop):
            yield from map(Found, relation.circuits(rows))

    return Rung("algebraic", search)
