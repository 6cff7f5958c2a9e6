"""The answer is the shortest law or the best score; the front gets better as it gets longer."""

from __future__ import annotations

import numpy as np
from answers import product, total, weighted
from judged import CONSTANT, PRODUCT, far_out, printed_problem
from tables import problem_of, uniform

from nalu_cli.circuit import Circuit
from nalu_cli.judge.judged import Judged, errors_on, weigh
from nalu_cli.judge.selection import front, pick
from nalu_cli.problem import Problem


def several(problem: Problem) -> list[Judged]:
    circuits = [
        CONSTANT,
        Circuit(2, ((weighted((0, 2.5), (1, 2.5), offset=-6.2),),)),
        Circuit(2, ((total((0, 1), (1, 1)),),)),
        PRODUCT,
        Circuit(2, ((product((0, 1), (1, 1), scale=1.01),),)),
        Circuit(2, ((product((0, 2)),), (total((0, 1)),))),
    ]
    return [weigh(c, problem, found_by="test") for c in circuits]


def test_the_front_gets_better_as_it_gets_longer() -> None:
    x = far_out(uniform(11, 200, 2))
    y = x[:, 0] * x[:, 1] + 0.01 * np.random.default_rng(11).standard_normal(200)
    problem = problem_of(x, y)
    candidates = several(problem)
    entries = front(candidates, problem)
    lengths = [e.complexity for e in entries]
    errors = [e.far_rmse for e in entries]
    assert lengths == sorted(set(lengths))
    assert errors == sorted(errors, reverse=True)
    for c in candidates:
        rmse = errors_on(c.circuit, problem.far).rmse
        assert any(e.complexity <= c.complexity and e.far_rmse <= rmse for e in entries)


def test_the_pick_does_not_depend_on_the_order_and_prefers_the_shortest_law() -> None:
    x = far_out(uniform(12, 200, 2))
    problem = problem_of(x, x[:, 0] * x[:, 1])
    longer = Circuit(2, ((product((0, 1), (1, 1)),), (total((0, 1)),), (product((0, 1)),)))
    candidates = [*several(problem), weigh(longer, problem, found_by="test")]
    for order in (candidates, candidates[::-1]):
        best = pick(order)
        assert best is not None
        assert best.is_exact
        assert best.complexity == min(c.complexity for c in candidates if c.is_exact)


def test_a_formula_that_is_undefined_somewhere_claims_nothing() -> None:
    x = uniform(9, 100, 2, low=-1, high=4)
    root = Circuit(2, ((product((0, 0.5)),),))
    problem = problem_of(x, np.sqrt(np.abs(x[:, 0])))
    candidate = weigh(root, problem, found_by="test")
    assert not candidate.is_exact
    assert pick([candidate]) is None
    assert pick([candidate, weigh(CONSTANT, problem, found_by="constant")]) is not candidate


def test_of_formulas_that_agree_as_printed_the_one_of_fewest_digits_is_picked() -> None:
    problem = printed_problem(0, 25, 1)
    scales = (1.7, 1.7001)
    circuits = [Circuit(2, ((product((0, 2), (1, -1), scale=s),),)) for s in scales]
    candidates = [weigh(c, problem, found_by="test") for c in circuits]
    assert all(c.is_exact_as_printed for c in candidates)
    for order in (candidates, candidates[::-1]):
        assert pick(order) is candidates[0]
