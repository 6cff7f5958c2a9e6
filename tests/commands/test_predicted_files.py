"""Predicted rows in every format: what was there stays as it is written, and two columns follow."""

from __future__ import annotations

import csv
import gzip
import io
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from answers import of, product
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nalu_cli.circuit import Circuit
from nalu_cli.commands import app
from nalu_cli.storage.model_file import save_model

Predict = Callable[..., str]


@pytest.fixture
def predict(here: Path, capsys: pytest.CaptureFixture[str]) -> Predict:
    """Predict a*b; what was said, to either stream."""
    save_model(of(Circuit(2, ((product((0, 1), (1, 1)),),)), ("a", "b")), here / "m.pt")

    def run(*arguments: object, code: int = 0) -> str:
        assert app.run(["predict", "m.pt", *map(str, arguments)]) == code
        said = capsys.readouterr()
        return said.out + said.err

    return run


def test_rows_outside_the_domain_of_a_power_are_undefined(here: Path, predict: Predict) -> None:
    power = product((0, 0.75), (1, -0.7983417), scale=0.023)
    save_model(of(Circuit(2, ((power,),)), ("a", "b")), here / "m.pt")
    (here / "rows.csv").write_text("a,b\n16,1\n-16,1\n16,-1\n16,0\n")
    predict("rows.csv", "-o", "out.csv")
    read = list(csv.DictReader(io.StringIO((here / "out.csv").read_text())))
    assert float(read[0]["y_predicted"]) == 0.023 * 8
    assert [row["y_predicted"] for row in read[1:3]] == ["", ""]
    assert [row["guard"] for row in read[1:]] == ["undefined", "undefined", "pole"]


TEXTS = {
    "commas": "a,note,b\n1.50,x,2\n007, =1+1 ,3\n",
    "tabs": "a\tnote\tb\n1.50\tx, y\t2\n007\t\t3\n",
    "semicolons and decimal commas": "a;note;b\n1,50;x;2\n0,070;y;3,0\n",
    "quotes": 'a,note,b\n"1.50","x, ""y""",2\n1e0,"two\nlines", 3\n',
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["LF", "CRLF"])
def test_each_row_begins_as_it_was_written(
    text: str, end: str, predict: Predict, here: Path
) -> None:
    (here / "rows.csv").write_bytes(text.replace("\n", end).encode())
    predict("rows.csv", "-o", "out.csv")
    found = (here / "out.csv").read_text()
    between = next(mark for mark in ("\t", ";", ",") if mark in text)
    for row in text.replace('"two\nlines"', '"two lines"').splitlines()[1:]:
        assert f"{row}{between}" in found.replace('"two\nlines"', '"two lines"')
    read = list(csv.DictReader(io.StringIO(found), delimiter=between))
    numbers = [[float(row[n].replace(",", ".")) for n in ("a", "b", "y_predicted")] for row in read]
    for a, b, y in numbers:
        assert y == a * b
    assert [row["guard"] for row in read] != []


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    notes=st.lists(
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8),
        min_size=1,
        max_size=6,
    )
)
def test_any_text_comes_through_unchanged(notes: list[str], predict: Predict, here: Path) -> None:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, quoting=csv.QUOTE_ALL, lineterminator="\n")
    plain = [" ".join(note.split()) for note in notes]
    writer.writerows([("a", "b", "note"), *((k + 1, 2, note) for k, note in enumerate(plain))])
    (here / "rows.csv").write_text(buffer.getvalue(), encoding="utf-8", newline="")
    for name, between in (("out.csv", ","), ("out.tsv", "\t")):
        predict("rows.csv", "-o", name, "--sep", ",")
        with (here / name).open(encoding="utf-8", newline="") as file:
            found = list(csv.reader(file, delimiter=between))[1:]
        assert [row[2] for row in found] == plain
        assert [float(row[3]) for row in found] == [2.0 * (k + 1) for k in range(len(plain))]


def test_parquet_keeps_its_types(predict: Predict, here: Path) -> None:
    pytest.importorskip("pyarrow")
    frame = pd.DataFrame(
        {
            "b": [2, 3, 4],
            "when": pd.to_datetime(["2026-01-01", None, "2026-01-03"]),
            "a": [1.5, np.nan, 1e300],
            "note": ["x", None, "z, z"],
            "y": [3.0, 1.0, 5.0],
        }
    )
    frame.to_parquet(here / "rows.parquet")
    said = predict("rows.parquet", "-o", "out.parquet")
    found = pd.read_parquet(here / "out.parquet")
    pd.testing.assert_frame_equal(found[list(frame)], frame)
    np.testing.assert_array_equal(found["y_predicted"], [3.0, np.nan, 4e300])
    assert found["guard"].tolist()[1] == "missing"
    assert "with a target" in said
    predict("rows.parquet", "-o", "out.csv")
    text = pd.read_csv(here / "out.csv")
    np.testing.assert_array_equal(text["y_predicted"], found["y_predicted"])
    assert text["note"].tolist()[2] == "z, z"
    assert text["b"].tolist() == [2, 3, 4]


def test_text_becomes_parquet_with_numbers_where_the_formula_reads(
    predict: Predict, here: Path
) -> None:
    pytest.importorskip("pyarrow")
    (here / "rows.csv").write_text('a,b,note\n1.5,2,007\n2,,"x, y"\n')
    predict("rows.csv", "-o", "out.parquet")
    found = pd.read_parquet(here / "out.parquet")
    np.testing.assert_array_equal(
        found[["a", "b", "y_predicted"]], [[1.5, 2, 3], [2, np.nan, np.nan]]
    )
    assert found["note"].tolist() == ["007", "x, y"]
    predict("--range", "a=1:3", "--range", "b=2", "-o", "grid.parquet")
    assert pd.read_parquet(here / "grid.parquet")["y_predicted"].tolist() == [2.0, 4.0, 6.0]


def test_packed_in_and_out(predict: Predict, here: Path) -> None:
    (here / "rows.csv.gz").write_bytes(gzip.compress(b"a,b\n1.50,2\n"))
    predict("rows.csv.gz", "-o", "out.csv.gz")
    predict("rows.csv.gz", "-o", "out.tsv.gz")
    assert gzip.decompress((here / "out.csv.gz").read_bytes()).startswith(
        b"a,b,y_predicted,guard\n1.50,2,3.0,"
    )
    assert gzip.decompress((here / "out.tsv.gz").read_bytes()).startswith(b"a\tb\ty_pred")
    first = (here / "out.csv.gz").read_bytes()
    predict("rows.csv.gz", "-o", "out.csv.gz")
    assert (here / "out.csv.gz").read_bytes() == first


def test_standard_input_and_output(
    predict: Predict, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "a,b\n" + "".join(f"{k},2\n" for k in range(1000))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    found = predict("-", "-o", "-", "-q")
    rows = list(csv.DictReader(io.StringIO(found)))
    assert [float(row["y_predicted"]) for row in rows] == [2.0 * k for k in range(1000)]


@pytest.mark.parametrize("name", ["out.csv", "out.parquet", "out.csv.gz"])
def test_a_bad_cell_leaves_no_file_behind(name: str, predict: Predict, here: Path) -> None:
    pytest.importorskip("pyarrow")
    (here / "rows.csv").write_text("a,b\n" + "1,2\n" * 5 + "oops,2\n")
    said = predict("rows.csv", "-o", name, code=3)
    assert "rows.csv, row 7, column 'a': 'oops' is not a number" in said
    assert sorted(path.name for path in here.iterdir()) == ["m.pt", "rows.csv"]


@pytest.mark.parametrize("name", ["a.csv", "a.parquet"])
def test_a_cell_behind_the_last_column_must_be_empty(
    name: str, predict: Predict, here: Path
) -> None:
    pytest.importorskip("pyarrow")
    (here / "rows.csv").write_text("a,b\n1,2,\n3,4,\n")
    predict("rows.csv", "-o", name)
    found = pd.read_csv(here / name) if name == "a.csv" else pd.read_parquet(here / name)
    assert list(found) == ["a", "b", "y_predicted", "guard"]
    (here / "rows.csv").write_text("a,b\n" + "1,2,\n" * 200 + "3,4,5\n")
    assert "row 202 has 3 fields" in predict("rows.csv", code=3)
