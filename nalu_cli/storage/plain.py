"""Frozen dataclasses as plain JSON data, and back with every type checked."""

from __future__ import annotations

import math
import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from enum import StrEnum
from typing import Any, Union, get_args, get_origin, get_type_hints

from nalu_cli.circuit import Circuit
from nalu_cli.circuit.plain_data import circuit_from_data, circuit_to_data
from nalu_cli.errors import quoted

__all__ = ["from_plain", "to_plain"]

LARGEST_INTEGER = 2**63 - 1


def to_plain(value: Any, *, without: tuple[str, ...] = ()) -> Any:
    """Dictionaries, lists, strings, numbers, true, false and null for a value.

    Parameters
    ----------
    value : object
        A dataclass, an enum, a circuit, a container or a scalar; numbers that are not finite
        become None, since JSON has no word for them.
    without : tuple of str
        Fields of the outermost dataclass to leave out.
    """
    if isinstance(value, Circuit):
        return circuit_to_data(value)
    if is_dataclass(value):
        names = [f.name for f in fields(value) if f.name not in without]
        return {name: to_plain(getattr(value, name)) for name in names}
    if isinstance(value, Mapping):
        return {str(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [to_plain(item) for item in value]
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    return value


def from_plain(
    kind: Any, data: Any, where: str = "it", *, given: Mapping[str, Any] | None = None
) -> Any:
    """The value of a given type that plain data stands for.

    Parameters
    ----------
    kind : type
        A dataclass, an enum, `Circuit`, a scalar type, or a tuple, dict or union of those.
    data : object
        What `to_plain` made, or what somebody else did.
    where : str
        What the data is called in messages.
    given : mapping, optional
        Fields of the outermost dataclass that are not in the data.

    Raises
    ------
    ValueError
        If the data is not exactly of that type. A field may be left out when it has a default: an
        older file is then read as it was meant.
    """
    if kind is Circuit:
        return circuit_from_data(data)
    if is_dataclass(kind):
        return _record(kind, data, where, given or {})
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return _member(kind, data, where)
    origin = get_origin(kind)
    if origin is None:
        return _SCALARS[kind](data, where)
    return _CONTAINERS[origin](get_args(kind), data, where)


def _record(kind: Any, data: Any, where: str, given: Mapping[str, Any]) -> Any:
    if not isinstance(data, dict):
        raise ValueError(f"{where} is no record")
    known = {f.name: f for f in fields(kind) if f.name not in given}
    if unknown := set(data) - set(known):
        raise ValueError(f"{where} has the unknown entry {quoted(min(unknown))}")
    kinds = get_type_hints(kind)
    values = dict(given)
    for name, field in known.items():
        if name in data:
            values[name] = from_plain(kinds[name], data[name], f"{name} of {where}")
        elif field.default is MISSING and field.default_factory is MISSING:
            raise ValueError(f"{where} lacks {name}")
    return kind(**values)


def _member(kind: type[StrEnum], data: Any, where: str) -> StrEnum:
    if data not in [member.value for member in kind]:
        raise ValueError(f"{where} is unknown")
    return kind(data)


def _exactly(kind: type) -> Callable[[Any, str], Any]:
    def check(data: Any, where: str) -> Any:
        if type(data) is not kind:
            raise ValueError(f"{where} is not of the right kind")
        return data

    return check


def _integer(data: Any, where: str) -> int:
    if type(data) is not int or abs(data) > LARGEST_INTEGER:
        raise ValueError(f"{where} is no integer")
    return data


def _number(data: Any, where: str) -> float:
    if type(data) is int and abs(data) <= LARGEST_INTEGER:
        return float(data)
    if type(data) is not float or not math.isfinite(data):
        raise ValueError(f"{where} is no finite number")
    return data


def _sequence(kinds: tuple[Any, ...], data: Any, where: str) -> tuple[Any, ...]:
    if not isinstance(data, list):
        raise ValueError(f"{where} is no list")
    return tuple(from_plain(kinds[0], item, f"an entry of {where}") for item in data)


def _mapping(kinds: tuple[Any, ...], data: Any, where: str) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise ValueError(f"{where} is no record")
    return {
        key: from_plain(kinds[1], item, f"{quoted(key)} of {where}") for key, item in data.items()
    }


def _union(kinds: tuple[Any, ...], data: Any, where: str) -> Any:
    if data is None and type(None) in kinds:
        return None
    (kind,) = (kind for kind in kinds if kind is not type(None))
    return from_plain(kind, data, where)


_SCALARS: dict[Any, Callable[[Any, str], Any]] = {
    str: _exactly(str),
    bool: _exactly(bool),
    int: _integer,
    float: _number,
}

_CONTAINERS: dict[Any, Callable[[tuple[Any, ...], Any, str], Any]] = {
    tuple: _sequence,
    dict: _mapping,
    types.UnionType: _union,
    Union: _union,
}
