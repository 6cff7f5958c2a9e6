from __future__ import annotations

import numpy as np
import pytest
from answers import product, total
from hypothesis import given
from hypothesis import strategies as st

from nalu_cli.answer.points import MOST_COLUMNS, MOST_ROWS, points_of
from nalu_cli.circuit import Circuit
from nalu_cli.problem import Problem, pose
from nalu_cli.rows import Rows
from nalu_cli.settings import FitSettings
from nalu_cli.table import DOUBLES, Table

SUM = Circuit(2, ((total((0, 1), (1, 1)),),))


def problem(X: np.ndarray, y: np.ndarray) -> Problem:
    names = tuple(f"x{j}" for j in range(X.shape[1]))
    table = Table(
        source="made",
        header=(*names, "y"),
        names=(*names, "y"),
        columns=np.column_stack([X, y]),
        unusable={},
        notes=(),
        precisions=(DOUBLES,) * (len(names) + 1),
        lines=np.arange(len(y)),
    )
    return pose(table, "y", FitSettings())


def drawn(n_rows: int, n_columns: int = 2, seed: int = 0) -> Problem:
    rng = np.random.default_rng(seed)
    X = rng.normal(0, 3, (n_rows, n_columns))
    return problem(X, X[:, 0] + X[:, 1] + rng.normal(0, 1, n_rows))


@given(st.integers(3, 2000), st.integers(0, 99))
def test_points_are_rows_of_their_sets_with_the_worst_of_each(n_rows: int, seed: int) -> None:
    posed = drawn(n_rows, seed=seed)
    points = points_of(SUM, posed)
    assert np.all(np.diff(points.part) >= 0)
    for part, (rows, most) in enumerate(
        zip((posed.train, posed.near, posed.far), MOST_ROWS, strict=True)
    ):
        own = points.part == part
        assert own.sum() == min(len(rows), most)
        kept = {tuple(row) for row in np.column_stack([points.X, points.measured])[own]}
        assert kept <= {tuple(row) for row in np.column_stack([rows.X, rows.y])}
        error = np.abs(points.predicted - points.measured)[own]
        if len(rows):
            assert error.max() == np.abs(SUM.evaluate(rows.X) - rows.y).max()


def test_rows_without_a_value_are_kept() -> None:
    posed = drawn(3000)
    root = Circuit(2, ((product((0, 0.5)),),))
    rows = Rows(np.abs(posed.train.X), posed.train.y)
    rows.X[777, 0] = -1.0
    rare = Problem(posed.names, "y", rows, posed.near, posed.far, False, posed.box, ())
    assert np.isnan(points_of(root, rare).predicted[points_of(root, rare).part == 0]).sum() == 1


def test_the_box_ends_at_distance_1() -> None:
    posed = drawn(500)
    points = points_of(SUM, posed)
    low, high = posed.box.low, posed.box.high
    inside = (np.clip(points.X, low, high) == points.X).all(axis=1)
    np.testing.assert_array_equal(points.distance <= 1 + 1e-15, inside)
    assert inside[points.part == 0].all()
    assert not inside.all()


def test_columns_the_formula_does_not_use_do_not_count() -> None:
    posed = drawn(200)
    first = Circuit(2, ((product((0, 1)),),))
    points = points_of(first, posed)
    low, high = posed.box.low[0], posed.box.high[0]
    np.testing.assert_allclose(
        points.distance, np.abs(points.X[:, 0] - (low + high) / 2) / ((high - low) / 2)
    )


@pytest.mark.parametrize("n_columns", [2, MOST_COLUMNS, MOST_COLUMNS + 1, 40])
def test_of_many_columns_only_those_the_formula_uses_are_kept(n_columns: int) -> None:
    pair = Circuit(n_columns, ((total((0, 1), (n_columns - 1, 1)),),))
    points = points_of(pair, drawn(100, n_columns))
    few = n_columns <= MOST_COLUMNS
    assert points.columns == (tuple(range(n_columns)) if few else (0, n_columns - 1))
    assert points.X.shape == (100, len(points.columns))


def test_a_constant_has_points_too() -> None:
    points = points_of(Circuit(2, ((product(scale=2.5),),)), drawn(100))
    assert not points.distance.any()
    assert (points.predicted == 2.5).all()
