from __future__ import annotations

import csv
import math
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from problems import law

from nalu_cli import pipeline
from nalu_cli.commands import app
from nalu_cli.commands.run.budget_passes import factors_in
from nalu_cli.errors import ExitCode, UsageError
from nalu_cli.experiments import budgets, trial_run
from nalu_cli.experiments.budgets import (
    Baseline,
    Effect,
    Pass,
    PassFile,
    PassResult,
    budget_trials,
    effect_of,
    moved_tables,
    passes_of,
    processor_time,
    run_pass,
    table_name,
)
from nalu_cli.experiments.budgets_page import budgets_page, measured, summary
from nalu_cli.experiments.engine_numbers import (
    ENGINE,
    UNTOLD,
    EngineNumber,
    _bindings,
    _named,
    changed,
    engine_numbers,
    set_to,
)
from nalu_cli.experiments.trial import Conditions, Trial
from nalu_cli.numerics import monomials

HALF, TWICE = Fraction(1, 2), Fraction(2)

SOME = EngineNumber(module="search.some", name="SOME", value=20, origin="Guess")
OTHER = EngineNumber(module="search.some", name="OTHER", value=0.1, is_read_early=True)

SOURCE = '''
from elsewhere import TAKEN

ABOVE = 1
"""Nothing on where it comes from."""

FIRST = 2.0
SECOND = 10**7
"""*Guess:* one text for both."""

LEFT, RIGHT = 3, 4 * TAKEN
"""*Measured:* so. *Derived.*"""

SUM, PRODUCT = 0, 1
_HIDDEN = 5
FLAG = True
OF_THE_MACHINE = float(eps)
lower = 6
ANNOTATED: int = 7
'''


def test_numbers_are_found_with_what_their_text_says(tmp_path: Path) -> None:
    path = tmp_path / "module.py"
    path.write_text(SOURCE)
    assert _named(path) == {
        "ABOVE": UNTOLD,
        "FIRST": "Guess",
        "SECOND": "Guess",
        "LEFT": "Measured, Derived",
        "RIGHT": "Measured, Derived",
        "ANNOTATED": UNTOLD,
    }


def test_every_folder_of_the_engine_has_numbers() -> None:
    numbers = engine_numbers()
    assert {number.module.split(".")[0] for number in numbers} == set(ENGINE)
    assert len({number.label for number in numbers}) == len(numbers)
    for number in numbers:
        home = sys.modules[f"nalu_cli.{number.module}"]
        assert vars(home)[number.name] == number.value
        assert type(number.value) in (int, float)


@pytest.mark.parametrize(
    ("value", "factor", "other"),
    [
        (20, HALF, 10),
        (5, HALF, 2),
        (3, TWICE, 6),
        (1, HALF, 1),
        (2, Fraction(1, 4), 1),
        (-6, HALF, -3),
        (0, TWICE, 0),
        (10**60, HALF, 10**60 // 2),
        (1.0, HALF, 0.5),
        (1e-9, TWICE, 2e-9),
        (0.0, TWICE, 0.0),
    ],
)
def test_whole_numbers_stay_whole_and_above_zero(
    value: float, factor: Fraction, other: float
) -> None:
    assert changed(value, factor) == other
    assert type(changed(value, factor)) is type(value)


def test_a_number_is_set_wherever_it_was_taken_over_and_restored() -> None:
    found = [(n, _bindings(n.module, n.name)) for n in engine_numbers()]
    shared, homes = max(found, key=lambda pair: len(pair[1]))
    assert len(homes) > 1

    def values() -> set[float]:
        return {vars(sys.modules[f"nalu_cli.{home}"])[name] for home, name in homes}

    def fail() -> None:
        with set_to(shared, -7):
            assert values() == {-7}
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert values() == {shared.value}


def test_nothing_that_was_remembered_outlives_a_change() -> None:
    remembering = [f for f in vars(monomials).values() if hasattr(f, "cache_info")]
    number = next(n for n in engine_numbers() if n.module == "numerics.monomials")
    with set_to(number, changed(number.value, TWICE)):
        assert all(f.cache_info().currsize == 0 for f in remembering)
        remembering[0](2, 2)
    assert all(f.cache_info().currsize == 0 for f in remembering)


def test_the_package_reads_processor_time_off_its_clocks() -> None:
    for _ in range(2):
        with processor_time():
            for module in (budgets, pipeline, trial_run):
                assert vars(module)["time"].perf_counter is time.process_time
            assert time.perf_counter is not time.process_time
        assert all(vars(module)["time"] is time for module in (budgets, pipeline, trial_run))


def test_tables_are_chosen_by_their_place() -> None:
    trials = budget_trials(2.0)
    assert [sum(bool(t.conditions.noise) for t in trials), len(trials)] == [8, 41]
    assert sum(t.law.digits is not None for t in trials) == 8
    assert len({table_name(trial) for trial in trials}) == len(trials)
    assert {trial.conditions.fit.time_limit for trial in trials} == {2.0}


def test_passes_that_change_nothing_are_baselines_only() -> None:
    one = EngineNumber(module="search.some", name="ONE", value=1)
    passes = passes_of([SOME, one, OTHER], [HALF, TWICE], 2.0)
    assert [p.key for p in passes if p.number is not None] == [
        ("search.some.SOME", "1/2", "10"),
        ("search.some.SOME", "2", "40"),
        ("search.some.ONE", "2", "2"),
        ("search.some.OTHER", "1/2", "0.05"),
        ("search.some.OTHER", "2", "0.2"),
    ]
    assert passes[0].number is None
    assert [p.count for p in passes if p.number is None] == [1, 2, 3, 4]
    many = passes_of([SOME], [Fraction(k) for k in range(2, 203)], 2.0)
    assert sum(p.number is None for p in many) == 11


def result(key: str, *marks: str, seconds: float = 10.0, **rest: Any) -> PassResult:
    label, factor, value = key.split(" ")
    return PassResult(key=(label, factor, value), marks=marks, seconds=seconds, **rest)


USUAL = [
    result("baseline 1 1", "+exact", "-none", "+exact", seconds=10.0),
    result("baseline 1 2", "+exact", "-none", "-none", seconds=10.2),
    result("baseline 1 3", "+exact", "-none", "+exact", seconds=9.8),
]


@pytest.mark.parametrize(
    ("marks", "seconds", "effect"),
    [
        (("+exact", "-none", "+exact"), 10.5, Effect.NOTHING),
        (("+exact", "-none", "-none"), 10.5, Effect.NOTHING),
        (("+exact", "-none", "-failed"), 10.5, Effect.LAW),
        (("+exact", "-none", "+exact"), 11.5, Effect.SECONDS),
        (("+exact", "-none", "+exact"), 8.5, Effect.SECONDS),
        (("+within_noise", "-none", "+exact"), 11.5, Effect.VERDICT),
        (("-none", "-none", "+exact"), 10.0, Effect.LAW),
        (("+exact", "+exact", "+exact"), 10.0, Effect.LAW),
        ((), math.nan, Effect.LAW),
    ],
)
def test_the_most_that_moves_is_the_effect(
    marks: tuple[str, ...], seconds: float, effect: Effect
) -> None:
    one = result("search.some.SOME 2 40", *marks, seconds=seconds)
    assert effect_of(one, Baseline.of(USUAL)) is effect


def test_a_table_that_moves_by_itself_is_not_counted() -> None:
    one = result("search.some.SOME 2 40", "-none", "+exact", "-none")
    assert moved_tables(one, Baseline.of(USUAL)) == {0: False, 1: True}


def test_results_are_read_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "budgets.csv"
    written = [*USUAL, result("search.some.SOME 2 40", "+exact", error="a, b")]
    file = PassFile(path, "settings")
    for one in written:
        file.append(one)
    assert list(PassFile(path, "settings").results.values()) == written
    with pytest.raises(UsageError, match="was made with"):
        PassFile(path, "others")


def test_the_page_counts_what_moves() -> None:
    trials = [
        Trial(law=law("a", "a", name=n), seed=0, labels=("-", "-"), conditions=Conditions())
        for n in ("first", "second", "third")
    ]
    passes = passes_of([SOME, OTHER], [HALF, TWICE], 2.0)
    results = [
        *USUAL,
        result("search.some.SOME 1/2 10", "-failed", "-none", "+exact", error="first: ouch"),
        result("search.some.SOME 2 40", "+exact", "-none", "+exact"),
        result("search.some.OTHER 2 0.2", "+exact", "-none", "+exact", seconds=10.1),
    ]
    run = measured(trials, passes, results)
    assert list(summary(run)) == [
        "numbers tried: 2",
        "move a law: 1, of which 1 end a fit with an error",
        "move only a verdict: 0",
        "move only seconds, by more than noise: 0",
        "move nothing at any factor: 1, of which 1 are also read at loading",
        "baseline: 1 to 2 of 3 laws, 10.0 s; noise 0.8 s; 3 passes",
    ]
    lines = budgets_page("nalu bench budgets", run, {"nalu": "1"}).splitlines()
    assert (
        "| `search.some.SOME` | 20 | 1.67, 10.0 s | 1, 10.0 s (-first; first: ouch) | 2, 10.0 s "
        "| Guess | **a law** |"
    ) in lines
    assert "| `search.some.OTHER`* | 0.1 | 1.67, 10.0 s | - | 2, 10.1 s | none | nothing |" in lines
    assert "| Guess | 1 | 1 | 0 | 0 | 0 |" in lines
    assert "| first | recovered, exact | 1 |" in lines
    assert "| third | recovered, exact; not recovered, none | 0 |" in lines


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two tables in place of all."""

    def trials(seconds: float) -> list[Trial]:
        return [
            Trial(law=known, seed=0, labels=("-", "-"), conditions=Conditions())
            for known in (law("a*b", "a", "b", n_rows=40), law("nothing", "a", name="bad"))
        ]

    monkeypatch.setattr(budgets, "budget_trials", trials)


@pytest.mark.usefixtures("small")
def test_a_pass_fits_every_table_and_tells_what_went_wrong() -> None:
    number = next(n for n in engine_numbers() if n.module.startswith("judge."))
    done = run_pass(Pass(seconds=2.0, number=number, factor=TWICE))
    assert done.key == (number.label, "2", repr(changed(number.value, TWICE)))
    assert done.marks == ("+exact", "-failed")
    assert 0 < done.seconds < 10
    assert done.error.startswith("bad: FormulaError")


Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture
def cli(here: Path, capfd: pytest.CaptureFixture[str]) -> Cli:
    def run(*arguments: object) -> tuple[int, str, str]:
        code = app.run(["bench", "budgets", *map(str, arguments)])
        said = capfd.readouterr()
        return int(code), said.out, said.err

    return run


class Workers:
    """Stands in for the processes."""

    def __init__(self) -> None:
        self.passes: list[Pass] = []
        self.interrupt_after: int | None = None

    def __call__(self, passes: Sequence[Pass], jobs: int, **rest: Any) -> Iterator[PassResult]:
        for done, one in enumerate(passes):
            if done == self.interrupt_after:
                signal.raise_signal(signal.SIGINT)
            if rest["stop"]():
                return
            self.passes.append(one)
            marks = ("+exact",) * len(budget_trials(one.seconds))
            yield PassResult(key=one.key, marks=marks, seconds=10.0)


@pytest.fixture
def workers(monkeypatch: pytest.MonkeyPatch) -> Workers:
    stand_in = Workers()
    monkeypatch.setattr("nalu_cli.commands.run.budget_passes.run_trials", stand_in)
    return stand_in


def test_a_run_that_was_stopped_is_continued(cli: Cli, workers: Workers, here: Path) -> None:
    number = engine_numbers()[0]
    asked = ("--only", number.label, "--csv", "b.csv", "--page", "B.md")
    workers.interrupt_after = 3
    code, _, err = cli(*asked)
    assert code == ExitCode.INTERRUPTED
    assert "3 of 6 passes are done" in err
    assert "B.md is not written: the run is not complete" in err
    assert len(workers.passes) == 3
    workers.interrupt_after = None
    code, out, err = cli(*asked)
    assert code == ExitCode.DONE
    assert "3 of 6 are done already" in err
    assert len(workers.passes) == 6
    assert "move nothing at any factor: 1" in out
    assert (
        f"nalu bench budgets --only {number.label} --factors 1/2,2" in (here / "B.md").read_text()
    )
    with (here / "b.csv").open(newline="") as lines:
        assert {row["settings"].split(" ", 2)[2] for row in csv.DictReader(lines)} == {
            "bench budgets --time 2"
        }


def test_a_name_that_no_number_has_is_refused(cli: Cli, workers: Workers) -> None:
    code, _, err = cli("--only", "search.nothing")
    assert code == ExitCode.USAGE
    assert "--only 'search.nothing' is the name of no number" in err
    assert workers.passes == []


def test_factors_are_listed() -> None:
    assert factors_in("1/4, 0.5,2,2") == [Fraction(1, 4), HALF, TWICE]


@pytest.mark.parametrize("text", ["", "x", "1", "2,,3", "1/0", "-2", "0", "5000", "1/5000", "²"])
def test_what_is_no_factor_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="such as 1/2,2"):
        factors_in(text)
