"""The picture of the front: how much better longer formulas are."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from nalu_cli.answer import Answer
from nalu_cli.report.look import BLUE, MUTED, ORANGE, PAPER, Scale, power_text, scale_axis

__all__ = ["draw_front", "has_front"]

FEWEST = 2


def has_front(answer: Answer) -> bool:
    """Whether there is more than one formula to compare."""
    return sum(entry.far_rmse is not None for entry in answer.front) >= FEWEST


def draw_front(axes: Axes, answer: Answer) -> list[str]:
    """The far error of each formula no other beats, against its complexity."""
    entries = [(e.complexity, e.far_rmse) for e in answer.front if e.far_rmse is not None]
    length = np.array([entry[0] for entry in entries])
    error = np.array([entry[1] for entry in entries])
    positive = error[error > 0]
    floor = float(10.0 ** np.floor(np.log10(positive.min()) - 1.5)) if len(positive) else 1e-17
    y = np.maximum(error, max(floor, 1e-300))
    scale_axis(axes, "y", Scale(is_log=True, exponent=0))
    axes.yaxis.set_major_formatter(lambda value, _: "0" if value <= floor else power_text(value))
    axes.grid(visible=True)
    axes.set_axisbelow(True)
    axes.step(length, y, where="post", color=MUTED, linewidth=0.9, zorder=1)
    axes.plot(length, y, "o", color=BLUE, markersize=5, zorder=2)
    chosen = length == answer.complexity
    axes.plot(
        length[chosen],
        y[chosen],
        "o",
        markersize=10,
        markerfacecolor=PAPER,
        markeredgecolor=ORANGE,
        markeredgewidth=1.6,
        zorder=1.5,
    )
    axes.margins(x=0.08)
    axes.set(xlabel="complexity, in symbols", ylabel="root mean square error, far rows")
    axes.set(ylim=(y.min() / 3, 3 * y.max()))
    return []
