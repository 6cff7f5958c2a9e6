"""Whatever call to the file system fails: one sentence, the right exit code, no good file lost."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest
from answers import lens
from conftest import ROOT, Attacks
from faults import every_fault, failing
from test_model_file import assert_same

from nalu_cli.commands import app
from nalu_cli.errors import ExitCode
from nalu_cli.model_file import load_model, save_model

ROWS = "d1,d2,n\n" + "1,2,3\n" * 50
OLD = "what was there before\n"
SAMPLE = ROOT / "sample_data" / "lens.csv"


@pytest.fixture
def model(here: Path) -> Path:
    save_model(lens(), here / "model.pt")
    (here / "rows.csv").write_text(ROWS)
    return here / "model.pt"


def left(folder: Path) -> dict[str, bytes]:
    """The files of a folder, without what a killed or failed process may leave."""
    return {
        path.name: path.read_bytes()
        for path in folder.iterdir()
        if not path.name.startswith(".nalu-")
    }


def attack(
    arguments: list[str],
    output: str,
    codes: set[ExitCode],
    here: Path,
    attacks: Attacks,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Let each call fail in turn; what is written is whole and new, or the old file."""
    assert app.run(arguments) == ExitCode.DONE
    new = left(here)
    capsys.readouterr()
    results: Counter[str] = Counter()
    for faults in every_fault(random.Random(attacks.seed)):
        if output:
            (here / output).write_text(OLD)
        before = left(here)
        with failing(faults, here):
            code = app.run(arguments)
        said = capsys.readouterr().err.splitlines()
        after = left(here)
        if code == ExitCode.DONE:
            assert after == new, faults
        else:
            assert code in codes, (faults, said)
            assert after in (before, new), faults
            assert [line for line in said if line.startswith("nalu: ")] == said[-1:], faults
        results[f"{'told' if code else 'without effect'}"] += 1
        assert app.run(["explain", "model.pt", "-q"]) == ExitCode.DONE
    attacks.report(f"failing calls of nalu {' '.join(arguments[:1])}", results)
    assert results["told"] > 0
    (here / output).write_text(OLD)
    assert app.run(arguments) == ExitCode.DONE
    assert not [path for path in here.iterdir() if path.name.startswith(".nalu-")]


def test_predict_to_a_file(
    model: Path, here: Path, attacks: Attacks, capsys: pytest.CaptureFixture[str]
) -> None:
    codes = {ExitCode.OUTPUT, ExitCode.MODEL_FILE, ExitCode.DATA}
    attack(
        ["predict", "model.pt", "rows.csv", "-o", "out.csv"],
        "out.csv",
        codes,
        here,
        attacks,
        capsys,
    )


def test_export_to_a_file(
    model: Path, here: Path, attacks: Attacks, capsys: pytest.CaptureFixture[str]
) -> None:
    codes = {ExitCode.OUTPUT, ExitCode.MODEL_FILE}
    attack(
        ["explain", "model.pt", "--as", "python", "-o", "law.py"],
        "law.py",
        codes,
        here,
        attacks,
        capsys,
    )


def test_saving_a_model(
    model: Path,
    here: Path,
    attacks: Attacks,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answer = lens(target="new")
    monkeypatch.setattr("nalu_cli.pipeline.fit_table", lambda *_, **__: answer)
    results: Counter[str] = Counter()
    for faults in every_fault(random.Random(attacks.seed)):
        save_model(lens(), model)
        with failing(faults, here):
            code = app.run(["fit", str(SAMPLE), "-t", "f", "--quiet"])
        out, err = capsys.readouterr()
        found = load_model(model)
        if code == ExitCode.DONE:
            assert_same(found, answer)
        else:
            assert code == ExitCode.OUTPUT, (faults, err)
            assert err.startswith("nalu: model.pt cannot be ")
            # what was found is told even when it cannot be saved
            assert faults.failed in ("open", "read") or out == "d1*d2/(d1*n + d2)\n"
            assert_same(found, lens())
        results["told" if code else "without effect"] += 1
    attacks.report("failing calls while a model is saved", results)
    assert min(results.values()) > 0
