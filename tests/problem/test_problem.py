"""Which rows and columns take part: every row once, the outermost far."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from tables import Floats, table_of, uniform

from nalu_cli.errors import DataError, UsageError
from nalu_cli.problem import Problem, pose
from nalu_cli.rows import Rows
from nalu_cli.settings import FitSettings


def as_set(*parts: Rows) -> list[tuple[float, ...]]:
    return sorted(tuple(row) for p in parts for row in np.column_stack([p.X, p.y]).tolist())


def posed(x: Floats, y: Floats, **changes: object) -> Problem:
    columns = {f"c{j}": x[:, j] for j in range(x.shape[1])} | {"y": y}
    return pose(table_of(columns), "y", FitSettings(**changes))  # type: ignore[arg-type]


def outerness(x: Floats) -> Floats:
    """How far out each row lies in its outermost column: rows between it and its mirror."""
    ranks = x.argsort(axis=0).argsort(axis=0)
    return np.abs(2 * ranks - (len(x) - 1)).max(axis=1)


@given(
    st.integers(2, 60),
    st.integers(1, 3),
    st.floats(0, 0.5),
    st.integers(0, 5),
)
def test_every_row_is_in_exactly_one_part(n: int, columns: int, share: float, seed: int) -> None:
    x = uniform(seed, n, columns)
    problem = posed(x, x.sum(axis=1), far_share=share, seed=seed)
    given_rows = as_set(Rows(x, x.sum(axis=1)))
    assert as_set(problem.train, problem.near, problem.far) == given_rows
    assert as_set(problem.all_rows()) == given_rows
    assert len(problem.far) == round(share * n)
    assert len(problem.train) > 0


@given(st.integers(10, 80), st.integers(1, 4), st.integers(0, 9))
def test_no_inner_row_lies_farther_out_than_a_far_one(n: int, columns: int, seed: int) -> None:
    x = uniform(seed, n, columns) ** 3
    row = np.arange(n, dtype=float)
    problem = posed(x, row)
    out = outerness(x)
    far = problem.far.y.astype(int)
    inner = np.concatenate([problem.train.y, problem.near.y]).astype(int)
    assert out[far].min() >= out[inner].max()


@given(st.integers(20, 80), st.integers(1, 3), st.integers(0, 9))
def test_the_order_of_the_rows_does_not_decide_which_are_far(
    n: int, columns: int, seed: int
) -> None:
    x = uniform(seed, n, columns)
    row, order = np.arange(n, dtype=float), np.random.default_rng(seed + 1).permutation(n)
    far, again = (
        {int(v) for v in problem.far.y} for problem in (posed(x, row), posed(x[order], row[order]))
    )
    border = outerness(x)[list(far)].min()
    assert all(outerness(x)[k] == border for k in far ^ again)


@given(arrays(np.float64, (30, 2), elements=st.sampled_from((0.0, 1.0, 2.0, 5.0))))
def test_of_rows_that_repeat_only_the_least_far_out_are_divided(x: Floats) -> None:
    x[0], x[1] = (0, 5), (5, 0)
    row, order = np.arange(30.0), np.random.default_rng(0).permutation(30)
    one, other = (x[p.far.y.astype(int)] for p in (posed(x, row), posed(x[order], row[order])))
    rank = [np.searchsorted(np.sort(c), c) + np.searchsorted(np.sort(c), c, "right") for c in x.T]
    out = np.abs(np.array(rank) - 30).max(axis=0)
    far_out = {tuple(r): k for r, k in zip(x.tolist(), out, strict=True)}
    assert sorted(far_out[tuple(row)] for row in one.tolist()) == sorted(
        far_out[tuple(row)] for row in other.tolist()
    )


def test_the_far_rows_of_one_column_are_its_two_ends() -> None:
    x = np.arange(101.0)
    problem = posed(np.random.default_rng(3).permutation(x)[:, None], x, far_share=0.2)
    assert problem.train.X.min() >= 10
    assert problem.train.X.max() <= 90
    assert sorted(problem.far.X[:, 0]) == [*range(10), *range(91, 101)]


def test_any_monotone_change_of_a_column_leaves_the_far_rows_alone() -> None:
    x = uniform(1, 60, 2)
    row = np.arange(60.0)
    stretched = np.column_stack([np.exp(5 * x[:, 0]), x[:, 1]])
    assert set(posed(x, row).far.y) == set(posed(stretched, row).far.y)


def test_the_box_is_that_of_the_training_rows() -> None:
    problem = posed(uniform(2, 50, 3), np.arange(50.0))
    np.testing.assert_array_equal(problem.box.low, problem.train.X.min(axis=0))
    np.testing.assert_array_equal(problem.box.high, problem.train.X.max(axis=0))
    np.testing.assert_array_equal(problem.box.median, np.median(problem.train.X, axis=0))


def test_the_near_rows_follow_the_seed_and_the_far_ones_do_not() -> None:
    x, row = uniform(4, 200, 2), np.arange(200.0)
    one, same, other = (posed(x, row, seed=seed) for seed in (1, 1, 2))
    assert list(one.near.y) == list(same.near.y)
    assert set(one.near.y) != set(other.near.y)
    assert set(one.far.y) == set(other.far.y)


def test_columns_that_say_nothing_are_left_out_with_a_note() -> None:
    a = np.linspace(1, 2, 20)
    problem = pose(
        table_of({"a": a, "g": np.full(20, 9.81), "copy": a, "b": a**2, "y": a**3}),
        "y",
        FitSettings(),
    )
    assert problem.names == ("a", "b")
    assert problem.train.X.shape[1] == 2
    assert [note.split("'")[1] for note in problem.notes] == ["g", "copy"]


def test_asked_columns_come_in_the_order_asked_and_ignored_ones_not_at_all() -> None:
    x = uniform(5, 20, 3)
    table = table_of({"a": x[:, 0], "b": x[:, 1], "c": x[:, 2], "y": x.sum(axis=1)})
    assert pose(table, "y", FitSettings(), inputs=["c", "a", "c"]).names == ("c", "a")
    assert pose(table, "y", FitSettings(), ignore=["b"]).names == ("a", "c")
    assert pose(table, "y", FitSettings(), inputs=["a", "b"], ignore=["b"]).names == ("a",)
    assert pose(table, "c", FitSettings()).names == ("a", "b", "y")


def test_a_column_of_text_can_be_ignored_but_not_used() -> None:
    x = np.linspace(1, 2, 20)
    table = table_of({"x": x, "y": x**2}, unusable={"who": "it holds text"})
    assert pose(table, "y", FitSettings(), ignore=["who"]).names == ("x",)
    for use in ({"target": "who"}, {"target": "y", "inputs": ["who"]}):
        with pytest.raises(DataError, match="text"):
            pose(table, settings=FitSettings(), **use)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "asked", [{"inputs": ["x", "y"]}, {"ignore": ["y"]}, {"inputs": ["z"]}, {"ignore": ["z"]}]
)
def test_columns_that_cannot_be_meant_are_refused(asked: dict[str, list[str]]) -> None:
    x = np.linspace(1, 2, 20)
    with pytest.raises(UsageError):
        pose(table_of({"x": x, "y": x**2}), "y", FitSettings(), **asked)


@pytest.mark.parametrize("rows", [0, 1])
def test_too_few_rows_are_refused(rows: int) -> None:
    x = np.ones(rows)
    with pytest.raises(DataError, match="usable row"):
        pose(table_of({"x": x, "y": x}), "y", FitSettings())


def test_a_test_table_takes_the_place_of_the_far_rows() -> None:
    x, there = uniform(6, 40, 2), uniform(7, 9, 2, low=10, high=20)
    table = table_of({"a": x[:, 0], "b": x[:, 1], "y": x[:, 0] ** 2})
    # other columns and another order
    test = table_of({"y": there[:, 0] ** 2, "z": there[:, 1], "b": there[:, 1], "a": there[:, 0]})
    problem = pose(table, "y", FitSettings(), test=test)
    assert problem.far_is_test
    np.testing.assert_array_equal(problem.far.X, there)
    assert as_set(problem.train, problem.near) == as_set(Rows(x, x[:, 0] ** 2))


def test_a_copy_of_the_target_is_the_formula_and_is_told() -> None:
    x = uniform(8, 20, 2)
    y = x[:, 0] * x[:, 1]
    table = table_of({"a": x[:, 0], "b": x[:, 1], "z": 2 * y, "y": y})
    problem = pose(table, "y", FitSettings())
    assert problem.names == ("z",)
    assert "column 'z' is 2 times the target in every row" in problem.notes[0]
    assert "--ignore 'z'" in problem.notes[0]
    # 1/2 could not be written
    assert pose(table, "y", FitSettings(constants=False)).names == ("a", "b", "z")


def test_of_columns_that_are_multiples_one_is_kept() -> None:
    x = uniform(9, 20, 2)
    columns = {"m": x[:, 0], "b": x[:, 1], "km": x[:, 0] / 1000, "y": x[:, 0] / x[:, 1]}
    problem = pose(table_of(columns), "y", FitSettings())
    assert problem.names == ("m", "b")
    assert problem.notes == ("column 'km' is 0.001 times 'm' in every row and was left out",)


def test_rows_without_a_target_are_left_out_however_many() -> None:
    x = uniform(10, 20, 1)
    y = np.where(np.arange(20) < 12, np.nan, x[:, 0] ** 2)
    problem = pose(table_of({"a": x[:, 0], "y": y}), "y", FitSettings())
    assert len(problem.all_rows()) == 8
    assert problem.notes == ("12 rows without 'y' dropped; nalu predict fills them in",)


def test_a_change_of_the_rows_is_one_of_the_held_out_ones_too() -> None:
    x = uniform(11, 60, 2)
    problem = pose(table_of({"a": x[:, 0], "b": x[:, 1], "y": x[:, 0]}), "y", FitSettings())
    changed = problem.with_rows(lambda rows: Rows(rows.X[:, :1], -rows.y))
    for part in ("train", "near", "far"):
        before, after = getattr(problem, part), getattr(changed, part)
        np.testing.assert_array_equal(after.X, before.X[:, :1])
        np.testing.assert_array_equal(after.y, -before.y)
    assert (changed.names, changed.box) == (problem.names, problem.box)


def measured(rows: int = 40) -> dict[str, Floats]:
    a = uniform(7, rows, 1)[:, 0]
    return {"a": a, "e": np.linspace(0.1, 0.2, rows), "y": a**2}


def test_standard_errors_are_no_input_and_go_with_their_rows() -> None:
    columns = measured()
    table = table_of(columns)
    problem = pose(table, "y", FitSettings(), sigma="E", test=table)
    assert problem.names == ("a",)
    error = dict(zip(columns["y"].tolist(), columns["e"].tolist(), strict=True))
    for rows in (problem.train, problem.near, problem.far, problem.all_rows()):
        assert rows.sigma is not None
        assert rows.sigma.tolist() == [error[y] for y in rows.y.tolist()]


def test_a_row_without_a_standard_error_is_dropped() -> None:
    columns = measured()
    columns["e"][3] = np.nan
    problem = pose(table_of(columns), "y", FitSettings(), sigma="e")
    assert len(problem.all_rows()) == 39
    assert problem.notes == ("1 row with missing cells (1 in 'e') dropped",)


@pytest.mark.parametrize("error", [0.0, -1.0])
def test_a_standard_error_is_positive(error: float) -> None:
    columns = measured()
    columns["e"][3] = error
    with pytest.raises(DataError, match=f"row 5, column 'e': {error:g} is no standard error"):
        pose(table_of(columns), "y", FitSettings(), sigma="e")


@pytest.mark.parametrize(
    ("sigma", "inputs", "message"),
    [
        ("y", None, "the target 'y' is also the column of its standard errors"),
        ("e", ["a", "e"], "the standard errors 'e' are also an input"),
        ("sd", None, "no column 'sd'"),
    ],
)
def test_standard_errors_that_cannot_be_meant(
    sigma: str, inputs: list[str] | None, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        pose(table_of(measured()), "y", FitSettings(), sigma=sigma, inputs=inputs)


def test_a_relative_noise_is_one_standard_error_for_all_rows() -> None:
    columns = measured()
    table = table_of(columns)
    problem = pose(table, "y", FitSettings(noise=0.02), test=table)
    expected = 0.02 * np.sqrt(np.mean(columns["y"] ** 2))
    for rows in (problem.train, problem.near, problem.far):
        assert rows.sigma is not None
        np.testing.assert_allclose(rows.sigma, expected, rtol=1e-12)


@pytest.mark.parametrize("noise", [0.0, None])
def test_without_noise_no_standard_error_is_known(noise: float | None) -> None:
    problem = pose(table_of(measured()), "y", FitSettings(noise=noise))
    assert problem.all_rows().sigma is None
    still = measured() | {"y": np.zeros(40)}
    assert pose(table_of(still), "y", FitSettings(noise=0.1)).all_rows().sigma is None
