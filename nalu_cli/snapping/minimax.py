"""The smallest largest error of linear models, a batch at once, or a proof that it is too large."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["least_largest"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

GROWTH, LARGEST_NORM = 1.5, 300.0
"""By how much the exponent of the norm grows from step to step, and how far. *Derived:* at 300 the
largest of 100 equal errors is within 2 % of their norm."""

AIM = 0.98
"""Share of a limit at which a model is good enough: what is linear here is not quite so there.
*Guess.*"""

MOST_STEPS = 30
"""*Guess:* the order of the norm has long been the largest by then."""

RIDGE = 1e-13
"""*Derived:* of unit columns some hundred times their rounding."""


def least_largest(
    residuals: Floats, slopes: Floats, free: Bools, damping: Floats, *, limit: float = 1.0
) -> tuple[Floats, Floats]:
    """Move the free numbers of each model until its largest error is at most a limit.

    Norms of growing order are minimised by Newton steps, one each. With the weights of such a step
    the least weighted mean square is a lower bound of the squared largest error (Lawson 1961): a
    model that cannot get below the limit is given up as soon as that is certain.

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
    moves, now = np.zeros(free.shape), residuals.copy()
    best, best_moves = np.abs(now).max(axis=1), moves.copy()
    open_ = (best > AIM * limit) & free.any(axis=1) & np.isfinite(best)
    order = 2.0
    for _ in range(MOST_STEPS):
        live = np.flatnonzero(open_)
        if not len(live):
            break
        here = J if len(J) == 1 else J[live]
        step, bound = _newton(now[live], here, free[live], order, damping[live], moves[live])
        moves[live] += step
        now[live] += (J[0] @ step.T).T if len(J) == 1 else (J[live] @ step[..., None])[..., 0]
        largest = np.nan_to_num(np.abs(now[live]).max(axis=1), nan=np.inf)
        better = largest < best[live]
        best[live[better]], best_moves[live[better]] = largest[better], moves[live[better]]
        open_[live] = (best[live] > AIM * limit) & (bound <= limit)
        order = min(order * GROWTH, LARGEST_NORM)
    return best_moves / lengths, best


def _newton(
    now: Floats, J: Floats, free: Bools, order: float, damping: Floats, moves: Floats
) -> tuple[Floats, Floats]:
    """One Newton step of the norm of this order, and a lower bound of the largest error."""
    size = np.abs(now)
    weights = (size / (size.max(axis=1, keepdims=True) + 1e-300)) ** (order - 2.0) + 1e-15
    weighted = J * weights[:, :, None]
    H = np.matmul(weighted.transpose(0, 2, 1), J)
    H = np.where(free[:, :, None] & free[:, None, :], H, 0.0)
    places = np.arange(H.shape[1])
    diagonal = H[:, places, places]
    held = np.maximum(damping, RIDGE)[:, None] * diagonal.max(axis=1, keepdims=True)
    H[:, places, places] += held + np.where(free & (diagonal > 0), 0.0, 1.0)
    slope = np.matmul(weighted.transpose(0, 2, 1), now[..., None])[..., 0]
    slope = np.where(free, slope + held * moves, 0.0)
    step = -np.linalg.solve(H, slope[..., None])[..., 0]
    least = np.einsum("rn,rn->r", weights, now**2) + np.einsum("rq,rq->r", slope, step)
    bound = np.sqrt(np.maximum(least, 0.0) / weights.sum(axis=1))
    return step / max(order - 1.0, 1.0), bound
