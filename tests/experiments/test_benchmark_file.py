from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from problems import LENS, OHM, SUITES, write_laws, write_suites

from nalu_cli.errors import DataError, NaluError, UsageError
from nalu_cli.experiments import benchmark_file
from nalu_cli.experiments.benchmark_file import read_laws, read_suite
from nalu_cli.experiments.known_law import Distribution
from nalu_cli.experiments.operations import Operation, TaskKind
from nalu_cli.experiments.written_formula import is_law, read_truth

PACKAGED = Path(benchmark_file.__file__).parent / "formulas"


def test_laws_are_read_with_all_they_say(tmp_path: Path) -> None:
    whole = {"name": "n", "train": [1, 9], "dist": "integer", "extrapolation": [9, 20]}
    split = {**OHM["variables"][0], "round": 2, "extrapolation_low": [-9, 0]}  # type: ignore[index]
    gas = {
        "id": "gas",
        "expression": "R/n",
        "target": "p",
        "variables": [split, whole],
        "require_positive": ["n-1"],
        "more": 1,
    }
    ohm, found = read_laws(write_laws(tmp_path / "laws.json", OHM, gas))
    assert (ohm.name, ohm.family, ohm.depth, ohm.n_rows) == ("ohm", "physics", 1, 60)
    assert (found.family, found.depth, found.n_rows) == ("", None, 1000)
    assert found.positive == ("n-1",)
    assert found.names == ("R", "n")
    assert found.variables[0].decimals == 2
    assert found.variables[0].extrapolation_low == (-9, 0)
    assert found.variables[1].distribution is Distribution.INTEGER
    assert found.variables[1].is_whole


def test_a_truth_may_be_no_law(tmp_path: Path) -> None:
    hidden = {**OHM["variables"][1], "hidden": True}  # type: ignore[index]
    entry = {**OHM, "expression": "exp(-R)*I", "variables": [OHM["variables"][0], hidden]}  # type: ignore[index]
    (found,) = read_laws(write_laws(tmp_path / "laws.json", entry))
    assert found.names == ("R", "I")
    assert found.columns == ("R",)
    assert [variable.is_hidden for variable in found.variables] == [False, True]


@pytest.mark.parametrize(
    ("file", "number", "expected"), [("formulas.json", 172, True), ("no_law.json", 36, False)]
)
def test_the_files_of_the_package_hold_what_they_say(
    file: str, number: int, expected: bool
) -> None:
    laws = read_laws(PACKAGED / file)
    assert len(laws) == number
    for law in laws:
        assert is_law(read_truth(law.formula, law.names), law.columns) == expected, law.name


def test_suites_are_read_with_what_a_case_changes(tmp_path: Path) -> None:
    ranges = {"per_input": [[[1, 2]], [[3, 4], [5, 6]]]}
    case = {"name": "own", "inputs": 2, "ops": ["sub"], "train": ranges, "extrapolation": [[2, 6]]}
    changed = {**SUITES["pairs"], "inputs": 10, "cases": [*SUITES["pairs"]["cases"], case]}
    suite = read_suite(write_suites(tmp_path / "ops.json", changed=changed), "changed")
    assert suite.seeds == (0, 1)
    assert [(c.name, len(c.tasks)) for c in suite.cases] == [("low", 2), ("both", 2), ("own", 1)]
    assert suite.cases[0].tasks[0].inputs == 10
    (own,) = suite.cases[2].tasks
    assert (own.kind, own.operation, own.inputs) == (TaskKind.SINGLE, Operation.SUB, 2)
    assert [spread.parts for spread in own.train] == [((1, 2),), ((3, 4), (5, 6))]


def variable(**changes: Any) -> dict[str, Any]:
    return {**OHM, "variables": [{**LENS["variables"][0], "name": "R", **changes}]}  # type: ignore[index]


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"id": "x"}, "entry 'x': expression is missing"),
        ({**OHM, "expression": "R*V"}, "entry 'ohm': there is no column 'V'"),
        ({**OHM, "expression": "__import__('os')"}, "entry 'ohm': Call is not allowed"),
        ({**OHM, "expression": 5}, "entry 'ohm': 5 is no text"),
        ({**OHM, "target": "R"}, "entry 'ohm': it needs variables"),
        ({**OHM, "variables": []}, "entry 'ohm': it needs variables"),
        ({**OHM, "n_rows": -1}, "entry 'ohm': -1 is no count"),
        (variable(dist="normal"), "'normal' is not a valid Distribution"),
        ({**OHM, "expression": "gamma(R)"}, "entry 'ohm': Call is not allowed"),
        (variable(hidden=True), "entry 'ohm': it needs variables"),
        (variable(hidden=1), "entry 'ohm': 1 is neither true nor false"),
        (variable(train=[5, 1]), "is no range"),
        (variable(train=[1]), "not enough values"),
        (variable(train=[float("nan"), 1]), "is no range"),
        (variable(train=[0, 1], dist="log"), "the range of 'R' must be above zero"),
        ("ohm", "entry 'number 1'"),
    ],
)
def test_a_wrong_entry_is_named(entry: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError) as raised:
        read_laws(write_laws(tmp_path / "laws.json", entry))
    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("content", "kind", "message"),
    [
        (None, UsageError, "cannot be read: no such file"),
        (b"{", DataError, "is no JSON file"),
        (b"\xff", DataError, "is no JSON file"),
        (b"[" * 100_000, DataError, "is no JSON file"),
        (b"[]", DataError, "no benchmark of this kind"),
        (b'{"formulas": []}', DataError, "no benchmark of this kind"),
        (b'{"suites": {"a": 1}}', DataError, "it has no 'formulas'"),
    ],
)
def test_another_file_is_an_error(
    content: bytes | None, kind: type[NaluError], message: str, tmp_path: Path
) -> None:
    path = tmp_path / "laws.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(kind, match=message):
        read_laws(path)


def test_two_laws_of_one_id_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="two formulas with the id 'ohm'"):
        read_laws(write_laws(tmp_path / "laws.json", OHM, OHM))


def test_a_missing_suite_names_the_others(tmp_path: Path) -> None:
    path = write_suites(tmp_path / "ops.json")
    with pytest.raises(UsageError, match="no suite 'none'; it has pairs, sums, wide"):
        read_suite(path, "none")
    with pytest.raises(DataError, match="entry 'bad': task is missing"):
        read_suite(write_suites(path, bad={"seeds": [0, 1], "cases": [{"name": "a"}]}), "bad")
