"""Mutated tables: each is read right twice over, or refused in one sentence.

`python tests/test_hostile_tables.py 600` goes on with other seeds for ten minutes.
"""

from __future__ import annotations

import csv
import io
import math
import random
import re
import sys
import tempfile
import time
import unicodedata
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bad_inputs import CELLS, FILES, GOOD, PREDICTIONS, SHAPES

from nalu_cli.errors import NaluError
from nalu_cli.table import Chunk, ReadOptions, Table, column_names, read_chunks, read_table
from nalu_cli.table.cell_text import Spelling
from nalu_cli.table.encoding import guess_encoding
from nalu_cli.table.layout import Layout
from nalu_cli.table.opened import opened

SEEDS = 60
TABLES_PER_SEED = 10

LARGEST = 20_000
LONGEST_SENTENCE = 1000

TABLES = sorted(
    {
        case.file
        for case in (*FILES, *SHAPES, *CELLS, *PREDICTIONS)
        if case.file and len(case.file) < LARGEST
    }
)

PIECES = (
    *(b",", b";", b"\t", b"|", b" ", b'"', b'""', b"'", b"\n", b"\r", b"\r\n", b"\n\n", b"#", b"_"),
    *(
        b"\0",
        b"\x1b[2J",
        b"\xff",
        b"\xef\xbb\xbf",
        b"\xc2\xa0",
        b"\xe2\x88\x92",
        b"\xd9\xa1",
        b"\x85",
    ),
    *(b"0", b"-", b".", b"e", b"+", b"1e400", b"1e-400", b"nan", b"inf", b"NA", b"-999", b"1,5"),
    *(b"9007199254740993", b"1.000", b"1_0", b"0x1", b"True", b"%", b"a", b"y", b"a,b,y", b"Total"),
    *(
        b"sep=;",
        b"\xe2\x80\xae",
        b"\xe2\x80\xa8",
        b"\x0b",
        b"\x0c",
        b"\x1c",
        b"<",
        b"{",
        b"\x1f\x8b",
    ),
)

OPTIONS: tuple[dict[str, Any], ...] = (
    {},
    {},
    {"skip_bad_rows": True},
    {"header": False},
    {"sep": ","},
    {"sep": ";", "decimal": ","},
    {"thousands": ","},
    {"thousands": ".", "na": ("-999", "void")},
    {"skip_lines": 1},
    {"units_row": True, "dedupe": True},
    {"encoding": "latin-1"},
)


def mutated(content: bytes, rng: random.Random) -> bytes:
    for _ in range(rng.choice((1, 1, 2, 3, 8))):
        start = rng.randrange(len(content) + 1)
        stop = min(len(content), start + rng.choice((0, 0, 1, 1, 2, 9, 60)))
        middle = rng.choice(
            (b"", rng.choice(PIECES), bytes([rng.randrange(256)]), content[start:stop] * 2)
        )
        content = content[:start] + middle + content[stop:]
    lines = content.split(b"\n")
    if rng.random() < 0.2:
        rng.shuffle(lines)
    if rng.random() < 0.2:
        lines = lines[: rng.randrange(1, 6)]
    return b"\n".join(lines)


def check(path: Path, options: ReadOptions) -> None:
    """The file is refused in one sentence, or read as the csv module and float read it."""
    table = refused = None
    try:
        table = read_table(path, options)
    except NaluError as error:
        refused = error
        assert_readable(str(error))
    try:
        chunks = list(read_chunks(path, options, 64))
    except NaluError:
        # totals and too few rows are refused in a fit alone, so only the reverse may happen
        if refused is None:
            raise
        return
    if table is not None:
        assert column_names(path, options) == table.header
        assert_right(table, chunks[0].layout, path, options)
        assert_equal(table, chunks)


def assert_readable(sentence: str) -> None:
    assert len(sentence) < LONGEST_SENTENCE
    assert sentence.endswith((".", "?"))
    assert not {unicodedata.category(c) for c in sentence} & {"Cc", "Cf", "Cs", "Zl", "Zp"}


def assert_right(table: Table, layout: Layout, path: Path, options: ReadOptions) -> None:
    assert len(table) >= 2
    assert table.columns.shape == (len(table), len(table.names))
    assert not np.isinf(table.columns).any()
    assert len(set(table.header)) == len(table.header)
    for note in table.notes:
        assert_readable(f"{note}.")
    with opened(path) as stream:
        raw = stream.read()
    encoding, _ = guess_encoding(raw, options.encoding, "it")
    lines = re.split("\r\n|\r|\n", raw.decode(encoding))
    for line, row in zip(table.lines.tolist(), table.columns, strict=True):
        rest = io.StringIO("\n".join(lines[line - 1 :]) + "\n", newline="\n")
        cells = next(csv.reader(rest, delimiter=layout.delimiter, skipinitialspace=True))
        assert len(cells) == len(table.header) or not cells.pop().strip()
        meant = [meaning(cells[table.header.index(name)], layout.spelling) for name in table.names]
        bad = [
            fault is not None and line in table.lines[fault.rows]
            for fault in map(table.faults.get, table.names)
        ]
        np.testing.assert_array_equal(np.where(bad, np.nan, row), np.where(bad, np.nan, meant))
        np.testing.assert_array_equal(np.isnan(row[bad]), True)


def meaning(text: str, spelling: Spelling) -> float:
    """What a cell means; NaN where that is no number."""
    truth = {"true": 1.0, "false": 0.0}.get(text.strip().casefold())
    number = spelling.number_in(text) if truth is None else truth
    return math.nan if number is None else number


def assert_equal(table: Table, chunks: list[Chunk]) -> None:
    lines = np.concatenate([chunk.lines for chunk in chunks])
    in_both = np.isin(lines, table.lines)
    for k, name in enumerate(table.names):
        parts = [chunk.numeric((name,))[0] for chunk in chunks]
        values = np.concatenate([part.values for part in parts])[in_both]
        bad = (
            np.isin(np.arange(len(table)), table.faults[name].rows)
            if name in table.faults
            else np.zeros(len(table), bool)
        )
        np.testing.assert_array_equal(table.columns[~bad, k], values[~bad])


def storm(seed: int, folder: Path) -> None:
    rng = random.Random(seed)
    path = folder / "bad.csv"
    for _ in range(TABLES_PER_SEED):
        path.write_bytes(mutated(rng.choice(TABLES), rng))
        options = ReadOptions(**rng.choice(OPTIONS))
        try:
            check(path, options)
        except Exception as error:
            error.add_note(f"seed {seed}, {options}, {path.read_bytes()!r}")
            raise


@pytest.mark.parametrize("seed", range(SEEDS))
def test_mutated_tables_are_read_right_or_refused(seed: int, tmp_path: Path) -> None:
    storm(seed, tmp_path)


def test_the_tables_to_mutate_are_read(tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_bytes(GOOD)
    check(tmp_path / "bad.csv", ReadOptions())
    assert len(TABLES) > 100


if __name__ == "__main__":
    end = time.monotonic() + float(sys.argv[1])
    with tempfile.TemporaryDirectory() as name:
        for number in count(int(sys.argv[2]) if len(sys.argv) > 2 else SEEDS):
            storm(number, Path(name))
            if time.monotonic() > end:
                print(f"seeds up to {number}")  # noqa: T201
                break
