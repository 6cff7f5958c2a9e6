from __future__ import annotations

import csv
from pathlib import Path

import pytest
from problems import outcome

from nalu_cli.errors import OutputError, UsageError
from nalu_cli.experiments.outcome_file import OutcomeFile
from nalu_cli.settings import Status

TITLES = ("set", "depth")
SETTINGS = "nalu bench formulas laws.json"

ROWS = (
    outcome("a", labels=("feynman", "1"), far_error=1.25e-15, process_seconds=2.5),
    outcome("b, c", seed=3, verdict=Status.NONE, recovered=False, far_error=None, formula='"x"|y'),
    outcome("d", recovered=False, verdict=None, seconds=None, found_by="", formula="", error="no"),
)


def test_outcomes_are_read_as_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "results.csv"
    file = OutcomeFile(path, TITLES, SETTINGS)
    for row in ROWS:
        file.append(row)
        # each row is on disk at once
        assert OutcomeFile(path, TITLES, SETTINGS).outcomes[row.name, row.seed] == row
    again = OutcomeFile(path, TITLES, SETTINGS)
    assert list(again.outcomes.values()) == list(ROWS)
    again.append(outcome("e"))
    with path.open(newline="") as lines:
        table = list(csv.DictReader(lines))
    assert [row["id"] for row in table] == ["a", "b, c", "d", "e"]
    assert [row["recovered"] for row in table] == ["yes", "no", "no", "yes"]
    assert table[0]["far_error"] == "1.25e-15"
    assert {row["settings"] for row in table} == {SETTINGS}


def test_every_outcome_stays_on_one_line(tmp_path: Path) -> None:
    file = OutcomeFile(tmp_path / "results.csv", TITLES, SETTINGS)
    file.append(outcome("a", error="first\nsecond"))
    assert (tmp_path / "results.csv").read_text().count("\n") == 2


@pytest.mark.parametrize("cut", [1, 20, 50])
def test_half_a_row_is_dropped(cut: int, tmp_path: Path) -> None:
    path = tmp_path / "results.csv"
    file = OutcomeFile(path, TITLES, SETTINGS)
    for row in ROWS:
        file.append(row)
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut])
    again = OutcomeFile(path, TITLES, SETTINGS)
    assert list(again.outcomes.values()) == list(ROWS[:2])
    again.append(ROWS[2])
    assert path.read_bytes() == whole


def test_rows_of_other_settings_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "results.csv"
    OutcomeFile(path, TITLES, SETTINGS).append(ROWS[0])
    before = path.read_bytes()
    with pytest.raises(UsageError, match=r"was made with .* and this run is '.*--noise 0\.01'"):
        OutcomeFile(path, TITLES, f"{SETTINGS} --noise 0.01")
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", ["my notes", "a,b\n1,2\n", "id,seed\n", "\n"])
def test_another_file_is_left_alone(content: str, tmp_path: Path) -> None:
    path = tmp_path / "notes.csv"
    path.write_text(content)
    with pytest.raises(UsageError, match="holds no results of this command"):
        OutcomeFile(path, TITLES, SETTINGS)
    assert path.read_text() == content


def test_a_damaged_row_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "results.csv"
    OutcomeFile(path, TITLES, SETTINGS).append(ROWS[0])
    path.write_text(path.read_text().replace("yes", "maybe"))
    with pytest.raises(UsageError):
        OutcomeFile(path, TITLES, SETTINGS)


def test_a_full_disk_is_told() -> None:
    with pytest.raises(OutputError, match="/dev/full cannot be written: no space left on device"):
        OutcomeFile(Path("/dev/full"), TITLES, SETTINGS)


def test_sharp_is_a_column_of_printed_tables_only(tmp_path: Path) -> None:
    rows = [outcome("a", sharp=True), outcome("b", sharp=False), outcome("c")]
    file = OutcomeFile(tmp_path / "r.csv", TITLES, SETTINGS, is_printed=True)
    for row in rows:
        file.append(row)
    again = OutcomeFile(tmp_path / "r.csv", TITLES, SETTINGS, is_printed=True)
    assert list(again.outcomes.values()) == rows
    with pytest.raises(UsageError, match="holds no results of this command"):
        OutcomeFile(tmp_path / "r.csv", TITLES, SETTINGS)
