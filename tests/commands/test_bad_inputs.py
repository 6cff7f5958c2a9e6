"""Every bad input gets its exit code and its sentence, and no number of it is read wrong."""

from __future__ import annotations

import io
import json
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from answers import of, product
from bad_inputs import CASES, ELSEWHERE, GOOD, Case

from nalu_cli.circuit import Circuit
from nalu_cli.commands import app
from nalu_cli.settings import ExportFormat
from nalu_cli.storage.model_file import load_model, save_model

Said = tuple[int, str, str]
Cli = Callable[..., Said]

KINDS = 85

NAMES = (
    *("lambda", "class", "import", "None", "E", "I", "N", "O", "Q", "S", "beta", "gamma", "zeta"),
    *("pi", "re", "test", "2019", "speed [m/s]", "cost [/usd]", "x y", "Größe", "力", "🚀", "$a$"),
    *("a;b", "a,b", "a'b", 'a"b', "a`b", "a\\b", "[red]", ":smile:", "%s", "{0}", "<script>"),
    *("__import__('os').abort()", "=1+1", "@sum", "-x", "a\u202eb", "a\x1b[2Jb", "a\tb", "#1", "_"),
)
"""Names that mean something to Python, sympy, TeX, HTML, a shell, a terminal or a spreadsheet."""


@pytest.fixture
def cli(
    here: Path, capfdbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> Cli:
    """Run one command line in this process: exit code, stdout, stderr."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO()))

    def run(*arguments: str) -> Said:
        code = app.run(arguments[0].split() if len(arguments) == 1 else arguments)
        said = capfdbinary.readouterr()
        assert b"Traceback" not in said.err
        return int(code), said.out.decode(), said.err.decode()

    return run


def prepare(case: Case, folder: Path) -> None:
    save_model(
        of(
            Circuit(2, ((product((0, 1), (1, 1)),),)), ("a", "b"), low=(2.0, 0.5), high=(21.0, 23.0)
        ),
        folder / "model.pt",
    )
    if case.file is not None:
        (folder / "bad.csv").write_bytes(case.file)
    if case.folder is not None:
        case.folder(folder)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.kind}: {case.what}")
def test_every_bad_input_gets_its_answer(case: Case, cli: Cli, here: Path) -> None:
    prepare(case, here)
    if case.kind == 3 and os.access("bad.csv", os.R_OK):
        pytest.skip("this user may read everything")
    quick = " --effort quick" if case.command.startswith("fit") else ""
    code, out, err = cli(case.command + quick)
    assert code == case.code, err
    assert "\x1b" not in out + err
    for words in (*case.says, *case.warns):
        assert words in err
    for line in case.prints:
        assert line in out
    if case.code:
        assert out == "" or case.command.startswith("predict")
        assert err.splitlines()[-1].startswith("nalu: ")
        assert err.rstrip().endswith((".", "?"))
        return
    if case.command.startswith("fit") and not case.prints:
        assert ("exact: agrees" in out) == bool(case.formula)
    if case.formula:
        assert out.partition(" = ")[2].partition("  ")[0] == case.formula
    code, out, _ = cli(case.command + quick + " --json")
    assert code == 0, out
    caveats = "\n".join(json.loads(out, parse_constant=pytest.fail)["caveats"])
    for words in case.warns:
        assert words in caveats


def test_every_kind_is_tested() -> None:
    assert {case.kind for case in CASES} | set(ELSEWHERE) == set(range(1, KINDS + 1))
    assert len({(case.kind, case.what) for case in CASES}) == len(CASES)


@pytest.mark.parametrize("name", NAMES)
def test_every_name_works(name: str, cli: Cli, here: Path) -> None:
    in_quotes = '"' + name.replace('"', '""') + '"'
    (here / "bad.csv").write_bytes(GOOD.replace(b"a,", f"{in_quotes},".encode(), 1))
    code, out, err = cli("fit", "bad.csv", "-t", "y", "--effort", "quick")
    assert (code, "exact" in out) == (0, True), err
    assert load_model("model.pt").names == (name, "b")
    for options in ([], *(["--as", export] for export in ExportFormat)):
        code, out, err = cli("explain", "model.pt", *options)
        assert code == 0, err
        # code is exact, and made harmless only where it goes to a terminal
        assert options or not set("\x1b\u202e") & set(out)
    code, out, err = cli("predict", "model.pt", "bad.csv")
    assert code == 0, err
    assert out.count(",inside\n") + out.count(",edge\n") + out.count(",outside\n") == 20


def test_a_pipe_is_read_once(cli: Cli, here: Path) -> None:
    os.mkfifo("pipe")
    writer = threading.Thread(target=Path("pipe").write_bytes, args=(GOOD,))
    writer.start()
    code, out, err = cli("fit pipe -t y --effort quick --quiet")
    writer.join()
    assert (code, out) == (0, "a*b\n"), err


def test_a_spreadsheet_runs_no_name_of_ours(cli: Cli, here: Path) -> None:
    formula = "=HYPERLINK(b)"
    (here / "bad.csv").write_bytes(GOOD.replace(b"a,b,y", f"a,b,{formula}".encode()))
    assert cli("fit", "bad.csv", "-t", formula, "--effort", "quick")[0] == 0
    code, out, _ = cli("predict", "model.pt", "bad.csv")
    # what stands in the file stays, what is made of it is tame
    assert (code, out.partition("\n")[0]) == (0, f"a,b,{formula},'{formula}_predicted,guard")
