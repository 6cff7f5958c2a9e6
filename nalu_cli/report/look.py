"""How pictures look: colours, type and axes; nothing in a name is taken for mathematics."""

from __future__ import annotations

import logging
import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from nalu_cli.errors import visible

# it would tell whoever asked for a picture about its caches
logging.getLogger("matplotlib").setLevel(logging.ERROR)

import matplotlib  # noqa: E402 - after its logger was told
from matplotlib import font_manager  # noqa: E402
from matplotlib.axes import Axes  # noqa: E402
from matplotlib.axis import Axis  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402
from matplotlib.text import Text  # noqa: E402
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator  # noqa: E402

__all__ = [
    "COLOURS",
    "PARTS",
    "PartLook",
    "Scale",
    "house_style",
    "power_text",
    "prepare_glyphs",
    "scale_axis",
    "scale_of",
    "shown",
    "superscript",
]

Floats = NDArray[np.float64]

INK, MUTED, GRID, PAPER, BAND = "#1b2026", "#59636e", "#d8dde3", "#fefefe", "#e9edf2"
BLUE, GREEN, ORANGE, RED = "#2468b0", "#0b8070", "#cc4e0c", "#b3261f"

COLOURS = {
    INK: "--ink",
    MUTED: "--muted",
    GRID: "--grid",
    PAPER: "--paper",
    BAND: "--band",
    BLUE: "--train",
    GREEN: "--near",
    ORANGE: "--far",
    RED: "--bad",
}
"""The colours of pictures on white paper, and the variables a page has for them."""


@dataclass(frozen=True, slots=True)
class PartLook:
    """How the rows of one set are drawn: told apart by shape as well as by colour."""

    colour: str
    marker: str
    symbol: str
    is_filled: bool
    size: float


PARTS = (
    PartLook(BLUE, "o", "●", is_filled=True, size=3.4),
    PartLook(GREEN, "D", "◇", is_filled=False, size=4.0),
    PartLook(ORANGE, "^", "▲", is_filled=True, size=4.8),
)
"""Train, near, and far or test rows."""

STYLE: Any = {
    "font.family": ["sans-serif"],
    "font.size": 9.0,
    "axes.edgecolor": MUTED,
    "axes.facecolor": PAPER,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.8,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titlesize": 10.0,
    "figure.facecolor": PAPER,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "savefig.facecolor": PAPER,
    "svg.fonttype": "none",
    "svg.hashsalt": "nalu",
    "text.color": INK,
    # a column may be called a$b^$
    "text.parse_math": False,
    "xtick.color": MUTED,
    "xtick.labelsize": 8.0,
    "ytick.color": MUTED,
    "ytick.labelsize": 8.0,
}

FALLBACKS = (
    *("Noto Sans CJK SC", "Noto Sans CJK JP", "Source Han Sans SC", "WenQuanYi Zen Hei"),
    *("WenQuanYi Micro Hei", "IPAGothic", "PingFang SC", "Hiragino Sans", "Microsoft YaHei"),
    *("Yu Gothic", "Malgun Gothic", "Apple SD Gothic Neo", "Arial Unicode MS", "Noto Sans"),
)
"""Fonts for the letters that matplotlib's own font lacks; used where they are installed."""


@contextmanager
def house_style() -> Iterator[None]:
    """Draw in our style, whatever the user's own settings for matplotlib are."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(STYLE)
        matplotlib.rcParams["font.sans-serif"] = _families()
        with warnings.catch_warnings():
            # text in an SVG is drawn by whoever shows it, with fonts of their own
            warnings.filterwarnings("ignore", message="Glyph .* missing from font")
            yield


def _families() -> list[str]:
    installed = {font.name for font in font_manager.fontManager.ttflist}
    return ["DejaVu Sans", *(name for name in FALLBACKS if name in installed)]


def prepare_glyphs(figure: Figure) -> None:
    """Write the characters that no font at hand has as escapes, before pixels are made."""
    known: set[int] = set()
    for family in _families():
        known |= font_manager.get_font(font_manager.findfont(family)).get_charmap().keys()
    for text in figure.findobj(Text):
        if isinstance(text, Text):
            text.set_text("".join(_drawn(c, known) for c in text.get_text()))


def _drawn(character: str, known: set[int]) -> str:
    if ord(character) in known or character == "\n":
        return character
    return character.encode("unicode_escape").decode("ascii")


def shown(name: str, most: int) -> str:
    """A name as it is written in a picture: what cannot be seen as escapes, and not too long."""
    text = visible(name)
    return text if len(text) <= most else f"{text[: most - 1]}…"


def superscript(number: int) -> str:
    """A whole number as an exponent."""
    return str(number).translate(str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻"))


def power_text(value: float) -> str:
    """A power of ten as it stands at an axis."""
    exponent = math.floor(math.log10(value) + 0.5)
    return f"{10.0**exponent:g}" if -3 <= exponent <= 4 else f"10{superscript(exponent)}"


@dataclass(frozen=True, slots=True)
class Scale:
    """How numbers are laid along an axis.

    Parameters
    ----------
    is_log : bool
        By their logarithm.
    exponent : int
        Of the power of ten they are divided by: axes do not reach as far as doubles.
    """

    is_log: bool
    exponent: int

    def apply(self, values: Floats) -> Floats:
        """The numbers as they are drawn."""
        half = self.exponent // 2
        with np.errstate(all="ignore"):
            # in two steps, since 10**-320 is nearly 0
            return np.asarray(values / 10.0**half / 10.0 ** (self.exponent - half))

    def unit(self) -> str:
        """What is added to the label."""
        return f", in 10{superscript(self.exponent)}" if self.exponent else ""


LOG_DECADES = 2.5
LARGEST_DECADE = 250


def scale_of(values: Floats, *, may_be_log: bool = True) -> Scale:
    """A scale on which numbers can be told apart; those that are not finite do not count."""
    sizes = np.abs(values[np.isfinite(values) & (values != 0)])
    if not len(sizes):
        return Scale(is_log=False, exponent=0)
    low, high = (math.floor(math.log10(size)) for size in (sizes.min(), sizes.max()))
    spread = math.log10(sizes.max()) - math.log10(sizes.min())
    all_positive = bool((values[np.isfinite(values)] > 0).all())
    is_log = may_be_log and all_positive and spread >= LOG_DECADES
    if is_log:
        extreme = high > LARGEST_DECADE or low < -LARGEST_DECADE
        return Scale(is_log=True, exponent=(high + low) // 2 if extreme else 0)
    return Scale(is_log=False, exponent=0 if -3 <= high <= 4 else high)


def scale_axis(axes: Axes, which: Literal["x", "y"], scale: Scale) -> None:
    """Give an axis its scale, with labels that need no mathematics."""
    if not scale.is_log:
        return
    axes.set(**{f"{which}scale": "log"})
    axis: Axis = getattr(axes, f"{which}axis")
    axis.set_major_locator(LogLocator(numticks=7))
    axis.set_major_formatter(FuncFormatter(lambda value, _: power_text(value)))
    axis.set_minor_locator(NullLocator())
    axis.set_minor_formatter(NullFormatter())
