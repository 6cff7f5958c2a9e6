"""Growing: laws found under noise from nothing or from what is near, and only while it may."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from tables import uniform

from nalu_cli.circuit import Circuit, Term, Unit, UnitKind
from nalu_cli.circuit.constants import constants_of
from nalu_cli.rows import Rows
from nalu_cli.search.greedy.search import grown
from nalu_cli.search.linear.product_and_sum import sums

LAWS: dict[str, Callable[..., np.ndarray]] = {
    "product": lambda a, b, c: 3 * a * b**2 / c,
    "product plus product": lambda a, b, c: a / b + b * c**2,
    "difference under a root": lambda a, b, c: a * np.sqrt(20 - b * c),
    "over a root of squares": lambda a, b, c: a / np.sqrt(a**2 + b**2 + c**2),
    "divisor in a sum": lambda a, b, c: a - 5 * b / (1 + 2 * c),
    "product of sums": lambda a, b, c: (a + 2 * b) * (c - 1.5),
}


def noisy(law: str, noise: float) -> tuple[Rows, np.ndarray]:
    X = uniform(41, 600, 3)
    truth = LAWS[law](*X.T)
    error = noise * truth.std() * np.random.default_rng(42).standard_normal(len(X))
    return Rows(X, truth + error), truth


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("noise", [0.01, 0.05])
def test_a_formula_is_much_closer_to_the_law_than_the_noise(law: str, noise: float) -> None:
    rows, truth = noisy(law, noise)
    errors = [np.std(c.evaluate(rows.X) - truth) for c in grown(rows, sums(rows))]
    assert np.nanmin(errors) < 0.25 * noise * truth.std()


def test_units_do_not_matter() -> None:
    rows, truth = noisy("over a root of squares", 0.02)
    units = np.array([1e-9, 1e-9, 1e-9])
    large = Rows(rows.X * units, rows.y * 1e20)
    errors = [np.std(c.evaluate(large.X) / 1e20 - truth) for c in grown(large, [])]
    assert np.nanmin(errors) < 0.25 * 0.02 * truth.std()


def test_rows_whose_target_was_divided_by_more_count_more() -> None:
    X = uniform(43, 600, 2)
    truth = X[:, 0] / (1 + X[:, 1])
    rng = np.random.default_rng(44)
    weights = 10 ** rng.uniform(-2, 2, 600)
    rows = Rows(X, truth + 0.3 * rng.standard_normal(600) / weights, weights=weights)
    best = min(np.std(c.evaluate(X) - truth) for c in grown(rows, []))
    alike = Rows(rows.X, rows.y)
    blind = min(np.std(c.evaluate(X) - truth) for c in grown(alike, []))
    assert best < 0.01 * truth.std()
    assert blind > 0.05 * truth.std()


@pytest.mark.parametrize("seed", range(3))
def test_targets_over_decades_are_read_from_the_largest(seed: int) -> None:
    rng = np.random.default_rng(50 + seed)
    X = 10 ** rng.uniform(-1, 1, (900, 3))
    truth = X[:, 0] * X[:, 1] ** 4 / X[:, 2] ** 2
    rows = Rows(X, truth + 0.1 * truth.std() * rng.standard_normal(900))
    best = min(np.std(c.evaluate(X) - truth) for c in grown(rows, []))
    assert best < 0.02 * truth.std()


def test_few_rows_that_are_a_little_off_get_no_pole_each() -> None:
    X = uniform(45, 16, 2, high=20)
    rows = Rows(X, np.round(0.7 * X[:, 0] * X[:, 1], 1))
    for circuit in grown(rows, sums(rows)):
        assert len(constants_of(circuit)) <= 4


def test_constants_whose_powers_are_beyond_doubles_are_dropped() -> None:
    rows, _ = noisy("product", 0.01)
    tiny = Unit(UnitKind.SUM, (Term(0, Fraction(1), 1e-200), Term(1, Fraction(1), 1e-200)), 0.0)
    power = Unit(UnitKind.PRODUCT, (Term(0, Fraction(-2)),), 1.0)
    start = Circuit(3, ((tiny,), (power,)))
    assert list(grown(rows, [start], stop=lambda: True))


def test_stopped_at_once_it_offers_what_it_was_given() -> None:
    rows, _ = noisy("product", 0.01)
    starts = list(sums(rows))
    found = list(grown(rows, starts, stop=lambda: True))
    assert found
    close = [
        np.allclose(f.evaluate(rows.X), s.evaluate(rows.X), rtol=0.05)
        for f in found
        for s in starts
    ]
    assert any(close)


def test_the_same_rows_grow_the_same_formulas() -> None:
    rows, _ = noisy("divisor in a sum", 0.02)
    first: list[Circuit] = list(grown(rows, sums(rows)))
    assert first == list(grown(rows, sums(rows)))


def test_what_cannot_be_written_in_scaled_columns_is_no_start() -> None:
    rows = Rows(uniform(2, 40, 1, low=1e30, high=3e30), np.linspace(1, 2, 40))
    steep = Circuit(1, ((Unit(UnitKind.PRODUCT, (Term(0, Fraction(20)),), 1.0),),))
    assert list(grown(rows, [steep], stop=lambda: True))
