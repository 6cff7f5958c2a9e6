"""The damped Gauss-Newton method for least squares that are not linear in their parameters."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

__all__ = ["Damping", "Model", "descend"]

Floats = NDArray[np.float64]


class Model(Protocol):
    """A model whose parameters have some values; fitting it makes others of it."""

    @property
    def parameters(self) -> Floats:
        """The values, shape (K,)."""

    @property
    def residual(self) -> Floats:
        """Targets minus predictions, times the weights of the rows, shape (N,)."""

    @property
    def misfit(self) -> float:
        """Sum of the squared residuals; infinite where the model is undefined."""

    def jacobian(self) -> Floats:
        """Slopes of the predictions in the parameters, times the weights, shape (N, K)."""

    def moved(self, parameters: Floats) -> Self | None:
        """The model with other parameters; None for parameters that end the fit."""


M = TypeVar("M", bound=Model)


@dataclass(frozen=True, slots=True)
class Damping:
    """How the damping of the steps goes up and down.

    Parameters
    ----------
    scales : callable
        From the diagonal, (K,), of the normal equations: what the damping is multiplied by in each
        of them; positive.
    first, least : float
        Damping of the first step, and of the most daring one.
    fall, rise : float
        What it is divided by after a step that lowers the misfit, and multiplied by after a trial
        that does not.
    trials : int
        Dampings that one step tries until the misfit falls.
    """

    scales: Callable[[Floats], Floats]
    first: float
    least: float
    fall: float
    rise: float
    trials: int


def descend(
    model: M,
    damping: Damping,
    *,
    steps: int,
    least_gain: float = 0.0,
    is_done: Callable[[int, float], bool] = lambda step, misfit: False,
) -> M | None:
    """Lower the misfit of a model step by step.

    A step solves ``(J' J + d diag(s)) p = J' r`` with the damping ``d`` and the scales ``s``
    (Marquardt, Journal of the Society for Industrial and Applied Mathematics 11, 1963). A step
    that does not lower the misfit is tried again with more damping.

    Parameters
    ----------
    model : Model
        With the parameters to start from.
    damping : Damping
    steps : int
        At most.
    least_gain : float
        Share of the misfit that each step but the last must gain, and must promise to first order.
    is_done : callable
        Whether the step of this number, from 0, which ended at this misfit, was the last.

    Returns
    -------
    Model or None
        None where the start or its slopes are not finite, or a step has no valid parameters.
    """
    d = damping.first
    for step in range(steps):
        if not math.isfinite(model.misfit):
            return None
        with np.errstate(all="ignore"):
            J = model.jacobian()
            H, gradient = J.T @ J, J.T @ model.residual
        if not math.isfinite(float(np.sum(H))):
            return None
        scales = damping.scales(H.diagonal())
        before, now = model.misfit, model.parameters
        daring = _solution(H, gradient, damping.least * scales)
        if least_gain and gradient @ daring <= least_gain * before:
            break
        for _ in range(damping.trials):
            shift = daring if d == damping.least else _solution(H, gradient, d * scales)
            trial = model.moved(now + shift)
            if trial is None:
                return None
            if trial.misfit < before:
                model, d = trial, max(d / damping.fall, damping.least)
                break
            d *= damping.rise
        if not model.misfit < before * (1 - least_gain) or is_done(step, model.misfit):
            break
    return model if math.isfinite(model.misfit) else None


def _solution(H: Floats, gradient: Floats, added: Floats) -> Floats:
    """The step, (K,), with numbers added to the diagonal; NaN where there is none."""
    damped = H.copy()
    damped.flat[:: len(damped) + 1] += added
    try:
        return np.asarray(np.linalg.solve(damped, gradient))
    except np.linalg.LinAlgError:
        return np.full(len(gradient), np.nan)
