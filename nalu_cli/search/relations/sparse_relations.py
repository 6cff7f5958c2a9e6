"""Relations of few monomials times powers of the target, found by trying all of them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial

import numpy as np
from numpy.typing import NDArray

from nalu_cli.circuit.builders import Polynomial, power_of_quotient
from nalu_cli.numerics.monomials import laurent_exponents, laurent_values
from nalu_cli.numerics.tolerances import SAME
from nalu_cli.problem import Problem
from nalu_cli.problem.scaling import Scale
from nalu_cli.rows import Rows
from nalu_cli.search.candidate import Candidate
from nalu_cli.search.relations.null_space import Relation
from nalu_cli.search.strategy import Context, Cost, Example, Strategy

__all__ = ["MORE_SPARSE_RELATIONS", "SPARSE_RELATIONS", "short_relations"]

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]
Halves = NDArray[np.int64]

POWERS = ((-2,), (0, -2), (-4,), (2,), (0, -4), (-1,), (4,), (0, -2, -4))
"""Twice the powers of the target among the terms that add up to 1, likely ones first. *Guess:* the
target is then a sum, a quotient, a root of a sum, one over a sum, and so on."""

MOST_COLUMNS = 60
"""Number of columns of a table beyond which it is not searched. *Guess:* the products of two
columns alone are too many then."""

SPARE_ROWS = 3
"""Number of rows beyond that of the terms in a relation. *Derived:* without them a relation would
be no more than a solved system of equations."""

ENOUGH_ROWS = 32
"""Number of rows that a relation is computed on. *Guess:* none of so few terms holds on so many
rows by chance."""

DEPENDENT = 1e-12
"""Singular value, relative to the largest, of columns of length 1 that depend on one another.
*Guess:* 4500 EPS: roots and quotients are rounded more than the sums and products of a null
space."""

LEAST_SHARE = 1e-7
"""Smallest coefficient of a column of length 1 in its relation, and smallest singular value but
one. *Guess:* near the root of EPS, below which a term may be rounding alone."""

WORK = {3: 4_000, 4: 300_000, 5: 2_000_000, 6: 200_000, 7: 100_000, 8: 100_000}
"""Number of projections for an ansatz of so many terms, 1 among them. *Guess:* they take 20 to 50
milliseconds each time."""

MOST_TERMS = max(WORK)
"""Largest number of terms in a relation. *Derived:* from `WORK`."""

MOST_TREND = 6
"""Largest exponent in the product of powers that the target is divided by. *Guess:* larger ones are
rare in laws."""

MOST_HITS = 400
"""Number of parallel pairs in one ansatz after which the rest is left out. *Guess:* more of them
mean that the columns themselves are dependent."""

DIGITS = 12
"""Decimals to which two columns of length 1 must agree to count as equal. *Derived:* 1e-12 is 4500
EPS, more than their rounding."""

MOST_RELATIONS = 8
"""Number of relations after which the search ends. *Guess:* the first are the shortest."""

AT_ONCE = 1 << 19
"""Number of projections that are held at once. *Derived:* 4 MB of doubles."""


@dataclass(frozen=True, slots=True)
class _Dictionary:
    """Terms some of which may add up to 1 on every row.

    Parameters
    ----------
    keys : ndarray of shape (n_terms, 1 + n_columns)
        Twice the exponents of the target and of the columns, simple terms first.
    values : ndarray of shape (n_rows, n_terms)
        Columns of length 1.
    lengths : ndarray of shape (n_terms,)
        What they were divided by.
    """

    keys: Halves
    values: Floats
    lengths: Floats


def short_relations(
    rows: Rows,
    *,
    most_terms: int = MOST_TERMS,
    effort: int = 1,
    stop: Callable[[], bool] = lambda: False,
) -> Iterator[Relation]:
    """Relations of up to eight monomials times powers of the target, shortest first.

    Divided by one of its terms a relation means that 1 is a combination of the others. All but
    two of these are chosen in every possible way. The last two are parallel once the chosen ones
    are projected out. They are found by sorting the ratios of every term's components along two
    directions orthogonal to the chosen terms. So the cost is a sort for each choice instead of a
    solve for each pair, and three rows more than terms are enough.

    Parameters
    ----------
    rows : Rows
        Training rows.
    most_terms : int
        Largest number of terms in a relation.
    effort : int
        How many times the usual work is done, which lets more monomials take part.
    stop : callable
        Asked between parts of an ansatz; True ends the search.

    Yields
    ------
    Relation
        Candidates only, as those of `null_space.relations`.
    """
    if rows.X.shape[1] > MOST_COLUMNS:
        return
    some = np.flatnonzero(rows.y)
    some = np.random.default_rng(len(some)).permutation(some)[:ENOUGH_ROWS]
    scale = Scale.of(rows)
    scaled = scale.down(Rows(rows.X[some], rows.y[some]))
    exponents = laurent_exponents(
        max(_affordable(terms, effort) for terms in WORK),
        roots=np.all(rows.X >= 0, axis=0),
        inverses=np.all(rows.X != 0, axis=0),
    )
    seen: set[frozenset[tuple[int, ...]]] = set()
    for terms, powers, trend in itertools.product(WORK, POWERS, _trends(scaled)):
        if (
            terms > min(most_terms, len(scaled) - SPARE_ROWS)
            or len(seen) >= MOST_RELATIONS
            or stop()
        ):
            return
        most = _affordable(terms, effort) // len(powers)
        dictionary = _dictionary(scaled, powers, exponents[:most], trend)
        for support in itertools.islice(_supports(dictionary, terms, stop), MOST_HITS):
            found = _coefficients(dictionary, support)
            if found is not None and frozenset(found) not in seen:
                seen.add(frozenset(found))
                yield _relation(found, scale)


def _affordable(terms: int, effort: int) -> int:
    """The largest number of monomials whose ansatz takes no more than its share of work."""
    count = terms
    while math.comb(count + 1, terms - 2) <= WORK[terms] * effort:
        count += 1
    return count


def _trends(rows: Rows) -> list[Halves]:
    """1, and the product of powers that the target follows most closely, if that is another.

    x*(y + 1/(z*(u + v))) has shorter terms once it is divided by x*y.
    """
    none = np.zeros(rows.X.shape[1], dtype=np.int64)
    if not rows.X.all() or len(rows) <= rows.X.shape[1] + 1:
        return [none]
    logs = np.log(np.abs(rows.X))
    slopes = np.linalg.lstsq(logs - logs.mean(axis=0), np.log(np.abs(rows.y)), rcond=None)[0]
    trend = np.clip(np.rint(slopes), -MOST_TREND, MOST_TREND).astype(np.int64)
    return [none, trend] if trend.any() else [none]


def _dictionary(
    rows: Rows, powers: tuple[int, ...], exponents: Halves, trend: Halves
) -> _Dictionary:
    """The terms that are finite and differ from 1 and from each other on the rows."""
    targets = np.tile(powers, len(exponents))
    columns = np.repeat(exponents, len(powers), axis=0) - targets[:, None] * trend
    keys = np.column_stack([targets, columns])
    values = laurent_values(np.column_stack([rows.y, rows.X]), keys)
    lengths = np.linalg.norm(values, axis=0)
    usable = np.flatnonzero(np.isfinite(lengths) & (lengths > 0))
    usable = usable[_different(values[:, usable] / lengths[usable])]
    return _Dictionary(keys[usable], values[:, usable] / lengths[usable], lengths[usable])


def _different(columns: Floats) -> Indices:
    """The first of each set of columns that are equal, without those equal to a constant."""
    n = len(columns)
    direction = np.random.default_rng(n).standard_normal(n)
    ones = np.full((n, 1), n**-0.5)
    components = np.abs(direction @ np.concatenate([ones, columns], axis=1))
    _, first = np.unique(np.round(components, DIGITS), return_index=True)
    return np.sort(first[first > 0]) - 1


def _supports(dictionary: _Dictionary, terms: int, stop: Callable[[], bool]) -> Iterator[Indices]:
    """Sets of terms that may add up to 1: parallel after projection, not yet verified."""
    V = dictionary.values
    n, size = V.shape
    directions = np.random.default_rng(n).standard_normal((2, n))
    chosen = terms - 3
    if size < terms - 1:
        return
    if not chosen:
        yield from _parallel(V, np.zeros((1, 0), dtype=np.intp), directions, 0)
        return
    heads = _subsets(size, chosen - 1)
    for last in range(chosen - 1, size - 2):
        block = max(1, AT_ONCE // max(size - last, n))
        for start in range(0, math.comb(last, chosen - 1), block):
            if stop():
                return
            head = heads[start : min(start + block, math.comb(last, chosen - 1))]
            prefixes = np.concatenate([head, np.full((len(head), 1), last)], axis=1)
            yield from _parallel(V, prefixes, directions, last + 1)


def _subsets(size: int, count: int) -> Indices:
    """All subsets of range(size) with so many members, those of range(size - 1) first."""
    subsets = np.zeros((1, 0), dtype=np.intp)
    for k in range(1, count + 1):
        smaller = [subsets[: math.comb(last, k - 1)] for last in range(size)]
        lasts = np.repeat(np.arange(size), [len(part) for part in smaller])[:, None]
        subsets = np.concatenate([np.concatenate(smaller), lasts], axis=1)
    return subsets


def _parallel(V: Floats, prefixes: Indices, directions: Floats, start: int) -> Iterator[Indices]:
    """Each prefix with pairs of later terms that are parallel once it and 1 are projected out."""
    first, second = _orthogonal(V, prefixes, directions)
    with np.errstate(all="ignore"):
        ratios = (first @ V[:, start:]) / (second @ V[:, start:])
        order = np.sort(ratios, axis=1)
        gaps = np.diff(order, axis=1)
        equal = gaps <= SAME * (1.0 + order[:, 1:] ** 2)
    for row in np.flatnonzero(equal.any(axis=1)):
        ranked = np.argsort(ratios[row], kind="stable")
        for k in np.flatnonzero(equal[row]):
            yield np.array([*prefixes[row], start + ranked[k], start + ranked[k + 1]])


def _orthogonal(V: Floats, prefixes: Indices, directions: Floats) -> tuple[Floats, Floats]:
    """Two directions made orthogonal to 1 and each prefix: both of shape (n_prefixes, n_rows)."""
    n = len(V)
    basis = [np.full((len(prefixes), n), n**-0.5)]
    with np.errstate(all="ignore"):
        for k in range(prefixes.shape[1]):
            new = _projected_out(V[:, prefixes[:, k]].T, basis)
            basis.append(new / np.linalg.norm(new, axis=1, keepdims=True))
    first, second = (_projected_out(np.tile(r, (len(prefixes), 1)), basis) for r in directions)
    return first, second


def _projected_out(vectors: Floats, basis: list[Floats]) -> Floats:
    """The part of vectors that is orthogonal to the basis."""
    for direction in basis:
        vectors = vectors - np.einsum("bn,bn->b", vectors, direction)[:, None] * direction
    return vectors


def _coefficients(dictionary: _Dictionary, support: Indices) -> dict[tuple[int, ...], float] | None:
    """The relation of 1 and the given terms; None where there is none, or where a term is idle.

    Keys are twice the exponents of the target, the lowest of them 0, and of the columns.
    """
    n = len(dictionary.values)
    A = np.concatenate([np.full((n, 1), n**-0.5), dictionary.values[:, support]], axis=1)
    _, s, Vt = np.linalg.svd(A, full_matrices=False)
    least = LEAST_SHARE
    if s[-1] > DEPENDENT * s[0] or s[-2] < least * s[0] or np.abs(Vt[-1]).min() < least:
        return None
    keys = np.insert(dictionary.keys[support], 0, 0, axis=0)
    keys[:, 0] -= keys[:, 0].min()
    if not keys[:, 0].any():
        return None
    sizes = [n**0.5, *dictionary.lengths[support]]
    return {
        tuple(map(int, key)): float(v / size)
        for key, v, size in zip(keys, Vt[-1], sizes, strict=True)
    }


def _relation(found: dict[tuple[int, ...], float], scale: Scale) -> Relation:
    """The relation in the user's units."""
    parts: dict[Fraction, Polynomial] = {}
    for twice, value in found.items():
        power, *exponents = (Fraction(k, 2) for k in twice)
        size = float(scale.target) ** float(power)
        for e, column in zip(exponents, scale.columns, strict=True):
            size *= float(column) ** float(e)
        parts.setdefault(power, {})[tuple(exponents)] = value / size
    return Relation(parts)


MORE_EFFORT = 20
"""How many times the usual work is done once all else has failed. *Guess:* one or two minutes."""


def _search(effort: int, problem: Problem, context: Context) -> Iterator[Candidate]:
    rows = problem.train
    for found in short_relations(rows, most_terms=MOST_TERMS, effort=effort, stop=context.stop):
        yield from map(Candidate, found.circuits(rows))


SPARSE_RELATIONS: Strategy = Strategy(
    name="few monomials",
    summary="solved, of few rows: dependencies of a few monomials, all tried",
    cost=Cost.SECONDS,
    example=Example(
        power_of_quotient(
            3,
            {(Fraction(1), Fraction(1), Fraction(0)): 1.0, (Fraction(0),) * 3: 2.0},
            {
                (Fraction(0), Fraction(1), Fraction(0)): 1.0,
                (Fraction(0), Fraction(0), Fraction(1)): 1.0,
            },
            Fraction(1),
            1.0,
        ),
        n_rows=12,
    ),
    search=partial(_search, 1),
)

MORE_SPARSE_RELATIONS: Strategy = replace(
    SPARSE_RELATIONS,
    summary="solved, of few rows: the same among more monomials",
    cost=Cost.MINUTES,
    search=partial(_search, MORE_EFFORT),
)
