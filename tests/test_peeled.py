"""Laws of a power of a sum, with another sum beside it and a column before it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from nalu_cli.peeled import Library, Peeled, _peelings, forward_selection, with_peelings
from nalu_cli.problem import Rows

LAWS: dict[str, tuple[Callable[..., np.ndarray], int]] = {
    "a root beside a sum": (lambda a, b, c: 2 * a * b - c + np.sqrt(4 + 2 * a + 3 * b * c), 5),
    "a column times a root": (lambda a, b, c: 3 * b * c + a * np.sqrt(b**2 + 3 * a * c**2), 3),
    "a quotient taken away": (lambda a, b, c: 4 * a * b - 60 * c / (2 + a * b + c**2), 4),
    "over the root of three terms": (lambda a, b, c: b / np.sqrt(a + 2 * b * c + 0.5 * c**3), 3),
}
"""Each with the number of its monomials."""


def rows_of(law: str, noise: float | np.ndarray) -> Rows:
    rng = np.random.default_rng(11)
    X = rng.uniform(1, 5, (500, 3))
    truth = LAWS[law][0](*X.T)
    y = truth + noise * truth.std() * rng.standard_normal(len(X))
    return Rows(X / 4, y / 4)


def fitted(rows: Rows, weights: np.ndarray | None = None) -> list[Peeled]:
    even = np.ones(len(rows))
    return list(with_peelings(rows, even if weights is None else weights, stop=lambda: False))


def distances(law: str, fits: list[Peeled]) -> list[tuple[float, int]]:
    """Of each pruned fit the distance to a law, and the number of its monomials."""
    truth = LAWS[law][0](*(4 * fits[0].library.X.T)) / 4
    found = []
    for fit in fits:
        for _, coefficients, kept in fit.pruned([5.0]):
            value = fit.value(coefficients) / fit.weights
            found.append((float(np.std(value - truth) / np.std(truth)), len(kept)))
    return found


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("noise", [0.0, 0.003])
def test_a_law_is_among_the_fits(law: str, noise: float) -> None:
    fits = distances(law, fitted(rows_of(law, noise)))
    # without noise several come as close as rounding lets them
    close = [monomials for distance, monomials in fits if distance < 0.3 * noise + 1e-9]
    assert min(close) == LAWS[law][1]


def test_rows_of_more_weight_count_more() -> None:
    law = "a column times a root"
    weights = 10 ** np.random.default_rng(3).uniform(-2, 2, 500)
    rows = rows_of(law, 0.02 / weights)
    weighted, blind = (min(distances(law, fitted(rows, w)))[0] for w in (weights, None))
    assert weighted < 1e-3
    assert weighted < 0.1 * blind


@pytest.mark.parametrize("law", LAWS)
def test_slopes_are_the_derivatives(law: str) -> None:
    fit = min(fitted(rows_of(law, 0.002)), key=lambda fit: fit.score)
    c = fit.coefficients
    step = 1e-6
    for k, slope in enumerate(fit.slopes(c, np.arange(len(c))).T):
        moved = [fit.value(c + sign * step * np.eye(len(c))[k]) for sign in (1, -1)]
        np.testing.assert_allclose((moved[0] - moved[1]) / (2 * step), slope, rtol=1e-4, atol=1e-4)


def test_the_last_monomial_under_the_power_is_needed() -> None:
    fit = fitted(rows_of("a root beside a sum", 0.0))[0]
    last = len(fit.coefficients) - 1
    assert fit.needed(np.array([0, last])).tolist() == [False, True]
    assert fit.needed(np.array([last - 1, last])).tolist() == [False, False]


@pytest.mark.parametrize("n", [2, 6, 15, 40])
def test_terms_are_peeled_off_whatever_the_number_of_columns(n: int) -> None:
    rng = np.random.default_rng(7)
    X = rng.uniform(0.25, 1, (400, n))
    y = 3 * X[:, 0] + np.sqrt(X[:, 1])
    peelings = list(_peelings(Library.of(X), y, np.ones(400)))
    beside = {tuple(peeling.beside) for peeling in peelings}
    assert () in beside
    assert any(1 in places for places in beside)  # the first column
    assert len(peelings) == 3 * len(beside) * (n + 1)


def test_columns_with_zeros_are_no_factors() -> None:
    rng = np.random.default_rng(7)
    X = rng.uniform(0.25, 1, (100, 3))
    X[5, 1] = 0.0
    library = Library.of(X)
    peelings = _peelings(library, X.sum(axis=1), np.ones(100))
    assert {peeling.factor for peeling in peelings} == {None, 0, 2}


@pytest.mark.parametrize("X", [np.full((2, 3), 0.5), np.full((400, 2), 1e200)])
def test_what_cannot_be_asked_is_not(X: np.ndarray) -> None:
    with np.errstate(over="ignore"):
        assert list(with_peelings(Rows(X, X[:, 0]), np.ones(len(X)), stop=lambda: False)) == []


def test_columns_are_selected_by_what_they_explain_beside_the_others() -> None:
    rng = np.random.default_rng(4)
    design = rng.standard_normal((60, 5)) * [1e-6, 1.0, 1.0, 1e6, 1.0]
    design[:, 4] = design[:, 1]
    target = 3e6 * design[:, 0] + 2 * design[:, 1] + 1e-6 * design[:, 3]
    chosen = forward_selection(design, target, 5)
    assert chosen[:3].tolist() == [0, 1, 3]
    assert len(set(chosen)) == len(chosen)
    assert not {1, 4} <= set(chosen)


def test_it_stops_when_told_to() -> None:
    rng = np.random.default_rng(0)
    rows = Rows(rng.uniform(1, 2, (200, 2)), rng.uniform(1, 2, 200))
    assert list(with_peelings(rows, np.ones(200), stop=lambda: True)) == []
    assert list(with_peelings(rows, np.ones(200), stop=lambda: False)) != []
