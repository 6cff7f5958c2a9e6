"""Small programs, read character by character, answered with a number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

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
from nalu_cli.experiments.papers.program_text import Lesson, Part, Program, drawn_program
from nalu_cli.experiments.papers.recurrences import (
    LSTM,
    Linear,
    SequenceNetwork,
    descend,
    published_cell,
)
from nalu_cli.experiments.papers.register_machine import learned_machine
from nalu_cli.experiments.sampling import generator
from nalu_cli.report.look import BLUE, GREEN, MUTED, ORANGE, RED, Scale, scale_axis
from nalu_cli.settings import CellName

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Programs"]

Floats = NDArray[np.float64]

LEARNED = 3
"""Most digits of a number in training."""

DIGITS = {"3 digits": 3, "6 digits": 6, "12 digits": 12}
"""Of every number in the programs that are asked, by measure."""

ADDITION, SEVERAL = "two numbers added", "several operations"


@dataclass(frozen=True, slots=True)
class _Language:
    """Programs of up to so many numbers, with these operators between them."""

    operators: str
    numbers: int
    lessons: tuple[Lesson, ...]

    @property
    def fewest(self) -> int:
        """Sums of two have two numbers; other programs may have one."""
        return 2 if self.operators == "+" else 1


_DIGITS = (Part(1, 1, 10), Part(2, 1, 60))
_PAIRS = (Part(2, 1, 30), Part(2, 2, 200))

LANGUAGES: Mapping[str, _Language] = {
    ADDITION: _Language("+", 2, (_DIGITS, _PAIRS, (Part(3, 1, 30), Part(3, 2, 200)))),
    SEVERAL: _Language(
        "+-*",
        3,
        (
            _DIGITS,
            _PAIRS,
            (Part(2, 1, 30), Part(2, 2, 100), Part(1, 3, 100)),
            (Part(2, 1, 30), Part(2, 2, 100), Part(2, 3, 200)),
            (Part(3, 1, 30), Part(3, 2, 100), Part(3, 3, 200)),
        ),
    ),
}

HEADS = {"lstm": None, "lstm + nac": CellName.NAC, "lstm + nalu": CellName.NALU}
HIDDEN = 48
STEPS, QUICK_STEPS = 2000, 200
RATE = 1e-2
BATCH_PROGRAMS, CHECK_PROGRAMS = 128, 500

OURS = "register machine"

ERROR = "error, "
"""Before the name of a measure: mean error in percent of the mean size of an answer."""

LEAST = 1e-3
"""Percent at the lower end of the figure; what is exact is drawn there."""

START, STREAM, SCALE, LESSONS, CHECK = 14, 15, 16, 17, 18
"""Random streams."""

EXACT, FEW = 99.0, 10.0
"""Percent of programs that count as all, and as hardly any."""

COLOURS = {"lstm": BLUE, "lstm + nac": GREEN, "lstm + nalu": ORANGE, OURS: RED}


class Programs(Experiment):
    """Sums such as 12+345, and programs such as 12-34*5, learned with up to three digits.

    Nothing but the answer of a whole program is told. Products come before sums. The networks see
    characters as one of many, and fresh programs at every step; their heads answer on the scale of
    the training answers, or no NAC on an LSTM could reach them. Numbers of a program have as many
    digits each, one to three in training. An answer counts if it rounds to the right number.

    Ours is a machine of three registers: a total, the number that is read, and a factor. At each
    character every register becomes a sum of what it may read: the registers, the factor times the
    number, one, and the value of a digit. Built in is this list, that a digit changes the number
    only, that a digit has its value, and that the registers start as 0, 0, 1. Learned is what each
    kind of character does to them, and how they make the answer: 14 weights for addition and 30 for
    several operations. They start at random around keeping the total, are fitted to some hundreds
    of programs by Levenberg-Marquardt, short programs first, and then snapped to -1, 0, 1 or 10,
    nearest first, while the others make up for it. The snapped machine counts in whole numbers.
    """

    name = "programs"
    title = "Programs are answered character by character, with longer numbers than were learned."
    source = "Trask et al. 2018, section 4.4, where the results are a figure without numbers"
    unit = "percent of programs answered exactly, by the digits of their numbers (learned: up to 3)"
    models: ClassVar[Mapping[str, Origin]] = {
        "lstm": Origin.BASELINE,
        "lstm + nac": Origin.PUBLISHED,
        "lstm + nalu": Origin.PUBLISHED,
        OURS: Origin.OURS,
    }
    measures = tuple(DIGITS)
    more_is_better = frozenset(DIGITS)
    seeds = 3
    quick_seeds = 2
    together = 3

    def tasks(self, scope: Scope) -> Sequence[str]:
        """Both, in quick runs too."""
        return tuple(LANGUAGES)

    def run(self, batch: Batch, scope: Scope, tick: Tick) -> Measurements:
        """Train the seeds side by side; ours one after another."""
        shares = _counted(batch, tick) if batch.model == OURS else _trained(batch, scope, tick)
        return measured_together(batch, shares)

    def claims(self, measurements: Measurements) -> Sequence[Claim]:
        """A machine that is snapped does not care how long a number is."""
        ours = min(m.value for m in measurements if m.model == OURS and m.measure in DIGITS)
        twice = {
            model: share
            for (model, _, measure), share in medians(measurements).items()
            if measure == "6 digits" and model != OURS
        }
        best = max(twice, key=lambda model: twice[model])
        return (
            Claim(
                f"The snapped machine answers {EXACT:g} % or more exactly, with numbers of any "
                f"length asked: {ours:.4g} % at least.",
                ours >= EXACT,
            ),
            Claim(
                f"With numbers twice as long as learned no network reaches {FEW:g} % "
                f"(most: {best}, {twice[best]:.3g} %).",
                twice[best] < FEW,
            ),
        )

    def draw(self, figure: Figure, measurements: Measurements) -> None:
        """Draw the error against the digits, a panel for each task."""
        tasks = list(dict.fromkeys(m.task for m in measurements))
        panels = figure.subplots(1, len(tasks), sharey=True, squeeze=False)
        errors, digits = medians(measurements), list(DIGITS.values())
        for axes, task in zip(panels.flat, tasks, strict=True):
            for model, colour in COLOURS.items():
                axes.plot(
                    digits,
                    [max(errors[model, task, ERROR + measure], LEAST) for measure in DIGITS],
                    color=colour,
                    marker="o",
                    markersize=4,
                    label=model,
                )
            axes.axvline(LEARNED, color=MUTED, linewidth=0.8, linestyle=":")
            scale_axis(axes, "y", Scale(is_log=True, exponent=0))
            axes.set(xlabel="digits of every number", xticks=digits)
            axes.set_title(f"{task} (learned: up to {LEARNED} digits)")
        panels[0, 0].set_ylabel("mean error in percent of the mean answer (bottom: none)")
        panels[0, 0].legend(loc="center right", fontsize=8)


def _asked(task: str, digits: int, seed: int) -> list[Program]:
    """Programs of a seed on which all models are measured, of the most numbers there are."""
    language, random = LANGUAGES[task], generator(seed, f"programs-{task}", CHECK + digits)
    return [
        drawn_program(digits, language.numbers, language.operators, random)
        for _ in range(CHECK_PROGRAMS)
    ]


def _counted(batch: Batch, tick: Tick) -> dict[str, Floats]:
    """Shares of the machines of each seed."""
    language = LANGUAGES[batch.task]
    shares: dict[str, list[float]] = {
        kind + measure: [] for kind in ("", ERROR) for measure in DIGITS
    }
    for k, seed in enumerate(batch.seeds):

        def told(share: float, k: int = k) -> None:
            tick((k + share) / len(batch.seeds))

        random = generator(seed, f"programs-{batch.task}", LESSONS)
        machine = learned_machine(language.lessons, language.operators, random, told)
        for measure, digits in DIGITS.items():
            asked = _asked(batch.task, digits, seed)
            gaps = [machine.read(p.text) - p.answer if machine else np.inf for p in asked]
            size = sum(abs(p.answer) for p in asked)
            shares[measure].append(100 * sum(gap == 0 for gap in gaps) / len(asked))
            shares[ERROR + measure].append(100 * sum(map(abs, gaps)) / size)
    return {measure: np.array(some) for measure, some in shares.items()}


def _encoded(programs: Sequence[Sequence[Program]], operators: str) -> Tensor:
    """Characters as one of many, after as much of nothing as makes all as long: (R, T, N, I)."""
    texts = [program.text for some in programs for program in some]
    longest = max(map(len, texts))
    padded = "".join(text.rjust(longest) for text in texts).encode("ascii")
    codes = np.frombuffer(padded, np.uint8).reshape(len(programs), -1, longest).mT  # (R, T, N)
    alphabet = np.frombuffer(f"0123456789{operators}".encode("ascii"), np.uint8)
    return torch.from_numpy((codes[..., None] == alphabet).astype(np.float32))


def _answers(programs: Sequence[Sequence[Program]]) -> Floats:
    return np.array([[float(program.answer) for program in some] for some in programs])


def _lesson(language: _Language, count: int, random: np.random.Generator) -> list[Program]:
    """Programs to train a network on: numbers of one to three digits, as many as there may be."""
    digits = random.integers(1, LEARNED + 1, count)
    numbers = random.integers(language.fewest, language.numbers + 1, count)
    return [
        drawn_program(int(d), int(n), language.operators, random)
        for d, n in zip(digits, numbers, strict=True)
    ]


def _network(batch: Batch) -> SequenceNetwork:
    """LSTMs as they start, with the heads of a model."""
    random = [generator(seed, f"programs-{batch.task}", START) for seed in batch.seeds]
    characters = 10 + len(LANGUAGES[batch.task].operators)
    cell = HEADS[batch.model]
    head: nn.Module = (
        Linear(HIDDEN, 1, random) if cell is None else published_cell(cell, HIDDEN, 1, random)
    )
    return SequenceNetwork(LSTM(characters, HIDDEN, random), head)


def _trained(batch: Batch, scope: Scope, tick: Tick) -> dict[str, Floats]:
    """Shares of networks trained on fresh programs at every step."""
    language, network = LANGUAGES[batch.task], _network(batch).to(scope.device)
    streams = [generator(seed, f"programs-{batch.task}", STREAM) for seed in batch.seeds]
    scale = [generator(seed, f"programs-{batch.task}", SCALE) for seed in batch.seeds]
    typical = _answers([_lesson(language, CHECK_PROGRAMS, random) for random in scale])
    mean, spread = typical.mean(1, keepdims=True), typical.std(1, keepdims=True)

    def loss(_: float) -> Tensor:
        programs = [_lesson(language, BATCH_PROGRAMS, random) for random in streams]
        wanted = torch.from_numpy(((_answers(programs) - mean) / spread).astype(np.float32))
        got: Tensor = network(_encoded(programs, language.operators).to(scope.device))
        return (got - wanted.to(scope.device)).square().mean(1)

    steps = QUICK_STEPS if scope.quick else STEPS
    descend(network, loss, steps=steps, rate=RATE, tick=tick)
    network.double().cpu()
    shares = {}
    for measure, digits in DIGITS.items():
        asked = [_asked(batch.task, digits, seed) for seed in batch.seeds]
        with torch.no_grad():
            got = network(_encoded(asked, language.operators).double()).numpy()
        wanted = _answers(asked)
        gaps = np.abs(got * spread + mean - wanted)
        shares[measure] = 100 * (gaps < 0.5).mean(axis=1)
        shares[ERROR + measure] = 100 * gaps.sum(axis=1) / np.abs(wanted).sum(axis=1)
    return shares
