"""How pictures look: colours, type and axes; nothing in a name is taken for mathematics."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import matplotlib
import numpy as np
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullFormatter, NullLocator
from numpy.typing import NDArray

from nalu_cli.errors import visible

__all__ = [
    "COLOURS",
    "PARTS",
    "PartLook",
    "Scale",
    "house_style",
    "limit_axis",
    "prepare_glyphs",
    "scale_axis",
    "scale_of",
    "shown",
    "superscript",
    "tick_text",
    "wider",
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


def tick_text(value: float) -> str:
    """A number as it stands at a logarithmic axis."""
    mantissa, _, exponent = f"{value:.2e}".partition("e")
    if -3 <= int(exponent) <= 4:
        return f"{float(mantissa) * 10.0 ** int(exponent):.6g}"
    factor = "" if float(mantissa) == 1 else f"{float(mantissa):g}·"
    return f"{factor}10{superscript(int(exponent))}"


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


FEW = 0.05
LOG_DECADES = 2.5
LARGEST_DECADE = 250


def scale_of(values: Floats, *, may_be_log: bool = True) -> Scale:
    """A scale on which numbers can be told apart; those that are not finite do not count."""
    sizes = np.abs(values[np.isfinite(values) & (values != 0)])
    if not len(sizes):
        return Scale(is_log=False, exponent=0)
    low, high = (math.floor(math.log10(size)) for size in (sizes.min(), sizes.max()))
    # a few small numbers among large ones are no reason
    spread = math.log10(sizes.max()) - math.log10(np.quantile(sizes, FEW))
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
    axis.set_major_formatter(FuncFormatter(lambda value, _: tick_text(value)))
    axis.set_minor_locator(NullLocator())
    axis.set_minor_formatter(NullFormatter())


def limit_axis(axes: Axes, which: Literal["x", "y"], ends: tuple[float, float]) -> None:
    """Set the ends of an axis, and on a logarithmic one ticks that suit its length."""
    axes.set(**{f"{which}lim": ends})
    axis: Axis = getattr(axes, f"{which}axis")
    if axis.get_scale() != "log":
        return
    low, high = (math.log10(end) for end in ends)
    if high - low < 1:
        axis.set_major_locator(MaxNLocator(5))
    else:
        axis.set_major_locator(FixedLocator(_log_ticks(low, high)))


def _log_ticks(low: float, high: float) -> list[float]:
    """Powers of ten between two of them, or also their double and fivefold if they are few."""
    decades = range(math.floor(low), math.ceil(high) + 1)
    if high - low > MANY_DECADES:
        step = math.ceil(len(decades) / MOST_TICKS)
        return [10.0**k for k in decades if low <= k <= high and k % step == 0]
    shares = ((1, 0.0), (2, math.log10(2)), (5, math.log10(5)))
    return [factor * 10.0**k for k in decades for factor, more in shares if low <= k + more <= high]


MOST_TICKS = 7
MANY_DECADES = 2.5


def wider(ends: tuple[float, float], share: float, scale: Scale) -> tuple[float, float]:
    """A range with some space on both sides, a share of its length."""
    if scale.is_log:
        low, high = (math.log10(end) for end in ends)
        space = share * (high - low) or share
        return 10.0 ** max(low - space, -LAST_DECADE), 10.0 ** min(high + space, LAST_DECADE)
    low, high = ends
    space = share * (high - low) or share * abs(high) or 1.0
    return low - space, high + space


LAST_DECADE = 307
