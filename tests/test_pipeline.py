"""A table in, a formula out: what the names, the order and the units of columns may change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
from tables import Floats, table_of, uniform

from nalu_cli.answer import Answer
from nalu_cli.circuit import Circuit
from nalu_cli.expression.text import formula_text
from nalu_cli.pipeline import fit_table
from nalu_cli.settings import CellName, Effort, FitSettings, Status
from nalu_cli.training.cells import CELLS

# no clock decides what is found
PATIENT = FitSettings(effort=Effort.QUICK, time_limit=1e6)

LAWS: dict[str, Callable[..., Floats]] = {
    "a*b/c": lambda a, b, c: a * b / c,
    "2.5*a - b + 0.5*c": lambda a, b, c: 2.5 * a - b + 0.5 * c,
    "a*b/(a + c)": lambda a, b, c: a * b / (a + c),
    "sqrt(a**2 + b*c)": lambda a, b, c: np.sqrt(a**2 + b * c),
}


def columns(seed: int = 1, rows: int = 150) -> dict[str, Floats]:
    return dict(zip("abc", uniform(seed, rows, 3).T, strict=True))


def fitted(table: dict[str, Floats], settings: FitSettings = PATIENT, **options: object) -> Answer:
    return fit_table(table_of(table), "y", settings, **options)  # type: ignore[arg-type]


def law_table(name: str, seed: int = 1) -> dict[str, Floats]:
    values = columns(seed)
    return values | {"y": LAWS[name](**values)}


def value(answer: Answer, table: dict[str, Floats]) -> Floats:
    """The formula on columns looked up by name; columns that are not there are zero."""
    zeros = np.zeros(len(next(iter(table.values()))))
    return answer.circuit.evaluate(np.column_stack([table.get(n, zeros) for n in answer.names]))


def assert_law(answer: Answer, name: str) -> None:
    there = dict(zip("abc", uniform(77, 100, 3, low=5, high=60).T, strict=True))
    assert answer.status is Status.EXACT
    np.testing.assert_allclose(value(answer, there), LAWS[name](**there), rtol=1e-12)


@pytest.mark.parametrize("name", LAWS)
def test_a_law_is_found_and_everything_said_about_it_is_true(name: str) -> None:
    table = law_table(name)
    answer = fitted(table)
    assert_law(answer, name)
    assert answer.noise == 0
    assert sum(e.rows for e in answer.errors.values()) == 150
    assert list(answer.errors) == ["train", "near", "far"]
    for error in answer.errors.values():
        assert error.max_relative is not None
        assert error.max_relative < 1e-13
    np.testing.assert_array_equal(answer.circuit.evaluate(answer.probe_X), answer.probe_y)
    assert answer.circuit in [entry.circuit for entry in answer.front]
    assert not answer.interrupted
    inside = [
        np.all((answer.low[j] <= table[n]) & (table[n] <= answer.high[j]))
        for j, n in enumerate(answer.names)
    ]
    assert not any(inside)  # the far rows lie outside


@pytest.mark.parametrize("name", LAWS)
def test_renaming_the_columns_renames_the_formula_and_nothing_else(name: str) -> None:
    new = {"a": "speed [m/s]", "b": "E", "c": "pi", "y": "the target"}
    table = law_table(name)
    answer = fitted(table)
    renamed = fit_table(table_of({new[k]: v for k, v in table.items()}), "the target", PATIENT)
    assert renamed.names == tuple(new[k] for k in answer.names)
    old = {name: column for column, name in new.items()}
    moves = (replace(m, source=old.get(m.source, m.source)) for m in renamed.evidence.moves)
    back = replace(
        renamed,
        names=answer.names,
        target="y",
        probe_X=answer.probe_X,
        probe_y=answer.probe_y,
        evidence=replace(renamed.evidence, moves=tuple(moves)),
        precision={old[column]: said for column, said in renamed.precision.items()},
    )
    np.testing.assert_array_equal(renamed.probe_y, answer.probe_y)
    assert back == answer
    text = formula_text(renamed.circuit, renamed.names)
    assert "`speed [m/s]`" in text or 0 not in renamed.circuit.used_columns()


def shuffled(table: dict[str, Floats]) -> dict[str, Floats]:
    order = np.random.default_rng(4).permutation(len(table["y"]))
    return {k: v[order] for k, v in table.items()}


CHANGES: dict[str, Callable[[dict[str, Floats]], dict[str, Floats]]] = {
    "rows in another order": shuffled,
    "columns in another order": lambda t: {k: t[k] for k in ("c", "y", "b", "a")},
    "a column more": lambda t: t | {"d": uniform(9, len(t["y"]), 1)[:, 0]},
    "a constant column more": lambda t: t | {"d": np.full(len(t["y"]), 3.0)},
    "a column twice": lambda t: t | {"d": t["a"]},
    "half of the rows": lambda t: {k: v[::2] for k, v in t.items()},
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("name", LAWS)
def test_what_says_nothing_about_the_law_does_not_change_it(name: str, change: str) -> None:
    answer = fitted(CHANGES[change](law_table(name)))
    assert_law(answer, name)
    assert {answer.names[j] for j in answer.circuit.used_columns()} == set("abc") & set(name)


@pytest.mark.parametrize("power", [-60, -3, 1, 60])
@pytest.mark.parametrize("name", ["a*b/c", "2.5*a - b + 0.5*c"])
def test_a_column_in_another_unit_changes_the_constant_alone(name: str, power: int) -> None:
    table = law_table(name)
    answer = fitted(table | {"b": table["b"] * 2.0**power})
    assert answer.status is Status.EXACT
    there = dict(zip("abc", uniform(77, 100, 3, low=5, high=60).T, strict=True))
    found = value(answer, there | {"b": there["b"] * 2.0**power})
    np.testing.assert_allclose(found, LAWS[name](**there), rtol=1e-12)


@pytest.mark.parametrize("power", [-200, -2, 200])
@pytest.mark.parametrize("name", LAWS)
def test_a_target_in_another_unit_is_the_same_law(name: str, power: int) -> None:
    table = law_table(name)
    answer = fitted(table | {"y": table["y"] * 2.0**power})
    there = dict(zip("abc", uniform(77, 100, 3, low=5, high=60).T, strict=True))
    assert answer.status is Status.EXACT
    np.testing.assert_allclose(value(answer, there) / 2.0**power, LAWS[name](**there), rtol=1e-12)


FIVE_A, FIVE_B = np.array([1.5, 2.0, 3.25, 4.0, 0.5]), np.array([2.0, 7.5, 1.25, 3.0, 6.0])


def test_five_rows_are_enough_to_find_a_product() -> None:
    answer = fitted({"a": FIVE_A, "b": FIVE_B, "y": FIVE_A * FIVE_B}, stop=stop_after(20))
    assert formula_text(answer.circuit, answer.names) == "a*b"


def test_five_rows_are_enough_to_prove_a_product() -> None:
    answer = fitted({"a": FIVE_A, "b": FIVE_B, "y": FIVE_A * FIVE_B}, stop=stop_after(20))
    assert answer.status is Status.EXACT


@pytest.mark.parametrize("constant", [0.0, 4.0, -1e-9])
def test_a_constant_target_is_that_constant(constant: float) -> None:
    values = columns()
    answer = fitted(values | {"y": np.full(150, constant)})
    np.testing.assert_array_equal(value(answer, values), np.full(150, constant))
    assert not answer.circuit.used_columns()


@pytest.mark.parametrize("seed", range(3))
def test_noise_on_a_product_is_named_as_noise(seed: int) -> None:
    values = columns(seed, rows=300)
    noise = 1 + 0.01 * np.random.default_rng(seed).standard_normal(300)
    answer = fitted(values | {"y": values["a"] * values["b"] / values["c"] * noise})
    assert answer.status is Status.WITHIN_NOISE
    assert answer.noise == pytest.approx(0.01, rel=0.3)
    there = dict(zip("abc", uniform(77, 100, 3, low=5, high=60).T, strict=True))
    true = LAWS["a*b/c"](**there)
    np.testing.assert_allclose(value(answer, there), true, rtol=0.01)


SERIES: dict[str, Callable[..., np.ndarray]] = {
    "(a - b*c)/sqrt(1 - b**2/d**2)": lambda a, b, c, d: (a - b * c) / np.sqrt(1 - b**2 / d**2),
    "(b + c)/(1 + b*c/d**2)": lambda a, b, c, d: (b + c) / (1 + b * c / d**2),
}


@pytest.mark.parametrize("law", SERIES)
def test_under_noise_the_law_is_found_and_not_the_start_of_its_series(law: str) -> None:
    near = dict(zip("abcd", uniform(11, 800, 4, low=1, high=2).T, strict=True))
    near["d"] = near["d"] + 2
    truth = SERIES[law](**near)
    noise = 0.01 * truth.std() * np.random.default_rng(12).standard_normal(800)
    answer = fitted(near | {"y": truth + noise})
    assert answer.status is Status.WITHIN_NOISE
    there = near | {"b": np.full(800, 2.7), "d": np.full(800, 3.0)}
    np.testing.assert_allclose(value(answer, there), SERIES[law](**there), rtol=0.05)


def stop_after(asked: int) -> Callable[[], bool]:
    left = iter(range(asked))
    return lambda: next(left, None) is None


@pytest.mark.parametrize("seed", range(2))
def test_a_random_target_has_no_formula(seed: int) -> None:
    values = columns(seed)
    y = np.random.default_rng(seed + 9).uniform(1, 2, 150)
    answer = fitted(values | {"y": y}, stop=stop_after(400))
    assert answer.status is Status.NONE
    assert answer.caveats


def test_told_to_stop_it_answers_with_what_it_has() -> None:
    values = columns()
    answer = fitted(values | {"y": np.sin(5 * values["a"])}, stop=lambda: True)
    assert answer.interrupted
    assert answer.status is not Status.EXACT
    assert isinstance(answer.circuit, Circuit)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["a*b/(a + c)", "2.5*a - b + 0.5*c"])
def test_the_answer_does_not_depend_on_the_number_of_threads(name: str) -> None:
    settings = replace(PATIENT, train_only=True)
    one, two = (fitted(law_table(name), replace(settings, threads=threads)) for threads in (1, 2))
    assert two.settings.threads == 2
    np.testing.assert_array_equal(one.probe_X, two.probe_X)
    np.testing.assert_array_equal(one.probe_y, two.probe_y)
    same = {"settings": one.settings, "probe_X": one.probe_X, "probe_y": one.probe_y}
    assert replace(two, **same) == one
    assert one.evidence.found_by == "stacks"


@pytest.mark.slow
@pytest.mark.parametrize("ends", [(1.0, 4.0), (0.0, 1.0)], ids=str)
@pytest.mark.parametrize(
    "function",
    [np.exp, np.sin, np.tanh, lambda x: np.log(x + 1e-9)],
    ids=["exp", "sin", "tanh", "log"],
)
@pytest.mark.parametrize("more", [0, 1], ids=["one column", "two columns"])
def test_what_is_no_arithmetic_is_never_exact(
    function: Callable[[Floats], Floats], ends: Sequence[float], more: int
) -> None:
    x = uniform(5, 1000, 1 + more, low=ends[0], high=ends[1])
    y = function(x[:, 0]) * (x[:, 1] if more else 1)
    table = {f"x{j}": x[:, j] for j in range(1 + more)} | {"y": y}
    # the null space comes closest: its null vectors are good to rounding on some rows
    answer = fitted(table, stop=stop_after(70))
    assert answer.status is not Status.EXACT


@pytest.mark.parametrize("rows", [2, 3, 4])
@pytest.mark.parametrize("seed", [0, 1])
def test_a_few_rounded_points_prove_nothing(rows: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b, y = rng.uniform(1, 9, (3, rows)).round(3)
    answer = fitted({"a": a, "b": b, "y": y.round(2)}, stop=stop_after(60))
    assert answer.status not in {Status.EXACT, Status.WITHIN_NOISE}


OPERATIONS = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / b,
    "square": lambda a, b: a * a,
    "root": lambda a, b: np.sqrt(a),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in CellName if name is not CellName.AUTO])
def test_a_published_cell_alone_finds_what_it_claims(name: CellName) -> None:
    x = uniform(2, 200, 2)
    for operation in CELLS[name].operations:
        table = table_of({"a": x[:, 0], "b": x[:, 1], "y": OPERATIONS[operation](*x.T)})
        answer = fit_table(table, "y", replace(PATIENT, cell=name, threads=1))
        assert answer.status is Status.EXACT
        assert answer.evidence.found_by.startswith(f"{name} ")


def test_a_published_cell_does_not_find_what_it_cannot_do() -> None:
    x = uniform(2, 200, 2)
    table = table_of({"a": x[:, 0], "b": x[:, 1], "y": x[:, 0] / x[:, 1]})
    for name in (CellName.NMU, CellName.NAU):
        answer = fit_table(table, "y", FitSettings(cell=name, time_limit=1, threads=1))
        assert answer.status is not Status.EXACT


def test_the_odds_of_a_name_are_those_at_the_precision_the_rows_allow() -> None:
    values = columns(rows=300)
    y = 2 * values["a"] * values["b"]
    noise = 0.003 * np.random.default_rng(9).standard_normal(300)
    (exact,) = fitted(values | {"y": y}).constants
    (noisy,) = fitted(values | {"y": y * (1 + noise)}).constants
    assert exact.name == noisy.name == "2"
    assert exact.odds is not None
    assert noisy.odds is not None
    assert noisy.standard_error == pytest.approx(2 * 0.003 / 300**0.5, rel=0.7)
    assert exact.odds < 1e-12 < 1e-5 < noisy.odds < 5e-3
