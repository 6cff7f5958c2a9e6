"""Small problems with known answers, and stand-ins for running them."""

from __future__ import annotations

import json
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from nalu_cli.experiments.known_law import KnownLaw, Variable
from nalu_cli.experiments.trial import Conditions, Outcome, Trial
from nalu_cli.settings import Status

OHM = {
    "id": "ohm",
    "set": "physics",
    "expression": "R*I",
    "target": "U",
    "variables": [
        {"name": "R", "train": [1, 5], "dist": "uniform", "extrapolation": [5, 13]},
        {"name": "I", "train": [1, 5], "dist": "uniform", "extrapolation": [5, 13]},
    ],
    "n_rows": 60,
    "depth": 1,
}

LENS = {
    "id": "lens",
    "set": "optics",
    "expression": "1/(1/d1+n/d2)",
    "target": "f",
    "variables": [
        {"name": "d1", "train": [1, 5], "dist": "uniform", "extrapolation": [5, 13]},
        {"name": "d2", "train": [1, 5], "dist": "uniform", "extrapolation": [5, 13]},
        {"name": "n", "train": [1, 5], "dist": "uniform", "extrapolation": [5, 13]},
    ],
    "n_rows": 100,
    "depth": 3,
}

SUITES = {
    "pairs": {
        "task": "single",
        "inputs": 2,
        "ops": ["add", "mul"],
        "seeds": [0, 1],
        "cases": [
            {"name": "low", "train": [[1, 2]], "extrapolation": [[2, 6]]},
            {"name": "both", "train": [[-2, 2]], "extrapolation": [[-6, -2], [2, 6]]},
        ],
    },
    "sums": {
        "task": "subset",
        "inputs": 8,
        "subset_ratio": 0.5,
        "ops": ["div"],
        "seeds": [0, 0],
        "cases": [{"name": "low", "train": [[1, 2]], "extrapolation": [[2, 6]]}],
    },
}
SUITES["wide"] = {**SUITES["sums"], "subset_ratio": 0.9}


def write_laws(path: Path, *laws: dict[str, Any]) -> Path:
    path.write_text(json.dumps({"formulas": laws or [OHM, LENS]}), encoding="utf-8")
    return path


def write_suites(path: Path, **suites: dict[str, Any]) -> Path:
    path.write_text(json.dumps({"suites": suites or SUITES}), encoding="utf-8")
    return path


def law(formula: str, *names: str, low: float = 1, high: float = 5, **rest: Any) -> KnownLaw:
    """A law of uniform columns."""
    far = (high, 3 * high)
    variables = tuple(Variable(name, (low, high), far) for name in names)
    return KnownLaw(rest.pop("name", "law"), formula, "y", variables, **rest)


def hiding(known: KnownLaw, name: str) -> KnownLaw:
    """The law with one of its variables hidden."""
    variables = (replace(v, is_hidden=v.is_hidden or v.name == name) for v in known.variables)
    return replace(known, variables=tuple(variables))


def trial(name: str = "law", seed: int = 0) -> Trial:
    return Trial(
        law=law("a*b", "a", "b", name=name),
        seed=seed,
        labels=("set", "1"),
        conditions=Conditions(),
    )


def outcome(name: str, **rest: Any) -> Outcome:
    """An outcome that is recovered and exact unless something else is said."""
    said: dict[str, Any] = {
        "seed": 0,
        "labels": ("set", "1"),
        "recovered": True,
        "verdict": Status.EXACT,
        "far_error": 0.0,
        "seconds": 0.5,
        "found_by": "product",
        "formula": "a*b",
    }
    return Outcome(name=name, **(said | rest))


def stand_in(given: Trial) -> Outcome:
    """Does what the trial's name says, in place of a fit."""
    if given.law.name == "dies":
        os._exit(7)
    if given.law.name == "hangs":
        time.sleep(600)
    return outcome(given.law.name, seed=given.seed, found_by=str(os.getpid()))


def never() -> bool:
    return False
