"""All pictures of an answer, each with its title, its words and the notes it needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes

from nalu_cli.answer import EVERY, Answer
from nalu_cli.report.front import draw_front, has_front
from nalu_cli.report.look import PARTS, shown
from nalu_cli.report.scatter import draw_distance, draw_parity, draw_residuals
from nalu_cli.report.stack_picture import draw_stack, stack_size
from nalu_cli.report.wires import Graph, graph_of
from nalu_cli.settings import Status

__all__ = ["Part", "Picture", "parts_of", "pictures_of"]

SIZE = (4.6, 3.3)

LONGEST = 60
"""Characters of a name in a caption."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that has not been drawn yet.

    Parameters
    ----------
    name : str
        A word of its own, for the page.
    title : str
    about : str
        What is seen, for those who cannot see it as well.
    size : (float, float)
        Width and height, in inches.
    draw : function of Axes
        Draws it and gives the notes a reader needs.
    """

    name: str
    title: str
    about: str
    size: tuple[float, float]
    draw: Callable[[Axes], list[str]]


@dataclass(frozen=True, slots=True)
class Part:
    """A set of rows: its place and name in the answer, its rows, and how many are drawn."""

    index: int
    name: str
    rows: int
    drawn: int


def parts_of(answer: Answer) -> list[Part]:
    """The sets of rows that have any; every row of a long table is no set of its own."""
    drawn = np.bincount(answer.points.part, minlength=len(PARTS))
    sets = [(name, errors.rows) for name, errors in answer.errors.items() if name != EVERY]
    return [
        Part(k, name, rows, int(drawn[k]))
        for k, (name, rows) in enumerate(sets[: len(PARTS)])
        if rows
    ]


def pictures_of(answer: Answer) -> list[Picture]:
    """The pictures there is something to draw for, in the order of a report."""
    found: list[Picture] = []
    if len(answer.points):
        found.append(_parity(answer))
        if answer.circuit.used_columns():
            found.append(_distance(answer))
        found += [_residuals(answer, kept) for kept in range(len(answer.points.columns))]
    if has_front(answer):
        found.append(_front(answer))
    graph = graph_of(answer.circuit)
    if graph is not None:
        found.append(_stack(answer, graph))
    return found


def _parity(answer: Answer) -> Picture:
    target = shown(answer.target, LONGEST)
    return Picture(
        "parity",
        "Predicted against measured",
        f"Each row at its measured and predicted {target}; on the line both are equal.",
        SIZE,
        lambda axes: draw_parity(axes, answer),
    )


def _distance(answer: Answer) -> Picture:
    return Picture(
        "distance",
        "Error farther out",
        "The relative error of each row against how far it lies from the middle of the training "
        "box, whose edge is at 1.",
        SIZE,
        lambda axes: draw_distance(axes, answer),
    )


def _residuals(answer: Answer, kept: int) -> Picture:
    target = shown(answer.target, LONGEST)
    name = shown(answer.names[answer.points.columns[kept]], LONGEST)
    noisy = answer.status is Status.WITHIN_NOISE
    band = " The band is twice the RMSE of the training rows." if noisy else ""
    return Picture(
        f"residuals-{kept + 1}",
        f"Residuals against {name}",
        f"Measured minus predicted {target} of each row, against {name}.{band}",
        SIZE,
        lambda axes: draw_residuals(axes, answer, kept),
    )


def _front(answer: Answer) -> Picture:
    return Picture(
        "front",
        "Simpler formulas",
        "RMSE on the far held-out rows against complexity, of each formula that no other beats in "
        "both. The ring marks the answer.",
        SIZE,
        lambda axes: draw_front(axes, answer),
    )


def _stack(answer: Answer, graph: Graph) -> Picture:
    return Picture(
        "stack",
        "The stack",
        "Columns, units with their gates, and the weights that are not 0, down to the answer. A "
        "gate of 1 makes a sum of weighted inputs, a gate of 0 a product of powers; dashed wires "
        "are negative.",
        stack_size(graph),
        lambda axes: draw_stack(axes, answer, graph),
    )
