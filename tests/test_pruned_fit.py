"""Laws of pruning: a coefficient that matters stays, whatever the formula around it."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from nalu_cli.pruned_fit import PrunedFit

Floats = NDArray[np.float64]


class Line(PrunedFit):
    """A linear formula; nothing needs to stay but the first coefficient."""

    def __init__(self, X: Floats, y: Floats) -> None:
        self.X = X
        super().__init__(y, X.shape[1])

    def value(self, coefficients: Floats) -> Floats:
        return self.X @ coefficients

    def slopes(self, coefficients: Floats, kept: NDArray[np.intp]) -> Floats:
        return np.asarray(self.X[:, kept])

    def needed(self, kept: NDArray[np.intp]) -> NDArray[np.bool_]:
        return np.asarray(kept == 0)


def line(seed: int, size: int, noise: float) -> Line:
    rng = np.random.default_rng(seed)
    X = rng.uniform(-1, 1, (400, size))
    return Line(X, 2 * X[:, 1] - 3 * X[:, 4] + noise * rng.standard_normal(400))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("size", [6, 40])
def test_what_matters_stays(seed: int, size: int) -> None:
    fit = line(seed, size, 0.1)
    assert fit.fit([(fit.coefficients, fit.kept)])
    _, coefficients, kept = list(fit.pruned([5.0]))[-1]
    assert set(kept) <= {0, 1, 4}
    assert {1, 4} <= set(kept)
    np.testing.assert_allclose(coefficients[[1, 4]], [2, -3], atol=0.05)


def test_what_is_needed_is_never_left_out() -> None:
    fit = line(0, 6, 0.1)
    fit.fit([(fit.coefficients, fit.kept)])
    assert all(0 in kept for _, _, kept in fit.pruned([2.0, 1e6]))


class Pair(Line):
    """One of the last twenty coefficients must stay, whichever."""

    def needed(self, kept: NDArray[np.intp]) -> NDArray[np.bool_]:
        late = kept >= self.X.shape[1] - 20
        return np.asarray(late & (late.sum() == 1))


def test_of_those_left_out_together_one_stays_when_it_is_needed() -> None:
    rng = np.random.default_rng(4)
    X = rng.uniform(-1, 1, (400, 240))
    X[:, -20:] *= 1e-9
    fit = Pair(X, X[:, 0] + 0.1 * rng.standard_normal(400))
    fit.fit([(fit.coefficients, fit.kept)])
    assert all((kept >= 220).sum() >= 1 for _, _, kept in fit.pruned([2.0, 1e6]))


def test_a_higher_price_keeps_no_more() -> None:
    fit = line(1, 40, 1.0)
    fit.fit([(fit.coefficients, fit.kept)])
    sizes = [len(kept) for _, _, kept in fit.pruned([0.1, 2.0, 1000.0])]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] > sizes[-1]


def test_the_best_of_the_starts_counts_and_hopeless_ones_do_not() -> None:
    fit = line(2, 6, 0.0)
    nowhere = np.full(6, np.nan)
    assert not fit.fit([(nowhere, fit.kept)])
    assert fit.fit([(nowhere, fit.kept), (np.zeros(6), fit.kept)])
    np.testing.assert_allclose(fit.coefficients, [0, 2, 0, 0, -3, 0], atol=1e-9)
    assert fit.score < -1000
