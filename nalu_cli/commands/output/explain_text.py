"""What `explain` prints beyond the answer: the stack, where the formula holds, the box."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.text import Text

from nalu_cli.answer import Answer, Move
from nalu_cli.answer.stack_units import is_rewritten, stack_units
from nalu_cli.answer.wording import OTHERWISE, REWRITTEN, held, number, stage_named
from nalu_cli.circuit.validity import Condition, Need, conditions
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

__all__ = ["explanation_lines", "stack_lines"]

NEEDS = {Need.NOT_ZERO: "!= 0", Need.NOT_NEGATIVE: ">= 0", Need.POSITIVE: "> 0"}

LONGEST_NAME = 40
"""Cells of a name in a table; formulas show it whole."""

STACK = "the stack, and how far the weights of each unit moved when they were snapped"


def explanation_lines(answer: Answer, width: int, *, with_weights: bool = False) -> Iterator[Text]:
    """All that `explain` prints.

    Parameters
    ----------
    answer : Answer
    width : int
        Of the terminal, in cells.
    with_weights : bool
        Whether each weight of the stack is listed as it was trained and snapped.
    """
    yield from headline(answer, width)
    blocks = (
        errors_lines(answer.errors),
        _titled("how it was found", [Text(_route(answer))]),
        _titled(STACK, stack_lines(answer, with_weights=with_weights)),
        *(_weight_tables(answer.evidence.moves) if with_weights else ()),
        _titled("defined where", _condition_lines(answer)),
        _titled("trained in this box", _box_lines(answer)),
        _titled("constants", constant_lines(answer.constants)),
        _titled("rivals that the rows cannot rule out", _rival_lines(answer)),
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
    starts = "random start" if evidence.restarts == 1 else "random starts"
    parts = [
        f"stage {visible(stage_named(evidence.found_by))}",
        f"{evidence.restarts} {starts}",
        f"{answer.seconds:.1f} s",
        f"seed {settings.seed}",
    ]
    if answer.interrupted:
        parts.append("stopped early")
    return ", ".join(parts)


def stack_lines(answer: Answer, *, with_weights: bool) -> list[Text]:
    """Every unit as a small formula of the units and columns it reads, a line for each."""
    units = stack_units(answer)
    rows = [
        (
            str(unit.layer + 1),
            unit.gate,
            number(unit.largest_move),
            visible(f"{printed_name(unit.name)} = {formula_text(unit.circuit, unit.inputs)}"),
        )
        for unit in units
    ]
    head = ("layer", "gate", "largest move", "unit")
    lines: list[Text] = aligned(head, rows, left=frozenset({1, 3}))
    if is_rewritten(answer, units):
        lines.append(Text(REWRITTEN))
    if answer.evidence.moves and not with_weights:
        lines.append(Text("every weight: nalu explain --stack", style="dim"))
    return lines


def _weight_tables(moves: Sequence[Move]) -> Iterator[list[Text]]:
    """For each trained layer its gates and weights before and after they were snapped."""
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
        head = ("unit", "input", "trained", "snapped", "loss increase")
        yield _titled(f"weights of layer {layer + 1}", aligned(head, rows, left=frozenset({1})))


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
