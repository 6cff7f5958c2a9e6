"""What is claimed about an answer, in words, and numbers as people read them."""

from __future__ import annotations

import re

from nalu_cli.answer import EVERY, Answer, Errors
from nalu_cli.circuit.intervals import bounds_of
from nalu_cli.circuit.validity import Condition, Need
from nalu_cli.errors import visible
from nalu_cli.settings import Status

__all__ = [
    "AGREES_AS_PRINTED",
    "EXTRAPOLATION",
    "OTHERWISE",
    "REWRITTEN",
    "held",
    "number",
    "percent",
    "r2_text",
    "row_set",
    "stage_named",
    "stage_text",
    "verdict",
]

ROWS = {
    "near": "near (held out)",
    "far": "far (held out)",
    "test": "test (your file)",
    EVERY: "all (the whole table)",
}

EXTRAPOLATION = ("far", "test")
"""Sets of rows that lie outside of what was trained on."""


def number(value: float | None, digits: int = 2) -> str:
    """A number for people; a dash where there is none."""
    return "-" if value is None else f"{value:.{digits}g}"


def percent(share: float) -> str:
    """Two digits, written out up to a million: 510 %, not 5.1e+02 %."""
    rounded = float(f"{100 * share:.2g}")
    return f"{rounded:.0f} %" if 100 <= rounded < 1e6 else f"{rounded:.2g} %"


def r2_text(value: float | None) -> str:
    """R2 with the distance from 1 spelled out, where rounding would hide it."""
    if value is None or value <= 0.999 or value == 1:
        return number(value, 3)
    return f"{value:.6f}" if value <= 1 - 1e-6 else f"1 - {1 - value:.1g}"


STAGES = {
    "constant": "fitting one constant",
    "product": "fitting one product of powers",
    "sum": "fitting one sum",
    "product of sums": "fitting a product of sums",
    "algebraic": "solving for an algebraic relation",
    "stacks": "training layers of sums and products",
    "beside a sum": "fitting a sum and one rare term",
    "few monomials": "trying relations of a few monomials",
    "grown": "growing the best formulas term by term",
    "reading": "reading the table",
    "comparing": "comparing every row with the formula",
}
"""What is done in each stage of a fit."""

REDUCED = {
    "with a root": "with a root as one more column",
    "times factors": "with factors divided out",
}
"""The same where the question is a simpler one; the words follow the name of a stage."""

WIDTHS = re.compile(r"(\S+) (\d+(?:-\d+)*)")


def stage_text(name: str) -> str:
    """What a stage of a fit does, in words; its name where there are none."""
    rest, ways = name, []
    for suffix, words in REDUCED.items():
        if f" {suffix}" in rest:
            rest = rest.replace(f" {suffix}", "", 1)
            ways.append(words)
    cells = WIDTHS.fullmatch(rest)
    if cells:
        layers = cells[2].count("-") + 1
        rest = f"training {cells[1]} cells in {layers} layer{'' if layers == 1 else 's'}"
    return ", ".join([STAGES.get(rest, rest), *ways])


def stage_named(name: str) -> str:
    """The name of a stage with what it does, where that is more than the name says."""
    words = stage_text(name)
    return name if words == name else f"{name} ({words})"


def row_set(name: str) -> str:
    """What a set of rows is called."""
    return ROWS.get(name, name)


REWRITTEN = "The formula was rewritten after the weights were snapped."
"""Why no unit of it has weights that were trained."""

AGREES_AS_PRINTED = "agrees with every row as printed, but "
"""How the caveat begins that says why such a formula is no law; the verdict repeats it."""

OTHERWISE = {
    Need.NOT_ZERO: "divides by zero",
    Need.NOT_NEGATIVE: "root of a negative number",
    Need.POSITIVE: "divides by zero, or root of a negative number",
}
"""What goes wrong where a part of a formula is not as it must be."""


def held(answer: Answer, condition: Condition) -> str:
    """Whether a condition holds in the training box, with the bounds of its part."""
    low, high = bounds_of(condition.part, answer.low, answer.high)
    if _holds(condition.need, low, high):
        return f"holds: {number(low, 3)} to {number(high, 3)}"
    if low == high == 0 or (high < 0 and condition.need is not Need.NOT_ZERO):
        return "never holds"
    return f"may fail: {number(low, 3)} to {number(high, 3)}"


def _holds(need: Need, low: float, high: float) -> bool:
    match need:
        case Need.NOT_ZERO:
            return low > 0 or high < 0
        case Need.NOT_NEGATIVE:
            return low >= 0
        case Need.POSITIVE:
            return low > 0


def verdict(answer: Answer) -> str:
    """What is claimed about the formula, in words."""
    rows = _rows(answer.errors)
    match answer.status:
        case Status.EXACT:
            return f"exact: agrees to rounding on all {rows} rows"
        case Status.EXACT_AS_PRINTED:
            return (
                f"exact as printed: agrees with all {rows} rows to the last digit printed"
                f"{_digits(answer)}"
            )
        case Status.WITHIN_NOISE:
            return f"within noise: the residuals of {rows} rows look like noise{_level(answer)}"
        case Status.APPROXIMATE:
            return f"approximate: {_as_printed(answer) or _worst(answer.errors)}"
        case Status.NONE:
            target = visible(answer.target)
            return f"none: no law of this kind explains {target}; the closest found is"


def _rows(errors: dict[str, Errors]) -> int:
    """How many rows bear a verdict out, those counted once that are in two sets."""
    whole = (EVERY, "test") if EVERY in errors else tuple(errors)
    return sum(errors[name].rows for name in whole if name in errors)


def _as_printed(answer: Answer) -> str | None:
    """Why a formula that agrees with every printed digit is believed no more than others."""
    return next((caveat for caveat in answer.caveats if caveat.startswith(AGREES_AS_PRINTED)), None)


def _digits(answer: Answer) -> str:
    known = answer.precision.get(answer.target)
    return "" if known is None else f" ({known})"


def _level(answer: Answer) -> str:
    return "" if answer.noise is None else f" of {percent(answer.noise)}"


def _worst(errors: dict[str, Errors]) -> str:
    known = [e.max_relative for e in errors.values() if e.max_relative is not None]
    if not any(known):
        return "close, but not within the noise"
    return f"off by up to {percent(max(known))}, and not by chance"
