"""Levenberg-Marquardt steps on a whole batch of stacks; those that are finished are left out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nalu_cli.search.stacks.batch import Batch, Columns
from nalu_cli.search.stacks.projection import Projection, project, signs_of, slopes

__all__ = ["Goal", "train"]

Floats = NDArray[np.float64]

LARGEST_STEP = 0.5
"""Largest step of an exponent or weight. *Guess:* longer ones cross poles."""

LARGEST_EXPONENT, LARGEST_POWER = 8.0, 4.0
"""Largest sizes of an exponent and of a power of a sum. *Guess:* beyond them lie no laws that
people print."""

FIRST_DAMPING, LESS, MORE = 1e-2, 0.25, 6.0
"""Damping at first, and the factors by which it changes after a good and after a bad step. *Guess:*
it falls slowly and rises fast, since a bad step costs as much as a good one."""

GAIN = 1e-3
"""Relative fall of the loss in a step below which a stack counts as idle. *Guess:* so little
changes no comparison between stacks."""

IDLE = 6
"""Number of idle steps after which a stack is finished. *Guess:* damping recovers in fewer."""


@dataclass(frozen=True, slots=True)
class Goal:
    """The target of training.

    Parameters
    ----------
    target : ndarray of shape (N,)
        A power of the table's target.
    weights : ndarray of shape (N,)
        The weight that the error of each row is multiplied by.
    enough : float
        Loss at which a stack explains the rows.
    """

    target: Floats
    weights: Floats
    enough: float

    def take(self, rows: NDArray[np.intp]) -> Goal:
        """The same for some of the rows."""
        share = len(rows) / len(self.target)
        return Goal(self.target[rows], self.weights[rows], self.enough * share)


def train(
    batch: Batch, columns: Columns, goal: Goal, *, steps: int, stop: Callable[[], bool]
) -> Batch:
    """Levenberg-Marquardt on every stack of a batch at once.

    Parameters
    ----------
    batch : Batch
        Where to start.
    columns : Columns
    goal : Goal
    steps : int
        Most steps.
    stop : callable
        Asked before each step.

    Returns
    -------
    Batch
        The same stacks, trained, in their order.
    """
    batch = batch.take(np.arange(len(batch)))
    with np.errstate(all="ignore"):
        signs = signs_of(batch, columns)
        now = project(batch, columns, signs, goal.target, goal.weights)
        damping = np.full(len(batch), FIRST_DAMPING)
        idle = np.zeros(len(batch), dtype=int)
        trained = batch.free.any(axis=(1, 2)) | bool(batch.shape.inner)
        for _ in range(steps):
            live = np.flatnonzero((idle < IDLE) & (now.loss > goal.enough) & trained)
            if not len(live) or stop():
                break
            part, here = batch.take(live), now.take(live)
            trial = _stepped(part, _step(part, columns, here, damping[live]))
            there = None if signs is None else signs[live]
            new = project(trial, columns, there, goal.target, goal.weights)
            better = new.loss < here.loss
            gained = new.loss < here.loss * (1 - GAIN)
            idle[live] = np.where(gained, 0, idle[live] + 1)
            damping[live] = np.clip(damping[live] * np.where(better, LESS, MORE), 1e-12, 1e8)
            batch.put(live[better], trial.take(better))
            now.put(live[better], new.take(np.flatnonzero(better)))
    batch.outer_weights = now.weights / now.lengths
    batch.loss = now.loss
    return batch


def _step(batch: Batch, columns: Columns, at: Projection, damping: Floats) -> Floats:
    """The damped Gauss-Newton step of each stack: (R, numbers)."""
    J = slopes(batch, columns, at)
    H = J.transpose(0, 2, 1) @ J
    slope = (J.transpose(0, 2, 1) @ at.residual[..., None])[..., 0]
    diagonal = np.einsum("rpp->rp", H).copy()
    floor = 1e-8 * diagonal.max(axis=1, keepdims=True) + 1e-12
    places = np.arange(H.shape[1])
    H[:, places, places] += damping[:, None] * (diagonal + floor)
    # numbers without effect keep still
    H[:, places, places] += np.where(diagonal > 0, 0.0, 1.0)
    finite = np.asarray(np.isfinite(H).all(axis=(1, 2)))
    H = np.where(finite[:, None, None], H, np.eye(H.shape[1]))
    step = -np.linalg.solve(H, np.nan_to_num(slope)[..., None])[..., 0]
    return np.asarray(np.clip(np.nan_to_num(step), -LARGEST_STEP, LARGEST_STEP))


def _stepped(batch: Batch, step: Floats) -> Batch:
    R, units, n = batch.exponents.shape
    at = units * n if batch.free.any() else 0
    inner = batch.inner_weights.shape[1]
    moved = batch.take(np.arange(R))
    if at:
        exponents = batch.exponents + step[:, :at].reshape(R, units, n) * batch.free
        moved.exponents = np.clip(exponents, -LARGEST_EXPONENT, LARGEST_EXPONENT)
    moved.inner_weights = batch.inner_weights + step[:, at : at + inner]
    powers = batch.powers + step[:, at + inner :] * batch.free_powers
    moved.powers = np.clip(powers, -LARGEST_POWER, LARGEST_POWER)
    return moved
