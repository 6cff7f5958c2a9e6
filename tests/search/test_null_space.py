"""Laws that linear algebra finds: products, sums, quotients and roots; none where none is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction

import numpy as np
import pytest
from tables import Floats, uniform

from nalu_cli.circuit import Circuit
from nalu_cli.circuit.rounding_error import agreement
from nalu_cli.fitting.fit_constants import refit
from nalu_cli.rows import Rows
from nalu_cli.search.linear.product_and_sum import products, sums
from nalu_cli.search.relations.ansatz import Ansatz, Basis, Variables
from nalu_cli.search.relations.null_space import DegreeBounds, relations

Law = Callable[[Floats], Floats]

PRODUCTS: dict[str, Law] = {
    "a*b/c": lambda x: x[:, 0] * x[:, 1] / x[:, 2],
    "a**(3/2)*sqrt(b)/c**2": lambda x: x[:, 0] ** 1.5 * np.sqrt(x[:, 1]) / x[:, 2] ** 2,
    "-0.37*sqrt(c)": lambda x: -0.37 * np.sqrt(x[:, 2]),
    "1e-30*a*c": lambda x: 1e-30 * x[:, 0] * x[:, 2],
    "5/c**6": lambda x: 5 / x[:, 2] ** 6,
}
SUMS: dict[str, Law] = {
    "a - b + c": lambda x: x[:, 0] - x[:, 1] + x[:, 2],
    "1e9*a - 3": lambda x: 1e9 * x[:, 0] - 3,
    "sqrt(a + 2*b)": lambda x: np.sqrt(x[:, 0] + 2 * x[:, 1]),
    "1/(a + b + c + 1)": lambda x: 1 / (x.sum(axis=1) + 1),
    "-(a + b)**2": lambda x: -((x[:, 0] + x[:, 1]) ** 2),
}
RELATIONS: dict[str, Law] = {
    "a*b + c": lambda x: x[:, 0] * x[:, 1] + x[:, 2],
    "a*b/(a + b)": lambda x: x[:, 0] * x[:, 1] / (x[:, 0] + x[:, 1]),
    "(a - b)/(b + c**2)": lambda x: (x[:, 0] - x[:, 1]) / (x[:, 1] + x[:, 2] ** 2),
    "sqrt(a**2 + b**2)": lambda x: np.hypot(x[:, 0], x[:, 1]),
    "a/sqrt(1 + b*c)": lambda x: x[:, 0] / np.sqrt(1 + x[:, 1] * x[:, 2]),
    "-sqrt(a + b*c)": lambda x: -np.sqrt(x[:, 0] + x[:, 1] * x[:, 2]),
    "sqrt(a*b) + c": lambda x: np.sqrt(x[:, 0] * x[:, 1]) + x[:, 2],
    "a + sqrt(b + c)": lambda x: x[:, 0] + np.sqrt(x[:, 1] + x[:, 2]),
    "0.31*a**2 - 7.7*b + 1.3": lambda x: 0.31 * x[:, 0] ** 2 - 7.7 * x[:, 1] + 1.3,
    "(1 + a + b)*(1 + c)": lambda x: (1 + x[:, 0] + x[:, 1]) * (1 + x[:, 2]),
}


NESTED: dict[str, Law] = {
    "a*b*c + d/(e*(f + 1/g))": lambda x: (
        x[:, :3].prod(axis=1) + x[:, 3] / (x[:, 4] * (x[:, 5] + 1 / x[:, 6]))
    ),
    "(a*b + c)/(d*e*f*g + a)": lambda x: (
        (x[:, 0] * x[:, 1] + x[:, 2]) / (x[:, 3:].prod(axis=1) + x[:, 0])
    ),
    "a*b + c*(d + e)/(f*g*(2*f - d))": lambda x: (
        x[:, 0] * x[:, 1]
        + x[:, 2] * (x[:, 3] + x[:, 4]) / (x[:, 5] * x[:, 6] * (2 * x[:, 5] - x[:, 3]))
    ),
}
"""Laws of seven columns, of a high degree together and a low one in each."""


def candidates(rows: Rows) -> Iterator[Circuit]:
    yield from products(rows)
    yield from sums(rows)
    for relation in relations(rows, most_columns=200):
        yield from relation.circuits(rows)


def recovered(found: Iterator[Circuit], rows: Rows, law: Law, low: float = 5.0) -> bool:
    """Whether some candidate, its constants fitted, is the law far from its rows."""
    there = uniform(99, 100, rows.X.shape[1], low=low, high=low + 20)
    for circuit in found:
        with np.errstate(all="ignore"):
            fitted = refit(circuit, rows)[0]
            if np.allclose(fitted.evaluate(there), law(there), rtol=1e-9, atol=0):
                return True
    return False


@pytest.mark.parametrize("name", PRODUCTS)
def test_a_product_is_found_in_one_go(name: str) -> None:
    x = uniform(1, 40, 3)
    rows = Rows(x, PRODUCTS[name](x))
    assert recovered(products(rows), rows, PRODUCTS[name])


def test_products_have_the_signs_of_the_target() -> None:
    x = uniform(2, 60, 3, low=-4)
    for law in (lambda x: x[:, 0] * x[:, 1] / x[:, 2], lambda x: np.abs(x[:, 0]) / x[:, 1] ** 2):
        rows = Rows(x, law(x))
        assert recovered(products(rows), rows, law, low=-12)


@pytest.mark.parametrize("sign", [1, -1])
def test_roots_times_factors_that_change_sign_have_the_sign_of_the_target(sign: int) -> None:
    def law(x: Floats) -> Floats:
        return sign * x[:, 0] * np.sqrt(x[:, 1] ** 2 + x[:, 2] ** 2)

    x = uniform(3, 80, 3, low=-4)
    x[:, 0] += 1.5
    rows = Rows(x, law(x))
    assert recovered(candidates(rows), rows, law, low=-12)


@pytest.mark.parametrize("size", [1e307, 1e-307])
def test_products_of_any_size_are_found(size: float) -> None:
    x = uniform(4, 60, 3, high=2)
    rows = Rows(x, size * x[:, 0] / x[:, 1])
    (circuit,) = products(rows)
    np.testing.assert_allclose(circuit.evaluate(x), rows.y, rtol=1e-12)
    assert all(c.n_columns == 3 for c in sums(rows))


def test_targets_that_are_mostly_zero_are_no_products_and_warn_of_nothing() -> None:
    x = uniform(5, 60, 3)
    y = np.where(x[:, 0] > 2, 0.0, x[:, 1])
    assert all(agreement(c, Rows(x, y)) > 1 for c in products(Rows(x, y)))
    assert all(agreement(c, Rows(x, y)) > 1 for c in sums(Rows(x, y)))
    assert not list(products(Rows(x, 0 * y)))
    assert all(not c.evaluate(x).any() for c in sums(Rows(x, 0 * y)))


@pytest.mark.parametrize("name", SUMS)
def test_a_power_of_a_sum_is_found_in_one_go(name: str) -> None:
    x = uniform(3, 40, 3)
    rows = Rows(x, SUMS[name](x))
    assert recovered(sums(rows), rows, SUMS[name])


@pytest.mark.parametrize("columns", [2, 10, 60])
def test_the_sum_of_a_few_of_many_columns_reads_no_others(columns: int) -> None:
    x = uniform(4, 200, columns, low=-4)
    (found, *_) = sums(Rows(x, 2 * x[:, 0] - x[:, -1]))
    assert found.used_columns() == (0, columns - 1)


@pytest.mark.parametrize("name", RELATIONS)
def test_quotients_roots_and_polynomials_are_null_vectors(name: str) -> None:
    x = uniform(5, 250, 3)
    rows = Rows(x, RELATIONS[name](x))
    found = (c for r in relations(rows, most_columns=200) for c in r.circuits(rows))
    assert recovered(found, rows, RELATIONS[name])


@pytest.mark.parametrize("name", NESTED)
def test_a_high_degree_of_many_columns_together_does_not_matter(name: str) -> None:
    x = uniform(11, 700, 7)
    rows = Rows(x, NESTED[name](x))
    found = (c for r in relations(rows) for c in r.circuits(rows))
    assert recovered(found, rows, NESTED[name])


@pytest.mark.parametrize("divisor", ["one sign", "both signs"])
def test_the_size_of_a_factor_comes_out_of_a_root(divisor: str) -> None:
    def law(x: Floats) -> Floats:
        return np.abs(x[:, 0]) / np.sqrt(1 + x[:, 1] ** 2 + x[:, 2] ** 2)

    def with_root(x: Floats) -> Floats:
        return x[:, 0] + np.sqrt((x[:, 1] ** 2 + 1) / (x[:, 2] + 3.5) ** 2)

    x = uniform(12, 250, 3, low=-4)
    chosen = law if divisor == "one sign" else with_root
    rows = Rows(x, chosen(x))
    found = (c for r in relations(rows, most_columns=200) for c in r.circuits(rows))
    assert recovered(found, rows, chosen, low=-12)


@pytest.mark.parametrize("column", range(3))
def test_the_order_of_the_rows_does_not_matter(column: int) -> None:
    grid = np.stack(np.meshgrid(*[np.arange(1.0, 8.0)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    x = grid[np.argsort(grid[:, column], kind="stable")]
    law = RELATIONS["(a - b)/(b + c**2)"]
    rows = Rows(x, law(x))
    found = (c for r in relations(rows, most_columns=100) for c in r.circuits(rows))
    assert recovered(found, rows, law)


def test_a_column_that_others_determine_is_no_obstacle() -> None:
    x = uniform(13, 300, 3)
    table = np.column_stack([x, x.sum(axis=1), np.sqrt(x[:, 0] * x[:, 1])])
    y = (x[:, 0] * x[:, 2] + table[:, 4]) / (1 + x[:, 1] * x[:, 2])
    rows = Rows(table, y)
    found = [c for r in relations(rows, most_columns=200) for c in r.circuits(rows)]
    assert any(agreement(refit(c, rows)[0], rows) <= 1 for c in found)


@pytest.mark.parametrize("size", [1e-150, 1e150])
@pytest.mark.parametrize("power", [2, 5])
def test_coefficients_beyond_doubles_are_left_out(size: float, power: int) -> None:
    x = uniform(6, 60, 2)
    rows = Rows(x * size, x[:, 0] ** power / (1 + x[:, 1]))
    found = list(relations(rows, most_columns=40))
    coefficients = [c for r in found for part in r.parts.values() for c in part.values()]
    assert np.isfinite(coefficients).all()
    assert np.all(coefficients)
    assert bool(found) is (power == 2)


@pytest.mark.parametrize("sizes", [(1e-9, 1e7, 1.0), (1e12, 1e12, 1e-3)])
def test_units_do_not_matter(sizes: tuple[float, ...]) -> None:
    scale = np.array(sizes)
    law = RELATIONS["(a - b)/(b + c**2)"]
    x = uniform(6, 250, 3)
    rows = Rows(x * scale, 1e6 * law(x))
    there = uniform(7, 50, 3, low=5, high=20)
    values = [
        refit(c, rows)[0].evaluate(there * scale)
        for r in relations(rows, most_columns=100)
        for c in r.circuits(rows)
    ]
    assert any(np.allclose(v, 1e6 * law(there), rtol=1e-9, atol=0) for v in values)


def test_a_relation_holds_on_every_row() -> None:
    x = uniform(8, 250, 2)
    y = np.sqrt(x[:, 0]) / (1 + x[:, 1])
    for relation in relations(Rows(x, y), most_columns=100):
        parts = [
            y ** float(power) * c * np.prod(x ** np.array(e, dtype=float), axis=1)
            for power, polynomial in relation.parts.items()
            for e, c in polynomial.items()
        ]
        assert (np.abs(np.sum(parts, axis=0)) <= 1e-10 * np.sum(np.abs(parts), axis=0)).all()
        assert max(relation.parts) > 0


@pytest.mark.parametrize("columns", [1, 2, 4])
@pytest.mark.parametrize("seed", range(3))
def test_a_random_target_has_no_law(columns: int, seed: int) -> None:
    x = uniform(seed, 250, columns)
    rows = Rows(x, np.random.default_rng(seed + 50).uniform(1, 2, 250))
    for circuit in candidates(rows):
        assert agreement(refit(circuit, rows)[0], rows) > 1


def test_few_rows_are_no_evidence_for_a_law() -> None:
    for count in range(2, 12):
        x = uniform(9, count, 3)
        rows = Rows(x, np.random.default_rng(1).uniform(1, 2, count))
        assert not list(relations(rows)) or count > 5
        for circuit in candidates(rows):
            assert agreement(refit(circuit, rows)[0], rows) > 1


def test_it_stops_before_the_next_ansatz() -> None:
    x = uniform(10, 100, 2)
    assert not list(relations(Rows(x, x[:, 0] * x[:, 1]), stop=lambda: True))


@pytest.mark.parametrize(
    ("degree", "is_ruled_out"), [(2, False), (4, True), (5, False)], ids=["small", "below", "above"]
)
def test_an_ansatz_below_the_lowest_degree_of_a_law_is_ruled_out(
    degree: int, is_ruled_out: bool
) -> None:
    x = uniform(14, 400, 3)
    y = x[:, 0] ** 3 * x[:, 1] ** 2 + x[:, 2] ** 5
    variables = {roots: Variables.of(x, roots=roots) for roots in (False, True)}
    bounds = DegreeBounds(variables, y, 200)
    powers = (Fraction(0), Fraction(1))
    ansatz = Ansatz(degree, 0, powers, roots=False, basis=Basis.TOTAL_DEGREE)
    assert bounds.rules_out(ansatz) is is_ruled_out


@pytest.mark.parametrize("kind", ["sum", "product"])
def test_three_columns_of_a_thousand_are_found_in_fewer_rows(kind: str) -> None:
    x = np.random.default_rng(3).uniform(1, 3, (200, 1000))
    a, b, c = x[:, 7], x[:, 400], x[:, 999]
    y = a - 2.5 * b + c if kind == "sum" else a * np.sqrt(b) / c**2
    rows = Rows(x, y)
    first = next(iter(sums(rows) if kind == "sum" else products(rows)))
    assert first.used_columns() == (7, 400, 999)
    np.testing.assert_allclose(first.evaluate(x), y, rtol=1e-10)
