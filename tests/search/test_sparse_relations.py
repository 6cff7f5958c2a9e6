"""Relations of few monomials: found from few rows, true on others, none where none is."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from tables import Floats, uniform

from nalu_cli.circuit import Circuit
from nalu_cli.fitting.fit_constants import refit
from nalu_cli.rows import Rows
from nalu_cli.search.relations.sparse_relations import short_relations

Law = Callable[[Floats], Floats]

LAWS: dict[str, Law] = {
    "a*b + c*d + e*f": lambda x: x[:, 0] * x[:, 1] + x[:, 2] * x[:, 3] + x[:, 4] * x[:, 5],
    "a*b/(1 - a*b/3)": lambda x: x[:, 0] * x[:, 1] / (1 + x[:, 0] * x[:, 1] / 3),
    "1.7*a**4 - 1.3*b**3 + 0.5*b": lambda x: 1.7 * x[:, 0] ** 4 - 1.3 * x[:, 1] ** 3 + x[:, 1] / 2,
    "sqrt(a*b + c/d)": lambda x: np.sqrt(x[:, 0] * x[:, 1] + x[:, 2] / x[:, 3]),
    "1/(a*b + c*d + 1/e)": lambda x: 1 / (x[:, 0] * x[:, 1] + x[:, 2] * x[:, 3] + 1 / x[:, 4]),
    "1e6*c**3*(a/d - 2*b)": lambda x: 1e6 * x[:, 2] ** 3 * (x[:, 0] / x[:, 3] - 2 * x[:, 1]),
}


def solutions(rows: Rows, effort: int = 1) -> Iterator[Circuit]:
    for relation in short_relations(rows, effort=effort):
        yield from relation.circuits(rows)


@pytest.mark.parametrize("name", LAWS)
def test_fifteen_rows_are_enough_for_a_law_of_few_terms(name: str) -> None:
    x = uniform(5, 15, 6, low=0.5, high=4)
    rows = Rows(x, LAWS[name](x))
    there = uniform(6, 50, 6, low=5, high=9)
    fits = [
        np.allclose(refit(c, rows)[0].evaluate(there), LAWS[name](there), rtol=1e-8, atol=0)
        for c in solutions(rows)
    ]
    assert any(fits)


def test_columns_of_both_signs_have_no_roots_and_zeros_no_inverses() -> None:
    x = uniform(7, 14, 3, low=-3)
    x[0, 0] = x[3, 1] = 0.0
    rows = Rows(x, x[:, 0] ** 2 * x[:, 1] - 2 * x[:, 2] + 0.25)
    circuit = next(solutions(rows))
    np.testing.assert_allclose(circuit.evaluate(x), rows.y, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_noise_has_no_relations(seed: int) -> None:
    x = uniform(seed, 15, 4)
    y = np.random.default_rng(seed).standard_normal(15)
    assert not list(short_relations(Rows(x, y), effort=1))


def test_dependent_columns_are_no_law() -> None:
    x = uniform(8, 15, 2)
    x = np.column_stack([x, x.sum(axis=1)])
    y = np.random.default_rng(8).standard_normal(15)
    assert not list(short_relations(Rows(x, y), effort=1))


def test_too_few_rows_have_no_relations() -> None:
    x = uniform(9, 4, 2)
    assert not list(short_relations(Rows(x, x[:, 0] + x[:, 1] ** 2), effort=1))


def test_tables_of_many_columns_are_not_searched() -> None:
    x = uniform(12, 40, 300)
    assert not list(short_relations(Rows(x, x[:, 0] * x[:, 1] + x[:, 2] ** 2)))


def test_the_search_ends_when_it_is_stopped() -> None:
    x = uniform(10, 15, 5)
    rows = Rows(x, np.random.default_rng(10).standard_normal(15))
    looks = itertools.count()

    def stop() -> bool:
        return next(looks) >= 3

    assert not list(short_relations(rows, effort=1, stop=stop))
    assert next(looks) < 20
