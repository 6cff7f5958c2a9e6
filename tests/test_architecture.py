"""The fences: who may import whom, what lives where, and how large it may grow."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import ROOT, plain_terminal

PACKAGE = ROOT / "nalu_cli"

ORDER = (
    "errors",
    "settings",
    "circuit",
    "circuit_data",
    "whole_file",
    "archive",
    "grid",
    "guard",
    "bounds",
    "plain",
    "relaxed",
    "wiring",
    "table",
    "answer",
    "tally",
    "wording",
    "coincidence",
    "rows",
    "problem",
    "excerpt",
    "rounding",
    "likelihood",
    "scale",
    "cells",
    "adam",
    "stack",
    "train",
    "polish",
    "constants",
    "refit",
    "snapping",
    "search",
    "monomials",
    "spans",
    "linear",
    "bilinear",
    "questions",
    "algebraic",
    "exhaustive",
    "sparse",
    "allowed",
    "snap",
    "workbench",
    "factors",
    "gates",
    "moves",
    "tree",
    "expression",
    "tree_edits",
    "fitted_tree",
    "proposals",
    "regrouping",
    "robust",
    "remainder",
    "formula",
    "simplify",
    "beside",
    "separating",
    "domain",
    "signs",
    "refine",
    "leftover",
    "law",
    "complaints",
    "judge",
    "neighbours",
    "rivals",
    "verify",
    "rung",
    "grow",
    "first_rungs",
    "rungs",
    "patience",
    "ladder",
    "exporters",
    "points",
    "model_file",
    "report",
    "pipeline",
    "estimator",
    "experiments",
    "commands",
    "__main__",
)
"""Modules and folders of the package; each may import itself and those before it."""

STAGES = {
    1: {"table"},
    2: {"problem", "excerpt"},
    3: {
        "linear",
        "bilinear",
        "questions",
        "algebraic",
        "exhaustive",
        "sparse",
        "robust",
        "remainder",
        "beside",
        "tree_edits",
        "fitted_tree",
        "proposals",
        "regrouping",
        "grow",
        "workbench",
        "factors",
        "separating",
        "domain",
        "rung",
        "first_rungs",
        "rungs",
        "patience",
        "ladder",
    },
    4: {"search", "cells", "adam", "stack", "train"},
    5: {"polish"},
    6: {"snapping", "snap", "gates", "moves"},
    7: {"constants", "refit", "simplify", "signs", "refine"},
    8: {"leftover", "law", "complaints", "judge", "neighbours", "rivals", "verify"},
    9: {"tree", "expression", "formula", "exporters"},
    10: {"model_file", "report", "pipeline"},
}
"""Which modules make up a stage of a fit; the others are shared, or the command line."""

HOMES = {
    "mpmath": {"experiments"},
    "numpy": set(ORDER),
    "pandas": {"table"},
    "pyarrow": {"table"},
    "rich": {"commands"},
    "sklearn": {"estimator", "experiments"},
    "sympy": {"estimator", "experiments", "simplify"},
    "jinja2": {"report"},
    "markupsafe": {"report"},
    "matplotlib": {"experiments", "report"},
    "threadpoolctl": {"pipeline"},
    "torch": {"adam", "cells", "experiments", "stack", "train"},
    "typer": {"commands"},
}
"""Each third-party library and the modules that may import it."""

OPTIONAL = {"pyarrow": "parquet", "sklearn": "sklearn"}
"""Libraries that an extra installs."""

TESTED_ELSEWHERE = {
    "__main__": "every test of the command line goes through it",
    "answer": "plain data; test_pipeline and test_model_file read every field",
    "cells": "test_cell_laws",
    "experiments": (
        "test_benchmark_file, test_comparison, test_digits, test_exact_weights, "
        "test_fastsrb, test_formula_recovery, test_gridworld, test_language, test_operations, "
        "test_outcome_file, test_papers, test_power_laws, test_programs, "
        "test_protocol, test_published_run, test_recurrences, "
        "test_recurrent, test_sampling, test_spread, test_totals, test_trial, test_workers and "
        "test_written_formula"
    ),
    "exporters": "test_exporter_laws and test_exported_programs",
    "expression": "test_formula and test_simplify go through it in both directions",
    "tree": "test_formula and test_simplify compare trees",
    "allowed": "test_snap snaps to the values and keeps from them",
    "patience": "test_ladder climbs until it is spent",
    "search": (
        "test_projection, test_training, test_starts, test_discrete, test_lowering and "
        "test_stack_search"
    ),
    "snapping": "test_minimax, test_prices, test_evidence and test_surprise",
    "linear": "test_algebraic asks all rungs without training",
    "workbench": "test_rungs trains and snaps through it",
    "wording": "test_display prints all of it",
    "rows": "test_precision and test_problem fill them",
    "relaxed": "plain data; test_polish and test_snap read every field",
}
"""Modules without a test file of their own name, and why."""

LARGEST = 400
SENTENCE = 100 - len('"""' * 2)
VAGUE = {"base", "common", "helper", "helpers", "misc", "util", "utils"}
ORIGIN = re.compile(r"\*(Measured|Derived|Cited|Guess)[.:]")
"""Where a threshold comes from, as its text has it."""

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


@pytest.mark.parametrize(
    "path",
    [path for path in files() if place(path) in {"search", "snapping"}],
    ids=lambda p: p.relative_to(PACKAGE).as_posix(),
)
def test_every_threshold_says_where_it_comes_from(path: Path) -> None:
    # numbers of mathematics are none
    assert set(unexplained(path)) <= {"BITS_PER_DIGIT"}


@pytest.mark.parametrize("path", files(), ids=lambda p: p.relative_to(PACKAGE).as_posix())
def test_nothing_a_user_types_is_executed(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    assert NEVER_NAMED.isdisjoint(names)


def test_stages_say_their_number() -> None:
    found: dict[int, set[str]] = {}
    for name in ORDER:
        stage = re.match(r"Stage (\d+): ", purpose(name))
        if stage:
            found.setdefault(int(stage[1]), set()).add(name)
    assert found == STAGES


def test_every_module_has_a_test_file() -> None:
    spine = {place(path) for path in modules()} - set(TESTED_ELSEWHERE)
    assert {name for name in spine if not (ROOT / "tests" / f"test_{name}.py").exists()} == set()


def test_files_named_as_covering_others_exist() -> None:
    named = set(re.findall(r"test_\w+", " ".join(TESTED_ELSEWHERE.values())))
    assert {name for name in named if not (ROOT / "tests" / f"{name}.py").exists()} == set()


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
