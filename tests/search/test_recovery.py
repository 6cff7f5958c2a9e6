"""What nalu is for: tables with a known law give back that law, and claim no more than is true."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Run
from samples import SAMPLES, Floats, Sample, assert_same, evaluate

QUICK = {"piston.csv", "lens.csv", "messy.csv"}
DEMONSTRATIONS = [sample for sample in SAMPLES if sample.predict]

POSITIVE, NEGATIVE = (1.0, 5.0), (-5.0, -1.0)

OPERATIONS = [
    (operation, ranges)
    for operation in ("a + b", "a - b", "a*b", "a/b", "a**2", "sqrt(a)")
    for ranges in ({"a": POSITIVE, "b": POSITIVE}, {"a": NEGATIVE, "b": NEGATIVE})
    if (operation, ranges["a"]) != ("sqrt(a)", NEGATIVE)
]
"""The six operations of the NALU paper, section 4.1 (Trask et al. 2018), and their mirrors."""


def fit(nalu: Run, *arguments: object) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(nalu("fit", *arguments, "--json").stdout)
    return result


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


@pytest.mark.parametrize(
    "sample",
    [
        pytest.param(sample, marks=() if sample.file in QUICK else pytest.mark.slow, id=sample.file)
        for sample in SAMPLES
    ],
)
def test_a_sample_gives_back_its_formula(sample: Sample, nalu: Run) -> None:
    result = fit(nalu, sample.path, "--target", sample.target)
    assert_same(result["formula"], sample.formula, sample.ranges, sample.tolerance)
    assert result["status"] == sample.status


@pytest.mark.parametrize("sample", DEMONSTRATIONS, ids=lambda sample: sample.file)
def test_small_numbers_teach_sums_and_products_of_large_ones(sample: Sample, nalu: Run) -> None:
    nalu("fit", sample.path, "--target", sample.target)
    predicted = nalu("predict", "model.pt", sample.path.parent / sample.predict).stdout
    assert [float(row["y_predicted"]) for row in rows(predicted)] == sample.predicted


def test_a_number_is_passed_through_unchanged_far_outside_its_training_range(nalu: Run) -> None:
    (sample,) = (sample for sample in SAMPLES if sample.file == "identity.csv")
    nalu("fit", sample.path, "--target", sample.target)
    predicted = rows(nalu("predict", "model.pt", "--range", "x=-20:20:0.25").stdout)
    assert len(predicted) == 161
    assert [float(row["y_predicted"]) for row in predicted] == [
        float(row["x"]) for row in predicted
    ]


@pytest.mark.slow
@pytest.mark.parametrize(("operation", "ranges"), OPERATIONS)
def test_each_operation_of_the_paper_is_found(
    operation: str, ranges: dict[str, tuple[float, float]], nalu: Run, here: Path
) -> None:
    rng = np.random.default_rng(5)
    columns = {name: rng.uniform(*bounds, 200).round(3) for name, bounds in ranges.items()}
    columns["y"] = evaluate(operation, columns)
    cells = zip(*(column.tolist() for column in columns.values()), strict=True)
    lines = [",".join(columns), *(",".join(map(repr, row)) for row in cells)]
    (here / "table.csv").write_text("\n".join(lines), encoding="utf-8")
    result = fit(nalu, "table.csv", "--target", "y")
    assert_same(result["formula"], operation, ranges)
    assert result["status"] == "exact"


@pytest.mark.slow
@pytest.mark.parametrize(
    "law", [np.sin, np.exp, np.tanh, lambda x: x % 1], ids=("sin", "exp", "tanh", "remainder")
)
def test_what_is_no_arithmetic_is_never_called_exact(
    law: Callable[[Floats], Floats], nalu: Run, here: Path
) -> None:
    x = np.linspace(-3, 3, 301).round(2).tolist()
    lines = ["x,y", *(f"{a!r},{float(b)!r}" for a, b in zip(x, law(np.array(x)), strict=True))]
    (here / "table.csv").write_text("\n".join(lines), encoding="utf-8")
    assert fit(nalu, "table.csv", "--target", "y")["status"] in ("approximate", "none")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("file", "options"),
    [("lens.csv", ()), ("area_noisy.csv", ("--train-only", "--effort", "quick"))],
)
def test_the_answer_depends_on_the_seed_alone(
    file: str, options: tuple[str, ...], nalu: Run
) -> None:
    (sample,) = (sample for sample in SAMPLES if sample.file == file)
    answers = [
        fit(nalu, sample.path, "--target", sample.target, *options, "--threads", threads)
        for threads in (1, 1, 2)
    ]
    for answer in answers:
        assert answer.pop("seconds") >= 0
        assert answer.pop("memory_bytes") > 0
    assert answers[0] == answers[1] == answers[2]
