from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from problems import hiding, law, write_suites

from nalu_cli.errors import UsageError
from nalu_cli.experiments.benchmark_file import read_suite
from nalu_cli.experiments.known_law import Distribution, KnownLaw, Part, Variable
from nalu_cli.experiments.plan import LawChoice, formula_trials, operation_trials
from nalu_cli.experiments.trial import Conditions, Trial
from nalu_cli.experiments.trial_run import patience, run_trial, table_text, trial_rows
from nalu_cli.settings import Effort, FitSettings, Status
from nalu_cli.table import WHOLE, read_table

FIT = FitSettings(threads=1)
SHORT = FitSettings(time_limit=0.5, threads=1)
RATIO = law("3*a/b", "a", "b", n_rows=60)


def of(answer: KnownLaw, **conditions: object) -> Trial:
    given = Conditions(**{"fit": FIT, **conditions})  # type: ignore[arg-type]
    return Trial(law=answer, seed=0, labels=("set", "1"), conditions=given)


def test_a_law_is_drawn_fitted_and_recovered() -> None:
    outcome = run_trial(of(RATIO))
    assert outcome.recovered
    assert outcome.verdict is Status.EXACT
    assert outcome.formula == "3*a/b"
    assert outcome.far_error is not None
    assert outcome.far_error < 1e-15
    assert outcome.seconds is not None
    assert outcome.process_seconds is None
    assert outcome.error == ""


def test_another_formula_called_exact_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "nalu_cli.experiments.trial_run.formula_text", lambda circuit, names: "3*a/b**2"
    )
    outcome = run_trial(of(RATIO))
    assert outcome.is_falsely_exact
    assert outcome.far_error is not None
    assert outcome.far_error > 0.5


def test_whatever_goes_wrong_is_in_the_outcome(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: object) -> None:
        raise ZeroDivisionError("first\nsecond")

    monkeypatch.setattr("nalu_cli.experiments.trial_run.fit_table", broken)
    outcome = run_trial(of(RATIO))
    assert outcome.error == "ZeroDivisionError: first second"
    assert outcome.verdict is None
    monkeypatch.setattr("nalu_cli.experiments.sampling.MOST_BATCHES", 1)
    assert "DataError: the law 'law' is defined in 0" in run_trial(of(law("sqrt(-a)", "a"))).error


def test_the_whole_process_is_timed_too() -> None:
    outcome = run_trial(of(RATIO, whole_process=True))
    assert outcome.recovered
    assert outcome.process_seconds is not None
    assert outcome.seconds is not None
    assert outcome.process_seconds > outcome.seconds


def test_a_process_that_fails_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    given = of(RATIO, whole_process=True, fit=FitSettings(time_limit=20, threads=1))
    monkeypatch.setattr(Conditions, "options", ("--time", "-1"))
    assert run_trial(given).error.startswith(
        "RuntimeError: nalu fit ended with exit code 2: nalu: --time is -1.0"
    )


def test_a_table_carries_every_double(tmp_path: Path) -> None:
    whole = Variable("n, [1]", (1, 9), (9, 20), Distribution.INTEGER)
    known = KnownLaw("law", "`n, [1]`/3 + a", "y", (whole, Variable("a", (0, 1), (1, 2))))
    rows = trial_rows(of(known), Part.TRAIN)
    (tmp_path / "data.csv").write_text(table_text(known, rows))
    table = read_table(tmp_path / "data.csv")
    assert table.names == ("n, [1]", "a", "y")
    assert np.array_equal(table.columns, np.column_stack([rows.X, rows.y]))
    assert table.precision_of("n, [1]") == WHOLE


def test_a_printed_table_has_the_digits_of_its_law(tmp_path: Path) -> None:
    trial = of(law("1234.5*a", "a", n_rows=40).printed(3))
    text = table_text(trial.law, trial_rows(trial, Part.TRAIN))
    cells = [cell for line in text.splitlines()[1:] for cell in line.split(",")]
    digits = [cell.partition("e")[0].replace(".", "").strip("0") for cell in cells]
    assert max(map(len, digits)) == 3


def test_constants_of_printed_tables_count_within_their_digits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said = iter(["3*a/b", "3.0005*a/b", "3.005*a/b", "3*a/b**2"])
    monkeypatch.setattr(
        "nalu_cli.experiments.trial_run.formula_text", lambda circuit, names: next(said)
    )
    outcomes = [run_trial(of(RATIO.printed(4), fit=SHORT)) for _ in range(4)]
    assert [outcome.recovered for outcome in outcomes] == [True, True, False, False]
    assert [outcome.sharp for outcome in outcomes] == [True, False, False, False]


def test_a_power_law_is_recovered_within_its_tolerance(monkeypatch: pytest.MonkeyPatch) -> None:
    said = iter(["3*a**0.8", "3*a**0.801", "3*a**0.7", "3*a**0.8 + 1e-9"])
    monkeypatch.setattr(
        "nalu_cli.experiments.trial_run.formula_text", lambda circuit, names: next(said)
    )
    known = law("3*a**0.8", "a", n_rows=40, digits=4, far_tolerance=0.01)
    outcomes = [run_trial(of(known, fit=SHORT)) for _ in range(4)]
    assert [outcome.recovered for outcome in outcomes] == [True, True, False, False]
    assert [outcome.sharp for outcome in outcomes] == [True, False, False, False]


def test_a_hidden_column_does_not_reach_the_table(tmp_path: Path) -> None:
    known = hiding(law("a*h - b", "a", "h", "b"), "h")
    rows = trial_rows(of(known), Part.TRAIN)
    (tmp_path / "data.csv").write_text(table_text(known, rows))
    table = read_table(tmp_path / "data.csv")
    assert table.names == ("a", "b", "y")
    shown = np.column_stack([rows.X[:, 0], rows.X[:, 2], rows.y])
    assert np.array_equal(table.columns, shown)


def test_what_is_claimed_of_a_table_without_a_law_is_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trial = of(hiding(law("a*h", "a", "h", n_rows=60), "h"), fit=FitSettings(time_limit=2))
    outcome = run_trial(trial)
    assert outcome.error == ""
    assert outcome.verdict not in (None, Status.EXACT)
    assert not outcome.recovered
    # in doubles the values are those of a*b, so the claim cannot but be made
    known = law("a*b + 1e-18*sin(a)", "a", "b", n_rows=60)
    claimed = run_trial(of(known))
    assert claimed.verdict is Status.EXACT
    assert claimed.is_falsely_exact


def test_conditions_say_how_rows_are_drawn() -> None:
    assert len(trial_rows(of(RATIO), Part.TRAIN)) == 60
    noisy = trial_rows(of(RATIO, rows=500, noise=0.1), Part.TRAIN)
    left = noisy.y - 3 * noisy.X[:, 0] / noisy.X[:, 1]
    assert np.std(left) == pytest.approx(0.1 * np.sqrt(np.mean(noisy.y**2)), rel=0.1)
    assert len(trial_rows(of(RATIO, rows=500), Part.EXTRAPOLATION)) == 1000


def test_conditions_are_written_as_options() -> None:
    assert Conditions().options == ()
    limits = FitSettings(time_limit=20, effort=Effort.QUICK, train_only=True)
    some = Conditions(rows=50, noise=0.01, digits=4, fit=limits, whole_process=True)
    assert " ".join(some.options) == (
        "--rows 50 --noise 0.01 --digits 4 --time 20 --effort quick --train-only --whole-process"
    )
    assert patience(some) > 20


def test_laws_are_chosen() -> None:
    laws = [law("a", "a", name=n, family=f, depth=d) for n, f, d in ("px1", "qx1", "rx2", "sy2")]
    laws = [
        KnownLaw(k.name, k.formula, "y", k.variables, k.family, int(str(k.depth))) for k in laws
    ]

    def names(**choice: object) -> str:
        return "".join(k.name for k in LawChoice(**choice).of(laws))  # type: ignore[arg-type]

    assert names() == "pqrs"
    assert names(family="x") == "pqr"
    assert names(family="x", depth=1) == "pq"
    assert names(names=["s", "p"]) == "ps"
    with pytest.raises(UsageError, match="--id 'z' is not in the file; it has p, q, r, s"):
        names(names=["z"])
    with pytest.raises(UsageError, match="--set 'z' is not in the file; it has x, y"):
        names(family="z")
    with pytest.raises(UsageError, match="no formula is left"):
        names(family="y", depth=1)
    trials = formula_trials(laws[:2], [0, 5], Conditions())
    assert [(t.law.name, t.seed, t.labels) for t in trials] == [
        ("p", 0, ("x", "1")),
        ("p", 5, ("x", "1")),
        ("q", 0, ("x", "1")),
        ("q", 5, ("x", "1")),
    ]


def test_tasks_are_chosen(tmp_path: Path) -> None:
    suite = read_suite(write_suites(tmp_path / "ops.json"), "pairs")
    trials = operation_trials(suite, [3], Conditions(), operations=["mul"], inputs=5)
    assert [t.law.name for t in trials] == ["pairs_low_mul_seed3", "pairs_both_mul_seed3"]
    assert [t.labels for t in trials] == [("mul", "low"), ("mul", "both")]
    assert trials[0].law.formula == "(x1)*(x2)"
    assert trial_rows(trials[0], Part.TRAIN).X.shape == (1000, 5)
    assert len(operation_trials(suite, suite.seeds, Conditions())) == 8
    with pytest.raises(UsageError, match="--ops 'div' is not in the file; it has add, mul"):
        operation_trials(suite, [0], Conditions(), operations=["div"])
