"""Proposals: what a law lacks is among the first, whatever else there is."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from tables import uniform

from nalu_cli.expression.fitted_tree import fit_tree
from nalu_cli.expression.tree import Column, Node, Number, Product, Sum
from nalu_cli.rows import Rows
from nalu_cli.search.greedy.proposals import Proposer

ONE = Fraction(1)
A, B, C = Column(0), Column(1), Column(2)
AB = Product(((A, ONE), (B, ONE)), 1.0)

LACKS: dict[str, tuple[Node, object]] = {
    "a term": (A, lambda a, b, c: a + 0.5 * b / c),
    "a term in a factor": (
        Product(((A, ONE), (Sum(((1.0, B),), 1.0), -ONE)), 1.0),
        lambda a, b, c: a / (1 + b + 0.05 * c**2),
    ),
    "a column that becomes a sum": (AB, lambda a, b, c: a * (b + 0.4 * c)),
    "a factor": (Sum(((1.0, A), (1.0, B)), 0.0), lambda a, b, c: a * c + b),
    "another monomial": (Sum(((1.0, A), (1.0, B)), 0.0), lambda a, b, c: a + 1 / (b * c)),
    "a root": (A, lambda a, b, c: a / np.sqrt(1 + 0.2 * b**2)),
    "a difference under a root": (A, lambda a, b, c: a * np.sqrt(1 - 0.05 * b * c)),
    "a divisor": (AB, lambda a, b, c: a * b / (1 + b / c)),
    "a factor of the whole sum": (
        Sum(((1.0, A), (-0.3, B)), 0.0),
        lambda a, b, c: (a - 0.3 * b) / np.sqrt(1 + 0.05 * c**2),
    ),
    "anything": (Number(2.0), lambda a, b, c: a * c**2),
}


@pytest.mark.parametrize("lack", LACKS)
def test_what_a_law_lacks_is_proposed_early(lack: str) -> None:
    start, law = LACKS[lack]
    X = uniform(31, 200, 3)
    truth = law(*X.T)  # type: ignore[operator]
    y = truth + 0.02 * truth.std() * np.random.default_rng(32).standard_normal(200)
    rows, weights = Rows(X, y), np.ones(200)
    fitted = fit_tree(start, rows, weights)
    assert fitted is not None
    every = np.ones(3, dtype=bool)
    proposals = Proposer(rows, weights, inverses=every, roots=every).proposals(fitted.node)
    assert [p.score for p in proposals] == sorted(p.score for p in proposals)
    fits = [fit_tree(p.of(fitted.node), rows, weights) for p in proposals[:30]]
    least = min(fit.misfit for fit in fits if fit is not None)
    assert least < 1.1 * float(np.sum((y - truth) ** 2))


def test_columns_with_zeros_are_not_divided_by_and_negative_ones_have_no_root() -> None:
    X = uniform(33, 100, 2)
    X[0, 0] = 0.0
    X[1, 1] = -1.0
    rows = Rows(X, X.sum(axis=1))
    proposer = Proposer(
        rows, np.ones(100), inverses=np.array([False, True]), roots=np.array([False, False])
    )
    for monomial in proposer.monomials:
        for node, e in monomial.factors if isinstance(monomial, Product) else ():
            assert e.denominator == 1
            assert e > 0 or node == B
    assert np.isfinite(proposer.values).all()


@pytest.mark.parametrize("power", ["6", "3/2", "-5/2"])
def test_of_one_column_high_powers_and_roots_are_tried(power: str) -> None:
    rows = Rows(uniform(35, 50, 1), np.ones(50))
    every = np.ones(1, dtype=bool)
    monomials = Proposer(rows, np.ones(50), inverses=every, roots=every).monomials
    assert Product(((A, Fraction(power)),), 1.0) in monomials
    assert len(monomials) == len(set(monomials))


def test_a_formula_undefined_somewhere_is_not_changed() -> None:
    X = uniform(34, 50, 2)
    proposer = Proposer(
        Rows(X, X[:, 0]), np.ones(50), inverses=np.ones(2, bool), roots=np.ones(2, bool)
    )
    assert proposer.proposals(Product(((Number(-1.0), Fraction(1, 2)), (A, ONE)), 1.0)) == []
