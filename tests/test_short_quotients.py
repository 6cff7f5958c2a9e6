"""Quotients of few monomials, of which all are tried."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest

from nalu_cli.problem import Rows
from nalu_cli.quotient import Quotient, QuotientShape, total_least_squares
from nalu_cli.short_quotients import short_quotients, within_reach

ONE, HALF = Fraction(1), Fraction(1, 2)

LAWS: dict[str, tuple[QuotientShape, Callable[..., np.ndarray], tuple[set, set]]] = {
    "roots": (
        QuotientShape(4, 3, roots=True),
        lambda a: (9 * a**2 + 1) / (a + np.sqrt(a)),
        ({(2 * ONE,), (0 * ONE,)}, {(ONE,), (HALF,)}),
    ),
    "two columns": (
        QuotientShape(2, 1),
        lambda a, b: (a**2 + 3 * b) / (2 + b),
        ({(2 * ONE, 0 * ONE), (0 * ONE, ONE)}, {(0 * ONE, 0 * ONE), (0 * ONE, ONE)}),
    ),
    "root of a quotient": (
        QuotientShape(3, 1, HALF),
        lambda a: np.sqrt((a**3 + 2) / (a + 0.3)),
        ({(3 * ONE,), (0 * ONE,)}, {(ONE,), (0 * ONE,)}),
    ),
}


def dense(name: str, noise: float = 0.01) -> Quotient:
    shape, law, _ = LAWS[name]
    rng = np.random.default_rng(5)
    X = rng.uniform(0.05, 4, (700, law.__code__.co_argcount))
    truth = law(*X.T)
    y = truth + noise * np.std(truth) * rng.standard_normal(len(X))
    quotient = Quotient(shape, Rows(X, y), np.ones(len(X)))
    assert quotient.fit([(total_least_squares(quotient, reweighted=3), quotient.kept)])
    return quotient


@pytest.mark.parametrize("name", LAWS)
def test_the_monomials_of_the_law_are_among_the_best(name: str) -> None:
    quotient = dense(name)
    short = short_quotients(quotient, quotient.value(quotient.coefficients))
    found = [tuple(map(set, q.polynomials(q.coefficients, q.kept))) for q in short]
    assert LAWS[name][2] in found


def test_each_is_fitted_and_the_large_one_stays_as_it_was() -> None:
    quotient = dense("two columns")
    before = quotient.coefficients.copy(), quotient.misfit
    found = list(short_quotients(quotient, quotient.value(quotient.coefficients)))
    assert {len(q.kept) for q in found} == {3, 4, 5}
    for q in found:
        left = q.y - q.value(q.coefficients)
        assert q.misfit == pytest.approx(left @ left)
        # nothing is gained by any of its coefficients
        assert np.abs(left @ q.slopes(q.coefficients, q.kept)).max() < 1e-2 * abs(left @ q.y)
    np.testing.assert_array_equal(quotient.coefficients, before[0])
    assert quotient.misfit == before[1]


def test_no_factor_is_in_both_sums() -> None:
    quotient = dense("roots")
    for q in short_quotients(quotient, quotient.value(quotient.coefficients)):
        top, bottom = q.polynomials(q.coefficients, q.kept)
        assert min(min(top), min(bottom)) == (0,)


def test_there_may_be_fewer_monomials_than_terms() -> None:
    x = np.linspace(1, 2, 50)
    y = 1 / (x + 3) + 1e-4 * np.sin(1e3 * x)
    quotient = Quotient(QuotientShape(0, 1), Rows(x[:, None], y), np.ones(50))
    assert quotient.fit([(np.array([1.0, 3.0, 1.0]), quotient.kept)])
    assert {len(q.kept) for q in short_quotients(quotient, y)} == {3}


def test_only_few_monomials_are_within_reach() -> None:
    rows = Rows(np.ones((10, 2)), np.ones(10))
    assert within_reach(Quotient(QuotientShape(2, 2), rows, np.ones(10)))
    assert not within_reach(Quotient(QuotientShape(6, 6), rows, np.ones(10)))


def test_it_stops_when_told_to() -> None:
    quotient = dense("roots")
    assert not list(short_quotients(quotient, quotient.y, stop=lambda: True))
