"""Whatever call to the file system fails: one sentence, the right exit code, no good file lost."""

from __future__ import annotations

import json
import random
import resource
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from answers import lens
from conftest import ROOT, Attacks, plain_terminal
from faults import every_fault, failing
from saved_models import assert_same

from nalu_cli.commands import app
from nalu_cli.errors import ExitCode
from nalu_cli.storage.model_file import load_model, save_model
from nalu_cli.table.chunks import read_chunks

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
            assert_same(found, replace(answer, command=found.command))
        else:
            assert code == ExitCode.OUTPUT, (faults, err)
            assert err.startswith("nalu: model.pt cannot be ")
            # what was found is told even when it cannot be saved
            assert faults.failed in ("open", "read") or out == "d1*d2/(d1*n + d2)\n"
            assert_same(found, lens())
        results["told" if code else "without effect"] += 1
    attacks.report("failing calls while a model is saved", results)
    assert min(results.values()) > 0


# limits of the system, in a process of its own


def limited(limit: int, most: int, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `nalu` with a limit on something, such as the size of files."""
    return subprocess.run(
        [sys.executable, "-m", "nalu_cli", *arguments],
        env=plain_terminal() | {"PYTHONPATH": str(ROOT)},
        preexec_fn=lambda: resource.setrlimit(limit, (most, most)),
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_a_file_that_may_not_grow_is_told(model: Path, here: Path) -> None:
    (here / "out.csv").write_text(OLD)
    before = left(here)
    done = limited(
        resource.RLIMIT_FSIZE,
        50_000,
        "predict",
        "model.pt",
        "--range",
        "d1=1:9000",
        "-o",
        "out.csv",
    )
    assert done.returncode == ExitCode.OUTPUT
    assert done.stderr.splitlines()[-1] == (
        "nalu: out.csv cannot be written: file too large. Free some space or name another file."
    )
    assert left(here) == before


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_file_that_may_not_grow_ends_standard_output_too(
    unbuffered: str, model: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)
    with (here / "out.csv").open("wb") as out:
        done = subprocess.run(
            [sys.executable, "-m", "nalu_cli", "predict", "model.pt", "--range", "d1=1:9000", "-q"],
            env=plain_terminal() | {"PYTHONPATH": str(ROOT)},
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000)),
            stdout=out,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
        )
    assert done.returncode == ExitCode.OUTPUT
    assert done.stderr == "nalu: standard output cannot be written: file too large.\n"


def test_too_little_memory_is_told_and_the_formula_too(
    model: Path,
    here: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("nalu_cli.pipeline.fit_table", lambda *_, **__: lens())

    def fails(*_: object) -> None:
        raise ImportError("libtorch_cpu.so: failed to map segment from shared object")

    monkeypatch.setattr("nalu_cli.commands.output.save_and_show.save_model", fails)
    code = app.run(["fit", str(SAMPLE), "-t", "f", "--json"])
    out, err = capsys.readouterr()
    assert code == ExitCode.RESOURCE
    assert "nalu: there is not enough memory. Use fewer rows" in err
    data = json.loads(out)
    assert (data["formula"], data["model"]) == ("d1*d2/(d1*n + d2)", None)
    assert data["error"]["exit_code"] == ExitCode.RESOURCE


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is such a device")
def test_a_device_that_is_not_there_is_told(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = app.run(["fit", str(SAMPLE), "-t", "f", "--device", "cuda", "--train-only"])
    assert code == ExitCode.RESOURCE
    assert "there is no CUDA device" in capsys.readouterr().err
    assert not (here / "model.pt").exists()


@pytest.mark.parametrize("name", ["x" * 300, "loop", "folder/x"])
def test_names_that_cannot_be_used_are_told(
    name: str, model: Path, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "loop").symlink_to("loop")
    for arguments in (
        ["explain", "model.pt", "--as", "latex", "-o", name],
        ["predict", "model.pt", "rows.csv", "-o", name],
        ["fit", str(SAMPLE), "-t", "f", "-o", name],
    ):
        assert app.run(arguments) == ExitCode.OUTPUT
        assert "cannot be written" in capsys.readouterr().err


# failures as JSON


@pytest.mark.parametrize(
    ("arguments", "command", "kind"),
    [
        ("fit none.csv -t y --json", "fit", "usage"),
        ("fit rows.csv --tagret y --json", "fit", "usage"),
        ("fit empty.csv -t y --json", "fit", "data"),
        ("fit rows.csv -t n -o none/model.pt --json", "fit", "output"),
        ("explain none.pt --json", "explain", "model_file"),
        ("explain rows.csv --json", "explain", "model_file"),
        ("predict model.pt few.csv --json", "predict", "usage"),
        ("predict model.pt bad.csv --json", "predict", "data"),
        ("predict none.pt bad.csv --json", "predict", "model_file"),
        ("bench ops none.json --suite x --json", "bench ops", "usage"),
        ("bench formulas bad.csv --json", "bench formulas", None),
        ("--json", None, "usage"),
    ],
)
def test_a_failure_is_one_json_object(
    arguments: str,
    command: str | None,
    kind: str | None,
    model: Path,
    here: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (here / "empty.csv").touch()
    (here / "few.csv").write_text("d1,n\n1,2\n")
    (here / "bad.csv").write_text("d1,d2,n\n1,two,3\n1,2,3\n")
    code = app.run(arguments.split())
    out, err = capsys.readouterr()
    data: dict[str, Any] = json.loads(out)
    assert data["nalu_result_version"] == 1
    assert data["command"] == command
    assert data["status"] == "error" or "predictions" in data
    assert data["error"]["exit_code"] == code
    assert kind is None or data["error"]["kind"] == kind
    # people are told the same
    assert f"nalu: {data['error']['message']}\n" in err


def test_rows_before_a_failure_are_whole_json(
    model: Path, here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    in_pieces = partial(read_chunks, block_bytes=60)
    monkeypatch.setattr("nalu_cli.commands.run.predict_rows.read_chunks", in_pieces)
    (here / "bad.csv").write_text(ROWS + "1,two,3\n")
    assert app.run(["predict", "model.pt", "bad.csv", "--json"]) == ExitCode.DATA
    data = json.loads(capsys.readouterr().out)
    assert len(data["predictions"]) > 0
    assert {len(row) for row in data["predictions"]} == {len(data["columns"])}
    assert "'two' is not a number" in data["error"]["message"]
