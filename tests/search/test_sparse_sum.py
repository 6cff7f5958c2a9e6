"""Laws of sums of few monomials."""

from __future__ import annotations

import numpy as np
import pytest

from nalu_cli.expression.complexity import complexity
from nalu_cli.rows import Rows
from nalu_cli.search.outlying_term.sparse_sum import sparse_rung


def noisy(noise: float, n_rows: int = 600) -> tuple[Rows, np.ndarray]:
    rng = np.random.default_rng(5)
    X = rng.uniform(-3, 3, (n_rows, 2))
    truth = 2.5 * X[:, 0] ** 3 - X[:, 0] * X[:, 1] + 4
    return Rows(X, truth + noise * np.std(truth) * rng.standard_normal(n_rows)), truth


@pytest.mark.parametrize("noise", [0.0, 0.01, 0.1])
def test_only_the_terms_of_the_law_stay(noise: float) -> None:
    rows, truth = noisy(noise)
    best = min(
        sparse_rung(rows),
        key=lambda c: (np.sqrt(np.mean((c.evaluate(rows.X) - truth) ** 2)), complexity(c)),
    )
    products = {tuple(str(t.weight) for t in unit.terms) for unit in best.layers[0]}
    assert products == {("3",), ("1", "1")}
    left = best.evaluate(rows.X) - truth
    assert np.std(left) <= 0.15 * noise * np.std(truth) + 1e-12 * np.std(truth)


def test_noise_alone_keeps_hardly_a_term() -> None:
    rng = np.random.default_rng(6)
    rows = Rows(rng.uniform(-1, 1, (400, 3)), rng.standard_normal(400))
    for circuit in sparse_rung(rows):
        left = rows.y - circuit.evaluate(rows.X)
        assert np.var(left) > 0.9 * np.var(rows.y)


def test_few_rows_ask_for_few_terms() -> None:
    rows, _ = noisy(0.0, n_rows=9)
    assert list(sparse_rung(rows)) == []


def test_it_stops_when_told_to() -> None:
    rows, _ = noisy(0.0)
    assert list(sparse_rung(rows, stop=lambda: True)) == []
