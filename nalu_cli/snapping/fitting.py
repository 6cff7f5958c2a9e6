"""The free numbers of a batch of settings, moved until a bound holds."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nalu_cli.snapping.model import Model

__all__ = ["clipped", "fit"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

MOST_LINEARISED = 6
"""Times a model is linearised anew on its way to a fit. *Guess:* steps are quadratic in the end."""

LARGEST_STEP = 0.5
"""Of an exponent, and of a coefficient relative to its size. *Guess.*"""

DAMPING, LESS, MORE = 1e-9, 0.03, 100.0
"""What a move costs at first, relative to what it does, and the changes of that after a good and a
bad step. *Guess.*"""

LEAST_GAIN = 1e-9
"""*Derived:* a smaller relative gain is rounding."""


def fit(
    model: Model, theta: Floats, free: Bools, limit: Floats, *, patience: int = 2
) -> tuple[Floats, Floats]:
    """Move the free numbers of each setting until its measure is within its limit.

    Parameters
    ----------
    model : Model
    theta : ndarray of shape (R, W)
        All weights.
    free : ndarray of bool, shape (R, Q)
        Which numbers move.
    limit : ndarray of shape (R,)
    patience : int
        Steps in a row that may fail.

    Returns
    -------
    theta : ndarray of shape (R, W)
    measure : ndarray of shape (R,)
    """
    theta = theta.copy()
    best, best_theta = model.bound.measure(model.residuals(theta)[0]), theta.copy()
    open_, worse = (best > limit) & free.any(axis=1), np.zeros(len(theta), dtype=int)
    damping = np.full(len(theta), DAMPING)
    for turn in range(MOST_LINEARISED * patience):
        live = np.flatnonzero(open_)
        if not len(live):
            break
        r, traces = model.residuals(best_theta[live])
        J = model.slopes(best_theta[live], traces)
        moves, promised = model.bound.moves(r, J, free[live], limit[live], damping[live])
        new = best_theta[live]
        new[:, model.at] += clipped(model, new, moves)
        measure = model.bound.measure(model.residuals(new)[0])
        better = measure < best[live] * (1 - LEAST_GAIN)
        best[live[better]], best_theta[live[better]] = measure[better], new[better]
        worse[live] = np.where(better, 0, worse[live] + 1)
        proven = (promised > limit[live]) & (damping[live] <= DAMPING) & (turn >= 2)
        open_[live] = (best[live] > limit[live]) & ~proven & (worse[live] < patience)
        damping[live] = np.clip(damping[live] * np.where(better, LESS, MORE), DAMPING, 1.0)
    return best_theta, best


def clipped(model: Model, theta: Floats, moves: Floats) -> Floats:
    """Moves (R, Q) that are no larger than a linear model is good for."""
    most = LARGEST_STEP * model.scales(theta)
    return np.clip(np.nan_to_num(moves), -most, most)
