"""A picture as SVG inside a page: colours that follow the page, names of its own, few bytes."""

from __future__ import annotations

import re
from collections import Counter
from io import StringIO
from xml.etree import ElementTree as ET

from matplotlib.figure import Figure

from nalu_cli.report.look import COLOURS

__all__ = ["inline_svg"]

SVG = "http://www.w3.org/2000/svg"
XLINK = "{http://www.w3.org/1999/xlink}href"
DROPPED = {f"{{{SVG}}}metadata", f"{{{SVG}}}style"}

ET.register_namespace("", SVG)
ET.register_namespace("xlink", "http://www.w3.org/1999/xlink")


def inline_svg(figure: Figure, name: str, about: str) -> str:
    """The figure as an `svg` element.

    Parameters
    ----------
    figure : Figure
        Drawn in the house style.
    name : str
        In front of every id, since a page holds several pictures.
    about : str
        What is read out in its place.
    """
    buffer = StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    root = ET.fromstring(buffer.getvalue())
    elements = list(root.iter())
    for element in elements:
        _tidy(element, name)
    for element in elements:
        _share_style(element)
    _label(root, about)
    return ET.tostring(root, encoding="unicode")


def _label(root: ET.Element, about: str) -> None:
    width, height = root.attrib["viewBox"].split()[2:]
    root.attrib |= {"role": "img", "aria-label": about, "width": width, "height": height}
    root.attrib.pop("version", None)


def _tidy(element: ET.Element, name: str) -> None:
    for child in [child for child in element if child.tag in DROPPED]:
        element.remove(child)
    for key, value in element.attrib.items():
        element.set(key, _rewritten(key, value, name))


def _rewritten(key: str, value: str, name: str) -> str:
    if key == "id":
        return f"{name}-{value}"
    if key == XLINK:
        return value.replace("#", f"#{name}-")
    if key == "style":
        coloured = re.sub(r"#[0-9a-f]{6}", _variable, value)
        return coloured.replace("url(#", f"url(#{name}-")
    if key == "clip-path":
        return value.replace("#", f"#{name}-")
    if key in ("d", "x", "y", "transform"):
        return re.sub(r"-?\d+\.\d{3,}", lambda number: f"{float(number[0]):.2f}", value)
    return value


def _variable(colour: re.Match[str]) -> str:
    known = COLOURS.get(colour[0])
    return colour[0] if known is None else f"var({known})"


def _share_style(group: ET.Element) -> None:
    """Move the style that hundreds of marks have in common to the group around them."""
    marks = [child for child in group if child.tag == f"{{{SVG}}}use"]
    styles = Counter(mark.get("style") for mark in marks)
    if len(marks) < 2 or len(marks) != len(group) or len(styles) != 1 or group.get("style"):
        return
    (style,) = styles
    if style is None:
        return
    for mark in marks:
        del mark.attrib["style"]
    group.set("style", style)
