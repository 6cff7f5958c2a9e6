"""Cells in sequence, and the fit of the last unit inside the loss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nalu_cli.circuit.relaxed import MAGNITUDE, PRODUCT, SUM, Relaxed, RelaxedLayer
from nalu_cli.settings import CellName
from nalu_cli.training.cells import CELLS, Cell, Gated, Path, Recipe

__all__ = ["Goal", "Stack", "StackShape", "Target"]

Floats = NDArray[np.float64]

TINY = 1e-30
"""Keeps quotients of float32 sums finite."""

LARGEST_LOG = 690.0
"""exp of this is still a float64."""

NEARLY = 0.95
"""A sign rule that keeps this much of every value is as good as whole exponents."""

LARGEST = float(np.finfo(np.float64).max)


@dataclass(frozen=True, slots=True)
class StackShape:
    """Which stack is trained.

    Parameters
    ----------
    paths : tuple of Path
        Side of the gates of each layer, from the columns to the answer.
    widths : tuple of int
        Units of each layer; the last has one.
    signed : bool or None
        Whether products keep signs; None lets one half of the restarts do so.
    cell : CellName
        The cell of the last layer, and of all others unless `inner` says otherwise.
    inner : CellName or None
        The cell of the layers before the last.
    skips : bool
        Whether layers after the first read the columns too. Published stacks do not.

    Raises
    ------
    ValueError
        If paths and widths do not match or the last layer has not exactly one unit.
    """

    paths: tuple[Path, ...]
    widths: tuple[int, ...]
    signed: bool | None = None
    cell: CellName = CellName.AUTO
    inner: CellName | None = None
    skips: bool = True

    def __post_init__(self) -> None:
        if len(self.paths) != len(self.widths) or not self.widths or self.widths[-1] != 1:
            raise ValueError(f"a stack needs a width for each path and ends in one unit: {self}")

    @property
    def cells(self) -> tuple[CellName, ...]:
        """The cell of each layer."""
        return (self.inner or self.cell,) * (len(self.paths) - 1) + (self.cell,)


class Goal(StrEnum):
    """What the last unit's free scale and offset make of its value p before it meets y.

    `PLAIN`: p itself. `SCALE`: s p. `AFFINE`: s p + c. `LOG`: log|p| + c meets log|y|.
    """

    PLAIN = "plain"
    SCALE = "scale"
    AFFINE = "affine"
    LOG = "log"


@dataclass(frozen=True, slots=True)
class Target:
    """What the stack is fitted to.

    Parameters
    ----------
    values : Tensor of shape (N,)
        The target, its logarithm if the goal is `LOG`.
    weights : Tensor of shape (N,)
        Weight of each row in the loss.
    """

    values: Tensor
    weights: Tensor

    def rows(self, at: Tensor) -> Target:
        """Take some of the rows."""
        return Target(self.values[at], self.weights[at])

    def loss(self, p: Tensor, goal: Goal) -> tuple[Tensor, Tensor]:
        """Weighted squared error over weighted variance, and its gradient.

        Parameters
        ----------
        p : Tensor of shape (R, N)
            Value of the last unit, its logarithm if the goal is `LOG`.
        goal : Goal
            Which of scale and offset are solved for. At their optimum the loss does not change
            with them, so the gradient treats them as constants.

        Returns
        -------
        loss : Tensor of shape (R,)
        gradient : Tensor of shape (R, N)
        """
        t, w = self.values, self.weights / self.weights.sum()
        centred = t - t @ w
        variance = (centred * centred) @ w + TINY
        scale: Tensor | float = 1.0
        if goal in (Goal.AFFINE, Goal.LOG):
            t, p = centred, p - (p @ w).unsqueeze(-1)
        if goal in (Goal.AFFINE, Goal.SCALE):
            scale = ((p @ (t * w)) / ((p * p) @ w + TINY)).unsqueeze(-1)
        r = scale * p - t
        r_w = r * w
        loss = (r_w * r).sum(-1) / variance
        return loss, r_w * (2.0 * scale / variance)


class Stack:
    """A batch of R stacks of one shape.

    Each layer reads the units of the layer before, then the raw columns if the shape says so.

    Parameters
    ----------
    shape : StackShape
        Its `signed` must be decided.
    columns : int
        Number of raw columns.
    generators : sequence of numpy Generator
        One for each restart.
    """

    def __init__(
        self, shape: StackShape, columns: int, generators: Sequence[np.random.Generator]
    ) -> None:
        self.shape = shape
        self.cells: list[Cell] = []
        before = 0
        for name, path, width in zip(shape.cells, shape.paths, shape.widths, strict=True):
            read = columns if shape.skips or not before else 0
            self.cells.append(
                CELLS[name](
                    before + read,
                    width,
                    generators,
                    units=before,
                    path=path,
                    signed=shape.signed is not False,
                )
            )
            before = width
        self.weights = [p for cell in self.cells for p in cell.parameters()]
        self.replace(torch.cat([p.data.flatten(1) for p in self.weights], 1))

    def replace(self, theta: Tensor) -> None:
        """Continue with other restarts.

        Parameters
        ----------
        theta : Tensor of shape (R, P)
            All parameters; those of the cells become views of it, so that one step on it moves
            them all.
        """
        self.theta, at = theta.contiguous(), 0
        for p in self.weights:
            size = p[0].numel()
            p.data = self.theta[:, at : at + size].view(len(theta), *p.shape[1:])
            at += size

    @property
    def recipe(self) -> Recipe:
        """How the stack is trained: that of its last cell."""
        return self.cells[-1].recipe

    def pulls(self, pull: float, loss: Tensor) -> Tensor | None:
        """Weight of the regulariser in each restart, given its loss: (R,) -> (R,) or None."""
        if pull == 0:
            return None
        return torch.where(loss < self.recipe.pull_below, pull, 0.0).to(loss.dtype)

    def gradient(self, p: Tensor, slope: Tensor, pulls: Tensor | None) -> Tensor:
        """Gradient by all parameters of slope * p + pulls * penalty.

        Parameters
        ----------
        p, slope : Tensor of shape (R, N)
        pulls : Tensor of shape (R,), or None

        Returns
        -------
        Tensor of shape (R, P)
        """
        ends, slopes = [p], [slope]
        if pulls is not None:
            ends.append(self.penalty())
            slopes.append(pulls)
        parts = torch.autograd.grad(ends, self.weights, slopes)
        return torch.cat([part.flatten(1) for part in parts], 1)

    def goal(self, y: Floats) -> Goal:
        """How the last unit is fitted to a target.

        The published cells have neither scale nor offset and meet the target as it is.
        """
        if not self.cells[-1].constants:
            return Goal.PLAIN
        path = self.shape.paths[-1]
        if path is Path.PRODUCT and (np.all(y > 0) or np.all(y < 0)):
            return Goal.LOG
        return Goal.AFFINE if path is Path.SUM else Goal.SCALE

    def values(self, X: Tensor, *, goal: Goal = Goal.PLAIN) -> Tensor:
        """Compute the last unit, its logarithm if the goal is `LOG`.

        Parameters
        ----------
        X : Tensor of shape (N, columns) or (R, N, columns)
            The same rows for all restarts, or rows of their own.
        goal : Goal

        Returns
        -------
        Tensor of shape (R, N)
        """
        x = X.mT.expand(len(self.theta), -1, -1)  # (R, I, N): rows last in memory are faster
        inputs = x
        for cell in self.cells[:-1]:
            before = cell(inputs.mT).mT
            inputs = torch.cat([before, x], 1) if self.shape.skips else before
        last = self.cells[-1]
        if goal is Goal.LOG and isinstance(last, Gated):
            return last.log_forward(inputs.mT).squeeze(-1)
        value: Tensor = last(inputs.mT).squeeze(-1)
        return value

    def penalty(self) -> Tensor:
        """Distance of all weights from allowed ones: (R,)."""
        return torch.stack([cell.penalty() for cell in self.cells]).sum(0)

    def project(self) -> None:
        """Bring all parameters back within their bounds."""
        for cell in self.cells:
            cell.project()

    @torch.no_grad()
    def freeze(self, X: Floats, y: Floats, weights: Floats) -> tuple[Relaxed, tuple[Floats, ...]]:
        """Settle all gates, front to back, and give the last unit its scale and offset.

        Each layer is judged on the frozen values of the one before, so that gates are read on
        what the formula will really compute.

        Parameters
        ----------
        X : ndarray of shape (N, columns)
        y : ndarray of shape (N,)
        weights : ndarray of shape (N,)
            Weight of each row in the loss.

        Returns
        -------
        relaxed : Relaxed
        unanimity : tuple of ndarray of shape (R, O)
            For each layer the share of rows that agreed with each gate.
        """
        columns = np.broadcast_to(X, (len(self.theta), *X.shape))  # (R, N, columns)
        layers: list[RelaxedLayer] = []
        agreed: list[Floats] = []
        x = columns
        for cell in self.cells:
            read = np.array(x[:, :, : cell.inputs])
            layer, unanimity = cell.freeze(torch.from_numpy(read).to(self.theta))
            layers.append(_reading_all(layer, x.shape[2]))
            agreed.append(unanimity)
            values, last_inputs = layer_values(layers[-1], x), x
            x = np.concatenate([values, columns], axis=2)
        goal = self.goal(y)
        weights = np.ones_like(y) if goal is Goal.LOG else weights
        p = values[:, :, 0]  # (R, N)
        if goal is Goal.LOG and not np.any(layers[-1].kind == SUM):
            layers[-1] = _with_best_sign_rule(layers[-1], last_inputs)
            p = layer_values(layers[-1], last_inputs)[:, :, 0]
        size = 1.0 if goal in (Goal.PLAIN, Goal.LOG) else float(np.abs(y).max()) or 1.0
        unit = y / size  # the squares of very large and very small numbers are no float64
        scale, offset = _solved(p, unit, weights, goal, layers[-1].kind[:, 0] == SUM)
        with np.errstate(all="ignore"):
            loss = _loss(scale[:, None] * p + offset[:, None], unit, weights, goal)
            layers[-1] = _rescaled(layers[-1], scale * size, offset * size)
        return Relaxed(tuple(layers), loss), tuple(agreed)


def _reading_all(layer: RelaxedLayer, inputs: int) -> RelaxedLayer:
    """Let a layer that skips the last inputs read them with weight 0."""
    more = inputs - layer.weights.shape[1]
    return replace(layer, weights=np.pad(layer.weights, ((0, 0), (0, more), (0, 0))))


def layer_values(layer: RelaxedLayer, x: Floats) -> Floats:
    """Compute a frozen layer: (R, N, I) -> (R, N, O)."""
    with np.errstate(all="ignore"):
        kind, W, constant = layer.kind[:, None, :], layer.weights, layer.constant[:, None, :]
        sums = np.matmul(x, W) + constant if np.any(kind == SUM) else 0.0
        if np.all(kind == SUM):
            return np.asarray(sums)
        logs = np.log(np.maximum(np.abs(x), 1e-300))
        value = constant * np.exp(np.clip(np.matmul(logs, W), -LARGEST_LOG, LARGEST_LOG))
        negative = x < 0
        if np.any(kind == PRODUCT) and negative.any():
            sign = np.cos(np.pi * np.matmul(negative.astype(np.float64), W))
            value = np.where(kind == PRODUCT, value * sign, value)
        return np.where(kind == SUM, sums, value)


def _with_best_sign_rule(layer: RelaxedLayer, x: Floats) -> RelaxedLayer:
    """Drop the sign rule where it changes a last product that was fitted to logarithms."""
    sizes = RelaxedLayer(np.full_like(layer.kind, MAGNITUDE), layer.weights, layer.constant)
    with np.errstate(all="ignore"):
        cosine = layer_values(layer, x)[:, :, 0] / layer_values(sizes, x)[:, :, 0]  # (R, N)
    same = (cosine * np.sign(cosine[:, :1])).min(axis=1) > NEARLY
    return replace(layer, kind=np.where(same[:, None], layer.kind, MAGNITUDE).astype(np.int8))


def _solved(
    p: Floats, y: Floats, weights: Floats, goal: Goal, sums: NDArray[np.bool_]
) -> tuple[Floats, Floats]:
    """Scale and offset of the last unit of each restart: (R,) and (R,)."""
    w, affine = weights / weights.sum(), sums & (goal is Goal.AFFINE)
    with np.errstate(all="ignore"):
        if goal is Goal.PLAIN:
            return np.ones(len(p)), np.zeros(len(p))
        if goal is Goal.LOG:
            gap = np.log(np.abs(y)) - np.log(np.maximum(np.abs(p), 1e-300))
            size = np.exp(np.clip(gap @ w, -LARGEST_LOG, LARGEST_LOG))
            return size * np.sign(y[0]) * np.where(p @ w < 0, -1.0, 1.0), np.zeros(len(p))
        shift, centre = np.where(affine, p @ w, 0.0), np.where(affine, y @ w, 0.0)
        q, t = p - shift[:, None], y - centre[:, None]
        scale = ((q * t) @ w) / ((q * q) @ w)
        offset = centre - scale * shift
    usable = np.isfinite(scale) & np.isfinite(offset)
    return np.where(usable, scale, 0.0), np.where(usable, offset, np.where(affine, centre, 0.0))


def _rescaled(layer: RelaxedLayer, scale: Floats, offset: Floats) -> RelaxedLayer:
    sums = (layer.kind == SUM)[:, None, :]
    weights = np.where(sums, layer.weights * scale[:, None, None], layer.weights)
    constant = layer.constant * scale[:, None] + offset[:, None]
    return RelaxedLayer(layer.kind, weights, np.clip(constant, -LARGEST, LARGEST))


def _loss(f: Floats, y: Floats, weights: Floats, goal: Goal) -> Floats:  # (R, N) -> (R,)
    w = weights / weights.sum()
    with np.errstate(all="ignore"):
        if goal is Goal.LOG:
            f, y = np.log(np.maximum(np.abs(f), 1e-300)), np.log(np.abs(y))
        variance = np.square(y - y @ w) @ w
        loss = (np.square(f - y) @ w) / (variance if variance > 0 else 1.0)
    return np.where(np.isfinite(loss), loss, np.inf)
