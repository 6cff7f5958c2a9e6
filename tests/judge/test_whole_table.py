"""What is claimed about a long table holds on every row of it, or is not claimed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tables import Floats, table_of, uniform

from nalu_cli.answer import EVERY, Answer
from nalu_cli.answer.wording import verdict
from nalu_cli.expression.text import formula_text
from nalu_cli.pipeline import fit_table
from nalu_cli.problem.subsample import excerpt_of, most_rows
from nalu_cli.settings import Effort, FitSettings, Status
from nalu_cli.table import DOUBLES, Kind, Precision, Table

ROWS = 3 * most_rows(2)
# time for a second climb, which has no end when no law explains all rows
QUICK = FitSettings(effort=Effort.QUICK, time_limit=2)


def product(rows: int = ROWS) -> dict[str, Floats]:
    a, b = uniform(1, rows, 2).T
    return {"a": a, "b": b, "y": a * b}


def passed_over(table: Table) -> np.ndarray:
    """Rows that the excerpt does not have."""
    return np.setdiff1d(table.lines, excerpt_of(table, "y", QUICK.seed).table.lines) - 2


def text(answer: Answer) -> str:
    return formula_text(answer.circuit, answer.names)


def test_exact_means_on_every_row() -> None:
    answer = fit_table(table_of(product()), "y", QUICK)
    assert answer.status is Status.EXACT
    assert text(answer) == "a*b"
    assert answer.errors[EVERY].rows == ROWS
    assert sum(answer.errors[part].rows for part in ("train", "near", "far")) < ROWS
    assert verdict(answer) == f"exact: agrees to rounding on all {ROWS} rows"
    assert any(f"of {ROWS:,} rows were fitted" in caveat for caveat in answer.caveats)


@pytest.mark.parametrize("error", [1e-9, 1.0, np.inf])
def test_one_row_among_all_that_is_off_is_found(error: float) -> None:
    columns = product()
    row = passed_over(table_of(columns))[1234]
    columns["a"][row] = 0.0 if error == np.inf else columns["a"][row]
    columns["y"][row] = 1.0 if error == np.inf else columns["y"][row] * (1 + error)
    answer = fit_table(table_of(columns), "y", QUICK)
    assert answer.status is Status.APPROXIMATE
    assert text(answer) == "a*b"
    (caveat,) = [caveat for caveat in answer.caveats if "differ from the formula" in caveat]
    assert f"1 of {ROWS:,} rows" in caveat
    assert f"row {row + 2}" in caveat


def test_a_twin_that_differs_on_rows_passed_over_is_told_apart() -> None:
    columns = product()
    twin = columns["a"].copy()
    rows = passed_over(table_of(columns))[:40]
    twin[rows] = uniform(6, 40, 1, low=2, high=3)[:, 0]
    # the law follows the second of two columns that look the same
    table = table_of({"a": columns["a"], "t": twin, "b": columns["b"], "y": twin * columns["b"]})
    answer = fit_table(table, "y", QUICK)
    assert answer.status is Status.EXACT
    assert text(answer) in {"t*b", "b*t"}


def printed_quotient() -> Table:
    a, b = uniform(1, ROWS, 2, low=1, high=9).T
    table = table_of({"a": a, "b": b, "y": np.round(a / b, 3)})
    return replace(table, precisions=(DOUBLES, DOUBLES, Precision(Kind.DECIMALS, 3)))


def test_exact_as_printed_means_on_every_row() -> None:
    table = printed_quotient()
    answer = fit_table(table, "y", QUICK)
    assert text(answer) == "a/b"
    assert answer.status is Status.EXACT_AS_PRINTED
    assert verdict(answer).endswith(f"all {ROWS} rows to the last digit printed (3 decimals)")


def test_one_row_that_is_off_by_a_printed_digit_is_found() -> None:
    table = printed_quotient()
    row = passed_over(table)[77]
    table.columns[row, 2] += 0.001
    answer = fit_table(table, "y", QUICK)
    assert answer.status is Status.APPROXIMATE
    (caveat,) = [caveat for caveat in answer.caveats if "differ from the formula" in caveat]
    assert caveat == (
        f"1 of {ROWS:,} rows differ from the formula by more than rounding and printing, the first "
        f"is row {row + 2}"
    )


def test_noise_is_named_as_noise_on_all_rows() -> None:
    columns = product()
    noise = 1 + 0.01 * np.random.default_rng(3).standard_normal(ROWS)
    answer = fit_table(table_of(columns | {"y": columns["y"] * noise}), "y", QUICK)
    assert answer.status is Status.WITHIN_NOISE
    assert text(answer) == "a*b"
    assert answer.errors[EVERY].rows == ROWS


def test_an_excerpt_within_the_noise_does_not_speak_for_wild_rows() -> None:
    columns = product()
    y = columns["y"] * (1 + 0.01 * np.random.default_rng(3).standard_normal(ROWS))
    y[passed_over(table_of(columns))[:5]] = 1e6
    answer = fit_table(table_of(columns | {"y": y}), "y", QUICK)
    assert answer.status not in {Status.EXACT, Status.WITHIN_NOISE}


def test_a_long_file_of_test_rows_is_compared_as_a_whole() -> None:
    columns, other = product(500), product()
    other["y"][passed_over(table_of(other))[7]] += 1
    answer = fit_table(table_of(columns), "y", QUICK, test=table_of(other))
    assert answer.errors["test"].rows == ROWS
    assert answer.status is Status.APPROXIMATE
    assert f"1 of {ROWS:,} rows of the test file differ" in answer.caveats[0]
    fine = fit_table(table_of(columns), "y", QUICK, test=table_of(product()))
    assert fine.status is Status.EXACT
    assert verdict(fine) == f"exact: agrees to rounding on all {500 + ROWS} rows"


def test_told_to_stop_it_claims_nothing_about_rows_it_has_not_seen() -> None:
    asked = iter(range(10**6))
    # long enough for the product to be found; the comparison then ends after its first block
    table = table_of(product())
    whole = fit_table(table, "y", QUICK)
    calls = next(asked)
    answer = fit_table(table, "y", QUICK, stop=lambda: next(asked) > calls)
    assert answer.interrupted
    assert answer.status is not Status.EXACT
    assert replace(whole, interrupted=True) != answer


def test_the_same_answer_twice() -> None:
    table = table_of(product())
    one, two = (fit_table(table, "y", QUICK) for _ in range(2))
    np.testing.assert_array_equal(one.probe_X, two.probe_X)
    assert replace(one, probe_X=two.probe_X, probe_y=two.probe_y) == two
