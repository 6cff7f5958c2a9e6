"""The sample tables are what `answers.toml` says they are."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest
from samples import FOLDER, SAMPLES, Floats, Sample, assert_same, evaluate

MADE = [sample for sample in SAMPLES if sample.seed is not None]


def read(sample: Sample) -> dict[str, Floats]:
    """The numeric columns of a sample, read by the standard library alone."""
    data = sample.path.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    german = ";" in lines[0]
    reader = csv.DictReader(
        io.StringIO("\n".join(lines).replace(",", "." if german else ",")),
        delimiter=";" if german else ",",
    )
    rows = [{name.strip(): cell for name, cell in row.items()} for row in reader]
    return {
        name: np.array([float(row[name]) for row in rows])
        for name in (*sample.ranges, sample.target)
    }


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.file)
def test_the_formula_holds_on_every_row(sample: Sample) -> None:
    columns = read(sample)
    expected = evaluate(sample.formula, columns)
    if sample.status == "exact":
        scale = np.abs(columns[sample.target]).max()
        np.testing.assert_allclose(columns[sample.target], expected, rtol=1e-15, atol=1e-15 * scale)
    else:
        error = columns[sample.target] - expected
        assert np.sqrt(np.mean(error**2) / np.mean(expected**2)) < 0.011


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.file)
def test_the_ranges_hold(sample: Sample) -> None:
    columns = read(sample)
    for name, (low, high) in sample.ranges.items():
        assert low <= columns[name].min() < columns[name].max() <= high


@pytest.mark.parametrize("sample", MADE, ids=lambda sample: sample.file)
def test_a_made_table_can_be_made_again(sample: Sample) -> None:
    columns = read(sample)
    rng = np.random.default_rng(sample.seed)
    for name, (low, high) in sample.ranges.items():
        drawn = rng.uniform(low, high, len(columns[name]))
        np.testing.assert_array_equal(columns[name], np.round(drawn, sample.decimals))


def test_every_table_is_small_and_has_an_answer() -> None:
    listed = {sample.file for sample in SAMPLES} | {s.predict for s in SAMPLES if s.predict}
    tables = {path.name: path.stat().st_size for path in FOLDER.glob("*.csv")}
    assert set(tables) == listed
    assert max(tables.values()) < 100_000


@pytest.mark.parametrize("other", ["width*height**1.01", "width*height + 1", "1.03*width*height"])
def test_another_formula_is_told_apart(other: str) -> None:
    ranges = {"width": (1.0, 10.0), "height": (1.0, 10.0)}
    assert_same("1.01*height*width", "width*height", ranges, tolerance=0.02)
    with pytest.raises(AssertionError):
        assert_same(other, "width*height", ranges, tolerance=0.02)
