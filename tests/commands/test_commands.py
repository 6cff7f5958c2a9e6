from __future__ import annotations

import csv
import io
import json
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from answers import lens, of, product
from conftest import ROOT, Run, plain_terminal

from nalu_cli.answer import Answer, Progress
from nalu_cli.circuit import Circuit
from nalu_cli.commands import app
from nalu_cli.errors import DataError, ExitCode, OutputError
from nalu_cli.problem import pose
from nalu_cli.settings import CellName, Device, Effort, ExportFormat, FitSettings, Status
from nalu_cli.storage.model_file import load_model, save_model
from nalu_cli.table import read_chunks

SAMPLE = ROOT / "sample_data" / "lens.csv"

RESULT_KEYS = (
    "nalu_result_version command status interrupted target inputs formula latex complexity "
    "constants errors noise precision front rivals snap found_by layers restarts caveats seconds "
    "memory_bytes seed device versions model"
)

Said = tuple[int, str, str]
Cli = Callable[..., Said]


@pytest.fixture
def cli(here: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Run a command in this process: exit code, stdout, stderr."""

    def run(*arguments: object) -> Said:
        code = app.run([str(argument) for argument in arguments])
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return int(code), said.out, said.err

    return run


class Engine:
    """Stands in for the search: notes how it was called and gives the answer it was given."""

    def __init__(self) -> None:
        self.answer: Answer = lens()
        self.error: BaseException | None = None
        self.call: dict[str, Any] = {}

    def __call__(self, table: Any, target: str, settings: FitSettings, **rest: Any) -> Answer:
        self.call = {"table": table, "target": target, "settings": settings, **rest}
        pose(table, target, settings, inputs=rest["inputs"], ignore=rest["ignore"])
        answer = self.answer
        rest["watch"](Progress("sum", 1, 0, answer.names, answer.circuit, 0.5, 0.1, None))
        if self.error is not None:
            raise self.error
        return self.answer


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    stand_in = Engine()
    monkeypatch.setattr("nalu_cli.pipeline.fit_table", stand_in)
    return stand_in


@pytest.fixture
def model(here: Path) -> Path:
    save_model(lens(), here / "model.pt")
    return here / "model.pt"


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


# fit


def test_a_sample_is_fitted_explained_and_applied(nalu: Run, here: Path) -> None:
    done = nalu("fit", SAMPLE, "--target", "f")
    assert done.stdout.startswith("f = d1*d2/(d1*n + d2)          exact: agrees to rounding on all")
    assert "nalu explain model.pt · nalu predict model.pt new.csv" in done.stdout
    assert "solving for an algebraic relation" in done.stderr
    assert "d1*n + d2 != 0" in nalu("explain", "model.pt").stdout
    table = rows(nalu("predict", "model.pt", SAMPLE).stdout)
    assert all(float(row["f"]) == pytest.approx(float(row["f_predicted"])) for row in table)
    assert {row["guard"] for row in table} <= {"inside", "edge", "outside"}


def test_fit_prints_saves_and_says_what_to_do_next(cli: Cli, engine: Engine, here: Path) -> None:
    code, out, err = cli("fit", SAMPLE, "-t", "f", "-o", "law.pt")
    assert code == ExitCode.DONE
    assert out.splitlines()[0].startswith("f = d1*d2/(d1*n + d2)")
    assert out.splitlines()[-1].startswith("saved law.pt   next: nalu explain law.pt")
    assert err.startswith("fitting one sum  0 s   held-out error 0.5  d1*d2/(d1*n + d2)")
    assert load_model("law.pt").target == "f"


def test_quiet_prints_the_formula_alone(cli: Cli, engine: Engine) -> None:
    assert cli("fit", SAMPLE, "-t", "f", "--quiet") == (0, "d1*d2/(d1*n + d2)\n", "")
    assert cli("explain", "model.pt", "-q") == (0, "d1*d2/(d1*n + d2)\n", "")


def test_json_is_one_object_with_all_keys(cli: Cli, engine: Engine) -> None:
    engine.answer = lens(noise=float("nan"))
    _, out, _ = cli("fit", SAMPLE, "-t", "f", "--json")
    data = json.loads(out, parse_constant=pytest.fail)
    assert " ".join(data) == RESULT_KEYS
    assert data["nalu_result_version"] == 1
    assert data["command"] == "fit"
    assert data["status"] == "exact"
    assert data["formula"] == "d1*d2/(d1*n + d2)"
    assert data["latex"].startswith("\\frac{d_{1}")
    assert data["noise"] is None
    assert data["constants"][0] == {
        "value": 0.5,
        "name": "1/2",
        "odds": 0.01,
        "standard_error": None,
    }
    assert data["errors"]["far"] == {
        "rows": 150,
        "max_relative": 3.3e-16,
        "rmse": None,
        "r2": None,
    }
    assert data["front"][0] == {"formula": "0.69", "complexity": 3, "far_rmse": 0.42}
    assert data["snap"] == {
        "weights": 2,
        "gates": 1,
        "divided_gates": 1,
        "largest_move": pytest.approx(0.2),
        "constants_left": 2,
    }
    assert data["model"] == "model.pt"
    _, out, _ = cli("explain", "model.pt", "--json")
    again = json.loads(out)
    assert again == data | {"command": "explain", "memory_bytes": again["memory_bytes"]}


def test_every_option_reaches_the_engine(cli: Cli, engine: Engine, here: Path) -> None:
    (here / "data.csv").write_text('a;"b,c";d;y\n1,5;2;3;4\n2,5;3;4;5\nbad;3;4;5\n')
    options = (
        '--inputs a --inputs "b,c" --ignore d --far 0.2 --effort thorough --time 9.5 --cell nac '
        "--layers 3 --train-only --ternary --no-constants --noise 0.125 --seed 11 --device cpu "
        "--threads 3 --sep ; --decimal , --encoding utf-8 --skip-bad-rows --test data.csv"
    )
    code, _, err = cli("fit", "data.csv", "-t", "y", *options.split())
    assert code == 0, err
    call = engine.call
    assert call["settings"] == FitSettings(
        effort=Effort.THOROUGH,
        time_limit=9.5,
        cell=CellName.NAC,
        layers=3,
        train_only=True,
        ternary=True,
        constants=False,
        noise=0.125,
        far_share=0.2,
        seed=11,
        device=Device.CPU,
        threads=3,
    )
    assert call["inputs"] == ["a", "b,c"]
    assert call["ignore"] == ["d"]
    assert call["table"].header == ("a", "b,c", "d", "y")
    assert call["test"].header == ("a", "b,c", "d", "y")


def test_the_defaults_are_those_of_the_settings(cli: Cli, engine: Engine) -> None:
    cli("fit", SAMPLE, "-t", "f")
    assert engine.call["settings"] == FitSettings()
    assert engine.call["inputs"] is None
    assert engine.call["ignore"] == []


@pytest.mark.parametrize("status", Status)
def test_require_exact_fails_on_anything_less_but_saves(
    status: Status, cli: Cli, engine: Engine, here: Path
) -> None:
    engine.answer = lens(status=status)
    code, _, _ = cli("fit", SAMPLE, "-t", "f", "--require-exact")
    assert code == (ExitCode.DONE if status.is_exact else ExitCode.NOT_EXACT)
    assert (here / "model.pt").exists()


def test_a_missing_target_lists_the_columns(cli: Cli) -> None:
    code, out, err = cli("fit", SAMPLE)
    assert (code, out) == (ExitCode.USAGE, "")
    assert "has the columns d1, d2, n, f. Name the one to explain" in err


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ("fit {data} -t g", 2, "lens.csv has no column 'g'"),
        ("fit {data} -t f --ignore zzz", 2, "has no column 'zzz'"),
        ("fit none.csv -t y", 2, "none.csv"),
        ("fit", 2, "missing argument 'DATA'. Try nalu fit --help."),
        ("fit {data} -t f --time nan", 2, "--time is nan; it must be more than 0"),
        ("fit {data} -t f --time 0", 2, "--time is 0.0"),
        ("fit {data} -t f --far ,2", 2, "',2' is no number"),
        ("fit {data} -t f --layers 9", 2, "--layers is 9; it must be 1 to 5"),
        ("fit {data} -t f --layers two", 2, "'--layers': 'two' is no whole number. Try nalu fit"),
        ("fit {data} -t f --noise much", 2, "--noise is 'much'; it must be auto or a number"),
        ("fit {data} -t f --effort huge", 2, "'--effort': 'huge' is not one of"),
        ("fit {data} -t f --tagret f", 2, "--target"),
        ("fti {data}", 2, "no such command 'fti'. Did you mean 'fit'? Try nalu --help."),
        ("fit {data} -t f -o none/model.pt", 5, "there is no folder"),
        ("fit {data} -t f -o {data}", 2, "would overwrite"),
        ("fit {data} -t f -o .", 5, "is a folder"),
        ("fit {data} -t f -o -", 2, "a model is saved to a file"),
        ("fit {data} -t f -o notes.txt", 5, "notes.txt exists and is no model"),
        ("fit {data} -t f --report none/law.html", 5, "there is no folder"),
        ("fit {data} -t f --report law.pdf", 2, "must end in .html or .htm"),
        ("fit {data} -t f --report -", 2, "--report is '-'; the file's name must end in"),
        ("fit {data} -t f --plot law.jpg", 2, "--plot is 'law.jpg'; the file's name must end in"),
        ("fit {data} -t f -o law.svg --plot law.svg", 2, "'law.svg' is to hold two results"),
        ("fit empty.csv -t f", 3, "empty"),
        ("explain none.pt", 4, "there is no file none.pt"),
        ("explain {data}", 4, "is no nalu model"),
        ("explain model.pt --as fortran", 2, "fortran"),
        ("explain model.pt --as latex --json", 2, "--as and --json"),
        ("explain model.pt --as latex --stack", 2, "--as and --stack"),
        ("explain model.pt -o model.pt", 2, "would overwrite"),
        ("explain model.pt --plot none/law.png", 5, "there is no folder"),
        ("explain model.pt -o law.html --report law.html", 2, "to hold two results"),
        ("predict model.pt", 2, "neither rows nor --range"),
        ("predict model.pt {data} --range d1=1", 2, "both a file and --range"),
        ("predict model.pt --range q=1", 2, "model.pt has no column 'q'; it has d1, d2, n"),
        ("predict model.pt --range d1=5:1:1", 2, "runs backwards"),
        ("predict model.pt --range d1=1,5:2", 2, "such as x=0:10:0.5"),
        ("predict model.pt --range d1=0:1e9:1", 2, "at most 10,000,000"),
        ("predict model.pt few.csv", 2, "few.csv has no column 'd2'; it has d1, D 2, n. Did you"),
        ("predict model.pt bad.csv", 3, "bad.csv, row 2, column 'd2': 'two' is not a number"),
        ("predict model.pt {data} -o {data}", 2, "would overwrite"),
        ("predict none.pt {data}", 4, "none.pt"),
    ],
)
def test_each_mistake_has_its_exit_code_and_one_sentence(
    arguments: str, code: int, message: str, cli: Cli, model: Path, here: Path, engine: Engine
) -> None:
    (here / "notes.txt").write_text("my notes")
    (here / "empty.csv").touch()
    (here / "few.csv").write_text("d1,D 2,n\n1,2,3\n")
    (here / "bad.csv").write_text("d1,d2,n\n1,two,3\n1,2,3\n")
    found, out, err = cli(*arguments.format(data=SAMPLE).split())
    assert found == code, err
    assert message in err
    assert err.count("\n") == 1
    assert out == "" or "--json" in arguments or "predict model.pt bad" in arguments
    assert SAMPLE.read_bytes().startswith(b"d1,")


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (DataError("all is\x1b[31m lost"), 3, "nalu: all is\\x1b[31m lost."),
        (MemoryError(), 6, "not enough memory"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"), 6, "not enough"),
        (torch.OutOfMemoryError("CUDA out of memory"), 6, "not enough memory"),
        (KeyboardInterrupt(), 130, ""),
        (ZeroDivisionError("secret"), 70, "this is a bug in nalu (ZeroDivisionError). The details"),
    ],
)
def test_what_goes_wrong_inside_is_told_without_a_traceback(
    error: BaseException, code: int, message: str, cli: Cli, engine: Engine
) -> None:
    engine.error = error
    found, out, err = cli("fit", SAMPLE, "-t", "f")
    assert (found, out) == (code, "")
    assert message in err
    log = re.search(r"The details are in (\S+\.log)", err)
    if code == ExitCode.BUG:
        assert log is not None
        path = Path(log[1])
        assert "ZeroDivisionError: secret" in path.read_text()
        path.unlink()


def test_the_formula_is_printed_even_when_it_cannot_be_saved(
    cli: Cli, engine: Engine, here: Path
) -> None:
    code, out, err = cli("fit", SAMPLE, "-t", "f", "-o", "/dev/full")
    assert code == ExitCode.OUTPUT
    assert "d1*d2/(d1*n + d2)" in out
    assert "saved" not in out
    assert "/dev/full cannot be written: no space left" in err


# explain


def test_explain_exports_every_format(cli: Cli, model: Path, here: Path) -> None:
    for export in ExportFormat:
        code, out, _ = cli("explain", model, "--as", export)
        assert code == 0
        assert cli("explain", model, "--as", export, "-o", "law") == (0, "", "wrote law\n")
        assert (here / "law").read_text() == out
    assert "d1*d2/(d1*n + d2)" in cli("explain", model, "--as", "text")[1]


def test_the_whole_stack_is_shown_when_asked_for(cli: Cli, model: Path) -> None:
    code, out, _ = cli("explain", model)
    assert code == 0
    assert "u1_1 = d1*n" in out
    assert "0.980000" not in out
    assert "0.980000" in cli("explain", model, "--stack")[1]
    data = json.loads(cli("explain", model, "--json")[1])
    whole = json.loads(cli("explain", model, "--stack", "--json")[1])
    stack = whole.pop("stack")
    assert set(whole) == set(data)
    assert len(stack) == data["snap"]["weights"] + data["snap"]["gates"]
    assert stack[1] == {
        **{"layer": 0, "unit": 0, "source": "gate"},
        **{"trained": 0.01, "snapped": 0.0, "cost": None},
    }


# predict


def test_rows_keep_their_cells_and_gain_two_columns(cli: Cli, model: Path, here: Path) -> None:
    (here / "new.csv").write_text("n,note,d2,d1,guard\n3,=1+1,2,1.50,old\n3,x,2,,\n3,,2,900,\n")
    code, out, err = cli("predict", model, "new.csv")
    assert code == 0
    value = 1.5 * 2 / (1.5 * 3 + 2)
    assert out.splitlines()[:2] == [
        "n,note,d2,d1,guard,f_predicted,guard_2",
        f"3,=1+1,2,1.50,old,{value!r},inside",
    ]
    assert [row["guard_2"] for row in rows(out)] == ["inside", "missing", "outside"]
    assert rows(out)[1]["f_predicted"] == ""
    assert "3 rows: 1 inside, 1 missing, 1 outside" in err


def test_a_target_in_the_file_gives_errors_on_stderr(cli: Cli, model: Path, here: Path) -> None:
    (here / "new.csv").write_text("d1,d2,n,f\n1,2,3,0.4\n2,2,1,1.25\n1,1,,5\n")
    _, out, err = cli("predict", model, "new.csv")
    assert re.search(r"with a target +2 +0\.2 +0\.18", err)
    assert "max relative" not in out


def test_a_decimal_comma_stays_one(cli: Cli, model: Path, here: Path) -> None:
    (here / "new.csv").write_text("d1;d2;n\n1,5;2,5;3,5\n2,5;2,5;2,5\n")
    _, out, _ = cli("predict", model, "new.csv")
    assert out.splitlines()[0] == "d1;d2;n;f_predicted;guard"
    value = 1.5 * 2.5 / (1.5 * 3.5 + 2.5)
    assert out.splitlines()[1] == f"1,5;2,5;3,5;{str(value).replace('.', ',')};inside"


def test_bad_cells_are_passed_over_only_when_asked(cli: Cli, model: Path, here: Path) -> None:
    (here / "new.csv").write_text("d1,d2,n\n1,two,3\n1,2,3\n1,2,4\n")
    code, out, _ = cli("predict", model, "new.csv", "--skip-bad-rows")
    assert code == 0
    assert [row["guard"] for row in rows(out)] == ["missing", "inside", "inside"]


def test_a_range_is_a_grid_and_medians_fill_the_rest(cli: Cli, model: Path) -> None:
    code, out, err = cli("predict", model, "--range", "n=1:2:0.5", "--range", "d1=1,100")
    assert code == 0
    table = rows(out)
    assert [(row["d1"], row["d2"], row["n"]) for row in table] == [
        (d1, "2.75", n) for n in ("1.0", "1.5", "2.0") for d1 in ("1.0", "100.0")
    ]
    assert [row["guard"] for row in table] == ["inside", "outside"] * 3
    assert float(table[0]["f_predicted"]) == 2.75 / 3.75
    assert "'d2' is not given; its training median 2.75 is taken" in err
    assert "\n1 row: 1 inside\n" in cli("predict", model, "--range", "n=1")[2]


def test_predictions_as_json(cli: Cli, model: Path, here: Path) -> None:
    _, out, _ = cli("predict", model, "--range", "d1=0,1", "--range", "d2=0", "--json", "-q")
    data = json.loads(out, parse_constant=pytest.fail)
    assert " ".join(data) == (
        "nalu_result_version command model target formula status fixed output columns "
        "predictions rows guard errors caveats"
    )
    assert data["columns"] == ["d1", "d2", "n", "f_predicted", "guard"]
    assert data["predictions"] == [[0, 0, 3, None, "undefined"], [1, 0, 3, 0, "outside"]]
    assert (data["rows"], data["fixed"]) == (2, {"n": 3.0})
    _, out, _ = cli("predict", model, "--range", "d1=1:9", "-o", "grid.csv", "--json")
    assert json.loads(out)["predictions"] is None
    assert json.loads(out)["output"] == "grid.csv"
    assert len(rows((here / "grid.csv").read_text())) == 9


def test_large_files_are_streamed(cli: Cli, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    in_parts = partial(read_chunks, block_bytes=1000)
    monkeypatch.setattr("nalu_cli.commands.run.predict_rows.read_chunks", in_parts)
    save_model(of(Circuit(1, ((product((0, 2), scale=0.1),),)), ("x",)), here / "square.pt")
    x = np.random.default_rng(0).normal(0, 1e150, 1050).tolist()
    (here / "x.csv").write_text("x,y\n" + "".join(f"{v!r},{0.1 * v**2!r}\n" for v in x))
    _, out, err = cli("predict", "square.pt", "x.csv")
    assert [float(row["y_predicted"]) for row in rows(out)] == [0.1 * v**2 for v in x]
    assert re.search(r"with a target +1050 +0 +0 +1\n", err)
    code, _, err = cli("predict", "square.pt", "x.csv", "-o", "out.csv", "-q")
    assert (code, err) == (0, "")
    assert (here / "out.csv").read_text() == out


# the terminal


@pytest.mark.parametrize(
    "arguments", [["--help"], ["fit", "--help"], ["explain", "--help"], ["predict", "--help"], []]
)
def test_help_begins_with_examples(arguments: list[str], cli: Cli) -> None:
    code, out, err = cli(*arguments)
    assert code == (ExitCode.DONE if arguments else ExitCode.USAGE)
    lines = (out + err).splitlines()
    assert lines[2] == "  Examples:"
    assert lines[4].startswith("    nalu ")
    assert max(map(len, lines)) <= 100


@pytest.mark.parametrize("arguments", [["--version"], ["fit", "--version"]])
def test_version(arguments: list[str], cli: Cli) -> None:
    assert cli(*arguments) == (0, "nalu 0.1.0\n", "")


def test_columns_are_completed_from_the_header(here: Path) -> None:
    (here / "data.csv").write_bytes(SAMPLE.read_bytes())
    words = {"COMP_WORDS": "nalu fit data.csv --target d", "COMP_CWORD": "4"}
    done = nalu_process(env=environment(_NALU_COMPLETE="complete_bash", **words))
    assert done.stdout.split() == [b"d1", b"d2"]


def test_help_imports_few_modules() -> None:
    code = "import atexit, sys; from nalu_cli.commands.app import main\n"
    code += "atexit.register(lambda: print(len(sys.modules), file=sys.stderr))\n"
    code += "sys.argv[1:] = ['fit', '--help']; main()"
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, env=environment(), capture_output=True, check=True, text=True, timeout=60
    )
    assert int(done.stderr) < 350  # numpy alone would bring more than a hundred


@pytest.mark.parametrize(
    ("arguments", "barred"),
    [
        (["--help"], {"numpy", "pandas", "rich", "sympy", "torch"}),
        (["fit", "--help"], {"numpy", "pandas", "rich", "sympy", "torch"}),
        (["explain", "model.pt"], {"pandas", "sympy", "torch"}),
        (["explain", "model.pt", "--json"], {"pandas", "sympy", "torch"}),
        (["predict", "model.pt", "--range", "d1=1"], {"pandas", "sympy", "torch"}),
    ],
)
def test_nothing_heavy_is_imported_without_need(
    arguments: list[str], barred: set[str], model: Path
) -> None:
    code = "import sys; from nalu_cli.commands.app import main\n"
    code += f"sys.argv[1:] = {arguments!r}\n"
    code += "try: main()\nexcept SystemExit as end: assert not end.code\n"
    code += f"assert not {barred!r} & set(sys.modules), {barred!r} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], env=environment(), check=True, timeout=60)


def test_the_engine_is_imported_without_torch_and_sympy() -> None:
    code = "import sys, nalu_cli.pipeline; assert not {'sympy', 'torch'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], env=environment(), check=True, timeout=60)


def environment(**changes: str) -> dict[str, str]:
    return plain_terminal() | {"PYTHONPATH": str(ROOT)} | changes


def nalu_process(*arguments: str, **options: Any) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "nalu_cli", *arguments]
    return subprocess.run(
        command, **({"env": environment(), "capture_output": True, "timeout": 60} | options)
    )


@pytest.mark.parametrize("sink", ["stdout", "stderr", "both"])
def test_a_reader_who_has_had_enough_is_no_error(sink: str, model: Path) -> None:
    redirect = {"stdout": "", "stderr": "2>&1 >/dev/null", "both": "2>&1"}[sink]
    grid = "--range d1=1:100000 --range d2=1,2"
    command = f"{sys.executable} -m nalu_cli predict model.pt {grid} {redirect} | head -n 1"
    done = subprocess.run(
        ["bash", "-c", f"{command}; echo ${{PIPESTATUS[0]}}"],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout.splitlines()[-1] == "0"
    assert "rror" not in done.stderr


def test_a_full_disk_on_stdout_is_told(model: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        done = nalu_process("explain", "model.pt", capture_output=False, stdout=full, stderr=-1)
    assert done.returncode == ExitCode.OUTPUT
    assert done.stderr == b"nalu: standard output cannot be written: no space left on device.\n"


def test_closed_streams_are_no_error(model: Path) -> None:
    command = f"{sys.executable} -m nalu_cli explain model.pt >&- 2>&-"
    assert subprocess.run(["bash", "-c", command], env=environment(), timeout=60).returncode == 0


def test_any_name_can_be_printed_in_any_locale(here: Path) -> None:
    name = "Größe\x1b[31m\u202e [m]"
    save_model(of(Circuit(1, ((product((0, 2)),),)), (name,)), here / "model.pt")
    ascii_only = environment(PYTHONUTF8="0", PYTHONIOENCODING="ascii", LC_ALL="C")
    for arguments in (["explain", "model.pt"], ["predict", "model.pt", "--range", "#1=1,2"]):
        done = nalu_process(*arguments, env=ascii_only)
        assert done.returncode == 0, done.stderr
        assert b"\x1b" not in done.stderr
    assert "Größe".encode() in done.stdout
    explained = nalu_process("explain", "model.pt", env=ascii_only).stdout
    assert b"\x1b" not in explained
    assert rb"Gr\xf6\xdfe" in explained


def test_a_fit_writes_model_page_and_pictures(cli: Cli, engine: Engine, here: Path) -> None:
    code, out, err = cli("fit", SAMPLE, "-t", "f", "--report", "law.html", "--plot", "law.svg")
    assert code == 0
    assert "saved model.pt" in out
    assert "wrote law.html\nwrote law.svg\n" in err
    assert {path.name for path in here.iterdir()} == {"model.pt", "law.html", "law.svg"}
    assert "nalu fit" in (here / "law.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "option", ["--report=none/law.html", "--plot=none/law.png", "--plot=x.pdf"]
)
def test_what_cannot_be_written_is_known_before_the_search(
    option: str,
    cli: Cli,
    engine: Engine,
    here: Path,
) -> None:
    code, out, _ = cli("fit", SAMPLE, "-t", "f", option)
    assert (code, out) == (2 if "pdf" in option else 5, "")
    assert engine.call == {}
    assert list(here.iterdir()) == []


def test_a_page_that_fails_after_all_costs_neither_formula_nor_model(
    cli: Cli,
    engine: Engine,
    here: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object) -> None:
        raise OutputError("law.html cannot be written: no space left on device")

    monkeypatch.setattr("nalu_cli.report.save_report", fail)
    code, out, err = cli("fit", SAMPLE, "-t", "f", "--report", "law.html")
    assert code == 5
    assert out.startswith("f = d1*d2/(d1*n + d2)")
    assert "saved model.pt" in out
    assert "no space left on device" in err
    assert load_model(here / "model.pt").target == "f"


def test_explain_writes_page_and_pictures_besides(cli: Cli, model: Path, here: Path) -> None:
    code, out, err = cli("explain", model, "--report", "a.html", "--plot", "a.png", "--as", "text")
    assert (code, out) == (0, "f = d1*d2/(d1*n + d2)\n")
    assert err == "wrote a.html\nwrote a.png\n"
    assert (here / "a.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("-t f", "--target f"),
        ("-t f --json -q -o x.pt --no-color", "--target f"),
        ("--target=f --seed 7 --train-only", "--target f --train-only --seed 7"),
        ("-t f --noise 0.01 --far 0.2", "--target f --far 0.2 --noise 0.01"),
        ("-t f --ignore n,d1 --ignore d2", "--target f --ignore n,d1 --ignore d2"),
        ("-t f --sigma n", "--target f --sigma n"),
    ],
)
def test_the_command_that_repeats_a_fit_is_kept(
    given: str, kept: str, cli: Cli, engine: Engine, here: Path
) -> None:
    cli("fit", SAMPLE, *given.split())
    path = here / ("x.pt" if "x.pt" in given else "model.pt")
    words = load_model(path).command
    assert words == ("nalu", "fit", str(SAMPLE), *kept.split())
    first = dict(engine.call)
    engine.call = {}
    code, _, _ = cli(*words[1:])
    assert code == 0
    assert {k: engine.call[k] for k in ("target", "settings", "inputs", "ignore", "sigma")} == {
        k: first[k] for k in ("target", "settings", "inputs", "ignore", "sigma")
    }


def test_names_that_look_like_options_are_kept_as_names(
    cli: Cli, engine: Engine, here: Path
) -> None:
    engine.answer = lens(target="-t")
    (here / "-x.csv").write_text("a,-t\n1,2\n2,4\n3,6\n")
    assert cli("fit", "--target=-t", "--", "-x.csv")[0] == 0
    words = load_model(here / "model.pt").command
    assert words == ("nalu", "fit", "--target=-t", "--", "-x.csv")
    assert shlex.split(shlex.join(words)) == list(words)
    assert cli(*words[1:])[0] == 0


HEADER = ("<script>alert(1)</script>", "a$b^$", "_hidden", "温度", "</title>\n<b>", "y & z")


def test_a_table_with_hostile_names_has_its_report(nalu: Run, here: Path) -> None:
    with (here / "t.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(HEADER)
        for k in range(1, 40):
            values = (k % 7 + 1, k % 5 + 1.5, k % 3 + 2.25, k % 4 + 1, k)
            rows.writerow((*values, values[0] * values[1] / values[3]))
    done = nalu("fit", "t.csv", "-t", HEADER[-1], "--report", "r.html", "--plot", "r.png")
    assert "Warning" not in done.stderr
    page = (here / "r.html").read_text(encoding="utf-8")
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script" not in page
    assert "温度" in page
    nalu("explain", "model.pt", "--report", "again.html", "--plot", "again.svg", "--quiet")
    assert (here / "again.html").read_text(encoding="utf-8") == page
