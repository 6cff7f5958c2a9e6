"""What all tests share: one thread, a folder of their own, and `nalu` as a user runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import settings

# before numpy and torch are loaded; the tests themselves may run side by side
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

# on a busy machine an example may take longer than Hypothesis allows by default
settings.register_profile("unhurried", settings(), deadline=None)
settings.load_profile("unhurried")

ROOT = Path(__file__).resolve().parent.parent

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-readme",
        action="store_true",
        help="rewrite the tables and console blocks of README.md instead of checking them",
    )
    parser.addoption(
        "--attacks",
        type=int,
        default=1,
        metavar="TIMES",
        help="how many times as often files are damaged, calls failed and processes killed",
    )
    parser.addoption("--seed", type=int, default=0, help="where those attacks come from")


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name bytes by their parameter: packed ones hold the second in which they were made.

    Tests that run side by side must have the same names in every process.
    """
    return argname if isinstance(val, bytes) else None


@dataclass(frozen=True, slots=True)
class Attacks:
    """How many attacks a test makes, from which seed, and what came of them."""

    times: int
    seed: int
    properties: list[tuple[str, object]]
    """Those of the test: pytest hands them on, from other processes too."""

    def report(self, attack: str, results: Mapping[str, int]) -> None:
        """State a count at the end of the test run."""
        counts = ", ".join(f"{count} {what}" for what, count in results.items())
        self.note(f"{sum(results.values())} {attack}: {counts}")

    def note(self, line: str) -> None:
        """State a line at the end of the test run."""
        self.properties.append((NOTE, line))


NOTE = "note"


@pytest.fixture
def attacks(request: pytest.FixtureRequest) -> Attacks:
    option = request.config.getoption
    return Attacks(option("--attacks"), option("--seed"), request.node.user_properties)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [
        report for kind in ("passed", "failed") for report in terminalreporter.getreports(kind)
    ]
    lines = [line for report in reports for name, line in report.user_properties if name == NOTE]
    if lines:
        terminalreporter.section("attacks and digits")
        for line in sorted(lines):
            terminalreporter.line(line)


def plain_terminal() -> dict[str, str]:
    """The environment of a command: 100 columns, no colour, this interpreter's commands first."""
    scripts = str(Path(sys.executable).parent)
    return os.environ | {
        "COLUMNS": "100",
        "NO_COLOR": "1",
        "PATH": os.pathsep.join((scripts, os.environ["PATH"])),
        "PYTHONUTF8": "1",
        "TERM": "dumb",
    }


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def nalu(here: Path) -> Run:
    """Run `nalu` in an empty folder; the exit code must be 0 unless `code` names another."""

    def run(*arguments: object, code: int = 0) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "nalu_cli", *map(str, arguments)]
        done = subprocess.run(
            command,
            cwd=here,
            env=plain_terminal(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=1200,
            check=False,
        )
        assert done.returncode == code, f"{command}\n{done.stdout}\n{done.stderr}"
        return done

    return run
