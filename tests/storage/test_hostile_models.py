"""Model files that are damaged, forged or of other programs: refused, or of no consequence.

`--attacks 50 --seed 7` makes fifty times as many attacks from another seed; counts are printed.
"""

from __future__ import annotations

import gzip
import io
import pickle
import random
import sqlite3
import tracemalloc
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from answers import lens, of, product, total
from conftest import Attacks
from hostile import DAMAGES, flipped, forged, packed, with_bit
from saved_models import assert_same, refused

from nalu_cli.answer import Answer, FrontEntry
from nalu_cli.circuit import Circuit
from nalu_cli.commands import app
from nalu_cli.errors import ExitCode, ModelFileError
from nalu_cli.expression.canonical import MOST_NODES
from nalu_cli.storage.archive import RefusedError, read_archive
from nalu_cli.storage.model_file import load_model, save_model

REFUSED, HARMLESS = "refused", "without effect"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model.pt"
    save_model(lens(), path)
    return path


def outcome(path: Path, saved: Answer) -> str:
    """What reading a damaged file came to; anything but these two fails the test."""
    message = None
    try:
        answer = load_model(path)
    except ModelFileError as error:
        message = str(error)
    if message is None:
        assert_same(answer, saved)
        return HARMLESS
    assert "\n" not in message
    assert len(message) < len(str(path)) + 300
    return REFUSED


def attacked(path: Path, files: Iterable[bytes], saved: Answer) -> Counter[str]:
    results: Counter[str] = Counter({REFUSED: 0, HARMLESS: 0})
    for data in files:
        path.write_bytes(data)
        results[outcome(path, saved)] += 1
    return results


def test_every_prefix_is_refused(model: Path, attacks: Attacks) -> None:
    data = model.read_bytes()
    results = attacked(model, (data[:length] for length in range(len(data))), lens())
    attacks.report("prefixes of a model", results)
    assert results[REFUSED] == len(data)


def test_a_flipped_bit_is_noticed_or_does_no_harm(model: Path, attacks: Attacks) -> None:
    data, rng = model.read_bytes(), random.Random(attacks.seed)
    flips = (flipped(data, rng) for _ in range(2000 * attacks.times))
    results = attacked(model, flips, lens())
    attacks.report("flipped bits", results)
    assert results[REFUSED] > results[HARMLESS]


@pytest.mark.slow
def test_each_bit_of_a_model_is_flipped(model: Path, attacks: Attacks) -> None:
    data = model.read_bytes()
    results = attacked(model, (with_bit(data, k) for k in range(8 * len(data))), lens())
    attacks.report("flipped bits, each bit of a model once", results)
    assert results[REFUSED] > results[HARMLESS]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_damage_is_noticed_or_does_no_harm(
    damage: Callable[[bytes, random.Random], bytes], model: Path, attacks: Attacks
) -> None:
    data, rng = model.read_bytes(), random.Random(attacks.seed)
    files = (damage(data, rng) for _ in range(300 * attacks.times))
    attacks.report(f"models {damage.__name__}", attacked(model, files, lens()))


COMMANDS = (
    ("explain", "model.pt"),
    ("explain", "model.pt", "--json"),
    ("explain", "model.pt", "--as", "python"),
    ("explain", "model.pt", "--as", "latex"),
    ("explain", "model.pt", "--report", "law.html"),
    ("predict", "model.pt", "--range", "d1=1,2"),
)


def test_a_forged_model_is_refused_or_can_be_used(
    here: Path, attacks: Attacks, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = random.Random(attacks.seed)
    save_model(lens(), here / "good.pt")
    results: Counter[str] = Counter({REFUSED: 0, "usable": 0})
    for _ in range(80 * attacks.times):
        (here / "model.pt").write_bytes(forged(here / "good.pt", rng))
        codes = set(map(app.run, COMMANDS))
        # a column of another name cannot be given a range
        assert codes in ({ExitCode.MODEL_FILE}, {ExitCode.DONE}, {ExitCode.DONE, ExitCode.USAGE})
        results[REFUSED if codes == {ExitCode.MODEL_FILE} else "usable"] += 1
        assert "Traceback" not in capsys.readouterr().err
    attacks.report("forged models", results)
    assert min(results.values()) > 0


def doubling(layers: int) -> Circuit:
    """Two units in each layer, both of which read both of the layer before."""
    first = (total((0, 1), (1, 1)), product((0, 1), (1, 1)))
    again = (total((0, 1), (1, 1), offset=0.5), product((0, 1), (1, 1)))
    return Circuit(2, (first, *[again] * layers, (total((0, 1), (1, 1)),)))


@pytest.mark.parametrize("where", ["circuit", "front"])
def test_a_formula_too_long_to_write_is_refused(
    where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nalu_cli.storage.model_file.formula_text", lambda *_: "too long")
    bomb, short = doubling(60), Circuit(2, ((total((0, 1), (1, 1)),),))
    front = (FrontEntry(bomb if where == "front" else short, 9, None),)
    answer = of(bomb if where == "circuit" else short, ("a", "b"), front=front)
    save_model(answer, tmp_path / "model.pt")
    assert f"at most {MOST_NODES} can be written" in refused(tmp_path / "model.pt")


def saved_by_torch(content: Any, **options: Any) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer, **options)
    return buffer.getvalue()


def scripted() -> bytes:
    buffer = io.BytesIO()
    torch.jit.save(torch.jit.trace(torch.nn.Linear(2, 1), torch.zeros(1, 2)), buffer)
    return buffer.getvalue()


def numpy_file(save: Callable[..., None]) -> bytes:
    buffer = io.BytesIO()
    save(buffer, np.zeros(3))
    return buffer.getvalue()


def database() -> bytes:
    with sqlite3.connect(":memory:") as connection:
        connection.execute("create table model (x)")
        return connection.serialize()


LAYER = torch.nn.Linear(2, 1)

OTHERS: dict[str, Callable[[], bytes]] = {
    "csv": lambda: b"x,y\n1,2\n",
    "utf-16 text": lambda: "text".encode("utf-16"),
    "start of a zip": lambda: b"PK",
    "png": lambda: b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
    "pdf": lambda: b"%PDF-1.7\n",
    "hdf5": lambda: b"\x89HDF\r\n\x1a\n" + bytes(100),
    "elf": lambda: b"\x7fELF" + bytes(100),
    "zeros": lambda: bytes(5000),
    "noise": lambda: random.Random(0).randbytes(5000),
    "json": lambda: b'{"format": "nalu-model", "version": 1}',
    "safetensors": lambda: b"\x02\0\0\0\0\0\0\0{}",
    "pickle": lambda: pickle.dumps({"format": "nalu-model"}),
    "joblib": lambda: pickle.dumps(np.zeros(3), protocol=4),
    "gzip": lambda: gzip.compress(b"x,y\n1,2\n"),
    "npy": lambda: numpy_file(np.save),
    "npz": lambda: numpy_file(np.savez),
    "sqlite": database,
    "zip": lambda: packed({"a.txt": b"a"}),
    "empty zip": lambda: packed({}),
    "wheel": lambda: packed({"nalu/__init__.py": b"", "nalu.dist-info/METADATA": b"x"}),
    "xlsx": lambda: packed({"[Content_Types].xml": b"<Types/>"}, zipfile.ZIP_DEFLATED),
    "torch module": lambda: saved_by_torch(LAYER),
    "torch script": scripted,
    "torch weights": lambda: saved_by_torch(LAYER.state_dict()),
    "torch checkpoint": lambda: saved_by_torch({"epoch": 1, "model": LAYER.state_dict()}),
    "torch list": lambda: saved_by_torch([1]),
    "torch text": lambda: saved_by_torch("nalu-model"),
    "torch none": lambda: saved_by_torch(None),
    "torch, other format": lambda: saved_by_torch({"format": "other", "version": 1}),
    "torch, old layout": lambda: saved_by_torch(
        {"format": "nalu-model"}, _use_new_zipfile_serialization=False
    ),
}


@pytest.mark.parametrize("kind", OTHERS)
@pytest.mark.filterwarnings("ignore:.*torch.jit")
def test_files_of_other_programs_are_refused(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "other.pt"
    path.write_bytes(OTHERS[kind]())
    message = refused(path)
    assert message.startswith(f"{path} is ")
    assert "no nalu model" in message or "unsafe" in message


@pytest.mark.parametrize(
    "data",
    [
        # a directory of 65,535 entries, and one of records that are there but empty
        (b"PK\x01\x02" + bytes(42)) * 65535 + b"PK\x05\x06" + bytes(18),
        packed({f"archive/{k}": b"" for k in range(20_000)}),
    ],
    ids=["directory", "records"],
)
def test_a_file_of_many_records_takes_little_memory(data: bytes) -> None:
    tracemalloc.start()
    with pytest.raises(RefusedError):
        read_archive(data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**20
