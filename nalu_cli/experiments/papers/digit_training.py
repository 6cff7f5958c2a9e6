"""Trains the networks that read digit images, from the answers to whole sequences alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - its usual name

from nalu_cli.experiments.papers.digit_images import DIGITS, Images
from nalu_cli.experiments.papers.digit_networks import (
    ACCUMULATORS,
    WIDTHS,
    Accumulator,
    Body,
    Reader,
    snap_in_place,
)
from nalu_cli.experiments.papers.experiment import Tick
from nalu_cli.settings import CellName
from nalu_cli.training.cells.powers import multiplied

__all__ = [
    "ADD",
    "COUNT",
    "Course",
    "Lessons",
    "Network",
    "answers",
    "sum_distribution",
    "taught",
    "trained",
]

COUNT, ADD = "count", "add"

LENGTH = 10
"""Of the sequences that are learned from."""

SEQUENCES = 64
"""Read in a step."""

NOISE = 0.2
"""Standard deviation of what is added to pixels in training, against learning images by heart."""

RATE, CELL_RATE, DECIDED_RATE = 3e-3, 1e-2, 1e-3
LAST_RATE = 0.1
"""Share of the rate that is left at the end."""

LARGEST_GRADIENT = 1.0

CLASSES = 64
"""Many more than digits, so that none is left without one; the cell adds up all of a digit."""

PULL = 10.0
"""Times the weight of the published regulariser: the errors here are in units of their variance."""

LEAST = 1e-6
"""Added to probabilities before the logarithm: one image read wrongly may not count for all."""


@dataclass(frozen=True, slots=True)
class Course:
    """How many steps of each kind a training has: on soft readings, and on decisions."""

    soft: int
    decided: int


@dataclass(frozen=True, slots=True)
class Network:
    """What reads images, and what is made of what was read."""

    body: Body
    model: Reader | Accumulator

    @torch.no_grad()
    def seen(self, pixels: Tensor) -> Tensor:
        """What each image looks like: (N, P) -> (N, 64)."""
        features: Tensor = self.body(pixels)
        return features


class Lessons:
    """Sequences drawn from images, with the answers to them.

    Parameters
    ----------
    images : Images
    task : str
        `COUNT` or `ADD`.
    random : numpy Generator
        Of the sequences and of the noise.
    device : str
    """

    def __init__(self, images: Images, task: str, random: np.random.Generator, device: str) -> None:
        self.pixels = torch.from_numpy(images.pixels).to(device)
        self.digits = torch.from_numpy(images.digits).to(device)
        self.worth = answers(self.digits[:, None], task)  # (N, O): of each image alone
        self.random = random

    @property
    def mean(self) -> Tensor:
        """Of the answers: (O,)."""
        return LENGTH * self.worth.mean(0)

    @property
    def spread(self) -> Tensor:
        """Standard deviation of the answers: (O,)."""
        return math.sqrt(LENGTH) * self.worth.std(0)

    def draw(self) -> tuple[Tensor, Tensor]:
        """Some sequences and their answers: (N, T, P) and (N, O)."""
        chosen = self.random.integers(len(self.digits), size=(SEQUENCES, LENGTH))
        at = torch.from_numpy(chosen).to(self.digits.device)
        return self._noisy(self.pixels[at]), self.worth[at].sum(1)

    def draw_images(self) -> tuple[Tensor, Tensor]:
        """As many single images and their digits: (N, P) and (N,)."""
        chosen = self.random.integers(len(self.digits), size=SEQUENCES * LENGTH)
        at = torch.from_numpy(chosen).to(self.digits.device)
        return self._noisy(self.pixels[at]), self.digits[at]

    def _noisy(self, pixels: Tensor) -> Tensor:
        noise = self.random.standard_normal(pixels.shape, dtype=np.float32)
        return pixels + NOISE * torch.from_numpy(noise).to(pixels.device)


def answers(digits: Tensor, task: str) -> Tensor:
    """How often each digit is there, or the sum of all: (N, T) -> (N, O)."""
    if task == COUNT:
        return F.one_hot(digits, DIGITS).sum(1).float()
    return digits.sum(1, keepdim=True).float()


def trained(model: str | None, lessons: Lessons, course: Course, *, tick: Tick) -> Network:
    """Train a network.

    Parameters
    ----------
    model : str or None
        A published one; None for ours.
    lessons : Lessons
    course : Course
    tick : callable
    """
    outputs = lessons.worth.shape[1]
    body = Body(lessons.pixels.shape[1])
    reader: Reader | Accumulator
    if model is None or model in ACCUMULATORS:
        name = CellName.NAU if model is None else ACCUMULATORS[model]
        read = CLASSES if outputs > 1 else 1
        reader = Accumulator(name, outputs, read, lessons.random)
    else:
        reader = Reader(model, lessons.mean.cpu(), lessons.spread.cpu())
    network = Network(body.to(lessons.pixels.device), reader.to(lessons.pixels.device))
    steps = course.soft + (course.decided if model is None else 0)
    error = _learn_softly(network, lessons, course.soft, lambda k: tick(k / steps))
    if model is None:
        _decide(network, lessons, error)
        _learn_decisions(
            network, lessons, course.decided, lambda k: tick((course.soft + k) / steps)
        )
    network.model.eval()
    return network


def _learn_softly(
    network: Network, lessons: Lessons, steps: int, tick: Callable[[int], None]
) -> float:
    """Follow the squared error of the answers, and return it, in units of their variance."""
    cell = network.model.cell if isinstance(network.model, Accumulator) else None
    own = list(cell.parameters()) if cell else []
    rest = [p for part in (network.body, network.model) for p in part.parameters()]
    rest = [p for p in rest if all(p is not q for q in own)]
    adam = torch.optim.Adam([{"params": rest}, {"params": own}] if own else rest, lr=RATE)
    variance = lessons.spread.square().mean()
    error = 0.0
    for step in range(steps):
        tick(step)
        _set_rates(adam, (RATE, CELL_RATE), step / steps)
        pixels, wanted = lessons.draw()
        loss = F.mse_loss(network.model(network.body(pixels)), wanted) / variance
        error += 0.01 * (loss.item() - error) if step else loss.item()
        if cell is not None:
            loss = loss + PULL * cell.recipe.pull.at(step / steps) * cell.penalty().sum()
        _follow(adam, loss, [*rest, *own])
        if cell is not None:
            cell.project()
    return error


@torch.no_grad()
def _decide(network: Network, lessons: Lessons, error: float) -> None:
    """Snap the cell, and read every image as one class.

    A number is read as the whole number next to it: with a normal error around the number the
    scores of all whole numbers are linear in it, so one linear layer gives them.
    """
    assert isinstance(network.model, Accumulator)
    model = network.model
    snap_in_place(model.cell)
    if model.head.out_features > 1:
        model.decide(model.head, torch.eye(model.head.out_features, device=lessons.pixels.device))
        return
    numbers = model.head(network.seen(lessons.pixels)).round()
    whole = torch.arange(int(numbers.min()), int(numbers.max()) + 1, device=numbers.device)
    k = whole[:, None].float()
    variance = error * lessons.spread.square().mean() / LENGTH
    head = nn.Linear(model.head.in_features, len(k), device=k.device)
    head.weight.copy_(k * model.head.weight / variance)
    head.bias.copy_((k * (model.head.bias - k / 2) / variance)[:, 0])
    model.decide(head, k)


def _learn_decisions(
    network: Network, lessons: Lessons, steps: int, tick: Callable[[int], None]
) -> None:
    """Follow the likelihood of the answers, as the snapped cell adds up one class an image."""
    assert isinstance(network.model, Accumulator)
    model = network.model
    lowest, member = _shares(model)
    values = member.shape[-1]
    parameters = [*network.body.parameters(), *model.head.parameters()]
    adam = torch.optim.Adam(parameters)
    for step in range(steps):
        tick(step)
        _set_rates(adam, (DECIDED_RATE,), step / steps)
        pixels, wanted = lessons.draw()
        p = model.head(network.body(pixels)).softmax(-1)  # (N, T, K)
        q = torch.einsum("ntk,kov->notv", p, member)
        odds = sum_distribution(q.flatten(0, 1))  # (N O, sums)
        # a sum out of reach counts as the nearest one within
        place = (wanted.flatten().long() - LENGTH * lowest).clamp(0, LENGTH * (values - 1))
        likelihood = odds.gather(1, place[:, None])
        loss = -(likelihood + LEAST).log().sum() / len(wanted)
        _follow(adam, loss, parameters)


def _shares(model: Accumulator) -> tuple[int, Tensor]:
    """What each class adds to each output: the least of all, and whether it is that plus 0, 1, ...

    Returns
    -------
    lowest : int
    member : Tensor of shape (K, O, V)
        Zeros and ones.
    """
    assert model.classes is not None
    zero = model.classes.new_zeros(1, len(model.classes), model.outputs)
    added = model.cell(torch.cat([zero, model.classes[None]], -1))[0].detach().round().long()
    lowest = int(added.min())
    return lowest, F.one_hot(added - lowest).float()


def sum_distribution(q: Tensor) -> Tensor:
    """Distribution of a sum of independent whole numbers.

    Parameters
    ----------
    q : Tensor of shape (N, T, V)
        Probabilities that each of T numbers is 0, 1, ... V - 1.

    Returns
    -------
    Tensor of shape (N, T (V - 1) + 1)
    """
    count = q.shape[1] * (q.shape[2] - 1) + 1
    # doubles: the small probabilities are what is learned from
    spectra = torch.fft.rfft(q.double(), count)
    product = multiplied(spectra[None])[0]
    odds: Tensor = torch.fft.irfft(product, count)
    return odds.clamp_min(0.0).to(q.dtype)


def taught(lessons: Lessons, task: str, steps: int, *, tick: Tick) -> Network:
    """Train the layers in front on the digit of every single image, and add up exactly.

    No other network is told so much: this is what the layers in front could do at best.
    """
    pixels, outputs = lessons.pixels.shape[1], lessons.worth.shape[1]
    body = Body(pixels)
    classes = torch.eye(DIGITS) if task == COUNT else torch.arange(float(DIGITS))[:, None]
    model = Accumulator(CellName.NAU, outputs, classes.shape[1], lessons.random)
    model.cell.settle(torch.eye(outputs).repeat(2, 1), sums=True)
    device = lessons.pixels.device
    model.decide(nn.Linear(WIDTHS[-1], DIGITS), classes.to(device))
    network = Network(body.to(device), model.to(device))
    parameters = [*body.parameters(), *model.head.parameters()]
    adam = torch.optim.Adam(parameters)
    for step in range(steps):
        tick(step / steps)
        _set_rates(adam, (DECIDED_RATE,), step / steps)
        images, digits = lessons.draw_images()
        _follow(adam, F.cross_entropy(model.head(body(images)), digits), parameters)
    return network


def _set_rates(adam: torch.optim.Adam, rates: Iterable[float], done: float) -> None:
    """From the whole rate to a share of it."""
    for group, rate in zip(adam.param_groups, rates, strict=False):
        group["lr"] = rate * (1 - (1 - LAST_RATE) * done)


def _follow(adam: torch.optim.Adam, loss: Tensor, parameters: list[nn.Parameter]) -> None:
    adam.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    for p in parameters:
        # a step of a NALU that overflows is not followed
        if p.grad is not None:
            p.grad.nan_to_num_(0.0, 0.0, 0.0)
    nn.utils.clip_grad_norm_(parameters, LARGEST_GRADIENT)
    adam.step()
