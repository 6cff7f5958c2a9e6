"""Rungs made from others: the same circuits, noted, or with the factors that were pulled out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice

import numpy as np
import pytest
from tables import problem_of, uniform

from nalu_cli.circuit import Circuit
from nalu_cli.search.candidate import Found
from nalu_cli.search.linear.product_and_sum import sum_rung
from nalu_cli.search.reductions.divide_by_monomial import pull_out
from nalu_cli.search.strategy import Rung, lifted, noting


def sums(x: np.ndarray, y: np.ndarray) -> Callable[[object], Iterator[Found]]:
    rows = problem_of(x, y).train
    return lambda _: (Found(circuit) for circuit in sum_rung(rows))


def test_what_is_offered_is_noted_when_it_is_offered() -> None:
    x = uniform(1, 60, 2)
    rung = Rung("sum", sums(x, x[:, 0] + 2 * x[:, 1]), cycle=3, pause=False)
    seen: list[Circuit] = []
    (again,) = noting(seen, [rung])
    assert (again.name, again.cycle, again.pause) == ("sum", 3, False)
    offers = again.search(lambda: False)
    assert seen == []
    first = list(islice(offers, 1))
    assert [found.circuit for found in first] == seen
    rest = list(offers)
    assert [found.circuit for found in first + rest] == seen


def test_rungs_without_factors_give_circuits_with_them() -> None:
    x = uniform(2, 200, 3)
    problem = problem_of(x, x[:, 2] ** 2 * (x[:, 0] + 2 * x[:, 1]))
    (part,) = pull_out(problem)
    (rung,) = lifted(part, [Rung("sum", lambda _: map(Found, sum_rung(part.problem.train)))])
    assert rung.name == "sum times factors"
    best = next(iter(rung.search(lambda: False)))
    there = uniform(3, 20, 3, low=5, high=9)
    expected = there[:, 2] ** 2 * (there[:, 0] + 2 * there[:, 1])
    assert best.circuit.evaluate(there) == pytest.approx(expected, rel=1e-9)
