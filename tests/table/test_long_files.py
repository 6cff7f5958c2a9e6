"""Files too long to be held go the way of short ones, in memory that does not grow with them."""

from __future__ import annotations

import gzip
import io
import json
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import plain_terminal
from tables import uniform

from nalu_cli.commands import app
from nalu_cli.problem.subsample import most_rows
from nalu_cli.table import LongTable, ReadOptions, opened_table, read_table

ROWS = most_rows(2) + 10_000

Json = Callable[..., dict[str, object]]


def text(rows: int = ROWS, delimiter: str = ",") -> str:
    a, b = uniform(1, rows, 2, low=1, high=100).round(2).T.tolist()
    lines = [f"{x!r}{delimiter}{y!r}{delimiter}{x / y!r}" for x, y in zip(a, b, strict=True)]
    return "\n".join([f"a{delimiter}b{delimiter}y", *lines, ""])


@pytest.fixture
def fitted(here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Json:
    """Fit y with next to nothing held at once; the exit code and the JSON."""
    monkeypatch.setattr("nalu_cli.table.opened_table", partial(opened_table, most=1000))

    def run(*arguments: str) -> dict[str, object]:
        code = app.run(["fit", *arguments, "-t", "y", "--effort", "quick", "--json"])
        said = capsys.readouterr()
        assert code in {0, 3}, said.err
        data: dict[str, object] = json.loads(said.out)
        return data | {"said": said.err}

    return run


def assert_law(data: dict[str, object], rows: int = ROWS) -> None:
    assert (data["status"], data["formula"]) == ("exact", "a/b")
    assert data["errors"]["all"]["rows"] == rows  # type: ignore[index]
    assert data["memory_bytes"] > 10**7  # type: ignore[operator]
    assert f"{rows:,} rows read" in str(data["said"])


WAYS: dict[str, Callable[[Path], None]] = {
    "long.csv": lambda path: path.write_text(text()) and None,
    "long.tsv": lambda path: path.write_text(text(delimiter="\t")) and None,
    "long.csv.gz": lambda path: path.write_bytes(gzip.compress(text().encode())) and None,
    "long.parquet": lambda path: pd.read_csv(io.StringIO(text())).to_parquet(path),
}


@pytest.mark.parametrize("name", WAYS)
def test_every_kind_of_file(name: str, fitted: Json, here: Path) -> None:
    pytest.importorskip("pyarrow")
    WAYS[name](here / name)
    assert_law(fitted(name))


def test_standard_input(fitted: Json, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text().encode())))
    assert_law(fitted("-"))


def test_a_long_file_of_test_rows(fitted: Json, here: Path) -> None:
    (here / "short.csv").write_text(text(300))
    (here / "test.csv").write_text(text())
    data = fitted("short.csv", "--test", "test.csv")
    assert data["status"] == "exact"
    assert data["errors"]["test"]["rows"] == ROWS  # type: ignore[index]


def test_a_file_that_is_long_and_has_few_rows_is_fitted_as_a_whole(
    fitted: Json, here: Path
) -> None:
    (here / "rows.csv").write_text(text(1000))
    data = fitted("rows.csv")
    assert data["formula"] == "a/b"
    assert "all" not in data["errors"]  # type: ignore[operator]
    assert sum(part["rows"] for part in data["errors"].values()) == 1000  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("oops,1,2", f"row {ROWS + 2}, column 'a': 'oops' is not a number"),
        ("1,2", f"row {ROWS + 2} has 2 fields"),
        ('1,"2,3', f"row {ROWS + 2} has a quote that is never closed"),
        ("Total,2,3", f"row {ROWS + 2} seems to sum up the rows above it"),
    ],
)
def test_a_fault_in_the_last_row_is_found(line: str, says: str, fitted: Json, here: Path) -> None:
    (here / "rows.csv").write_text(f"{text()}{line}\n")
    data = fitted("rows.csv")
    assert data["status"] == "error"
    assert says in str(data["said"])


def test_rows_that_are_skipped_are_counted_once(fitted: Json, here: Path) -> None:
    lines = text().splitlines()
    lines[5] = lines[20_000] = lines[-1] = "1,2"
    (here / "rows.csv").write_text("\n".join(lines))
    data = fitted("rows.csv", "--skip-bad-rows")
    assert_law(data, ROWS - 3)
    notes = [caveat for caveat in data["caveats"] if "fields" in caveat]  # type: ignore[attr-defined]
    assert notes == ["3 rows have more or fewer fields than the header; dropped"]
    (here / "rows.csv").write_text("\n".join(["a,b,y", *["1,2"] * 500]))
    assert "no rows that can be used" in str(fitted("rows.csv", "--skip-bad-rows")["said"])


def test_a_long_table_has_the_rows_of_the_short_one(here: Path) -> None:
    (here / "rows.csv").write_text(text(2000))
    table = read_table("rows.csv")
    with opened_table("rows.csv", ReadOptions(), most=1000) as long:
        assert isinstance(long, LongTable)
        rows = np.concatenate([block.columns for block in long.blocks()])
        again = np.concatenate([block.columns for block in long.blocks()])
    np.testing.assert_array_equal(rows, table.columns)
    np.testing.assert_array_equal(again, table.columns)


MEASURED = """
import sys
from nalu_cli.commands.app import run
from nalu_cli.commands.console.memory import peak_memory
code = run(sys.argv[1:])
print(peak_memory(), file=sys.stderr)
sys.exit(int(code))
"""


def memory(*arguments: str) -> int:
    """Bytes that a command needs at most, in a process of its own."""
    command = [sys.executable, "-c", MEASURED, *arguments]
    done = subprocess.run(
        command, env=plain_terminal(), capture_output=True, text=True, timeout=300, check=True
    )
    return int(done.stderr.split()[-1])


def test_memory_of_the_program_that_starts_it_is_not_counted(here: Path) -> None:
    (here / "rows.csv").write_text(text(1000))
    held = b"x" * int(700e6)
    assert memory("fit", "rows.csv", "-t", "y", "-o", "m.pt") < len(held)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_rows(here: Path) -> None:
    head, _, rows = text(50_000).partition("\n")
    # 28 MB and 140 MB
    for name, times in (("long.csv", 20), ("longer.csv", 100)):
        with (here / name).open("w") as file:
            file.write(f"{head}\n")
            for _ in range(times):
                file.write(rows)
    for command in (
        ("fit", "{}", "-t", "y", "-o", "m.pt"),
        ("predict", "m.pt", "{}", "-o", "out.csv"),
    ):
        less, more = (
            memory(*(word.format(name) for word in command)) for name in ("long.csv", "longer.csv")
        )
        assert more < less + 60e6
        assert more < 700e6
