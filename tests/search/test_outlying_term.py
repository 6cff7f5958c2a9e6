"""A sum that most rows follow plus one term: found from the rows that show the term."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from tables import Floats, uniform

from nalu_cli.expression.canonical import monomial, total
from nalu_cli.expression.to_circuit import circuit_of
from nalu_cli.rows import Rows
from nalu_cli.search.outlying_term.search import outlying_terms

LAWS: dict[str, Callable[..., Floats]] = {
    "a quotient": lambda a, b, c: a * b - c + c / (3 * a * c + 0.5 * b),
    "a product": lambda a, b, c: b - c**2 + 0.3 / (np.sqrt(np.abs(a)) * b**2),
    "over a root": lambda a, b, c: 2 * a - b / np.sqrt(0.01 + a**2 * b**2 + c**4),
    "one term in brackets": lambda a, b, c: a**2 * (1 + 1 / (20 + a * b * c**2 + 3 * c**4)) ** 2,
    "a root of one and a product": lambda a, b, c: np.sqrt(1 + 0.02 * a**2 * b**2 / c**2),
}


def distance(law: str, noise: float, weights: Floats | None = None) -> float:
    """Relative distance of the best candidate from the law, without noise."""
    x = uniform(1, 1000, 3, low=-6, high=6)
    truth = LAWS[law](*x.T)
    error = noise * np.sqrt(np.mean(truth**2)) * np.random.default_rng(2).normal(size=1000)
    rows = Rows(x, truth + (error if weights is None else error / weights), weights=weights)
    candidates = list(outlying_terms(rows))
    return min(float(np.std(c.evaluate(x) - truth) / np.std(truth)) for c in candidates)


@pytest.mark.parametrize("law", LAWS)
def test_a_law_is_found_without_noise(law: str) -> None:
    assert distance(law, 0.0) < 1e-9


@pytest.mark.parametrize("law", ["a quotient", "a product", "a root of one and a product"])
def test_a_law_is_found_under_noise(law: str) -> None:
    assert distance(law, 0.01) < 0.005


def test_a_pole_is_found_beside_a_sum_that_others_found() -> None:
    x = uniform(4, 1000, 2, low=-6, high=6)
    a, b = x.T
    most = a**3 * b - 2 * a**2 * b**2 + a * b**3 - 4 * b + a
    truth = most + a / (2.5 - b)
    noise = 0.005 * np.sqrt(np.mean(truth**2)) * np.random.default_rng(5).normal(size=1000)
    rows = Rows(x, truth + noise)
    A = np.column_stack([a**3 * b, a**2 * b**2, a * b**3, b, a])
    weights = np.linalg.lstsq(A, most, rcond=None)[0]
    terms = [(3, 1), (2, 2), (1, 3), (0, 1), (1, 0)]
    tree = total((float(w), monomial(e)) for w, e in zip(weights, terms, strict=True))
    candidates = outlying_terms(rows, known=[circuit_of(tree, 2)])
    off = min(float(np.std(c.evaluate(x) - truth) / np.std(truth)) for c in candidates)
    assert off < 0.002


def test_units_far_from_one_change_nothing() -> None:
    x = uniform(3, 800, 2, low=-6, high=6) * [1e-20, 1e15]
    y = 3e-7 * x[:, 0] + 2e-58 / (1e-10 * x[:, 0] + 3e-45 * x[:, 1])
    best = next(outlying_terms(Rows(x, y)))
    np.testing.assert_allclose(best.evaluate(x), y, rtol=1e-9)


def test_it_ends_when_it_is_stopped() -> None:
    x = uniform(6, 300, 2)
    assert list(outlying_terms(Rows(x, x[:, 0] + 1 / x[:, 1]), stop=lambda: True)) == []


def test_wide_tables_are_not_searched() -> None:
    x = uniform(7, 300, 500)
    assert list(outlying_terms(Rows(x, x[:, 0] + 1 / x[:, 1]))) == []
