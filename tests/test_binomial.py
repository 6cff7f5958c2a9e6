"""Laws of sums of monomials beside others times a power of a binomial."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from nalu_cli.binomial import BesideBinomial, with_binomials
from nalu_cli.problem import Rows


def target(X: np.ndarray, power: Fraction) -> np.ndarray:
    a, b = X.T
    return np.asarray(2 - a + 3 * b * (a**2 + 2) ** float(power))


def fitted(power: Fraction, noise: float) -> tuple[list[BesideBinomial], np.ndarray]:
    rng = np.random.default_rng(11)
    X = rng.uniform(0.5, 4, (500, 2))
    truth = target(X, power)
    y = truth + noise * truth.std() * rng.standard_normal(len(X))
    return list(with_binomials(Rows(X, y), np.ones(len(X)), 2, power, stop=lambda: False)), truth


@pytest.mark.parametrize("power", [Fraction(p) for p in ("-1", "1/2", "-1/2", "-2")])
@pytest.mark.parametrize("noise", [0.0, 0.01])
def test_a_law_beside_a_binomial_is_among_the_fits(power: Fraction, noise: float) -> None:
    fits, truth = fitted(power, noise)
    assert min(np.std(f.value(f.coefficients) - truth) for f in fits) <= (
        0.3 * noise * truth.std() + 1e-6
    )
    terms = set()
    for fit in sorted(fits, key=lambda fit: fit.score)[:20]:
        for _, coefficients, kept in fit.pruned([5.0]):
            whole, factor, binomial = fit.polynomials(coefficients, kept)
            terms.add((frozenset(whole), frozenset(factor), frozenset(binomial)))
    one, a, b, square = ((Fraction(i), Fraction(j)) for i, j in ((0, 0), (1, 0), (0, 1), (2, 0)))
    assert (frozenset({one, a}), frozenset({b}), frozenset({one, square})) in terms


def test_slopes_are_the_derivatives() -> None:
    fit = fitted(Fraction(-1, 2), 0.01)[0][0]
    c = fit.coefficients + 0.01
    step = 1e-6
    for k, slope in enumerate(fit.slopes(c, np.arange(len(c))).T):
        moved = [fit.value(c + sign * step * np.eye(len(c))[k]) for sign in (1, -1)]
        np.testing.assert_allclose((moved[0] - moved[1]) / (2 * step), slope, rtol=1e-4, atol=1e-6)


def test_the_ratio_and_the_last_factor_are_needed() -> None:
    fit = fitted(Fraction(-1), 0.0)[0][0]
    last = len(fit.coefficients) - 1
    assert fit.needed(np.array([0, last - 1, last])).tolist() == [False, True, True]


def test_it_stops_when_told_to() -> None:
    rng = np.random.default_rng(0)
    rows = Rows(rng.uniform(1, 2, (200, 2)), rng.uniform(1, 2, 200))
    assert list(with_binomials(rows, np.ones(200), 2, Fraction(-1), stop=lambda: True)) == []
