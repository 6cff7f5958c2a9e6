"""What a report says about an answer, ready to be set: texts, numbers as texts, and formulas."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from markupsafe import Markup

from nalu_cli.answer import Answer
from nalu_cli.answer.stack_units import StackUnit, is_rewritten, stack_units
from nalu_cli.answer.wording import (
    EXTRAPOLATION,
    OTHERWISE,
    REWRITTEN,
    held,
    number,
    r2_text,
    row_set,
    stage_text,
    verdict,
)
from nalu_cli.circuit import Circuit
from nalu_cli.circuit.validity import Need, conditions
from nalu_cli.errors import visible
from nalu_cli.exporters import EXPORTERS, mathml_equation, mathml_formula
from nalu_cli.expression.canonical import Sum, expression_of, total
from nalu_cli.expression.text import PYTHON, formula_text, printed_name, write
from nalu_cli.report.look import superscript
from nalu_cli.settings import ExportFormat, FitSettings, Status

__all__ = ["Shown", "contents"]

MOST_MATHEMATICS = 2_000
"""Characters of a formula as text up to which it is set as mathematics."""

MOST_WIDE = 90
"""Characters of a term that fit a line of a page."""

MOST_SHORT = 120
"""The same for a formula that stands in a table."""

MOST_TEXT = 20_000
MOST_NAME = 60
MOST_ZEROS = 6
"""Digits of a whole number that is written out."""

MOST_ROWS = 200
"""Lines of a table; nalu explain --stack prints them all."""

NEEDS = {Need.NOT_ZERO: "≠ 0", Need.NOT_NEGATIVE: "≥ 0", Need.POSITIVE: "> 0"}

WORDS = {
    Status.EXACT: "exact",
    Status.EXACT_AS_PRINTED: "exact as printed",
    Status.WITHIN_NOISE: "within noise",
    Status.APPROXIMATE: "approximate",
    Status.NONE: "no law found",
}


@dataclass(frozen=True, slots=True)
class Shown:
    """A formula: set as mathematics unless it is too long for that, and as text.

    `is_wide` is said of mathematics with a part that does not fit a line of a printed page.
    """

    mathematics: Markup | None
    text: str
    is_wide: bool = False


def contents(answer: Answer) -> dict[str, Any]:
    """The variables of the page's template."""
    names = _short_names(answer.names)
    units = stack_units(answer, names)
    return {
        "target": _cut(visible(answer.target), MOST_NAME),
        "status": answer.status.value,
        "word": WORDS[answer.status],
        "verdict": _sentence(verdict(answer), answer.status),
        "equation": _equation(answer, names),
        "latex": _export(answer, ExportFormat.LATEX),
        "interrupted": answer.interrupted,
        "caveats": [visible(caveat) for caveat in dict.fromkeys(answer.caveats)],
        "errors": _errors(answer),
        "front": _front(answer, names),
        "constants": _constants(answer),
        "rivals": _rivals(answer, names),
        "conditions": _conditions(answer, names),
        "box": _box(answer, names),
        "columns_all": len(answer.names),
        "columns_drawn": len(answer.points.columns),
        "unused": len(answer.names) - len(answer.circuit.used_columns()),
        "stack": _stack(units),
        "weights": _weights(answer),
        "rewritten": REWRITTEN if is_rewritten(answer, units) else "",
        "units_left_out": max(0, len(units) - MOST_ROWS),
        "moves_left_out": max(0, len(answer.evidence.moves) - MOST_ROWS),
        "found_by": visible(answer.evidence.found_by),
        "found_how": visible(stage_text(answer.evidence.found_by)),
        "restarts": answer.evidence.restarts,
        "seconds": f"{answer.seconds:.1f}",
        "complexity": answer.complexity,
        "command": visible(shlex.join(answer.command)),
        "settings": _settings(answer.settings),
        "versions": answer.versions,
    }


def _sentence(says: str, status: Status) -> str:
    """The verdict without its word, which stands beside it."""
    said = says.partition(": ")[2]
    return f"{said[:1].upper()}{said[1:]}{':' if status is Status.NONE else '.'}"


def _figure(value: float | None, digits: int = 2) -> str:
    """A number as it is written by hand: 600, and 3.1 × 10⁻¹⁶."""
    if value is None:
        return "–"
    text = number(value, digits)
    mantissa, e, exponent = text.partition("e")
    if e and int(exponent) not in range(MOST_ZEROS):
        return f"{mantissa} × 10{superscript(int(exponent))}".replace("-", "−")
    return f"{float(text):.{MOST_ZEROS}g}".replace("-", "−")


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]}…"


def _short_names(names: Sequence[str]) -> list[str]:
    """Names that fit a line, still different from each other."""
    return [
        name if len(name) <= MOST_NAME else f"{name[:MOST_NAME]}… (column {j + 1})"
        for j, name in enumerate(names)
    ]


def _equation(answer: Answer, names: Sequence[str]) -> Shown:
    text = visible(formula_text(answer.circuit, answer.names))
    target = answer.target
    short = _cut(target, MOST_NAME)
    equation = None
    if len(formula_text(answer.circuit, names)) <= MOST_MATHEMATICS:
        equation = Markup(mathml_equation(answer.circuit, names, short))
    whole = _cut(f"{visible(printed_name(target))} = {text}", MOST_TEXT)
    return Shown(equation, whole, is_wide=_longest_part(answer.circuit, names) > MOST_WIDE)


def _longest_part(circuit: Circuit, names: Sequence[str]) -> int:
    """Characters of the longest term, which is not broken over lines."""
    node = expression_of(circuit)
    parts = [total([term]) for term in node.terms] if isinstance(node, Sum) else [node]
    return max(len(write(part, names, PYTHON)) for part in parts)


def _short_formula(circuit: Circuit, names: Sequence[str]) -> Shown:
    text = formula_text(circuit, names)
    is_short = len(text) <= MOST_SHORT
    return Shown(
        Markup(mathml_formula(circuit, names)) if is_short else None,
        _cut(visible(text), MOST_SHORT),
    )


def _export(answer: Answer, format: ExportFormat) -> str:
    text = EXPORTERS[format].export(answer.circuit, answer.names, answer.target)
    return _cut(visible(text.strip()), MOST_TEXT)


def _errors(answer: Answer) -> list[tuple[str, ...]]:
    return [
        (
            row_set(name),
            str(errors.rows),
            _figure(errors.max_relative),
            _figure(errors.rmse),
            _r2(errors.r2),
            "extrapolation" if name in EXTRAPOLATION and errors.rows else "",
        )
        for name, errors in answer.errors.items()
    ]


def _r2(value: float | None) -> str:
    """R² as in a terminal, with the power of ten raised."""
    if value is None:
        return "–"
    head, less, rest = r2_text(value).partition("1 - ")
    return f"1 − {_figure(float(rest), 1)}" if less else head.replace("-", "−")


def _front(answer: Answer, names: Sequence[str]) -> list[tuple[str, str, Shown, bool]]:
    return [
        (
            str(entry.complexity),
            _figure(entry.far_rmse),
            _short_formula(entry.circuit, names),
            entry.circuit == answer.circuit,
        )
        for entry in answer.front[-MOST_ROWS:]
    ]


def _constants(answer: Answer) -> list[tuple[str, str, str, str]]:
    return [
        (
            repr(constant.value),
            _figure(constant.standard_error),
            "–" if constant.name is None else constant.name,
            _figure(constant.odds),
        )
        for constant in answer.constants[:MOST_ROWS]
    ]


def _rivals(answer: Answer, names: Sequence[str]) -> list[tuple[Shown, str, str, str]]:
    """Formulas that fit as well, and the row that would tell which one is right."""
    return [
        (
            _short_formula(rival.circuit, names),
            ", ".join(
                f"{visible(names[j])} = {_figure(x, 4)}"
                for j, x in zip(rival.columns, rival.point, strict=True)
            ),
            _figure(rival.value, 4),
            _figure(rival.rival_value, 4),
        )
        for rival in answer.rivals
    ]


def _conditions(answer: Answer, names: Sequence[str]) -> list[tuple[Shown, str, str, str]]:
    found = {
        (formula_text(condition.part, names), condition.need): condition
        for condition in conditions(answer.circuit)
    }
    return [
        (
            _short_formula(condition.part, names),
            NEEDS[condition.need],
            held(answer, condition),
            OTHERWISE[condition.need],
        )
        for condition in list(found.values())[:MOST_ROWS]
    ]


def _box(answer: Answer, names: Sequence[str]) -> list[tuple[str, str, str, str]]:
    return [
        (
            visible(names[j]),
            _figure(answer.low[j], 6),
            _figure(answer.median[j], 6),
            _figure(answer.high[j], 6),
        )
        for j in answer.circuit.used_columns()[:MOST_ROWS]
    ]


def _stack(units: Sequence[StackUnit]) -> list[tuple[str, str, str, str]]:
    """Each unit: its layer, its formula, its gate and the largest move of its weights."""
    return [
        (
            str(unit.layer + 1),
            # as text: a name such as u2_1 is no symbol of mathematics
            _cut(
                f"{visible(printed_name(_cut(unit.name, MOST_NAME)))} = "
                f"{visible(formula_text(unit.circuit, unit.inputs))}",
                MOST_SHORT,
            ),
            unit.gate,
            _figure(unit.largest_move),
        )
        for unit in units[:MOST_ROWS]
    ]


def _weights(answer: Answer) -> list[tuple[int, list[tuple[str, str, str, str, str]]]]:
    """For each layer its gates and weights before and after they were snapped."""
    layers: dict[int, list[tuple[str, str, str, str, str]]] = {}
    for move in answer.evidence.moves[:MOST_ROWS]:
        row = (
            str(move.unit + 1),
            _cut(visible(move.source), MOST_NAME),
            f"{move.trained:.6f}".replace("-", "−"),
            _figure(move.snapped, 6),
            _figure(move.cost),
        )
        layers.setdefault(move.layer + 1, []).append(row)
    return sorted(layers.items())


def _settings(settings: FitSettings) -> list[tuple[str, str]]:
    """All settings, since one that is not written down cannot be repeated."""
    return [
        (f.name.replace("_", " "), _setting(getattr(settings, f.name))) for f in fields(settings)
    ]


def _setting(value: object) -> str:
    if value is None:
        return "automatic"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
