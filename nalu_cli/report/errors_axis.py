"""Errors on a logarithmic axis, where 0 has no place of its own."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter
from numpy.typing import NDArray

from nalu_cli.report.look import tick_text

__all__ = ["label_zero", "raised"]

Floats = NDArray[np.float64]

SMALLEST = 1e-17
"""Where errors of 0 are drawn when there are no others."""

LEAST = 1e-300


def raised(errors: Floats) -> tuple[Floats, float]:
    """Errors to be drawn, those of 0 at a power of ten below all others.

    Returns
    -------
    ndarray, float
        The errors, and where 0 is drawn if there are such.
    """
    positive = errors[errors > 0]
    if not len(positive):
        return np.full(len(errors), SMALLEST), SMALLEST
    if len(positive) == len(errors):
        return errors, float(positive.min())
    floor = max(float(10.0 ** np.floor(np.log10(positive.min()) - 0.5)), LEAST)
    return np.maximum(errors, floor), floor


def label_zero(axes: Axes, floor: float, *, has_zeros: bool) -> None:
    """Let the axis say 0 where errors of 0 are drawn."""
    if not has_zeros:
        return
    low, high = axes.get_ylim()
    ticks = [tick for tick in axes.get_yticks() if 1.5 * floor < tick < high]
    if floor == SMALLEST:
        ticks = []  # there is nothing but zeros
    axes.set_yticks([floor, *ticks])
    axes.yaxis.set_major_formatter(
        FuncFormatter(lambda value, _: "0" if value <= floor else tick_text(value))
    )
    axes.set_ylim(low, high)
