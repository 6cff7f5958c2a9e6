"""Laws that a dependency of monomials and powers of the target gives away."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial

import numpy as np
from numpy.typing import NDArray

from nalu_cli.circuit import Circuit
from nalu_cli.circuit.builders import (
    Exponents,
    Polynomial,
    power_of_quotient,
    quadratic_root,
    root_over_size,
)
from nalu_cli.numerics.monomials import monomial_values, polynomial_values
from nalu_cli.problem import Problem
from nalu_cli.problem.scaling import Scale
from nalu_cli.rows import Rows
from nalu_cli.search.candidate import Found
from nalu_cli.search.relations.ansatz import MOST_DEGREE, Ground, Question, questions
from nalu_cli.search.strategy import Context, Cost, Example, Strategy

__all__ = [
    "LARGE_NULL_SPACE",
    "NULL_SPACE",
    "Relation",
    "relations",
]

Floats = NDArray[np.float64]

NULL = 3e-14
"""Singular values below this share of the largest count as zero (rounding of rows and columns)."""

MOST_COLUMNS = 720
"""Monomials, times powers of the target, in one question."""

MOST_VECTORS = 40
"""More null vectors than this mean that the columns themselves are dependent."""

MOST_RELATIONS = 8
LOOK_ON = 3
"""Larger questions contain the smaller ones: after so many answers, or beyond so many times the
size of the first question with an answer, nothing new is to be expected."""

MOST_LONG = 20
"""A target that depends on the columns in many questions, always with many terms, is smooth."""

WORTH_ASKING = 40
"""Columns of a question from which it is worth asking a larger one whether it is in vain."""

MOST_BITS = 950
"""Size of the coefficients of a relation, up or down, that doubles can hold."""

MOST_TERMS = 40
"""A null vector with more terms than this is a fit, not a law."""


@dataclass(frozen=True, slots=True)
class Relation:
    """A sparse null vector: sum over k of y**k * polynomial_k(x) = 0.

    Parameters
    ----------
    parts : dict of Fraction to Polynomial
        For each power of the target the polynomial it is multiplied by.
    """

    parts: dict[Fraction, Polynomial]

    def circuits(self, rows: Rows) -> Iterator[Circuit]:
        """The relation solved for the target, as stacks; none with powers that are too large."""
        n = rows.X.shape[1]
        powers = sorted(self.parts)
        ways: list[Callable[[], Circuit]] = []
        if len(powers) == 3:
            low, middle, high = (self.parts[k] for k in powers)
            with np.errstate(all="ignore"):
                square = polynomial_values(high.items(), rows.X)
            roots = [quadratic_root]
            if (square > 0).any() and (square < 0).any():
                roots.append(root_over_size)
            ways = [
                partial(root, n, high, middle, low, sign) for root in roots for sign in (1.0, -1.0)
            ]
        elif len(powers) == 2:
            signs = [sign for sign in (1.0, -1.0) if bool((sign * rows.y > 0).any())]
            ways = [w for s in signs for w in self._quotients(n, powers[1] - powers[0], s)]
        seen: list[Circuit] = []
        for way in ways:
            try:
                circuit = way()
            except ValueError:
                continue
            if circuit not in seen:
                seen.append(circuit)
                yield circuit

    def _quotients(self, n: int, power: Fraction, sign: float) -> list[Callable[[], Circuit]]:
        low, high = sorted(self.parts)
        top = {e: -c for e, c in self.parts[low].items()}
        bottom = self.parts[high]
        if power != 2:
            return [partial(power_of_quotient, n, top, bottom, 1 / power, 1.0)]
        # under a root the two sums must both be positive, not both negative
        less_top, less_bottom = ({e: -c for e, c in part.items()} for part in (top, bottom))
        return [
            partial(power_of_quotient, n, above, below, 1 / power, sign, open_squares=opened)
            for above, below in ((top, bottom), (less_top, less_bottom))
            for opened in (True, False)
        ]


def relations(
    rows: Rows,
    *,
    least_columns: int = 0,
    most_columns: int = MOST_COLUMNS,
    stop: Callable[[], bool] = lambda: False,
) -> Iterator[Relation]:
    """Sparse null vectors of monomials times powers of the target, cheapest question first.

    Parameters
    ----------
    rows : Rows
        Training rows.
    least_columns, most_columns : int
        Sizes of the questions asked: more than the first, at most the second.
    stop : callable
        Asked before each question.

    Yields
    ------
    Relation
        Candidates only: smooth functions have relations good to rounding too.
    """
    scale = Scale.of(rows)
    # small questions are asked of the first rows: in a sorted table these would say too little
    order = np.random.default_rng(0).permutation(len(rows))
    scaled = scale.down(Rows(rows.X[order], rows.y[order]))
    supports: list[frozenset[tuple[Fraction, Exponents]]] = []
    largest = math.inf
    n = rows.X.shape[1]
    grounds = {roots: Ground.of(scaled.X, roots=roots) for roots in (False, True)}
    long = 0
    vain = _Vain(grounds, scaled.y, min(most_columns, len(rows) // 2))
    for question in questions(rows, least_columns, most_columns):
        if stop() or len(supports) >= MOST_RELATIONS or question.size(n) > largest:
            return
        if long >= MOST_LONG:
            return
        if question in vain:
            continue
        found = _null_vector(grounds[question.roots], scaled.y, question)
        if not found:
            long += found is not None
            continue
        relation = _relation(found, scale)
        if relation is not None and frozenset(found) not in supports:
            yield relation
        largest = min(largest, LOOK_ON * question.size(n))
        supports.append(frozenset(found))


class _Vain:
    """Questions that need not be asked: those without a dependency, and those that all have.

    Where a large question has no dependency the smaller ones in it have none; where monomials
    alone depend on one another, to rounding, no dependency says anything about the target.

    Parameters
    ----------
    grounds : dict of bool to Ground
        The columns, and their roots.
    y : ndarray of shape (N,)
        Targets.
    most_columns : int
        Size of the largest question.
    """

    def __init__(self, grounds: dict[bool, Ground], y: Floats, most_columns: int) -> None:
        self.grounds, self.y = grounds, y
        self.most_columns = most_columns
        self.highest: dict[tuple[object, ...], int] = {}

    def __contains__(self, question: Question) -> bool:
        if question.size(len(self.grounds[False].units)) < WORTH_ASKING:
            return False
        if question.twice:
            return replace(question, degree=2 * question.degree, twice=()) in self
        degree = max(question.degrees())
        if degree <= self._highest(question):
            return True
        alone = replace(question, powers=question.powers[:1])
        return self._highest(alone) < min(degree, self._highest_in_reach(alone))

    def _highest(self, question: Question) -> int:
        """The highest degree beside all powers of the target up to which all is independent."""
        key = (question.powers, question.roots, question.family)
        if key not in self.highest:
            low, high = 0, self._highest_in_reach(question)
            while low < high:
                degree = (low + high + 1) // 2
                if self._is_dependent(replace(question, degree=degree, weight=0)):
                    high = degree - 1
                else:
                    low = degree
            self.highest[key] = low
        return self.highest[key]

    def _highest_in_reach(self, question: Question) -> int:
        n = len(self.grounds[False].units)
        sizes = (replace(question, degree=d, weight=0).size(n) for d in range(MOST_DEGREE + 1))
        return sum(size <= self.most_columns for size in sizes) - 1

    def _is_dependent(self, question: Question) -> bool:
        A, *_ = _design(self.grounds[question.roots], self.y, question)
        return _is_singular(np.asarray(np.linalg.qr(A, mode="r")))


_Key = tuple[Fraction, tuple[int, ...]]


def _null_vector(
    ground: Ground, y: Floats, question: Question
) -> dict[tuple[Fraction, Exponents], float] | None:
    """A sparse dependency of the scaled columns; empty for a long one, None when there is none."""
    A, norms, keys = _design(ground, y, question)
    R: Floats = np.asarray(np.linalg.qr(A, mode="r"), dtype=np.float64)
    if not _is_singular(R):
        return None
    alone = sum(power == 0 for power, _ in keys)
    if _is_singular(R[:alone, :alone]):
        return None  # of so high a degree that the monomials depend on each other, to rounding
    _, s, Vt = np.linalg.svd(R)
    dimension = int((s < NULL * s[0]).sum())
    if not 1 <= dimension <= MOST_VECTORS:
        return None
    support = _smallest_support(R, Vt[-dimension:].T, keys)
    if support is None or all(keys[k][0] == 0 for k in support):
        return {}
    vector = np.linalg.svd(R[:, support])[2][-1] / norms[support]
    return {
        (keys[k][0], tuple(u * e for u, e in zip(ground.units, keys[k][1], strict=True))): float(v)
        for k, v in zip(support, vector, strict=True)
    }


def _design(ground: Ground, y: Floats, question: Question) -> tuple[Floats, Floats, list[_Key]]:
    """Unit columns, their norms before, and what each stands for."""
    exponents = [ground.exponents(question, degree) for degree in question.degrees()]
    size = sum(map(len, exponents))
    count = min(len(y), size + max(40, size // 4))
    monomials = monomial_values(ground.X[:count], max(exponents, key=len))
    blocks, keys = [], []
    for power, ours in zip(question.powers, exponents, strict=True):
        blocks.append((y[:count] ** float(power))[:, None] * monomials[:, : len(ours)])
        keys += [(power, e) for e in ours]
    A = np.concatenate(blocks, axis=1)
    A /= np.linalg.norm(A, axis=1, keepdims=True)
    norms = np.linalg.norm(A, axis=0)
    norms[norms == 0] = 1.0
    return A / norms, norms, keys


def _smallest_support(R: Floats, basis: Floats, keys: list[_Key]) -> NDArray[np.intp] | None:
    """The columns of a sparse null vector.

    With several null vectors the products of a law with monomials are among them: eliminating the
    monomials of highest degree leaves the one of lowest degree.
    """
    degrees = np.array([sum(e) for _, e in keys])
    basis = basis.copy()
    while basis.shape[1] > 1:
        rows = np.lexsort((-np.linalg.norm(basis, axis=1), -degrees))
        pivot = next((k for k in rows if np.linalg.norm(basis[k]) > 1e-6), None)
        if pivot is None:
            return None
        q, _ = np.linalg.qr(basis[pivot][:, None], mode="complete")
        basis = basis @ q[:, 1:]
    order = np.argsort(-np.abs(basis[:, 0]), kind="stable")
    low, high = 2, len(order)
    if not _dependent(R[:, order[:high]]):
        return None
    while low < high:
        middle = (low + high) // 2
        if _dependent(R[:, order[:middle]]):
            high = middle
        else:
            low = middle + 1
    # first-degree relations of many columns may be long: (a + b + ...) / (c + d + ...)
    most = len(order) if degrees.max() == 1 else MOST_TERMS
    return np.sort(order[:low]) if low <= most else None


def _dependent(columns: Floats) -> bool:
    R: Floats = np.asarray(np.linalg.qr(columns, mode="r"), dtype=np.float64)
    if not _is_singular(R):
        return False
    s = np.linalg.svd(R, compute_uv=False)
    return bool(s[-1] < NULL * s[0])


def _is_singular(R: Floats) -> bool:
    """Whether inverse iteration meets a tiny singular value; in a sixth of the time of an SVD."""
    b = np.random.default_rng(len(R)).standard_normal(len(R))
    try:
        x = np.linalg.solve(R, b / np.linalg.norm(b))
    except np.linalg.LinAlgError:
        return True
    # a random b has a component along the singular vector of about 1 / sqrt(M)
    return not float(np.linalg.norm(x)) < 1e-2 / (NULL * math.sqrt(len(R)))


def _relation(vector: dict[tuple[Fraction, Exponents], float], scale: Scale) -> Relation | None:
    """The dependency in the user's units; None where its coefficients have no common range."""
    columns, target = np.log2(scale.columns), math.log2(scale.target)
    sizes = {
        (power, e): float(power) * target + float(np.array(e, dtype=np.float64) @ columns)
        for power, e in vector
    }
    # the coefficients have a common factor to choose: 1e-300*y = 1e-300*x says y = x
    middle = (max(sizes.values()) + min(sizes.values())) / 2
    parts: dict[Fraction, Polynomial] = {}
    for (power, exponents), value in vector.items():
        shift = middle - sizes[power, exponents]
        if abs(shift) > MOST_BITS:
            return None
        parts.setdefault(power, {})[exponents] = value * 2.0**shift
    return Relation(parts)


FEW_COLUMNS = 260
"""Columns of the ansaetze that are tried before anything is trained. *Guess.*"""


def _search(least: int, most: int, problem: Problem, context: Context) -> Iterator[Found]:
    rows = problem.train
    for found in relations(rows, least_columns=least, most_columns=most, stop=context.stop):
        yield from map(Found, found.circuits(rows))


# the law is (2*a + b**2)/(1 + a*b)
_RATIONAL = power_of_quotient(
    2,
    {(Fraction(1), Fraction(0)): 2.0, (Fraction(0), Fraction(2)): 1.0},
    {(Fraction(0), Fraction(0)): 1.0, (Fraction(1), Fraction(1)): 1.0},
    Fraction(1),
    1.0,
)

NULL_SPACE = Strategy(
    name="algebraic",
    summary="solved: a dependency of monomials and powers of the target",
    cost=Cost.INSTANT,
    example=Example(_RATIONAL),
    search=partial(_search, 0, FEW_COLUMNS),
)

# the law is (a**4*b + 2*c**5)/(1 + a*b*c**3)
_OF_HIGH_DEGREE = power_of_quotient(
    3,
    {(Fraction(4), Fraction(1), Fraction(0)): 1.0, (Fraction(0), Fraction(0), Fraction(5)): 2.0},
    {(Fraction(0),) * 3: 1.0, (Fraction(1), Fraction(1), Fraction(3)): 1.0},
    Fraction(1),
    1.0,
)

LARGE_NULL_SPACE = replace(
    NULL_SPACE,
    summary="solved: the same among more monomials",
    example=Example(_OF_HIGH_DEGREE, n_rows=900),
    search=partial(_search, FEW_COLUMNS, MOST_COLUMNS),
)
