from __future__ import annotations

import csv
import io
import json
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import ClassVar

import pytest
from conftest import Run
from matplotlib.figure import Figure
from rich.console import Console

from nalu_cli import __version__
from nalu_cli.commands import app
from nalu_cli.commands.console.progress import Bar
from nalu_cli.commands.console.screen import Screen
from nalu_cli.commands.output.reproduce_text import result_lines
from nalu_cli.errors import ExitCode
from nalu_cli.experiments import papers
from nalu_cli.experiments.papers.experiment import (
    Batch,
    Claim,
    Experiment,
    Measurement,
    Measurements,
    Origin,
    Scope,
    Tick,
)
from nalu_cli.experiments.papers.page import MARK, page_of
from nalu_cli.experiments.papers.published import Published, PublishedNumber
from nalu_cli.experiments.papers.run import Done, Results
from nalu_cli.experiments.papers.summary import summary_of

Cli = Callable[..., tuple[int, str, str]]

VALUES = {"net": 50.0, "cell": 2.0, "ours": 0.5}


class Tiny(Experiment):
    """Measures what it is told, and notes which batches it was asked for."""

    name = "tiny"
    title = "Nothing is learned."
    source = "Nobody 2026"
    unit = "an error"
    models: ClassVar[Mapping[str, Origin]] = {
        "ours": Origin.OURS,
        "net": Origin.BASELINE,
        "cell": Origin.PUBLISHED,
    }
    measures = ("near", "far")
    seeds = 5
    quick_seeds = 2
    together = 2
    asked: ClassVar[list[Batch]] = []
    interrupt: ClassVar[Batch | None] = None

    def tasks(self, scope: Scope) -> Sequence[str]:
        return ("first",) if scope.quick else ("first", "second")

    def run(self, batch: Batch, scope: Scope, tick: Tick) -> Measurements:
        self.asked.append(batch)
        if batch == self.interrupt:
            signal.raise_signal(signal.SIGINT)
        tick(0.5)
        return [
            Measurement(batch.model, batch.task, seed, measure, VALUES[batch.model] + seed / 8)
            for seed in batch.seeds
            for measure in ("near", "far", "aside")
        ]

    def claims(self, measurements: Measurements) -> Sequence[Claim]:
        worst = max(m.value for m in measurements if m.model == "ours")
        return [Claim("Ours is small.", worst < 2), Claim("Ours is zero.", worst == 0)]

    def draw(self, figure: Figure, measurements: Measurements) -> None:
        figure.add_subplot().plot([m.value for m in measurements])


NUMBERS = Published(
    {
        ("first", "cell", "near"): PublishedNumber("1.9", "Nobody 2026, table 1", True),
        ("first", "net", "near"): PublishedNumber(">99", "Nobody 2026, table 1", False),
        ("first", "cell", "far"): PublishedNumber(".4", "Nobody 2026, table 1", False),
    },
    ("Nothing can be learned from this.",),
)


@pytest.fixture
def cli(here: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Cli:
    """Run `nalu reproduce` in this process, with an experiment more."""
    module = ModuleType("tiny")
    module.Tiny = Tiny  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, f"{papers.__name__}.tiny", module)
    monkeypatch.setattr(papers, "EXPERIMENTS", {"tiny": "nothing", **papers.EXPERIMENTS})
    monkeypatch.setattr("nalu_cli.experiments.papers.page.EXPERIMENTS", {"tiny": "nothing"})
    monkeypatch.setattr("nalu_cli.experiments.papers.summary.read_published", lambda _: NUMBERS)
    monkeypatch.setattr(Tiny, "asked", [])
    monkeypatch.setattr(Tiny, "interrupt", None)

    def run(*arguments: object) -> tuple[int, str, str]:
        code = app.run(["reproduce", *map(str, arguments)])
        said = capfd.readouterr()
        return int(code), said.out, said.err

    return run


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as lines:
        return list(csv.DictReader(lines))


def test_every_measurement_is_a_row(cli: Cli, here: Path) -> None:
    assert cli("tiny", "--out", "r")[0] == ExitCode.DONE
    found = rows(here / "r" / "tiny.csv")
    assert len(found) == 2 * 3 * 5 * 3
    assert {row["settings"] for row in found} == {f"nalu {__version__} reproduce tiny --device cpu"}
    assert {row["seed"] for row in found if row["task"] == "second"} == set("01234")
    assert [batch.seeds for batch in Tiny.asked[:3]] == [(0, 1), (2, 3), (4,)]
    assert (here / "r" / "tiny.png").read_bytes().startswith(b"\x89PNG")


def test_the_numbers_stand_beside_the_published_ones(cli: Cli) -> None:
    code, out, err = cli("tiny", "--quick")
    assert code == ExitCode.DONE
    lines = [line.split() for line in out.splitlines()]
    assert ["model", "near", "published", "far", "published"] in lines
    order = [line[0] for line in lines if line and line[0] in ("baseline", "published", "ours")]
    assert order == ["baseline", "published", "ours", "ours"]
    measured = ["2.06", "(2", "to", "2.12)"]
    assert ["cell", *measured, "1.9*", *measured, ".4"] in lines
    assert "* as remembered, not re-read in the paper" in out
    assert "holds  Ours is small." in out
    assert "FAILS  Ours is zero." in out
    assert "wrote reproduced-quick/tiny.csv and reproduced-quick/tiny.png" in err
    assert "1/3  first  ours  seeds 0 to 1" in err


def test_json_says_all_of_it(cli: Cli) -> None:
    code, out, _ = cli("tiny", "--quick", "--json")
    data = json.loads(out)
    assert code == ExitCode.DONE
    assert data["arguments"] == "nalu reproduce tiny --quick"
    assert data["claims"][1] == {"text": "Ours is zero.", "holds": False}
    assert data["results"] == "reproduced-quick/tiny.csv"
    assert data["figure"] == "reproduced-quick/tiny.png"
    (table,) = data["tables"]
    cell = table["models"][1]
    assert (cell["model"], cell["origin"]) == ("cell", "published cell")
    assert cell["measures"]["near"]["values"] == [2.0, 2.125]
    assert cell["measures"]["near"]["published"] == "1.9"
    assert cell["measures"]["near"]["from_memory"] is True
    short = {(s["model"], s["measure"]): s["published_model"] for s in data["shortfalls"]}
    assert short == {("cell", "near"): "cell", ("cell", "far"): "cell", ("ours", "far"): "cell"}


def test_quiet_leaves_the_claims(cli: Cli) -> None:
    _, out, err = cli("tiny", "--quick", "--quiet")
    assert out.splitlines() == ["claim", "holds  Ours is small.", "FAILS  Ours is zero."]
    assert err == ""


def test_only_what_is_missing_is_run(cli: Cli, here: Path) -> None:
    path = here / "reproduced" / "tiny.csv"
    cli("tiny", "--seeds", 3)
    Tiny.asked.clear()
    cli("tiny", "--seeds", 4)
    assert {batch.seeds for batch in Tiny.asked} == {(3,)}
    before = path.read_bytes()
    _, out, _ = cli("tiny", "--seeds", 4)
    assert len(Tiny.asked) == 6
    assert path.read_bytes() == before
    assert "median of 4 seeds" in out
    assert "median of 2 seeds" in cli("tiny", "--seeds", 2)[1]


@pytest.mark.parametrize("cut", [3, 60, 100, 200, 400])
def test_what_was_cut_off_is_run_again(cut: int, cli: Cli, here: Path) -> None:
    cli("tiny", "--quick")
    path = here / "reproduced-quick" / "tiny.csv"
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut])
    cli("tiny", "--quick")
    assert len(Tiny.asked) > 3
    assert path.read_bytes() == whole


@pytest.mark.parametrize(
    "content", ["notes", "a,b\n1,2\n", "experiment,model,task,seed,measure,value,settings\n1\n"]
)
def test_another_file_is_left_alone(content: str, cli: Cli, here: Path) -> None:
    (here / "r").mkdir()
    (here / "r" / "tiny.csv").write_text(content)
    code, _, err = cli("tiny", "--out", "r")
    assert code == ExitCode.USAGE
    assert "holds no results of this command" in err
    assert (here / "r" / "tiny.csv").read_text() == content


def test_results_with_a_measure_less_are_left_alone(cli: Cli, here: Path) -> None:
    cli("tiny", "--quick")
    path = here / "reproduced-quick" / "tiny.csv"
    fewer = [line for line in path.read_text().splitlines() if ",far," not in line]
    path.write_text("\n".join(fewer) + "\n")
    before = path.read_bytes()
    assert cli("tiny", "--quick")[0] == ExitCode.USAGE
    assert path.read_bytes() == before


def test_another_setting_is_refused(cli: Cli) -> None:
    cli("tiny", "--quick", "--out", "r")
    code, _, err = cli("tiny", "--out", "r")
    assert code == ExitCode.USAGE
    assert "was made with 'nalu" in err
    assert "--quick" in err
    assert err.endswith("Name another file, or repeat the run as it was.\n")


def test_ctrl_c_keeps_what_is_done_and_the_same_command_continues(
    cli: Cli, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli("tiny", "--quick", "--out", "whole")
    monkeypatch.setattr(Tiny, "interrupt", Batch("cell", "first", (0, 1)))
    code, out, err = cli("tiny", "--quick", "--out", "cut")
    assert code == ExitCode.INTERRUPTED
    assert "holds" not in out
    assert "the same command continues" in err
    assert {row["model"] for row in rows(here / "cut" / "tiny.csv")} == {"ours", "net"}
    assert not (here / "cut" / "tiny.png").exists()
    monkeypatch.setattr(Tiny, "interrupt", None)
    assert cli("tiny", "--quick", "--out", "cut")[0] == ExitCode.DONE
    whole, cut = ((here / name / "tiny.csv").read_bytes() for name in ("whole", "cut"))
    assert cut == whole


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["tyni"], "there is no experiment 'tyni'; there are tiny, identity"),
        (["tyni"], "Did you mean 'tiny'"),
        ([], "nothing was asked for; it must be one of NAME, --list and --page"),
        (["tiny", "--list"], "more than one thing was asked for"),
        (["tiny", "--mnist", "none"], "--mnist is for digits, and tiny reads no images"),
        (["digits", "--mnist", "none"], "there is no folder 'none' to read MNIST from"),
        (["tiny", "--seeds", "0"], "--seeds is 0; it must be 1 to"),
        (["--page", "P.md"], "there are no results in the folder reproduced"),
        (["--page", "P.md", "--out", "none"], "there are no results in the folder none"),
    ],
)
def test_what_cannot_be_done_is_said(arguments: list[str], said: str, cli: Cli) -> None:
    code, out, err = cli(*arguments)
    assert code == ExitCode.USAGE
    assert said in err
    assert out == ""


def test_a_device_that_is_not_there_is_told(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    code, _, err = cli("tiny", "--device", "cuda")
    assert code == ExitCode.RESOURCE
    assert err == "nalu: there is no CUDA device; --device cpu works everywhere.\n"


def test_a_folder_that_cannot_be_made_is_told(cli: Cli, here: Path) -> None:
    (here / "file").write_text("")
    assert cli("tiny", "--out", "file")[0] == ExitCode.OUTPUT
    assert cli("tiny", "--out", "none/below")[0] == ExitCode.OUTPUT


def test_the_list_names_every_experiment(nalu: Run) -> None:
    lines = nalu("reproduce", "--list").stdout.splitlines()[1:]
    assert [line.split()[0] for line in lines] == list(papers.EXPERIMENTS)
    listed = json.loads(nalu("reproduce", "--list", "--json").stdout)["experiments"]
    assert {entry["name"]: entry["about"] for entry in listed} == papers.EXPERIMENTS


def test_the_page_shows_published_and_ours_and_where_it_falls_short(cli: Cli, here: Path) -> None:
    cli("tiny")
    code, _, err = cli("--page", "RESULTS.md", "--out", "reproduced")
    assert (code, err) == (ExitCode.DONE, "wrote RESULTS.md\n")
    page = (here / "RESULTS.md").read_text()
    assert page.startswith(f"{MARK}\n")
    assert "```\nnalu reproduce tiny\n```" in page
    assert "| cell | 2.25 (2 to 2.5) | 1.9\\* | 2.25 (2 to 2.5) | .4 |" in page
    assert "![Nothing is learned.](reproduced/tiny.png)" in page
    assert "* Ours is small. Holds.\n* Ours is zero. **Does not hold**." in page
    assert "\n\nNothing can be learned from this.\n\n" in page
    ours = page.partition("Where ours falls short of the best published:\n\n")[2].partition("\n\n")
    assert ours[0] == "* first, far: ours 0.75, published .4 (cell)."
    others = page.partition("Where a model does worse here than in its paper:\n\n")[2]
    assert others.startswith("* first, near: cell 2.25, published 1.9\\*.\n* first, far: cell")
    assert page == page_of(
        "nalu reproduce --page RESULTS.md --out reproduced", here / "reproduced", here
    )


def test_a_page_of_another_kind_is_not_replaced(cli: Cli, here: Path) -> None:
    cli("tiny", "--quick")
    (here / "NOTES.md").write_text("my notes\n")
    code, _, err = cli("--page", "NOTES.md", "--out", "reproduced-quick")
    assert code == ExitCode.OUTPUT
    assert "NOTES.md exists and is no page of results" in err


def test_a_run_that_is_not_complete_says_so_on_the_page(
    cli: Cli, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Tiny, "interrupt", Batch("net", "first", (0, 1)))
    cli("tiny", "--quick", "--out", "r")
    text = page_of("", here / "r", here)
    assert "The run is not complete." in text
    assert "olds" not in text


@pytest.mark.parametrize(
    ("text", "worse", "no_worse"),
    [(".41", 0.416, 0.4149), (">999", 1000.0, 999.0), ("0", 0.51, 0.49), ("1.4e10", 1.5e10, 1e10)],
)
def test_a_published_number_is_as_exact_as_it_is_printed(
    text: str, worse: float, no_worse: float
) -> None:
    number = PublishedNumber(text, "", from_memory=False)
    assert number.beats(worse)
    assert not number.beats(no_worse)
    assert number.beats(float("inf"))
    assert number.beats(float("nan"))


def test_of_some_measures_more_is_better() -> None:
    number = PublishedNumber("19", "", from_memory=True)
    assert number.beats(18.0, more_is_better=True)
    assert not number.beats(25.0, more_is_better=True)
    assert str(number) == "19*"


@pytest.mark.parametrize("width", [40, 60, 80, 160])
def test_tables_keep_to_the_width_of_the_terminal(width: int) -> None:
    experiment = Tiny()
    measured = [
        Measurement(model, "first", seed, measure, VALUES[model] / 7 + seed)
        for model in experiment.models
        for seed in range(3)
        for measure in experiment.measures
    ]
    summary = summary_of(
        experiment, "nalu 0 reproduce tiny", Results(tuple(measured), True), NUMBERS
    )
    lines = [line.plain for line in result_lines(summary, width)][3:]
    table = lines[: lines.index("")]
    assert max(map(len, table)) <= width
    shown = "\n".join(table)
    assert shown.count("8.14") == shown.count("  published") == 2
    assert (" to " in shown) == (width >= 80)


@pytest.mark.parametrize(
    ("stops", "said"),
    [(False, "3/12  first  net  seeds 0 to 1"), (True, "stopping; the results so far are kept")],
)
def test_a_terminal_shows_a_bar_and_that_a_stop_was_heard(stops: bool, said: str) -> None:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=True, width=80)
    with Bar(Screen(console, console, quiet=False)) as bar:
        if stops:
            bar.stopping()
        bar.watch(Done(3, 12, Batch("net", "first", (0, 1)), 0.5))
    assert said in stream.getvalue()
    assert "29 %" in stream.getvalue()
