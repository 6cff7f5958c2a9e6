"""Laws that follow from a null vector of monomials times powers of the target."""

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
from nalu_cli.search.candidate import Candidate
from nalu_cli.search.relations.ansatz import MOST_DEGREE, Ansatz, Variables, ansatzes
from nalu_cli.search.strategy import Context, Cost, Example, Strategy

__all__ = [
    "LARGE_NULL_SPACE",
    "NULL_SPACE",
    "Relation",
    "relations",
]

Floats = NDArray[np.float64]

NULL = 3e-14
"""Singular value, relative to the largest, below which it counts as zero. *Derived:* 135 EPS: up to
14 factors round a monomial by 7 EPS, and hundreds of columns add some such errors up."""

MOST_COLUMNS = 720
"""Largest number of monomials times powers of the target in an ansatz. *Guess:* the singular values
of so many columns take a second."""

MOST_VECTORS = 40
"""Number of independent null vectors beyond which the columns themselves are dependent. *Guess:* a
law times each monomial that the degree still allows gives fewer."""

MOST_RELATIONS = 8
"""Number of relations after which the search ends. *Guess:* the first come from small ansatzes, and
later ones are mostly multiples of them."""

LOOK_BEYOND = 3
"""Size of an ansatz, relative to the first that has a relation, beyond which none is tried.
*Guess:* a larger ansatz contains the smaller one, and has the same relations."""

MOST_LONG = 20
"""Number of ansatzes with only long relations after which the search ends. *Guess:* the target is
then a smooth function, which many monomials imitate to rounding."""

WORTH_BOUNDING = 40
"""Number of columns from which it is first looked up whether an ansatz is ruled out. *Guess:* the
singular values of fewer are found at once."""

MOST_BITS = 950
"""Bits by which units may move a coefficient of a relation, up or down. *Derived:* doubles have
1022, and the coefficients themselves need some."""

MOST_TERMS = 40
"""Largest number of terms in a relation, but for those of first degree. *Guess:* longer ones are
fits of a smooth function, not laws."""

CLEARLY_NONZERO = 1e-6
"""Length of a monomial's share in all null vectors above which it may be eliminated from them.
*Guess:* far above their rounding, and far below any coefficient of a law."""


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
        """The relation solved for the target; no circuit where its powers are too large."""
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
    """Sparse null vectors of monomials times powers of the target, those of small ansatzes first.

    Parameters
    ----------
    rows : Rows
        Training rows.
    least_columns, most_columns : int
        Bounds on the sizes of the ansatzes: larger than the first, at most the second.
    stop : callable
        Asked before each ansatz; True ends the search.

    Yields
    ------
    Relation
        Candidates only: smooth functions have relations good to rounding too.
    """
    scale = Scale.of(rows)
    # small ansatzes take the first rows, which in a sorted table would all be alike
    order = np.random.default_rng(0).permutation(len(rows))
    scaled = scale.down(Rows(rows.X[order], rows.y[order]))
    supports: list[frozenset[tuple[Fraction, Exponents]]] = []
    largest = math.inf
    n = rows.X.shape[1]
    variables = {roots: Variables.of(scaled.X, roots=roots) for roots in (False, True)}
    long = 0
    bounds = DegreeBounds(variables, scaled.y, min(most_columns, len(rows) // 2))
    for ansatz in ansatzes(rows, least_columns, most_columns):
        if stop() or len(supports) >= MOST_RELATIONS or ansatz.size(n) > largest:
            return
        if long >= MOST_LONG:
            return
        if bounds.rules_out(ansatz):
            continue
        found = _null_vector(variables[ansatz.roots], scaled.y, ansatz)
        if not found:
            long += found is not None
            continue
        relation = _relation(found, scale)
        if relation is not None and frozenset(found) not in supports:
            yield relation
        largest = min(largest, LOOK_BEYOND * ansatz.size(n))
        supports.append(frozenset(found))


class DegreeBounds:
    """Degrees up to which nothing is dependent, or beyond which all monomials are.

    Where a large ansatz has no null vector, the smaller ones that it contains have none. Where the
    monomials alone are dependent, to rounding, a null vector implies nothing about the target. The
    highest degree without a null vector is found by bisection, once for each kind of ansatz.

    Parameters
    ----------
    variables : dict of bool to Variables
        The columns, and under True their roots.
    y : ndarray of shape (N,)
        Targets.
    most_columns : int
        Size of the largest ansatz that is computed for a bound.
    """

    def __init__(self, variables: dict[bool, Variables], y: Floats, most_columns: int) -> None:
        self.variables, self.y = variables, y
        self.most_columns = most_columns
        self.highest: dict[tuple[object, ...], int] = {}

    def rules_out(self, ansatz: Ansatz) -> bool:
        """Whether an ansatz has no null vector, or none that implies anything about the target."""
        if ansatz.size(len(self.variables[False].units)) < WORTH_BOUNDING:
            return False
        if ansatz.doubled:
            return self.rules_out(replace(ansatz, degree=2 * ansatz.degree, doubled=()))
        degree = max(ansatz.degrees())
        if degree <= self._highest(ansatz):
            return True
        alone = replace(ansatz, powers=ansatz.powers[:1])
        return self._highest(alone) < min(degree, self._highest_in_reach(alone))

    def _highest(self, ansatz: Ansatz) -> int:
        """The highest degree, for all powers of the target, up to which all is independent."""
        key = (ansatz.powers, ansatz.roots, ansatz.basis)
        if key not in self.highest:
            low, high = 0, self._highest_in_reach(ansatz)
            while low < high:
                degree = (low + high + 1) // 2
                if self._is_dependent(replace(ansatz, degree=degree, target_degree=0)):
                    high = degree - 1
                else:
                    low = degree
            self.highest[key] = low
        return self.highest[key]

    def _highest_in_reach(self, ansatz: Ansatz) -> int:
        n = len(self.variables[False].units)
        sizes = (replace(ansatz, degree=d, target_degree=0).size(n) for d in range(MOST_DEGREE + 1))
        return sum(size <= self.most_columns for size in sizes) - 1

    def _is_dependent(self, ansatz: Ansatz) -> bool:
        A, *_ = _design(self.variables[ansatz.roots], self.y, ansatz)
        return _is_singular(np.asarray(np.linalg.qr(A, mode="r")))


_Key = tuple[Fraction, tuple[int, ...]]


def _null_vector(
    variables: Variables, y: Floats, ansatz: Ansatz
) -> dict[tuple[Fraction, Exponents], float] | None:
    """A sparse null vector of the scaled columns; empty for a long one, None when there is none."""
    A, norms, keys = _design(variables, y, ansatz)
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
    units = variables.units
    return {
        (keys[k][0], tuple(u * e for u, e in zip(units, keys[k][1], strict=True))): float(v)
        for k, v in zip(support, vector, strict=True)
    }


def _design(variables: Variables, y: Floats, ansatz: Ansatz) -> tuple[Floats, Floats, list[_Key]]:
    """Columns of length 1, their lengths before, and the power and exponents of each."""
    exponents = [variables.exponents(ansatz, degree) for degree in ansatz.degrees()]
    size = sum(map(len, exponents))
    count = min(len(y), size + max(40, size // 4))
    monomials = monomial_values(variables.X[:count], max(exponents, key=len))
    blocks, keys = [], []
    for power, own in zip(ansatz.powers, exponents, strict=True):
        blocks.append((y[:count] ** float(power))[:, None] * monomials[:, : len(own)])
        keys += [(power, e) for e in own]
    A = np.concatenate(blocks, axis=1)
    A /= np.linalg.norm(A, axis=1, keepdims=True)
    norms = np.linalg.norm(A, axis=0)
    norms[norms == 0] = 1.0
    return A / norms, norms, keys


def _smallest_support(R: Floats, basis: Floats, keys: list[_Key]) -> NDArray[np.intp] | None:
    """Places of the columns in a sparse null vector; None when all null vectors are long.

    Several null vectors are a law times several monomials. Eliminating the monomials of highest
    degree from them leaves the one of lowest degree.
    """
    degrees = np.array([sum(e) for _, e in keys])
    basis = basis.copy()
    while basis.shape[1] > 1:
        rows = np.lexsort((-np.linalg.norm(basis, axis=1), -degrees))
        pivot = next((k for k in rows if np.linalg.norm(basis[k]) > CLEARLY_NONZERO), None)
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
    """The null vector in the user's units; None where its coefficients have no common range."""
    columns, target = np.log2(scale.columns), math.log2(scale.target)
    sizes = {
        (power, e): float(power) * target + float(np.array(e, dtype=np.float64) @ columns)
        for power, e in vector
    }
    # the coefficients have a common factor to choose: 1e-300*y = 1e-300*x means y = x
    middle = (max(sizes.values()) + min(sizes.values())) / 2
    parts: dict[Fraction, Polynomial] = {}
    for (power, exponents), value in vector.items():
        shift = middle - sizes[power, exponents]
        if abs(shift) > MOST_BITS:
            return None
        parts.setdefault(power, {})[exponents] = value * 2.0**shift
    return Relation(parts)


FEW_COLUMNS = 260
"""Size of the ansatzes that are tried before anything is trained. *Guess:* all of them together
take a few seconds."""


def _search(least: int, most: int, problem: Problem, context: Context) -> Iterator[Candidate]:
    rows = problem.train
    for found in relations(rows, least_columns=least, most_columns=most, stop=context.stop):
        yield from map(Candidate, found.circuits(rows))


# the law is (2*a + b**2)/(1 + a*b)
_RATIONAL: Circuit = power_of_quotient(
    2,
    {(Fraction(1), Fraction(0)): 2.0, (Fraction(0), Fraction(2)): 1.0},
    {(Fraction(0), Fraction(0)): 1.0, (Fraction(1), Fraction(1)): 1.0},
    Fraction(1),
    1.0,
)

NULL_SPACE: Strategy = Strategy(
    name="algebraic",
    summary="solved: a dependency of monomials and powers of the target",
    cost=Cost.INSTANT,
    example=Example(_RATIONAL),
    search=partial(_search, 0, FEW_COLUMNS),
)

# the law is (a**4*b + 2*c**5)/(1 + a*b*c**3)
_OF_HIGH_DEGREE: Circuit = power_of_quotient(
    3,
    {(Fraction(4), Fraction(1), Fraction(0)): 1.0, (Fraction(0), Fraction(0), Fraction(5)): 2.0},
    {(Fraction(0),) * 3: 1.0, (Fraction(1), Fraction(1), Fraction(3)): 1.0},
    Fraction(1),
    1.0,
)

LARGE_NULL_SPACE: Strategy = replace(
    NULL_SPACE,
    summary="solved: the same among more monomials",
    example=Example(_OF_HIGH_DEGREE, n_rows=900),
    search=partial(_search, FEW_COLUMNS, MOST_COLUMNS),
)
