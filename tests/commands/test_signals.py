"""Ctrl-C, a kill and a hang-up, at every moment: a clear end, and never a damaged file."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import random
import signal
import subprocess
import sys
import termios
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from answers import lens
from conftest import ROOT, Attacks, plain_terminal

from nalu_cli.errors import ExitCode
from nalu_cli.storage.model_file import load_model, save_model

SAMPLE = ROOT / "sample_data" / "lens.csv"
FIT = ("fit", str(SAMPLE), "-t", "f")

PATIENCE = 60

INTERRUPTED = "nalu: interrupted before it was done.\n"
TERMINATED = "nalu: terminated before it was done.\n"


def environment(**changes: str) -> dict[str, str]:
    folders = os.pathsep.join((str(ROOT), str(ROOT / "tests")))
    return plain_terminal() | {"PYTHONPATH": folders} | changes


def python(code: str, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        **options,
    )


# while libraries are loaded

SIGNAL_AT = """
import os, sys
WHEN, NUMBER = int(sys.argv.pop(1)), int(sys.argv.pop(1))
class Sender:
    seen = 0
    def find_spec(self, name, path=None, target=None):
        Sender.seen += 1
        if Sender.seen == WHEN:
            os.kill(os.getpid(), NUMBER)
from nalu_cli.__main__ import main
sys.meta_path.insert(0, Sender())
try:
    main()
finally:
    if not WHEN:
        print(Sender.seen, file=sys.stderr)
"""
"""Sends a signal to itself when the n-th module is about to be loaded."""


def test_a_signal_while_modules_are_loaded_is_told_and_changes_nothing(
    here: Path, attacks: Attacks
) -> None:
    save_model(lens(), here / "model.pt")
    good = (here / "model.pt").read_bytes()
    command = ("predict", "model.pt", str(SAMPLE), "-o", "out.csv", "-q")
    modules = int(python(SIGNAL_AT, "0", "0", *command).stderr.split()[-1])
    (here / "out.csv").write_text("old")
    assert modules > 300
    rng = random.Random(attacks.seed)
    results: Counter[str] = Counter()
    for _ in range(12 * attacks.times):
        number = rng.choice((signal.SIGINT, signal.SIGTERM, signal.SIGHUP))
        done = python(SIGNAL_AT, str(rng.randint(1, modules)), str(int(number)), *command)
        said = INTERRUPTED if number == signal.SIGINT else TERMINATED
        code = ExitCode.INTERRUPTED if number == signal.SIGINT else ExitCode.TERMINATED
        assert (done.returncode, done.stderr) == (code, said)
        assert (here / "out.csv").read_text() == "old"
        assert (here / "model.pt").read_bytes() == good
        assert sorted(path.name for path in here.iterdir()) == ["model.pt", "out.csv"]
        results[f"{code.name.lower()}"] += 1
    attacks.report("signals while modules are loaded", results)


# while a formula is searched for

SLOW = """
import sys, time
import nalu_cli.storage.model_file, nalu_cli.pipeline
from answers import lens
from nalu_cli.answer import Progress
from nalu_cli.__main__ import main

STUBBORN, SLOW_TO_SAVE = int(sys.argv.pop(1)), int(sys.argv.pop(1))

def slow(table, target, settings, *, watch, stop, **rest):
    for second in range(1000):
        watch(Progress(f"stage {second}", 1, 9, (), None, None, second, None))
        time.sleep(0.05)
        if SLOW_TO_SAVE or (stop() and not STUBBORN):
            return lens(interrupted=stop())

def slow_save(answer, path, save=nalu_cli.storage.model_file.save_model):
    if SLOW_TO_SAVE:
        print("saving", file=sys.stderr, flush=True)
        time.sleep(1.0)
    save(answer, path)

nalu_cli.pipeline.fit_table = slow
nalu_cli.storage.model_file.save_model = slow_save
main()
"""


def started(code: str, *arguments: str, **options: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        env=environment(),
        text=True,
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options,
    )


def wait_for(process: subprocess.Popen[str], words: str) -> None:
    assert process.stderr is not None
    while words not in process.stderr.readline():
        assert process.poll() is None


CODES = {
    signal.SIGINT: ExitCode.INTERRUPTED,
    signal.SIGTERM: ExitCode.TERMINATED,
    signal.SIGHUP: ExitCode.TERMINATED,
}


@pytest.mark.parametrize("number", CODES, ids=lambda number: number.name)
@pytest.mark.parametrize("times", [1, 2])
def test_a_signal_keeps_the_best_so_far_and_a_second_one_quits(
    number: signal.Signals, times: int, here: Path
) -> None:
    process = started(SLOW, str(times - 1), "0", *FIT)
    wait_for(process, "stage")
    process.send_signal(number)
    wait_for(process, "the best formula so far is kept")
    if times > 1:
        process.send_signal(number)
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == CODES[number], err
    assert "Traceback" not in err
    assert ("saved model.pt" in out) == (times == 1)
    assert (here / "model.pt").exists() == (times == 1)
    assert err.endswith("before it was done.\n") == (times == 2)


def test_a_signal_while_the_model_is_saved_does_not_lose_it(here: Path) -> None:
    process = started(SLOW, "0", "1", *FIT)
    wait_for(process, "saving")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == ExitCode.INTERRUPTED, err
    assert "saved model.pt" in out
    assert load_model(here / "model.pt").target == "f"


def test_a_signal_that_is_ignored_stays_ignored(here: Path) -> None:
    process = started(SLOW, "0", "1", *FIT, preexec_fn=_ignore_hang_up)
    wait_for(process, "saving")
    process.send_signal(signal.SIGHUP)
    process.communicate(timeout=PATIENCE)
    assert process.returncode == ExitCode.DONE


def _ignore_hang_up() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)


# on a terminal


class Terminal:
    """A process with a terminal of its own, and what it drew there."""

    def __init__(self, *arguments: str) -> None:
        self.master, slave = pty.openpty()
        self.before = termios.tcgetattr(slave)

        def take_terminal() -> None:
            os.setsid()
            fcntl.ioctl(slave, termios.TIOCSCTTY, 0)

        self.process = subprocess.Popen(
            [sys.executable, "-c", SLOW, *arguments],
            env=environment(TERM="xterm-256color"),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            preexec_fn=take_terminal,
        )
        os.close(slave)
        self.drawn = b""

    def read_until(self, words: bytes) -> None:
        until = time.monotonic() + PATIENCE
        while words not in self.drawn:
            assert time.monotonic() < until, self.drawn
            self._read()

    def read_to_the_end(self) -> int:
        while self._read():
            pass
        return self.process.wait(PATIENCE)

    def _read(self) -> bool:
        try:
            piece = os.read(self.master, 4096)
        except OSError:  # the other side is closed
            return False
        self.drawn += piece
        return True


@pytest.mark.parametrize("number", CODES, ids=lambda number: number.name)
@pytest.mark.parametrize("times", [1, 2])
def test_the_terminal_is_as_it_was(number: signal.Signals, times: int, here: Path) -> None:
    terminal = Terminal(str(times - 1), "0", *FIT)
    terminal.read_until(b"stage")
    terminal.process.send_signal(number)
    terminal.read_until(b"stopping")
    if times > 1:
        terminal.process.send_signal(number)
    code = terminal.read_to_the_end()
    assert code == CODES[number], terminal.drawn
    drawn = terminal.drawn
    assert b"\x1b[?25l" in drawn  # the cursor was hidden
    assert drawn.rfind(b"\x1b[?25h") > drawn.rfind(b"\x1b[?25l")
    assert drawn.count(b"\x1b[?1049h") == drawn.count(b"\x1b[?1049l")
    assert termios.tcgetattr(terminal.master)[:4] == terminal.before[:4]
    assert (here / "model.pt").exists() == (times == 1)
    os.close(terminal.master)


def test_a_terminal_that_is_closed_does_not_cost_the_formula(here: Path) -> None:
    terminal = Terminal("0", "0", *FIT)
    terminal.read_until(b"stage")
    os.close(terminal.master)
    assert terminal.process.wait(PATIENCE) == ExitCode.TERMINATED
    assert load_model(here / "model.pt").interrupted


# while rows are predicted


def predicting(*arguments: str) -> subprocess.Popen[str]:
    save_model(lens(), "model.pt")
    program = "from nalu_cli.__main__ import main; main()"
    return started(program, "predict", "model.pt", *arguments, stdin=subprocess.PIPE)


@pytest.mark.parametrize("number", CODES, ids=lambda number: number.name)
def test_a_prediction_cut_short_leaves_the_old_file(number: signal.Signals, here: Path) -> None:
    (here / "out.csv").write_text("old")
    process = predicting("-", "-o", "out.csv")
    while not list(here.glob(".nalu-*.tmp")):
        assert process.poll() is None
    process.send_signal(number)
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == CODES[number]
    assert (out, err) == ("", INTERRUPTED if number == signal.SIGINT else TERMINATED)
    assert (here / "out.csv").read_text() == "old"
    assert sorted(path.name for path in here.iterdir()) == ["model.pt", "out.csv"]


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("read", [1, 1_000_000])
def test_predictions_as_json_are_closed_when_cut_short(
    read: int, unbuffered: str, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)
    process = predicting("--range", "d1=1:1000", "--range", "d2=1:1000", "--json", "-q")
    assert process.stdout is not None
    beginning = process.stdout.read(read)
    # nobody reads on at first: the signal comes in the middle of a write
    process.send_signal(signal.SIGINT)
    data = json.loads(beginning + process.stdout.read())
    _, err = process.communicate(timeout=PATIENCE)
    assert 0 < len(data["predictions"]) < 1_000_000
    assert data["error"] == {
        "kind": "interrupted",
        "exit_code": ExitCode.INTERRUPTED,
        "message": "interrupted before it was done.",
    }
    assert (process.returncode, err) == (ExitCode.INTERRUPTED, INTERRUPTED)


# killed

SAVING = """
import os, random, signal, sys, time
from answers import lens
from nalu_cli.storage.model_file import save_model
from nalu_cli.storage.whole_file import WholeFile
from pathlib import Path

path, times, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
rng = random.Random(seed)
one, other = lens(target="one"), lens(target="other")
save_model(one, path)
for _ in range(times):
    child = os.fork()
    if not child:
        while True:
            save_model(other, path)
            save_model(one, path)
    time.sleep(rng.uniform(0.001, 0.05))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    left = len(list(Path(path).parent.glob(".nalu-*.tmp")))
    from nalu_cli.storage.model_file import load_model
    print(load_model(path).target, left, flush=True)
save_model(one, path)
"""


def test_a_kill_while_a_model_is_saved_leaves_a_whole_one(here: Path, attacks: Attacks) -> None:
    times = 50 * attacks.times
    done = python(SAVING, "model.pt", str(times), str(attacks.seed))
    assert done.returncode == 0, done.stderr
    found = [line.split() for line in done.stdout.splitlines()]
    assert len(found) == times
    assert {target for target, _ in found} <= {"one", "other"}
    # each save removed what the kill before it had left
    assert {int(left) for _, left in found} == {0, 1}
    assert [path.name for path in here.iterdir()] == ["model.pt"]
    attacks.report(
        "kills while a model is saved",
        {
            "with a whole model": times,
            "damaged": 0,
            "temporary files left at the end": 0,
        },
    )


@pytest.mark.slow
def test_a_kill_during_a_fit_leaves_the_old_model_or_the_new(here: Path, attacks: Attacks) -> None:
    rng = random.Random(attacks.seed)
    results: Counter[str] = Counter({"old model": 0, "new model": 0})
    for _ in range(8 * attacks.times):
        save_model(lens(target="old"), here / "model.pt")
        process = started("from nalu_cli.__main__ import main; main()", *FIT)
        time.sleep(rng.uniform(0.0, 4.0))
        process.kill()
        process.communicate(timeout=PATIENCE)
        target = load_model(here / "model.pt").target
        assert target in ("old", "f")
        results["old model" if target == "old" else "new model"] += 1
    attacks.report("kills during a fit", results)
