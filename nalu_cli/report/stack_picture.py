"""The picture of the stack: columns, layers of units with their gates, and the live weights."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.patches import Circle

from nalu_cli.answer import Answer
from nalu_cli.circuit import Unit, UnitKind
from nalu_cli.report.look import BAND, BLUE, GREEN, INK, MUTED, ORANGE, PAPER, shown
from nalu_cli.report.wires import Graph, Slot, Wire, weight_text

__all__ = ["draw_stack", "stack_size"]

WIDE = 1.0
HIGH = 1.0
"""Distances of slots and of rows in the picture's own unit, which is an inch."""

NARROWEST = 3.4
MARGIN = 0.9
LETTERS = 13
"""Of a name in an inch."""

FONT = 9.0

SYMBOLS = {UnitKind.SUM: "+", UnitKind.PRODUCT: "×", UnitKind.MAGNITUDE: "|×|"}
GATES = {UnitKind.SUM: 1, UnitKind.PRODUCT: 0, UnitKind.MAGNITUDE: 0}
FILLS = {UnitKind.SUM: GREEN, UnitKind.PRODUCT: BLUE, UnitKind.MAGNITUDE: BLUE}

RADIUS = 0.17

ENOUGH = 0.6
"""Distance from other wires at which a label can be read."""


def stack_size(graph: Graph) -> tuple[float, float]:
    """Width and height of the picture, in inches."""
    return _pace(graph) * graph.width + MARGIN, HIGH * (len(graph.rows) - 1) + 1.0


def _pace(graph: Graph) -> float:
    """Distance of slots: where there are few, names have more room."""
    return max(WIDE, NARROWEST / graph.width)


def draw_stack(axes: Axes, answer: Answer, graph: Graph) -> list[str]:
    """The graph from the columns at the top down to the answer."""
    width, _ = stack_size(graph)
    left, right = -width / 2 + 0.1, width / 2 - 0.1
    axes.set_axis_off()
    axes.set(xlim=(left, right), aspect="equal")
    axes.set(ylim=(-HIGH * (len(graph.rows) - 1) - 0.62, 0.38))
    for k in range(1, len(graph.rows)):
        _draw_band(axes, k, left, right)
    for wire in graph.wires:
        _draw_wire(axes, graph, wire)
    pace = _pace(graph)
    for k, row in enumerate(graph.rows):
        for slot in row:
            _draw_slot(axes, answer, slot, k, pace)
    _draw_answer(axes, answer, len(graph.rows) - 1)
    return []


def _draw_band(axes: Axes, row: int, left: float, right: float) -> None:
    y = -HIGH * row
    axes.axhspan(y - 0.3, y + 0.3, color=BAND, linewidth=0, zorder=0)
    axes.text(left + 0.06, y + 0.24, f"layer {row}", color=MUTED, fontsize=8, va="top")


def _draw_wire(axes: Axes, graph: Graph, wire: Wire) -> None:
    start, end = graph.rows[wire.row][wire.start], graph.rows[wire.row + 1][wire.end]
    pace = _pace(graph)
    x, y = (pace * start.x, pace * end.x), (-HIGH * wire.row, -HIGH * (wire.row + 1))
    if wire.term is None or end.unit is None:
        axes.plot(x, y, color=MUTED, linewidth=1.0, zorder=1)
        return
    is_negative = wire.term.weight < 0
    axes.plot(
        x,
        y,
        color=ORANGE if is_negative else INK,
        linewidth=1.2,
        linestyle="--" if is_negative else "-",
        zorder=1,
    )
    share = _free_share(graph, wire)
    axes.text(
        x[0] + share * (x[1] - x[0]),
        y[0] + share * (y[1] - y[0]),
        weight_text(end.unit, wire.term),
        color=ORANGE if is_negative else INK,
        fontsize=8,
        ha="center",
        va="center",
        bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 1.0},
        zorder=2,
    )


SHARES = (0.6, 0.5, 0.7, 0.4, 0.3, 0.2)
"""How far along a wire its label may stand."""


def _free_share(graph: Graph, wire: Wire) -> float:
    """Where no other wire of the row passes close by, as far as there is such a place."""

    def place(other: Wire, share: float) -> float:
        start, end = graph.rows[other.row][other.start], graph.rows[other.row + 1][other.end]
        return _pace(graph) * (start.x + share * (end.x - start.x))

    def room(share: float) -> float:
        others = [other for other in graph.wires if other.row == wire.row and other != wire]
        gaps = [abs(place(other, share) - place(wire, share)) for other in others]
        return min([ENOUGH, *gaps])

    return max(SHARES, key=room)


def _draw_slot(axes: Axes, answer: Answer, slot: Slot, row: int, pace: float) -> None:
    x, y = pace * slot.x, -HIGH * row
    if slot.unit is not None:
        _draw_unit(axes, slot.unit, x, y)
    elif row == 0 and slot.column is not None:
        name = shown(answer.names[slot.column], int(LETTERS * pace) - 2)
        box = {"boxstyle": "round,pad=0.35", "facecolor": PAPER, "edgecolor": INK}
        axes.text(x, y, name, fontsize=FONT, ha="center", va="center", bbox=box, zorder=3)


def _draw_unit(axes: Axes, unit: Unit, x: float, y: float) -> None:
    colour = FILLS[unit.kind]
    axes.add_patch(Circle((x, y), RADIUS, color=colour, linewidth=0, zorder=3))
    symbol = SYMBOLS[unit.kind]
    axes.text(x, y, symbol, fontsize=11, color=PAPER, ha="center", va="center_baseline", zorder=4)
    notes = [f"gate {GATES[unit.kind]}"]
    neutral = 0.0 if unit.kind is UnitKind.SUM else 1.0
    if unit.constant != neutral:
        sign = "+" if unit.kind is UnitKind.SUM else "×"
        notes.append(f"{sign} {unit.constant:.4g}".replace("-", "−").replace("+ −", "− "))
    axes.text(x + RADIUS + 0.05, y, "\n".join(notes), fontsize=8, va="center", zorder=4)


def _draw_answer(axes: Axes, answer: Answer, row: int) -> None:
    y = -HIGH * row
    axes.plot([0, 0], [y, y - 0.42], color=INK, linewidth=1.2, zorder=1)
    name = shown(answer.target, 30)
    box = {"boxstyle": "round,pad=0.35", "facecolor": PAPER, "edgecolor": INK}
    axes.text(0, y - 0.45, name, fontsize=FONT, ha="center", va="center", bbox=box, zorder=3)
