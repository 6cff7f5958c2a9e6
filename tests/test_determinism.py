"""The same table and seed: the same answer to the last bit, in any process, on any threads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import ROOT, Run

TIMED = {"seconds", "memory_bytes", "threads", "arguments"}
"""Entries of the JSON that tell how a run went and not what it found."""


def found(nalu: Run, *arguments: object) -> dict[str, Any]:
    said = json.loads(nalu("fit", *arguments, "--json", "--quiet").stdout)
    return {key: value for key, value in said.items() if key not in TIMED}


@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments",
    [
        (ROOT / "sample_data" / "lens.csv", "--target", "f"),
        (ROOT / "sample_data" / "area_noisy.csv", "--target", "area", "--train-only"),
    ],
    ids=["exact", "trained on noise"],
)
def test_threads_and_repeats_change_nothing(nalu: Run, arguments: tuple[object, ...]) -> None:
    first = found(nalu, *arguments, "--threads", 1)
    assert found(nalu, *arguments, "--threads", 1) == first
    assert found(nalu, *arguments, "--threads", 2) == first
    assert found(nalu, *arguments, "--threads", 2, "--seed", 1)["seed"] != first["seed"]


@pytest.mark.slow
def test_equal_runs_save_equal_models(nalu: Run, here: Path) -> None:
    rng = np.random.default_rng(3)
    X = rng.uniform(1, 4, (120, 2))
    y = X[:, 0] / (X[:, 0] + 2 * X[:, 1])
    rows = "\n".join(",".join(map(repr, row)) for row in np.c_[X, y].tolist())
    (here / "table.csv").write_text(f"a,b,y\n{rows}\n")
    outputs = []
    for threads in (1, 2):
        nalu("fit", "table.csv", "--target", "y", "--threads", threads)
        outputs.append(nalu("predict", "model.pt", "table.csv").stdout)
    assert outputs[0] == outputs[1]
