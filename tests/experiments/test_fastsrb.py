from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from nalu_cli.experiments.benchmark_file import INCLUDED, read_laws
from nalu_cli.experiments.known_law import Distribution, Part
from nalu_cli.experiments.sampling import draw_rows, generator
from nalu_cli.experiments.written_formula import is_law, read_truth

LAWS = {law.name: law for law in read_laws(Path("fastsrb"))}


def test_the_laws_of_our_class_are_there_by_name() -> None:
    assert len(LAWS) == 81
    for law in LAWS.values():
        assert is_law(read_truth(law.formula, law.names), law.columns), law.name


def test_a_file_of_that_name_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = json.dumps({"formulas": json.loads(INCLUDED["fastsrb"].read_text())["formulas"][:2]})
    Path("fastsrb").write_text(text)
    assert len(read_laws(Path("fastsrb"))) == 2


def test_the_file_says_whose_it_is() -> None:
    said = json.loads(INCLUDED["fastsrb"].read_text(encoding="utf-8"))
    assert said["source"] == "https://github.com/viktmar/FastSRB"
    assert (said["licence"], said["copyright"]) == ("MIT", "Copyright (c) 2025 Viktor Martinek")
    assert said["permission"].startswith("Permission is hereby granted, free of charge")
    assert said["formula_count"] == len(said["formulas"])


@pytest.mark.parametrize("name", LAWS)
def test_targets_are_those_that_python_computes(name: str) -> None:
    law = LAWS[name]
    rows = draw_rows(law, Part.TRAIN, 5, generator(1, name, 0))
    for x, y in zip(rows.X, rows.y, strict=True):
        columns = dict(zip(law.names, map(float, x), strict=True))
        assert y == pytest.approx(eval(law.formula, {"sqrt": math.sqrt}, columns), rel=1e-7)


@pytest.mark.parametrize("name", LAWS)
def test_values_fill_their_ranges(name: str) -> None:
    law = LAWS[name]
    X = draw_rows(law, Part.TRAIN, 400, generator(1, name, 0)).X
    for values, variable in zip(X.T, law.variables, strict=True):
        low, high = variable.train
        is_signed = variable.distribution is Distribution.LOG_EITHER_SIGN
        sizes = np.abs(values) if is_signed else values
        assert low - 1e-12 * abs(low) <= sizes.min()
        assert sizes.max() <= high * (1 + 1e-12)
        assert ((values < 0).any() and (values > 0).any()) or not is_signed


# as the list of FastSRB has them
@pytest.mark.parametrize(
    ("name", "column", "train", "distribution"),
    [
        ("II.38.3", "A", (1e-4, 1e-2), "log"),
        ("II.38.3", "x", (1e-3, 1e-1), "log_either_sign"),
        ("III.12.43", "n", (1, 100), "integer"),
        ("III.15.27", "alpha", (-100, 100), "integer"),
        ("I.27.6", "n", (1e-1, 1e1), "log"),
        ("I.43.16", "q", (1e-11, 1e-9), "log_either_sign"),
    ],
)
def test_ranges_are_the_published_ones(
    name: str, column: str, train: tuple[float, float], distribution: str
) -> None:
    (variable,) = (v for v in LAWS[f"fastsrb_{name}"].variables if v.name == column)
    assert variable.train == train
    assert variable.distribution == distribution
