"""Hundreds of restarts of a stack by Adam, as one batch axis."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nalu_cli.circuit.relaxed import SUM, Relaxed, RelaxedLayer
from nalu_cli.errors import ResourceError
from nalu_cli.settings import Device
from nalu_cli.training.adam import Adam
from nalu_cli.training.cells import CELLS
from nalu_cli.training.stack import Goal, Stack, StackShape, Target

__all__ = ["Trained", "check_device", "train"]

Floats = NDArray[np.float64]

RESTARTS = 64

STEPS = 300
"""Of 72 polished stacks of six laws 34 snapped after 300 steps, 29 after 150 and 27 after 75 of
twice the restarts."""

BATCH_ROWS = 128
"""Stacks of four layers find their law a little more often than with 64 rows."""

GROUP = 128
"""Restarts trained together on a CPU: fixed, so that the answer does not depend on threads.
Half as many take 1.4 times as long, and twice as many leave nothing to share out."""

GROUP_CUDA = 4096

RATE = 0.04
"""With 0.02 fewer stacks snapped, with 0.1 fewer of four layers found their law."""

LAST_RATE = 0.1
"""Share of the learning rate that is left at the end."""

BETAS = (0.9, 0.95)

LARGEST_GRADIENT = 1.0
"""Each restart's gradient is shortened to this length; with 10 deep stacks find fewer laws."""

FLOOR = 1e-4
"""The logarithm of loss + FLOOR is followed: every restart moves at a pace of its own."""

WIDE = 8
"""With more columns than this, steps shrink with the root of their number and the pull with it:
together many weights would otherwise move their sum too far."""

DROP_AT = 1 / 3
"""Share of the steps after which hopeless restarts are dropped."""

KEEP = 0.5
"""Share of each group that is then kept."""

FREEZE_ROWS = 512
"""Rows on which gates are read, last units fitted and restarts compared."""

COMFORT = 4.0
"""Columns within a factor of 2**4 of one are trained on as they are."""


@dataclass(frozen=True, slots=True)
class Trained:
    """What training leaves behind.

    Parameters
    ----------
    relaxed : Relaxed
        All restarts in the user's columns, best first; those dropped early as they were then.
    order : ndarray of int, shape (R,)
        Number of each restart.
    unanimity : tuple of ndarray of shape (R, O)
        For each layer the share of rows that agreed with each gate.
    """

    relaxed: Relaxed
    order: NDArray[np.intp]
    unanimity: tuple[Floats, ...]


@dataclass(frozen=True, slots=True)
class _Lesson:
    """What all groups of a call share."""

    shape: StackShape
    X: Floats  # scaled columns
    y: Floats
    weights: Floats
    batches: NDArray[np.intp]  # (steps, batch_rows)
    seed: int
    device: torch.device
    keep: float
    stop: Callable[[], bool]


def train(
    shape: StackShape,
    X: Floats,
    y: Floats,
    *,
    restarts: int = RESTARTS,
    steps: int = STEPS,
    batch_rows: int = BATCH_ROWS,
    seed: int = 0,
    device: Device = Device.CPU,
    threads: int = 1,
    keep: float = KEEP,
    stop: Callable[[], bool] = lambda: False,
) -> Trained:
    """Train many random starts of a stack.

    Parameters
    ----------
    shape : StackShape
    X : ndarray of shape (N, n_columns)
    y : ndarray of shape (N,)
        Finite.
    restarts, steps, batch_rows : int
        Random starts, Adam steps, rows a step looks at.
    seed : int
        Restart r draws from a stream of (seed, r), rows from one of seed.
    device : Device
    threads : int
        Workers for groups of restarts; the result does not depend on it.
    keep : float
        Share of each group that is trained to the end.
    stop : callable
        Asked now and then; training ends early when it says True.

    Returns
    -------
    Trained

    Notes
    -----
    Columns are divided by `column_scales` and targets by their size, and weights are converted
    back. The published cells have no constants to absorb a scale: they see columns and target as
    they are, and only their loss is divided by the variance of the target. The regulariser of a
    cell counts as its `recipe` says; rate and limit of the gradient are the same for all cells.

    Raises
    ------
    ResourceError
        If the device is not there.
    """
    scale = column_scales(X) if CELLS[shape.cell].constants else np.ones(X.shape[1])
    rows = np.random.default_rng(np.random.SeedSequence(seed))
    lesson = _Lesson(
        shape=shape,
        X=X / scale,
        y=y,
        weights=row_weights(y),
        batches=rows.integers(0, len(y), (steps, min(batch_rows, len(y)))),
        seed=seed,
        device=_torch_device(device),
        keep=keep,
        stop=stop,
    )
    groups = list(_groups(shape, restarts, lesson.device))
    with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        parts = list(pool.map(lambda group: _train_group(lesson, *group), groups))
    return _sorted(_unscaled(_joined(parts), scale))


def check_device(device: Device) -> None:
    """Refuse a device that is not there.

    Raises
    ------
    ResourceError
        If a GPU is asked for and there is none.
    """
    if device is Device.CUDA and not torch.cuda.is_available():
        raise ResourceError("there is no CUDA device", accepted="--device cpu works everywhere")


def _torch_device(device: Device) -> torch.device:
    check_device(device)
    there = torch.cuda.is_available()
    return torch.device("cuda" if there and device is not Device.CPU else "cpu")


def _groups(
    shape: StackShape, restarts: int, device: torch.device
) -> Iterator[tuple[StackShape, NDArray[np.intp]]]:
    """Restarts that share a sign rule, a fixed number at a time."""
    size = GROUP if device.type == "cpu" else GROUP_CUDA
    everyone = np.arange(restarts)
    rules = (True, False) if shape.signed is None else (shape.signed,)
    for k, signed in enumerate(rules):
        mine = everyone[k :: len(rules)]
        for at in range(0, len(mine), size):
            yield replace(shape, signed=signed), mine[at : at + size]


def column_scales(X: Floats) -> Floats:
    """Powers of two that bring the columns near one; ones for columns that are comfortable.

    Allowed weights have their meaning in the user's columns, so columns of similar size share a
    scale, and no scale is used where none is needed.

    Parameters
    ----------
    X : ndarray of shape (N, n_columns)

    Returns
    -------
    ndarray of shape (n_columns,)
    """
    top = np.abs(X).max(axis=0, initial=0.0)
    top = np.where(top > 0, top, 1.0)
    size = np.log2(top) + 0.5 * np.log2(np.mean(np.square(X / top), axis=0) + 1e-30)
    if np.all(np.abs(size) <= COMFORT):
        exponent = np.zeros_like(size)
    elif np.ptp(size) <= 2 * COMFORT:
        exponent = np.full_like(size, np.round((size.max() + size.min()) / 2))
    else:
        exponent = 2 * COMFORT * np.round(size / (2 * COMFORT))
    scales: Floats = np.exp2(np.clip(exponent, -1000, 1000))
    return scales


def row_weights(y: Floats) -> Floats:
    """Weights that keep the few huge values of a heavy-tailed target from ruling the loss.

    Parameters
    ----------
    y : ndarray of shape (N,)

    Returns
    -------
    ndarray of shape (N,)
        All ones unless the largest distance from the median is over 10 times the upper quartile.
    """
    size = float(np.abs(y).max(initial=0.0)) or 1.0
    distance = np.abs(y / size - np.median(y / size))
    usual = float(np.quantile(distance, 0.75)) or float(distance.mean()) or 1.0
    if distance.max(initial=0.0) <= 10 * usual:
        return np.ones_like(y)
    return 1.0 / (1.0 + np.square(distance / (5 * usual)))


_Part = tuple[Relaxed, NDArray[np.intp], tuple[Floats, ...]]


def _train_group(lesson: _Lesson, shape: StackShape, numbers: NDArray[np.intp]) -> _Part:
    generators = [
        np.random.default_rng(np.random.SeedSequence(lesson.seed, spawn_key=(int(r),)))
        for r in numbers
    ]
    stack = Stack(shape, lesson.X.shape[1], generators)
    stack.replace(stack.theta.to(lesson.device))
    _descend(stack, lesson)
    at = np.unique(np.linspace(0, len(lesson.y) - 1, FREEZE_ROWS).astype(np.intp))
    relaxed, unanimity = stack.freeze(lesson.X[at], lesson.y[at], lesson.weights[at])
    return relaxed, numbers, unanimity


def _target(lesson: _Lesson, goal: Goal) -> Target:
    """Bring the target to float32, divided by its size where the scale is solved for."""
    y = lesson.y
    if goal is Goal.LOG:
        values, weights = np.log(np.abs(y)), np.ones_like(y)
    else:
        top = float(np.abs(y).max()) or 1.0
        size = 1.0 if goal is Goal.PLAIN else top * np.sqrt(np.mean(np.square(y / top))) or 1.0
        values, weights = y / size, lesson.weights
    return Target(_float32(values, lesson.device), _float32(weights, lesson.device))


def _float32(values: Floats, device: torch.device) -> Tensor:
    return torch.from_numpy(np.clip(values, -1e18, 1e18).astype(np.float32)).to(device)


def _descend(stack: Stack, lesson: _Lesson) -> None:
    goal = stack.goal(lesson.y)
    X, target = _float32(lesson.X, lesson.device), _target(lesson, goal)
    batches = torch.from_numpy(lesson.batches).to(lesson.device)
    everyone, chosen = stack.theta, torch.arange(len(stack.theta), device=lesson.device)
    adam = Adam(stack.theta, BETAS, largest_gradient=LARGEST_GRADIENT)
    steps = len(batches)
    narrow, recipe = min(1.0, WIDE / lesson.X.shape[1]), stack.recipe
    for step, at in enumerate(batches):
        if lesson.stop():
            break
        if step == round(DROP_AT * steps) and lesson.keep < 1:
            chosen = _promising(stack, X, target, goal, lesson.keep)
            stack.replace(everyone[chosen])
            adam.keep(chosen)
        done = step / steps
        gradient = _gradient(stack, X[at], target.rows(at), goal, narrow * recipe.pull.at(done))
        with torch.no_grad():
            adam.step(stack.theta, gradient, narrow**0.5 * RATE * (1 - (1 - LAST_RATE) * done))
            stack.project()
    everyone = everyone.index_copy(0, chosen, stack.theta)
    stack.replace(everyone)


def _gradient(stack: Stack, X: Tensor, target: Target, goal: Goal, pull: float) -> Tensor:
    """Differentiate log(loss + FLOOR) + pull * penalty: (R, P)."""
    p = stack.values(X, goal=goal)  # (R, N)
    with torch.no_grad():
        loss, slope = target.loss(p, goal)
        slope /= (loss + FLOOR).unsqueeze(-1)
    return stack.gradient(p, slope, stack.pulls(pull, loss))


@torch.no_grad()
def _promising(stack: Stack, X: Tensor, target: Target, goal: Goal, keep: float) -> Tensor:
    """Find the better part of the restarts by their loss on many rows, in their order."""
    at = torch.linspace(0, len(X) - 1, min(len(X), 256), device=X.device).long()
    loss, _ = target.rows(at).loss(stack.values(X[at], goal=goal), goal)
    ranked = torch.nan_to_num(loss, nan=torch.inf).argsort(stable=True)
    return ranked[: max(1, round(keep * len(ranked)))].sort().values


def _joined(parts: list[_Part]) -> Trained:
    stacked = [
        RelaxedLayer(
            np.concatenate([layer.kind for layer in layers]),
            np.concatenate([layer.weights for layer in layers]),
            np.concatenate([layer.constant for layer in layers]),
        )
        for layers in zip(*(relaxed.layers for relaxed, _, _ in parts), strict=True)
    ]
    loss = np.concatenate([relaxed.loss for relaxed, _, _ in parts])
    agreed = tuple(np.concatenate(a) for a in zip(*(u for _, _, u in parts), strict=True))
    return Trained(Relaxed(tuple(stacked), loss), np.concatenate([n for _, n, _ in parts]), agreed)


def _unscaled(trained: Trained, scale: Floats) -> Trained:
    """Let the same stacks read the user's columns, not columns / scale."""
    layers = []
    for layer in trained.relaxed.layers:
        columns = layer.weights[:, -len(scale) :, :]  # (R, n_columns, O)
        sums = layer.kind == SUM
        weights = layer.weights.copy()
        with np.errstate(over="ignore", invalid="ignore"):
            weights[:, -len(scale) :, :] /= np.where(sums[:, None, :], scale[:, None], 1.0)
            factor = np.exp(-np.einsum("j,rjo->ro", np.log(scale), columns))
            constant = np.where(sums, layer.constant, layer.constant * factor)
        layers.append(RelaxedLayer(layer.kind, np.nan_to_num(weights), np.nan_to_num(constant)))
    return replace(trained, relaxed=Relaxed(tuple(layers), trained.relaxed.loss))


def _sorted(trained: Trained) -> Trained:
    by_loss = np.lexsort((trained.order, trained.relaxed.loss))
    layers = tuple(
        RelaxedLayer(layer.kind[by_loss], layer.weights[by_loss], layer.constant[by_loss])
        for layer in trained.relaxed.layers
    )
    return Trained(
        Relaxed(layers, trained.relaxed.loss[by_loss]),
        trained.order[by_loss],
        tuple(u[by_loss] for u in trained.unanimity),
    )
