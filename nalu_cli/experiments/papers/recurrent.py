"""The recurrent form of the static task: two sums over time of some of a hundred inputs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from nalu_cli.experiments.operations import Operation, computed
from nalu_cli.experiments.papers.accumulator import Accumulator, snapped_accumulator
from nalu_cli.experiments.papers.experiment import (
    Batch,
    Claim,
    Experiment,
    Measurements,
    Origin,
    Scope,
    Tick,
    measured_together,
    medians,
)
from nalu_cli.experiments.papers.recurrences import (
    LSTM,
    CellNetwork,
    Linear,
    ReLU,
    SequenceNetwork,
    descend,
    published_cell,
)
from nalu_cli.experiments.papers.scores import EXTRAPOLATION, INTERPOLATION, OPERATIONS, draw_scores
from nalu_cli.experiments.sampling import generator
from nalu_cli.settings import CellName

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Recurrent", "Sequences", "answers"]

Floats = NDArray[np.float64]

INPUTS, SUMMED = 100, 25
LENGTHS = {INTERPOLATION: 10, EXTRAPOLATION: 1000}
SMALLEST, FAINTEST = 0.01, 0.1
"""Least size of an input, and of a whole sequence, over the largest."""

HIDDEN, HIDDEN_UNITS = 32, 2
"""Of the baselines, and of the cells, which need no more."""

STEPS, QUICK_STEPS = 1500, 200
RATES = {"lstm": 1e-2, "relu": 3e-3, "nac": 3e-2, "nalu": 1e-2}
BATCH_ROWS, CHECK_ROWS = 64, 100
AT_ONCE = 50
"""Steps of a long sequence that are drawn together."""

FLOOR = 1e-4
"""The logarithm of loss + FLOOR is followed, as in a fit."""

OURS = "snapped"
TABLE_ROWS = 1000
"""Sequences ours is trained on; the others see fresh ones at every step."""

INPUT_STREAM, START, SCALE, CHECK, TABLE = 9, 10, 11, 12, 13
"""Random streams."""

ROUNDING, FAILED = 1e-9, 10.0
"""Percent left to rounding, and percent that is a failure."""

NON_LINEAR = ("a * b", "a / b", "a^2", "sqrt(a)")


class Recurrent(Experiment):
    """Functions of two sums that build up over time, learned at length 10, asked at length 1000.

    At each step 100 inputs are read. a is the sum of 25 neighbouring ones, over all steps, and b
    that of the next 25; where they begin depends on the seed. The paper gives no ranges. Here an
    input is its own size, 0.01 to 1 uniformly in the logarithm, times the size of the sequence, 0.1
    to 1, times a fresh number from 0 to 1 at each step. So a, b and a/b differ between sequences at
    any length; equal sizes would leave a/b near 1, the nearer the longer.

    The score is the error in percent of that of one network for all: the LSTM before it is trained,
    which answers with about the mean of the training answers. Baselines answer on the scale of the
    training answers, the cells as they are: h = cell([x, h]), and the same cell on the last state.

    Ours has an accumulator of two numbers, state = state + W x with a NAU for W, and one product of
    powers of the last state; a power of one is a sum. As the weighted sum of all steps is the sum
    of weighted steps, training reads each sequence added up over time. It is trained, polished and
    snapped like a stack in a fit: W to -1, 0 and 1, the powers to small ones. What is snapped then
    reads the long sequences step by step. Built in is that the state keeps what it has, and that
    there is a product after it; the others have to learn to keep.
    """

    name = "recurrent"
    title = "Recurrent networks learn functions of two sums over 10 steps, and read 1000."
    source = "Trask et al. 2018, section 4.1"
    unit = "root mean squared error in percent of that of an untrained LSTM"
    models: ClassVar[Mapping[str, Origin]] = {
        "lstm": Origin.BASELINE,
        "relu": Origin.BASELINE,
        "nac": Origin.PUBLISHED,
        "nalu": Origin.PUBLISHED,
        OURS: Origin.OURS,
    }
    measures = (INTERPOLATION, EXTRAPOLATION)
    seeds = 3
    quick_seeds = 1
    together = 3

    def tasks(self, scope: Scope) -> Sequence[str]:
        """The functions of the static task, in quick runs too."""
        return tuple(OPERATIONS)

    def run(self, batch: Batch, scope: Scope, tick: Tick) -> Measurements:
        """Train the seeds side by side; ours one after another."""
        scores = _snapped(batch, tick) if batch.model == OURS else _learned(batch, scope, tick)
        return measured_together(batch, scores)

    def claims(self, measurements: Measurements) -> Sequence[Claim]:
        """What is snapped holds at any length."""
        worst = max(m.value for m in measurements if m.model == OURS)
        far = {
            (model, task): score
            for (model, task, measure), score in medians(measurements).items()
            if measure == EXTRAPOLATION
        }
        lstm = min(score for (model, _), score in far.items() if model == "lstm")
        nalu = min(far["nalu", task] for task in NON_LINEAR)
        return (
            Claim(
                "The snapped accumulator is off by rounding at most, on every function, at length "
                f"10 and at 1000: {worst:.2g} %.",
                worst <= ROUNDING,
            ),
            Claim(
                f"At length 1000 the LSTM misses every function by {FAILED:g} % or more "
                f"(least: {lstm:.3g} %).",
                lstm >= FAILED,
            ),
            Claim(
                "So does the recurrent NALU every function that is not linear "
                f"(least: {nalu:.3g} %).",
                nalu >= FAILED,
            ),
        )

    def draw(self, figure: Figure, measurements: Measurements) -> None:
        """Draw the scores of every model, a panel for each function."""
        label = "error in percent of that of an untrained LSTM (line: as bad)"
        draw_scores(figure, measurements, list(self.models), label)


class Sequences:
    """Sequences of some seeds, each from streams of its own.

    Parameters
    ----------
    seeds : sequence of int
    stream : int
        Of the random numbers.
    """

    def __init__(self, seeds: Sequence[int], stream: int) -> None:
        self.random = [generator(seed, "recurrent", stream) for seed in seeds]
        starts = [generator(s, "recurrent", 0).integers(INPUTS - 2 * SUMMED + 1) for s in seeds]
        self.starts = [int(start) for start in starts]

    def pieces(self, count: int, length: int) -> Iterator[Floats]:
        """The steps of some sequences, some at a time: each (R, T, N, I)."""
        sizes = [
            SMALLEST ** r.random((1, count, INPUTS)) * r.uniform(FAINTEST, 1, (1, count, 1))
            for r in self.random
        ]
        for first in range(0, length, AT_ONCE):
            steps = min(AT_ONCE, length - first)
            yield np.stack(
                [
                    size * r.random((steps, count, INPUTS))
                    for size, r in zip(sizes, self.random, strict=True)
                ]
            )

    def sums(self, x: Floats) -> Floats:
        """The sums a and b of steps (R, T, N, I): (2, R, N)."""
        total = x.sum(axis=1)
        both = [
            [row[:, at : at + SUMMED].sum(axis=1) for row, at in zip(total, starts, strict=True)]
            for starts in (self.starts, [start + SUMMED for start in self.starts])
        ]
        return np.array(both)


def answers(operation: Operation, sums: Floats) -> Floats:
    """The operation on a and b: (2, R, N) -> (R, N)."""
    return computed(operation, list(sums))


def _snapped(batch: Batch, tick: Tick) -> dict[str, Floats]:
    """Scores of the accumulators of each seed."""
    operation = OPERATIONS[batch.task]
    scores: dict[str, list[float]] = {measure: [] for measure in LENGTHS}
    for k, seed in enumerate(batch.seeds):
        tick(k / len(batch.seeds))
        sequences = Sequences((seed,), TABLE)
        (x,) = sequences.pieces(TABLE_ROWS, LENGTHS[INTERPOLATION])
        (y,) = answers(operation, sequences.sums(x))
        found = snapped_accumulator(x[0].sum(axis=0), y, seed=seed)
        untrained = _untrained(batch.task, (seed,))
        for measure, length in LENGTHS.items():
            check = _Check(operation, (seed,), length)
            error = np.inf if found is None else check.error_of_accumulator(found)
            scores[measure].append(100 * error / float(check.errors(untrained)[0]))
    return {measure: np.array(some) for measure, some in scores.items()}


class _Check:
    """Sequences on which all models are measured."""

    def __init__(self, operation: Operation, seeds: Sequence[int], length: int) -> None:
        self.operation, self.seeds, self.length = operation, seeds, length

    def _pieces(self) -> tuple[Sequences, Iterator[Floats]]:
        sequences = Sequences(self.seeds, CHECK + self.length)
        return sequences, sequences.pieces(CHECK_ROWS, self.length)

    def _answers(self) -> Floats:
        sequences, pieces = self._pieces()
        return answers(self.operation, sum(map(sequences.sums, pieces), np.zeros(1)))

    def error_of_accumulator(self, found: Accumulator) -> float:
        """Root mean squared error on the only seed."""
        got = found.read(piece[0] for piece in self._pieces()[1])
        return float(np.sqrt(np.mean((got - self._answers()[0]) ** 2)))

    @torch.no_grad()
    def errors(self, model: _Scaled) -> Floats:
        """Root mean squared errors in float64; what is no number counts as infinite: (R,)."""
        network, state = model.network.double().cpu(), None
        for piece in self._pieces()[1]:
            x = torch.from_numpy(piece)
            before = network.recurrence.zero(x) if state is None else state
            state = network.recurrence.advance(x, before)
        assert state is not None  # no length is zero
        got = model.on_scale(network.answer(state)).numpy()
        with np.errstate(all="ignore"):
            errors = np.sqrt(np.mean((got - self._answers()) ** 2, axis=1))
        return np.where(np.isfinite(errors), errors, np.inf)


@dataclass(frozen=True, slots=True)
class _Scaled:
    """Networks, and mean and spread of the answers they give, each (R, 1)."""

    network: SequenceNetwork
    mean: Tensor
    spread: Tensor

    def on_scale(self, value: Tensor) -> Tensor:
        """What the networks answer, given the value of their heads."""
        return self.mean.to(value) + self.spread.to(value) * value


def _model(model: str, task: str, seeds: Sequence[int]) -> _Scaled:
    """Networks as they start."""
    random = [generator(seed, f"recurrent-{task}", START) for seed in seeds]
    sequences = Sequences(seeds, SCALE)
    (x,) = sequences.pieces(TABLE_ROWS, LENGTHS[INTERPOLATION])
    y = torch.from_numpy(answers(OPERATIONS[task], sequences.sums(x)))
    if model in ("lstm", "relu"):
        kind = LSTM if model == "lstm" else ReLU
        network = SequenceNetwork(kind(INPUTS, HIDDEN, random), Linear(HIDDEN, 1, random))
        return _Scaled(network, y.mean(1, keepdim=True), y.std(1, keepdim=True))
    cell = CellName(model)
    recurrence = CellNetwork(INPUTS, HIDDEN_UNITS, random, cell=cell)
    network = SequenceNetwork(recurrence, published_cell(cell, HIDDEN_UNITS, 1, random))
    return _Scaled(network, torch.zeros(len(y), 1), torch.ones(len(y), 1))


def _untrained(task: str, seeds: Sequence[int]) -> _Scaled:
    return _model("lstm", task, seeds)


def _learned(batch: Batch, scope: Scope, tick: Tick) -> dict[str, Floats]:
    """Scores of networks trained on fresh sequences at every step."""
    operation, model = OPERATIONS[batch.task], _model(batch.model, batch.task, batch.seeds)
    sequences = Sequences(batch.seeds, INPUT_STREAM)
    network: nn.Module = model.network.to(scope.device)
    spread = _untrained(batch.task, batch.seeds).spread.float().to(scope.device)

    def loss(_: float) -> Tensor:
        (x,) = sequences.pieces(BATCH_ROWS, LENGTHS[INTERPOLATION])
        y = answers(operation, sequences.sums(x)).astype(np.float32)
        inputs, wanted = (torch.from_numpy(a).to(scope.device) for a in (x.astype(np.float32), y))
        gap = (model.on_scale(network(inputs)) - wanted) / spread
        return (gap.square().mean(1) + FLOOR).log()

    steps = QUICK_STEPS if scope.quick else STEPS
    descend(network, loss, steps=steps, rate=RATES[batch.model], tick=tick)
    untrained = _untrained(batch.task, batch.seeds)
    scores = {}
    for measure, length in LENGTHS.items():
        check = _Check(operation, batch.seeds, length)
        scores[measure] = 100 * check.errors(model) / check.errors(untrained)
    return scores
