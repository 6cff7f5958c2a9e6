from __future__ import annotations

from pathlib import Path

import pytest
from problems import outcome

from nalu_cli.errors import UsageError
from nalu_cli.experiments.benchmark_file import PUBLISHED, SUITES, read_suite
from nalu_cli.experiments.comparison import lines_of, read_numbers, read_runs, total_of
from nalu_cli.experiments.comparison_page import comparison_page
from nalu_cli.experiments.outcome_file import OutcomeFile
from nalu_cli.experiments.plan import OPERATION_TITLES
from nalu_cli.experiments.protocol import Protocol
from nalu_cli.experiments.trial import Outcome
from nalu_cli.settings import CellName

NMU = "nalu 0 bench ops published --protocol paper --cell nmu --suite mistry_single"
OURS = "nalu 0 bench ops published --suite mistry_single"
HARD = "-1.2..-1.1"


def paper(case: str, seed: int, solved: bool) -> Outcome:
    more = {"steps": 1000 + seed, "sparsity": 0.0} if solved else {"sparsity": 0.5}
    return Outcome(
        name=f"mul {case} {seed}",
        seed=seed,
        labels=("mul", case),
        recovered=solved,
        test_error=1e-9 if solved else 5.0,
        seconds=0.5,
        **more,  # type: ignore[arg-type]
    )


def write(path: Path, settings: str, *outcomes: Outcome) -> Path:
    file = OutcomeFile(path, OPERATION_TITLES, settings)
    for one in outcomes:
        file.append(one)
    return path


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    runs = [paper(HARD, seed, seed < 14) for seed in range(25)]
    runs += [paper("1..2", seed, seed < 3) for seed in range(25)]
    mine = [outcome(f"a{k}", labels=(op, "1..2"), seed=k) for k, op in enumerate(("add", "mul"))]
    missed = outcome("a9", labels=("mul", "1..2"), seed=9, recovered=False, formula="a|b")
    return [
        write(tmp_path / "nmu.csv", NMU, *runs),
        write(tmp_path / "ours.csv", OURS, *mine, missed),
    ]


def test_every_published_number_is_about_a_task_that_can_be_run() -> None:
    numbers = read_numbers()
    for result in numbers.results:
        suite = read_suite(Path(PUBLISHED), result.suite)
        cases = {case.name: {task.operation for task in case.tasks} for case in suite.cases}
        assert result.range in ("", *cases)
        assert any(result.operation in operations for operations in cases.values())
        assert CellName(result.cell) is not CellName.AUTO
        assert 0 <= result.percent <= 100
        assert result.percent * result.runs % 100 == 0
        assert result.source in numbers.sources
    for best in numbers.best:
        assert read_suite(SUITES, best.suite).cases
        assert best.source in numbers.sources
    assert {note.suite for note in numbers.notes} <= {best.suite for best in numbers.best}


def test_runs_say_what_they_are(files: list[Path]) -> None:
    nmu, ours = read_runs(files)
    assert (nmu.suite, nmu.protocol, nmu.cell) == ("mistry_single", Protocol.PAPER, CellName.NMU)
    assert (ours.protocol, ours.cell, ours.options) == (Protocol.CSV, CellName.AUTO, "")


def test_results_stand_beside_published_ones_of_the_same_range(files: list[Path]) -> None:
    nmu = read_runs(files)[0]
    hard, easy = lines_of(nmu, read_numbers())
    assert (hard.range, hard.solved, hard.runs) == (HARD, 14, 25)
    assert hard.published is not None
    assert hard.published.percent == 68
    assert hard.agrees
    assert hard.steps == 1006.5
    assert hard.sparsity == 0
    assert easy.published is not None
    assert easy.published.percent == 100
    assert easy.agrees is False
    assert easy.reason == "exact weights pass"
    assert {line.reason for line in lines_of(read_runs(files)[1], read_numbers())} == {""}
    assert (total_of(nmu, "mul").solved, total_of(nmu, "mul").runs) == (17, 50)


def test_the_page_shows_both_settings_and_what_was_missed(files: list[Path]) -> None:
    text = comparison_page("nalu bench compare nmu.csv", read_runs(files), read_numbers())
    (hard,) = [line for line in text.splitlines() if f"| {HARD} |" in line]
    cells = [cell.strip() for cell in hard.strip("|").split("|")]
    assert cells[:7] == ["nmu", "×", HARD, "14 of 25", "37 to 73 %", "68 % of 25", "yes"]
    assert "**no**" in text
    assert "| auto | 1 of 1 | 1 of 2 |" in text
    assert "* ×, 1..2, seed 9: exact: `a|b`" in text
    assert "+ 1 of 1, × 1 of 2" in text


def test_the_page_in_the_package_is_what_its_results_say() -> None:
    folder = SUITES.parent
    page = (folder / "RESULTS.md").read_text(encoding="utf-8")
    command = page.partition("```\n")[2].partition("\n")[0]
    assert command == "nalu bench compare results --page RESULTS.md"
    assert page == comparison_page(command, read_runs([folder / "results"]), read_numbers())


def test_other_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.csv").write_text("a,b\n1,2\n")
    for name in ("notes.csv", "none.csv"):
        with pytest.raises(UsageError):
            read_runs([tmp_path / name])
