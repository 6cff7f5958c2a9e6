"""Terms behind a residual: products by logarithms, rational terms by the inverse."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from tables import Floats, uniform

from nalu_cli.expression.fitted_tree import fit_tree
from nalu_cli.expression.to_circuit import circuit_of
from nalu_cli.rows import Rows
from nalu_cli.search.outlying_term.residual_term import ResidualTerm

TERMS: dict[str, Callable[..., Floats]] = {
    "product": lambda a, b, c: -3 * a * b**2 / c,
    "product of roots": lambda a, b, c: 0.5 * np.sqrt(np.abs(b)) / np.abs(c) ** 1.5,
    "of one sign": lambda a, b, c: np.abs(a) / c**2,
    "pole": lambda a, b, c: a / (2 * b - 3 * c + 0.5 * a),
    "root below": lambda a, b, c: -b / np.sqrt(1 + a**2 + 2 * c**2),
    "square below": lambda a, b, c: 2 / (1 + 0.3 * a * b - c) ** 2,
}


def closest(unknown: ResidualTerm, truth: Floats) -> float:
    """Relative distance of the best candidate, fitted to the rows that show the term."""
    errors = [np.inf]
    for node in unknown.candidates():
        fitted = fit_tree(node, Rows(unknown.X, truth), np.ones(len(truth)))
        if fitted is not None:
            value = circuit_of(fitted.node, unknown.X.shape[1]).evaluate(unknown.X)
            errors.append(float(np.std(value - truth) / np.std(truth)))
    return min(errors)


@pytest.mark.parametrize("law", TERMS)
def test_every_row_shows_a_term_without_noise(law: str) -> None:
    x = uniform(1, 300, 3, low=-4, high=4)
    truth = TERMS[law](*x.T)
    if law == "root below":
        truth, x = truth[x[:, 1] > 0], x[x[:, 1] > 0]
    assert closest(ResidualTerm(x, truth, np.full(len(x), 1e4)), truth) < 1e-9


def test_the_rows_close_to_a_pole_show_it_under_noise() -> None:
    x = uniform(2, 4000, 3, low=-4, high=4)
    truth = TERMS["pole"](*x.T)
    noise = 1.0
    residual = truth + noise * np.random.default_rng(3).normal(size=len(x))
    some = np.abs(residual) > 3 * noise
    unknown = ResidualTerm(x[some], residual[some], np.abs(residual[some]) / noise)
    assert closest(unknown, truth[some]) < 1e-6


def test_of_few_rows_all_short_sums_are_tried() -> None:
    x = uniform(4, 400, 2, low=-4, high=4)
    truth = x[:, 0] ** 2 / (9 * x[:, 0] ** 3 * x[:, 1] + x[:, 0] ** 2 + x[:, 1])
    some = np.argsort(-np.abs(truth))[:10]
    noise = 0.01 * np.random.default_rng(5).normal(size=10)
    unknown = ResidualTerm(x[some], truth[some] + noise, np.abs(truth[some]) / 0.01)
    assert closest(unknown, truth[some]) < 1e-6


def test_fewer_rows_than_coefficients_determine_no_term() -> None:
    x = uniform(6, 4, 3)
    assert list(ResidualTerm(x, x[:, 0] / x[:, 1], np.full(4, 1e4)).candidates()) == []


def test_columns_that_reach_zero_are_no_factors() -> None:
    x = uniform(7, 200, 2)
    x[:, 1] = 0.0
    unknown = ResidualTerm(x, 1 / (1 + x[:, 0]), np.full(200, 1e4))
    assert closest(unknown, 1 / (1 + x[:, 0])) < 1e-9
