"""Sums that most rows follow: found whatever the other rows do."""

from __future__ import annotations

import numpy as np
import pytest
from tables import Floats, uniform

from nalu_cli.search.outlying_term.robust_regression import Trend, trends

ONES = np.ones(600)


def found(x: Floats, y: Floats, weights: Floats = ONES) -> dict[tuple[float, ...], Trend]:
    """The trends by the exponents of their terms, in any order."""
    return {
        tuple(sorted(tuple(map(float, e)) for e, _ in t.terms)): t for t in trends(x, y, weights)
    }


@pytest.mark.parametrize("noise", [0.0, 0.05])
def test_poles_of_a_further_term_do_not_move_the_sum(noise: float) -> None:
    x = uniform(1, 600, 2, low=-5, high=5)
    y = 2 * x[:, 0] * x[:, 1] - x[:, 1] + 0.01 / x[:, 0] ** 2
    y += noise * np.random.default_rng(2).normal(size=600)
    trend = found(x, y)[(0, 1), (1, 1)]
    assert dict(trend.terms) == pytest.approx({(1, 1): 2.0, (0, 1): -1.0}, abs=0.01)
    plain = np.linalg.lstsq(np.column_stack([x[:, 0] * x[:, 1], x[:, 1]]), y, rcond=None)[0]
    assert np.max(np.abs(plain - [2, -1])) > 0.05


def test_the_largest_terms_come_one_after_another_and_a_constant_last() -> None:
    x = uniform(3, 600, 2)
    y = 5 + 3 * x[:, 0] ** 2 + 0.5 * x[:, 1] + 0.01 * np.random.default_rng(2).normal(size=600)
    kinds = [len(t.terms) for t in trends(x, y, ONES)]
    assert kinds == [1, 2, 3, 1]


def test_the_root_of_a_column_may_be_a_term() -> None:
    x = uniform(4, 600, 2)
    y = np.sqrt(x[:, 0]) - x[:, 1]
    assert ((0, 1), (0.5, 0)) in found(x, y)


def test_the_spread_is_that_of_the_rows_that_follow() -> None:
    x = uniform(5, 600, 1, low=-5, high=5)
    y = x[:, 0] + 0.1 * np.random.default_rng(2).normal(size=600)
    y[:60] += 1000
    assert found(x, y)[((1,),)].spread == pytest.approx(0.1, rel=0.2)


def test_rows_with_larger_errors_have_smaller_weights() -> None:
    x = uniform(6, 600, 1, low=-5, high=5)
    error = np.random.default_rng(2).normal(size=600)
    sizes = np.where(np.arange(600) % 2, 0.01, 3.0)
    weighted = found(x, x[:, 0] + sizes * error, 1 / sizes)[((1,),)]
    assert weighted.terms[0][1] == pytest.approx(1.0, abs=0.001)
    assert weighted.spread == pytest.approx(1.0, rel=0.2)


def test_few_rows_follow_a_constant_at_most() -> None:
    x = uniform(7, 10, 3)
    assert all(not any(e) for t in trends(x, x[:, 0], ONES[:10]) for e, _ in t.terms)
