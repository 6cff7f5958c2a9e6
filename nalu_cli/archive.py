"""Reads what `torch.save` wrote, without torch and without running anything that is in it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pickle import Unpickler
from pickletools import genops
from typing import Any
from zipfile import ZIP_STORED, ZipFile, ZipInfo

import numpy as np
from numpy.typing import NDArray

__all__ = ["RefusedError", "read_archive"]

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
