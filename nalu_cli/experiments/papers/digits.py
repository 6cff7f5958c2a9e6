"""Counting and adding digit images in sequences a hundred times as long as those learned from."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from nalu_cli.experiments.papers.digit_images import digit_images
from nalu_cli.experiments.papers.digit_training import (
    ADD,
    COUNT,
    Course,
    Lessons,
    Network,
    answers,
    taught,
    trained,
)
from nalu_cli.experiments.papers.experiment import (
    Batch,
    Claim,
    Experiment,
    Measurements,
    Origin,
    Scope,
    Tick,
    measured,
    medians,
)
from nalu_cli.experiments.sampling import generator
from nalu_cli.report.look import BLUE, GREEN, INK, ORANGE, Scale, limit_axis, scale_axis

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Digits", "expected_error"]

OURS, TOLD = "nau, snapped", "told every digit"

LENGTHS = (10, 100, 1000)
MEASURES = tuple(f"length {length}" for length in LENGTHS)
LONGEST = MEASURES[-1]

LIMIT = f"limit at {LONGEST}"
MISREAD = "images misread"
"""Measured where every image is read as one class."""

TRAIN, SEQUENCES = 9, 11
"""Random streams: of a training, of its weights, and of the sequences of the test."""

TESTED, QUICK_TESTED = 400, 200
"""Sequences of each length."""

COURSES = {COUNT: Course(2000, 500), ADD: Course(3000, 2000)}
QUICK_COURSES = {COUNT: Course(1000, 200), ADD: Course(1500, 1000)}

LEAST, MOST = 0.01, 3e4
"""Errors that the figure shows; lines go on beyond."""

BEYOND = 1e30
"""Drawn in place of infinite errors."""


class Digits(Experiment):
    """Layers that read one image, and a recurrent unit, trained end to end.

    All networks see the answers to whole sequences of ten and nothing else, but for the one that
    is told every digit, as the measure of what the layers in front can do. Ours has a NAU as its
    recurrent unit, which starts as one that keeps its outputs and adds at random. Its weights are
    snapped in place to -1, 0 and 1; then every image is read as one class, or one whole number, and
    the layers in front go on to learn which, from the likelihood of the answers. What is built in
    is that images have classes, or whole numbers; which and what they add is learned.
    """

    name = "digits"
    title = "Networks learn to count and to add digit images, ten in a row, and get up to 1000."
    source = "Trask et al. 2018, section 4.2"
    unit = "mean absolute error, on images that were not learned from"
    models: ClassVar[Mapping[str, Origin]] = {
        "lstm": Origin.BASELINE,
        "gru": Origin.BASELINE,
        "rnn-relu": Origin.BASELINE,
        "nac": Origin.PUBLISHED,
        "nalu": Origin.PUBLISHED,
        TOLD: Origin.BASELINE,
        OURS: Origin.OURS,
    }
    measures = MEASURES
    seeds = 3
    quick_seeds = 1
    reads_mnist = True

    def tasks(self, scope: Scope) -> Sequence[str]:
        """Both."""
        return (COUNT, ADD)

    def run(self, batch: Batch, scope: Scope, tick: Tick) -> Measurements:
        """Train a network for each seed."""
        return [
            one
            for seed in batch.seeds
            for one in measured(batch, seed, _measured(batch.model, batch.task, seed, scope, tick))
        ]

    def claims(self, measurements: Measurements) -> Sequence[Claim]:
        """The snapped accumulator loses nothing; what is lost is lost in reading images."""
        return [claim for task in (COUNT, ADD) for claim in _claims(measurements, task)]

    def draw(self, figure: Figure, measurements: Measurements) -> None:
        """Draw the error of each network against the length of the sequences."""
        figure.set_size_inches(9.0, 4.2)
        for k, task in enumerate((COUNT, ADD)):
            axes = figure.add_subplot(1, 2, k + 1)
            within = [LEAST]
            for model in self.models:
                errors = [medians(measurements)[model, task, measure] for measure in MEASURES]
                within += [error for error in errors if error <= MOST]
                axes.plot(LENGTHS, np.minimum(errors, BEYOND), label=model, **_line(model))
            limit = medians(measurements)[OURS, task, LIMIT]
            axes.plot(LENGTHS[-1:], [limit], "x", color=ORANGE, markersize=9, label="its limit")
            for which in ("x", "y"):
                scale_axis(axes, which, Scale(is_log=True, exponent=0))
            axes.set(xlabel="images in the sequence", ylabel="mean absolute error")
            limit_axis(axes, "y", (min(within), 2 * max(within)))
            axes.set_title(f"{task}, learned at length 10")
        axes.legend(fontsize=7.5)


def _line(model: str) -> dict[str, Any]:
    styles = {OURS: (ORANGE, "-", 2.2), TOLD: (INK, "--", 1.2)}
    colour, line, width = styles.get(model, (GREEN if model in ("nac", "nalu") else BLUE, "-", 1.2))
    marker = {"gru": "s", "rnn-relu": "^", "nalu": "D"}.get(model, "o")
    return {
        "color": colour,
        "linestyle": line,
        "linewidth": width,
        "marker": marker,
        "markersize": 4,
    }


def _measured(model: str, task: str, seed: int, scope: Scope, tick: Tick) -> dict[str, float]:
    images = digit_images(scope.mnist)
    random = generator(seed, f"digits-{model}-{task}", TRAIN)
    lessons = Lessons(images.train, task, random, scope.device)
    course = (QUICK_COURSES if scope.quick else COURSES)[task]
    with torch.random.fork_rng():
        torch.manual_seed(int(random.integers(2**62)))
        if model == TOLD:
            network = taught(lessons, task, course.soft, tick=tick)
        else:
            network = trained(None if model == OURS else model, lessons, course, tick=tick)
    pixels = torch.from_numpy(images.test.pixels).to(scope.device)
    digits = torch.from_numpy(images.test.digits).to(scope.device)
    count = QUICK_TESTED if scope.quick else TESTED
    measured = {
        f"length {length}": _error(network, pixels, digits, task, length, count)
        for length in LENGTHS
    }
    return measured | (_limits(network, pixels, digits, task) if model in (OURS, TOLD) else {})


@torch.no_grad()
def _error(
    network: Network, pixels: Tensor, digits: Tensor, task: str, length: int, count: int
) -> float:
    """Mean absolute error over sequences that are the same for all networks."""
    random = generator(0, f"digits-{length}", SEQUENCES)
    at = torch.from_numpy(random.integers(len(digits), size=(count, length))).to(digits.device)
    seen = network.seen(pixels)
    off = network.model(seen[at]) - answers(digits[at], task)
    error = float(off.abs().double().mean())
    return error if math.isfinite(error) else math.inf


@torch.no_grad()
def _limits(network: Network, pixels: Tensor, digits: Tensor, task: str) -> dict[str, float]:
    """How many images are misread, and how far off these alone would put a perfect accumulator."""
    alone = network.model(network.seen(pixels)[:, None])
    off = (alone - answers(digits[:, None], task)).double().cpu().numpy()  # (N, O)
    return {
        MISREAD: float((off != 0).any(1).mean()),
        LIMIT: expected_error(off, LENGTHS[-1]),
    }


def expected_error(off: np.ndarray, length: int) -> float:
    """Mean absolute value of a sum of errors drawn from those of single images.

    Parameters
    ----------
    off : ndarray of shape (N, O)
        By how much each image, alone, puts each answer off.
    length : int
        How many are drawn; many, so that the sum is nearly normal.

    Returns
    -------
    float
        Mean over the answers.
    """
    mean, spread = length * off.mean(0), math.sqrt(length) * off.std(0)
    return float(np.mean([_folded(m, s) for m, s in zip(mean, spread, strict=True)]))


def _folded(mean: float, spread: float) -> float:
    """Mean absolute value of a normal variable."""
    if spread == 0:
        return abs(mean)
    z = mean / spread
    density = math.exp(-z * z / 2) * math.sqrt(2 / math.pi)
    return spread * density + mean * math.erf(z / math.sqrt(2))


SHARE = 0.1
NEAR = 0.2
"""By how much a measured error may be off its limit, which is an expectation."""


def _claims(measurements: Measurements, task: str) -> Sequence[Claim]:
    def value(model: str, measure: str) -> float:
        return medians(measurements)[model, task, measure]

    ours, limit = value(OURS, LONGEST), value(OURS, LIMIT)
    misread = value(OURS, MISREAD)
    lstm, told = value("lstm", LONGEST), value(TOLD, LONGEST)
    best = min(("nac", "nalu"), key=lambda model: value(model, LONGEST))
    return (
        Claim(
            f"{task}: at {LONGEST} the snapped network is off by {ours:.3g}, less than a tenth of "
            f"the {lstm:.3g} of the LSTM.",
            ours < SHARE * lstm,
        ),
        Claim(
            f"{task}: that is what misreading {misread:.1%} of the images costs a perfect "
            f"accumulator, {limit:.3g}: the accumulator adds nothing to it.",
            abs(ours - limit) <= NEAR * limit,
        ),
        Claim(
            f"{task}: it is closer than the better published cell, {best}, trained alike "
            f"({value(best, LONGEST):.3g}); the same layers told every digit come to {told:.3g}.",
            ours < value(best, LONGEST),
        ),
    )
