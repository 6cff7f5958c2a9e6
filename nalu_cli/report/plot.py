"""All pictures of an answer in one file, PNG or SVG."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D

from nalu_cli.answer import Answer
from nalu_cli.answer.wording import row_set, verdict
from nalu_cli.expression.text import formula_text, printed_name
from nalu_cli.report.look import PAPER, PARTS, house_style, prepare_glyphs, shown
from nalu_cli.report.pictures import Part, Picture, parts_of, pictures_of
from nalu_cli.storage.whole_file import WholeFile

__all__ = ["save_plot"]

ACROSS = 3
CELL = (4.6, 3.6)
HEAD = 0.85
DOTS_PER_INCH = 150


def save_plot(answer: Answer, path: Path) -> None:
    """Draw all pictures into one file.

    Parameters
    ----------
    answer : Answer
    path : Path
        Its suffix, ``.png`` or ``.svg``, says in which format.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    format = path.suffix.lower().removeprefix(".")
    buffer = BytesIO()
    with house_style():
        figure = _sheet(answer, pictures_of(answer))
        if format == "png":
            prepare_glyphs(figure)
        metadata = {"Date": None} if format == "svg" else {"Software": None}
        figure.savefig(buffer, format=format, dpi=DOTS_PER_INCH, metadata=metadata)
    with WholeFile(path) as file:
        file.write(buffer.getvalue())


def _sheet(answer: Answer, pictures: list[Picture]) -> Figure:
    """The formula and the verdict over a grid of pictures; a wide one has a row of its own."""
    small = [picture for picture in pictures if picture.size[0] <= CELL[0]]
    wide = [picture for picture in pictures if picture.size[0] > CELL[0]]
    across = ACROSS if wide else min(ACROSS, max(len(small), 1))
    down = -(-len(small) // across)
    heights = [*[CELL[1]] * down, *(picture.size[1] for picture in wide)] or [CELL[1]]
    width, height = CELL[0] * across, sum(heights) + HEAD
    figure = Figure(figsize=(width, height))
    figure.set_layout_engine(ConstrainedLayoutEngine(rect=(0, 0, 1, 1 - HEAD / height), h_pad=0.1))
    _draw_head(figure, answer, width, height)
    grid = figure.add_gridspec(len(heights), across, height_ratios=heights)
    for k, picture in enumerate(small):
        _draw(figure.add_subplot(grid[k // across, k % across]), picture)
    for k, picture in enumerate(wide):
        _draw(figure.add_subplot(grid[down + k, :]), picture)
    return figure


def _draw(axes: Axes, picture: Picture) -> None:
    notes = picture.draw(axes)
    axes.set_title(shown(picture.title, 48), pad=14 if notes else None)
    axes.text(0, 1.01, shown(" ".join(notes), 80), fontsize=7, transform=axes.transAxes)


def _draw_head(figure: Figure, answer: Answer, width: float, height: float) -> None:
    letters = int(9.5 * width)
    formula = f"{printed_name(answer.target)} = {formula_text(answer.circuit, answer.names)}"
    lines = ((formula, 0.12, 11, "bold"), (verdict(answer), 0.38, 9, "normal"))
    for text, inches, size, weight in lines:
        y = 1 - inches / height
        figure.text(0.1 / width, y, shown(text, letters), fontsize=size, weight=weight, va="top")
    figure.legend(
        handles=[_mark(part) for part in parts_of(answer)],
        loc="upper left",
        bbox_to_anchor=(0, 1 - 0.52 / height),
        ncols=3,
        fontsize=8,
        borderaxespad=0.2,
    )


def _mark(part: Part) -> Line2D:
    """What the marks of one set stand for."""
    look = PARTS[part.index]
    return Line2D(
        [],
        [],
        linestyle="none",
        marker=look.marker,
        color=look.colour,
        markersize=look.size + 1,
        markerfacecolor=look.colour if look.is_filled else PAPER,
        label=f"{row_set(part.name)}: {part.drawn} of {part.rows} rows drawn",
    )
