"""Numbers below a thousand in English words, learned from 169 phrases and asked for the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import torch
from torch import Tensor

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
from nalu_cli.experiments.papers.number_phrases import NUMBERS, phrase_tokens, split_phrases
from nalu_cli.experiments.papers.phrase_networks import HEADS, PhraseNetwork, train_network
from nalu_cli.experiments.papers.phrase_reader import Phrases, learned_meanings, read
from nalu_cli.experiments.sampling import generator
from nalu_cli.report.look import BLUE, GREEN, MUTED, ORANGE

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Language"]

TASK = "phrases to numbers"
OURS = "sums and products, snapped"
TRAIN, VALIDATION, TEST = "train", "validation", "test"
MISREAD = "test phrases misread"

SPLIT, START = 12, 13
"""Random streams of the phrases to learn from, the same for all models, and of weights."""

STEPS, QUICK_STEPS = 4000, 1000
OUR_STEPS = 400
RESTARTS = 8

GOAL = 0.4
FAR = 5.0


class Language(Experiment):
    """Readers of number phrases.

    The published ones are an embedding, an LSTM of ten units and a head. Ours keeps one number,
    0 before the first word. Each word has a value, and a gate that says whether a NAU or an NMU
    reads the number so far and that value; this is built in, and that words are read in their
    order. Which words add, which multiply, the values, and the weights of both cells, which start
    as those of a plain sum and a plain product, are learned from the 169 phrases: first by
    gradient, short phrases first; then weights and gates are snapped in place, gates are turned
    over one at a time while that helps, and the values are refitted and rounded. The validation
    phrases choose between readings that the 169 cannot tell apart; where neither have a phrase such
    as "three hundred", nothing tells whether "hundred" or "and" multiplies by 100.
    """

    name = "language"
    title = "Networks learn what 169 number phrases mean and are asked for the rest of the 1000."
    source = "Trask et al. 2018, section 4.3"
    unit = "mean absolute error"
    models: ClassVar[Mapping[str, Origin]] = {
        **{
            model: Origin.BASELINE if cell is None else Origin.PUBLISHED
            for model, cell in HEADS.items()
        },
        OURS: Origin.OURS,
    }
    measures = (TRAIN, VALIDATION, TEST)
    seeds = 5
    quick_seeds = 1

    def tasks(self, scope: Scope) -> Sequence[str]:
        """The only one."""
        return (TASK,)

    def run(self, batch: Batch, scope: Scope, tick: Tick) -> Measurements:
        """Train a reader for each seed, each with phrases of its own to learn from."""
        return [
            one
            for seed in batch.seeds
            for one in measured(batch, seed, _measured(batch.model, seed, scope, tick))
        ]

    def claims(self, measurements: Measurements) -> Sequence[Claim]:
        """Sums and products carry to phrases that were not learned from."""
        ours, linear = (
            medians(measurements)[model, TASK, TEST] for model in (OURS, "lstm + linear")
        )
        wrong = [m.value for m in measurements if (m.model, m.measure) == (OURS, MISREAD)]
        return (
            Claim(
                f"Sums and products, snapped, are off by less than {GOAL:g} on phrases they have "
                f"not seen: {ours:.3g}. With {wrong.count(0)} of {len(wrong)} seeds none is wrong.",
                ours < GOAL,
            ),
            Claim(
                f"An LSTM with a linear head is off by more than {FAR:g} on them: {linear:.3g}, "
                f"where sums and products are off by {ours:.3g}.",
                linear > FAR,
            ),
        )

    def draw(self, figure: Figure, measurements: Measurements) -> None:
        """Draw the errors of each model on the phrases of each kind, a dot a seed."""
        figure.set_size_inches(7.5, 3.6)
        axes = figure.add_subplot()
        looks = ((TRAIN, BLUE, "o"), (VALIDATION, GREEN, "D"), (TEST, ORANGE, "^"))
        for k, (measure, colour, marker) in enumerate(looks):
            found = [m for m in measurements if m.measure == measure]
            places = [list(self.models).index(m.model) + 0.2 * (k - 1) for m in found]
            errors = [m.value for m in found]
            axes.plot(errors, places, marker, color=colour, markersize=4.5, label=measure)
        axes.set_xscale("symlog", linthresh=0.1)
        axes.set_xlim(-0.03, 1000)
        axes.set_xticks([0, 0.1, 1, 10, 100, 1000], ["0", "0.1", "1", "10", "100", "1000"])
        axes.axvline(GOAL, color=MUTED, linewidth=0.8, linestyle="--")
        axes.set_yticks(range(len(self.models)), list(self.models))
        axes.invert_yaxis()
        axes.grid(visible=True, axis="x")
        axes.set_axisbelow(True)
        axes.set_xlabel(f"mean absolute error, a mark a seed; dashed: {GOAL:g}")
        axes.set_title("Number phrases, learned from 169")
        axes.legend(fontsize=8, loc="upper left")


def _measured(model: str, seed: int, scope: Scope, tick: Tick) -> dict[str, float]:
    split = split_phrases(generator(seed, "phrases", SPLIT))
    parts = {TRAIN: split.train, VALIDATION: split.validation, TEST: split.test}
    tokens = torch.from_numpy(phrase_tokens(np.arange(NUMBERS))).to(scope.device)
    random = generator(seed, f"phrases-{model}", START)
    answered = _answers(model, tokens, parts, random, scope, tick).double().cpu()
    off = (answered - torch.arange(NUMBERS)).abs().numpy()
    errors = {name: float(off[rows].mean()) for name, rows in parts.items()}
    return {**errors, MISREAD: float((off[split.test] >= 0.5).sum())}


def _answers(
    model: str,
    tokens: Tensor,
    parts: Mapping[str, np.ndarray],
    random: np.random.Generator,
    scope: Scope,
    tick: Tick,
) -> Tensor:
    """What a model that has learned answers to all phrases: (1000,)."""
    numbers = torch.arange(float(NUMBERS), device=tokens.device)
    known = {name: Phrases(tokens[rows], numbers[rows]) for name, rows in parts.items()}
    if model == OURS:
        train, validation = known[TRAIN], known[VALIDATION]
        meanings = learned_meanings(
            train, validation, random, restarts=RESTARTS, steps=OUR_STEPS, tick=tick
        )
        return read(meanings, tokens).detach()[0]
    with torch.random.fork_rng():
        torch.manual_seed(int(random.integers(2**62)))
        network = PhraseNetwork(model, random).to(tokens.device)
        steps = QUICK_STEPS if scope.quick else STEPS
        train_network(network, known[TRAIN].tokens, known[TRAIN].numbers, steps=steps, tick=tick)
    answered: Tensor = network(tokens)
    return answered.detach()
