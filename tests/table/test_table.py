"""Files of known content are read as they are, and hostile ones are refused in one sentence."""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import lzma
import os
import sys
import zipfile
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nalu_cli.errors import DataError, ExitCode, NaluError, UsageError
from nalu_cli.table import (
    Chunk,
    LongTable,
    ReadOptions,
    Table,
    column_names,
    opened_table,
    read_chunks,
    read_table,
    source,
)
from nalu_cli.table.chunks import chunks_of_text
from nalu_cli.table.opened import opened

GOOD = "pressure,area,force\n1.5,2,3\n2.5,4,10\n"
finite = st.floats(allow_nan=False, allow_infinity=False)


def write(folder: Path, content: str | bytes, name: str = "flow.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def read(folder: Path, content: str | bytes, **options: object) -> Table:
    return read_table(write(folder, content), ReadOptions(**options))  # type: ignore[arg-type]


def chosen(folder: Path, content: str | bytes, **options: object) -> np.ndarray:
    table = read(folder, content, **options)
    return table.select(table.names)[0]


def numbers(chunk: Chunk, *names: str) -> np.ndarray:
    return np.column_stack([column.values for column in chunk.numeric(names)])


def zipped(*names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, GOOD)
    return buffer.getvalue()


@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rows=st.lists(st.tuples(finite, finite), min_size=2, max_size=30))
def test_doubles_survive_the_text(tmp_path: Path, rows: list[tuple[float, float]]) -> None:
    body = "".join(f"{a!r},{b:.17g}\n" for a, b in rows)
    path = write(tmp_path, "a,b\n" + body)
    np.testing.assert_array_equal(read_table(path).columns, np.array(rows))
    (chunk,) = read_chunks(path)
    np.testing.assert_array_equal(numbers(chunk, "a", "b"), np.array(rows))


def test_random_bit_patterns_survive_the_careful_path_too(tmp_path: Path) -> None:
    bits = np.random.default_rng(0).integers(0, 2**64, 20_000, dtype=np.uint64)
    doubles = bits.view(np.float64)
    doubles = doubles[np.isfinite(doubles)]
    body = "\n".join(f"{x:.17g}" for x in doubles)
    table = read(tmp_path, f"x\n{body}\noops\n", skip_bad_rows=True)
    np.testing.assert_array_equal(table.select(("x",))[0][:, 0], doubles)


@pytest.mark.parametrize(
    "content",
    [
        GOOD,
        GOOD.replace("\n", "\r\n"),
        GOOD.replace("\n", "\r"),
        GOOD.rstrip("\n"),
        GOOD.replace(",", ";"),
        GOOD.replace(",", "\t"),
        GOOD.replace(",", "|"),
        GOOD.replace(",", ", "),
        GOOD.replace(",", ";").replace(".", ","),
        GOOD.replace("\n", "\n\n") + "   \n",
        "# made by hand\n#\n" + GOOD,
        "# pressure,area,force\n" + GOOD.partition("\n")[2],
        'pressure,area,force\n"1.5","2",3\n2.5,4, "10"\n',
        "pressure,area,force\n1.5,2,3,\n2.5,4,10,\n",
        "pressure,area,force,\n1.5,2,3,\n2.5,4,10,\n",
        "pressure,area,force\nPa,m2,N\n1.5,2,3\n2.5,4,10\n",
        "pressure,area,force\n1.50e0,+2,3.\n.25E1,4,0010\n",
        "pressure,area,force\n1.5,２,٣\n2.5,4,10\n",
        codecs.BOM_UTF8 + GOOD.encode(),
        GOOD.encode("utf-16"),
        codecs.BOM_UTF16_BE + GOOD.encode("utf-16-be"),
        GOOD.encode("utf-32"),
        gzip.compress(GOOD.encode()),
        bz2.compress(GOOD.encode()),
        lzma.compress(GOOD.encode()),
        zipped("flow.csv", "__MACOSX/flow.csv"),
    ],
)
def test_one_table_in_many_hands(tmp_path: Path, content: str | bytes) -> None:
    path = write(tmp_path, content)
    table = read_table(path)
    assert table.names == ("pressure", "area", "force")
    np.testing.assert_array_equal(table.columns, [[1.5, 2, 3], [2.5, 4, 10]])
    assert column_names(path)[:3] == table.names
    (chunk,) = read_chunks(path)
    np.testing.assert_array_equal(numbers(chunk, *table.names), table.columns)
    np.testing.assert_array_equal(chunk.lines, table.lines)


@pytest.mark.parametrize(
    ("content", "note"),
    [
        ("a;b\n1;2\n3;4\n", "columns are separated by semicolons"),
        ("a;b\n1,5;2\n3,25;4\n", "decimal comma: '1,5' read as 1.5"),
        ("# by hand\na,b\n1,2\n3,4\n", "1 comment line at the top skipped"),
        ("a,b\nm,s\n1,2\n3,4\n", "row 2 (m, s) was taken for units and skipped"),
        ("a,b\n1,2,\n3,4,\n", "an empty last column was dropped"),
        ("a,Größe\n1,2\n3,4\n".encode("cp1252"), "not UTF-8: read as Windows-1252"),
        ("a,b\n1,2\n3,4\n".encode("utf-16"), "read as UTF-16"),
        ("a,b\n1,True\n3,False\n", "column 'b': False and True read as 0 and 1"),
        ("a,b\n1,TRUE\n3,\n4,false\n", "column 'b': 'false' and 'TRUE' read as 0 and 1"),
        ("a,b\n1,−2\n3,4\n", "1 cell has a Unicode minus or digits, such as '−2' read as -2"),
        ("a,b\n1,9007199254740993\n3,4\n", "'b' has integers above 2**53"),
        ("a,b\n1,99999999999999999999\n3,4\n", "'b' has integers above 2**53"),
        ("a,b\n1,007\n3,010\n", "column 'b' has leading zeros ('007' read as 7)"),
        (",a\n0,5\n1,6\n", "'col1' is not used: it has no name and only counts the rows"),
        ("a,b\n1,Mars\n3,Venus\n", "'b' is not used: it holds text ('Mars' is not a number)"),
        ("a,b\n1,2020-01-02\n3,2020-01-03\n", "('2020-01-02' looks like a date)"),
        ("a,b\n1,\n3,NA\n", "'b' is not used: it has no values"),
    ],
)
def test_what_the_reader_decides_it_says(tmp_path: Path, content: str | bytes, note: str) -> None:
    assert note in "\n".join(read(tmp_path, content).notes)


def test_a_column_without_a_name_gets_one(tmp_path: Path) -> None:
    assert read(tmp_path, "a,,col2\n1,5,1\n2,7,2\n").names == ("a", "col2_", "col2")


@pytest.mark.parametrize(
    "name",
    [
        "E",
        "lambda",
        "speed [m/s]",
        "x y",
        "Größe",
        "2019",
        "__import__('os')",
        "a;b",
        "[/red]",
        "$1",
    ],
)
def test_no_name_is_special(tmp_path: Path, name: str) -> None:
    table = read(tmp_path, f'"{name}",other\n1,2\n3,4\n')
    assert table.names == (name, "other")
    assert table.resolve(name) == name


def test_names_with_line_ends_and_long_cells_keep_the_line_numbers(tmp_path: Path) -> None:
    table = read(tmp_path, '"a\nb",c\n1,2\n\n3,"4\n"\n5,6\n')
    assert table.names == ("a\nb", "c")
    assert table.lines.tolist() == [3, 5, 7]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "flow.csv is empty; a table has a header and rows."),
        ("\n \n", "flow.csv is empty"),
        ("a,b\n", "flow.csv has a header and no rows below it"),
        ("a,b\n1,2\n", "flow.csv has 1 row of data; at least two are needed: any formula fits"),
        (b"a,b\n1,\x002\n3,4\n", "flow.csv has a NUL byte at byte 7"),
        (b"\x89PNG\r\n\x1a\n", "flow.csv is a PNG picture, not a table of text"),
        (b"%PDF-1.7", "flow.csv is a PDF document"),
        (b"PAR1....", "flow.csv is a Parquet file"),
        (zipped("[Content_Types].xml", "xl/x.xml"), "flow.csv is a spreadsheet or an Office file"),
        (zipped("a.csv", "b.csv"), "flow.csv is a zip archive of 2 files; it must hold one"),
        (zipped("a/"), "flow.csv is a zip archive of 0 files"),
        (gzip.compress(GOOD.encode())[:-12], "flow.csv is packed and damaged"),
        ("<!DOCTYPE html>\n<html>", "flow.csv looks like a web page"),
        ('{"a": [1, 2]}', "flow.csv looks like JSON"),
        ('[{"a": 1}]', "flow.csv looks like JSON"),
        ("a,b\n1,2\n3,4,5\n", "flow.csv, row 3 has 3 fields; the header has 2. Correct or remove"),
        ("a,b\n1,2,9\n3,4\n", "flow.csv, row 2 has 3 fields; the header has 2."),
        ("a,b,c\n1,2,3\n\n3,4\n", "flow.csv, row 4 has 2 fields; the header has 3."),
        (
            "Report\n\na,b\n1,2\n3,4\n",
            "flow.csv begins with 'Report'; its header seems to be row 3",
        ),
        ("a,b\n1,2\n3,4\na,b\n5,6\n", "flow.csv, row 4 repeats the header in column 'a'"),
        ("a,b\na,b\n5,6\n1,2\n", "flow.csv, row 2 repeats the header"),
        ("n,b\nx,2\ny,4\nTotal,6\n", "flow.csv, row 4 seems to sum up the rows above it ('Total')"),
        ("x y\n1  2\n3  4\n", "flow.csv seems to be separated by spaces"),
        ("1,2\n3,4\n5,6\n", "flow.csv has no header: row 1 holds numbers"),
        ("a,b,a \n1,2,3\n3,4,5\n", "flow.csv, row 1: columns 1 and 3 are both called 'a'"),
        ('a,b\n1,2\n3,"4\n5,6\n', "flow.csv, row 3 has a quote that is never closed"),
        ('a,b\n1,2\n3,"4"x\n5,6\n', "flow.csv, row 3 has text behind a closing quote"),
        ('a,b\n1,2\n3,"' + "x" * 200_000, "flow.csv, row 3 has a cell of more than 131072"),
        ("a,b\n1,n/b\n3,4\n", "flow.csv, row 2, column 'b': 'n/b' is not a number. Remove the row"),
        ("a,b\n1,inf\n3,4\n", "row 2, column 'b': 'inf' is not a finite number"),
        ("a,b\n1,2\n3,1e400\n", "row 3, column 'b': '1e400' is too large for a double"),
        ("a,b\n1,10%\n3,20%\n", "row 2, column 'b': '10%' has a percent sign; write plain numbers"),
        ("a,b\n1,$1.50\n3,4\n", "'$1.50' has a currency sign"),
        ("a,b\n1,5 €\n3,4\n", "'5 €' has a currency sign"),
        ("a,b\n1,(5)\n3,4\n", "'(5)' is an accounting negative"),
        ("a,b\n1,5-\n3,4\n", "'5-' has its minus sign at the end"),
        ("a,b\n1,1_000\n3,4\n", "'1_000' has underscores"),
        ("a,b\n1,0x10\n3,4\n", "'0x10' is hexadecimal"),
        ("a,b\n1,1/3\n3,4\n", "'1/3' is a fraction"),
        ("a,b\n1,1D+03\n3,4\n", "'1D+03' has a Fortran exponent"),
        ("a,b\n1,5 m\n3,4\n", "'5 m' has a unit behind the number"),
        ("a,b\n1,2020-01-02\n3,4\n", "'2020-01-02' looks like a date"),
        ('a,b\n1,"1,000"\n3,4\n', "'1,000' has a thousands separator"),
        ("a,b\n1,1 000\n3,4\n", "'1 000' has a thousands separator"),
        ('a,b\n1,"1,5"\n3,4\n', "'1,5' has a decimal comma"),
        ("a;b\n1,000;2\n3,500;4\n", "row 2: '1,000' may be 1.000 or 1000. Pass --decimal ,"),
        ("a,b\n1,\x1b[31m\u202e\n3,4\n", r"'\x1b[31m\u202e' is not a number"),
        ("a,b\n1,x\n3,4\n5,y\n7,8\n", "2 cells of the column are like it"),
        ("a,b\n1,\n2,3\n4,\n", "2 of 3 rows have missing cells, most of them in column 'b', the"),
        (b"a,b\n1,\x81\n3,4\n", "flow.csv is not cp1252 text"),
    ],
)
def test_bad_tables_are_refused(tmp_path: Path, content: str | bytes, message: str) -> None:
    with pytest.raises(DataError) as caught:
        chosen(tmp_path, content)
    assert message in str(caught.value)
    assert str(caught.value).endswith((".", "?"))


def test_long_and_hostile_texts_are_shortened(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        chosen(tmp_path, f"a,b\n1,{'x' * 5000}\n3,4\n")
    assert len(str(caught.value)) < 200


def test_a_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "SUSPECT_UNPACKED", 1 << 20)
    with pytest.raises(DataError, match="when it is unpacked") as caught:
        read(tmp_path, gzip.compress(b"a,b\n" + b"1,2\n" * 10**6))
    assert "unpack it yourself" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("flaw.csv", "Did you mean 'flow.csv'?"),
        ("FLOW.CSV", "Did you mean 'flow.csv'?"),
        ("zzz", "Check the name and the folder."),
        ("no/flow.csv", "There is no folder"),
        ("folder", "is a folder, not a table. Name one of the files inside: 'a.csv'."),
        ("bare", "Name a file; there is no CSV file inside."),
    ],
)
def test_files_that_are_not_there(tmp_path: Path, name: str, message: str) -> None:
    write(tmp_path, GOOD)
    (tmp_path / "folder").mkdir()
    (tmp_path / "bare").mkdir()
    write(tmp_path / "folder", GOOD, "a.csv")
    with pytest.raises(UsageError) as caught:
        read_table(tmp_path / name)
    assert caught.value.exit_code is ExitCode.USAGE
    assert message in str(caught.value)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    path = write(tmp_path, GOOD)
    path.chmod(0)
    with pytest.raises(DataError, match="may not be read"):
        read_table(path)


@pytest.mark.parametrize(
    "options", [{"sep": "ab"}, {"sep": "x"}, {"sep": ""}, {"decimal": ";"}, {"encoding": "utf-99"}]
)
def test_options_out_of_range(tmp_path: Path, options: dict[str, str]) -> None:
    with pytest.raises(UsageError, match=f"--{next(iter(options))} is "):
        read(tmp_path, GOOD, **options)


def test_options_decide(tmp_path: Path) -> None:
    np.testing.assert_array_equal(
        read(tmp_path, "a b\n1,5 2\n2 3\n", sep=" ", decimal=",").columns, [[1.5, 2], [2, 3]]
    )
    np.testing.assert_array_equal(
        read(tmp_path, 'a,b\n"1,5",2\n2,3\n', decimal=",").columns, [[1.5, 2], [2, 3]]
    )
    assert (
        read(tmp_path, "é,b\n1,2\n3,4\n".encode("mac-roman"), encoding="mac-roman").names[0] == "é"
    )


@pytest.mark.parametrize(
    ("content", "extra"), [("x.parquet", "parquet"), ("x.xlsx", "excel"), ("x.ods", "excel")]
)
def test_workbooks_name_their_extra(
    tmp_path: Path, content: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nalu_cli.table.workbook.find_spec", lambda name: None)
    with pytest.raises(UsageError, match=rf"nalu-cli\[{extra}\]"):
        read_table(write(tmp_path, b"PAR1", content))


def test_workbooks_are_tables_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = pd.DataFrame(
        {"a": [1, 2], "b ": [0.1, None], "c": ["x", None], "d": [1.5, "oops"], "e": [True, False]}
    )
    monkeypatch.setattr("nalu_cli.table.reading.read_workbook", lambda *_: frame)
    monkeypatch.setattr("nalu_cli.table.chunks.workbook_parts", lambda *_: iter([(frame, None)]))
    table = read_table("x.parquet")
    assert table.names == ("a", "b", "d", "e")
    np.testing.assert_array_equal(table.columns[:, :2], [[1, 0.1], [2, np.nan]])
    with pytest.raises(DataError, match="row 3, column 'd': 'oops' is not a number"):
        table.select(("d",))
    (chunk,) = read_chunks("x.parquet")
    assert chunk.texts() == ["1,0.1,x,1.5,True", "2,,,oops,False"]
    np.testing.assert_array_equal(numbers(chunk, "b", "e"), [[0.1, 1], [np.nan, 0]])


def sheet(folder: Path, monkeypatch: pytest.MonkeyPatch, *rows: list[object]) -> Path:
    """A spreadsheet of these rows, as its reader hands them out."""
    frame = pd.DataFrame(rows, dtype=object)
    monkeypatch.setattr("nalu_cli.table.workbook.find_spec", lambda name: True)
    monkeypatch.setattr(pd, "read_excel", lambda *_, **__: frame)
    return write(folder, b"PK", "x.xlsx")


def test_a_sheet_is_read_as_a_text_would_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = sheet(
        tmp_path,
        monkeypatch,
        ["", "a\nb", "y"],
        [0, 0.1, 2**53 + 1],
        [1, None, 1e300],
        [2, 7, "n/b"],
    )
    table = read_table(path)
    assert table.names == ("a b", "y")
    np.testing.assert_array_equal(table.columns[:2], [[0.1, 2**53], [np.nan, 1e300]])
    assert column_names(path) == ("col1", "a b", "y")
    with pytest.raises(DataError, match="row 4, column 'y': 'n/b' is not a number"):
        table.select(("y",))
    (chunk,) = read_chunks(path)
    assert chunk.texts()[0] == "0,0.1,9007199254740993"


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([["a", "a"], [1, 2], [3, 4]], "columns 1 and 2 are both called 'a'"),
        ([[1, 2], [3, 4], [5, 6]], "has no header: row 1 holds numbers"),
        ([["May", None], ["a", "b"], [5, 6]], "its header seems to be row 2"),
        ([["id", "b"], ["x", 1], ["y", 2], ["Total", 3]], "row 4 seems to sum up the rows"),
    ],
)
def test_a_sheet_is_refused_as_a_text_would_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: list[list[object]], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        read_table(sheet(tmp_path, monkeypatch, *rows))


def test_bad_rows_are_skipped_on_demand(tmp_path: Path) -> None:
    content = "a,b\n1,2\n3,oops\n5\n7,8\n9,inf\nTotal,25\n"
    table = read(tmp_path, content, skip_bad_rows=True)
    rows, notes = table.select(("a", "b"))
    np.testing.assert_array_equal(rows, [[1, 2], [7, 8]])
    assert notes == ("2 rows with cells that are no numbers dropped",)
    assert "1 row has more or fewer fields than the header; dropped" in table.notes
    assert "row 7 ('Total') dropped" in table.notes


def test_a_category_is_no_row_of_totals(tmp_path: Path) -> None:
    assert len(read(tmp_path, "kind,x\nsum,1\nproduct,2\nsum,3\n")) == 3


def test_a_bad_cell_matters_only_in_columns_that_are_used(tmp_path: Path) -> None:
    table = read(tmp_path, "a,b,c\n1,x,3\n4,5,6\n")
    np.testing.assert_array_equal(table.select(("a", "c"))[0], [[1, 3], [4, 6]])
    with pytest.raises(DataError, match="row 2, column 'b': 'x' is not a number"):
        table.select(("a", "b"))


@pytest.mark.parametrize("word", ["", "NA", "nan", "null", "None", "n/a", "-", "?", " N/A "])
def test_few_missing_cells_are_dropped_with_a_count(tmp_path: Path, word: str) -> None:
    body = "".join(f"{k},{k * k}\n" for k in range(9))
    table = read(tmp_path, f"a,b\n{body}9,{word}\n")
    rows, notes = table.select(("a", "b"))
    assert len(rows) == 9
    assert notes == ("1 row with missing cells (1 in 'b') dropped",)
    assert len(table.select(("a",))[0]) == 10


@pytest.mark.parametrize(
    ("typed", "found"),
    [("a", "a"), ("A", "A"), (" Area ", "area"), ("#3", "area"), ("#4", "#4"), ("#1", "a")],
)
def test_columns_are_found(tmp_path: Path, typed: str, found: str) -> None:
    table = read(tmp_path, "a,A,area,#4\n1,2,3,4\n5,6,7,8\n")
    assert table.resolve(typed) == found


@pytest.mark.parametrize(
    ("typed", "kind", "message"),
    [
        (
            "presure",
            UsageError,
            "flow.csv has no column 'presure'; it has pressure, area, Area, name. "
            "Did you mean 'pressure'?",
        ),
        ("AREA", UsageError, "'AREA' may be any of the columns area, Area of flow.csv"),
        ("#9", UsageError, "has no column '#9'"),
        ("zzz", UsageError, "it has pressure, area, Area, name."),
        ("name", DataError, "column 'name' cannot be used: it holds text ('x' is not a number)"),
    ],
)
def test_columns_that_are_not_found(
    tmp_path: Path, typed: str, kind: type[NaluError], message: str
) -> None:
    table = read(tmp_path, "pressure,area,Area,name\n1,2,3,x\n5,6,7,y\n")
    with pytest.raises(kind) as caught:
        table.resolve(typed)
    assert message in str(caught.value)
    assert table.named("name") == "name"


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    stdin = io.TextIOWrapper(io.BytesIO(gzip.compress(GOOD.encode())))
    monkeypatch.setattr(sys, "stdin", stdin)
    table = read_table("-")
    assert table.source == "standard input"
    assert table.names == ("pressure", "area", "force")


def test_a_terminal_is_no_table(monkeypatch: pytest.MonkeyPatch) -> None:
    stdin = io.TextIOWrapper(io.BytesIO())
    monkeypatch.setattr(stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys, "stdin", stdin)
    with pytest.raises(UsageError, match="standard input is a terminal"):
        read_table("-")


@pytest.mark.parametrize("block_bytes", [1, 7, 30, 1000])
def test_chunks_keep_every_row_as_it_is_written(tmp_path: Path, block_bytes: int) -> None:
    rows = ['1," ""x"", y",2', "3,=1+1,n/a", '5,"two\nlines",oops', "7,é, 8"]
    content = "\n".join(["a,note,b", rows[0], "", *rows[1:]])
    chunks = list(read_chunks(write(tmp_path, content), block_bytes=block_bytes))
    assert (len(chunks) == 1) == (block_bytes == 1000)
    assert [row for chunk in chunks for row in chunk.texts()] == rows
    assert [line for chunk in chunks for line in chunk.lines.tolist()] == [2, 4, 5, 7]
    values = np.concatenate([numbers(chunk, "b", "a") for chunk in chunks])
    np.testing.assert_array_equal(values, [[2, 1], [np.nan, 3], [np.nan, 5], [8, 7]])
    faulty = {
        int(chunk.lines[row])
        for chunk in chunks
        for column in chunk.numeric(["b"])
        if column.fault is not None
        for row in column.fault.rows
    }
    # a missing cell passes for text when no other row of its block has a number
    assert {5} <= faulty <= {4, 5}


def test_chunks_refuse_or_skip_ragged_rows(tmp_path: Path) -> None:
    path = write(tmp_path, "a,b\n1,2\n3\n5,6\n")
    with pytest.raises(DataError, match="row 3 has 1 field; the header has 2"):
        list(read_chunks(path))
    (chunk,) = read_chunks(path, ReadOptions(skip_bad_rows=True))
    assert len(chunk) == 2
    assert chunk.notes == ("1 row has more or fewer fields than the header; dropped",)


def test_a_single_row_can_be_predicted(tmp_path: Path) -> None:
    (chunk,) = read_chunks(write(tmp_path, "a,b\n1,2\n"))
    assert chunk.texts() == ["1,2"]


def test_an_encoding_that_shows_late(tmp_path: Path) -> None:
    content = b"a,note\n" + b"1,x\n" * (1 << 19) + b"2,\xe9\n"
    path = write(tmp_path, content)
    assert len(read_table(path)) == (1 << 19) + 1
    with pytest.raises(DataError, match="Name its encoding"):
        list(read_chunks(path))


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(content=st.one_of(st.binary(max_size=60), st.text('a1,;"\n\r #.\x00-é', max_size=60)))
def test_any_bytes_are_a_table_or_an_error_of_ours(tmp_path: Path, content: str | bytes) -> None:
    path = write(tmp_path, content)
    try:
        table = read_table(path)
    except DataError:
        return
    assert table.columns.shape == (len(table), len(table.names))
    assert len(table.lines) == len(table) >= 2
    assert not np.isinf(table.columns).any()
    # a row of totals is refused where a table is read, and predicted as any other
    rows = [line for chunk in read_chunks(path) for line in chunk.lines.tolist()]
    assert rows == table.lines.tolist()
    with opened_table(path, most=-1) as long:
        blocks = list(long.blocks())
    assert [line for block in blocks for line in block.lines.tolist()] == rows
    np.testing.assert_array_equal(np.concatenate([b.columns for b in blocks]), table.columns)


CELLS = st.one_of(
    finite.map(repr), st.integers(-5, 5).map(str), st.sampled_from(["", "NA", " 7 ", '"3.5"'])
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    cells=st.lists(st.tuples(CELLS, CELLS), min_size=2, max_size=40),
    block_bytes=st.integers(1, 200),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    packed=st.booleans(),
    encoding=st.sampled_from(["utf-8", "utf-16", "utf-8-sig"]),
)
def test_a_long_table_is_the_same_in_blocks_of_any_size(
    tmp_path: Path,
    cells: list[tuple[str, str]],
    block_bytes: int,
    end: str,
    packed: bool,
    encoding: str,
) -> None:
    rows = [("a", "b"), ("1", "2"), ("3", "4"), *cells]
    content = end.join(",".join(row) for row in rows).encode(encoding)
    path = write(tmp_path, gzip.compress(content) if packed else content)
    table = read_table(path)
    with opened(path) as stream:
        chunks = partial(chunks_of_text, stream, ReadOptions(), "flow.csv", block_bytes=block_bytes)
        long = LongTable("flow.csv", chunks, ReadOptions())
        blocks = list(long.blocks(table.names))
        again = list(long.blocks(("b",)))
    np.testing.assert_array_equal(np.concatenate([b.columns for b in blocks]), table.columns)
    np.testing.assert_array_equal(np.concatenate([b.lines for b in blocks]), table.lines)
    np.testing.assert_array_equal(np.concatenate([b.columns for b in again]), table.columns[:, 1:])


def test_a_text_in_a_later_block_is_a_fault_of_a_column_of_numbers(tmp_path: Path) -> None:
    path = write(tmp_path, "a,b\n" + "1,2\n" * 9 + "x,3\n" * 9)
    with opened(path) as stream:
        chunks = partial(chunks_of_text, stream, ReadOptions(), "flow.csv", block_bytes=10)
        blocks = list(LongTable("flow.csv", chunks, ReadOptions()).blocks())
    assert {block.names for block in blocks} == {("a", "b")}
    faulty = next(block for block in blocks if block.faults)
    with pytest.raises(DataError, match=r"row.* 11.*column 'a'.*'x' is not a number"):
        faulty.select(("a", "b"))
    assert len(faulty.select(("b",))[0]) == len(faulty)


def test_a_row_of_totals_ends_a_long_table_too(tmp_path: Path) -> None:
    path = write(tmp_path, "a,b\n" + "1,2\n" * 9 + "Total,18\n")
    with opened_table(path, most=8) as long, pytest.raises(DataError, match="row 11 seems to sum"):
        list(long.blocks())
    with opened_table(path, ReadOptions(skip_bad_rows=True), most=8) as long:
        assert sum(map(len, long.blocks())) == 9
