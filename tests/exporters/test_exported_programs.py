"""Every program that `explain --as` writes is run by its own language and compared with truth."""

from __future__ import annotations

import csv
import io
import json
import math
import random
import re
import sqlite3
import sys
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import pytest
from exact import attempt, is_tame, same_inputs, value_of
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from languages import (
    C_FLAGS,
    IEEE,
    RUNNERS,
    Case,
    Point,
    Values,
    run_module,
    run_tool,
    sql_name,
    tool,
)
from strategies import AWKWARD_NAMES, CONSTANTS, LONG, named_circuits, random_circuit

from nalu_cli.circuit import Circuit, Term, Unit, UnitKind
from nalu_cli.exporters import EXPORTERS
from nalu_cli.exporters.c_source import NAMING as C_NAMING
from nalu_cli.exporters.program import identifiers
from nalu_cli.exporters.python_source import NAMING as PYTHON_NAMING
from nalu_cli.exporters.sql import NAMING as SQL_NAMING
from nalu_cli.settings import ExportFormat

MANY = 200
"""Circuits each language has to compute."""

NASTY = (0.0, -0.0, math.inf, -math.inf, math.nan, 1e200, -1e200, 1e-200, 5e-324, 1.0, -2.5, 1e308)

HOSTILE_NAMES = (
    *AWKWARD_NAMES,
    *("'; DROP TABLE data; --", '"; DROP TABLE data; --', 'x" AS REAL), (SELECT 1) AS "y', "--"),
    *("/*", "*/ int main", "??/", "%d", "\\", "\\n", "line\\", "x\n#error", "x\r\nx", "\x1b[31m"),
    *("</script><script>alert(1)</script>", "${alert(1)}", "`", "-->", "<!--", "\u2029"),
    *("=cmd|'/c calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1", "'", "A2", "R1C1", ",", ";", '","'),
    *("unix", "linux", "NAN", "INFINITY", "double", "y1", "gamma", "E", "I", "sin", "Math", "NaN"),
    *("undefined", "arguments", "eval", "value", "math", "divide", "power", "root", "float"),
    *(
        "FALSE",
        "true",
        "SELECT",
        "data",
        "ROWID",
        "null",
        "x" * 300,
        "\\right",
        "\\end{document}",
        "$$",
        "\\(",
        " ",
    ),
    *("column", "column_np", "column_2019", "a b", "a_b", "a-b", "a_b_2", "_", "__name__", "ﬁ"),
)

languages = pytest.mark.parametrize("format", RUNNERS, ids=str)


@lru_cache
def drawn() -> list[tuple[Circuit, tuple[str, ...], str]]:
    """Different circuits with columns that matter."""
    found: dict[Circuit, tuple[Circuit, tuple[str, ...], str]] = {}

    @settings(
        max_examples=3 * MANY,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(named_circuits(fewest_terms=2))
    def draw(case: tuple[Circuit, tuple[str, ...], str]) -> None:
        # in a database a and A are one name
        names = {sql_name(name).lower() for name in case[1]}
        if case[0].used_columns() and len(names) == len(case[1]):
            found.setdefault(case[0], case)

    draw()
    assert len(found) >= MANY
    return [*list(found.values())[:MANY], *deep()]


def deep() -> list[tuple[Circuit, tuple[str, ...], str]]:
    """Deep circuits under hostile names."""
    rng = random.Random(7)
    names = for_language(ExportFormat.SQL, HOSTILE_NAMES)
    found = []
    for _ in range(MANY // 2):
        circuit = random_circuit(rng)
        *columns, target = rng.sample(names, circuit.n_columns + 1)
        found.append((circuit, tuple(columns), target))
    return found


def cases_at(choose, points: int) -> list[Case]:
    rng = random.Random(3)
    return [
        Case(*case, tuple(tuple(choose(rng) for _ in case[1]) for _ in range(points)))
        for case in drawn()
    ]


@lru_cache
def moderate() -> list[Case]:
    return cases_at(lambda rng: rng.choice((-1, 1, 1)) * rng.uniform(0.3, 3.0), 4)


@lru_cache
def truth() -> list[list[float | None]]:
    """For each case and point the value, NaN where there is none, None where no double can tell."""
    return [[_true_value(case.circuit, point) for point in case.points] for case in moderate()]


def _true_value(circuit: Circuit, point: Point) -> float | None:
    live = same_inputs(circuit)
    if not is_tame(live, point):
        return None
    value = attempt(lambda p: value_of(live, p), point)
    return math.nan if value is None else float(value)


def test_the_cases_show_something() -> None:
    known = [value for values in truth() for value in values if value is not None]
    assert len(known) > MANY
    assert sum(math.isnan(value) for value in known) > MANY / 10


@languages
def test_a_program_computes_what_the_circuit_does(format: ExportFormat, tmp_path: Path) -> None:
    found = RUNNERS[format](moderate(), tmp_path)
    for case, values, true in zip(moderate(), found, truth(), strict=True):
        for point, value, expected in zip(case.points, values, true, strict=True):
            assert expected is None or same(value, expected), (case.program(format), point)


def same(value: float, expected: float) -> bool:
    if math.isnan(expected):
        return math.isnan(value)
    return value == expected or math.isclose(value, expected, rel_tol=1e-9)


@lru_cache
def nasty() -> list[Case]:
    return cases_at(lambda rng: rng.choice(NASTY), 12)


@pytest.mark.parametrize("format", [f for f in IEEE if f is not ExportFormat.NUMPY], ids=str)
def test_infinities_zeros_and_overflow_are_the_same_everywhere(
    format: ExportFormat, tmp_path: Path
) -> None:
    reference = RUNNERS[ExportFormat.NUMPY](nasty(), tmp_path)
    found = RUNNERS[format](nasty(), tmp_path)
    for case, values, true in zip(nasty(), found, reference, strict=True):
        for point, value, expected in zip(case.points, values, true, strict=True):
            assert same(value, expected), (case.program(format), point)


def constant_case(value: float) -> Case:
    return Case(Circuit(1, ((Unit(UnitKind.PRODUCT, (), value),),)), ("x",), "y", ((1.0,),))


def factor_case(value: float) -> Case:
    unit = Unit(UnitKind.PRODUCT, (Term(0, Fraction(1)),), value)
    return Case(Circuit(1, ((unit,),)), ("x",), "y", ((1.0,),))


@lru_cache
def doubles() -> list[float]:
    rng = random.Random(5)
    spread = [rng.uniform(1, 10) * 10.0 ** rng.randint(-307, 307) for _ in range(150)]
    whole = [float(rng.randint(1, 2**60)) for _ in range(50)]
    return [
        *CONSTANTS,
        *LONG,
        *spread,
        *whole,
        1e22,
        1e23,
        2.0**53 + 2,
        1.7e308,
        sys.float_info.max,
    ]


@languages
def test_constants_keep_every_bit(format: ExportFormat, tmp_path: Path) -> None:
    cases = [case for x in doubles() for case in (constant_case(-x), factor_case(x))]
    found = [values[0] for values in RUNNERS[format](cases, tmp_path)]
    assert found == [sign * x for x in doubles() for sign in (-1, 1)]


def test_a_spreadsheet_gets_no_more_digits_than_it_keeps() -> None:
    for value in doubles():
        formula = constant_case(value).program(ExportFormat.EXCEL)
        for number in re.findall(r"[0-9.]+(?:E[+-]?[0-9]+)?", formula.splitlines()[1]):
            digits = number.partition("E")[0].replace(".", "").strip("0")
            assert len(digits) <= 15, formula


def sum_case(names: tuple[str, ...], target: str, points: int = 2) -> Case:
    """Distinct multiples of columns: any mix-up of names changes the sum."""
    terms = tuple(Term(j, Fraction(1), 2.0**-j if j else 1.0) for j in range(len(names)))
    rows = tuple(tuple(float(1 + (k + j) % 7) for j in range(len(names))) for k in range(points))
    return Case(Circuit(len(names), ((Unit(UnitKind.SUM, terms, 0.0),),)), names, target, rows)


def sums(case: Case) -> Values:
    return [sum(x * 2.0**-j for j, x in enumerate(point)) for point in case.points]


def for_language(format: ExportFormat, names: tuple[str, ...]) -> tuple[str, ...]:
    if format is not ExportFormat.SQL:
        return tuple(dict.fromkeys(names))
    return tuple({sql_name(name).lower(): name for name in names}.values())


@languages
def test_hostile_names_stay_names(format: ExportFormat, tmp_path: Path) -> None:
    names = for_language(format, HOSTILE_NAMES)
    groups = [names[k : k + 40] for k in range(0, len(names), 40)]
    cases = [sum_case(group, target) for group in groups for target in names[:3]]
    cases += [sum_case((name, "x0 "), name + "!") for name in names]
    found = RUNNERS[format](cases, tmp_path)
    for case, values in zip(cases, found, strict=True):
        assert values == pytest.approx(sums(case), rel=1e-12)


@languages
@settings(
    max_examples=5,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(st.lists(st.text(min_size=1, max_size=12), min_size=40, max_size=40, unique=True))
def test_any_name_stays_a_name(
    format: ExportFormat, tmp_path_factory: pytest.TempPathFactory, drawn_names: list[str]
) -> None:
    names = for_language(format, tuple(drawn_names))
    case = sum_case(names, names[-1])
    (values,) = RUNNERS[format]([case], tmp_path_factory.mktemp("names"))
    assert values == pytest.approx(sums(case), rel=1e-12)


def test_every_executable_format_is_run() -> None:
    assert {f for f, exporter in EXPORTERS.items() if exporter.is_executable} == set(RUNNERS)


@pytest.mark.parametrize("standard", ["-std=c99", "-std=gnu17"])
def test_c_stands_alone_and_no_macro_is_an_argument(standard: str, tmp_path: Path) -> None:
    empty = tmp_path / "empty.c"
    empty.write_text("#include <math.h>\n")
    listed = run_tool(tool("gcc"), standard, "-dM", "-E", empty)
    macros = tuple(sorted(set(re.findall(r"^#define (\w+) ", listed, re.MULTILINE))))
    assert "INFINITY" in macros
    law = tmp_path / "law.c"
    law.write_text(sum_case(macros, "y").program(ExportFormat.C))
    run_tool(tool("gcc"), *C_FLAGS, standard, "-c", law, "-o", tmp_path / "law.o")


def test_javascript_is_a_module_and_part_of_a_page_too() -> None:
    case = sum_case(HOSTILE_NAMES[:60], "</script>")
    program = case.program(ExportFormat.JAVASCRIPT)
    assert "</" not in program
    assert program.isascii()
    point = json.dumps(case.points[0])
    for kind in ("module", "commonjs"):
        asked = f"{program}\nconsole.log(predict(...{point}), predict(null, '1'));"
        shown = run_tool(tool("node"), f"--input-type={kind}", "-", given=asked).split()
        assert float(shown[0]) == pytest.approx(sums(case)[0])
        assert shown[1] == "NaN"


def ratio() -> Circuit:
    terms = (Term(0, Fraction(1)), Term(1, Fraction(-1)))
    return Circuit(2, ((Unit(UnitKind.PRODUCT, terms, 1.0),),))


def test_sql_divides_whole_numbers_and_does_not_take_a_missing_column_for_text() -> None:
    query = EXPORTERS[ExportFormat.SQL].export(ratio(), ["a", "b"], "y")
    base = sqlite3.connect(":memory:")
    base.execute('CREATE TABLE data ("a" INTEGER, "b" INTEGER)')
    base.executemany("INSERT INTO data VALUES (?, ?)", [(1, 2), (1, 0), (None, 1)])
    assert base.execute(query).fetchall() == [(0.5,), (None,), (None,)]
    base.execute("ALTER TABLE data RENAME COLUMN a TO c")
    with pytest.raises(sqlite3.OperationalError, match="no such column"):
        base.execute(query)


def test_no_cell_of_a_sheet_but_the_formula_can_run() -> None:
    for name in HOSTILE_NAMES:
        case = sum_case((name, "other"), name + " 2")
        heads, (*blank, formula) = csv.reader(io.StringIO(case.program(ExportFormat.EXCEL)))
        assert formula.startswith("=")
        assert blank == ["", ""]
        assert not any(head[:1] in tuple("=+-@\t\r\n") for head in heads)


def test_python_takes_whatever_is_a_number() -> None:
    scope = run_module(EXPORTERS[ExportFormat.PYTHON].export(ratio(), ["a", "b"], "y"))
    assert scope["predict"](Fraction(1, 2), 4) == 0.125
    assert scope["predict"](10**30, "4") == 2.5e29


def test_the_domain_in_sympy_can_be_asked_anywhere() -> None:
    inner = Unit(UnitKind.PRODUCT, (Term(0, Fraction(-1, 2)),), -1.0)
    outer = Unit(UnitKind.PRODUCT, (Term(0, Fraction(-1, 2)),), 1.0)
    nested = Circuit(1, ((inner,), (outer,)))
    scope = run_module(EXPORTERS[ExportFormat.SYMPY].export(nested, ["x"], "y"))
    for x in (-2, 0, 3):
        assert not all(condition.subs(scope["x"], x) for condition in scope["DOMAIN"])
    root = Circuit(1, ((Unit(UnitKind.PRODUCT, (Term(0, Fraction(1, 2)),), 1.0),),))
    scope = run_module(EXPORTERS[ExportFormat.SYMPY].export(root, ["x"], "y"))
    assert [condition.subs(scope["x"], 4) for condition in scope["DOMAIN"]] == [True]
    product = Circuit(1, ((Unit(UnitKind.PRODUCT, (Term(0, Fraction(2)),), 1.0),),))
    assert run_module(EXPORTERS[ExportFormat.SYMPY].export(product, ["x"], "y"))["DOMAIN"] == ()


def test_names_stay_distinct_and_as_they_are_where_they_can() -> None:
    given = ["x y", "x_y", "x-y", "2019", "math", "Größe", "++", "λ", "column", "Größe [m]"]
    assert identifiers(given, PYTHON_NAMING) == [
        *("x_y_2", "x_y", "x_y_3", "column_2019", "column_math", "Größe", "column_2", "λ"),
        *("column", "Größe_m"),
    ]
    assert identifiers(["Größe", "é", "λ", "double", "unix", "_x", "y1"], C_NAMING) == [
        *("Gro_e", "e", "column", "column_double", "column_unix", "x", "y1")
    ]
    assert identifiers(["A", "å", "a", "TRUE"], SQL_NAMING) == ["A", "a_2", "a_3", "column_TRUE"]
