"""The README is true: its console blocks are run, its tables are those of the code."""

from __future__ import annotations

import doctest
import re
import shutil
import subprocess
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path

import pytest
from conftest import ROOT, plain_terminal
from test_architecture import ORDER, PACKAGE, purpose

from nalu_cli.errors import ExitCode
from nalu_cli.search.schedule import REDUCERS, SCHEDULE, STRATEGIES
from nalu_cli.settings import CellName, Effort, ExportFormat, Status
from nalu_cli.storage.model_file import KEYS, METADATA, TENSORS

README = ROOT / "README.md"


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def folders() -> str:
    """The folders of the package, with the first line of their docstrings."""
    names = [name for name in reversed(ORDER) if not name.startswith("__")]
    rows = [(place(name), purpose(name).removesuffix(".")) for name in names]
    return table(("folder or module", "is for"), rows)


def place(name: str) -> str:
    return f"`{name}{'/' if (PACKAGE / name).is_dir() else '.py'}`"


def strategies() -> str:
    """What finds a formula, in the order of the schedule."""
    rows = dict.fromkeys((f"`{shown(one.name)}`", one.summary) for one in STRATEGIES)
    return table(("found by", "how"), list(rows))


def shown(name: str) -> str:
    return name.format(cell=CellName.AUTO)


def reductions() -> str:
    rows = [(f"`{reducer.name}`", reducer.summary) for reducer in REDUCERS]
    return table(("reduction", "what is changed"), rows)


def schedule() -> str:
    """The steps of the schedule, one a row."""
    rows = [
        (
            str(number),
            ", ".join(f"`{shown(one.name)}`" for one in step.strategies),
            ", ".join("the table" if place is None else f"`{place.name}`" for place in step.on),
            step.when.value,
            "yes" if step.may_end else "no",
        )
        for number, step in enumerate(SCHEDULE, 1)
    ]
    return table(("step", "strategies", "on", "when", "may end within noise"), rows)


def exit_codes() -> str:
    return table(("code", "meaning"), [(str(int(code)), code.meaning) for code in ExitCode])


def model_file_keys() -> str:
    parts = {"": KEYS, "metadata.": METADATA, "tensors.": TENSORS}
    rows: list[tuple[str, ...]] = []
    for part, keys in parts.items():
        rows += [(f"`{part}{key}`", holds) for key, holds in keys.items()]
    return table(("key", "holds"), rows)


def agrees(printed: str, written: str) -> bool:
    """Whether output is as written, where `...` stands for anything, on its own for any lines."""
    lines = written.strip().splitlines()
    pattern = "\n".join(
        "(?s:.*?)" if line == "..." else re.escape(line).replace(r"\.\.\.", ".*") for line in lines
    )
    plain = "\n".join(line.rstrip() for line in printed.strip().splitlines())
    return re.fullmatch(pattern, plain) is not None


def console(folder: Path) -> Callable[[str], str]:
    """Run a command line; what it prints, with the message if it fails."""

    def run(command: str) -> str:
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=folder,
            env=plain_terminal(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        return done.stdout + (done.stderr if done.returncode else "")

    return run


def replayed(text: str, run: Callable[[str], str]) -> str:
    """The text with the output of every command in its console blocks brought up to date."""

    def command(match: re.Match[str]) -> str:
        line, written = match[1], match[2]
        printed = run(line)
        return match[0] if agrees(printed, written) else f"$ {line}\n{printed.strip()}\n"

    def block(match: re.Match[str]) -> str:
        return re.sub(r"(?m)^\$ (.+)\n((?:(?!\$ |```).*\n)*)", command, match[0])

    return re.sub(r"(?ms)^```console\n.*?^```$", block, text)


def check(written: str, true: str, update: bool) -> None:
    if update:
        README.write_text(true, encoding="utf-8")
    else:
        assert written == true


@pytest.fixture
def update(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--update-readme"))


@pytest.mark.parametrize(
    "make", [folders, strategies, reductions, schedule, exit_codes, model_file_keys]
)
def test_the_tables_are_those_of_the_code(make: Callable[[], str], update: bool) -> None:
    text = README.read_text(encoding="utf-8")
    true = make()
    head = re.escape(true[: true.index("---")])
    check(text, re.sub(rf"{head}.*\n(\|.*\n)*", lambda _: true, text), update)
    assert true in README.read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_console_blocks_print_what_they_say(tmp_path: Path, update: bool) -> None:
    shutil.copytree(ROOT / "sample_data", tmp_path / "sample_data")
    text = README.read_text(encoding="utf-8")
    assert "```console" in text
    check(text, replayed(text, console(tmp_path)), update)


def test_the_python_lines_print_what_they_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    blocks = re.findall(r"(?ms)^```pycon\n(.*?)^```$", README.read_text(encoding="utf-8"))
    assert blocks
    for block in blocks:
        test = doctest.DocTestParser().get_doctest(block, {}, "README.md", None, None)
        assert doctest.DocTestRunner().run(test).failed == 0


@pytest.mark.parametrize("family", [CellName, Effort, ExportFormat, Status])
def test_every_choice_is_explained(family: type[StrEnum]) -> None:
    text = README.read_text(encoding="utf-8")
    assert [str(member) for member in family if f"`{member}`" not in text] == []
