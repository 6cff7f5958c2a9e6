"""Questions for algebra: their sizes, their order, and monomials that are sums of others."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from tables import uniform

from nalu_cli.rows import Rows
from nalu_cli.search.relations.ansatz import Family, Ground, Question, questions

HALF, ONE = Fraction(1, 2), Fraction(1)


def plain(family: Family, degree: int, twice: tuple[int, ...] = ()) -> Question:
    return Question(degree, 0, (Fraction(0), ONE), roots=False, family=family, twice=twice)


@pytest.mark.parametrize("family", Family)
@pytest.mark.parametrize("degree", range(4))
def test_sizes_are_told_without_writing_the_monomials_out(family: Family, degree: int) -> None:
    question = plain(family, degree)
    for n in (1, 2, 5):
        exponents = question.exponents(n, degree)
        assert 2 * len(exponents) == 2 * len(set(exponents)) == question.size(n)
        assert list(map(sum, exponents)) == sorted(map(sum, exponents))


def test_single_columns_may_have_double_powers() -> None:
    question = plain(Family.EACH, 1, (1,))
    assert np.max(question.exponents(3, 1), axis=0).tolist() == [1, 2, 1]
    assert question.size(3) == 2 * len(question.exponents(3, 1)) == 24
    asked = questions(Rows(uniform(1, 900, 4), uniform(2, 900, 1)[:, 0]), 0, 400)
    assert {q.twice for q in asked if len(q.powers) == 2} >= {(), (0,), (3,), (0, 1), (2, 3)}


def test_questions_are_asked_smallest_first_and_none_is_too_large() -> None:
    rows = Rows(uniform(1, 300, 3), uniform(2, 300, 1)[:, 0])
    asked = questions(rows, 10, 100)
    sizes = [q.size(3) + 5 * q.roots for q in asked]
    assert sizes == sorted(sizes)
    assert all(10 < q.size(3) <= 100 for q in asked)
    assert len(set(asked)) == len(asked)
    assert {q.family for q in asked} == {Family.DEGREE, Family.EACH}
    few = Rows(rows.X[:60], rows.y[:60])
    assert {q.family for q in questions(few, 0, 100)} == set(Family)


def test_only_columns_that_are_never_negative_have_roots() -> None:
    X = uniform(3, 200, 3, low=1.0, high=4.0) * [1.0, -1.0, 1.0]
    ground = Ground.of(X, roots=True)
    assert ground.units == (HALF, ONE, HALF)
    np.testing.assert_allclose(ground.X, np.column_stack([X[:, 0] ** 0.5, X[:, 1], X[:, 2] ** 0.5]))
    plain = Ground.of(X, roots=False)
    assert plain.units == (ONE, ONE, ONE)
    assert plain.dependent == ()


def test_multiples_of_a_monomial_that_is_a_sum_of_others_are_left_out() -> None:
    X = uniform(4, 300, 3, low=1.0, high=4.0)
    root = np.sqrt(X[:, 0] * X[:, 1] + 2)
    ground = Ground.of(np.column_stack([X, root]), roots=False)
    assert ground.dependent == ((0, 0, 0, 2),)
    exponents = ground.exponents(plain(Family.DEGREE, 3), 3)
    assert max(e[3] for e in exponents) == 1
    assert len(exponents) == 20 + 10
    total = Ground.of(np.column_stack([X, X.sum(axis=1)]), roots=False)
    assert total.dependent == ((0, 0, 0, 1),)
    each = plain(Family.EACH, 1)
    assert total.exponents(each, 1) == tuple((*e, 0) for e in each.exponents(3, 1))


def test_degrees_fall_by_the_weight_with_each_power_of_the_target() -> None:
    question = Question(5, 2, (Fraction(0), ONE, Fraction(2)), roots=False, family=Family.DEGREE)
    assert question.degrees() == (5, 3, 1)
    assert question.size(2) == 21 + 10 + 3
