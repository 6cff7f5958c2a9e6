"""Laws of sums of monomials beside the root of another such sum."""

from __future__ import annotations

import numpy as np
import pytest

from nalu_cli.beside_root import BesideRoot, with_roots
from nalu_cli.problem import Rows


def target(X: np.ndarray, sign: float) -> np.ndarray:
    a, b, c = X.T
    return np.asarray(0.3 * a * b - c + sign * np.sqrt(4 + 2 * a - 3 * b * c))


def fitted(sign: float, noise: float, weights: np.ndarray | None = None) -> list[BesideRoot]:
    rng = np.random.default_rng(11)
    X = rng.uniform(-1, 1, (500, 3))
    truth = target(X, sign)
    weights = np.ones(len(X)) if weights is None else weights
    y = truth + noise * truth.std() * rng.standard_normal(len(X)) / weights
    return list(with_roots(Rows(X, y), weights, stop=lambda: False))


def terms(fits: list[BesideRoot]) -> set[tuple[float, frozenset[str], frozenset[str]]]:
    """Of the best fits, pruned: the sign, the monomials beside the root and those under it."""
    found = set()
    for fit in sorted(fits, key=lambda fit: fit.score):
        for _, coefficients, kept in fit.pruned([5.0]):
            parts = fit.polynomials(coefficients, kept)
            outside, inside = (frozenset("".join(map(str, e)) for e in part) for part in parts)
            found.add((fit.sign, outside, inside))
    return found


OUTSIDE, INSIDE = frozenset({"110", "001"}), frozenset({"000", "100", "011"})


@pytest.mark.parametrize("sign", [1.0, -1.0])
@pytest.mark.parametrize("noise", [0.0, 0.002])
def test_a_law_beside_a_root_is_among_the_fits(sign: float, noise: float) -> None:
    assert (sign, OUTSIDE, INSIDE) in terms(fitted(sign, noise))


def test_rows_of_more_weight_count_more() -> None:
    weights = 10 ** np.random.default_rng(3).uniform(-2, 2, 500)
    assert (1.0, OUTSIDE, INSIDE) in terms(fitted(1.0, 0.01, weights))


def test_slopes_are_the_derivatives() -> None:
    fit = min(fitted(-1.0, 0.002), key=lambda fit: fit.score)
    c = fit.coefficients
    assert (fit.inside @ c[fit.outside.shape[1] :] > 0).all()
    step = 1e-6
    for k, slope in enumerate(fit.slopes(c, np.arange(len(c))).T):
        moved = [fit.value(c + sign * step * np.eye(len(c))[k]) for sign in (1, -1)]
        np.testing.assert_allclose((moved[0] - moved[1]) / (2 * step), slope, rtol=1e-4, atol=1e-6)


def test_the_last_monomial_under_the_root_is_needed() -> None:
    fit = fitted(1.0, 0.0)[0]
    last = len(fit.coefficients) - 1
    assert fit.needed(np.array([0, last])).tolist() == [False, True]
    assert fit.needed(np.array([last - 1, last])).tolist() == [False, False]


def test_it_stops_when_told_to() -> None:
    rng = np.random.default_rng(0)
    rows = Rows(rng.uniform(1, 2, (200, 2)), rng.uniform(1, 2, 200))
    assert list(with_roots(rows, np.ones(200), stop=lambda: True)) == []
    assert list(with_roots(rows, np.ones(200), stop=lambda: False)) != []
