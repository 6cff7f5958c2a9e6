"""An answer as lines of text: the formula, the verdict in words, and the tables below them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.cells import cell_len
from rich.text import Text

from nalu_cli.answer import Answer, Constant, Errors
from nalu_cli.answer.wording import EXTRAPOLATION, number, r2_text, row_set, verdict
from nalu_cli.commands.console.screen import aligned
from nalu_cli.errors import visible
from nalu_cli.expression.text import formula_text, printed_name
from nalu_cli.settings import Status

__all__ = [
    "answer_lines",
    "bare_formula",
    "caveat_lines",
    "constant_lines",
    "errors_lines",
    "formula_line",
    "front_lines",
    "headline",
    "saved_line",
]

GAP = 10
"""Spaces between a formula and its verdict."""

MOST_FRONT = 8

STYLES = {
    Status.EXACT: "bold green",
    Status.EXACT_AS_PRINTED: "bold green",
    Status.WITHIN_NOISE: "green",
    Status.APPROXIMATE: "yellow",
    Status.NONE: "red",
}


def answer_lines(answer: Answer, width: int) -> Iterator[Text]:
    """All that `fit` prints about its answer, but its caveats and where it was saved."""
    yield from headline(answer, width)
    yield Text()
    yield from errors_lines(answer.errors)
    for block in (constant_lines(answer.constants), front_lines(answer)):
        if block:
            yield Text()
            yield from block


def bare_formula(answer: Answer) -> Text:
    """The formula alone."""
    return Text(visible(formula_text(answer.circuit, answer.names)))


def formula_line(answer: Answer) -> Text:
    """`target = formula` on one line."""
    formula = formula_text(answer.circuit, answer.names)
    return Text.assemble(
        (visible(f"{printed_name(answer.target)} = "), "bold"), (visible(formula), "bold cyan")
    )


def headline(answer: Answer, width: int) -> Iterator[Text]:
    """The formula and, beside it or below when there is no room, the verdict."""
    formula, says = formula_line(answer), verdict(answer)
    said = Text(says, style=STYLES[answer.status])
    if answer.status is Status.NONE:
        yield said
        yield formula
    elif formula.cell_len + GAP + cell_len(says) <= width:
        yield formula + Text(" " * GAP) + said
    else:
        yield formula
        yield said


def errors_lines(errors: dict[str, Errors]) -> list[Text]:
    """The table of errors, a line for each set of rows."""
    rows = [
        (
            row_set(name),
            str(e.rows),
            number(e.max_relative),
            number(e.rmse),
            r2_text(e.r2),
            "extrapolation" if name in EXTRAPOLATION and e.rows else "",
        )
        for name, e in errors.items()
    ]
    head = ("rows", "number", "max relative error", "RMSE", "R2", "")
    return aligned(head, rows, left=frozenset({0, 5}))


def constant_lines(constants: Sequence[Constant]) -> list[Text]:
    """The constants, with their names and the odds that a name is chance."""
    if not constants:
        return []
    rows = [
        (
            repr(c.value),
            "-" if c.name is None else c.name,
            number(c.odds),
            number(c.standard_error),
        )
        for c in constants
    ]
    head = ("constant", "name", "odds of chance", "standard error")
    return aligned(head, rows, left=frozenset({0, 1}))


def front_lines(answer: Answer) -> list[Text]:
    """The simpler formulas, each the best of its length."""
    simpler = [e for e in answer.front if e.complexity < answer.complexity][-MOST_FRONT:]
    rows = [
        (str(e.complexity), number(e.far_rmse), visible(formula_text(e.circuit, answer.names)))
        for e in simpler
    ]
    if not rows:
        return []
    title = Text("simpler formulas considered", style="dim")
    head = ("complexity", "far RMSE", "formula")
    return [title, *aligned(head, rows, left=frozenset({2}))]


def caveat_lines(caveats: Sequence[str]) -> list[Text]:
    """What a careful reader should know, each on a line."""
    return [Text(f"note: {visible(caveat)}", style="yellow") for caveat in caveats]


def saved_line(path: Path) -> Text:
    """Where the model is, and what can be done with it."""
    name = visible(str(path))
    return Text.assemble(
        f"saved {name}   next: ", (f"nalu explain {name} · nalu predict {name} new.csv", "bold")
    )
