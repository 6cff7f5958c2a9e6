"""The rungs without random starts: which, in which order, and what growing starts from."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from tables import problem_of, uniform

from nalu_cli.circuit import Circuit, Term, Unit, UnitKind
from nalu_cli.factors import pull_out
from nalu_cli.first_rungs import first_rungs, grown_from_nothing, more_monomials
from nalu_cli.problem import Problem
from nalu_cli.rung import Rung

LINEAR = ["product", "sum", "product of sums", "algebraic"]


QUICK = Rung("quick", lambda _: iter(()))


def noisy(rows: int = 400) -> Problem:
    x = uniform(1, rows, 3)
    truth = x[:, 2] ** 2 * (x[:, 0] - x[:, 1] / (1 + x[:, 0]))
    return problem_of(x, truth + 0.01 * truth.std() * np.random.default_rng(2).normal(size=rows))


def test_simple_questions_come_first_and_fewer_columns_before_many() -> None:
    problem = noisy()
    parts = pull_out(problem)
    assert len(parts) == 1
    names = [rung.name for rung in first_rungs(problem, lambda: parts, trained=[QUICK])]
    assert names == [
        *LINEAR,
        *(f"{name} times factors" for name in LINEAR),
        "quick",
        "beside a sum times factors",
        "beside a sum",
        "few monomials",
        "few monomials times factors",
        "algebraic",
        "few terms times factors",
        "rational times factors",
        "few terms",
        "rational",
        "grown times factors",
        "grown",
    ]


def test_a_formula_within_the_noise_is_enough_when_all_but_growing_have_been_asked() -> None:
    rungs = list(first_rungs(noisy(), tuple))
    assert [rung.name for rung in rungs if rung.pause] == ["rational", "grown"]


@pytest.mark.parametrize("with_factors", [False, True])
def test_growing_starts_from_what_the_others_offered(with_factors: bool) -> None:
    problem = noisy()
    (*others, grown) = first_rungs(problem, lambda: pull_out(problem) if with_factors else ())
    if with_factors:
        others = [rung for rung in others if rung.name.endswith("times factors")]
    alone = [found.circuit for found in grown.search(lambda: True)]
    for rung in others:
        list(rung.search(lambda: False))
    given = [found.circuit for found in grown.search(lambda: True)]
    assert len(given) > len(alone)


def test_parts_are_asked_for_when_one_product_or_sum_is_not_enough() -> None:
    asked = []
    rungs = first_rungs(noisy(), lambda: tuple(asked.append(1) or ()))
    assert [next(rungs).name for _ in LINEAR] == LINEAR
    assert not asked
    next(rungs)
    assert asked


def test_products_and_sums_of_signs_are_taken_away_before_anything_is_trained() -> None:
    a, b, c = uniform(8, 400, 3, low=1, high=3).T
    x = np.column_stack([a, b, c])
    led = first_rungs(problem_of(x, a * b**2 - 0.1 / (a + c)), tuple, trained=[QUICK])
    names = [rung.name for rung in led]
    assert names.index("algebraic beside a product") < names.index("quick")
    signed = first_rungs(problem_of(x, (a - b) / np.sqrt(a + c)), tuple, trained=[QUICK])
    names = [rung.name for rung in signed]
    assert names.index("algebraic times a sum") < names.index("quick")


def test_roots_of_roots_and_of_products_are_asked_for_before_anything_is_trained() -> None:
    x = uniform(9, 400, 3, low=-3, high=3)
    x = x[x[:, 0] * x[:, 1] > 0]
    led = first_rungs(problem_of(x, np.exp(x[:, 2])), tuple, trained=[QUICK])
    names = [rung.name for rung in led]
    assert names.index("algebraic with a root") < names.index("quick")
    assert names.index("algebraic under a root") < names.index("quick")


def test_large_questions_come_before_what_takes_longer() -> None:
    names = [rung.name for rung in first_rungs(noisy(), tuple)]
    assert names.count("algebraic") == 2
    assert names[::-1].index("algebraic") > names[::-1].index("few terms")


@pytest.mark.parametrize("used", [(1, 4), tuple(range(6))])
def test_columns_that_growing_leaves_out_are_left_out_of_quotients(
    used: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    x = uniform(3, 800, 6, low=0.5, high=4.0)
    truth = (x[:, 1] ** 4 - 3 * x[:, 1] ** 2 + 1) / (x[:, 4] ** 2 + 1)
    noise = 0.01 * truth.std() * np.random.default_rng(4).normal(size=800)
    grown = Circuit(6, ((Unit(UnitKind.SUM, tuple(Term(j, Fraction(1)) for j in used), 0.0),),))
    monkeypatch.setattr("nalu_cli.first_rungs.grow_rung", lambda *_, **__: iter([grown]))
    problem = problem_of(x, truth + noise)
    last = []
    for rung in first_rungs(problem, tuple):
        if last or rung.name == "grown":
            last.append([found.circuit for found in rung.search(lambda: False)])
    assert len(last) == (2 if len(used) < 6 else 1)
    for circuits in last[1:]:
        errors = [np.std(circuit.evaluate(x) - truth) for circuit in circuits]
        assert min(errors) < 0.2 * np.std(noise)
        assert all(set(circuit.used_columns()) <= set(used) for circuit in circuits)


def test_grown_from_nothing_it_needs_no_other_rung() -> None:
    problem = noisy()
    rungs = list(grown_from_nothing(problem, pull_out(problem)))
    assert [rung.name for rung in rungs] == ["grown", "grown times factors"]
    truth = problem.far.X[:, 2] ** 2 * (
        problem.far.X[:, 0] - problem.far.X[:, 1] / (1 + problem.far.X[:, 0])
    )
    found = [one.circuit.evaluate(problem.far.X) for one in rungs[1].search(lambda: False)]
    assert min(np.std(values - truth) for values in found) < 0.01 * np.std(truth)


@pytest.mark.parametrize(("rows", "count"), [(60, 1), (400, 0)])
def test_few_rows_are_searched_for_longer_dependencies(rows: int, count: int) -> None:
    assert len(list(more_monomials(noisy(rows).train))) == count
