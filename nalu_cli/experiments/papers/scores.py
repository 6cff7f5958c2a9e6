"""Scores on the functions of two sums: a panel for each function."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from nalu_cli.experiments.operations import Operation
from nalu_cli.experiments.papers.experiment import Measurements
from nalu_cli.report.look import MUTED, PARTS, Scale, limit_axis, scale_axis

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["EXTRAPOLATION", "INTERPOLATION", "OPERATIONS", "draw_scores"]

OPERATIONS: Mapping[str, Operation] = {
    "a + b": Operation.ADD,
    "a - b": Operation.SUB,
    "a * b": Operation.MUL,
    "a / b": Operation.DIV,
    "a^2": Operation.SQUARED,
    "sqrt(a)": Operation.ROOT,
}

INTERPOLATION, EXTRAPOLATION = "interpolation", "extrapolation"

LOWEST, HIGHEST = 1e-14, 1e6
"""Ends of the figure; what lies outside is drawn there."""


def draw_scores(
    figure: Figure, measurements: Measurements, models: Sequence[str], label: str
) -> None:
    """Draw the scores of every model, a panel for each function.

    Parameters
    ----------
    figure : Figure
    measurements : sequence of Measurement
    models : sequence of str
        In their order along the axis.
    label : str
        What 100 stands for.
    """
    tasks = list(dict.fromkeys(m.task for m in measurements))
    across = min(len(tasks), 3)
    panels = figure.subplots(
        -(-len(tasks) // across), across, sharex=True, sharey=True, squeeze=False
    )
    sides = ((INTERPOLATION, PARTS[0], -0.12), (EXTRAPOLATION, PARTS[2], 0.12))
    for axes, task in zip(panels.flat, tasks, strict=True):
        for measure, look, shift in sides:
            mine = [m for m in measurements if (m.task, m.measure) == (task, measure)]
            axes.plot(
                [models.index(m.model) + shift for m in mine],
                [min(max(m.value, LOWEST), HIGHEST) for m in mine],
                linestyle="none",
                marker=look.marker,
                markersize=look.size,
                color=look.colour,
                label=measure,
            )
        axes.axhline(100, color=MUTED, linewidth=0.8)
        axes.set_title(task)
        scale_axis(axes, "y", Scale(is_log=True, exponent=0))
        limit_axis(axes, "y", (LOWEST / 10, HIGHEST * 10))
        axes.set_xticks(range(len(models)), models, rotation=25, ha="right")
    panels[0, 0].legend(loc="lower left", fontsize=8)
    figure.supylabel(label, fontsize=9)
