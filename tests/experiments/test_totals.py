from __future__ import annotations

import pytest
from problems import outcome

from nalu_cli.experiments.results_page import MARK, results_page
from nalu_cli.experiments.totals import by_label, by_stage, by_verdict, totals_of, wilson_interval
from nalu_cli.settings import Status

FAILED = {"recovered": False, "verdict": None, "seconds": None, "formula": "", "error": "it died"}

OUTCOMES = (
    outcome("a", labels=("s", "2"), seconds=1.0),
    outcome("b", labels=("s", "1"), seconds=3.0, verdict=Status.WITHIN_NOISE),
    outcome("c", labels=("r", "1"), seconds=8.0, recovered=False, formula="a|`b c`"),
    outcome("d", labels=("r", "1"), recovered=False, verdict=Status.NONE, seconds=2.0),
    outcome(
        "e",
        labels=("r", "1"),
        recovered=False,
        verdict=None,
        seconds=None,
        formula="",
        error="it died",
    ),
)


# Newcombe (1998), Two-sided confidence intervals for the single proportion, table I, method 3
@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_the_interval_is_the_published_one(
    successes: int, trials: int, low: float, high: float
) -> None:
    assert wilson_interval(successes, trials) == pytest.approx((low, high), abs=5e-5)
    mirrored = wilson_interval(trials - successes, trials)
    assert mirrored == pytest.approx((1 - high, 1 - low), abs=5e-5)


def test_no_trials_say_nothing() -> None:
    assert wilson_interval(0, 0) == (0, 1)
    assert totals_of([]).share == 0
    assert totals_of([]).median_seconds is None


def test_totals_count_what_they_say() -> None:
    totals = totals_of(OUTCOMES)
    assert (totals.problems, totals.recovered, totals.share) == (5, 2, 0.4)
    assert (totals.exact, totals.falsely_exact, totals.failed) == (2, 1, 1)
    assert (totals.median_seconds, totals.slowest_seconds) == (2.5, 8)
    assert totals.median_process_seconds is None
    groups = by_label(OUTCOMES, 0)
    assert {name: (t.problems, t.recovered) for name, t in groups.items()} == {
        "r": (3, 0),
        "s": (2, 2),
    }
    assert list(by_label(OUTCOMES, 1)) == ["1", "2"]


def test_stages_that_took_the_most_time_come_first() -> None:
    stages = by_stage(
        (
            outcome("a", found_by="product", seconds=1.0),
            outcome("b", found_by="sum", seconds=8.0),
            outcome("c", found_by="product", seconds=2.0),
            outcome("d", found_by="", seconds=60.0),
        )
    )
    assert {name: t.all_seconds for name, t in stages.items()} == {
        "none": 60,
        "sum": 8,
        "product": 3,
    }
    assert list(stages) == ["none", "sum", "product"]


def test_every_claim_is_counted_the_strongest_first() -> None:
    groups = by_verdict(OUTCOMES)
    assert [(name, t.problems, t.recovered) for name, t in groups.items()] == [
        ("exact", 2, 1),
        ("exact_as_printed", 0, 0),
        ("within_noise", 1, 1),
        ("approximate", 0, 0),
        ("none", 1, 0),
        ("failed", 1, 0),
    ]
    assert list(by_verdict([])) == [
        "exact",
        "exact_as_printed",
        "within_noise",
        "approximate",
        "none",
    ]


def test_a_wrong_formula_that_is_called_exact_as_printed_is_called_exact() -> None:
    wrong = outcome("a", recovered=False, verdict=Status.EXACT_AS_PRINTED)
    right = outcome("b", verdict=Status.EXACT_AS_PRINTED)
    totals = totals_of([wrong, right])
    assert (totals.exact, totals.falsely_exact) == (2, 1)


def test_the_page_says_what_was_counted() -> None:
    versions = {"nalu": "1", "python": "3"}
    page = results_page("Laws", "nalu bench formulas x.json", ("set", "depth"), OUTCOMES, versions)
    lines = page.splitlines()
    assert lines[0] == MARK
    assert "nalu bench formulas x.json" in lines
    assert "Made with nalu 1, python 3." in lines
    assert "* recovered: 2 of 5, 40.0 % (95 % interval 11.8 to 76.9 %)" in lines
    assert "* called exact and not recovered: **1**" in lines
    assert "| s | 2 of 2 | 100.0 % (95 % interval 34.2 to 100.0 %) | 1 | 0 | 2 |" in lines
    assert "| c | 0 | r | 1 | **no** | exact | 0 | 8 | product | `` a\\|`b c` `` |" in lines
    assert "| e | 0 | r | 1 | **no** | failed | 0 | - | product | it died |" in lines
    claims = lines[lines.index("## By verdict") + 2 :][:8]
    assert claims[2:] == [
        "| exact | 2 | 1 |",
        "| exact_as_printed | 0 | 0 |",
        "| within_noise | 1 | 1 |",
        "| approximate | 0 | 0 |",
        "| none | 1 | 0 |",
        "| failed | 1 | 0 |",
    ]
    shares = lines[lines.index("## Where the time goes") :]
    assert shares[4].startswith("| product | ")
    again = results_page("Laws", "nalu bench formulas x.json", ("set", "depth"), OUTCOMES, versions)
    assert page == again


def test_sharp_formulas_are_counted_where_tables_were_printed() -> None:
    printed = [outcome("a", sharp=True), outcome("b", sharp=False), outcome("c", **FAILED)]
    assert totals_of(OUTCOMES).sharp is None
    assert totals_of(printed).sharp == 1
    page = results_page("Laws", "nalu", ("set", "depth"), printed, {})
    assert "* sharp, equal to the law to the last digit: 1 of 3\n" in page
    assert "\n| set | 2 of 3 | 1 |" in page
