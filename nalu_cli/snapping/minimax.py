"""The smallest largest error of linear models, a batch at once, or a proof that it is too large."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["least_largest"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

AIM = 0.98
"""Share of a limit at which a model is good enough: what is linear here is not quite so there.
*Guess.*"""

NEAR = 1.001
"""How near its lower bound a largest error is the least one. *Guess.*"""

MOST_STEPS = 40
"""*Measured:* random models of up to 8 numbers and 400 rows need at most 9."""

RIDGE = 1e-13
"""*Derived:* of unit columns some hundred times their rounding."""

CANCELLED = 1e-9
"""Share of prices below which what is left of them proves nothing. *Derived:* a step between the
rounding of doubles and what bounds are compared by."""

INSIDE = 0.99
"""Share of the way to the nearest wall that a step goes. *Cited:* Mehrotra (1992)."""


def least_largest(
    residuals: Floats, slopes: Floats, free: Bools, damping: Floats, *, limit: float = 1.0
) -> tuple[Floats, Floats]:
    """Move the free numbers of each model until its largest error is at most a limit.

    The linear program "least t with every error between -t and t" is solved by an interior-point
    method (Mehrotra 1992, "On the implementation of a primal-dual interior point method"). Errors'
    prices that no move can change are a lower bound of t: a model that cannot get below the limit
    is given up as soon as that is certain.

    Parameters
    ----------
    residuals : ndarray of shape (R, N)
    slopes : ndarray of shape (R, N, Q) or (1, N, Q)
        Derivatives of the residuals by the numbers.
    free : ndarray of bool, shape (R, Q)
    damping : ndarray of shape (R,)
        What a move costs, relative to what it does to the residuals: keeps numbers that can stand
        in for one another from running away.
    limit : float

    Returns
    -------
    moves : ndarray of shape (R, Q)
        0 for numbers that are not free.
    largest : ndarray of shape (R,)
        Largest error after them, where the model is linear.
    """
    lengths = np.sqrt(np.einsum("rnq,rnq->rq", slopes, slopes)) + 1e-300
    J = slopes / lengths[:, None]
    best, best_moves = np.abs(residuals).max(axis=1), np.zeros(free.shape)
    lower = np.zeros(len(best))
    open_ = (best > AIM * limit) & free.any(axis=1) & np.isfinite(best)
    at = _Points.outside(residuals, free)
    with np.errstate(all="ignore"):
        for _ in range(MOST_STEPS):
            live = np.flatnonzero(open_)
            if not len(live):
                break
            here, bound = _step(
                at.take(live), J if len(J) == 1 else J[live], free[live], damping[live]
            )
            at.put(live, here)
            largest = np.nan_to_num(np.abs(here.errors).max(axis=1), nan=np.inf)
            better = largest < best[live]
            best[live[better]], best_moves[live[better]] = largest[better], here.moves[better]
            lower[live] = np.fmax(lower[live], bound)
            high, low = best[live], lower[live]
            decided = np.where(low > AIM * limit, high <= limit, high <= AIM * limit)
            open_[live] = ~decided & (low <= limit) & (high > NEAR * low)
    return best_moves / lengths, best


@dataclass(frozen=True, slots=True)
class _Points:
    """Where the models are: inside both walls -t and t, with a price for each row at each wall."""

    moves: Floats
    errors: Floats
    level: Floats
    up: Floats
    down: Floats

    @classmethod
    def outside(cls, residuals: Floats, free: Bools) -> _Points:
        """Nothing moved, walls beyond all errors, all rows of one price."""
        count = residuals.shape[1]
        up = np.full(residuals.shape, 0.5 / count)
        level = 1.1 * np.abs(residuals).max(axis=1)
        return cls(np.zeros(free.shape), residuals.copy(), level, up, up.copy())

    def take(self, live: NDArray[np.intp]) -> _Points:
        """Some of the models."""
        return _Points(
            self.moves[live], self.errors[live], self.level[live], self.up[live], self.down[live]
        )

    def put(self, live: NDArray[np.intp], here: _Points) -> None:
        """Where those models are now."""
        self.moves[live], self.errors[live], self.level[live] = here.moves, here.errors, here.level
        self.up[live], self.down[live] = here.up, here.down


def _step(at: _Points, J: Floats, free: Bools, damping: Floats) -> tuple[_Points, Floats]:
    """One step to smaller levels, and a lower bound of every largest error: (R,)."""
    (R, N), Q = at.errors.shape, free.shape[1]
    above, below = at.level[:, None] - at.errors, at.level[:, None] + at.errors
    heavy_up, heavy_down = at.up / above, at.down / below
    heavy = heavy_up + heavy_down

    def back(x: Floats) -> Floats:
        moved = x @ J[0] if len(J) == 1 else np.matmul(x[:, None], J)[:, 0]
        return np.where(free, moved, 0.0)

    H = np.matmul(J.transpose(0, 2, 1) * heavy[:, None], J)
    H = np.where(free[:, :, None] & free[:, None, :], H, 0.0)
    places = np.arange(Q)
    diagonal = H[:, places, places]
    held = np.maximum(damping, RIDGE)[:, None] * diagonal.max(axis=1, keepdims=True)
    H[:, places, places] += held + np.where(free & (diagonal > 0), 0.0, 1.0)
    system = np.empty((R, Q + 1, Q + 1))
    system[:, :Q, :Q] = H
    system[:, :Q, Q] = system[:, Q, :Q] = -back(heavy_up - heavy_down)
    system[:, Q, Q] = heavy.sum(axis=1)

    def change(cost_up: Floats, cost_down: Floats) -> _Points:
        """The change that leaves these products of walls and prices, divided by the walls."""
        right = np.empty((R, Q + 1, 1))
        right[:, :Q, 0] = back(cost_down - cost_up) - held * at.moves
        right[:, Q, 0] = (cost_up + cost_down).sum(axis=1) - 1.0
        moved = np.linalg.solve(system, right)[..., 0]
        moves, level = moved[:, :Q], moved[:, Q]
        errors = _forward(J, moves)
        up = cost_up - at.up - heavy_up * (level[:, None] - errors)
        down = cost_down - at.down - heavy_down * (level[:, None] + errors)
        return _Points(moves, errors, level, up, down)

    def longest(d: _Points) -> tuple[Floats, Floats]:
        """How far it is to the walls, and to prices of 0: (R, 1) each."""
        walls = _way(above, d.level[:, None] - d.errors), _way(below, d.level[:, None] + d.errors)
        return np.minimum(*walls), np.minimum(_way(at.up, d.up), _way(at.down, d.down))

    d = change(np.zeros((R, N)), np.zeros((R, N)))
    by_wall, by_price = longest(d)
    wider, deeper = d.level[:, None] - d.errors, d.level[:, None] + d.errors
    gap = (at.up * above + at.down * below).sum(axis=1, keepdims=True)
    left = (above + by_wall * wider) * (at.up + by_price * d.up)
    left += (below + by_wall * deeper) * (at.down + by_price * d.down)
    aim = (left.sum(axis=1, keepdims=True) / gap) ** 3 * gap / (2 * N)
    d = change((aim - wider * d.up) / above, (aim - deeper * d.down) / below)
    by_wall, by_price = (np.minimum(1.0, INSIDE * way) for way in longest(d))
    bound = _bound(at.up - at.down, at.errors, J, H, heavy, back)
    new = _Points(
        at.moves + by_wall * d.moves,
        at.errors + by_wall * d.errors,
        at.level + by_wall[:, 0] * d.level,
        at.up + by_price * d.up,
        at.down + by_price * d.down,
    )
    return new, bound


def _bound(
    prices: Floats,
    errors: Floats,
    J: Floats,
    H: Floats,
    heavy: Floats,
    back: Callable[[Floats], Floats],
) -> Floats:
    """Of prices that no move changes: their weighted mean of the errors, the least largest one.

    Twice what moves could change is taken away, since one solution leaves its own rounding.
    """
    before = np.abs(prices).sum(axis=1)
    for _ in range(2):
        solved = np.linalg.solve(H, back(prices)[..., None])
        moves = np.asarray(solved[..., 0], dtype=np.float64)
        prices = prices - heavy * _forward(J, moves)
    total = np.abs(prices).sum(axis=1) + CANCELLED * before + 1e-300
    return np.asarray(np.einsum("rn,rn->r", prices, errors) / total)


def _forward(J: Floats, moves: Floats) -> Floats:
    if len(J) == 1:
        return np.asarray(moves @ J[0].T)
    return np.asarray(np.matmul(J, moves[..., None])[..., 0])


def _way(size: Floats, change: Floats) -> Floats:
    """How many times a change can be made until the first size is 0, at most once: (R, 1)."""
    ways = np.where(change < 0, -size / change, np.inf)
    return np.asarray(np.minimum(1.0, ways.min(axis=1, keepdims=True)))
