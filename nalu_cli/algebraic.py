"""Stage 3: laws that a dependency of monomials and powers of the target gives away."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from functools import partial

import numpy as np
from numpy.typing import NDArray

from nalu_cli.circuit import Circuit
from nalu_cli.monomials import (
    exponents_each_up_to,
    exponents_up_to,
    monomial_values,
    powers_up_to,
)
from nalu_cli.problem import Rows
from nalu_cli.scale import Scale
from nalu_cli.wiring import (
    Exponents,
    Polynomial,
    power_of_quotient,
    quadratic_root,
    root_over_size,
)

__all__ = [
    "MOST_COLUMNS",
    "Relation",
    "relations",
]

Floats = NDArray[np.float64]

NULL = 3e-14
"""Singular values below this share of the largest count as zero (rounding of rows and columns),
where the targets are doubles that nothing was taken away from."""

MOST_COLUMNS = 720
"""Monomials, times powers of the target, in one question."""

MOST_DEGREE = 14
MOST_EACH = 2
"""Largest power of each column, where all products of these are in the question."""

AMPLE = 50
"""With more rows than this for each column, sums of powers are not asked for by themselves."""

MOST_VECTORS = 40
"""More null vectors than this mean that the columns themselves are dependent."""

POWERS = tuple(tuple(Fraction(k) for k in powers) for powers in ((0, 1), (0, 2), (0, 1, 2)))
ROOT_POWERS = ((Fraction(0), Fraction(1, 2)),)
"""Powers of the target in one question: quotients, their roots, roots beside a sum, and squares."""


MOST_RELATIONS = 8
LOOK_ON = 3
"""Larger questions contain the smaller ones: after so many answers, or beyond so many times the
size of the first question with an answer, nothing new is to be expected."""

MOST_TERMS = 40
"""A null vector with more terms than this is a fit, not a law."""


def _changes_sign(polynomial: Polynomial, rows: Rows) -> bool:
    with np.errstate(all="ignore"):
        values = sum(
            c * np.prod(rows.X ** np.array(e, dtype=np.float64), axis=1)
            for e, c in polynomial.items()
        )
    return bool(np.any(values > 0) and np.any(values < 0))


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
            roots = [quadratic_root, root_over_size] if _changes_sign(high, rows) else [quadratic_root]
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


class _Family(StrEnum):
    """Which monomials of several columns there are in a question."""

    DEGREE = "up to a degree"
    EACH = "each column up to a power"
    ALONE = "powers of each column alone"

    def exponents(self, n: int, degree: int) -> tuple[tuple[int, ...], ...]:
        """Of its monomials of n columns."""
        return _EXPONENTS[self](n, degree)

    def size(self, n: int, degree: int) -> int:
        """Number of its monomials."""
        sizes: dict[_Family, int] = {
            _Family.DEGREE: math.comb(n + degree, degree),
            _Family.EACH: (degree + 1) ** n,
            _Family.ALONE: 1 + n * degree,
        }
        return sizes[self]


_EXPONENTS = {
    _Family.DEGREE: exponents_up_to,
    _Family.EACH: exponents_each_up_to,
    _Family.ALONE: powers_up_to,
}


@dataclass(frozen=True, slots=True)
class _Question:
    """Which monomials of the columns times powers of the target are asked to be dependent.

    Parameters
    ----------
    degree : int
        Largest degree of a monomial beside the target's lowest power.
    weight : int
        What one step of the target's power takes off that degree.
    powers : tuple of Fraction
        Powers of the target, ascending from 0.
    roots : bool
        Monomials of the square roots of the columns that are never negative instead.
    family : _Family
        What the degree is of.
    """

    degree: int
    weight: int
    powers: tuple[Fraction, ...]
    roots: bool
    family: _Family

    def degrees(self) -> tuple[int, ...]:
        """The largest degree beside each power of the target."""
        return tuple(self.degree - self.weight * k for k in range(len(self.powers)))

    def exponents(self, n: int, degree: int) -> tuple[tuple[int, ...], ...]:
        """Of the monomials beside one power of the target."""
        return self.family.exponents(n, degree)

    def size(self, n: int) -> int:
        """Number of columns of the question."""
        return sum(self.family.size(n, d) for d in self.degrees())


def relations(
    rows: Rows,
    *,
    least_columns: int = 0,
    most_columns: int = MOST_COLUMNS,
    rounding: float = 1.0,
    stop: Callable[[], bool] = lambda: False,
) -> Iterator[Relation]:
    """Sparse null vectors of monomials times powers of the target, cheapest question first.

    Parameters
    ----------
    rows : Rows
        Training rows.
    least_columns, most_columns : int
        Sizes of the questions asked: more than the first, at most the second.
    rounding : float
        How many times the rounding of doubles that of the targets is.
    stop : callable
        Asked before each question.

    Yields
    ------
    Relation
        Candidates only: smooth functions have relations good to rounding too.
    """
    scale = Scale.of(rows)
    scaled = scale.down(rows)
    supports: list[frozenset[tuple[Fraction, Exponents]]] = []
    largest = math.inf
    n = rows.X.shape[1]
    for question in _questions(rows, least_columns, most_columns):
        if stop() or len(supports) >= MOST_RELATIONS or question.size(n) > largest:
            return
        found = _null_vector(scaled, question, NULL * rounding)
        if found is None:
            continue
        if frozenset(found) not in supports:
            yield _relation(found, scale)
        largest = min(largest, LOOK_ON * question.size(n))
        supports.append(frozenset(found))


def _questions(rows: Rows, least_columns: int, most_columns: int) -> list[_Question]:
    """All questions that the rows can answer, smallest first."""
    n = rows.X.shape[1]
    limit = min(most_columns, len(rows) - max(3, len(rows) // 20))
    rootable = [False, True] if _never_negative(rows.X).any() else [False]
    asked = POWERS + ROOT_POWERS if bool((rows.y >= 0).all()) else POWERS
    families = [_Family.DEGREE]
    if n > 1:
        families += [_Family.EACH] if len(rows) > AMPLE * n else [_Family.EACH, _Family.ALONE]
    questions = set()
    for degree, powers in itertools.product(range(MOST_DEGREE + 1), asked):
        weights = {0, 1, 2, -1, -2, degree // (len(powers) - 1)}
        for weight, roots, family in itertools.product(weights, rootable, families):
            question = _Question(degree, weight, powers, roots, family)
            sensible = min(question.degrees()) >= 0 and max(question.degrees()) > 0
            if family is _Family.EACH:
                # a formula that has each column once: both sums have all of their products
                sensible = weight == 0 and 0 < degree <= MOST_EACH
            if sensible and least_columns < question.size(n) <= limit:
                questions.add(question)
    return sorted(questions, key=lambda q: (q.size(n) + 5 * q.roots, q.degree, q.weight, q.powers))


_Key = tuple[Fraction, tuple[int, ...]]


def _null_vector(
    rows: Rows, question: _Question, null: float
) -> dict[tuple[Fraction, Exponents], float] | None:
    """A sparse dependency of the scaled columns; None when there is none."""
    A, norms, keys = _design(rows, question)
    R: Floats = np.asarray(np.linalg.qr(A, mode="r"), dtype=np.float64)
    if not _is_singular(R, null):
        return None
    alone = sum(power == 0 for power, _ in keys)
    if _is_singular(R[:alone, :alone], NULL):
        return None  # of so high a degree that the monomials depend on each other, to rounding
    _, s, Vt = np.linalg.svd(R)
    dimension = int((s < null * s[0]).sum())
    if not 1 <= dimension <= MOST_VECTORS:
        return None
    support = _smallest_support(R, Vt[-dimension:].T, keys, null)
    if support is None or all(keys[k][0] == 0 for k in support):
        return None
    vector = np.linalg.svd(R[:, support])[2][-1] / norms[support]
    rooted = _never_negative(rows.X) & question.roots
    units = [Fraction(1, 2) if root else Fraction(1) for root in rooted]
    return {
        (keys[k][0], tuple(u * e for u, e in zip(units, keys[k][1], strict=True))): float(v)
        for k, v in zip(support, vector, strict=True)
    }


def _never_negative(X: Floats) -> NDArray[np.bool_]:
    return np.asarray((X >= 0).all(axis=0))


def _design(rows: Rows, question: _Question) -> tuple[Floats, Floats, list[_Key]]:
    """Unit columns, their norms before, and what each stands for."""
    rooted = _never_negative(rows.X) & question.roots
    X = np.where(rooted, np.sqrt(np.abs(rows.X)), rows.X)
    n = X.shape[1]
    count = min(len(X), question.size(n) + max(40, question.size(n) // 4))
    X, y = X[:count], rows.y[:count]
    degrees = question.degrees()
    monomials = monomial_values(X, question.exponents(n, max(degrees)))
    blocks, keys = [], []
    for power, degree in zip(question.powers, degrees, strict=True):
        exponents = question.exponents(n, degree)
        blocks.append((y ** float(power))[:, None] * monomials[:, : len(exponents)])
        keys += [(power, e) for e in exponents]
    A = np.concatenate(blocks, axis=1)
    A /= np.linalg.norm(A, axis=1, keepdims=True)
    norms = np.linalg.norm(A, axis=0)
    norms[norms == 0] = 1.0
    return A / norms, norms, keys


def _smallest_support(
    R: Floats, basis: Floats, keys: list[_Key], null: float
) -> NDArray[np.intp] | None:
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
    if not _dependent(R[:, order[:high]], null):
        return None
    while low < high:
        middle = (low + high) // 2
        if _dependent(R[:, order[:middle]], null):
            high = middle
        else:
            low = middle + 1
    # first-degree relations of many columns may be long: (a + b + ...) / (c + d + ...)
    most = len(order) if degrees.max() == 1 else MOST_TERMS
    return np.sort(order[:low]) if low <= most else None


def _dependent(columns: Floats, null: float) -> bool:
    R: Floats = np.asarray(np.linalg.qr(columns, mode="r"), dtype=np.float64)
    if not _is_singular(R, null):
        return False
    s = np.linalg.svd(R, compute_uv=False)
    return bool(s[-1] < null * s[0])


def _is_singular(R: Floats, null: float) -> bool:
    """Whether inverse iteration meets a tiny singular value; in a sixth of the time of an SVD."""
    b = np.random.default_rng(len(R)).standard_normal(len(R))
    try:
        x = np.linalg.solve(R, b / np.linalg.norm(b))
    except np.linalg.LinAlgError:
        return True
    # a random b has a component along the singular vector of about 1 / sqrt(M)
    return not float(np.linalg.norm(x)) < 1e-2 / (null * math.sqrt(len(R)))


def _relation(vector: dict[tuple[Fraction, Exponents], float], scale: Scale) -> Relation:
    """The dependency in the user's units."""
    parts: dict[Fraction, Polynomial] = {}
    for (power, exponents), value in vector.items():
        size = float(scale.target) ** float(power)
        for e, column in zip(exponents, scale.columns, strict=True):
            size *= float(column) ** float(e)
        parts.setdefault(power, {})[exponents] = value / size
    return Relation(parts)
