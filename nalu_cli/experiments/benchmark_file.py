"""Reads benchmark files: known laws, and suites of operation tasks."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from nalu_cli.errors import DataError, UsageError, quoted
from nalu_cli.experiments.known_law import Distribution, KnownLaw, Span, Variable
from nalu_cli.experiments.operations import Group, Operation, OperationTask, TaskKind
from nalu_cli.experiments.spread import Spread, SpreadKind
from nalu_cli.experiments.written_formula import FormulaError, read_truth

__all__ = ["PUBLISHED", "Case", "Suite", "read_laws", "read_suite"]

T = TypeVar("T")

PUBLISHED = "published"
"""In place of a file: the suites of the papers, which come with the package."""

SUITES = Path(__file__).parent / "published" / "suites.json"

INCLUDED = {"fastsrb": Path(__file__).parent / "fastsrb" / "fastsrb.json"}
"""Formula files that come with the package, by the name that stands in place of a file."""

INPUTS = {
    TaskKind.SINGLE: 2,
    TaskKind.SUBSET: 100,
    TaskKind.GROUPS: 4,
    TaskKind.RANDOM: 100,
}
"""Columns of a task that does not say."""


@dataclass(frozen=True, slots=True)
class Case:
    """The tasks of a suite in one range: a name, and a task for each operation."""

    name: str
    tasks: tuple[OperationTask, ...]


@dataclass(frozen=True, slots=True)
class Suite:
    """Operation tasks.

    Parameters
    ----------
    name : str
    cases : tuple of Case
    seeds : tuple of int
        Those the published results are over.
    about : str
        What it is and where it comes from.
    """

    name: str
    cases: tuple[Case, ...]
    seeds: tuple[int, ...]
    about: str = ""


def read_laws(path: Path) -> tuple[KnownLaw, ...]:
    """The laws of a formula file, or of one that comes with the package.

    Raises
    ------
    UsageError
        If there is no such file.
    DataError
        If it is no formula file, or an entry is wrong.
    """
    if not path.exists():
        path = INCLUDED.get(str(path), path)
    entries = _contents(path, "formulas", list)
    laws = tuple(_entry(path, _name_of(e, i), _law, e) for i, e in enumerate(entries))
    seen: set[str] = set()
    for law in laws:
        if law.name in seen:
            raise DataError(f"{path} has two formulas with the id {quoted(law.name)}")
        seen.add(law.name)
    return laws


def read_suite(path: Path, name: str) -> Suite:
    """One suite of an operations file, or of the published ones; errors as for `read_laws`."""
    if str(path) == PUBLISHED and not path.exists():
        path = SUITES
    suites = _contents(path, "suites", dict)
    if name not in suites:
        raise UsageError(
            f"{path} has no suite {quoted(name)}", accepted=f"it has {', '.join(sorted(suites))}"
        )
    return _entry(path, name, lambda data: _suite(name, data), suites[name])


def _contents(path: Path, key: str, kind: type) -> Any:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read: {(error.strerror or 'it failed').lower()}"
        ) from error
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is no JSON file") from error
    if not isinstance(data, dict) or not isinstance(data.get(key), kind) or not data[key]:
        raise DataError(f"{path} is no benchmark of this kind", accepted=f"it has no {quoted(key)}")
    return data[key]


def _name_of(entry: Any, index: int) -> str:
    return str(entry["id"]) if isinstance(entry, dict) and "id" in entry else f"number {index + 1}"


def _entry(path: Path, name: str, read: Callable[[Any], T], data: Any) -> T:
    try:
        return read(data)
    except KeyError as error:
        raise DataError(f"{path}, entry {quoted(name)}: {error.args[0]} is missing") from error
    except (TypeError, AttributeError, ValueError) as error:
        raise DataError(f"{path}, entry {quoted(name)}: {error}") from error


def _law(data: Mapping[str, Any]) -> KnownLaw:
    rows = data.get("n_rows", 1000)
    law = KnownLaw(
        name=_text(data["id"]),
        formula=_text(data["expression"]),
        target=_text(data["target"]),
        variables=tuple(map(_variable, data["variables"])),
        family=_text(data.get("set", "")),
        depth=_optional_count(data.get("depth")),
        n_rows=_count(rows),
        positive=tuple(map(_text, data.get("require_positive", ()))),
        digits=_optional_count(data.get("digits")),
    )
    _check_names(law)
    for formula in (law.formula, *law.positive):
        try:
            read_truth(formula, law.names)
        except FormulaError as error:
            raise ValueError(str(error)) from error
    return law


def _check_names(law: KnownLaw) -> None:
    columns = (*law.names, law.target)
    if len(set(columns)) < len(columns) or not law.columns:
        raise ValueError("it needs variables, all with names of their own and not the target's")


def _variable(data: Mapping[str, Any]) -> Variable:
    low, decimals = data.get("extrapolation_low"), data.get("round")
    variable = Variable(
        name=_text(data["name"]),
        train=_span(data["train"]),
        extrapolation=_span(data["extrapolation"]),
        distribution=Distribution(data["dist"]),
        extrapolation_low=None if low is None else _span(low),
        decimals=None if decimals is None else int(decimals),
        digits=_optional_count(data.get("digits")),
        is_hidden=_flag(data.get("hidden", False)),
    )
    is_log = variable.distribution.startswith("log")
    if is_log and min(variable.train[0], variable.extrapolation[0]) <= 0:
        raise ValueError(f"the range of {quoted(variable.name)} must be above zero")
    return variable


def _suite(name: str, data: Mapping[str, Any]) -> Suite:
    first, last = map(int, data["seeds"])
    cases = tuple(
        Case(_text(case["name"]), tuple(_tasks({**data, **case}))) for case in data["cases"]
    )
    return Suite(name, cases, tuple(range(first, last + 1)), _text(data.get("about", "")))


def _tasks(data: Mapping[str, Any]) -> Iterator[OperationTask]:
    kind = TaskKind(data["task"])
    inputs = _count(data.get("inputs", INPUTS[kind]))
    for operation in data["ops"]:
        yield OperationTask(
            kind=kind,
            operation=Operation(operation),
            inputs=max(inputs, 2),
            train=_ranges(data["train"], inputs),
            extrapolation=_ranges(data["extrapolation"], inputs),
            subset_ratio=float(data.get("subset_ratio", 0.25)),
            overlap_ratio=float(data.get("overlap_ratio", 0.5)),
            subsets=_count(data.get("subsets", 2)),
            groups=tuple(_group(group, inputs) for group in data.get("groups", ())),
        )


def _group(data: Sequence[Any], inputs: int) -> Group:
    """The columns of a sum, counted from 1."""
    columns = tuple(_count(column) - 1 for column in data)
    if not columns or len(set(columns)) < len(columns) or max(columns) >= inputs:
        raise ValueError(f"{list(data)} are no columns of {inputs}, each once")
    return columns


def _ranges(data: Any, inputs: int) -> tuple[Spread, ...]:
    """One entry for all columns, or one for each under ``per_input``."""
    if not isinstance(data, dict) or "per_input" not in data:
        return (_spread(data),)
    ranges = tuple(map(_spread, data["per_input"]))
    if len(ranges) != inputs:
        raise ValueError(f"it has ranges for {len(ranges)} of {inputs} columns")
    return ranges


def _spread(data: Any) -> Spread:
    """A list of intervals, or a distribution and its interval."""
    if not isinstance(data, dict):
        return Spread(SpreadKind.UNIFORM, tuple(map(_span, data)))
    return Spread(
        SpreadKind(data["spread"]),
        (_span(data["range"]),),
        mean=float(data.get("mean", 0.0)),
        scale=float(data.get("scale", 1.0)),
    )


def _span(data: Sequence[Any]) -> Span:
    low, high = (float(value) for value in data)
    if not (math.isfinite(low) and math.isfinite(high) and low <= high):
        raise ValueError(f"{list(data)} is no range")
    return low, high


def _text(data: Any) -> str:
    if not isinstance(data, str):
        raise ValueError(f"{data!r} is no text")
    return data


def _flag(data: Any) -> bool:
    if not isinstance(data, bool):
        raise ValueError(f"{data!r} is neither true nor false")
    return data


def _count(data: Any) -> int:
    if not isinstance(data, int) or isinstance(data, bool) or data < 1:
        raise ValueError(f"{data!r} is no count")
    return data


def _optional_count(data: Any) -> int | None:
    return None if data is None else _count(data)
