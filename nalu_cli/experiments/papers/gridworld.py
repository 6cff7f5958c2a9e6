"""The last experiment of the NALU paper: an agent is told when to be at a target, and counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import TYPE_CHECKING, ClassVar

import numpy as np

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
from nalu_cli.experiments.papers.grid_agents import (
    Agent,
    NACCounter,
    NoCounter,
    ReactiveBody,
    RecurrentBody,
    SnappedCounter,
)
from nalu_cli.experiments.papers.grid_training import LONGEST, SHORTEST, Lessons, rewarded, taught
from nalu_cli.experiments.sampling import generator
from nalu_cli.report.look import BAND, BLUE, GREEN, MUTED, ORANGE, Scale, limit_axis, scale_axis

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Gridworld"]

TASK = "be there at T"

LSTM, NAC, OURS = "lstm", "lstm + nac", "snapped nau"

LESSONS = {model: Lessons(number=1500, episodes=256, rate=8e-3) for model in (LSTM, NAC)}
LESSONS[OURS] = Lessons(number=1500, episodes=768, rate=8e-3)
QUICK_LESSONS = {model: Lessons(number=700, episodes=256, rate=8e-3) for model in (LSTM, NAC)}
QUICK_LESSONS[OURS] = Lessons(number=1000, episodes=768, rate=8e-3)

AGENTS = {LSTM: 1, NAC: 1, OURS: 4}
"""How many start together. A counter whose two weights start with the same sign learns late."""

START, EPISODES = 9, 10
"""Random streams: of the weights, and of the episodes."""

TIMES = (*range(SHORTEST, 25), 26, 28, 30, 35, 40, 50, 60, 80, 100, 200, 500)
FAR, FARTHEST = 30, TIMES[-1]

ENOUGH = 80.0
"""Percent of rewards up to which an agent holds."""

POINTS = 40
"""Of a curve of what was earned while learning."""

COLOURS = {LSTM: BLUE, NAC: ORANGE, OURS: GREEN}

INSIDE, LAST = f"T {SHORTEST} to {LONGEST}", "last T"
BEFORE = "before the snap, "
TOLD = f"T = {FAR}, told {LONGEST}"


class Gridworld(Experiment):
    """Agents that have to reach a target at a time they are told, neither before nor after.

    The instruction is given at the first step only. The LSTM and the NAC, which counts for the
    LSTM, are as in the paper as far as it says; pictures have a pixel a cell. In ours nothing
    remembers but one accumulator. Built in: that it adds up what a NAU makes of the instruction
    and of each step; that it is read through gates, open above a threshold each; that of two agents
    which start together one has the sign of a step turned round, and that the first of four to
    earn anything goes on alone; that the weights are snapped. Learned from reward alone: the
    weights, and so what is counted, the thresholds, and what to do.
    """

    name = "gridworld"
    title = (
        f"An agent reaches a target in a 5 x 5 grid exactly at time T, which it is told: "
        f"T is {SHORTEST} to {LONGEST} while it learns, and up to {FARTHEST} when it is asked."
    )
    source = "Trask et al. 2018, section 4.5"
    unit = (
        "percent of all starts from which the reward is earned, moves being the likeliest; last T: "
        f"up to where it is {ENOUGH:.0f} at the least at all times that are tried"
    )
    models: ClassVar[Mapping[str, Origin]] = {
        LSTM: Origin.BASELINE,
        NAC: Origin.PUBLISHED,
        OURS: Origin.OURS,
    }
    measures = (INSIDE, *(f"T = {time}" for time in (13, 16, 19, FAR, 100, FARTHEST)), LAST)
    more_is_better = frozenset(measures)
    seeds = 3
    quick_seeds = 1

    def tasks(self, scope: Scope) -> Sequence[str]:
        """The only one."""
        return (TASK,)

    def run(self, batch: Batch, scope: Scope, tick: Tick) -> Measurements:
        """Teach an agent for each seed."""
        return [
            one
            for seed in batch.seeds
            for one in measured(batch, seed, _learned(batch.model, seed, scope, tick))
        ]

    def claims(self, measurements: Measurements) -> Sequence[Claim]:
        """Only a count that is exact, and read whatever its size, goes on where training ended."""
        typical = medians(measurements)
        inside, far = ({m: typical[m, TASK, at] for m in self.models} for at in (INSIDE, _at(FAR)))
        told = typical[NAC, TASK, TOLD]
        ours = min(
            m.value
            for m in measurements
            if m.model == OURS and m.measure in {_at(time) for time in TIMES if time > LONGEST}
        )
        soft, snapped = (typical[OURS, TASK, f"{before}{_at(FARTHEST)}"] for before in (BEFORE, ""))
        return (
            Claim(
                f"At the times they learned, all agents earn most of the rewards "
                f"(least: {min(inside.values()):.3g} %).",
                min(inside.values()) > 50,
            ),
            Claim(
                f"At T = {FAR} the LSTM earns {far[LSTM]:.3g} % and the LSTM with a NAC "
                f"{far[NAC]:.3g} %, each less than 30.",
                max(far[LSTM], far[NAC]) < 30,
            ),
            Claim(
                f"The snapped count serves at every time up to {FARTHEST}: {ours:.3g} % at the "
                f"worst of all seeds and times beyond {LONGEST}.",
                ours >= 95,
            ),
            Claim(
                f"The NAC's count is not all that ends too soon: told {LONGEST} and shown the "
                f"counts of {LONGEST} when that much is left, the LSTM still earns {told:.3g} % "
                f"at T = {FAR}: its own memory does not outlast the wait.",
                told < inside[NAC] - 20,
            ),
            Claim(
                f"It is the snap that reaches far: at T = {FARTHEST} ours earns {soft:.3g} % "
                f"before it and {snapped:.3g} % in the end.",
                soft < snapped - 20,
            ),
        )

    def draw(self, figure: Figure, measurements: Measurements) -> None:
        """Draw what is earned at each time, and what was earned while learning."""
        asked, learned = figure.subplots(1, 2, width_ratios=(3, 2), sharey=True)
        _draw_asked(asked, measurements)
        _draw_learned(learned, measurements)
        figure.legend(*asked.get_legend_handles_labels(), loc="outside lower center", ncols=4)


def _learned(model: str, seed: int, scope: Scope, tick: Tick) -> dict[str, float]:
    """Everything that is measured of one seed."""
    lessons = (QUICK_LESSONS if scope.quick else LESSONS)[model]
    agent = _agent(model, seed)
    agent.replace(agent.theta.to(scope.device))
    randoms = [generator(seed, f"{model}-{k}", EPISODES) for k in range(AGENTS[model])]
    found: dict[str, float] = {}

    def measure_softly() -> None:
        if model == OURS:
            found.update((f"{BEFORE}{_at(T)}", 100 * rewarded(agent, T)) for T in TIMES)

    curve = taught(agent, randoms, lessons, tick=tick, before_snap=measure_softly)
    for k, part in enumerate(np.array_split(curve, POINTS)):
        found[_point(k)] = 100 * float(part.mean())
    earned = {time: 100 * rewarded(agent, time) for time in TIMES}
    found[INSIDE] = float(np.mean([earned[time] for time in range(SHORTEST, LONGEST + 1)]))
    found.update((_at(time), value) for time, value in earned.items())
    held = list(takewhile(lambda time: earned[time] >= ENOUGH, TIMES))
    found[LAST] = float(max(held, default=0))
    found[TOLD] = 100 * rewarded(agent, FAR, told=LONGEST)
    return found


def _agent(model: str, seed: int) -> Agent:
    generators = [generator(seed, f"{model}-{k}", START) for k in range(AGENTS[model])]
    if model == OURS:
        gates = SnappedCounter(generators)
        return Agent(gates, ReactiveBody(gates.width, generators))
    counter = NACCounter(generators) if model == NAC else NoCounter()
    return Agent(counter, RecurrentBody(counter.width, generators))


def _at(time: int) -> str:
    return f"T = {time}"


def _point(k: int) -> str:
    return f"learning, {k + 1} of {POINTS}"


def _draw_asked(axes: Axes, measurements: Measurements) -> None:
    typical = medians(measurements)
    axes.axvspan(SHORTEST, LONGEST, color=BAND, linewidth=0)
    for model, colour in COLOURS.items():
        earned = [typical[model, TASK, _at(time)] for time in TIMES]
        axes.plot(
            TIMES, earned, color=colour, marker="o", markersize=2.5, linewidth=1.2, label=model
        )
    soft = [typical[OURS, TASK, f"{BEFORE}{_at(time)}"] for time in TIMES]
    axes.plot(
        TIMES, soft, color=GREEN, linestyle=":", linewidth=1, label=f"{OURS}, before the snap"
    )
    scale_axis(axes, "x", Scale(is_log=True, exponent=0))
    limit_axis(axes, "x", (SHORTEST, FARTHEST * 1.05))
    axes.set(xlabel="time T that is asked for", ylabel="rewards earned, %", ylim=(-3, 103))
    axes.set_title(f"Learned from T = {SHORTEST} to {LONGEST} (grey)")


def _draw_learned(axes: Axes, measurements: Measurements) -> None:
    typical = medians(measurements)
    share = (np.arange(POINTS) + 0.5) * 100 / POINTS
    for model, colour in COLOURS.items():
        earned = [typical[model, TASK, _point(k)] for k in range(POINTS)]
        axes.plot(share, earned, color=colour, linewidth=1.2)
    snapped = 100 * LESSONS[OURS].snapped
    axes.axvline(snapped, color=MUTED, linewidth=0.6)
    axes.text(snapped, 2, " snap", color=MUTED, fontsize=8)
    axes.set(xlabel="lessons, % of all", xlim=(0, 100))
    axes.set_title("While learning, moves drawn")
