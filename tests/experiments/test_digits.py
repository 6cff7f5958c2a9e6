"""Digit images: their files, what is expected of misread ones, and accumulators that are exact."""

from __future__ import annotations

import gzip
import math
import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nalu_cli.errors import DataError, UsageError
from nalu_cli.experiments.papers import digit_images as images_module
from nalu_cli.experiments.papers.digit_images import DIGITS, Images, digit_images, read_idx
from nalu_cli.experiments.papers.digit_networks import Accumulator, snap_in_place
from nalu_cli.experiments.papers.digit_training import (
    ADD,
    COUNT,
    Course,
    Lessons,
    answers,
    sum_distribution,
    trained,
)
from nalu_cli.experiments.papers.digits import expected_error
from nalu_cli.settings import CellName

SIDE = 3
COUNT_OF_IMAGES = 20


def idx(shape: Sequence[int], data: bytes, *, kind: int = 8) -> bytes:
    return bytes((0, 0, kind, len(shape))) + struct.pack(f">{len(shape)}I", *shape) + data


def write_mnist(folder: Path, *, packed: bool = False) -> None:
    """Four files, whose images are their label in every pixel."""
    labels = np.arange(COUNT_OF_IMAGES, dtype=np.uint8) % DIGITS
    pixels = np.repeat(labels, SIDE * SIDE)
    for part in ("train", "t10k"):
        for name, data in (
            (f"{part}-images-idx3-ubyte", idx((len(labels), SIDE, SIDE), pixels.tobytes())),
            (f"{part}-labels-idx1-ubyte", idx((len(labels),), labels.tobytes())),
        ):
            path = folder / (f"{name}.gz" if packed else name)
            path.write_bytes(gzip.compress(data) if packed else data)


@pytest.mark.parametrize("packed", [False, True])
def test_mnist_files_are_read(tmp_path: Path, packed: bool) -> None:
    write_mnist(tmp_path, packed=packed)
    found = digit_images(tmp_path)
    for part in (found.train, found.test):
        assert part.pixels.shape == (COUNT_OF_IMAGES, SIDE * SIDE)
        np.testing.assert_array_equal(np.rint(part.pixels[:, 0] * 255), part.digits)


@given(shape=st.lists(st.integers(0, 5), min_size=1, max_size=3), data=st.data())
def test_idx_files_read_back(
    tmp_path_factory: pytest.TempPathFactory, shape: list[int], data: st.DataObject
) -> None:
    size = math.prod(shape)
    content = data.draw(st.binary(min_size=size, max_size=size))
    path = tmp_path_factory.mktemp("idx") / "file"
    path.write_bytes(idx(shape, content))
    found = read_idx(path, len(shape))
    assert found.shape == tuple(shape)
    assert found.tobytes() == content


WHOLE = idx((2, 2, 2), bytes(range(8)))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is no IDX file"),
        (WHOLE[:9], "is no IDX file"),
        (idx((8,), bytes(8)), "is no IDX file"),
        (idx((2, 2, 2), bytes(64), kind=14), "is no IDX file"),
        (WHOLE[:-1], "holds only 7"),
        (WHOLE + b"x", "holds more"),
        (idx((2**32 - 1, 2**32 - 1, 2**32 - 1), b""), "claims to hold"),
        (idx((2**28, 1, 1), bytes(8)), "holds only 8"),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_damaged_idx_files_are_refused(
    tmp_path: Path, content: bytes, reason: str, packed: bool
) -> None:
    path = tmp_path / ("images.gz" if packed else "images")
    path.write_bytes(gzip.compress(content) if packed else content)
    with pytest.raises(DataError, match=reason) as caught:
        read_idx(path, 3)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("content", [b"no gzip", gzip.compress(WHOLE)[:-9]])
def test_a_damaged_packing_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "images.gz"
    path.write_bytes(content)
    with pytest.raises(DataError, match="cannot be read"):
        read_idx(path, 3)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no folder"):
        digit_images(tmp_path / "nowhere")


@pytest.mark.parametrize(
    "name",
    [f"{p}-{k}-ubyte" for p in ("train", "t10k") for k in ("images-idx3", "labels-idx1")],
)
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    write_mnist(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(DataError, match=f"there is no {name}"):
        digit_images(tmp_path)


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        (bytes(range(10)), "10 labels for 20 images"),
        (bytes([*range(10), *range(1, 11)]), "label 10"),
        (bytes([*range(9), *range(9), 0, 0]), "no label 9"),
    ],
)
def test_labels_that_do_not_fit_are_refused(tmp_path: Path, labels: bytes, reason: str) -> None:
    write_mnist(tmp_path)
    (tmp_path / "t10k-labels-idx1-ubyte").write_bytes(idx((len(labels),), labels))
    with pytest.raises(DataError, match=reason):
        digit_images(tmp_path)


def test_images_of_no_or_of_different_size_are_refused(tmp_path: Path) -> None:
    write_mnist(tmp_path)
    path = tmp_path / "t10k-images-idx3-ubyte"
    path.write_bytes(idx((20, 1, 1), bytes(20)))
    with pytest.raises(DataError, match="differ in size"):
        digit_images(tmp_path)
    path.write_bytes(idx((20, 0, 1), b""))
    with pytest.raises(DataError, match="0 by 1 pixels"):
        digit_images(tmp_path)


def test_bundled_images_are_split_once_and_for_all() -> None:
    first, second = digit_images(None), digit_images(None)
    for part in ("train", "test"):
        a, b = getattr(first, part), getattr(second, part)
        np.testing.assert_array_equal(a.pixels, b.pixels)
        assert set(a.digits.tolist()) == set(range(DIGITS))
        assert a.pixels.min() == 0
        assert a.pixels.max() == 1
    train, test = (set(map(bytes, part.pixels)) for part in (first.train, first.test))
    assert train.isdisjoint(test)


def test_without_scikit_learn_it_is_said_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images_module, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"pip install 'nalu-cli\[sklearn\]'"):
        digit_images(None)


@given(seed=st.integers(0, 2**32), task=st.sampled_from([COUNT, ADD]))
def test_a_snapped_accumulator_is_exact_where_every_image_is_read_rightly(
    seed: int, task: str
) -> None:
    random = np.random.default_rng(seed)
    digits = torch.from_numpy(random.integers(DIGITS, size=(2, 1000)))
    classes = torch.eye(DIGITS) if task == COUNT else torch.arange(float(DIGITS))[:, None]
    outputs = DIGITS if task == COUNT else 1
    model = Accumulator(CellName.NAU, outputs, classes.shape[1], random)
    almost = torch.eye(outputs).repeat(2, 1)
    almost += torch.from_numpy(random.uniform(-0.49, 0.49, almost.shape)).float()
    model.cell.settle(almost, sums=True)
    weights = snap_in_place(model.cell)
    torch.testing.assert_close(weights, torch.eye(outputs).repeat(2, 1), rtol=0, atol=0)
    with torch.no_grad():
        total = model.total(classes[digits])
    torch.testing.assert_close(total, answers(digits, task), rtol=0, atol=0)


@given(
    count=st.integers(1, 7), values=st.integers(1, 5), rows=st.integers(1, 3), seed=st.integers(0)
)
def test_the_distribution_of_a_sum_is_a_convolution(
    count: int, values: int, rows: int, seed: int
) -> None:
    q = np.random.default_rng(seed).dirichlet(np.ones(values), size=(rows, count))
    found = sum_distribution(torch.from_numpy(q)).numpy()
    for row, parts in zip(found, q, strict=True):
        expected = np.ones(1)
        for part in parts:
            expected = np.convolve(expected, part)
        np.testing.assert_allclose(row, expected, atol=1e-12)


def test_the_expected_error_is_that_of_many_sequences() -> None:
    random = np.random.default_rng(0)
    off = random.choice([0, 0, 0, 1, 2, -4], size=(500, 2)).astype(float)
    length = 300
    drawn = off[random.integers(len(off), size=(4000, length))].sum(1)
    assert expected_error(off, length) == pytest.approx(np.abs(drawn).mean(), rel=0.05)


def test_errors_that_are_all_the_same_add_up() -> None:
    assert expected_error(np.full((5, 1), -0.5), 1000) == 500
    assert expected_error(np.zeros((5, 3)), 1000) == 0


@pytest.mark.parametrize("model", ["lstm", "gru", "rnn-relu", "nac", "nalu", None])
@pytest.mark.parametrize("task", [COUNT, ADD])
def test_a_training_can_be_repeated(model: str | None, task: str) -> None:
    pixels = np.random.default_rng(0).random((40, 9), dtype=np.float32)
    images = Images(pixels, np.arange(40) % DIGITS)
    found = []
    for _ in range(2):
        with torch.random.fork_rng():
            torch.manual_seed(5)
            lessons = Lessons(images, task, np.random.default_rng(1), "cpu")
            network = trained(model, lessons, Course(3, 2), tick=lambda share: None)
        with torch.no_grad():
            found.append(network.model(network.seen(lessons.pixels)[None]))
    torch.testing.assert_close(*found, rtol=0, atol=0, equal_nan=True)
