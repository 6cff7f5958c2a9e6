"""Pictures of rows: predicted against measured, residuals, and the error farther out."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from nalu_cli.answer import Answer
from nalu_cli.report.errors_axis import label_zero, raised
from nalu_cli.report.look import (
    BAND,
    MUTED,
    PAPER,
    PARTS,
    RED,
    Scale,
    limit_axis,
    scale_axis,
    scale_of,
    shown,
    wider,
)
from nalu_cli.settings import Status

__all__ = ["draw_distance", "draw_parity", "draw_residuals"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

LONGEST = 34
"""Characters of a name at an axis."""

LARGEST = 1e300

FAR_OUT = 50
"""From this distance on its logarithm is drawn, from `CENTRE` on."""

CENTRE = 1e-3


def draw_parity(axes: Axes, answer: Answer) -> list[str]:
    """Predicted against measured values, with the line on which both are equal.

    Returns
    -------
    list of str
        What a reader of the picture should know.
    """
    points = answer.points
    _set_free(axes)
    scale = scale_of(points.measured)
    x, y = scale.apply(points.measured), scale.apply(points.predicted)
    low, high = _frame(x, scale)
    has_value = np.isfinite(points.predicted)
    inside = has_value & (y >= low) & (y <= high)
    for which in ("x", "y"):
        scale_axis(axes, which, scale)
    ends = _ends(np.concatenate([x, y[inside]]), scale)
    axes.plot(ends, ends, color=MUTED, linewidth=0.9, zorder=1)
    _draw_parts(axes, x, y, points.part, inside)
    _mark_missing(axes, x[~has_value])
    target = shown(answer.target, LONGEST)
    limit_axis(axes, "x", ends)
    limit_axis(axes, "y", ends)
    axes.set(xlabel=f"measured {target}{scale.unit()}")
    axes.set(ylabel=f"predicted{scale.unit()}")
    return [*_missing(~has_value), *_beyond(has_value & ~inside)]


def draw_residuals(axes: Axes, answer: Answer, kept: int) -> list[str]:
    """Residuals, measured minus predicted, against one of the kept columns."""
    points = answer.points
    _set_free(axes)
    with np.errstate(all="ignore"):
        left = points.measured - points.predicted
    has_value = np.isfinite(left)
    across, up = scale_of(points.X[:, kept]), scale_of(left, may_be_log=False)
    scale_axis(axes, "x", across)
    x, y = across.apply(points.X[:, kept]), up.apply(left)
    train = answer.errors.get("train")
    if answer.status is Status.WITHIN_NOISE and train is not None and train.rmse:
        height = float(2 * up.apply(np.array([train.rmse]))[0])
        axes.axhspan(-height, height, color=BAND, zorder=0, linewidth=0)
    axes.axhline(0, color=MUTED, linewidth=0.9, zorder=1)
    _draw_parts(axes, x, y, points.part, has_value)
    _mark_missing(axes, x[~has_value])
    reach = 1.1 * float(np.max(np.abs(y), initial=0.0, where=has_value)) or 1.0
    name = shown(answer.names[points.columns[kept]], LONGEST)
    limit_axis(axes, "x", _ends(x, across))
    limit_axis(axes, "y", (-reach, reach))
    axes.set(xlabel=f"{name}{across.unit()}", ylabel=f"measured − predicted{up.unit()}")
    return _missing(~has_value)


def draw_distance(axes: Axes, answer: Answer) -> list[str]:
    """Relative errors against how far out a row lies, with the edge of the training box."""
    points = answer.points
    _set_free(axes)
    with np.errstate(all="ignore"):
        error = np.abs(points.measured - points.predicted)
        relative = np.where(error == 0, 0.0, error / np.abs(points.measured))
        # infinite where it is too large for a double, or too far off to be of interest
        relative[relative > LARGEST] = np.inf
    drawn = np.isfinite(relative) & np.isfinite(points.distance)
    is_far = bool((points.distance[drawn] > FAR_OUT).any())
    across = Scale(is_log=is_far, exponent=0)
    x = np.maximum(points.distance, CENTRE) if is_far else points.distance
    y, floor = raised(relative[drawn])
    scale_axis(axes, "x", across)
    scale_axis(axes, "y", Scale(is_log=True, exponent=0))
    _draw_parts(axes, x[drawn], y, points.part[drawn], np.ones(len(y), dtype=np.bool_))
    axes.axvline(1, color=MUTED, linewidth=0.9, linestyle=(0, (4, 3)), zorder=1)
    limit_axis(axes, "x", _ends(np.append(x[drawn], 1.0), across))
    reach = (float(y.min(initial=floor)), float(y.max(initial=100 * floor)))
    limit_axis(axes, "y", wider(reach, 0.1, Scale(is_log=True, exponent=0)))
    _name_edge(axes)
    label_zero(axes, floor, has_zeros=bool((relative[drawn] == 0).any()))
    axes.set(xlabel="distance from the middle of the training box", ylabel="relative error")
    return _without_error(points.measured == 0, error)


def _set_free(axes: Axes) -> None:
    """Keep the axes from looking for ends of their own, beyond the largest double."""
    axes.autoscale(enable=False)


def _name_edge(axes: Axes) -> None:
    """Words on that side of the line where there is room."""
    place = axes.transAxes.inverted().transform(axes.transData.transform((1, 1)))[0]
    axes.annotate(
        " edge of the training box ",
        (1, 1),
        xycoords=("data", "axes fraction"),
        ha="right" if place > 0.5 else "left",
        va="top",
        fontsize=8,
        color=MUTED,
        backgroundcolor=PAPER,
        zorder=0.5,
    )


def _frame(measured: Floats, scale: Scale) -> tuple[float, float]:
    """Between which values predictions are drawn: one that is far off would hide all others."""
    return wider((float(measured.min()), float(measured.max())), 1.0, scale)


def _ends(values: Floats, scale: Scale) -> tuple[float, float]:
    """The ends of an axis, with some space around what is drawn."""
    return wider((float(values.min()), float(values.max())), 0.05, scale)


def _draw_parts(axes: Axes, x: Floats, y: Floats, part: NDArray[np.intp], drawn: Bools) -> None:
    axes.grid(visible=True)
    axes.set_axisbelow(True)
    for k, look in enumerate(PARTS):
        own = drawn & (part == k)
        if own.any():
            axes.plot(
                x[own],
                y[own],
                look.marker,
                color=look.colour,
                markersize=look.size,
                markerfacecolor=look.colour if look.is_filled else PAPER,
                markeredgewidth=0.0 if look.is_filled else 0.9,
                zorder=2 + k,
            )


def _mark_missing(axes: Axes, x: Floats) -> None:
    """Crosses at the lower edge for rows without a value."""
    if not len(x):
        return
    across = axes.get_xaxis_transform()
    axes.plot(x, np.zeros(len(x)), "x", color=RED, transform=across, clip_on=False, zorder=6)


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count} rows"


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def _missing(missing: Bools) -> list[str]:
    count = int(missing.sum())
    if not count:
        return []
    return [f"On {_rows(count)} the formula has no value: red crosses at the lower edge."]


def _beyond(beyond: Bools) -> list[str]:
    count = int(beyond.sum())
    return [f"{_rows(count)} with predictions far off {_are(count)} not drawn."] if count else []


def _without_error(is_zero: Bools, error: Floats) -> list[str]:
    count = int((is_zero & (error > 0)).sum())
    return [f"{_rows(count)} where 0 was measured {_are(count)} not drawn."] if count else []
