"""Stage 3, first rungs: laws that linear algebra finds, one product, one sum, or a null vector of monomials."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from nalu_cli.circuit import ALLOWED_EXPONENTS, Circuit
from nalu_cli.problem import Rows
from nalu_cli.wiring import Polynomial, power_of_quotient, quadratic_root, single_product, single_sum

__all__ = ["Relation", "product_rung", "relations", "sum_rung"]

Floats = NDArray[np.float64]

NULL = 3e-14
"""Singular values below this share of the largest count as zero (rounding of unit rows and columns)."""

MOST_COLUMNS = 640
"""Monomials, times powers of the target, in one question."""

MOST_TERMS = 40
"""A null vector with more terms than this is a fit, not a law."""


def product_rung(rows: Rows) -> Iterator[Circuit]:
    """One product layer: log|y| = sum w log|x| + c by least squares.

    Parameters
    ----------
    rows : Rows
        Training rows.

    Yields
    ------
    Circuit
        With exponents rounded to the allowed ones, with sign and on magnitudes.
    """
    usable = np.flatnonzero((rows.X != 0).all(axis=0))
    if (rows.y == 0).any() or len(usable) + 1 > len(rows):
        return
    logs = np.log(np.abs(rows.X[:, usable]))
    design = np.column_stack([logs, np.ones(len(rows))])
    target = np.log(np.abs(rows.y))
    w = np.linalg.lstsq(design, target, rcond=1e-13)[0][:-1]
    exponents = {int(j): Fraction(round(2 * v), 2) for j, v in zip(usable, w, strict=True)}
    exponents = {j: e for j, e in exponents.items() if e in ALLOWED_EXPONENTS}
    position = {int(j): k for k, j in enumerate(usable)}
    left = target - sum(float(e) * logs[:, position[j]] for j, e in exponents.items())
    scale = float(np.exp(np.median(left)))
    for magnitude in (False, True):
        trial = single_product(rows.X.shape[1], exponents, 1.0, magnitude=magnitude)
        with np.errstate(all="ignore"):
            signs = np.sign(trial.evaluate(rows.X)) * np.sign(rows.y)
        if np.all(signs == signs[0]) and signs[0] != 0:
            yield single_product(
                rows.X.shape[1], exponents, float(signs[0]) * scale, magnitude=magnitude
            )
            return


def sum_rung(rows: Rows) -> Iterator[Circuit]:
    """One sum layer by least squares, with the target as it is, squared, rooted or inverted.

    Parameters
    ----------
    rows : Rows
        Training rows.

    Yields
    ------
    Circuit
        ``(c + sum c_j x_j) ** p`` with coefficients that do not matter left out.
    """
    n = rows.X.shape[1]
    if n + 2 > len(rows):
        return
    keeps_sign = bool((rows.y > 0).all() or (rows.y < 0).all())
    for power in (Fraction(1), Fraction(2), Fraction(-1), Fraction(1, 2), Fraction(-1, 2), Fraction(-2)):
        if power != 1 and not keeps_sign:
            continue
        sign = float(np.sign(rows.y[0])) if power != 1 else 1.0
        with np.errstate(all="ignore"):
            target = (sign * rows.y) ** float(1 / power)
        coefficients = _sparse_least_squares(rows.X, target)
        if coefficients is not None:
            yield single_sum(n, coefficients[:-1], float(coefficients[-1]), power, sign)


def _sparse_least_squares(X: Floats, y: Floats) -> Floats | None:
    """Coefficients and offset; those that the exact fit does not need are 0."""
    size = np.sqrt(np.mean(X**2, axis=0))
    design = np.column_stack([X / size, np.ones(len(X))])
    scale = float(np.sqrt(np.mean(y**2)))
    if not np.isfinite(scale) or scale == 0:
        return None
    c = np.linalg.lstsq(design, y / scale, rcond=1e-13)[0]
    residual = float(np.max(np.abs(design @ c - y / scale)))
    if residual > 1e-9:
        return None
    kept = np.abs(c) > 1e-10 * np.abs(c).max()
    c = np.where(kept, c, 0.0)
    c[kept] = np.linalg.lstsq(design[:, kept], y / scale, rcond=1e-13)[0]
    return np.append(c[:-1] * scale / size, c[-1] * scale)


@dataclass(frozen=True, slots=True)
class Relation:
    """A sparse null vector: sum over k of y**k * polynomial_k(x) = 0.

    Parameters
    ----------
    parts : dict of int to Polynomial
        For each power of the target the polynomial it is multiplied by.
    """

    parts: dict[int, Polynomial]

    def circuits(self, rows: Rows) -> Iterator[Circuit]:
        """The relation solved for the target, as stacks."""
        n = rows.X.shape[1]
        none: Polynomial = {}
        if set(self.parts) == {0, 1, 2}:
            for sign in (1.0, -1.0):
                yield quadratic_root(n, self.parts[2], self.parts[1], self.parts[0], sign)
        elif set(self.parts) == {0, 1}:
            top = {e: -c for e, c in self.parts.get(0, none).items()}
            yield power_of_quotient(n, top, self.parts[1], Fraction(1), 1.0)
        elif set(self.parts) == {0, 2}:
            sign = float(np.sign(np.median(rows.y)))
            for side in (1.0, -1.0):  # the two sums must both be positive, not both negative
                top = {e: -side * c for e, c in self.parts[0].items()}
                bottom = {e: side * c for e, c in self.parts[2].items()}
                yield power_of_quotient(n, top, bottom, Fraction(1, 2), sign)


@dataclass(frozen=True, slots=True)
class _Question:
    """Which monomials and which powers of the target are asked to be dependent."""

    exponents: tuple[tuple[int, ...], ...]
    powers: tuple[int, ...]
    roots: bool

    @property
    def columns(self) -> int:
        return len(self.exponents) * len(self.powers)


def relations(rows: Rows, most_columns: int = MOST_COLUMNS) -> Iterator[Relation]:
    """Sparse null vectors of monomials times powers of the target, cheapest question first.

    Parameters
    ----------
    rows : Rows
        Training rows.
    most_columns : int
        Largest question asked.

    Yields
    ------
    Relation
        Candidates only: smooth functions have relations good to rounding too.
    """
    columns = np.exp(np.mean(np.log(np.abs(rows.X) + 1e-300), axis=0))
    height = float(np.exp(np.mean(np.log(np.abs(rows.y) + 1e-300))))
    scaled = Rows(rows.X / columns, rows.y / height)
    for question in _questions(rows, most_columns):
        found = _null_vector(scaled, question)
        if found is not None:
            yield _relation(question, found, columns, height)


def _questions(rows: Rows, most_columns: int) -> list[_Question]:
    n = rows.X.shape[1]
    nonnegative = bool((rows.X >= 0).all())
    questions: list[_Question] = []
    for degree in range(1, 13):
        size = 1
        for k in range(degree):
            size = size * (n + k + 1) // (k + 1)
        for powers in ((0, 1), (0, 2), (0, 1, 2)):
            if size * len(powers) > min(most_columns, len(rows) / 1.3):
                continue
            exponents = tuple(_exponents(n, degree))
            questions.append(_Question(exponents, powers, roots=False))
            if nonnegative:
                questions.append(_Question(exponents, powers, roots=True))
    return sorted(questions, key=lambda q: q.columns + 5 * q.roots)


def _exponents(n: int, degree: int) -> Iterator[tuple[int, ...]]:
    for total in range(degree + 1):
        for chosen in itertools.combinations_with_replacement(range(n), total):
            yield tuple(chosen.count(j) for j in range(n))


def _null_vector(rows: Rows, question: _Question) -> Floats | None:
    """A sparse vector v with A v = 0, in the scaled columns; None when there is none."""
    A, norms = _design(rows, question)
    R = np.linalg.qr(A, mode="r")
    _, s, Vt = np.linalg.svd(R)
    dimension = int((s < NULL * s[0]).sum())
    if not 1 <= dimension <= 8:
        return None
    support = _smallest_support(R, Vt[-dimension:].T, question)
    if support is None:
        return None
    _, s, Vt = np.linalg.svd(R[:, support])
    vector = np.zeros(A.shape[1])
    vector[support] = Vt[-1]
    powers_used = {question.powers[k // len(question.exponents)] for k in support}
    return vector / norms if max(powers_used) > 0 else None


def _design(rows: Rows, question: _Question) -> tuple[Floats, Floats]:
    X = np.sqrt(rows.X) if question.roots else rows.X
    count = min(len(X), 2 * question.columns + 40)
    X, y = X[:count], rows.y[:count]
    monomials = _monomials(X, question.exponents)
    A = np.concatenate([(y**k)[:, None] * monomials for k in question.powers], axis=1)
    A /= np.linalg.norm(A, axis=1, keepdims=True)
    norms = np.linalg.norm(A, axis=0)
    norms[norms == 0] = 1.0
    return A / norms, norms


def _monomials(X: Floats, exponents: tuple[tuple[int, ...], ...]) -> Floats:
    """Each monomial from one of lower degree times a column: (N, M)."""
    table: dict[tuple[int, ...], Floats] = {}
    out = np.empty((len(X), len(exponents)))
    for m, e in enumerate(exponents):
        value = np.ones(len(X))
        for j in range(len(e)):
            if e[j]:
                lower = (*e[:j], e[j] - 1, *e[j + 1 :])
                value = table[lower] * X[:, j]
                break
        table[e] = value
        out[:, m] = value
    return out


def _smallest_support(R: Floats, basis: Floats, question: _Question) -> NDArray[np.intp] | None:
    """The columns of a sparse null vector.

    With several null vectors the products of a law with monomials are among them: eliminating the
    monomials of highest degree leaves the one of lowest degree.
    """
    degrees = np.array([sum(e) for e in question.exponents] * len(question.powers))
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
    return np.sort(order[:low]) if low <= MOST_TERMS else None


def _dependent(columns: Floats) -> bool:
    s = np.linalg.svd(columns, compute_uv=False)
    return bool(s[-1] < NULL * s[0])


def _relation(question: _Question, vector: Floats, columns: Floats, height: float) -> Relation:
    parts: dict[int, Polynomial] = {}
    unit = Fraction(1, 2) if question.roots else Fraction(1)
    for k, value in enumerate(vector):
        if value == 0:
            continue
        power = question.powers[k // len(question.exponents)]
        e = question.exponents[k % len(question.exponents)]
        exponents = tuple(unit * v for v in e)
        undo = float(np.exp(-np.dot([float(v) for v in exponents], np.log(columns))))
        parts.setdefault(power, {})[exponents] = float(value) * undo * height ** -float(power)
    return Relation(parts)
