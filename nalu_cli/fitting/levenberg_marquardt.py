"""Levenberg-Marquardt in float64 on all weights of many stacks at once."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from nalu_cli.circuit.relaxed import PRODUCT, SUM, Relaxed, RelaxedLayer

__all__ = ["Differentiable", "Network", "Residual", "evaluate_relaxed", "polish"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

LARGEST_LOG, SMALLEST_LOG = 300.0, -700.0
"""*Derived:* bounds on the logarithms of unit values: exp(300)**2 is still a double, and exp(-700)
is less than the least input, so that the slope of a square at zero is zero."""

LOG_WEIGHTS = (0.1, 3.0)
"""*Guess:* bounds on |y| over its median as the weight of a logarithm: heavy tails must not
rule."""

LEAST = 1e-300
"""*Derived:* stands for zero where a logarithm or a quotient needs a number that is not; it is near
the least double."""

FIRST_DAMPING, LEAST_DAMPING, MOST_DAMPING = 1e-3, 1e-12, 1e8
"""*Guess:* the damping of the first step, and the bounds of all: from full steps of Gauss-Newton to
short ones downhill."""

SHRINKING, GROWING = 0.25, 6.0
"""*Guess:* the damping is multiplied by the first after a step that helped, by the second after one
that did not."""

LEAST_GAIN, MOST_STALLED = 1e-6, 6
"""*Guess:* a restart ends when so many steps on end have each gained less than this share of its
loss."""

FLAT = 1e-6
"""*Guess:* a weight of less effect than this, relative to the strongest, is damped as if it had as
much."""


class Residual:
    """What is driven to zero: (f - y) / scale, or log|f| - log|y|, larger targets counting more.

    An error of the same size everywhere is an error of log|y| that shrinks as |y| grows; weights
    of |y|, within bounds that keep heavy tails from ruling, make up for that.

    Parameters
    ----------
    y : ndarray of shape (N,)
        The target.
    log : bool
        Compare logarithms.
    weights : ndarray of shape (N,), optional
        How much each row counts, if not all the same; without logarithms only.
    """

    def __init__(self, y: Floats, *, log: bool, weights: Floats | None = None) -> None:
        self.log = log
        if log:
            size = np.abs(y)
            self.target: Floats = np.log(size)
            weights = np.clip(size / np.median(size), *LOG_WEIGHTS)
        else:
            self.target = y
            weights = np.ones(len(y)) if weights is None else weights.copy()
        weights /= math.sqrt(float(np.sum(weights**2)))
        spread = float(np.sqrt(np.sum((weights * (self.target - self._mean(weights))) ** 2)))
        self.weights: Floats = weights / (spread or 1.0)

    def _mean(self, weights: Floats) -> float:
        return float(np.sum(weights**2 * self.target))

    def __call__(self, f: Floats) -> Floats:  # (R, N) -> (R, N)
        """Residuals; their squares sum to the weighted error over the target's variance."""
        value: Floats = np.log(np.maximum(np.abs(f), LEAST)) if self.log else f
        return (value - self.target) * self.weights

    def slope(self, f: Floats) -> Floats:  # (R, N) -> (R, N)
        """Derivative of each residual by the stack's value."""
        if self.log:
            return self.weights / np.where(np.abs(f) > LEAST, f, LEAST)
        return np.broadcast_to(self.weights, f.shape)


class Differentiable(Protocol):
    """What can be fitted: R models with P weights each, and N values to compare with targets."""

    def take(self, rows: NDArray[np.intp]) -> Differentiable:
        """The same for some of the models."""

    def forward(self, theta: Floats) -> tuple[Floats, Any]:
        """Values (R, N) of the weights (R, P), and what `jacobian` needs of the way there."""

    def jacobian(self, theta: Floats, traces: Any, slope: Floats) -> Floats:
        """Derivative of slope-weighted values by all weights: (R, N, P)."""


@dataclass(frozen=True, slots=True)
class _Trace:
    """What the backward pass needs of one layer."""

    inputs: Floats  # (R, N, I)
    logs: Floats | None  # (R, N, I)
    value: Floats  # (R, N, O)
    sign_slope: Floats | None  # (R, N, O): scale * magnitude * -pi sin(pi w.[x<0])


class Network:
    """R stacks of one shape with their weights in one flat vector each.

    Parameters
    ----------
    relaxed : Relaxed
        Shapes and kinds are taken from here; `flatten` gives the weights.
    X : ndarray of shape (N, n_columns)
        The rows.
    """

    def __init__(self, relaxed: Relaxed, X: Floats) -> None:
        self.X = X
        self.kinds = [layer.kind for layer in relaxed.layers]
        self.shapes = [layer.weights.shape[1:] for layer in relaxed.layers]
        self.size = sum(i * o + o for i, o in self.shapes)

    def take(self, rows: NDArray[np.intp]) -> Network:
        """The same for some of the restarts."""
        other = object.__new__(Network)
        other.X, other.shapes, other.size = self.X, self.shapes, self.size
        other.kinds = [kind[rows] for kind in self.kinds]
        return other

    @staticmethod
    def flatten(relaxed: Relaxed) -> Floats:
        """Weights then constants, layer by layer: (R, P)."""
        parts = []
        for layer in relaxed.layers:
            parts += [layer.weights.reshape(len(layer.weights), -1), layer.constant]
        return np.concatenate(parts, axis=1)

    def unflatten(self, theta: Floats, loss: Floats) -> Relaxed:
        """The inverse of `flatten`."""
        layers = tuple(
            RelaxedLayer(kind, W, b)
            for kind, (W, b) in zip(self.kinds, self.parts(theta), strict=True)
        )
        return Relaxed(layers, loss)

    def parts(self, theta: Floats) -> list[tuple[Floats, Floats]]:
        """Weights (R, I, O) and constants (R, O) of each layer."""
        parts, at = [], 0
        for i, o in self.shapes:
            W = theta[:, at : at + i * o].reshape(-1, i, o)
            b = theta[:, at + i * o : at + i * o + o]
            at += i * o + o
            parts.append((W, b))
        return parts

    def forward(self, theta: Floats) -> tuple[Floats, list[_Trace]]:
        """Values (R, N) and the traces of all layers."""
        traces: list[_Trace] = []
        x = np.broadcast_to(self.X, (len(theta), *self.X.shape))
        before = x[:, :, :0]
        with np.errstate(all="ignore"):
            for kind, (W, b) in zip(self.kinds, self.parts(theta), strict=True):
                inputs = np.concatenate([before, x], axis=2) if before.shape[2] else x
                trace = _layer(kind, W, b, inputs)
                traces.append(trace)
                before = trace.value
        return before[:, :, 0], traces

    def jacobian(self, theta: Floats, traces: list[_Trace], slope: Floats) -> Floats:
        """Derivative of slope-weighted values by all weights: (R, N, P)."""
        blocks: list[Floats] = []
        delta = slope[:, :, None]  # (R, N, O)
        with np.errstate(all="ignore"):
            for k in range(len(self.kinds) - 1, -1, -1):
                W, b = self.parts(theta)[k]
                by_weight, by_constant, by_input = _backward(
                    self.kinds[k], W, b, traces[k], delta, need_inputs=k > 0
                )
                blocks += [by_constant, by_weight.reshape(*by_weight.shape[:2], -1)]
                if k:
                    delta = by_input[:, :, : self.shapes[k - 1][1]]
        J = np.concatenate(blocks[::-1], axis=2)
        return np.nan_to_num(J, copy=False, nan=0.0, posinf=0.0, neginf=0.0)


def _layer(kind: NDArray[np.int8], W: Floats, b: Floats, inputs: Floats) -> _Trace:
    sums, products = (kind == SUM), (kind != SUM)
    total = np.matmul(inputs, W) + b[:, None, :] if sums.any() else None
    if not products.any():
        assert total is not None
        return _Trace(inputs, None, total, None)
    logs = np.log(np.maximum(np.abs(inputs), LEAST))
    size = np.exp(np.clip(np.matmul(logs, W), SMALLEST_LOG, LARGEST_LOG)) * b[:, None, :]
    sign_slope = None
    negative = inputs < 0
    if negative.any() and (kind == PRODUCT).any():
        turns = np.pi * np.matmul(negative.astype(float), W)
        signed = (kind == PRODUCT)[:, None, :]
        sign_slope = np.where(signed, -np.pi * np.sin(turns) * size, 0.0)
        size = np.where(signed, np.cos(turns) * size, size)
    value = size if total is None else np.where(sums[:, None, :], total, size)
    return _Trace(inputs, logs, value, sign_slope)


def _backward(
    kind: NDArray[np.int8],
    W: Floats,
    b: Floats,
    trace: _Trace,
    delta: Floats,
    *,
    need_inputs: bool,
) -> tuple[Floats, Floats, Floats]:
    """Derivatives by weights (R, N, I, O), constants (R, N, O) and inputs (R, N, I)."""
    x, none = trace.inputs, np.zeros((0, 0, 0))
    if trace.logs is None:
        by_input = np.matmul(delta, W.transpose(0, 2, 1)) if need_inputs else none
        return x[:, :, :, None] * delta[:, :, None, :], delta, by_input
    sums = (kind == SUM)[:, None, :]
    flow = delta * trace.value
    by_weight = trace.logs[:, :, :, None] * flow[:, :, None, :]
    if trace.sign_slope is not None:
        by_weight += (x < 0)[:, :, :, None] * (delta * trace.sign_slope)[:, :, None, :]
    by_constant = flow / np.where(b == 0, 1.0, b)[:, None, :]
    by_input = none
    if need_inputs:
        through = np.where(sums, 0.0, flow)
        safe = np.where(np.abs(x) > LEAST, x, LEAST)
        by_input = np.matmul(through, W.transpose(0, 2, 1)) / safe
    if sums.any():
        by_weight = np.where(
            sums[:, :, None, :], x[:, :, :, None] * delta[:, :, None, :], by_weight
        )
        by_constant = np.where(sums, delta, by_constant)
        if need_inputs:
            by_input = by_input + np.matmul(np.where(sums, delta, 0.0), W.transpose(0, 2, 1))
    return by_weight, by_constant, by_input


def evaluate_relaxed(relaxed: Relaxed, X: Floats) -> Floats:
    """Values of all restarts on all rows: (R, N)."""
    network = Network(relaxed, X)
    return network.forward(network.flatten(relaxed))[0]


def _loss(residual: Floats) -> Floats:
    with np.errstate(all="ignore"):
        loss = np.square(residual).sum(axis=1)
    return np.where(np.isfinite(loss), loss, np.inf)


def levenberg_marquardt(
    network: Differentiable,
    theta: Floats,
    residual: Residual,
    *,
    free: Bools,
    steps: int,
    good_enough: float = 1e-30,
    stop: Callable[[], bool] | None = None,
) -> tuple[Floats, Floats]:
    """Minimise the squared residuals of each restart over its free weights.

    Parameters
    ----------
    network : Differentiable
    theta : ndarray of shape (R, P)
        Where to start.
    residual : Residual
    free : ndarray of bool, shape (R, P)
        Weights that may move.
    steps : int
        Most steps.
    good_enough : float
        A restart with a loss below this is left alone.
    stop : callable, optional
        Asked before each step.

    Returns
    -------
    theta : ndarray of shape (R, P)
    loss : ndarray of shape (R,)
        Sum of squared residuals: mean squared error over the variance of the target.
    """
    theta = theta.copy()
    damping = np.full(len(theta), FIRST_DAMPING)
    stalled = np.zeros(len(theta), dtype=int)
    f, traces = network.forward(theta)
    loss = _loss(residual(f))
    for _ in range(steps):
        live = np.flatnonzero((loss > good_enough) & (stalled < MOST_STALLED) & np.isfinite(loss))
        if not len(live) or (stop is not None and stop()):
            break
        part = network.take(live)
        f, traces = part.forward(theta[live])
        r = residual(f)
        J = part.jacobian(theta[live], traces, residual.slope(f)) * free[live][:, None, :]
        step = _damped_step(J, np.nan_to_num(r), damping[live], free[live])
        new = theta[live] + step
        new_loss = _loss(residual(part.forward(new)[0]))
        better = new_loss < loss[live]
        gain = new_loss < loss[live] * (1 - LEAST_GAIN)
        theta[live[better]] = new[better]
        loss[live[better]] = new_loss[better]
        stalled[live] = np.where(gain, 0, stalled[live] + 1)
        changed = damping[live] * np.where(better, SHRINKING, GROWING)
        damping[live] = np.clip(changed, LEAST_DAMPING, MOST_DAMPING)
    return theta, loss


def _damped_step(J: Floats, r: Floats, damping: Floats, free: Bools) -> Floats:
    H = np.matmul(J.transpose(0, 2, 1), J)  # (R, P, P)
    g = np.matmul(J.transpose(0, 2, 1), r[:, :, None])
    at = np.arange(H.shape[1])
    diagonal = H[:, at, at]
    typical = diagonal.max(axis=1, keepdims=True)
    H[:, at, at] += damping[:, None] * np.maximum(diagonal, FLAT * typical) + LEAST
    H[:, at, at] += np.where(free, 0.0, 1.0)
    try:
        step = -np.linalg.solve(H, g)[:, :, 0]
    except np.linalg.LinAlgError:
        H[:, at, at] += FLAT * typical + LEAST
        step = -np.linalg.solve(H, g)[:, :, 0]
    return np.where(free & np.isfinite(step), step, 0.0)


def polish(
    relaxed: Relaxed, X: Floats, y: Floats, *, steps: int = 30, log: bool = False
) -> Relaxed:
    """Drive every weight of every restart to the nearest minimum of the squared error.

    Parameters
    ----------
    relaxed : Relaxed
    X : ndarray of shape (N, n_columns)
    y : ndarray of shape (N,)
    steps : int
        Most steps.
    log : bool
        Compare logarithms; the target must keep its sign.

    Returns
    -------
    Relaxed
        In the same order, with the new losses.
    """
    network = Network(relaxed, X)
    theta = Network.flatten(relaxed)
    theta, loss = levenberg_marquardt(
        network, theta, Residual(y, log=log), free=np.ones_like(theta, dtype=bool), steps=steps
    )
    return network.unflatten(theta, loss)
