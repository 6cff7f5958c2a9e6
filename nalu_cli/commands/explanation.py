"""What `explain` prints beyond the answer: the snap, the parts, where they hold, the box."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.text import Text

from nalu_cli.answer import Answer, Move
from nalu_cli.circuit import Circuit
from nalu_cli.commands.display import (
    caveat_lines,
    constant_lines,
    errors_lines,
    front_lines,
    headline,
)
from nalu_cli.commands.screen import aligned
from nalu_cli.errors import visible
from nalu_cli.formula import formula_text, printed_name
from nalu_cli.guard import Need, conditions, parts
from nalu_cli.wording import number

__all__ = ["explanation_lines", "part_lines"]

NEEDS = {Need.NOT_ZERO: "!= 0", Need.NOT_NEGATIVE: ">= 0", Need.POSITIVE: "> 0"}


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
        constant_lines(answer.constants),
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
                visible(move.source),
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
    rows = {
        f"{visible(formula_text(c.part, answer.names))} {NEEDS[c.need]}": None
        for c in conditions(answer.circuit)
    }
    return [Text(f"  {row}") for row in rows] or [Text("  everywhere")]


def _box_lines(answer: Answer) -> list[Text]:
    rows = [
        (
            visible(answer.names[j]),
            number(answer.low[j], 6),
            number(answer.median[j], 6),
            number(answer.high[j], 6),
        )
        for j in answer.circuit.used_columns()
    ]
    return aligned(("column", "lowest", "median", "highest"), rows) if rows else []
