"""Programs that `explain --as` wrote, run by the language they are written in."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import sympy
from ironcalc import create

from nalu_cli.circuit import Circuit
from nalu_cli.exporters import EXPORTERS
from nalu_cli.expression.canonical import expression_of
from nalu_cli.expression.tree import columns_of
from nalu_cli.settings import ExportFormat

Point = tuple[float, ...]
Values = list[float]
"""One for each point; NaN where the program says that there is no value."""


@dataclass(frozen=True)
class Case:
    """A circuit, what its columns are called, and the points at which it is computed."""

    circuit: Circuit
    names: tuple[str, ...]
    target: str
    points: tuple[Point, ...]

    def program(self, format: ExportFormat) -> str:
        return EXPORTERS[format].export(self.circuit, self.names, self.target)

    @property
    def used(self) -> tuple[str, ...]:
        """The columns a program has arguments for."""
        return tuple(self.names[j] for j in columns_of(expression_of(self.circuit)))

    def arguments(self) -> list[list[float]]:
        """For each point the values of the used columns."""
        used = columns_of(expression_of(self.circuit))
        return [[point[j] for j in used] for point in self.points]


def tool(name: str) -> str:
    """Where a program is; a test that cannot run must not pass."""
    path = shutil.which(name)
    if path is None:
        pytest.fail(f"{name} is not on the PATH, and exported code is tested by running it")
    return path


def run_tool(
    *command: str | Path, given: str = "", environment: dict[str, str] | None = None
) -> str:
    done = subprocess.run(
        command,
        input=given,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=300,
        check=False,
        env=environment,
    )
    assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    return done.stdout


PYTHON_RUNNER = """
import importlib.util, json, sys
for path, arguments in json.load(sys.stdin):
    spec = importlib.util.spec_from_file_location("law", path)
    law = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(law)
    values = [repr(law.predict(*map(float, point))) for point in arguments]
    print(json.dumps([list(law.COLUMNS.values()), law.TARGET, values]))
"""


def by_python(cases: Sequence[Case], folder: Path) -> list[Values]:
    """By the standard library alone: nothing that was installed can be imported."""
    paths = _written(cases, ExportFormat.PYTHON, folder, "py")
    given = json.dumps([[p, _texts(c)] for p, c in zip(paths, cases, strict=True)])
    lines = run_tool(sys.executable, "-I", "-S", "-c", PYTHON_RUNNER, given=given).split("\n")
    return [_checked(case, *json.loads(line)) for case, line in zip(cases, lines, strict=False)]


def by_numpy(cases: Sequence[Case], folder: Path) -> list[Values]:
    return [_by_numpy(case) for case in cases]


def _by_numpy(case: Case) -> Values:
    scope = run_module(case.program(ExportFormat.NUMPY))
    columns = np.array(case.arguments()).T.reshape(len(case.used), len(case.points))
    values = np.broadcast_to(scope["predict"](*columns), len(case.points))
    assert values.dtype == np.float64
    return _checked(case, list(scope["COLUMNS"].values()), scope["TARGET"], values)


def run_module(source: str) -> dict:
    scope: dict[str, object] = {"__name__": "exported"}
    exec(compile(source, "exported.py", "exec"), scope)
    return scope


C_MAIN = """
#include <stdio.h>

static void show(const char *text)
{
    printf(">");
    for (; *text; text++) printf("%02x", (unsigned char)*text);
    printf("\\n");
}

int main(void)
{
    const char *const *column;
"""

C_CASE = """
    for (column = columns_{k}; *column; column++) show(*column);
    printf("\\n");
    show(target_{k});
"""

C_FLAGS = ("-std=c99", "-O1", "-Wall", "-Wextra", "-pedantic", "-Werror", "-Wno-overlength-strings")


def by_c(cases: Sequence[Case], folder: Path) -> list[Values]:
    """By gcc, all in one program; each file is included as it is."""
    paths = _written(cases, ExportFormat.C, folder, "c")
    parts = []
    for k, path in enumerate(paths):
        renamed = [(f"nalu_{name}", f"{name}_{k}") for name in ("columns", "target", "predict")]
        parts += [f"#define {old} {new}" for old, new in renamed]
        parts += [f'#include "{path}"', *(f"#undef {old}" for old, _ in renamed)]
    parts.append(C_MAIN)
    for k, case in enumerate(cases):
        parts.append(C_CASE.format(k=k))
        for point in case.arguments():
            given = ", ".join(map(_c_number, point))
            parts.append(f'    printf("%.17g\\n", predict_{k}({given}));')
    parts.append("    return 0;\n}")
    main = folder / "main.c"
    main.write_text("\n".join(parts), encoding="utf-8")
    run_tool(tool("gcc"), *C_FLAGS, main, "-o", folder / "main", "-lm")
    lines = iter(run_tool(folder / "main").split("\n"))
    return [_from_c(case, lines) for case in cases]


def _from_c(case: Case, lines) -> Values:
    columns = []
    while line := next(lines):
        columns.append(_unhexed(line))
    target = _unhexed(next(lines))
    shown = [name.partition("\0")[0] for name in case.used]
    assert (columns, target) == (shown, case.target.partition("\0")[0])
    return [float(next(lines)) for _ in case.points]


def _unhexed(line: str) -> str:
    return bytes.fromhex(line.removeprefix(">")).decode("utf-8", "surrogatepass")


def _c_number(value: float) -> str:
    if math.isnan(value):
        return "NAN"
    if math.isinf(value):
        return "INFINITY" if value > 0 else "-INFINITY"
    return value.hex()


NODE_RUNNER = """
const cases = JSON.parse(require("fs").readFileSync(0, "utf8"));
for (const [path, points] of cases) {
  const predict = require(path);
  const values = points.map((point) => String(predict(...point.map(Number))));
  console.log(JSON.stringify([predict.columns, predict.target, values]));
}
"""


def by_javascript(cases: Sequence[Case], folder: Path) -> list[Values]:
    """By node, one process for all."""
    paths = _written(cases, ExportFormat.JAVASCRIPT, folder, "js")
    given = [
        [path, [[_js_number(x) for x in point] for point in case.arguments()]]
        for path, case in zip(paths, cases, strict=True)
    ]
    runner = folder / "runner.js"
    runner.write_text(NODE_RUNNER, encoding="utf-8")
    lines = run_tool(tool("node"), runner, given=json.dumps(given)).split("\n")
    return [_checked(case, *json.loads(line)) for case, line in zip(cases, lines, strict=False)]


def _js_number(value: float) -> str:
    return repr(value).replace("inf", "Infinity")


def by_sql(cases: Sequence[Case], folder: Path) -> list[Values]:
    return [_by_sql(case) for case in cases]


def _by_sql(case: Case) -> Values:
    base = sqlite3.connect(":memory:")
    columns = [f"{_quoted(name)} REAL" for name in case.names]
    base.execute(f"CREATE TABLE data ({', '.join(columns)})")
    row = f"INSERT INTO data VALUES ({', '.join('?' for _ in case.names)})"
    base.executemany(row, [tuple(map(_sql_number, point)) for point in case.points])
    found = base.execute(case.program(ExportFormat.SQL))
    assert [described[0] for described in found.description] == [sql_name(case.target)]
    return [math.nan if value is None else value for (value,) in found.fetchall()]


def sql_name(name: str) -> str:
    """A name without what cannot be written in SQL at all."""
    return name.replace("\0", r"\x00").encode("utf-8", "backslashreplace").decode()


def _quoted(name: str) -> str:
    return '"' + sql_name(name).replace('"', '""') + '"'


def _sql_number(value: float) -> float | None:
    return None if math.isnan(value) else value


def by_excel(cases: Sequence[Case], folder: Path) -> list[Values]:
    return [_by_excel(case) for case in cases]


def _by_excel(case: Case) -> Values:
    """By a spreadsheet: the second row filled down, as a person would do it."""
    heads, formulas = csv.reader(io.StringIO(case.program(ExportFormat.EXCEL)))
    sheet = create("law", "en", "UTC", "en")
    for column, head in enumerate(heads, 1):
        sheet.set_user_input(0, 1, column, head)
        assert sheet.get_cell_formula(0, 1, column) is None, f"{head!r} would run"
    assert formulas[:-1] == [""] * len(case.used)
    for k, point in enumerate(case.arguments()):
        for column, value in enumerate(point, 1):
            sheet.update_cell_with_number(0, k + 2, column, value)
        sheet.set_user_input(0, k + 2, len(heads), _filled_down(formulas[-1], k))
    sheet.evaluate()
    return [_excel_value(sheet, k + 2, len(heads)) for k in range(len(case.points))]


def _filled_down(formula: str, rows: int) -> str:
    import re

    return re.sub(r"\b([A-Z]+)2\b(?!\.)", rf"\g<1>{rows + 2}", formula)


def _excel_value(sheet, row: int, column: int) -> float:
    value = sheet.get_cell_value(0, row, column)
    if isinstance(value, str):
        assert value in ("#NUM!", "#DIV/0!", "#VALUE!"), value
        return math.nan
    return value


def by_sympy(cases: Sequence[Case], folder: Path) -> list[Values]:
    return [_by_sympy(case) for case in cases]


def _by_sympy(case: Case) -> Values:
    scope = run_module(case.program(ExportFormat.SYMPY))
    symbols = [scope[name] for name in scope["COLUMNS"]]
    assert set(case.used) <= set(scope["COLUMNS"].values())
    assert scope["TARGET"] == case.target
    values = []
    for point in case.points:
        by_name = dict(zip(case.names, point, strict=True))
        given = {s: sympy.Float(by_name[scope["COLUMNS"][s.name]]) for s in symbols}
        if all(condition.subs(given) == sympy.true for condition in scope["DOMAIN"]):
            values.append(float(sympy.sympify(scope["FORMULA"]).evalf(17, subs=given)))
        else:
            values.append(math.nan)
    return values


def _written(cases: Sequence[Case], format: ExportFormat, folder: Path, suffix: str) -> list[str]:
    paths = []
    for k, case in enumerate(cases):
        path = folder / f"case_{k}.{suffix}"
        path.write_text(case.program(format), encoding="utf-8")
        paths.append(os.fspath(path))
    return paths


def _texts(case: Case) -> list[list[str]]:
    return [list(map(repr, point)) for point in case.arguments()]


def _checked(case: Case, columns: list[str], target: str, values) -> Values:
    assert (tuple(columns), target) == (case.used, case.target)
    return list(map(float, values))


RUNNERS: dict[ExportFormat, Callable[[Sequence[Case], Path], list[Values]]] = {
    ExportFormat.PYTHON: by_python,
    ExportFormat.NUMPY: by_numpy,
    ExportFormat.C: by_c,
    ExportFormat.JAVASCRIPT: by_javascript,
    ExportFormat.SQL: by_sql,
    ExportFormat.EXCEL: by_excel,
    ExportFormat.SYMPY: by_sympy,
}

IEEE = (ExportFormat.PYTHON, ExportFormat.NUMPY, ExportFormat.C, ExportFormat.JAVASCRIPT)
"""Languages that know infinity and NaN, and compute on with them."""
