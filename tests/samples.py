"""The sample tables and their true formulas, and what it means for a formula to be the true one."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from conftest import ROOT
from numpy.typing import NDArray

FOLDER = ROOT / "sample_data"

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One entry of `answers.toml`, which explains the fields."""

    file: str
    about: str
    target: str
    formula: str
    status: str
    ranges: dict[str, tuple[float, float]]
    seed: int | None = None
    decimals: int | None = None
    source: str = ""
    predict: str = ""
    predicted: list[float] = field(default_factory=list)

    @property
    def path(self) -> Path:
        return FOLDER / self.file

    @property
    def tolerance(self) -> float:
        """Relative error that a recovered formula may have."""
        return 1e-9 if self.status == "exact" else 0.02


SAMPLES = [
    Sample(**entry)
    for entry in tomllib.loads((FOLDER / "answers.toml").read_text(encoding="utf-8"))["table"]
]


def evaluate(formula: str, columns: dict[str, Floats]) -> Floats:
    """The value of a formula in Python syntax, NaN where it is undefined."""
    known = {"sqrt": np.sqrt, "abs": np.abs, "pi": np.pi} | columns

    def stand_in(quoted: re.Match[str]) -> str:
        name = f"column_{len(known)}"
        known[name] = columns[quoted[1]]
        return name

    text = re.sub(r"`([^`]+)`", stand_in, formula)
    with np.errstate(all="ignore"):
        value = eval(text, {"__builtins__": {}}, known)
    rows = len(next(iter(columns.values())))
    return np.broadcast_to(np.asarray(value, dtype=np.float64), rows)


def inside(ranges: dict[str, tuple[float, float]], rng: np.random.Generator) -> dict[str, Floats]:
    """Random points in the box a table was drawn from."""
    return {name: rng.uniform(low, high, 500) for name, (low, high) in ranges.items()}


def outside(ranges: dict[str, tuple[float, float]], rng: np.random.Generator) -> dict[str, Floats]:
    """Random points up to a thousand times larger and smaller than the box, signs kept."""
    return {
        name: values * 10.0 ** rng.uniform(-3, 3, 500)
        for name, values in inside(ranges, rng).items()
    }


def assert_same(
    found: str, true: str, ranges: dict[str, tuple[float, float]], tolerance: float = 1e-9
) -> None:
    """Fail unless both formulas agree inside and far outside the training box.

    Agreement within 2 % over six decades leaves no room for another exponent or another term.
    """
    rng = np.random.default_rng(0)
    for points in (inside(ranges, rng), outside(ranges, rng)):
        np.testing.assert_allclose(
            evaluate(found, points), evaluate(true, points), rtol=tolerance, err_msg=found
        )
