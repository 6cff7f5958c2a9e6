"""Laws of the rung of quotients and roots: found under noise, whatever the columns are called."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from nalu_cli.circuit import Circuit, UnitKind
from nalu_cli.problem import Rows
from nalu_cli.rational import rational_rung

LAWS: dict[str, Callable[..., np.ndarray]] = {
    "weighted mean": lambda a, b, c: (a * c + b * (5 - c)) / (a + b),
    "saturation": lambda a, b, c: a * b / (b + 2 * c),
    "sum beside a quotient": lambda a, b, c: 20 - a - b * c / (1 + 0.5 * c**2),
    "root of a difference": lambda a, b, c: a * np.sqrt(b**2 + 3 * c),
    "over a root": lambda a, b, c: a * b / np.sqrt(c**2 + 2),
    "inverse square": lambda a, b, c: a / (b + c) ** 2,
}


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("noise", [0.01, 0.03])
def test_a_formula_is_much_closer_to_the_law_than_the_noise(law: str, noise: float) -> None:
    rng = np.random.default_rng(21)
    X = rng.uniform(1, 4, (800, 3))
    truth = LAWS[law](*X.T)
    y = truth + noise * truth.std() * rng.standard_normal(len(X))
    errors = [np.std(circuit.evaluate(X) - truth) for circuit in rational_rung(Rows(X, y))]
    assert np.nanmin(errors) < 0.2 * noise * truth.std()


def test_rows_whose_target_was_divided_by_more_count_more() -> None:
    rng = np.random.default_rng(25)
    X = rng.uniform(1, 4, (800, 2))
    truth = X[:, 0] / (X[:, 0] + X[:, 1])
    sizes = 10 ** rng.uniform(-2, 2, 800)
    y = truth + 0.3 * rng.standard_normal(800) / sizes
    errors = [np.std(c.evaluate(X) - truth) for c in rational_rung(Rows(X, y), sizes)]
    blind = [np.std(c.evaluate(X) - truth) for c in rational_rung(Rows(X, y))]
    assert np.nanmin(errors) < 0.01 * truth.std()
    assert np.nanmin(blind) > 0.1 * truth.std()


def test_a_negative_target_is_found_as_well() -> None:
    rng = np.random.default_rng(22)
    X = rng.uniform(1, 4, (600, 2))
    truth = -np.sqrt(X[:, 0] ** 2 + 3 * X[:, 1])
    y = truth + 0.01 * truth.std() * rng.standard_normal(len(X))
    best = min(np.std(c.evaluate(X) - truth) for c in rational_rung(Rows(X, y)))
    assert best < 0.003 * truth.std()


def test_a_formula_that_no_circuit_can_hold_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(26)
    X = rng.uniform(1, 4, (200, 2))
    rows = Rows(X, X[:, 0] / (X[:, 0] + X[:, 1]) + 0.01 * rng.standard_normal(200))

    def never(*_: object) -> Circuit:
        raise ValueError

    monkeypatch.setattr("nalu_cli.rational.sum_beside_power", never)
    found = list(rational_rung(rows))
    assert found
    assert all(circuit.layers[-1][0].kind is not UnitKind.SUM for circuit in found)


def test_without_noise_no_term_explains_what_rounding_left() -> None:
    rng = np.random.default_rng(1)
    X = rng.uniform(-1, 1, (750, 3))
    best = next(rational_rung(Rows(X, np.sign(X[:, 0]))))
    terms = [t for layer in best.layers for unit in layer for t in unit.terms]
    assert all(t.constant > 1e-9 for t in terms)


def test_few_rows_ask_for_nothing() -> None:
    rng = np.random.default_rng(23)
    assert list(rational_rung(Rows(rng.uniform(1, 2, (6, 3)), rng.uniform(1, 2, 6)))) == []


def test_it_stops_when_told_to() -> None:
    rng = np.random.default_rng(24)
    rows = Rows(rng.uniform(1, 2, (200, 2)), rng.uniform(1, 2, 200))
    assert list(rational_rung(rows, stop=lambda: True)) == []
