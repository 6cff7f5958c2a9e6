"""Where sums and quotients of sums start: their terms are selected from a library of products."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from nalu_cli.numerics.tolerances import NOVEL, RANK, TINY
from nalu_cli.search.stacks.batch import Batch, Columns, Shape
from nalu_cli.search.stacks.projection import Projection, project, signs_of
from nalu_cli.search.stacks.starts import library, values_of
from nalu_cli.search.stacks.training import Goal

__all__ = ["selected_starts"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

ROWS = 160
"""Number of rows that terms are selected on. *Guess:* some ten for each weight."""

MOST_MONOMIALS = 400
"""Number of products in the library of each sum. *Guess:* all their inner products take some
milliseconds."""

ALLOWED = 0.6
"""Share of the library that a selection may be made from, but the first ones. *Guess:* each
selection misses some terms, and some selection has all the right ones."""

BARE = 8
"""Number of terms that are tried as the first of a denominator without a constant. *Guess:* a
simple term is among them."""

MORE, EXTRA = 2, 40
"""Factor and summand by which more terms are selected at first than there are in the end.
*Measured:* of 20 random quotients of four terms in three positive columns 20 are found, with 24
more terms 14."""

AT_ONCE = 0.1
"""Share of the terms too many that is eliminated at once. *Guess:* the first to go are clearly
idle."""

SWEEPS = 3
"""Largest number of times that each term may be exchanged for a better one. *Guess:* most need
one."""

NEAR_A_POLE = 1e-3
"""Size of a denominator, relative to its typical one, below which rows weigh no more. *Guess:* few
rows are nearer to a pole."""


def selected_starts(
    shape: Shape,
    columns: Columns,
    goal: Goal,
    count: int,
    rng: np.random.Generator,
    addend: Batch | None = None,
) -> Batch | None:
    """Sums P or quotients P/Q whose terms are selected forward and backward, then exchanged.

    The equation ``y Q = P`` is linear in the weights of both sums; its errors are those of y times
    Q, and so are divided by the Q of a first selection (Sanathanan and Koerner 1963).

    Parameters
    ----------
    shape : Shape
        With one inner sum or none.
    columns : Columns
    goal : Goal
    count : int
        Number of the best selections that are kept.
    rng : numpy.random.Generator
    addend : Batch, optional
        One trained stack, a sum, that the quotient is added to.

    Returns
    -------
    Batch or None
        Each selection twice, the second time with exponents that are trained. All terms but those
        of the addend read the inner sum with the power -1. None when there are fewer products than
        terms.
    """
    rows = np.arange(min(ROWS, len(goal.target)))
    columns, goal = columns.take(rows), goal.take(rows)
    products, below = _Library.of(columns), sum(shape.inner)
    added = 0 if addend is None else addend.shape.outer
    outer = shape.outer - added
    if max(outer, below) >= len(products.exponents):
        return None

    def projected(selections: list[_Selected]) -> tuple[Batch, Projection]:
        batch = Batch.joined([products.stack(shape, one, addend) for one in selections])
        return batch, project(batch, columns, signs_of(batch, columns), goal.target, goal.weights)

    residual = goal.target if addend is None else _residual(addend, columns, goal)
    equation = _Equation(products.values, residual, goal.weights)
    typical = np.median(np.abs(residual)) + TINY
    sizes = (1.0, 1.0 + np.abs(residual) / typical) if below else (1.0,)
    designs = [equation.design(goal.weights / by) for by in sizes]
    selections = []
    for k, unit in enumerate(_unit_terms(products, below, columns, count, rng)):
        allowed = products.polynomial if k % 2 else np.ones_like(products.polynomial)
        if k >= 2 * len(designs):
            allowed = allowed & (rng.random(len(allowed)) < ALLOWED)
        quota = outer, below - (unit > 0)
        selected = equation.selected(designs[k // 2 % len(designs)], unit, quota, allowed)
        if (len(selected.above), len(selected.below)) == quota:
            selections.append(selected)
    if not selections:
        return None
    batch, at = projected(selections)
    order = np.argsort(at.loss)[:count]
    best, batch, at = [selections[k] for k in order], batch.take(order), at.take(order)
    if below:
        # the weights of the addend are known better now
        known = (at.terms[..., :added] @ at.weights[:, :added, None])[..., 0]
        residuals = goal.target - known / goal.weights
        again = [
            replace(equation, target=own).again(one)
            for one, own in zip(best, residuals, strict=True)
        ]
        best += [one for one, before in zip(again, best, strict=True) if one.is_as_long_as(before)]
        batch, at = projected(best)
        batch = batch.take(np.argsort(at.loss)[:count])
    trained = batch.take(np.arange(len(batch)))
    trained.free = (trained.exponents != 0) & ~columns.signed
    return Batch.joined([batch, trained])


def _residual(addend: Batch, columns: Columns, goal: Goal) -> Floats:
    """The target less a stack."""
    at = project(addend, columns, signs_of(addend, columns), goal.target, goal.weights)
    return np.asarray(at.residual[0] / goal.weights)


def _unit_terms(
    products: _Library, below: int, columns: Columns, count: int, rng: np.random.Generator
) -> list[int]:
    """Terms of the denominator whose weight is 1: the constant, and others where there is none.

    Columns of one sign need no others: all terms can be divided by one of them.
    """
    constants = [0] * count
    if below < 2 or not columns.signed.any():
        return constants
    others = 1 + rng.permutation(len(products.exponents) - 1)[:BARE]
    return constants + [int(k) for k in others]


@dataclass(frozen=True, slots=True)
class _Library:
    """Products of columns, first the one that is 1."""

    exponents: Floats
    odd: Bools
    values: Floats

    @classmethod
    def of(cls, columns: Columns) -> _Library:
        exponents, odd = library(columns, MOST_MONOMIALS)
        one = np.zeros((1, exponents.shape[1]))
        exponents = np.concatenate([one, exponents])
        odd = np.concatenate([one.astype(bool), odd])
        return cls(exponents, odd, values_of(exponents, odd, columns))

    @property
    def polynomial(self) -> Bools:
        """Products of whole powers of columns, which resemble one another less than others do."""
        whole = (self.exponents >= 0) & (self.exponents == np.round(self.exponents))
        return np.asarray(whole.all(axis=1))

    def stack(self, shape: Shape, selected: _Selected, addend: Batch | None) -> Batch:
        """Selected terms as one stack, whose exponents stay."""
        below, inner_weights = selected.below, selected.weights
        if selected.unit:
            below, inner_weights = [selected.unit, *below], [1.0, *inner_weights]
        units, sums = np.array(selected.above + below), len(shape.inner)
        exponents, odd = self.exponents[None, units], self.odd[None, units]
        reads = np.ones((1, shape.outer, sums), dtype=bool)
        if addend is not None:
            exponents = np.concatenate([addend.exponents, exponents], axis=1)
            odd = np.concatenate([addend.odd, odd], axis=1)
            reads[:, : addend.shape.outer] = False
        return Batch(
            shape,
            exponents,
            np.zeros(exponents.shape, dtype=bool),
            odd,
            np.array([inner_weights]).reshape(1, sum(shape.inner)),
            np.full((1, sums), -1.0),
            np.zeros((1, sums), dtype=bool),
            np.ones((1, sums), dtype=bool),
            np.full((1, sums), float(selected.unit == 0)),
            reads,
            np.zeros((1, shape.outer)),
            np.full(1, np.inf),
        )


@dataclass(frozen=True, slots=True)
class _Selected:
    """Places of the terms of a quotient, and weights of those below.

    Parameters
    ----------
    unit : int
        The term below whose weight is 1.
    above, below : list of int
    weights : list of float
    allowed : ndarray of bool
        The products that could be selected.
    """

    unit: int
    above: list[int]
    below: list[int]
    weights: list[float]
    allowed: Bools

    def is_as_long_as(self, other: _Selected) -> bool:
        """Whether both have so many terms above and below."""
        return (len(self.above), len(self.below)) == (len(other.above), len(other.below))

    @classmethod
    def of(
        cls, design: _Design, terms: list[int], count: int, unit: int, allowed: Bools
    ) -> _Selected:
        """Of places among the terms above, then those below."""
        weights = design.solved(terms, count + unit)
        pairs = [(k - count, float(w)) for k, w in zip(terms, weights, strict=True) if k >= count]
        above = [k for k in terms if k < count]
        return cls(unit, above, [k for k, _ in pairs], [w for _, w in pairs], allowed)


@dataclass(frozen=True, slots=True)
class _Equation:
    """The equation ``y Q = P`` with all products of a library above and below.

    Parameters
    ----------
    values : ndarray of shape (N, L)
    target, weights : ndarray of shape (N,)
    """

    values: Floats
    target: Floats
    weights: Floats

    def design(self, by: Floats) -> _Design:
        """With these weights of the rows."""
        A = np.concatenate([self.values, -self.target[:, None] * self.values], axis=1)
        return _Design.of(A * by[:, None])

    def selected(
        self, design: _Design, unit: int, quota: tuple[int, int], allowed: Bools
    ) -> _Selected:
        """So many terms above and below, the unit term not counted."""
        count = self.values.shape[1]
        terms = _terms(design, count, unit, quota, allowed)
        return _Selected.of(design, terms, count, unit, allowed)

    def again(self, before: _Selected) -> _Selected:
        """As many terms with the errors divided by the denominator of before."""
        below = self.values[:, before.below] @ np.array(before.weights)
        size = np.abs(self.values[:, before.unit] + below)
        size = np.maximum(size, NEAR_A_POLE * np.median(size) + TINY)
        quota = len(before.above), len(before.below)
        return self.selected(self.design(self.weights / size), before.unit, quota, before.allowed)


def _sides(count: int, unit: int, allowed: Bools) -> tuple[NDArray[np.intp], Bools]:
    """On which side each term is, above or below, and whether it may be selected."""
    allowed = np.tile(allowed, 2)
    allowed[count] = allowed[count + unit] = False
    return np.repeat([0, 1], count), allowed


def _terms(
    design: _Design, count: int, unit: int, quota: tuple[int, int], allowed: Bools
) -> list[int]:
    """Forward selection of more terms than the quota, then backward elimination, then exchange.

    Two terms that explain little alone, as x and x**2 of a distance, are both there in the end.
    """
    side, allowed = _sides(count, unit, allowed)
    target = count + unit
    chosen = design.forward(target, allowed, side, [MORE * q + EXTRA if q else 0 for q in quota])
    chosen = design.backward(chosen, target, side, list(quota))
    return _exchanged(design, chosen, target, side, allowed)


def _exchanged(
    design: _Design, chosen: list[int], target: int, side: NDArray[np.intp], allowed: Bools
) -> list[int]:
    """Each term exchanged for the best one of its side, until none is better."""
    for _ in range(SWEEPS):
        before = list(chosen)
        for i in range(len(chosen)):
            others = chosen[:i] + chosen[i + 1 :]
            best = design.best(others, target, allowed & (side == side[chosen[i]]))
            chosen[i] = chosen[i] if best is None else best
        if chosen == before:
            break
    return chosen


@dataclass(frozen=True, slots=True)
class _Design:
    """Terms as columns of length 1, and what they were divided by.

    Products of columns resemble one another so much that their inner products would not tell them
    apart: they are made orthogonal to what is selected instead.
    """

    terms: Floats
    lengths: Floats

    @classmethod
    def of(cls, terms: Floats) -> _Design:
        lengths = np.sqrt(np.einsum("nk,nk->k", terms, terms)) + TINY
        return cls(terms / lengths, lengths)

    def forward(
        self, target: int, allowed: Bools, side: NDArray[np.intp], most: list[int]
    ) -> list[int]:
        """One term after the other with which the squared error falls most, so many a side."""
        chosen: list[int] = []
        residual, length = self.terms[:, target].copy(), np.ones(len(side))
        basis = np.empty((len(residual), min(sum(most), len(residual) - 1)))
        open_ = allowed & (np.array(most)[side] > 0)
        for i in range(basis.shape[1]):
            k = self._best(residual, length, open_)
            if k is None:
                break
            new = self.terms[:, k]
            for _ in range(2):  # twice, since rounding leaves some of the basis in it
                new = new - basis[:, :i] @ (basis[:, :i].T @ new)
            new = new / np.linalg.norm(new)
            basis[:, i] = new
            residual = residual - new * (new @ residual)
            length = length - (new @ self.terms) ** 2
            chosen.append(k)
            open_[k] = False
            if np.count_nonzero(side[chosen] == side[k]) == most[side[k]]:
                open_ &= side != side[k]
        return chosen

    def best(self, chosen: list[int], target: int, allowed: Bools) -> int | None:
        """The further term with which the squared error falls most."""
        basis = np.linalg.qr(self.terms[:, chosen])[0]
        residual = self.terms[:, target]
        residual = residual - basis @ (basis.T @ residual)
        allowed = allowed.copy()
        allowed[chosen] = False
        length = 1.0 - np.einsum("kj,kj->j", *(2 * [basis.T @ self.terms]))
        return self._best(residual, length, allowed)

    def _best(self, residual: Floats, length: Floats, allowed: Bools) -> int | None:
        """The term that explains most of a residual, given the squared length of its novel part."""
        allowed = allowed & (length > NOVEL)
        if not allowed.any():
            return None
        gains = (residual @ self.terms) ** 2 / np.maximum(length, NOVEL)
        return int(np.argmax(np.where(allowed, gains, -1.0)))

    def backward(
        self, chosen: list[int], target: int, side: NDArray[np.intp], most: list[int]
    ) -> list[int]:
        """Terms taken away without which the squared error rises least, until so many a side."""
        kept = list(chosen)
        r = np.asarray(np.linalg.qr(self.terms[:, [*chosen, target]])[1])
        aimed, places = r[:, -1], list(range(len(chosen)))
        while True:
            over = np.bincount(side[kept], minlength=len(most)) - np.array(most)
            if over.max() <= 0:
                return kept
            inner, triangle = np.linalg.qr(r[:, places])
            inverse = np.linalg.solve(triangle + RANK * np.eye(len(kept)), np.eye(len(kept)))
            weights = inverse @ (inner.T @ aimed)
            rises = weights**2 / np.einsum("ij,ij->i", inverse, inverse)
            order = np.argsort(np.where(over[side[kept]] > 0, rises, np.inf))
            gone = set()
            for k in order[: max(1, int(over.max() * AT_ONCE))]:
                if over[side[kept[k]]] > 0:
                    over[side[kept[k]]] -= 1
                    gone.add(int(k))
            kept = [term for k, term in enumerate(kept) if k not in gone]
            places = [place for k, place in enumerate(places) if k not in gone]

    def solved(self, chosen: list[int], target: int) -> Floats:
        """The weights of these terms, for the target with the sign that moves it over."""
        A, aimed = self.terms[:, chosen], -self.terms[:, target]
        solved = np.linalg.lstsq(A, aimed, rcond=RANK)[0]
        return np.asarray(solved * self.lengths[target] / self.lengths[chosen])
