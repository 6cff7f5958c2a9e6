from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from answers import lens
from conftest import plain_terminal

from nalu_cli.commands.completion import (
    complete_column,
    complete_columns,
    complete_experiment,
    complete_range,
)
from nalu_cli.experiments.papers import EXPERIMENTS
from nalu_cli.storage.model_file import save_model


def context(**given: str) -> typer.Context:
    made = typer.Context(typer.main.get_command(typer.Typer(callback=lambda: None)))
    made.params = dict(given)
    return made


@pytest.fixture
def table(tmp_path: Path) -> str:
    path = tmp_path / "table.csv"
    path.write_text('area,speed [m/s],angle,"a,b",\x07bell\n1,2,3,4,5\n2,3,4,5,6\n')
    return str(path)


def test_columns_begin_with_what_was_typed(table: str) -> None:
    assert complete_column(context(data=table), "a") == ["area", "angle", "a,b"]
    assert complete_column(context(data=table), "sp") == ["speed [m/s]"]
    assert complete_column(context(data=table), "z") == []


def test_lists_are_completed_at_their_end(table: str) -> None:
    assert complete_columns(context(data=table), "") == ["area", "speed [m/s]", "angle"]
    assert complete_columns(context(data=table), "area,a") == ["area,angle"]
    assert complete_columns(context(data=table), "area,angle,") == ["area,angle,speed [m/s]"]


def test_ranges_are_columns_of_the_formula(tmp_path: Path) -> None:
    model = str(tmp_path / "model.pt")
    save_model(lens(), model)
    assert complete_range(context(model=model), "") == ["d1=", "d2=", "n="]
    assert complete_range(context(model=model), "n") == ["n="]
    assert complete_range(context(model=model), "d1=0:1") == []


def test_experiments_begin_with_what_was_typed() -> None:
    assert complete_experiment("") == list(EXPERIMENTS.items())
    assert [name for name, _ in complete_experiment("ident")] == ["identity"]
    assert complete_experiment("z") == []


def test_nothing_is_offered_without_a_file_that_can_be_read(tmp_path: Path) -> None:
    junk = tmp_path / "junk.csv"
    junk.write_bytes(bytes(range(256)) * 20)
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    for given in (str(junk), str(pipe), str(tmp_path), "missing.csv", "-", "", "\0", "x" * 5000):
        assert complete_column(context(data=given), "") == []
        assert complete_columns(context(data=given), "") == []
        assert complete_range(context(model=given), "") == []


def test_completion_of_columns_loads_nothing_heavy(table: str) -> None:
    words = f"nalu fit {table} --target a"
    asked = {"_NALU_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": "4"}
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "nalu_cli"],
        env=plain_terminal() | asked,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.splitlines() == ["area", "angle", "a,b"]
    loaded = set(re.findall(r"\| +([\w.]+)$", done.stderr, re.MULTILINE))
    assert loaded.isdisjoint({"pandas", "sympy", "torch", "matplotlib"})


def test_explain_loads_nothing_heavy(tmp_path: Path) -> None:
    model = str(tmp_path / "model.pt")
    save_model(lens(), model)
    for arguments in ([], ["--json"], ["--as", "sympy"], ["--as", "mathml"]):
        command = [sys.executable, "-X", "importtime", "-m", "nalu_cli", "explain", model]
        done = subprocess.run(
            [*command, *arguments],
            env=plain_terminal(),
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        loaded = set(re.findall(r"\| +([\w.]+)$", done.stderr, re.MULTILINE))
        assert "nalu_cli.storage.model_file" in loaded
        assert loaded.isdisjoint({"pandas", "sympy", "torch", "matplotlib", "scipy"})
