"""Files that are damaged, forged or somebody else's, made at random from a seed."""

from __future__ import annotations

import copy
import hashlib
import io
import json
import random
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

Damage = Callable[[bytes, random.Random], bytes]

SECTOR = 512


def content(path: Path) -> dict[str, Any]:
    """What a model file holds, read by torch."""
    return dict(torch.load(path, weights_only=True))


def sealed(whole: dict[str, Any]) -> dict[str, Any]:
    """The content with a digest that fits it, where there is anything to make one of."""
    metadata, tensors = whole.get("metadata"), whole.get("tensors")
    if not isinstance(metadata, str) or not isinstance(tensors, dict):
        return whole
    digest = hashlib.sha256(metadata.encode("utf-8", "surrogatepass"))
    for name in ("probe_X", "probe_y", "moves", "points"):
        values = tensors.get(name)
        # what a tensor repeats without storing it must not be written out
        if isinstance(values, torch.Tensor) and values.is_contiguous():
            digest.update(f"\n{name} {tuple(values.shape)}\n".encode())
            digest.update(values.numpy().astype("<f8").tobytes())
    return whole | {"digest": digest.hexdigest()}


def records(data: bytes) -> dict[str, bytes]:
    """The records of an archive by name."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(entries: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    """An archive whose checksums all fit."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def flipped(data: bytes, rng: random.Random) -> bytes:
    """One bit is another."""
    return with_bit(data, rng.randrange(8 * len(data)))


def with_bit(data: bytes, place: int) -> bytes:
    """The bit at a place is another."""
    changed = bytearray(data)
    changed[place // 8] ^= 1 << place % 8
    return bytes(changed)


def overwritten(data: bytes, rng: random.Random) -> bytes:
    """A few bytes are others."""
    changed = bytearray(data)
    for _ in range(rng.randint(1, 8)):
        changed[rng.randrange(len(data))] = rng.randrange(256)
    return bytes(changed)


def zeroed(data: bytes, rng: random.Random) -> bytes:
    """A sector was never written."""
    start = rng.randrange(len(data)) // SECTOR * SECTOR
    hole = bytes(min(SECTOR, len(data) - start))
    return data[:start] + hole + data[start + len(hole) :]


def cut(data: bytes, rng: random.Random) -> bytes:
    """A piece is missing."""
    start, end = sorted((rng.randrange(len(data)), rng.randrange(1, len(data) + 1)))
    return data[:start] + data[max(end, start + 1) :]


def swapped(data: bytes, rng: random.Random) -> bytes:
    """Two pieces stand in each other's place."""
    a, b, c = sorted(rng.sample(range(len(data)), 3))
    return data[:a] + data[b:c] + data[a:b] + data[c:]


def inserted(data: bytes, rng: random.Random) -> bytes:
    """A piece has come in between, of the file itself or of noise."""
    start, place = rng.randrange(len(data)), rng.randrange(len(data) + 1)
    size = rng.randint(1, SECTOR)
    piece = data[start : start + size] if rng.random() < 0.5 else rng.randbytes(size)
    return data[:place] + piece + data[place:]


def repacked(data: bytes, rng: random.Random) -> bytes:
    """One record is damaged, and its checksum made to fit."""
    entries = records(data)
    name = rng.choice([name for name, record in entries.items() if record])
    damage = rng.choice((flipped, overwritten, cut, inserted))
    return packed(entries | {name: damage(entries[name], rng)})


DAMAGES: tuple[Damage, ...] = (overwritten, zeroed, cut, swapped, inserted, repacked)

ODD = (
    *(None, True, 0, 1, -1, 2, 64, 10_000, 10**18, 2**70, -0.5, 1e308, 5e-324, float("nan")),
    *("", "x", "\ud800", "1/2", "-1", "\x1b[31m", "sum", "product", "magnitude", "none", "d1"),
    *([], {}, [1], [[]], {"a": 1}),
)
"""What may be found where something else should be."""


def forged(path: Path, rng: random.Random) -> bytes:
    """The model with other metadata than was saved, and a seal that fits."""
    whole = content(path)
    metadata = json.loads(whole["metadata"])
    for _ in range(rng.choice((1, 1, 2, 3))):
        _change(metadata, rng)
    buffer = io.BytesIO()
    torch.save(sealed(whole | {"metadata": json.dumps(metadata)}), buffer)
    return buffer.getvalue()


def _change(metadata: Any, rng: random.Random) -> None:
    home, key = rng.choice(list(_places(metadata)))
    match rng.randrange(4):
        case 0:
            home[key] = copy.deepcopy(rng.choice(ODD))
        case 1:
            del home[key]
        case 2:
            other, place = rng.choice(list(_places(metadata)))
            home[key] = copy.deepcopy(other[place])
        case _:
            home[key] = _other(home[key], rng)


def _places(data: Any) -> Iterator[tuple[Any, Any]]:
    """Every entry of nested lists and dicts, as its container and its key."""
    keys = list(data) if isinstance(data, dict) else range(len(data))
    for key in keys:
        yield data, key
        if isinstance(data[key], dict | list):
            yield from _places(data[key])


def _other(value: Any, rng: random.Random) -> Any:
    """A value of the same kind."""
    match value:
        case bool():
            return not value
        case int() | float():
            return rng.choice((2 * value, -value, value + 1, value * 1e300, value / 3))
        case str():
            return value + rng.choice(("z", value, "\n"))
        case list():
            return [*value, *copy.deepcopy(value)]
        case dict():
            return {f"{key}z": entry for key, entry in value.items()}
    return 0
