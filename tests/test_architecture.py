"""The fences: who may import whom, what lives where, and how large it may grow."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Container, Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
from conftest import ROOT, plain_terminal

PACKAGE = ROOT / "nalu_cli"

ORDER = (
    "errors",
    "settings",
    "rows",
    "numerics",
    "circuit",
    "table",
    "problem",
    "expression",
    "answer",
    "exporters",
    "storage",
    "training",
    "fitting",
    "snapping",
    "refine",
    "judge",
    "search",
    "pipeline",
    "estimator",
    "report",
    "experiments",
    "commands",
    "__main__",
)
"""Folders and modules of the package; each may import itself and those before it."""

ENGINE = {
    *("numerics", "circuit", "problem", "expression", "training"),
    *("fitting", "snapping", "refine", "judge", "search"),
}
"""Folders in which every number should say why it is that one."""

INNER = {
    "search": (
        ("candidate",),
        ("strategy",),
        ("linear", "relations", "outlying_term", "greedy", "stacks", "cells"),
        ("reductions",),
        ("schedule",),
        ("climbed", "patience"),
        ("refining",),
        ("ladder",),
    ),
}
"""Floors of a folder: what stands on one may import those before it, and no neighbour."""

HOMES = {
    "mpmath": {"experiments"},
    "numpy": set(ORDER),
    "pandas": {"table"},
    "pyarrow": {"table"},
    "rich": {"commands"},
    "sklearn": {"estimator", "experiments"},
    "sympy": {"estimator", "experiments", "refine"},
    "jinja2": {"report"},
    "markupsafe": {"report"},
    "matplotlib": {"experiments", "report"},
    "threadpoolctl": {"pipeline"},
    "torch": {"experiments", "training"},
    "typer": {"commands"},
}
"""Each third-party library and where it may be imported."""

OPTIONAL = {"pyarrow": "parquet", "sklearn": "sklearn"}
"""Libraries that an extra installs."""

TESTED_ELSEWHERE = {
    "__main__": "every test of the command line goes through it",
    "rows": "test_precision and test_problem fill them",
    "answer/answer": "plain data; test_pipeline and test_model_file read every field",
    "answer/wording": "test_answer_text prints all of it",
    "circuit/constants": "test_fit_constants",
    "circuit/relaxed": "plain data; test_levenberg_marquardt and test_snap read every field",
    "commands": (
        "test_commands, test_bench, test_reproduce, test_predicted_files, test_faults, "
        "test_signals and test_answer_text"
    ),
    "experiments": (
        "test_comparison, test_exact_weights, test_formula_recovery, test_gridworld, "
        "test_language, test_papers, test_power_laws, test_programs and test_trial"
    ),
    "exporters": "test_exporter_laws and test_exported_programs",
    "expression/canonical": "test_text and test_simplify go through it in both directions",
    "expression/to_circuit": "test_simplify and test_lowering",
    "expression/tree": "test_text and test_simplify compare trees",
    "problem/printed_rows": "test_precision",
    "refine/balance": "test_fit_constants",
    "refine/simplify": "test_simplify",
    "report": "test_report and test_report_in_browser",
    "search/candidate": "plain data",
    "search/climbed": "test_ladder",
    "search/patience": "test_ladder climbs until it is spent",
    "search/refining": "test_ladder",
    "search/strategy": "test_strategy_laws",
    "search/cells": "test_turns trains and snaps through it",
    "search/reductions": "test_strategy_laws, test_divide_by_monomial and test_add_root_column",
    "search/linear/product_and_sum": "test_null_space asks all strategies without training",
    "search/stacks": "test_stack_search and test_stacks_selection",
    "snapping": "test_evidence, test_minimax and test_snap",
    "table": "test_table, test_hostile_tables and test_long_files",
    "training/cells": "test_cell_laws",
}
"""Modules, and folders of modules, without a test file of their own name, and what tests them."""

LARGEST = 400
MOST_FILES = 22
MOST_AT_THE_ROOT = 8
LARGE_FOLDERS = {"table", "experiments", "experiments/papers"}
"""Folders of many small members: cell formats, and the papers' experiments."""

SENTENCE = 100 - len('"""' * 2)
VAGUE = {"base", "common", "helper", "helpers", "misc", "util", "utils"}
MOST_UNEXPLAINED = 64
MOST_GUESSES = 368
"""Counts that may only fall."""

ORIGIN = re.compile(r"\*(Measured|Derived|Cited|Guess)[.:]")
"""Where a threshold comes from, as its text has it."""

RETIRED = {
    *("asked", "question", "questions", "said", "told", "say", "says", "beside", "settled"),
    *("rung", "rungs", "noting"),
}
"""Words of no use to a reader who knows the field: problem, ansatz, residual, weight, candidate,
strategy and evidence say what is meant."""

NEVER_NAMED = {"eval", "exec", "parse_expr", "pickle", "sympify"}
"""What a user types in a header or a file is never executed."""


def files() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def place(path: Path) -> str:
    """The module or folder of `ORDER` a file belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def purpose(name: str) -> str:
    """The first line of what a module or folder says about itself."""
    folder = PACKAGE / name
    path = folder / "__init__.py" if folder.is_dir() else folder.with_suffix(".py")
    documented = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    return str(documented).partition("\n")[0]


def imports(path: Path) -> Iterator[str]:
    """Dotted names a file imports, in functions and by name too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: relative import"
            if node.module == "nalu_cli":
                yield from (f"nalu_cli.{alias.name}" for alias in node.names)
            else:
                yield str(node.module)
        elif (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and re.fullmatch(r"nalu_cli(\.\w+)+", node.value)
        ):
            yield node.value


def modules() -> list[Path]:
    """Every file but the package's own front door, which names all of them."""
    return [path for path in files() if path != PACKAGE / "__init__.py"]


def test_every_module_has_a_place_in_the_order() -> None:
    assert {place(path) for path in modules()} == set(ORDER)


@pytest.mark.parametrize("path", modules(), ids=lambda p: p.relative_to(PACKAGE).as_posix())
def test_no_module_imports_a_later_one(path: Path) -> None:
    allowed = set(ORDER[: ORDER.index(place(path)) + 1]) | {"__version__"}
    found = {name.split(".")[1] for name in imports(path) if name.startswith("nalu_cli.")}
    assert found <= allowed


@pytest.mark.parametrize("path", files(), ids=lambda p: p.relative_to(PACKAGE).as_posix())
def test_each_library_is_imported_at_its_home_only(path: Path) -> None:
    libraries = {name.split(".")[0] for name in imports(path)} - {"nalu_cli"}
    libraries -= sys.stdlib_module_names
    assert {library for library in libraries if place(path) not in HOMES.get(library, ())} == set()


@pytest.mark.parametrize("path", files(), ids=lambda p: p.relative_to(PACKAGE).as_posix())
def test_a_module_is_short_well_named_and_says_what_it_is_for(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    sentence = (ast.get_docstring(ast.parse(source)) or "").partition("\n")[0]
    assert sentence.endswith(".")
    assert len(sentence) <= SENTENCE
    assert source.count("\n") <= LARGEST
    assert VAGUE.isdisjoint(path.relative_to(PACKAGE).with_suffix("").parts)


def unexplained(path: Path) -> list[str]:
    """Thresholds without a text below them, or below the others beside them, on their origin."""
    names: list[str] = []
    found: list[str] = []
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign):
            constants = [n for n in ast.walk(node.value) if isinstance(n, ast.Constant)]
            if any(isinstance(n.value, int | float) for n in constants):
                names.append(ast.unparse(node.targets[0]))
        else:
            said = isinstance(node, ast.Expr) and ORIGIN.search(ast.unparse(node))
            found += [] if said else names
            names = []
    return found + names


def engine() -> list[Path]:
    """The files whose thresholds decide which formula is found."""
    return [path for path in files() if place(path) in ENGINE]


def test_ever_fewer_thresholds_do_not_say_where_they_come_from() -> None:
    found = [f"{path.stem}.{name}" for path in engine() for name in unexplained(path)]
    assert len(found) <= MOST_UNEXPLAINED


def test_ever_fewer_thresholds_are_guesses() -> None:
    texts = [path.read_text(encoding="utf-8") for path in engine()]
    assert sum(len(re.findall(r"\bGuess[.:]", text)) for text in texts) <= MOST_GUESSES


@pytest.mark.parametrize(
    "path",
    [path for path in files() if place(path) in {*ENGINE, "answer", "pipeline", "rows"}],
    ids=lambda p: p.relative_to(PACKAGE).as_posix(),
)
def test_identifiers_use_the_words_of_the_field(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    words = {word for name in identifiers(tree) for word in name.lower().strip("_").split("_")}
    assert words.isdisjoint(RETIRED)


def identifiers(tree: ast.AST) -> Iterator[str]:
    """The names that a module gives, those of classes with a word for each capital."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.FunctionDef):
            yield node.name
        elif isinstance(node, ast.ClassDef):
            yield re.sub(r"(?<!^)(?=[A-Z])", "_", node.name)


@pytest.mark.parametrize("path", files(), ids=lambda p: p.relative_to(PACKAGE).as_posix())
def test_nothing_a_user_types_is_executed(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert NEVER_NAMED.isdisjoint(names)


def inner_floor(path: Path) -> tuple[int, str] | None:
    """The floor a file stands on in its folder, and its place there."""
    folder, *rest = path.relative_to(PACKAGE).with_suffix("").parts
    floors = INNER.get(folder, ())
    return next(
        ((k, rest[0]) for k, floor in enumerate(floors) if rest[0] in floor),
        None,
    )


@pytest.mark.parametrize("folder", INNER)
def test_inside_a_folder_each_floor_imports_those_before_it(folder: str) -> None:
    for path in sorted((PACKAGE / folder).rglob("*.py")):
        here = inner_floor(path)
        if path.name == "__init__.py" and path.parent == PACKAGE / folder:
            continue
        assert here is not None, f"{path.name} has no floor"
        for name in imports(path):
            if not name.startswith(f"nalu_cli.{folder}."):
                continue
            there = inner_floor(PACKAGE / Path(*name.split(".")[1:]))
            assert there is not None
            assert there[1] == here[1] or there[0] < here[0], f"{path.name} imports {name}"


def test_no_file_imports_itself_by_a_detour() -> None:
    known = {dotted(path): path for path in modules()}
    graph = {
        name: {other for other in imported(path, known) if other != name}
        for name, path in known.items()
    }
    # deferred on purpose: the front door names what lies behind it
    TopologicalSorter(graph).prepare()


def dotted(path: Path) -> str:
    parts = ("nalu_cli", *path.relative_to(PACKAGE).with_suffix("").parts)
    return ".".join(parts).removesuffix(".__init__")


def imported(path: Path, known: Container[str]) -> Iterator[str]:
    """The modules a file imports, where a name may be a module of a folder."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                inside = f"{node.module}.{alias.name}"
                yield from (name for name in (inside, node.module) if name in known)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)


def test_no_folder_is_a_hall() -> None:
    for folder in sorted({path.parent for path in files()}):
        name = folder.relative_to(PACKAGE).as_posix()
        count = len([*folder.glob("*.py")])
        if name == ".":
            assert count <= MOST_AT_THE_ROOT
        elif name not in LARGE_FOLDERS:
            assert count <= MOST_FILES, name
        assert count > 1, f"{name} is a folder for nothing"


def test_every_module_has_a_test_file() -> None:
    tests = {path.name for path in (ROOT / "tests").rglob("test_*.py")}
    untested = []
    for path in modules():
        if path.name == "__init__.py":
            continue
        place = path.relative_to(PACKAGE).with_suffix("").as_posix()
        name = path.parent.name if path.stem == "search" else path.stem
        covered = any(place == other or place.startswith(f"{other}/") for other in TESTED_ELSEWHERE)
        if f"test_{name}.py" not in tests and not covered:
            untested.append(place)
    assert untested == []


def test_files_named_as_covering_others_exist() -> None:
    named = set(re.findall(r"test_\w+", " ".join(TESTED_ELSEWHERE.values())))
    assert named <= {path.stem for path in (ROOT / "tests").rglob("*.py")}


def test_every_library_is_declared_and_needed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = {re.split(r"[^\w-]", wanted)[0] for wanted in project["dependencies"]}
    assert declared | set(OPTIONAL) == set(HOMES)
    assert set(OPTIONAL.values()) <= set(project["optional-dependencies"])


def test_the_changelog_describes_this_version() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.findall(r"^## \[(\d.*?)\]", changes, re.MULTILINE)[0] == version


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--version"],
        ["fit", "--help"],
        ["bench", "--help"],
        ["reproduce", "--help"],
        ["reproduce", "--list"],
    ],
    ids=" ".join,
)
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    command = [sys.executable, "-X", "importtime", "-m", "nalu_cli", *arguments]
    done = subprocess.run(
        command, env=plain_terminal(), capture_output=True, text=True, timeout=60, check=True
    )
    loaded = set(re.findall(r"\| +([\w.]+)$", done.stderr, re.MULTILINE))
    assert "nalu_cli" in loaded
    assert loaded.isdisjoint({"matplotlib", "numpy", "pandas", "sympy", "torch"})
