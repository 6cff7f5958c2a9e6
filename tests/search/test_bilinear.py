"""Products of two sums: found however narrow the ranges, and nothing else is."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from nalu_cli.rows import Rows
from nalu_cli.search.linear.bilinear import products_of_two_sums

Floats = NDArray[np.float64]


def columns(low: float, high: float, n: int = 30, rows: int = 300) -> Floats:
    return np.random.default_rng(3).uniform(low, high, (rows, n))


def first(X: Floats, y: Floats) -> Floats:
    circuit = next(products_of_two_sums(Rows(X, y)))
    assert len(circuit.layers[0]) == 2
    return circuit.evaluate(X)


@pytest.mark.parametrize(
    ("low", "high"), [(1, 2), (-2, 2), (1.1, 1.2), (-1.2, -1.1), (10, 20), (0, 1e-3), (1e6, 1e9)]
)
@pytest.mark.parametrize("overlap", [0, 4, 8])
def test_sums_of_many_columns(low: float, high: float, overlap: int) -> None:
    X = columns(low, high)
    y = X[:, 2:10].sum(axis=1) * X[:, 10 - overlap : 18 - overlap].sum(axis=1)
    np.testing.assert_allclose(first(X, y), y, rtol=1e-8, atol=1e-8 * np.abs(y).max())


def test_weights_offsets_and_a_scale() -> None:
    X = columns(-1, 3, n=6)
    y = 7.5 * (X[:, 0] - 0.3 * X[:, 1] + 2) * (X[:, 2] + X[:, 1] - 4 * X[:, 5])
    circuit = next(products_of_two_sums(Rows(X, y)))
    np.testing.assert_allclose(circuit.evaluate(X), y, rtol=1e-9, atol=1e-9)
    assert circuit.used_columns() == (0, 1, 2, 5)


def test_equal_weights_are_structure_at_once() -> None:
    X = columns(1, 2)
    y = X[:, :12].sum(axis=1) * X[:, 6:20].sum(axis=1)
    circuit = next(products_of_two_sums(Rows(X, y)))
    assert {term.constant for unit in circuit.layers[0] for term in unit.terms} == {1.0}
    assert [unit.constant for unit in circuit.layers[0]] == [0.0, 0.0]
    assert [len(unit.terms) for unit in circuit.layers[0]] in ([12, 14], [14, 12])


@pytest.mark.parametrize("law", ["quotient", "three", "noise", "sine", "sum of squares"])
def test_other_laws_are_none(law: str) -> None:
    X = columns(1, 2, n=5)
    a, b, c = X[:, 0] + X[:, 1], X[:, 2] + X[:, 3], X[:, 3] + X[:, 4]
    y = {
        "quotient": a / b,
        "three": a * b * c,
        "noise": a * b + np.random.default_rng(0).normal(0, 1e-3, len(X)),
        "sine": np.sin(a) * b,
        "sum of squares": a**2 + b**2,
    }[law]
    assert list(products_of_two_sums(Rows(X, y))) == []


def test_tables_that_cannot_tell_yield_nothing() -> None:
    X = columns(1, 2, n=5)
    y = X[:, 0] * X[:, 1]
    assert list(products_of_two_sums(Rows(X[:6], y[:6]))) == []
    assert list(products_of_two_sums(Rows(X[:, :1], y))) == []
    assert list(products_of_two_sums(Rows(X, 0 * y))) == []
    X[:, 2] = 4.0
    assert list(products_of_two_sums(Rows(X, y))) == []
