"""What `explain` prints beyond the answer: the snap, the parts, where they hold, the box."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.text import Text

from nalu_cli.answer import Answer, Move
from nalu_cli.answer.wording import OTHERWISE, held, number
from nalu_cli.circuit import Circuit
from nalu_cli.circuit.validity import Condition, Need, conditions, parts
from nalu_cli.commands.console.screen import aligned, shortened
from nalu_cli.commands.output.answer_text import (
    caveat_lines,
    constant_lines,
    errors_lines,
    front_lines,
    headline,
)
from nalu_cli.errors import visible
from nalu_cli.expression.text import formula_text, printed_name

__all__ = ["explanation_lines", "part_lines"]

NEEDS = {Need.NOT_ZERO: "!= 0", Need.NOT_NEGATIVE: ">= 0", Need.POSITIVE: "> 0"}

LONGEST_NAME = 40
"""Cells of a name in a table; formulas show it whole."""


def explanation_lines(answer: Answer, width: int) -> Iterator[Text]:
    """All that `explain` prints."""
    yield from headline(answer, width)
    blocks = (
        errors_lines(answer.errors),
        _titled("how it was found", [Text(_route(answer))]),
        *_snap_tables(answer.evidence.moves),
        _titled("parts of the formula", part_lines(answer)),
        _titled("defined where", _condition_lines(answer)),
        _titled("trained in this box", _box_lines(answer)),
        _titled("constants", constant_lines(answer.constants)),
        _titled("rivals the rows cannot tell from it", _rival_lines(answer)),
        front_lines(answer),
        caveat_lines(answer.caveats),
    )
    for block in blocks:
        if block:
            yield Text()
            yield from block


def _titled(title: str, lines: list[Text]) -> list[Text]:
    return [Text(title, style="bold"), *lines] if lines else []


def _route(answer: Answer) -> str:
    evidence, settings = answer.evidence, answer.settings
    parts = [
        visible(evidence.found_by),
        f"{evidence.restarts} restarts",
        f"{answer.seconds:.1f} s",
        f"seed {settings.seed}",
    ]
    if answer.interrupted:
        parts.append("stopped early")
    return ", ".join(parts)


def _snap_tables(moves: Sequence[Move]) -> Iterator[list[Text]]:
    """For each trained layer its weights and gates: trained, snapped, and what the move cost."""
    for layer in sorted({move.layer for move in moves}):
        rows = [
            (
                str(move.unit + 1),
                shortened(visible(move.source), LONGEST_NAME),
                f"{move.trained:.6f}",
                number(move.snapped, 6),
                number(move.cost),
            )
            for move in moves
            if move.layer == layer
        ]
        head = ("unit", "input", "trained", "snapped", "cost")
        yield _titled(
            f"layer {layer + 1} before and after the snap", aligned(head, rows, left=frozenset({1}))
        )


def part_lines(answer: Answer) -> list[Text]:
    """Every unit of the circuit as a small formula of the units and columns it reads."""
    circuit = answer.circuit
    live = list(parts(circuit))
    prefix = _prefix(answer.names)
    lines = []
    for k, i in live:
        before = [_unit_name(prefix, k - 1, j) for j in range(len(circuit.layers[k - 1]))]
        inputs = [*(before if k else []), *answer.names]
        unit = Circuit(len(inputs), ((circuit.layers[k][i],),))
        last = k == len(circuit.layers) - 1
        name = printed_name(answer.target) if last else _unit_name(prefix, k, i)
        lines.append((f"layer {k + 1}", visible(name), "=", visible(formula_text(unit, inputs))))
    return aligned(("", "", "", ""), lines, left=frozenset(range(4)))[1:]


def _prefix(names: Sequence[str]) -> str:
    """What the names of units begin with, so that no column has one."""
    prefix = "u"
    while any(name.startswith(prefix) for name in names):
        prefix += "u"
    return prefix


def _unit_name(prefix: str, layer: int, unit: int) -> str:
    return f"{prefix}{layer + 1}_{unit + 1}"


def _condition_lines(answer: Answer) -> list[Text]:
    """What must hold for the formula to have a value, and whether it does in the training box."""
    rows = dict.fromkeys(_condition(answer, condition) for condition in conditions(answer.circuit))
    if not rows:
        return [Text("everywhere")]
    # formulas last: they may be long
    head = ("in the training box", "otherwise", "needed")
    return aligned(head, list(rows), left=frozenset(range(3)))


def _condition(answer: Answer, condition: Condition) -> tuple[str, str, str]:
    needed = f"{visible(formula_text(condition.part, answer.names))} {NEEDS[condition.need]}"
    return held(answer, condition), OTHERWISE[condition.need], needed


def _rival_lines(answer: Answer) -> list[Text]:
    """Formulas that fit as well, and the row that would tell which one is right."""
    rows = [
        (
            str(rival.complexity),
            number(rival.value, 4),
            number(rival.rival_value, 4),
            visible(formula_text(rival.circuit, answer.names)),
        )
        for rival in answer.rivals
    ]
    if not rows:
        return []
    head = ("complexity", "this formula", "the rival", "formula of the rival")
    table = aligned(head, rows, left=frozenset({3}))
    return [*table, *map(Text, _next_rows(answer))]


def _next_rows(answer: Answer) -> Iterator[str]:
    """Where the rivals say something else: what to measure next."""
    points = [
        ", ".join(
            f"{visible(printed_name(answer.names[j]))} = {number(x, 4)}"
            for j, x in zip(rival.columns, rival.point, strict=True)
        )
        for rival in answer.rivals
    ]
    for k, point in enumerate(dict.fromkeys(points)):
        yield f"{'or' if k else 'worth measuring next:'} {point}"


def _box_lines(answer: Answer) -> list[Text]:
    rows = [
        (
            shortened(visible(answer.names[j]), LONGEST_NAME),
            number(answer.low[j], 6),
            number(answer.median[j], 6),
            number(answer.high[j], 6),
        )
        for j in answer.circuit.used_columns()
    ]
    return aligned(("column", "lowest", "median", "highest"), rows) if rows else []
