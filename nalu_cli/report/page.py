"""The report: one HTML page with everything in it, which needs neither network nor scripts."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from matplotlib.figure import Figure

from nalu_cli import __version__
from nalu_cli.answer import Answer
from nalu_cli.answer.wording import row_set
from nalu_cli.report.contents import contents
from nalu_cli.report.look import PARTS, house_style
from nalu_cli.report.pictures import parts_of, pictures_of
from nalu_cli.report.svg import inline_svg
from nalu_cli.storage.whole_file import WholeFile

__all__ = ["report_page", "save_report"]

POINTS = 72
LEAST_SHARE, MOST_SHARE = 0.8, 1.7
"""Between which shares of its own size, in points, a picture is shown: its text stays legible."""

TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def save_report(answer: Answer, path: Path) -> None:
    """Write the page.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    page = report_page(answer, date.today()).encode()
    with WholeFile(path) as file:
        file.write(page)


def report_page(answer: Answer, day: date) -> str:
    """The page as text.

    Parameters
    ----------
    answer : Answer
    day : date
        When it was written.
    """
    template = TEMPLATES.get_template("page.html")
    return template.render(
        **contents(answer),
        pictures=_pictures(answer),
        parts=_parts(answer),
        day=day.isoformat(),
        nalu=__version__,
    )


def _pictures(answer: Answer) -> dict[str, dict[str, Any]]:
    """Each picture as a `svg` element, with its words."""
    drawn = {}
    with house_style():
        for picture in pictures_of(answer):
            figure = Figure(figsize=picture.size, layout="constrained")
            notes = picture.draw(figure.add_subplot())
            svg = inline_svg(figure, picture.name, f"{picture.title}. {picture.about}")
            drawn[picture.name] = {
                "title": picture.title,
                "about": picture.about,
                "notes": notes,
                "least": round(LEAST_SHARE * POINTS * picture.size[0]),
                "most": round(MOST_SHARE * POINTS * picture.size[0]),
                "svg": Markup(svg),
            }
    return drawn


def _parts(answer: Answer) -> list[dict[str, Any]]:
    return [
        {
            "symbol": PARTS[part.index].symbol,
            "kind": ("train", "near", "far")[part.index],
            "name": row_set(part.name),
            "rows": part.rows,
            "drawn": part.drawn,
            "is_sampled": part.drawn < part.rows,
        }
        for part in parts_of(answer)
    ]
