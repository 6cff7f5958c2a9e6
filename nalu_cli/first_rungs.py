"""Stage 3: the rungs without random starts: linear algebra, a term beside a sum, few monomials."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from nalu_cli.algebraic import MOST_COLUMNS, Relation, relations
from nalu_cli.beside import beside_rung
from nalu_cli.bilinear import bilinear_rung
from nalu_cli.circuit import Circuit
from nalu_cli.domain import rooted_otherwise
from nalu_cli.exhaustive import MOST_TERMS, short_relations
from nalu_cli.grow import grow_rung
from nalu_cli.leading import beside_product
from nalu_cli.linear import product_rung, sum_rung
from nalu_cli.problem import Problem, Rows
from nalu_cli.rung import Part, Rung, Stop, lifted, noting, with_factors
from nalu_cli.sparse import sparse_rung
from nalu_cli.squared import squared
from nalu_cli.vanishing import over_sum
from nalu_cli.workbench import Found

__all__ = ["MANY_ROWS", "first_rungs", "more_monomials"]

Floats = NDArray[np.float64]

SMALL_QUESTION = 260
"""Size of the questions about dependencies that are asked before anything is trained."""

MANY_ROWS = 150
"""With fewer, questions are small: longer dependencies are looked for too, and patience waits until
every rung has had its turn."""

FEW_TERMS = 4
"""Terms of the dependencies that are looked for in many rows."""

MORE_MONOMIALS = 20
"""Times the usual work on dependencies of few monomials, once small stacks have been trained."""


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
    for part in (*parts(), *_simpler(problem)):
        yield from _unpaused(lifted(part, _linear_algebra(part.problem.train, part.sizes)))
    yield from _unpaused(_beside_product(problem))
    if not is_printed:
        yield from noting(seen, [trained(None)])
    for part in parts():
        small = [trained(part), _few_terms(part.problem.train, part.sizes)]
        yield from noting(seen, lifted(part, [*small, _beside(part.problem.train, part.sizes)]))
    yield from noting(seen, [_few_terms(problem.train), _beside(problem.train)])
    yield _few_monomials(problem.train)
    for part in parts():
        yield from lifted(part, [_few_monomials(part.problem.train)])
    yield replace(_algebraic(problem.train, SMALL_QUESTION, MOST_COLUMNS), instant=True)
    yield _grown(problem.train, seen)


def _unpaused(rungs: Iterable[Rung]) -> Iterator[Rung]:
    """Nearly everything is within noise of some size: a longer formula may be much closer."""
    for rung in rungs:
        yield replace(rung, pause=False)


def _simpler(problem: Problem) -> Iterator[Part]:
    """What is left when other roots are columns, or a sum is divided out, or the target squared."""
    simpler: list[Part] = [*rooted_otherwise(problem)]
    if (quotient := over_sum(problem)) is not None:
        simpler.append(quotient)
    for whole in simpler:
        yield from with_factors(whole)
    if (square := squared(problem)) is not None:
        yield square


def _beside_product(problem: Problem) -> Iterator[Rung]:
    remainder = beside_product(problem)
    if remainder is not None:
        for part in with_factors(remainder):
            linear = _linear_algebra(part.problem.train, part.sizes, remainder.rounding)
            yield from lifted(part, linear)


def more_monomials(rows: Rows) -> Iterator[Rung]:
    """Longer dependencies in few rows, for when small stacks have been trained."""
    if len(rows) < MANY_ROWS:
        yield _exhaustive(rows, MOST_TERMS, effort=MORE_MONOMIALS)


def _linear_algebra(
    rows: Rows, sizes: Floats | None = None, rounding: float = 1.0
) -> Iterator[Rung]:
    rungs = (
        Rung("product", lambda _: (Found(c) for c in product_rung(rows))),
        Rung("sum", lambda _: (Found(c) for c in sum_rung(rows, sizes))),
        Rung("product of sums", lambda _: (Found(c) for c in bilinear_rung(rows))),
        _algebraic(rows, 0, SMALL_QUESTION, rounding),
    )
    return (replace(rung, instant=True) for rung in rungs)


def _beside(rows: Rows, sizes: Floats | None = None) -> Rung:
    """Few rows show the term; its constants are fitted to all."""
    return Rung("beside a sum", lambda stop: map(Found, beside_rung(rows, sizes, stop=stop)))


def _few_monomials(rows: Rows) -> Rung:
    return _exhaustive(rows, MOST_TERMS if len(rows) < MANY_ROWS else FEW_TERMS, effort=1)


def _few_terms(rows: Rows, sizes: Floats | None = None) -> Rung:
    return Rung("few terms", lambda stop: map(Found, sparse_rung(rows, sizes, stop=stop)))


def _grown(rows: Rows, starts: list[Circuit]) -> Rung:
    """Grown, one edit at a time, from what the others have offered."""
    return Rung("grown", lambda stop: map(Found, grow_rung(rows, starts, stop=stop)))


def _algebraic(rows: Rows, least: int, most: int, rounding: float = 1.0) -> Rung:
    def search(stop: Stop) -> Iterator[Found]:
        found = relations(
            rows, least_columns=least, most_columns=most, rounding=rounding, stop=stop
        )
        yield from _solved(found, rows)

    return Rung("algebraic", search)


def _exhaustive(rows: Rows, most_terms: int, *, effort: int) -> Rung:
    def search(stop: Stop) -> Iterator[Found]:
        found = short_relations(rows, most_terms=most_terms, effort=effort, stop=stop)
        yield from _solved(found, rows)

    return Rung("few monomials", search)


def _solved(relations: Iterator[Relation], rows: Rows) -> Iterator[Found]:
    for relation in relations:
        for circuit in relation.circuits(rows):
            yield Found(circuit)
