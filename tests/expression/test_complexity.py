"""Formula length: symbols as a reader counts them, and significant digits."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from strategies import circuits

from nalu_cli.circuit import Circuit, exponent_of
from nalu_cli.expression.canonical import Column, Number, product, total
from nalu_cli.expression.complexity import complexity, digits_of_constants
from nalu_cli.expression.text import formula_text
from nalu_cli.expression.to_circuit import circuit_of

A = Column(0)

COSTS = {
    "a": (A, 1),
    "a**2": (product([(A, 2)]), 3),
    "sqrt(a)": (product([(A, Fraction(1, 2))]), 2),
    "a/2": (product([(A, 1)], 0.5), 3),
    "1/a": (product([(A, -1)]), 3),
    "pi*a": (product([(A, 1)], 3.141592653589793), 3),
    "a + 1": (total([(1.0, A)], 1.0), 3),
    "a number without a name": (Number(0.7310585786300049), 3),
    "a long exponent": (product([(A, exponent_of(0.7983417))]), 8),
}


@pytest.mark.parametrize("text", COSTS)
def test_columns_constants_and_operations_are_counted(text: str) -> None:
    node, cost = COSTS[text]
    assert complexity(node) == cost


def test_digits_are_counted_but_for_zeros_before_and_after_them() -> None:
    def of(scale: float, exponent: Fraction) -> int:
        return digits_of_constants(circuit_of(product([(A, exponent)], scale), 1))

    assert of(0.023, Fraction(1)) == 2
    assert of(7000.0, Fraction(1, 2)) == 1
    assert of(0.023, Fraction(4, 5)) == 3
    assert of(1.2345678901234567, Fraction(1)) == 17


@given(circuits())
def test_complexity_counts_at_least_the_columns(circuit: Circuit) -> None:
    text = formula_text(circuit, [f"x{j}" for j in range(circuit.n_columns)])
    assert complexity(circuit) >= text.count("x")
