from __future__ import annotations

import io
import os
import pickle
import struct
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hostile import packed, records

from nalu_cli.storage.archive import RefusedError, read_archive, write_archive

TENSOR = torch.arange(6, dtype=torch.float64).reshape(2, 3)


def saved(content: Any) -> bytes:
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


def with_program(program: bytes) -> bytes:
    return packed(records(saved({"x": TENSOR})) | {"archive/data.pkl": program})


def test_it_reads_what_torch_writes() -> None:
    content = {"a": TENSOR, "b": {"empty": torch.zeros(0, 3, dtype=torch.float64)}, "n": 70_000}
    read = read_archive(saved(content | {"text": "ünï\n", "scalar": torch.tensor(2.5).double()}))
    np.testing.assert_array_equal(read["a"], TENSOR.numpy())
    assert read["b"]["empty"].shape == (0, 3)
    assert (read["n"], read["text"], float(read["scalar"])) == (70_000, "ünï\n", 2.5)
    assert not read["a"].flags.writeable


CONTENT: dict[str, Any] = {
    "text": "ünï\n\ud800",
    "n": -70_000,
    "nothing": {},
    "tensors": {
        "matrix": np.arange(6.0).reshape(2, 3),
        "special": np.array([np.nan, np.inf, -0.0, 5e-324]),
        "empty": np.zeros((0, 3)),
        "scalar": np.array(2.5),
        "view": np.arange(12.0).reshape(3, 4).T[1:, ::2],
    },
}


def test_torch_reads_what_it_writes() -> None:
    read = torch.load(io.BytesIO(write_archive(CONTENT)), weights_only=True)
    for name, values in CONTENT["tensors"].items():
        assert read["tensors"][name].dtype == torch.float64
        np.testing.assert_array_equal(read["tensors"][name].numpy(), values)
    assert {**read, "tensors": 0} == {**CONTENT, "tensors": 0}


def test_it_reads_what_it_writes() -> None:
    read = read_archive(write_archive(CONTENT))
    for name, values in CONTENT["tensors"].items():
        np.testing.assert_array_equal(read["tensors"][name], values)
    assert {**read, "tensors": 0} == {**CONTENT, "tensors": 0}


@pytest.mark.parametrize(
    "tensor",
    [
        torch.zeros(1, dtype=torch.float64).expand(10**9),
        TENSOR.t(),
        TENSOR[1:],
        TENSOR[:, :2],
        TENSOR.float(),
        TENSOR.long(),
        TENSOR.clone().requires_grad_(),
        torch.nn.Parameter(TENSOR),
        TENSOR.to_sparse(),
    ],
    ids=["expanded", "transposed", "offset", "strided", "float", "long", "grad", "param", "sparse"],
)
def test_a_tensor_that_is_not_its_whole_storage_is_refused(tensor: torch.Tensor) -> None:
    with pytest.raises(RefusedError):
        read_archive(saved({"x": tensor}))


def test_a_storage_used_twice_is_refused() -> None:
    with pytest.raises(RefusedError):
        read_archive(saved({"x": TENSOR, "y": TENSOR.view(3, 2)}))


def text(value: str) -> bytes:
    """A string in a pickle."""
    return b"X" + struct.pack("<I", len(value)) + value.encode()


STORAGE = text("storage") + b"ctorch\nDoubleStorage\n"
NESTED_STORAGE = STORAGE + b")" + b"\x85" * 2_000_000 + text("cpu") + b"K\x06"
ONES = b"(" + b"K\x01" * 300_000 + b"t"
MANY_DIMENSIONS = (
    b"(" + STORAGE + text("0") + text("cpu") + b"K\x06tQK\x00" + ONES + ONES + b"\x89}"
)


class Runs:
    """Runs code when it is unpickled."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> Any:
        return self.call


@pytest.mark.parametrize(
    "hostile",
    [
        lambda path: Runs(os.system, f"touch {path}"),
        lambda path: Runs(os.mkdir, str(path)),
        lambda path: Runs(print, "hello"),
        lambda path: Runs(np.save, str(path), 0),
        lambda path: Runs(getattr, path, "touch"),
        lambda path: torch.nn.Linear(1, 1),
        lambda path: {1, 2},
        lambda path: 2**80,
        lambda path: 1.5,
        lambda path: path,
    ],
)
def test_nothing_in_a_file_is_run(hostile: Any, tmp_path: Path) -> None:
    path = tmp_path / "ran"
    with pytest.raises(RefusedError):
        read_archive(saved({"x": TENSOR, "y": hostile(path)}))
    assert not path.exists()


@pytest.mark.parametrize(
    "program",
    [
        b"",
        b".",
        b"\x80\x02}",
        pickle.dumps({"x": 1}, 4),
        pickle.dumps(os.getcwd, 2),
        b"\x80\x02cos\nsystem\nX\x04\x00\x00\x00true\x85R.",
        b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n)R.",
        b"\x80\x02ctorch\nDoubleStorage\n)R.",
        b"\x80\x02ccollections\nOrderedDict\nK\x01\x85R.",
        # sets attributes of the function that rebuilds tensors
        b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n}X\x01\x00\x00\x00aK\x01sb.",
        # a memo with two thousand million places
        b"\x80\x02}r" + struct.pack("<I", 2**31 - 1) + b".",
        # a string that claims to be longer than the file
        b"\x80\x02X\xff\xff\xff\x7fabc.",
        # a persistent id that is no storage
        b"\x80\x02K\x01Q.",
        b"\x80\x02" + b"(" * 100_000 + b".",
        b"\x80\x02" + b")" + b"\x85" * 1_000_000 + b"Q.",
        # nested so deeply that to hash it would overrun the stack
        b"\x80\x02})" + b"\x85" * 2_000_000 + b"K\x01s.",
        b"\x80\x02(" + NESTED_STORAGE + b"tQ.",
        # a tensor of 300,000 dimensions
        b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n(" + MANY_DIMENSIONS + b"tR.",
    ],
)
def test_hostile_pickles_are_refused(program: bytes) -> None:
    with pytest.raises(RefusedError):
        read_archive(with_program(program))


def test_what_is_allowed_is_only_what_torch_needs() -> None:
    assert read_archive(with_program(b"\x80\x02}X\x01\x00\x00\x00aK\x01s.")) == {"a": 1}


@pytest.mark.parametrize(
    "change",
    [
        {"archive/data.pkl": b""},
        {"archive/data/0": b""},
        {"archive/data/0": bytes(56)},
        {"archive/byteorder": b"middle"},
        {"other/data.pkl": b""},
        {f"archive/more/{k}": b"" for k in range(200)},
    ],
)
def test_records_that_do_not_fit_are_refused(change: dict[str, bytes]) -> None:
    with pytest.raises(RefusedError):
        read_archive(packed(records(saved({"x": TENSOR})) | change))


def test_a_big_endian_file_is_read() -> None:
    entries = records(saved({"x": TENSOR}))
    swapped = TENSOR.numpy().astype(">f8").tobytes()
    changed = entries | {"archive/byteorder": b"big", "archive/data/0": swapped}
    np.testing.assert_array_equal(read_archive(packed(changed))["x"], TENSOR.numpy())


def test_compressed_and_repeated_records_are_refused() -> None:
    entries = records(saved({"x": TENSOR}))
    with pytest.raises(RefusedError, match="compressed"):
        read_archive(packed(entries, zipfile.ZIP_DEFLATED))
    buffer = io.BytesIO(packed(entries))
    with zipfile.ZipFile(buffer, "a") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        archive.writestr("archive/data/0", bytes(48))
    with pytest.raises(RefusedError, match="twice"):
        read_archive(buffer.getvalue())
