"""How a column is printed is told from its cells, and reaches the rows that are fitted."""

from __future__ import annotations

import gzip
import json
import math
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from answers import lens
from hypothesis import given
from hypothesis import strategies as st
from tables import Floats

from nalu_cli.commands.output.json_output import as_json, result
from nalu_cli.problem import pose
from nalu_cli.problem.scaling import Scale
from nalu_cli.problem.subsample import excerpt_of
from nalu_cli.settings import FitSettings
from nalu_cli.storage.model_file import load_model, save_model
from nalu_cli.table import (
    DOUBLES,
    WHOLE,
    Kind,
    LongTable,
    Precision,
    ReadOptions,
    opened_table,
    read_chunks,
    read_table,
    table_of_arrays,
)
from nalu_cli.table.precision import precision_of_texts, precision_of_values


def decimals(digits: int) -> Precision:
    return Precision(Kind.DECIMALS, digits)


def significant(digits: int) -> Precision:
    return Precision(Kind.SIGNIFICANT, digits)


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ("1.50 2.25", decimals(2)),
        ("1.50 2.50", decimals(2)),
        ("1.5 1.25 2", decimals(2)),
        ("0.5 0.25 0.75", decimals(2)),
        ("12.00 7.00", decimals(2)),
        ("1.23e1 4.56e1", decimals(1)),
        ("-1.5 +2.5 3.0", decimals(1)),
        ("12.0 7.0", WHOLE),
        ("1200.0 1200 1234", WHOLE),
        ("1 20", WHOLE),
        ("100 200 500 1000", WHOLE),
        ("50 100 150 200 250 300 350 400", WHOLE),
        ("250 750 1250 1750 2250 2750", WHOLE),
        ("123000 45100 8270 912", significant(3)),
        ("1.20e-3 4.50e-4 9.13e2", significant(3)),
        ("0.0123 0.456 7.89 45.6 789 1234", significant(3)),
        ("0.1 0.2 0.5 1 2 5 10 20", DOUBLES),
        (f"{math.pi!r} {math.e!r} 0.5", DOUBLES),
        ("0.1 0.2 0.30000000000000004", DOUBLES),
        ("1e+20 1.2345678901234567e+20", DOUBLES),
        ("3.141592653589793238 2.5", DOUBLES),
        ("0 0.0 0", DOUBLES),
        ("", DOUBLES),
        ("n/a True x", DOUBLES),
    ],
)
def test_the_rule_a_column_is_written_by(cells: str, expected: Precision) -> None:
    assert precision_of_texts(cells.split()) == expected


def test_one_slip_among_twenty_cells_does_not_change_the_rule() -> None:
    cells = [f"{k / 10 + 1:.1f}" for k in range(1, 60) if k % 10]
    assert precision_of_texts([*cells, "3.1416"]) == decimals(1)


printed = {"rows": st.integers(40, 80), "seed": st.integers(0, 10_000), "keep": st.booleans()}


def over_decades(seed: int, rows: int, low: float, high: float) -> Floats:
    return 10 ** np.random.default_rng(seed).uniform(low, high, rows)


@given(digits=st.integers(1, 6), **printed)
def test_decimals_come_back(digits: int, rows: int, seed: int, keep: bool) -> None:
    texts = [f"{x:.{digits}f}" for x in over_decades(seed, rows, -1, 3)]
    cells = texts if keep else [f"{float(text):.15g}" for text in texts]
    assert precision_of_texts(cells) == decimals(digits)


@given(digits=st.integers(2, 9), **printed)
def test_significant_digits_come_back(digits: int, rows: int, seed: int, keep: bool) -> None:
    texts = [f"{x:.{digits - 1}e}" for x in over_decades(seed, rows, -4, 3)]
    cells = texts if keep else [repr(float(text)) for text in texts]
    assert precision_of_texts(cells) == significant(digits)


@given(digits=st.integers(2, 5), rows=st.integers(40, 80), seed=st.integers(0, 10_000))
def test_significant_digits_of_whole_numbers_come_back(digits: int, rows: int, seed: int) -> None:
    values = over_decades(seed, rows, digits - 1, digits + 3)
    assert precision_of_texts(f"{float(f'{x:.{digits}g}'):.0f}" for x in values) == significant(
        digits
    )


@given(rows=st.integers(5, 80), seed=st.integers(0, 10_000))
def test_doubles_that_nobody_rounded_are_full(rows: int, seed: int) -> None:
    assert precision_of_values(over_decades(seed, rows, -5, 5)) == DOUBLES


@given(rows=st.integers(20, 80), seed=st.integers(0, 10_000))
def test_counts_are_whole_numbers(rows: int, seed: int) -> None:
    assert precision_of_values(np.rint(over_decades(seed, rows, 0, 5))) == WHOLE


@given(st.floats(1e-250, 1e250), st.integers(2, 9))
def test_a_value_lies_within_the_half_width_of_what_is_printed(x: float, digits: int) -> None:
    shown = float(f"{x:.{digits}g}")
    half = significant(digits).half_widths(np.array([shown]))[0]
    assert abs(x - shown) <= half * (1 + 1e-9) or half == 0.5


def test_half_widths_are_half_a_unit_of_the_last_digit() -> None:
    values = np.array([[0.0, 1000.0], [999.9, 1e-5]])
    assert not DOUBLES.half_widths(values).any()
    assert (WHOLE.half_widths(values) == 0.5).all()
    assert (decimals(2).half_widths(values) == 0.005).all()
    # a zero is as precise as the most precise of the others
    np.testing.assert_allclose(
        significant(4).half_widths(values), [[5e-9, 0.5], [0.05, 5e-9]], rtol=1e-12
    )
    assert significant(3).half_widths(np.array([12345.0, 12300.0])).tolist() == [0.5, 50]
    assert significant(3).half_widths(np.zeros(2)).tolist() == [0, 0]


@pytest.mark.parametrize(
    ("precision", "text"),
    [
        (DOUBLES, "full doubles"),
        (WHOLE, "whole numbers"),
        (decimals(1), "1 decimal"),
        (decimals(2), "2 decimals"),
        (significant(4), "4 significant digits"),
    ],
)
def test_it_is_told_in_words(precision: Precision, text: str) -> None:
    assert str(precision) == text


N = 60
VALUES = np.round(over_decades(3, N, 0, 2), 2)
COLUMNS = {
    "n": np.arange(1.0, N + 1),
    "a": VALUES,
    "s": np.array([float(f"{x:.3g}") for x in over_decades(4, N, -3, 3)]),
    "y": np.sqrt(VALUES),
}
EXPECTED = (WHOLE, decimals(2), significant(3), DOUBLES)


def _csv(folder: Path) -> Path:
    path = folder / "t.csv"
    pd.DataFrame(COLUMNS).to_csv(path, index=False)
    return path


def _decimal_commas(folder: Path) -> Path:
    path = folder / "t.csv"
    pd.DataFrame(COLUMNS).to_csv(path, index=False, sep=";", decimal=",")
    return path


def _packed(folder: Path) -> Path:
    path = folder / "t.csv.gz"
    path.write_bytes(gzip.compress(_csv(folder).read_bytes()))
    return path


def _parquet(folder: Path) -> Path:
    path = folder / "t.parquet"
    pd.DataFrame(COLUMNS).astype({"n": int}).to_parquet(path)
    return path


@pytest.mark.parametrize("write", [_csv, _decimal_commas, _packed, _parquet])
def test_files_of_all_kinds(write: Callable[[Path], Path], tmp_path: Path) -> None:
    table = read_table(write(tmp_path))
    assert table.names == tuple(COLUMNS)
    assert tuple(map(table.precision_of, table.names)) == EXPECTED


def test_spreadsheets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = zip(*(column.tolist() for column in COLUMNS.values()), strict=True)
    sheet = pd.DataFrame([list(COLUMNS), *map(list, rows)], dtype=object)
    monkeypatch.setattr("nalu_cli.table.workbook.find_spec", lambda name: True)
    monkeypatch.setattr(pd, "read_excel", lambda *_, **__: sheet)
    (tmp_path / "t.xlsx").write_bytes(b"PK")
    assert read_table(tmp_path / "t.xlsx").precisions == EXPECTED


def test_decimal_numbers_of_a_parquet_file_are_read_as_written(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pd.DataFrame({"a": [Decimal("1.50"), Decimal("2.00")], "b": [1, 2]}).to_parquet(path)
    assert read_table(path).precisions == (decimals(2), WHOLE)


def test_arrays() -> None:
    X = np.column_stack([COLUMNS[name] for name in "nas"])
    assert table_of_arrays(X, COLUMNS["y"], ["n", "a", "s"], "y").precisions == EXPECTED


def test_zeros_at_the_end_are_read_from_the_text(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a;b\n1.500,00;1,20e-3\n2.250,50;4,50e-4\n,1,25e2\n".replace(",1,", "1;1,"))
    table = read_table(path, ReadOptions(thousands=".", na=("1",)))
    assert table.precisions == (decimals(2), significant(3))


def test_long_files_and_their_excerpts(tmp_path: Path) -> None:
    path = _csv(tmp_path)
    with opened_table(path, most=100) as table:
        for block in table.blocks():
            assert block.precisions == EXPECTED
        part = excerpt_of(table, "s", 0, inputs=["y", "a"]).table
    assert part.names == ("y", "a", "s")
    assert part.precisions == (DOUBLES, decimals(2), significant(3))


def test_a_long_file_that_is_sorted_is_known_by_all_of_it(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    cells = [f"{x:.4g}" for x in np.geomspace(1, 1000, 50_000)]
    path.write_text("a,b\n" + "".join(f"{cell},{k}\n" for k, cell in enumerate(cells)))
    table = LongTable("t.csv", lambda: read_chunks(path, block_bytes=100_000), ReadOptions())
    assert next(table.blocks()).precision_of("a") == decimals(3)
    assert excerpt_of(table, "a", 0).table.precision_of("a") == significant(4)


def test_posed_rows_carry_half_widths(tmp_path: Path) -> None:
    table = read_table(_csv(tmp_path))
    problem = pose(table, "s", FitSettings(), test=table)
    for rows in (problem.train, problem.near, problem.far, problem.all_rows()):
        assert rows.half_y is not None
        assert rows.half_X is not None
        np.testing.assert_array_equal(rows.half_y, significant(3).half_widths(rows.y))
        np.testing.assert_array_equal(rows.half_X, np.tile([0, 0.005, 0], (len(rows), 1)))
        assert rows.sigma is None
    assert problem.precision == {
        "n": WHOLE,
        "a": decimals(2),
        "y": DOUBLES,
        "s": significant(3),
    }


def test_a_note_tells_how_the_target_is_printed_where_nobody_would_expect_it(
    tmp_path: Path,
) -> None:
    table = read_table(_csv(tmp_path))
    told = {name: pose(table, name, FitSettings()).notes for name in table.names}
    assert told == {
        "n": (),
        "a": ("the target 'a' is printed with 2 decimals",),
        "s": ("the target 's' is printed with 3 significant digits",),
        "y": (),
    }


def test_rows_of_doubles_and_counts_have_none(tmp_path: Path) -> None:
    table = read_table(_csv(tmp_path))
    rows = pose(table, "y", FitSettings(), inputs=["n"]).train
    assert rows.half_y is None
    assert rows.half_X is None
    counted = pose(table, "n", FitSettings()).train.half_y
    assert counted is not None
    assert (counted == 0.5).all()


def test_a_test_file_has_a_precision_of_its_own(tmp_path: Path) -> None:
    table = read_table(_csv(tmp_path))
    other = table_of_arrays(COLUMNS["n"][:, None], np.sqrt(COLUMNS["n"]), ["n"], "a")
    problem = pose(table, "a", FitSettings(), inputs=["n"], test=other)
    assert problem.far.half_y is None
    halves = problem.all_rows().half_y
    assert halves is not None
    assert (halves[:N] == 0.005).all()
    assert not halves[N:].any()


def test_scaled_rows_have_scaled_half_widths(tmp_path: Path) -> None:
    rows = pose(read_table(_csv(tmp_path)), "s", FitSettings(noise=0.1)).train
    scale = Scale.of(rows)
    down = scale.down(rows)
    sizes: tuple[Any, ...] = (scale.target, scale.columns, scale.target)
    before, after = ((r.half_y, r.half_X, r.sigma) for r in (rows, down))
    for one, other, size in zip(before, after, sizes, strict=True):
        assert one is not None
        assert other is not None
        np.testing.assert_array_equal(other, one / size)


def test_a_model_file_and_the_json_keep_it(tmp_path: Path) -> None:
    precision = dict(zip(COLUMNS, EXPECTED, strict=True))
    save_model(replace(lens(), precision=precision), tmp_path / "model.pt")
    answer = load_model(tmp_path / "model.pt")
    assert answer.precision == precision
    told = json.loads(as_json(result(answer, "explain", None)))["precision"]
    assert told["s"] == {"kind": "significant", "digits": 3}
    assert list(told) == list(COLUMNS)
