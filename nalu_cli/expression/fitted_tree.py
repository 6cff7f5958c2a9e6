"""A formula as a tree on the rows: values, slopes at every node, constants fitted."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Self

import numpy as np
from numpy.typing import NDArray

from nalu_cli.circuit import power_of
from nalu_cli.expression.edits import length_of
from nalu_cli.expression.tree import Column, Magnitude, Node, Number, Product, Sum
from nalu_cli.numerics.criterion import bic
from nalu_cli.numerics.gauss_newton import Damping, descend
from nalu_cli.rows import Rows

__all__ = ["FittedTree", "Spot", "constants", "fit_tree", "homes", "jacobian", "spots"]

Floats = NDArray[np.float64]
Path = tuple[int, ...]
Known = dict[int, tuple[Node, Floats | None]]

STEPS = 10
"""*Guess:* Gauss-Newton steps after which a fit is left as it is."""

MOST_TRIALS = 6
"""*Guess:* dampings that one step tries until the misfit falls; each is thirty times the last."""

CONVERGED = 1e-5
"""*Guess:* a step that gains less than this share of the misfit was the last."""

LEAST_DAMPING = 1e-9
"""*Guess:* a full step is damped by this share, so that directions without effect do not make the
equations singular."""

TINY = 1e-300
"""*Derived:* stands for zero where a logarithm or a quotient needs a positive number; it is near
the least double."""

ROUNDING = 1e-13
"""*Guess:* a smaller relative error says nothing about a formula: it is some hundred steps of
rounding."""


NO_SLOPE = np.zeros(0)
"""*Derived:* an empty array: the slope of a node before it is computed."""


@dataclass(slots=True)
class Spot:
    """A node on the rows.

    Parameters
    ----------
    path : tuple of int
        Which child of the root, which of that one, and so on.
    node : Node
    value : ndarray of shape (N,)
    below : list of Spot
    slope : ndarray of shape (N,)
        Of the formula in the value of this node, times the weights of the rows.
    """

    path: Path
    node: Node
    value: Floats
    below: list[Spot]
    slope: Floats

    def with_parents(self, parent: Node | None = None) -> Iterator[tuple[Spot, Node | None]]:
        """The node itself and all below it, each with the node it stands in."""
        yield self, parent
        for spot in self.below:
            yield from spot.with_parents(self.node)


@dataclass(frozen=True, slots=True)
class FittedTree:
    """A formula with fitted constants.

    Parameters
    ----------
    node : Node
    misfit : float
        Sum of its weighted squared errors.
    score : float
        Bayesian information criterion, every symbol counting as a constant does.
    """

    node: Node
    misfit: float
    score: float


def spots(tree: Node, X: Floats, weights: Floats) -> Spot:
    """The tree on the rows of X, (N, n_columns), with slopes by reverse differentiation."""
    with np.errstate(all="ignore"):
        root = _forward(tree, X, ())
    return _with_slopes(root, weights)


def _with_slopes(root: Spot, weights: Floats) -> Spot:
    with np.errstate(all="ignore"):
        _backward(root, weights)
    return root


def _forward(node: Node, X: Floats, path: Path, known: Known | None = None) -> Spot:
    """The values of all nodes; those without constants are leaves if the known ones are given."""
    if known is not None and (value := _known_value(node, X, known)) is not None:
        return Spot(path, node, value, [], NO_SLOPE)
    match node:
        case Column(j):
            return Spot(path, node, X[:, j], [], NO_SLOPE)
        case Number(constant):
            return Spot(path, node, np.full(len(X), constant), [], NO_SLOPE)
        case Magnitude(inner):
            below = [_forward(inner, X, (*path, 0), known)]
            return Spot(path, node, np.abs(below[0].value), below, NO_SLOPE)
        case Sum(terms, offset):
            below = [_forward(n, X, (*path, k), known) for k, (_, n) in enumerate(terms)]
            total = offset + terms[0][0] * below[0].value
            for (c, _), spot in zip(terms[1:], below[1:], strict=True):
                total += c * spot.value
            return Spot(path, node, total, below, NO_SLOPE)
        case Product(factors, scale):
            below = [_forward(n, X, (*path, k), known) for k, (n, _) in enumerate(factors)]
            value = scale * _power(below[0].value, factors[0][1])
            for (_, e), spot in zip(factors[1:], below[1:], strict=True):
                value *= _power(spot.value, e)
            return Spot(path, node, value, below, NO_SLOPE)


def _known_value(node: Node, X: Floats, known: Known) -> Floats | None:
    """The value of a product of columns, computed once; None for any other node."""
    if not isinstance(node, Product) or node.scale != 1:
        return None
    key = id(node)
    if key not in known:
        columns = all(isinstance(inner, Column) for inner, _ in node.factors)
        # the node is kept too, lest another one gets its identity
        known[key] = node, _forward(node, X, ()).value if columns else None
    return known[key][1]


def _power(value: Floats, e: Fraction) -> Floats:
    if e.denominator > 2:
        return power_of(value, e)
    if e.denominator == 2:
        value = np.sqrt(value)
    n = e.numerator
    size = _whole_power(value, abs(n))
    return size if n > 0 else np.asarray(1 / size)


def _whole_power(value: Floats, n: int) -> Floats:
    """Products take a fraction of the time that a power of doubles takes."""
    if n == 1:
        return value
    half = _whole_power(value, n // 2)
    return half * half * value if n % 2 else half * half


def _backward(spot: Spot, slope: Floats) -> None:
    spot.slope = slope
    if not spot.below:
        return
    match spot.node:
        case Magnitude():
            _backward(spot.below[0], slope * np.sign(spot.below[0].value))
        case Sum(terms, _):
            for (c, _), inner in zip(terms, spot.below, strict=True):
                _backward(inner, slope * c)
        case Product(factors, _):
            share = slope * spot.value
            for (_, e), inner in zip(factors, spot.below, strict=True):
                power = e.numerator / e.denominator
                below = power * share / inner.value
                if not inner.value.all():
                    below[inner.value == 0] = 0.0
                _backward(inner, below)


def constants(tree: Node) -> list[float]:
    """The free constants: coefficients, offsets and scales that are not neutral."""
    return [value for _, value in _constants(tree, ())]


def homes(tree: Node) -> list[Path]:
    """For each constant the path of the node it belongs to; a coefficient belongs to its term."""
    return [path for path, _ in _constants(tree, ())]


def _constants(tree: Node, path: Path) -> Iterator[tuple[Path, float]]:
    match tree:
        case Sum(terms, offset):
            for k, (c, inner) in enumerate(terms):
                yield (*path, k), c
                yield from _constants(inner, (*path, k))
            if offset:
                yield path, offset
        case Product(factors, scale):
            for k, (inner, _) in enumerate(factors):
                yield from _constants(inner, (*path, k))
            if not path or scale != 1:
                yield path, scale
        case Magnitude(inner):
            yield from _constants(inner, (*path, 0))
        case Number(value):
            yield path, value


def with_constants(tree: Node, values: Iterator[float]) -> Node:
    """The tree with other constants, in the same order."""
    return _replaced(tree, values, root=True)


def _replaced(tree: Node, values: Iterator[float], *, root: bool) -> Node:
    match tree:
        case Sum(terms, offset):
            changed = tuple((next(values), _replaced(n, values, root=False)) for _, n in terms)
            return Sum(changed, next(values) if offset else 0.0)
        case Product(factors, scale):
            inner = tuple((_replaced(n, values, root=False), e) for n, e in factors)
            if root or scale != 1:
                return Product(inner, next(values))
            same = all(new is old for (new, _), (old, _) in zip(inner, factors, strict=True))
            return tree if same else Product(inner, 1.0)
        case Magnitude(inner):
            other = _replaced(inner, values, root=False)
            return tree if other is inner else Magnitude(other)
        case Number():
            return Number(next(values))
    return tree


def jacobian(root: Spot) -> Floats:
    """Slopes of the formula in its constants, (N, n_constants), in their order."""
    columns = list(_columns(root, root=True))
    return np.column_stack(columns) if columns else np.empty((len(root.value), 0))


def _columns(spot: Spot, *, root: bool) -> Iterator[Floats]:
    match spot.node:
        case Sum(_, offset):
            for inner in spot.below:
                yield spot.slope * inner.value
                yield from _columns(inner, root=False)
            if offset:
                yield spot.slope
        case Product(_, scale):
            for inner in spot.below:
                yield from _columns(inner, root=False)
            if root or scale != 1:
                yield spot.slope * spot.value / scale
        case Magnitude():
            yield from _columns(spot.below[0], root=False)
        case Number():
            yield spot.slope


def fit_tree(
    tree: Node, rows: Rows, weights: Floats, *, steps: int = STEPS, least_gain: float = CONVERGED
) -> FittedTree | None:
    """Fit all constants by damped Gauss-Newton steps.

    Parameters
    ----------
    tree : Node
        With constants to start from.
    rows : Rows
    weights : ndarray of shape (N,)
        Of the rows; the errors of the targets are in inverse proportion.
    steps : int
        At most.
    least_gain : float
        Share of the misfit that each step but the last must gain.

    Returns
    -------
    FittedTree or None
        None where the formula is undefined on some row, or a constant comes out as zero.
    """
    fit = descend(_Fit.of(tree, rows, weights, {}), DAMPING, steps=steps, least_gain=least_gain)
    if fit is None:
        return None
    target = rows.y * weights
    return FittedTree(fit.root.node, fit.misfit, _score(fit.root.node, fit.misfit, target))


def _scales(diagonal: Floats) -> Floats:
    """Sizes, (n_constants,), that damping goes by; none is zero."""
    return np.maximum(diagonal, ROUNDING * np.max(diagonal, initial=TINY))


DAMPING = Damping(
    _scales, first=LEAST_DAMPING, least=LEAST_DAMPING, fall=10, rise=30, trials=MOST_TRIALS
)
"""*Guess:* damping starts at its least, since most formulas that are fitted lie close to one whose
constants are fitted already; it rises fast because each trial computes all rows, and falls slowly
because a step that needed damping is followed by others that do."""


@dataclass(frozen=True, slots=True)
class _Fit:
    """A formula on the rows, its weighted errors (N,) and the sum of their squares."""

    root: Spot
    residual: Floats
    misfit: float
    rows: Rows
    weights: Floats
    known: Known

    @classmethod
    def of(cls, tree: Node, rows: Rows, weights: Floats, known: Known) -> Self:
        with np.errstate(all="ignore"):
            root = _forward(tree, rows.X, (), known)
            residual = weights * (rows.y - root.value)
            misfit = float(residual @ residual)
        finite = misfit if math.isfinite(misfit) else math.inf
        return cls(root, residual, finite, rows, weights, known)

    @property
    def parameters(self) -> Floats:
        return np.array(constants(self.root.node))

    def jacobian(self) -> Floats:
        return jacobian(_with_slopes(self.root, self.weights))

    def moved(self, parameters: Floats) -> Self | None:
        """With other constants; None where one is zero, since a term without it is no term."""
        if not np.isfinite(parameters).all() or not parameters.all():
            return None
        # a scale that has become 1 is no constant any more
        changed = with_constants(self.root.node, iter(parameters.tolist()))
        return self.of(changed, self.rows, self.weights, self.known)


def _score(tree: Node, misfit: float, target: Floats) -> float:
    n = len(target)
    least = ROUNDING**2 * float(target @ target)
    return bic(n * math.log(max(misfit, least, TINY) / n), n, length_of(tree))
