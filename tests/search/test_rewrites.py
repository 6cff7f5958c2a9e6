"""Other forms of a sum: the law behind its series, a common factor, a common coefficient."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from tables import uniform

from nalu_cli.expression.fitted_tree import fit_tree
from nalu_cli.expression.tree import Column, Node, Number, Product, Sum
from nalu_cli.rows import Rows
from nalu_cli.search.greedy.rewrites import regroupings

ONE, HALF = Fraction(1), Fraction(1, 2)
A, B, C = Column(0), Column(1), Column(2)
X = uniform(71, 300, 3)


def times(*factors: Node, scale: float = 1.0) -> Product:
    return Product(tuple((factor, ONE) for factor in factors), scale)


SQUARE = Product(((B, Fraction(2)),), 1.0)
A_OVER_ROOT = Product(((A, ONE), (Sum(((-0.02, SQUARE),), 1.0), -HALF)), 1.0)

BEHIND: dict[str, tuple[Node, object]] = {
    "the quotient behind a series": (
        Sum(((1.0, A), (0.05, times(A, B))), 0.0),
        lambda a, b, c: a / (1 - 0.08 * b),
    ),
    "the root behind a series": (
        Sum(((1.0, A), (0.05, times(A, SQUARE))), 0.0),
        lambda a, b, c: a / np.sqrt(1 - 0.03 * b**2),
    ),
    "the root of a sum of squares": (
        Sum(((1.0, A), (0.05, Product(((B, Fraction(2)), (A, -ONE)), 1.0))), 0.0),
        lambda a, b, c: np.sqrt(a**2 + 0.4 * b**2),
    ),
    "a term that stands outside": (
        Sum(((1.0, Product(((Sum(((1.0, A),), 3.0), HALF),), 1.0)), (0.2, B)), 0.0),
        lambda a, b, c: np.sqrt(3 + a + b),
    ),
    "the factor of both terms": (
        Sum(((1.0, A_OVER_ROOT), (0.3, C)), 0.0),
        lambda a, b, c: (a + 0.3 * c) / np.sqrt(1 - 0.03 * b**2),
    ),
}


@pytest.mark.parametrize("what", BEHIND)
def test_the_law_is_found(what: str) -> None:
    start, law = BEHIND[what]
    truth = law(*X.T)  # type: ignore[operator]
    y = truth + 1e-3 * truth.std() * np.random.default_rng(72).standard_normal(len(X))
    rows, weights = Rows(X, y), np.ones(len(X))
    fitted = fit_tree(start, rows, weights)
    assert fitted is not None
    noise = float(np.sum((y - truth) ** 2))
    assert fitted.misfit > 2 * noise
    fits = [fit_tree(form, rows, weights) for form in regroupings(fitted.node, rows, weights)]
    assert min(fit.misfit for fit in fits if fit is not None) < 1.05 * noise


@pytest.mark.parametrize(
    "tree",
    [A, times(A, B), Product(((Number(-1.0), HALF), (A, ONE)), 1.0)],
    ids=["column", "product", "undefined"],
)
def test_what_is_no_sum_has_no_other_form(tree: Node) -> None:
    assert regroupings(tree, Rows(X, X[:, 0]), np.ones(len(X))) == []
