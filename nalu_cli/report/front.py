"""The picture of the front: how much better longer formulas are."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from nalu_cli.answer import Answer
from nalu_cli.report.errors_axis import label_zero, raised
from nalu_cli.report.look import BLUE, MUTED, ORANGE, PAPER, Scale, limit_axis, scale_axis, wider

__all__ = ["draw_front", "has_front"]

FEWEST = 2
LOG = Scale(is_log=True, exponent=0)


def has_front(answer: Answer) -> bool:
    """Whether there is more than one formula to compare."""
    return sum(entry.far_rmse is not None for entry in answer.front) >= FEWEST


def draw_front(axes: Axes, answer: Answer) -> list[str]:
    """RMSE on the far rows of each formula that no other beats, against its complexity."""
    entries = [(e.complexity, e.far_rmse) for e in answer.front if e.far_rmse is not None]
    length = np.array([entry[0] for entry in entries])
    error = np.array([entry[1] for entry in entries])
    y, floor = raised(error)
    scale_axis(axes, "y", LOG)
    axes.grid(visible=True)
    axes.set_axisbelow(True)
    axes.step(length, y, where="post", color=MUTED, linewidth=0.9, zorder=1)
    axes.plot(length, y, "o", color=BLUE, markersize=5, zorder=3)
    chosen = np.array([e.circuit == answer.circuit for e in answer.front if e.far_rmse is not None])
    axes.plot(
        length[chosen],
        y[chosen],
        "o",
        markersize=10,
        markerfacecolor=PAPER,
        markeredgecolor=ORANGE,
        markeredgewidth=1.6,
        zorder=2,
    )
    axes.xaxis.set_major_locator(MaxNLocator("auto", integer=True))
    axes.margins(x=0.08)
    limit_axis(axes, "y", wider((float(y.min()), float(y.max())), 0.08, LOG))
    label_zero(axes, floor, has_zeros=bool((error == 0).any()))
    axes.set(xlabel="complexity, in symbols", ylabel="RMSE, far held-out rows")
    return []
