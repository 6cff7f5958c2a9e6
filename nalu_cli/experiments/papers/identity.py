"""The first experiment of the NALU paper: networks learn y = x, and are asked outside the range."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from nalu_cli.experiments.papers.dense import ACTIVATIONS, Dense
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
from nalu_cli.experiments.papers.training import trained
from nalu_cli.experiments.sampling import generator
from nalu_cli.pipeline import fit_table
from nalu_cli.report.look import BAND, BLUE, GREEN, INK, ORANGE, Scale, scale_axis
from nalu_cli.settings import Device, FitSettings
from nalu_cli.table import table_of_arrays

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["Identity"]

Floats = NDArray[np.float64]

WIDTHS = (1, 8, 8, 8, 1)
TRAINED = np.arange(-5.0, 6.0)
ASKED = np.arange(-20.0, 21.0)

RATE = 1e-2
STEPS, QUICK_STEPS = 10_000, 800
MODELS, QUICK_MODELS = 100, 20
"""In a population, whose mean error is what counts, as in the paper."""

START = 6
"""Random stream of the weights."""

OURS = "nalu fit"
BOUNDED = ("sigmoid", "tanh", "hardtanh", "softsign", "relu6")
"""Activations with a largest value."""

ROUNDING = 1e-12
"""Relative error that is left to the rounding of doubles."""

GROWTH = 5.0
"""How much larger errors are outside, at the least."""

LABELS = 0.16
"""Decades between two names in the figure."""

POINT = "x = "
INSIDE, TWICE, EDGE = "|x| to 5", "|x| = 10", "|x| = 20"


class Identity(Experiment):
    """Populations of autoencoders of one number."""

    name = "identity"
    title = "Networks learn y = x on whole numbers from -5 to 5 and are asked from -20 to 20."
    source = "Trask et al. 2018, section 1.1"
    unit = f"mean absolute error of populations of {MODELS} networks ({QUICK_MODELS} in quick runs)"
    models: ClassVar[Mapping[str, Origin]] = {
        **dict.fromkeys((name for name in ACTIVATIONS if name != "none"), Origin.BASELINE),
        OURS: Origin.OURS,
    }
    measures = (INSIDE, TWICE, EDGE)
    seeds = 1
    quick_seeds = 1

    def tasks(self, scope: Scope) -> Sequence[str]:
        """The only one."""
        return ("y = x",)

    def run(self, batch: Batch, scope: Scope, tick: Tick) -> Measurements:
        """Train a population for each seed, or fit the same eleven rows."""
        errors = _fitted(tick) if batch.model == OURS else _learned(batch, scope, tick)
        return [
            one for seed in batch.seeds for one in measured(batch, seed, dict(_measured(errors)))
        ]

    def claims(self, measurements: Measurements) -> Sequence[Claim]:
        """What the populations learned is lost outside; a formula is not."""
        inside, edge = (_by_model(measurements, measure) for measure in (INSIDE, EDGE))
        ours = [m.value for m in measurements if m.model == OURS and m.measure.startswith(POINT)]
        del edge[OURS]
        worst = max(ours)
        return (
            _lost_outside(inside, edge),
            _lost_by_the_bounded(edge),
            _kept_by_the_straight(edge),
            Claim(
                f"The formula is off by rounding at most, at any of {len(ours)} x: {worst:.3g}.",
                worst <= ROUNDING * float(ASKED.max()),
            ),
        )

    def draw(self, figure: Figure, measurements: Measurements) -> None:
        """Draw the error of each activation against x."""
        axes = figure.add_subplot()
        axes.axvspan(TRAINED[0], TRAINED[-1], color=BAND, linewidth=0)
        errors = {model: _errors(measurements, model) for model in self.models}
        worst = errors.pop(OURS).max()
        scale_axis(axes, "y", Scale(is_log=True, exponent=0))
        _draw_learned(axes, errors)
        axes.set(xlabel="x", ylabel="mean absolute error", xlim=(ASKED[0], ASKED[-1]))
        axes.set_title("Learned from -5 to 5 (grey), asked from -20 to 20")
        axes.text(
            *(0.5, 0.02, f"{OURS}: y = x, error at most {worst:.1g} anywhere"),
            transform=axes.transAxes,
            ha="center",
            color=INK,
        )


def _draw_learned(axes: Axes, errors: Mapping[str, Floats]) -> None:
    """A line for each activation, with its name at the end."""
    ends = _spread([float(np.log10(error[-1])) for error in errors.values()], LABELS)
    for (model, error), end in zip(errors.items(), ends, strict=True):
        colour = BLUE if model in BOUNDED else GREEN if model == "prelu" else ORANGE
        axes.plot(ASKED, error, color=colour, linewidth=1)
        axes.annotate(
            model,
            (ASKED[-1], error[-1]),
            (ASKED[-1] + 1.2, 10**end),
            color=colour,
            fontsize=7.5,
            va="center",
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": colour, "linewidth": 0.4},
        )


def _lost_outside(inside: Mapping[str, float], edge: Mapping[str, float]) -> Claim:
    growth = {model: edge[model] / inside[model] for model in edge}
    least = min(growth, key=growth.__getitem__)
    return Claim(
        f"Every activation is at least {GROWTH:g} times farther off at {EDGE} than inside "
        f"(least: {least}, {growth[least]:.3g} times).",
        growth[least] >= GROWTH,
    )


def _lost_by_the_bounded(edge: Mapping[str, float]) -> Claim:
    least = min(BOUNDED, key=edge.__getitem__)
    return Claim(
        f"Activations with a largest value miss more than half of x at {EDGE} "
        f"(least: {least}, {edge[least]:.3g}).",
        edge[least] > float(ASKED.max()) / 2,
    )


def _kept_by_the_straight(edge: Mapping[str, float]) -> Claim:
    return Claim(
        f"PReLU, which learns how straight it is, stays closest of all activations at {EDGE}: "
        f"{edge['prelu']:.3g}.",
        edge["prelu"] == min(edge.values()),
    )


def _learned(batch: Batch, scope: Scope, tick: Tick) -> Floats:
    """Mean absolute error of a population at each x that is asked for."""
    (seed,) = batch.seeds
    count = QUICK_MODELS if scope.quick else MODELS
    generators = [generator(seed, f"identity-{k}", START) for k in range(count)]
    networks = Dense(WIDTHS, ACTIVATIONS[batch.model], generators)
    networks.replace(networks.theta.to(scope.device))
    x = torch.from_numpy(TRAINED.astype(np.float32)).to(scope.device)
    steps = QUICK_STEPS if scope.quick else STEPS
    trained(networks, lambda: (x[:, None], x), steps=steps, rate=RATE, tick=tick)
    asked = torch.from_numpy(ASKED)
    networks.replace(networks.theta.double().cpu())
    errors: Floats = (networks.values(asked[:, None]) - asked).abs().mean(0).numpy()
    return errors


def _fitted(tick: Tick) -> Floats:
    """Absolute error of the formula at each x that is asked for."""
    table = table_of_arrays(TRAINED[:, None], TRAINED, ("x",), "y")
    settings = FitSettings(device=Device.CPU, threads=1)
    answer = fit_table(table, "y", settings, watch=lambda _: tick(0.5))
    return np.abs(answer.circuit.evaluate(ASKED[:, None]) - ASKED)


def _measured(errors: Floats) -> Iterator[tuple[str, float]]:
    distance = np.abs(ASKED)
    yield INSIDE, float(errors[distance <= 5].mean())
    yield TWICE, float(errors[distance == 10].mean())
    yield EDGE, float(errors[distance == 20].mean())
    for x, error in zip(ASKED, errors, strict=True):
        yield f"{POINT}{x:g}", float(error)


def _by_model(measurements: Measurements, measure: str) -> dict[str, float]:
    """The median over the seeds."""
    return {by: error for (by, _, of), error in medians(measurements).items() if of == measure}


def _errors(measurements: Measurements, model: str) -> Floats:
    """The median over the seeds at each x that is asked for."""
    mine = [m for m in measurements if m.model == model]
    return np.array([_by_model(mine, f"{POINT}{x:g}")[model] for x in ASKED])


def _spread(places: Sequence[float], gap: float) -> list[float]:
    """Places with at least a gap between them, as near as can be to where they were."""
    order = np.argsort(places)
    free = np.array(places, dtype=float)[order]
    for _ in range(200):
        close = np.maximum(gap - np.diff(free), 0)
        free[1:] += close / 2
        free[:-1] -= close / 2
    return [float(x) for x in free[np.argsort(order)]]
