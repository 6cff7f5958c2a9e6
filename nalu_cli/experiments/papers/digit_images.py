"""Images of handwritten digits: those of scikit-learn, or the MNIST files of a user."""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from nalu_cli.errors import DataError, UsageError
from nalu_cli.experiments.sampling import generator

__all__ = ["DIGITS", "DigitImages", "Images", "digit_images", "read_idx"]

DIGITS = 10

TEST = 500
"""Bundled images that are kept for the test, of 1797."""

SPLIT = 8
"""Random stream of the split of the bundled images, which is the same for all seeds."""

BYTE = 8
"""How an IDX file says that it holds unsigned bytes."""

MOST_BYTES = 2**28
"""Five times what the larger of the MNIST files holds."""

LARGEST_SIDE = 64

ENDINGS = ("", ".gz")


@dataclass(frozen=True, slots=True)
class Images:
    """Some images and what they show.

    Parameters
    ----------
    pixels : ndarray of float32, shape (N, P)
        From 0 to 1.
    digits : ndarray of int64, shape (N,)
    """

    pixels: NDArray[np.float32]
    digits: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class DigitImages:
    """Images to learn from and others to be tested on, of the same size."""

    train: Images
    test: Images


def digit_images(folder: Path | None) -> DigitImages:
    """Read the images.

    Parameters
    ----------
    folder : Path or None
        Of the four MNIST files, packed or not; None for the 8 by 8 images of scikit-learn.

    Raises
    ------
    UsageError
        If scikit-learn is needed and not installed.
    DataError
        If a file is missing or damaged, or does not go with the others.
    """
    return _bundled() if folder is None else _mnist(folder)


def _bundled() -> DigitImages:
    if find_spec("sklearn") is None:
        raise UsageError(
            "scikit-learn, which brings the digit images, is not installed",
            remedy="Run `pip install 'nalu-cli[sklearn]'`, or name a folder of MNIST files.",
        )
    from sklearn.datasets import load_digits

    bundle = load_digits()
    pixels = np.asarray(bundle.data / 16, dtype=np.float32)
    digits = np.asarray(bundle.target, dtype=np.int64)
    order = generator(0, "digits", SPLIT).permutation(len(digits))
    test, train = order[:TEST], order[TEST:]
    return DigitImages(Images(pixels[train], digits[train]), Images(pixels[test], digits[test]))


def _mnist(folder: Path) -> DigitImages:
    if not folder.is_dir():
        raise DataError(
            f"there is no folder {folder}",
            accepted="the folder that holds the four MNIST files is needed",
        )
    train, test = (_images(folder, part) for part in ("train", "t10k"))
    if train.pixels.shape[1] != test.pixels.shape[1]:
        raise DataError(
            f"the images to learn from and those of the test in {folder} differ in size",
            remedy="Take all four files from one place.",
        )
    return DigitImages(train, test)


def _images(folder: Path, part: str) -> Images:
    path = _found(folder, f"{part}-images", "idx3-ubyte")
    pixels = read_idx(path, 3)
    count, rows, columns = pixels.shape
    if not (count and 0 < rows <= LARGEST_SIDE and 0 < columns <= LARGEST_SIDE):
        raise DataError(
            f"{path} holds {count} images of {rows} by {columns} pixels",
            accepted=f"at least one is needed, of 1 to {LARGEST_SIDE} pixels a side",
        )
    labels = _found(folder, f"{part}-labels", "idx1-ubyte")
    digits = read_idx(labels, 1)
    if len(digits) != count:
        raise DataError(
            f"{labels} holds {len(digits)} labels for {count} images",
            remedy="Take all four files from one place.",
        )
    if digits.max() >= DIGITS:
        raise DataError(
            f"{labels} holds the label {digits.max()}", accepted="labels are the digits 0 to 9"
        )
    missing = sorted(set(range(DIGITS)) - set(digits.tolist()))
    if missing:
        raise DataError(
            f"{labels} has no label {missing[0]}",
            accepted="every digit must be there at least once",
        )
    flat = pixels.reshape(count, -1).astype(np.float32) / np.float32(255)
    return Images(flat, digits.astype(np.int64))


def _found(folder: Path, name: str, kind: str) -> Path:
    """The file as its makers call it, or as it is often renamed."""
    names = [f"{name}{joint}{kind}{ending}" for joint in "-." for ending in ENDINGS]
    for candidate in names:
        if (folder / candidate).is_file():
            return folder / candidate
    raise DataError(
        f"there is no {names[0]} in {folder}",
        accepted="it may also end in .gz",
        remedy="Put the four MNIST files in one folder.",
    )


def read_idx(path: Path, dimensions: int) -> NDArray[np.uint8]:
    """Read an array of bytes from an IDX file, the format of MNIST.

    Parameters
    ----------
    path : Path
        Packed if its name ends in ``.gz``.
    dimensions : int
        How many it must have.

    Returns
    -------
    ndarray of uint8

    Raises
    ------
    DataError
        If the file is no such file, is larger than any of MNIST, is cut off, goes on after its
        end, or cannot be read.
    """
    with _named(path), _opened(path) as file:
        head = file.read(4 + 4 * dimensions)
        if len(head) < 4 + 4 * dimensions or head[:4] != bytes((0, 0, BYTE, dimensions)):
            raise DataError(
                f"{path} is no IDX file of {dimensions} dimensions",
                remedy="Download it again.",
            )
        shape = struct.unpack(f">{dimensions}I", head[4:])
        return _body(path, file, shape)


def _body(path: Path, file: BinaryIO, shape: Sequence[int]) -> NDArray[np.uint8]:
    size = math.prod(shape)
    # before anything is set aside for it
    if size > MOST_BYTES:
        raise DataError(
            f"{path} claims to hold {size} bytes",
            accepted=f"at most {MOST_BYTES} are read",
            remedy="Download it again.",
        )
    data = file.read(size + 1)
    if len(data) != size:
        found = f"only {len(data)}" if len(data) < size else "more"
        raise DataError(
            f"{path} claims to hold {size} bytes and holds {found}", remedy="Download it again."
        )
    return np.frombuffer(data, dtype=np.uint8).reshape(shape)


def _opened(path: Path) -> BinaryIO:
    return gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")  # type: ignore[return-value]


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """What cannot be read or unpacked, as an error that names the file."""
    try:
        yield
    except (OSError, EOFError, zlib.error) as error:
        reason = (getattr(error, "strerror", None) or "it is damaged").lower()
        raise DataError(f"{path} cannot be read: {reason}", remedy="Download it again.") from error
