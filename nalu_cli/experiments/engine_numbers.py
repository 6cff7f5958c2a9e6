"""Numbers that modules of the engine name: thresholds and budgets, found and set from outside."""

from __future__ import annotations

import ast
import importlib
import math
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from types import ModuleType

import nalu_cli

__all__ = ["UNTOLD", "EngineNumber", "changed", "engine_numbers", "loaded_modules", "set_to"]

ENGINE = (
    *("numerics", "circuit", "problem", "expression", "training"),
    *("fitting", "snapping", "refine", "judge", "search"),
)
"""Folders whose numbers decide which formula is found."""

PACKAGE = Path(nalu_cli.__file__).parent

NAMED = re.compile(r"[A-Z][A-Z0-9_]*")

ORIGIN = re.compile(r"\*(Measured|Derived|Cited|Guess)[.:]")
"""Where a number comes from, as the text below it has it."""

UNTOLD = "none"
"""In place of an origin, where no text tells it."""

Binding = tuple[str, str]
"""A module, and a name in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineNumber:
    """A number that a module of the engine names.

    Parameters
    ----------
    module, name : str
        Where it is, with dots and without the package, and what it is called.
    value : int or float
    origin : str
        What the text below it says of its origin.
    is_read_early : bool
        Whether something is computed from it while modules are loaded, which a change comes too
        late for.
    """

    module: str
    name: str
    value: float
    origin: str = UNTOLD
    is_read_early: bool = False

    @property
    def label(self) -> str:
        """Module and name."""
        return f"{self.module}.{self.name}"


def engine_numbers() -> list[EngineNumber]:
    """All of them, in the order of folders and files; loads the modules of the engine.

    Taken are upper-case names of a module that hold an int or a float and have a number in what
    they are bound to. Left out are booleans; names that begin with an underscore; what is taken
    over from elsewhere, such as the precision of doubles; enumerations, which is what a statement
    is that counts 0, 1, 2; and numbers inside tuples and dictionaries.
    """
    found: list[EngineNumber] = []
    for path in (path for folder in ENGINE for path in sorted((PACKAGE / folder).rglob("*.py"))):
        found.extend(_numbers_of(path))
    return found


def _numbers_of(path: Path) -> Iterator[EngineNumber]:
    module = _dotted(path)
    values = vars(_loaded(module))
    for name, origin in _named(path).items():
        value = values[name]
        if type(value) in (int, float) and math.isfinite(value):
            early = any(bound in _early(home) for home, bound in _bindings(module, name))
            yield EngineNumber(
                module=module, name=name, value=value, origin=origin, is_read_early=early
            )


def _named(path: Path) -> dict[str, str]:
    """Names of a module with a number in what they are bound to, and the origin told of each.

    A text is for all names since the last text, as people read it.
    """
    found: dict[str, str] = {}
    waiting: list[str] = []
    for statement in _parsed(path).body:
        names = list(_bound(statement))
        waiting += names
        found |= dict.fromkeys(names, UNTOLD)
        if not isinstance(statement, ast.Assign | ast.AnnAssign):
            if isinstance(statement, ast.Expr):
                told = dict.fromkeys(ORIGIN.findall(ast.unparse(statement)))
                found |= dict.fromkeys(waiting, ", ".join(told) or UNTOLD)
            waiting = []
    return found


def _bound(statement: ast.stmt) -> Iterator[str]:
    """The names that a statement binds to numbers."""
    if isinstance(statement, ast.AnnAssign) and statement.value is not None:
        pairs: list[tuple[ast.expr, ast.expr]] = [(statement.target, statement.value)]
    elif isinstance(statement, ast.Assign):
        pairs = list(_pairs(statement.targets[0], statement.value))
    else:
        return
    values = [value.value if isinstance(value, ast.Constant) else None for _, value in pairs]
    if len(pairs) > 1 and values == list(range(len(pairs))):
        return
    for target, value in pairs:
        if isinstance(target, ast.Name) and NAMED.fullmatch(target.id) and _has_number(value):
            yield target.id


def _pairs(target: ast.expr, value: ast.expr) -> Iterator[tuple[ast.expr, ast.expr]]:
    """What is bound to what, one by one where several names stand in a row."""
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        yield from zip(target.elts, value.elts, strict=False)
    else:
        yield target, value


def _has_number(value: ast.expr) -> bool:
    numbers = [n.value for n in ast.walk(value) if isinstance(n, ast.Constant)]
    return any(isinstance(n, int | float) and not isinstance(n, bool) for n in numbers)


def changed(value: float, factor: Fraction) -> float:
    """A number times a factor; an int stays an int, and never becomes zero.

    It may be what it was: zero always is, and one is when it is halved. Then there is nothing to
    try.
    """
    if isinstance(value, float):
        return value * float(factor)
    size = round(abs(value) * factor)
    return 0 if value == 0 else (1 if value > 0 else -1) * max(1, size)


@contextmanager
def set_to(number: EngineNumber, value: float) -> Iterator[None]:
    """Let a number be another one for a while, in all modules that took it over by name.

    Out of reach is what was computed from it while modules were loaded: defaults of arguments and
    of fields, tables, and numbers that are multiples of it.

    Parameters
    ----------
    number : EngineNumber
    value : int or float
    """
    # all are loaded before anything is set: one loaded later would keep the value it met
    homes = [(_loaded(home), name) for home, name in _bindings(number.module, number.name)]
    before = [(home, name, vars(home)[name]) for home, name in homes if name in vars(home)]
    same = [(home, name, old) for home, name, old in before if old == number.value]
    _forget()
    try:
        for home, name, _ in same:
            setattr(home, name, value)
        yield
    finally:
        for home, name, old in same:
            setattr(home, name, old)
        _forget()


def _forget() -> None:
    """Forget what functions of the package remember, which may rest on another number."""
    for module in loaded_modules():
        for value in list(vars(module).values()):
            forget = getattr(value, "cache_clear", None)
            # what is remembered here is about files, and stays true
            if callable(forget) and getattr(value, "__module__", "") != __name__:
                forget()


def loaded_modules() -> list[ModuleType]:
    """Those of the package."""
    package = nalu_cli.__name__
    return [m for name, m in list(sys.modules.items()) if name.split(".")[0] == package]


def _loaded(module: str) -> ModuleType:
    return importlib.import_module(f"{nalu_cli.__name__}.{module}".rstrip("."))


def _dotted(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _bindings(module: str, name: str) -> set[Binding]:
    """Where a number stands: at home, and wherever it was imported by name, be it by a detour."""
    reached: set[Binding] = set()
    pending = [(module, name)]
    while pending:
        here = pending.pop()
        if here not in reached:
            reached.add(here)
            pending.extend(_importers().get(here, ()))
    return reached


@cache
def _importers() -> dict[Binding, list[Binding]]:
    """For each name that is imported by name, the modules that do, and what they call it."""
    found: dict[Binding, list[Binding]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in _parsed(path).body:
            if isinstance(node, ast.ImportFrom) and node.module is not None:
                home = node.module.partition(".")[2]
                if node.module.split(".")[0] == nalu_cli.__name__:
                    for alias in node.names:
                        taken = (_dotted(path), alias.asname or alias.name)
                        found.setdefault((home, alias.name), []).append(taken)
    return found


@cache
def _early(module: str) -> frozenset[str]:
    """Names that a module reads while it is loaded, which is outside the bodies of functions."""
    file = _loaded(module).__file__
    assert file is not None
    names: set[str] = set()
    pending: list[ast.AST] = [_parsed(Path(file))]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            pending += [*node.decorator_list, node.args]
        elif isinstance(node, ast.Lambda):
            pending.append(node.args)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            names.add(node.id)
        else:
            pending.extend(ast.iter_child_nodes(node))
    return frozenset(names)
