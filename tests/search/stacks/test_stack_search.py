"""The strategy of stacks from end to end: printed laws, laws of doubles, and when it is stopped."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from stacks import printed, rows_of
from tables import Floats

from nalu_cli.circuit import Circuit
from nalu_cli.expression.complexity import digits_of_constants
from nalu_cli.fitting.likelihood import agreement
from nalu_cli.rows import Rows
from nalu_cli.search.stacks.schedule import SHAPES, SIMPLE_SHAPES, STEPS
from nalu_cli.search.stacks.search import stacks_in_parts, trained_stacks

MOST = 40
"""Number of candidates that are looked at: imitations by shorter stacks come first."""


def candidates(rows: Rows, **options: int) -> Iterator[Circuit]:
    found = trained_stacks(rows, **options)  # type: ignore[arg-type]
    return (circuit for circuit, _ in itertools.islice(found, MOST))


def first(rows: Rows, good: Callable[[Circuit], bool], **options: int) -> Circuit | None:
    """The first candidate that has a property."""
    return next((circuit for circuit in candidates(rows, **options) if good(circuit)), None)


def is_right(law: Callable[..., Floats], columns: int, off: float) -> Callable[[Circuit], bool]:
    """Whether a circuit is a law where it was not trained."""
    there = rows_of(99, 50, columns) * 3

    def good(circuit: Circuit) -> bool:
        truth = law(*there.T)
        return bool(np.allclose(circuit.evaluate(there), truth, rtol=off))

    return good


PRINTED: dict[str, tuple[int, Callable[..., Floats]]] = {
    "one product": (2, lambda a, b: 0.023 * a**0.8 * b**0.4),
    "hazen-williams": (4, lambda L, Q, C, d: 10.67 * L * Q**1.852 / (C**1.852 * d**4.87)),
    "a sum": (2, lambda a, b: 1.8 * a + 32 * b**2),
    "a quotient": (3, lambda a, b, c: 2.5 * a / (1 + 0.4 * b * c)),
}


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("name", PRINTED)
def test_a_law_printed_to_four_digits_is_found_with_its_numbers(name: str, seed: int) -> None:
    n, law = PRINTED[name]
    x = rows_of(seed, 50, n)
    rows = printed(x, law(*x.T), 4)
    found = first(rows, is_right(law, n, 1e-12), seed=seed)
    assert found is not None
    assert agreement(found, rows) <= 1 + 1e-6
    assert digits_of_constants(found) <= 12


@pytest.mark.parametrize("seed", range(2))
def test_inputs_that_are_rounded_too_are_no_hindrance(seed: int) -> None:
    x = rows_of(seed, 50, 2)
    rows = printed(x, 0.023 * x[:, 0] ** 0.8 * x[:, 1] ** 0.4, 4, inputs=3)
    assert first(rows, is_right(PRINTED["one product"][1], 2, 1e-12), seed=seed) is not None


DOUBLES: dict[str, tuple[int, Callable[..., Floats]]] = {
    "real exponents": (2, lambda a, b: 0.7371942 * a**1.2839 / b**0.4417),
    "a sum": (3, lambda a, b, c: a * b + 2.5 * c**2),
    "a quotient": (3, lambda a, b, c: a / (b + 0.3 * c)),
    "a root": (2, lambda a, b: np.sqrt(a**2 + 2 * b)),
}


@pytest.mark.parametrize("name", DOUBLES)
def test_a_law_of_doubles_is_found_nearly_exactly(name: str) -> None:
    n, law = DOUBLES[name]
    x = rows_of(3, 60, n)
    assert first(Rows(x, law(*x.T)), is_right(law, n, 1e-6)) is not None


@pytest.mark.parametrize("seed", range(2))
def test_under_noise_the_law_is_found_with_its_numbers(seed: int) -> None:
    def law(a: Floats, b: Floats) -> Floats:
        return 2.5 * a**2 / np.sqrt(b)

    x = rows_of(seed, 200, 2)
    y = law(*x.T)
    noisy = y + 0.01 * np.std(y) * np.random.default_rng(seed).normal(size=len(y))
    assert first(Rows(x, noisy), is_right(law, 2, 1e-12), seed=seed) is not None


def test_columns_without_influence_are_left_out() -> None:
    x = rows_of(4, 80, 20)
    rows = printed(x, 1.5 * x[:, 7] ** 2 / x[:, 13], 4)
    found = first(rows, lambda circuit: circuit.used_columns() == (7, 13))
    assert found is not None
    assert found.n_columns == 20


def test_targets_of_both_signs_and_zero_are_fitted() -> None:
    x = rows_of(5, 60, 2, signed=True)
    y = np.round(3 * x[:, 0] * x[:, 1], 2)
    y[0], x[0] = 0.0, (1.0, 0.0)
    good = is_right(lambda a, b: 3 * a * b, 2, 1e-12)
    assert first(Rows(x, y, np.full(60, 0.005)), good) is not None


@pytest.mark.parametrize("layers", [1, 2, 3, 4, 5])
def test_stacks_have_as_many_layers_as_required_or_fewer(layers: int) -> None:
    x = rows_of(6, 60, 2)
    rows = Rows(x, x[:, 0] + x[:, 1] ** 2 / (1 + x[:, 0]) + 0.1 * np.sin(5 * x[:, 1]))
    found = list(itertools.islice(candidates(rows, layers=layers), 3))
    assert found
    assert all(len(circuit.layers) <= layers for circuit in found)
    assert {step.layers for step in STEPS} == {1, 2, 3, 4, 5}


def test_it_is_silent_soon_after_it_is_stopped() -> None:
    x = rows_of(7, 60, 3)
    rows = Rows(x, np.exp(np.sin(3 * x[:, 0]) * x[:, 1]) + x[:, 2])
    looks = itertools.count()

    def stop() -> bool:
        return next(looks) >= 40

    assert len(list(trained_stacks(rows, stop=stop))) < MOST
    assert 40 < next(looks) < 80
    assert list(trained_stacks(rows, stop=lambda: True)) == []


def test_equal_seeds_find_the_same() -> None:
    x = rows_of(8, 50, 2)
    rows = printed(x, x[:, 0] ** 1.3 + 0.4 * x[:, 1], 4)
    one, same = (list(itertools.islice(candidates(rows, seed=3), 3)) for _ in range(2))
    assert one == same


def test_a_table_without_columns_has_no_candidates() -> None:
    assert list(trained_stacks(Rows(np.zeros((20, 0)), np.ones(20)))) == []


@pytest.mark.parametrize("rows", [1, 2, 3, 5])
def test_few_rows_give_finite_values(rows: int) -> None:
    x = rows_of(9, rows, 2)
    for circuit, _ in itertools.islice(trained_stacks(Rows(x, x[:, 0])), MOST):
        assert np.isfinite(circuit.evaluate(x)).all()


def test_searches_that_take_turns_offer_what_one_alone_does() -> None:
    x = np.random.default_rng(31).uniform(-2, 2, (200, 2))
    noise = 0.01 * np.random.default_rng(3).normal(size=200)
    rows = Rows(x, np.abs(x[:, 0] - x[:, 1]) ** 1.3 * np.cos(x[:, 0]) + noise)
    parts = list(itertools.islice(stacks_in_parts(rows), MOST))
    assert None in parts
    alone = list(itertools.islice(trained_stacks(rows), len(parts) - parts.count(None)))
    assert [part for part in parts if part is not None] == alone


def test_steps_go_from_short_to_long_and_each_once() -> None:
    slow = [step for step in STEPS if not step.grown_alone]
    # of the target itself simple shapes come before others of its powers
    simple = [step.power == 1 and step.shape in SIMPLE_SHAPES for step in slow]
    order = [(s.turn, not first, s.place) for s, first in zip(slow, simple, strict=True)]
    assert order == sorted(order)
    turns = [step.turn for step in STEPS]
    assert turns == sorted(turns)
    assert set(turns) == {0, 1, 2}
    assert len(set(STEPS)) == len(STEPS)
    assert {step.shape for step in slow} == set(SHAPES)
    assert all(len(step.shape.inner) <= 1 for step in STEPS if step.grown_alone)
