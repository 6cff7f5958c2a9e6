"""Writes what `torch.load` reads, and reads it without running anything; neither loads torch.

To import torch takes longer than most fits.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pickle import Unpickler
from pickletools import genops
from typing import Any
from zipfile import ZIP_STORED, ZipFile, ZipInfo

import numpy as np
from numpy.typing import NDArray

__all__ = ["RefusedError", "read_archive", "write_archive"]

Floats = NDArray[np.float64]

DIRECTORY_ENTRY = b"PK\x01\x02"
MOST_RECORDS = 100

MOST_STEPS = 1_000
"""Of a pickle; a model takes some 120. Deep nesting would overrun the stack of the interpreter."""

MOST_MEMOS = 10_000
MOST_DIMENSIONS = 8

OPCODES = {
    *("PROTO", "STOP", "MARK", "GLOBAL", "REDUCE", "BINPERSID"),
    *("BINPUT", "LONG_BINPUT", "BINGET", "LONG_BINGET"),
    *("EMPTY_DICT", "SETITEM", "SETITEMS", "EMPTY_TUPLE", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3"),
    *("BINUNICODE", "BININT", "BININT1", "BININT2", "NEWFALSE"),
}
"""What `torch.save` needs for a dict of strings, integers and tensors; above all no BUILD."""

BYTE_ORDERS = {b"little": "<f8", b"big": ">f8"}

ARCHIVE_VERSION = b"3"
"""Of the layout of records that `torch.save` writes since torch 1.6."""


class RefusedError(ValueError):
    """Why a file is not read, in our words, to stand after its name.

    Parameters
    ----------
    reason : str
        What is wrong with it.
    remedy : str, optional
        What to do, when there is something better than to make a new file.
    """

    def __init__(self, reason: str, *, remedy: str = "") -> None:
        self.remedy = remedy
        super().__init__(reason)


def write_archive(content: dict[str, Any]) -> bytes:
    """An archive that `torch.load(file, weights_only=True)` reads.

    Parameters
    ----------
    content : dict
        Of strings, integers of 32 bits, arrays and dicts of the same.

    Returns
    -------
    bytes
        Equal for equal contents; arrays become tensors of float64.
    """
    storages: list[bytes] = []
    program = b"\x80\x02" + _pickled(content, storages) + b"."
    records = {"data.pkl": program, "byteorder": b"little"}
    records |= {f"data/{key}": values for key, values in enumerate(storages)}
    records["version"] = ARCHIVE_VERSION
    buffer = BytesIO()
    with ZipFile(buffer, "w", ZIP_STORED) as archive:
        for name, record in records.items():
            # a date of its own would make equal contents differ
            archive.writestr(ZipInfo(f"archive/{name}"), record)
    return buffer.getvalue()


def _pickled(value: Any, storages: list[bytes]) -> bytes:
    """Pickle opcodes of protocol 2; the numbers of arrays go to `storages`.

    The pickler of the standard library names only what it can import, and would import torch.
    """
    match value:
        case dict():
            items = (_pickled(part, storages) for item in value.items() for part in item)
            return b"}(" + b"".join(items) + b"u"
        case tuple():
            return b"(" + b"".join(_pickled(part, storages) for part in value) + b"t"
        case str():
            text = value.encode("utf-8", "surrogatepass")
            return b"X" + struct.pack("<I", len(text)) + text
        case int():
            return b"J" + struct.pack("<i", value)
        case _:
            storages.append(value.astype("<f8").tobytes())
            return _pickled_array(value, str(len(storages) - 1))


def _pickled_array(values: Floats, key: str) -> bytes:
    """The call by which torch rebuilds a tensor that is the whole of the storage `key`."""
    kind = b"ctorch\nDoubleStorage\n"
    identity = [_pickled(part, []) for part in (key, "cpu", values.size)]
    storage = b"(" + _pickled("storage", []) + kind + b"".join(identity) + b"tQ"
    place = [_pickled(part, []) for part in (0, values.shape, _contiguous(values.shape))]
    no_gradient, no_hooks = b"\x89", b"ccollections\nOrderedDict\n)R"
    arguments = storage + b"".join(place) + no_gradient + no_hooks
    return b"ctorch._utils\n_rebuild_tensor_v2\n(" + arguments + b"tR"


def read_archive(data: bytes) -> Any:
    """The one object in an archive: dicts, strings, integers and float64 arrays.

    Parameters
    ----------
    data : bytes
        The content of the file.

    Returns
    -------
    object
        Tensors as read-only arrays.

    Raises
    ------
    RefusedError
        If the archive is damaged, holds anything else, or asks for anything to be called.
    MemoryError
        If there is too little of it; that says nothing about the archive.
    """
    # before the directory is read: a million entries would fill the memory
    if data.count(DIRECTORY_ENTRY) > MOST_RECORDS:
        raise RefusedError("is no nalu model: it holds too many records")
    try:
        with ZipFile(BytesIO(data)) as archive:
            records = _records(archive, len(data))
        return _unpickled(records)
    except (RefusedError, MemoryError):
        raise
    except Exception:
        # a hostile file can make these readers raise nearly anything, with advice we do not give
        raise RefusedError("is no nalu model, or it is damaged") from None


def _records(archive: ZipFile, size: int) -> dict[str, bytes]:
    entries = archive.infolist()
    if sum(entry.file_size for entry in entries) > size:
        raise RefusedError("is no nalu model: it claims to hold more than it does")
    if not all(_is_plain(entry) for entry in entries):
        raise RefusedError("is no nalu model: its records are compressed or encrypted")
    # torch does not look at the checksums; a flipped bit would go unseen
    if archive.testzip() is not None:
        raise RefusedError("is damaged: a checksum does not fit")
    records = {entry.filename.partition("/")[2]: archive.read(entry) for entry in entries}
    if len(records) != len(entries):
        raise RefusedError("is no nalu model: a record comes twice")
    return records


def _is_plain(entry: ZipInfo) -> bool:
    encrypted = entry.flag_bits & 1
    return (
        entry.compress_type == ZIP_STORED
        and entry.file_size == entry.compress_size
        and not encrypted
    )


def _unpickled(records: dict[str, bytes]) -> Any:
    if "data.pkl" not in records:
        raise RefusedError("is no nalu model")
    program = records["data.pkl"]
    for step, (opcode, argument, _) in enumerate(genops(program)):
        if step == MOST_STEPS or opcode.name not in OPCODES:
            raise RefusedError("is no nalu model: it holds more than numbers and text")
        # a memo is an array as long as its highest index
        if opcode.name == "LONG_BINPUT" and int(argument or 0) > MOST_MEMOS:
            raise RefusedError("is no nalu model: it asks for too much memory")
    return _TensorReader(program, records).load()


@dataclass(frozen=True, slots=True)
class _Storage:
    """The numbers of one tensor."""

    values: Floats


class _TensorReader(Unpickler):
    """Knows three names and calls nothing but the two checked functions behind them."""

    def __init__(self, program: bytes, records: dict[str, bytes]) -> None:
        super().__init__(BytesIO(program))
        self._records = records
        self._taken: set[str] = set()
        self._known: dict[tuple[str, str], Callable[..., Any] | str] = {
            ("torch._utils", "_rebuild_tensor_v2"): _tensor,
            ("torch", "DoubleStorage"): "float64",
            ("collections", "OrderedDict"): _no_hooks,
        }

    def find_class(self, module: str, name: str, /) -> Any:
        if (module, name) not in self._known:
            raise RefusedError("is unsafe: it asks for code to be run; nothing was run")
        return self._known[module, name]

    def persistent_load(self, pid: Any, /) -> _Storage:
        word, kind, key, device, count = pid
        if (word, kind, device) != ("storage", "float64", "cpu") or key in self._taken:
            raise RefusedError("is no nalu model: a tensor is not of the right kind")
        self._taken.add(key)
        record = self._records[f"data/{key}"]
        if type(count) is not int or len(record) != 8 * count:
            raise RefusedError("is damaged: a tensor has not the size it claims")
        order = BYTE_ORDERS[self._records["byteorder"]]
        return _Storage(np.frombuffer(record, dtype=order).astype(np.float64))


def _tensor(
    storage: Any, offset: Any, shape: Any, strides: Any, requires_grad: Any, hooks: Any
) -> Floats:
    """Rebuild a tensor that is its whole storage, in order: no views, no repeated numbers."""
    whole = (
        type(storage) is _Storage
        and len(shape) <= MOST_DIMENSIONS
        and all(type(n) is int and n >= 0 for n in (offset, *shape, *strides))
        and offset == 0
        and math.prod(shape) == len(storage.values)
        # the strides of a tensor without numbers mean nothing
        and (strides == _contiguous(shape) or not len(storage.values))
    )
    if not whole or requires_grad is not False or hooks:
        raise RefusedError("is no nalu model: a tensor is not stored as a whole")
    values: Floats = storage.values.reshape(shape)
    values.flags.writeable = False
    return values


def _contiguous(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(math.prod(max(n, 1) for n in shape[k + 1 :]) for k in range(len(shape)))


def _no_hooks() -> dict[str, Any]:
    return {}
