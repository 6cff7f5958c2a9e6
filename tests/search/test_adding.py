"""A new strategy and a new reduction are a file and a line each; all else follows."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT, plain_terminal

STRATEGY = '''"""Strategy: the mean of all columns."""

from collections.abc import Iterator
from fractions import Fraction

from nalu_cli.circuit.builders import single_sum
from nalu_cli.problem import Problem
from nalu_cli.search.candidate import Candidate
from nalu_cli.search.strategy import Context, Cost, Example, Strategy


def _mean(n: int):
    return single_sum(n, (1 / n,) * n, 0.0, Fraction(1), 1.0)


def _search(problem: Problem, context: Context) -> Iterator[Candidate]:
    size = abs(problem.train.y).mean() / abs(problem.train.X.mean(axis=1)).mean()
    n = problem.train.X.shape[1]
    yield Candidate(single_sum(n, (size / n,) * n, 0.0, Fraction(1), 1.0))
    yield Candidate(_mean(n))


MEAN = Strategy(
    name="mean",
    summary="solved: the mean of all columns",
    cost=Cost.SECONDS,
    example=Example(_mean(3)),
    search=_search,
)
'''

REDUCTION = '''"""Reduction: the target with its sign turned."""

from dataclasses import dataclass, replace

from nalu_cli.circuit import Unit, UnitKind, Term
from nalu_cli.circuit.builders import single_sum
from nalu_cli.problem import Problem
from nalu_cli.search.candidate import Candidate
from nalu_cli.search.reductions.reduction import Reducer
from nalu_cli.search.strategy import Example
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class Turned:
    problem: Problem
    name = "with its sign turned"

    def lift(self, found: Candidate) -> Candidate:
        turn = Unit(UnitKind.PRODUCT, (Term(0, Fraction(1)),), -1.0)
        circuit = replace(found.circuit, layers=(*found.circuit.layers, (turn,)))
        return replace(found, circuit=circuit)


def _reduced(problem: Problem) -> tuple[Turned, ...]:
    return (Turned(problem.with_rows(lambda rows: replace(rows, y=-rows.y))),)


TURN_SIGN = Reducer(
    name="with its sign turned",
    summary="the target with its sign turned",
    reduce=_reduced,
    example=Example(single_sum(2, (-1.0, -1.0), 0.0, Fraction(1), 1.0)),
)
'''

LINES = "    Step((MEAN,)),\n    Step((MEAN,), on=(TURN_SIGN,)),\n"
IMPORTS = (
    "from nalu_cli.search.linear.mean import MEAN\n"
    "from nalu_cli.search.reductions.turn_sign import TURN_SIGN\n"
)
BEFORE = "    Step(CELLS, when=When.CELL),\n"


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with both added, as CONTRIBUTING.md says."""
    copy = tmp_path_factory.mktemp("extended")
    for folder in ("nalu_cli", "tests"):
        shutil.copytree(
            ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__", "*.csv")
        )
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, copy)
    search = copy / "nalu_cli" / "search"
    (search / "linear" / "mean.py").write_text(STRATEGY)
    (search / "reductions" / "turn_sign.py").write_text(REDUCTION)
    schedule = search / "schedule.py"
    text = schedule.read_text()
    assert BEFORE in text
    first = text.index("from nalu_cli.search.linear")
    text = text[:first] + IMPORTS + text[first:]
    schedule.write_text(text.replace(BEFORE, LINES + BEFORE))
    return copy


def run(folder: Path, *arguments: str) -> str:
    environment = plain_terminal() | {"PYTHONPATH": os.fspath(folder)}
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(("sign", "found_by"), [("", "mean"), ("-", "mean with its sign turned")])
def test_fit_names_what_found_the_formula(extended: Path, sign: str, found_by: str) -> None:
    rows = [(a, b, (a + b) / 2) for a in range(1, 9) for b in (3, 5, 11, 12)]
    table = "a,b,y\n" + "".join(f"{a},{b},{sign}{y}\n" for a, b, y in rows)
    (extended / "table.csv").write_text(table)
    printed = run(extended, "-m", "nalu_cli", "fit", "table.csv", "-t", "y", "--json")
    answer = json.loads(printed)
    assert answer["found_by"] == found_by
    assert answer["status"] == "exact"


@pytest.mark.slow
def test_the_laws_and_the_readme_hold_the_newcomers(extended: Path) -> None:
    laws = "tests/search/test_strategy_laws.py"
    run(extended, "-m", "pytest", "-q", laws, "-k", "mean or turned")
    table = run(
        extended,
        "-c",
        "import sys; sys.path.insert(0, 'tests')\n"
        "from test_readme import reductions, schedule, strategies\n"
        "print(strategies(), reductions(), schedule())",
    )
    assert "| `mean` | solved: the mean of all columns |" in table
    assert "| `with its sign turned` | the target with its sign turned |" in table
    assert "| `mean` | `with its sign turned` | always | yes |" in table
