"""The Bayesian information criterion of the paper."""

from __future__ import annotations

import math

import numpy as np
import pytest

from nalu_cli.numerics.criterion import DEVIANCE, bic


def test_it_is_the_papers_times_minus_two() -> None:
    likelihood, n, k = 0.3, 50, 4
    paper = math.log(likelihood) - k * math.log(n) / 2
    assert bic(-2 * math.log(likelihood), n, k) == pytest.approx(-2 * paper)


def test_a_bit_of_likelihood_is_worth_its_deviance() -> None:
    assert pytest.approx(-2 * math.log(0.5)) == DEVIANCE


def test_of_few_rows_a_symbol_still_costs_something() -> None:
    assert bic(0.0, 0, 1) == bic(0.0, 1, 1) == math.log(2)


def test_it_chooses_the_number_of_coefficients_that_made_the_data() -> None:
    rng = np.random.default_rng(0)
    x = np.linspace(-1, 1, 400)
    y = 1 - 2 * x + 3 * x**2 + 0.1 * rng.standard_normal(400)
    scores = []
    for degree in range(6):
        residuals = y - np.polyval(np.polyfit(x, y, degree), x)
        scores.append(bic(float(np.sum((residuals / 0.1) ** 2)), 400, degree + 1))
    assert int(np.argmin(scores)) == 2
