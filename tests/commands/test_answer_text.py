from __future__ import annotations

import io
import sys
from dataclasses import replace

import pytest
from answers import LENS_CIRCUIT, lens, of, product
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.text import Text

from nalu_cli.answer import Errors, Evidence, Move, Progress, Rival
from nalu_cli.answer.wording import stage_named, stage_text, verdict
from nalu_cli.circuit import Circuit
from nalu_cli.commands.console.live_view import Lines, Redrawn, Silent, view_for
from nalu_cli.commands.console.screen import Row, Screen, StandardOutput, aligned
from nalu_cli.commands.explain import print_code
from nalu_cli.commands.output.answer_text import answer_lines, caveat_lines, errors_lines
from nalu_cli.commands.output.explain_text import explanation_lines
from nalu_cli.errors import visible
from nalu_cli.search.schedule import REDUCERS, STRATEGIES
from nalu_cli.settings import Status
from nalu_cli.table import Kind, Precision


def plain(lines: object) -> list[str]:
    return [line.plain for line in lines]  # type: ignore[attr-defined]


def screen(*, quiet: bool = False, terminal: bool = False) -> tuple[Screen, io.StringIO]:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=terminal, width=60, markup=False)
    return Screen(console, console, quiet), stream


def progress(stage: str, seconds: float, circuit: Circuit | None = LENS_CIRCUIT) -> Progress:
    return Progress(stage, 2, 64, lens().names, circuit, 0.125, seconds, 30 - seconds)


def test_a_formula_stands_beside_its_verdict_where_there_is_room() -> None:
    first, *_ = plain(answer_lines(lens(), 100))
    assert first == "f = d1*d2/(d1*n + d2)          exact: agrees to rounding on all 1000 rows"
    first, second, *_ = plain(answer_lines(lens(), 60))
    assert first == "f = d1*d2/(d1*n + d2)"
    assert second == "exact: agrees to rounding on all 1000 rows"


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (
            Status.EXACT_AS_PRINTED,
            "exact as printed: agrees with all 1000 rows to the last digit printed",
        ),
        (Status.WITHIN_NOISE, "within noise: the residuals of 1000 rows look like noise of 1 %"),
        (Status.APPROXIMATE, "approximate: off by up to 25 %, and not by chance"),
        (Status.NONE, "none: no law of this kind explains f; the closest found is"),
    ],
)
def test_the_verdict_is_said_in_words(status: Status, words: str) -> None:
    errors = {"train": Errors(850, 0.25, 1.0, 0.9), "far": Errors(150, 0.1, 1.0, 0.9)}
    lines = plain(answer_lines(lens(status=status, noise=0.01, errors=errors), 60))
    assert words in lines[:2]
    assert "f = d1*d2/(d1*n + d2)" in lines[:2]


def test_how_the_target_is_printed_is_said() -> None:
    answer = lens(status=Status.EXACT_AS_PRINTED, precision={"f": Precision(Kind.DECIMALS, 2)})
    assert verdict(answer).endswith("to the last digit printed (2 decimals)")


def test_why_agreement_as_printed_is_not_enough_is_said_first() -> None:
    why = "agrees with every row as printed, but 4 rows of 2 digits cannot tell it from chance"
    answer = lens(status=Status.APPROXIMATE, caveats=("something else", why))
    assert verdict(answer) == f"approximate: {why}"


@pytest.mark.parametrize(
    ("error", "text"), [(5.12, "510 %"), (0.999, "100 %"), (0.0123, "1.2 %"), (3e7, "3e+09 %")]
)
def test_large_errors_are_written_out(error: float, text: str) -> None:
    answer = lens(status=Status.APPROXIMATE, errors={"far": Errors(9, error, 1.0, 0.9)})
    assert verdict(answer) == f"approximate: off by up to {text}, and not by chance"


def test_every_part_of_an_answer_is_shown() -> None:
    text = "\n".join(plain(answer_lines(lens(), 100)))
    for part in (
        "near (held out)      85             2.9e-16  1.1e-16  1 - 2e-16",
        "far (held out)      150             3.3e-16        -          -  extrapolation",
        "1/2",
        "0.7310585786300049",
        "simpler formulas considered",
        "         3      0.42  0.69",
    ):
        assert part in text, part
    assert text.count("d1*d2") == 1
    assert plain(caveat_lines(lens().caveats)) == ["note: column 'id' was left out"]


@pytest.mark.parametrize(
    ("r2", "text"),
    [(1.0, "1"), (1 - 3e-13, "1 - 3e-13"), (0.99951, "0.999510"), (0.94, "0.94"), (-2.5, "-2.5")],
)
def test_r2_never_rounds_to_one(r2: float, text: str) -> None:
    assert (
        plain(errors_lines({"train": Errors(3, 0.1, 0.1, r2)}))[1].split("  ")[-1].strip() == text
    )


def test_an_explanation_shows_stack_conditions_and_box() -> None:
    moves = (Move(0, 0, "gate", 0, 0, 0), Move(0, 0, "d1", 0.98, 1, 0), Move(0, 0, "n", 1, 1, 0))
    answer = lens(interrupted=True, evidence=Evidence("auto 4-1", 128, moves))
    text = "\n".join(plain(explanation_lines(answer, 100)))
    for part in (
        "stage auto 4-1 (training auto cells in 2 layers), 128 random starts, 1.2 s, seed 7",
        ", stopped early",
        "    1  product          0.02  u1_1 = d1*n",
        "    2  sum                 -  u2_1 = u1_1 + d2",
        "    3  product             -  f = u2_2/u2_1",
        "every weight: nalu explain --stack",
        "holds: 2 to 30       divides by zero  d1*n + d2 != 0",
        "d2           1    2.75        5",
    ):
        assert part in text, part


def test_every_weight_is_shown_when_asked_for() -> None:
    text = "\n".join(plain(explanation_lines(lens(), 100, with_weights=True)))
    for part in (
        "The formula was rewritten after the weights were snapped.",
        "weights of layer 1",
        "   1  d1     0.980000        1          1e-09",
        "   1  gate   0.010000        0            inf",
        "weights of layer 2",
    ):
        assert part in text, part
    assert "--stack" not in text
    assert "weights of layer" not in "\n".join(plain(explanation_lines(lens(), 100)))


def test_rivals_are_told_with_the_row_to_measure_next() -> None:
    other = Circuit(3, ((product((0, 1), (1, 1)),),))
    rival = Rival(other, 3, (0, 1), (7.5, 0.5), 1.25, 3.75)
    lines = plain(explanation_lines(lens(rivals=(rival, rival)), 80))
    at = lines.index("rivals that the rows cannot rule out")
    assert lines[at + 2].split() == ["3", "1.25", "3.75", "d1*d2"]
    assert lines[at + 4 : at + 6] == ["worth measuring next: d1 = 7.5, d2 = 0.5", ""]


@pytest.mark.parametrize(
    ("low", "high", "held"),
    [(1, 3, "holds: 1 to 3"), (-1, 3, "may fail: -1 to 3"), (-9, -1, "never holds")],
)
def test_a_condition_is_held_against_the_training_box(low: float, high: float, held: str) -> None:
    root = of(Circuit(1, ((product((0, 0.5)),),)), ("x",), low=(low,), high=(high,))
    lines = plain(explanation_lines(root, 80))
    row = lines[lines.index("defined where") + 2]
    assert row.startswith(held)
    assert row.endswith("root of a negative number  x >= 0")


def test_a_formula_without_division_or_root_is_defined_everywhere() -> None:
    answer = of(Circuit(1, ((product((0, 2)),),)), ("x",))
    assert "everywhere" in plain(explanation_lines(answer, 80))


@given(st.text())
def test_nothing_in_a_name_can_rewrite_the_screen(name: str) -> None:
    shown = visible(name)
    assert shown.isprintable() or all(c.isspace() or c.isprintable() for c in shown)
    assert "\x1b" not in shown
    assert "\n" not in shown


@pytest.mark.parametrize("name", ["speed [m/s]", "cost [/usd]", ":smile:", "a[/]b", "[red]x"])
def test_names_are_not_read_as_markup(name: str) -> None:
    target, stream = screen(terminal=True)
    answer = of(Circuit(1, ((product((0, 2)),),)), (name,), target=name)
    target.show(explanation_lines(answer, 80))
    assert stream.getvalue().count(name) >= 3


def test_long_lines_are_not_wrapped() -> None:
    target, stream = screen()
    target.show([Text("x" * 300), "y" * 300])
    assert stream.getvalue() == "x" * 300 + "\n" + "y" * 300 + "\n"


def test_wide_characters_are_aligned_by_what_they_take() -> None:
    lines = plain(aligned(("name", "n"), [("温度", "1"), ("t", "10")]))
    assert lines == ["name   n", "温度   1", "t     10"]


def test_a_terminal_without_unicode_gets_plain_symbols() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors="backslashreplace")
    console = Console(file=stream)
    Screen(console, console, quiet=False).show(["1 × 2 · ü"])
    stream.flush()
    assert stream.buffer.getvalue() == b"1 x 2 - \\xfc\n"  # type: ignore[attr-defined]


def test_without_a_terminal_a_line_is_printed_for_a_stage_and_every_five_seconds() -> None:
    target, stream = screen()
    with Lines(target) as view:
        for step in (progress("sum", 0), progress("sum", 1), progress("sum", 6)):
            view.watch(step)
        view.watch(progress("algebraic", 6.5, None))
    assert stream.getvalue().splitlines() == [
        "fitting one sum  64 random starts  0 s  30 s left   held-out error 0.12  "
        "d1*d2/(d1*n + d2)",
        "fitting one sum  64 random starts  6 s  24 s left   held-out error 0.12  "
        "d1*d2/(d1*n + d2)",
        "solving for an algebraic relation  64 random starts  6 s  24 s left   nothing found yet",
    ]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("stacks", "training layers of sums and products"),
        ("stacks times factors", "training layers of sums and products, with factors divided out"),
        (
            "product of sums with a root times factors",
            "fitting a product of sums, with a root as one more column, with factors divided out",
        ),
        ("nalu 1", "training nalu cells in 1 layer"),
        ("nac-product 3-3-1", "training nac-product cells in 3 layers"),
        ("a stage without words", "a stage without words"),
    ],
)
def test_a_stage_is_said_in_words(name: str, words: str) -> None:
    assert stage_text(name) == words
    assert stage_named(name) == (f"{name} ({words})" if words != name else name)


def test_every_strategy_and_reduction_has_words() -> None:
    names = [strategy.name.format(cell="nalu") for strategy in STRATEGIES]
    names += [f"x {reducer.name}" for reducer in REDUCERS]
    assert [name for name in names if stage_text(name) == name] == []


def test_a_terminal_is_redrawn_and_left_clean() -> None:
    target, stream = screen(terminal=True)
    with Redrawn(target) as view:
        view.watch(progress("x" * 100, 1))
        view._drawn.refresh()
        view.stopping()
        view._drawn.refresh()
    drawn = stream.getvalue()
    assert "d1*d2/(d1*n + d2)" in drawn
    assert Lines.stopping_text[:50] in drawn
    assert "…" in drawn
    assert drawn.endswith(("\x1b[?25h", "\x1b[2K", "\x1b[1A\x1b[2K"))


def test_quiet_shows_nothing() -> None:
    target, stream = screen(quiet=True)
    view = view_for(target)
    assert isinstance(view, Silent)
    with view:
        view.watch(progress("sum", 1))
        view.stopping()
    target.note("a note")
    assert stream.getvalue() == ""


def test_names_of_the_answer_are_not_confused_by_its_target() -> None:
    answer = replace(lens(), target="speed [m/s]")
    assert plain(answer_lines(answer, 100))[0].startswith("`speed [m/s]` = d1*d2")


def long_table() -> list[Text]:
    formula = " + ".join(f"{k}.5*column_{k}" for k in range(12))
    return aligned(("size", "formula"), [("1", formula), ("10", "x")], left=frozenset({1}))


def test_a_long_row_is_broken_under_its_column_on_a_terminal_only() -> None:
    shown, stream = screen(terminal=True)
    shown.show(long_table())
    lines = Text.from_ansi(stream.getvalue()).plain.splitlines()
    assert all(len(line) <= 60 for line in lines)
    assert [line for line in lines if not line.startswith("      ")] == [
        *("size  formula", lines[1], "  10  x")
    ]
    assert " ".join(line.strip() for line in lines[1:-1]) == long_table()[1].plain.strip()
    piped, stream = screen()
    piped.show(long_table())
    assert stream.getvalue().splitlines() == plain(long_table())


def test_wide_letters_before_a_break_are_counted_as_two_cells() -> None:
    rows = [("温度", "aaaa bbbb cccc dddd eeee ffff gggg hhhh iiii")]
    line = aligned(("name", "words"), rows, left=frozenset({0, 1}))[1]
    assert isinstance(line, Row)
    assert line.broken(40).plain.split("\n") == [
        "温度  aaaa bbbb cccc dddd eeee ffff gggg",
        "      hhhh iiii",
    ]
    assert line.broken(20) is line


def test_code_on_a_terminal_cannot_move_its_cursor() -> None:
    shown, stream = screen(terminal=True)
    print_code('SELECT "\x1b[2J\r" AS y\nFROM data;\n', shown)
    assert "\\x1b[2J\\r" in stream.getvalue()
    assert "\x1b[2J" not in stream.getvalue()


@pytest.mark.parametrize("terminal", [True, False])
def test_rows_on_a_terminal_cannot_move_its_cursor(
    terminal: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = "a\tb\nx\x1b[2J\u202e\t−ü\n".encode()
    stream = io.TextIOWrapper(io.BytesIO())
    monkeypatch.setattr(stream, "isatty", lambda: terminal, raising=False)
    monkeypatch.setattr(sys, "stdout", stream)
    StandardOutput().write(rows)
    shown = stream.buffer.getvalue()
    assert shown == ("a\tb\nx\\x1b[2J\\u202e\t−ü\n".encode() if terminal else rows)
