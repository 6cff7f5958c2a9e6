from __future__ import annotations

import csv
import json
import re
import signal
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from conftest import Run
from problems import outcome, write_laws, write_suites

from nalu_cli.commands import app
from nalu_cli.commands.bench import _seeds
from nalu_cli.errors import ExitCode, UsageError
from nalu_cli.experiments import benchmark_file
from nalu_cli.experiments.results_page import MARK
from nalu_cli.experiments.trial import Outcome, Trial
from nalu_cli.settings import Effort

PACKAGED = Path(benchmark_file.__file__).parent / "formulas"

Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture
def cli(here: Path, capfd: pytest.CaptureFixture[str]) -> Cli:
    """Run `nalu bench` in this process, in a folder with two benchmarks."""
    write_laws(here / "laws.json")
    write_suites(here / "ops.json")

    def run(*arguments: object) -> tuple[int, str, str]:
        code = app.run(["bench", *map(str, arguments)])
        said = capfd.readouterr()
        return int(code), said.out, said.err

    return run


class Workers:
    """Stands in for the processes: notes the trials, and ends them as it was told."""

    def __init__(self) -> None:
        self.changes: dict[str, dict[str, Any]] = {}
        self.trials: list[Trial] = []
        self.calls: list[dict[str, Any]] = []
        self.interrupt_after: int | None = None

    def __call__(self, trials: Sequence[Trial], jobs: int, **rest: Any) -> Iterator[Outcome]:
        self.calls.append({"jobs": jobs, **rest})
        # they may end in any order
        for done, trial in enumerate(reversed(trials)):
            if done == self.interrupt_after:
                signal.raise_signal(signal.SIGINT)
            if rest["stop"]():
                return
            self.trials.append(trial)
            changes = self.changes.get(trial.law.name, {})
            yield outcome(trial.law.name, **{"seed": trial.seed, "labels": trial.labels, **changes})


@pytest.fixture
def workers(monkeypatch: pytest.MonkeyPatch) -> Workers:
    stand_in = Workers()
    monkeypatch.setattr("nalu_cli.commands.run.bench_trials.run_trials", stand_in)
    return stand_in


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as lines:
        return list(csv.DictReader(lines))


def test_laws_are_recovered_in_processes_of_their_own(nalu: Run, here: Path) -> None:
    write_laws(here / "laws.json")
    done = nalu("bench", "formulas", "laws.json", "--jobs", 2, "--csv", "r.csv", "--page", "R.md")
    assert "recovered 2 of 2, 100.0 % (95 % interval 34.2 to 100.0 %)" in done.stdout
    assert "called exact and not recovered: 0" in done.stdout
    assert "2/2  recovered, exact" in done.stderr
    assert {row["formula"] for row in rows(here / "r.csv")} == {"R*I", "d1*d2/(d1*n + d2)"}
    assert "nalu bench formulas laws.json" in (here / "R.md").read_text().splitlines()


def test_tables_without_a_law_are_not_called_exact(nalu: Run, here: Path) -> None:
    options = ("--id", "gaussian,whole_numbers", "--time", 3, "--page", "R.md")
    done = nalu("bench", "formulas", PACKAGED / "no_law.json", *options)
    assert "recovered 0 of 2" in done.stdout
    assert "called exact and not recovered: 0" in done.stdout
    assert "verdicts: exact 0, " in done.stdout
    assert "| exact | 0 | 0 |" in (here / "R.md").read_text().splitlines()


def test_one_row_a_problem_in_the_order_of_the_file(cli: Cli, workers: Workers) -> None:
    code, out, err = cli("formulas", "laws.json", "--seeds", "0-1")
    lines = out.splitlines()
    assert code == ExitCode.DONE
    assert lines[0].split() == (
        [
            "id",
            "seed",
            "set",
            "depth",
            "recovered",
            "verdict",
            "far",
            "error",
            "seconds",
            "found",
            "by",
            "formula",
        ]
    )
    assert [line.split()[:4] for line in lines[1:5]] == [
        ["ohm", "0", "physics", "1"],
        ["ohm", "1", "physics", "1"],
        ["lens", "0", "optics", "3"],
        ["lens", "1", "optics", "3"],
    ]
    assert "physics     2 of 2  100.0 % (95 % interval 34.2 to 100.0 %)      2" in out
    assert lines[-4:] == [
        "recovered 4 of 4, 100.0 % (95 % interval 51.0 to 100.0 %)",
        "called exact and not recovered: 0",
        "verdicts: exact 4, exact_as_printed 0, within_noise 0, approximate 0, none 0",
        "seconds: median 0.5, slowest 0.5",
    ]
    assert err.splitlines()[0] == "1/4  recovered, exact  0.50 s  lens seed 1"


def test_a_false_claim_stands_out(cli: Cli, workers: Workers) -> None:
    workers.changes["lens"] = {"recovered": False, "formula": "d1 + n"}
    workers.changes["ohm"] = {"recovered": False, "verdict": None, "error": "it died"}
    _, out, err = cli("formulas", "laws.json")
    assert "called exact and not recovered: 1\n  lens seed 0: d1 + n\n" in out
    assert (
        "verdicts: exact 1, exact_as_printed 0, within_noise 0, approximate 0, none 0, failed 1"
        in out
    )
    assert "without a formula: 1" in out
    assert "1/2  NOT recovered, exact" in err
    assert "2/2  failed (it died)" in err


def test_options_reach_the_trials(cli: Cli, workers: Workers) -> None:
    given = "--set optics --rows 50 --noise 0.01 --seeds 7 --time 9 --effort quick --train-only"
    cli("formulas", "laws.json", *given.split(), "--jobs", 3, "--whole-process")
    (trial,) = workers.trials
    conditions = trial.conditions
    assert (trial.law.name, trial.seed) == ("lens", 7)
    assert (conditions.rows, conditions.noise, conditions.whole_process) == (50, 0.01, True)
    assert (conditions.fit.time_limit, conditions.fit.effort) == (9, Effort.QUICK)
    assert conditions.fit.train_only
    assert conditions.fit.threads == 1
    assert workers.calls[0]["jobs"] == 3
    workers.trials.clear()
    cli("formulas", "laws.json", "--id", "ohm, lens", "--depth", 1)
    cli("formulas", "laws.json", "--limit", 1)
    assert [trial.law.name for trial in workers.trials] == ["ohm", "ohm"]


def test_tables_are_printed_with_so_many_digits(cli: Cli, workers: Workers, here: Path) -> None:
    workers.changes = {"ohm": {"sharp": True}, "lens": {"sharp": False}}
    _, out, _ = cli("formulas", "laws.json", "--digits", 4, "--csv", "r.csv", "--page", "R.md")
    assert [trial.law.digits for trial in workers.trials] == [4, 4]
    assert "sharp, equal to the law to the last digit: 1" in out.splitlines()
    assert [row["sharp"] for row in rows(here / "r.csv")] == ["no", "yes"]
    assert rows(here / "r.csv")[0]["settings"].endswith("formulas laws.json --digits 4")
    assert "* sharp, equal to the law to the last digit: 1 of 2" in (here / "R.md").read_text()
    _, out, _ = cli("formulas", "laws.json", "--digits", 4, "--json")
    data = json.loads(out)
    assert data["totals"]["sharp"] == 1
    assert [entry["sharp"] for entry in data["outcomes"]] == [True, False]


def test_fastsrb_comes_with_the_package(cli: Cli, workers: Workers) -> None:
    code, out, _ = cli("formulas", "fastsrb", "--set", "easy", "--limit", 2)
    assert code == ExitCode.DONE
    assert "fastsrb_II.38.3" in out
    assert [trial.law.n_rows for trial in workers.trials] == [1000, 1000]


def test_random_power_laws(cli: Cli, workers: Workers, here: Path) -> None:
    command = ("powers", "--tables", 4, "--seed", 1, "--csv", "r.csv")
    code, out, _ = cli(*command, "--json")
    assert code == ExitCode.DONE
    data = json.loads(out)
    assert data["arguments"] == "nalu bench powers --tables 4 --seed 1"
    assert [entry["id"] for entry in data["outcomes"]] == [f"power_{k}" for k in range(4)]
    assert set(data["groups"]) == {"columns", "numbers", "verdict"}
    assert [row["seed"] for row in rows(here / "r.csv")] == ["1"] * 4
    assert "4 of 4 are done already" in cli(*command)[2]


def test_operations_are_counted_by_operation_and_range(cli: Cli, workers: Workers) -> None:
    code, out, _ = cli("ops", "ops.json", "--suite", "pairs")
    assert code == ExitCode.DONE
    assert len(workers.trials) == 8
    assert "add           4 of 4" in out
    assert re.search(r"\nlow +4 of 4 ", out)
    workers.trials.clear()
    cli("ops", "ops.json", "--suite", "sums", "--inputs", 20, "--seeds", "4", "--ops", "div")
    assert [len(trial.law.names) for trial in workers.trials] == [20]


def test_a_published_cell_is_trained_as_published_and_continued(cli: Cli, here: Path) -> None:
    command = ["ops", "ops.json", "--suite", "pairs", "--protocol", "paper", "--cell", "nmu"]
    command += ["--ops", "mul", "--steps", 600, "--csv", "r.csv"]
    code, out, err = cli(*command, "--seeds", 0)
    assert code == ExitCode.DONE
    assert "solved at step" in err
    assert out.splitlines()[0].split()[:6] == [
        "id",
        "seed",
        "operation",
        "range",
        "solved",
        "steps",
    ]
    first = rows(here / "r.csv")
    assert {row["settings"].partition(" bench ")[2] for row in first} == {
        "ops ops.json --protocol paper --cell nmu --steps 600 --suite pairs"
    }
    code, _, err = cli(*command)
    assert "2 of 4 are done already" in err
    assert rows(here / "r.csv")[:2] == first
    assert cli(*command, "--page", "runs.md")[0] == ExitCode.DONE
    assert "| id | seed | operation | range | solved | steps |" in (here / "runs.md").read_text()
    code, out, _ = cli("compare", "r.csv", "--page", "R.md")
    assert code == ExitCode.DONE
    assert (here / "R.md").read_text().startswith(MARK)


def test_json_is_one_object(cli: Cli, workers: Workers) -> None:
    workers.changes["lens"] = {"recovered": False, "far_error": float("inf")}
    _, out, _ = cli("formulas", "laws.json", "--json", "--noise", "0.1", "--id", "lens,ohm")
    data = json.loads(out, parse_constant=pytest.fail)
    assert " ".join(data) == (
        "nalu_result_version command arguments planned totals groups outcomes versions interrupted"
    )
    assert data["command"] == "bench formulas"
    assert data["arguments"] == "nalu bench formulas laws.json --id lens,ohm --noise 0.1"
    assert data["totals"]["falsely_exact"] == 1
    assert data["groups"]["verdict"]["exact"]["problems"] == 2
    assert data["groups"]["verdict"]["none"]["problems"] == 0
    assert data["groups"]["depth"]["3"]["recovered"] == 0
    assert data["outcomes"][0]["id"] == "ohm"
    assert data["outcomes"][1]["far_error"] is None
    assert data["outcomes"][1]["set"] == "optics"
    assert (data["planned"], data["interrupted"]) == (2, False)


def test_quiet_prints_the_sum_alone(cli: Cli, workers: Workers) -> None:
    _, out, err = cli("formulas", "laws.json", "-q")
    assert err == ""
    assert out.splitlines()[0].startswith("recovered 2 of 2")
    assert "lens" not in out


def test_an_interrupted_run_keeps_its_rows_and_is_continued(
    cli: Cli, workers: Workers, here: Path
) -> None:
    command = ["formulas", "laws.json", "--seeds", "0,1", "--csv", "r.csv", "--page", "R.md"]
    workers.interrupt_after = 3
    code, out, err = cli(*command)
    assert code == ExitCode.INTERRUPTED
    assert "recovered 3 of 3" in out
    assert "R.md is not written: the run is not complete" in err
    assert "stopping; the results so far are kept" in err
    assert [(row["id"], row["seed"]) for row in rows(here / "r.csv")] == [
        ("lens", "1"),
        ("lens", "0"),
        ("ohm", "1"),
    ]
    workers.trials.clear()
    code, out, err = cli(*command)
    assert code == ExitCode.DONE
    assert [(trial.law.name, trial.seed) for trial in workers.trials] == [("ohm", 0)]
    assert "3 of 4 are done already" in err
    assert "recovered 4 of 4" in out
    assert "--seeds 0,1" in (here / "R.md").read_text()


def test_results_of_another_run_are_not_mixed(cli: Cli, workers: Workers, here: Path) -> None:
    cli("formulas", "laws.json", "--csv", "r.csv")
    before = (here / "r.csv").read_text()
    code, out, err = cli("formulas", "laws.json", "--csv", "r.csv", "--noise", "0.01")
    assert (code, out) == (ExitCode.USAGE, "")
    assert "--noise 0.01'. Name another file" in err
    code, _, _ = cli("ops", "ops.json", "--suite", "pairs", "--csv", "r.csv")
    assert code == ExitCode.USAGE
    assert (here / "r.csv").read_text() == before


def test_a_page_replaces_a_page_and_nothing_else(cli: Cli, workers: Workers, here: Path) -> None:
    (here / "notes.md").write_text("my notes")
    for _ in range(2):
        assert cli("formulas", "laws.json", "--page", "R.md")[0] == ExitCode.DONE
    assert (here / "R.md").read_text().startswith(MARK)
    code, _, err = cli("formulas", "laws.json", "--page", "notes.md")
    assert code == ExitCode.OUTPUT
    assert "notes.md exists and is no page of results" in err
    assert (here / "notes.md").read_text() == "my notes"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ("formulas none.json", 2, "none.json cannot be read: no such file or directory"),
        ("formulas ops.json", 3, "ops.json is no benchmark of this kind; it has no 'formulas'"),
        ("formulas laws.json --set none", 2, "--set 'none' is not in the file; it has physics"),
        ("formulas laws.json --id none", 2, "--id 'none' is not in the file; it has ohm, lens"),
        ("formulas laws.json --depth 2", 2, "no formula is left"),
        ("formulas laws.json --rows 1", 2, "--rows is 1; it must be at least 2"),
        ("formulas laws.json --noise -1", 2, "--noise is -1.0; it must be 0 to 10"),
        ("formulas laws.json --noise nan", 2, "--noise is nan; it must be 0 to 10"),
        ("formulas laws.json --digits 0", 2, "--digits is 0; it must be 1 to 15"),
        ("powers --tables 0", 2, "--tables is 0; it must be 1 to 100000"),
        ("powers --seed -1", 2, "--seed is -1; it must be 0 to 100000"),
        ("formulas laws.json --seeds x", 2, "--seeds is 'x'; it must be numbers such as"),
        ("formulas laws.json --limit 0", 2, "--limit is 0; it must be at least 1"),
        ("formulas laws.json --jobs 0", 2, "--jobs is 0; it must be 1 to 256"),
        ("formulas laws.json --time 0", 2, "--time is 0.0; it must be more than 0"),
        ("formulas laws.json --csv no/r.csv", 5, "there is no folder"),
        ("formulas laws.json --csv laws.json", 2, "would overwrite"),
        ("ops ops.json", 2, "missing option '--suite'"),
        ("ops ops.json --suite none", 2, "no suite 'none'; it has pairs, sums, wide"),
        ("ops ops.json --suite pairs --ops div", 2, "--ops 'div' is not in the file; it has add"),
        ("ops ops.json --suite pairs --protocol none", 2, "it must be csv or paper"),
        ("ops ops.json --suite pairs --protocol paper", 2, "none is named. Name one"),
        ("ops ops.json --suite pairs --steps 100", 2, "--steps is for --protocol paper only"),
        (
            "ops ops.json --suite pairs --protocol paper --cell nmu --noise 0.1",
            2,
            "--protocol paper does not go with --noise",
        ),
        (
            "ops ops.json --suite pairs --protocol paper --cell nmu --steps 9",
            2,
            "--steps is 9; it must be 10 to 50000",
        ),
        ("compare none.csv", 2, "none.csv cannot be read"),
        ("compare laws.json", 2, "laws.json holds no results of nalu bench"),
        ("ops ops.json --suite wide", 3, "2 sums of 7 columns do not fit into 8 columns"),
        ("none", 2, "no such command 'none'"),
    ],
)
def test_each_mistake_has_its_exit_code_and_one_sentence(
    arguments: str, code: int, message: str, cli: Cli, workers: Workers
) -> None:
    found, out, err = cli(*arguments.split())
    assert message.lower() in err.lower()
    assert (found, out, err.count("\n")) == (code, "", 1)
    assert workers.trials == []


@pytest.mark.parametrize(
    ("text", "seeds"),
    [("0", [0]), ("0,1", [0, 1]), ("0-4", [0, 1, 2, 3, 4]), ("7, 2-3,2", [7, 2, 3])],
)
def test_seeds_are_lists_and_ranges(text: str, seeds: list[int]) -> None:
    assert _seeds(text) == seeds


@pytest.mark.parametrize("text", ["", "x", "1,", "-1", "4-1", "1-", "1.5", "0-999999999", "²"])
def test_what_is_no_seed_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="such as 0,1 or 0-4"):
        _seeds(text)


@pytest.mark.parametrize(
    "arguments",
    [
        "--help",
        "formulas --help",
        "powers --help",
        "ops --help",
        "compare --help",
        "budgets --help",
    ],
)
def test_help_begins_with_examples(arguments: str, cli: Cli) -> None:
    code, out, _ = cli(*arguments.split())
    assert code == ExitCode.DONE
    assert out.splitlines()[2] == "  Examples:"
    assert out.splitlines()[4].startswith("    nalu bench ")
    assert max(map(len, out.splitlines())) <= 100
