"""Printed formulas mean what the circuit computes, and read as a person would write them."""

from __future__ import annotations

import math
import random
from fractions import Fraction

import pytest
from exact import attempt, is_tame, read_formula, same_inputs, value_of
from hypothesis import given, settings
from strategies import named_circuits

from nalu_cli.circuit import Circuit, Term, Unit, UnitKind, exponent_of
from nalu_cli.expression.canonical import (
    MOST_NODES,
    Column,
    Number,
    is_never_negative,
    magnitude,
    product,
    total,
)
from nalu_cli.expression.complexity import complexity
from nalu_cli.expression.text import PYTHON, expression_of, formula_text, write

a, b, c, d = (Column(j) for j in range(4))
HALF, THIRD, REAL = Fraction(1, 2), Fraction(1, 3), exponent_of(0.7983417)


def over(top, *bottoms):
    return product([(top, Fraction(1)), *((node, Fraction(-1)) for node in bottoms)])


def powers(*factors, scale=1.0):
    return product([(node, Fraction(e)) for node, e in factors], scale)


def plus(*nodes, offset=0.0):
    return total([(1.0, node) for node in nodes], offset)


def minus(left, right):
    return total([(1.0, left), (-1.0, right)])


WRITTEN = {
    "a*b/(c + d)": (over(powers((a, 1), (b, 1)), plus(c, d)), 7),
    "sqrt(a)": (powers((a, HALF)), 2),
    "a**2": (powers((a, 2)), 3),
    "a**1.5": (powers((a, 1.5)), 3),
    "1/a**1.5": (powers((a, -1.5)), 5),
    "1/sqrt(a)": (powers((a, -HALF)), 4),
    "b - a": (minus(b, a), 3),
    "2*a": (powers((a, 1), scale=2.0), 3),
    "a*b**2/2": (powers((a, 1), (b, 2), scale=0.5), 7),
    "pi*a**2": (powers((a, 2), scale=math.pi), 5),
    "a/(4*pi*b)": (powers((a, 1), (b, -1), scale=1 / (4 * math.pi)), 7),
    "-a*b": (powers((a, 1), (b, 1), scale=-1.0), 4),
    "-(a - b)**2": (powers((minus(b, a), 2), scale=-1.0), 6),
    "1 - a/3": (total([(-1 / 3, a)], 1.0), 5),
    "a + 0.5": (plus(a, offset=0.5), 3),
    "a + 1/3": (plus(a, offset=1 / 3), 5),
    "-a - b": (total([(-1.0, a), (-1.0, b)]), 4),
    "sqrt(a**2 + b**2)": (powers((plus(powers((a, 2)), powers((b, 2))), HALF)), 8),
    "abs(a)": (powers((powers((a, 2)), HALF)), 2),
    "sqrt(a)**2": (powers((powers((a, HALF)), 2)), 4),
    "abs(a)*b**2": (magnitude(powers((a, 1), (b, 2), scale=-1.0)), 6),
    "0.7310585786300049*a": (powers((a, 1), scale=0.7310585786300049), 5),
    "2*(a + b)": (powers((plus(a, b), 1), scale=2.0), 5),
    "a + b + c - 1": (plus(plus(a, b), plus(c, offset=-1.0)), 7),
    "3*a": (plus(a, a, a), 3),
    "2.5": (Number(2.5), 1),
    "-2.5": (Number(-2.5), 2),
    "a**0.8": (powers((a, Fraction(4, 5))), 3),
    "a**1.852": (powers((a, Fraction(463, 250))), 3),
    "a**0.0625": (powers((a, Fraction(1, 16))), 3),
    "1/a**0.25": (powers((a, Fraction(-1, 4))), 5),
    "a**(2/3)": (powers((a, Fraction(2, 3))), 3),
    "a**(1/32)": (powers((a, Fraction(1, 32))), 3),
    "a**(457/983)": (powers((a, Fraction(457, 983))), 8),
    "a**12.345": (powers((a, Fraction(2469, 200))), 8),
    "a**0.7983417": (powers((a, REAL)), 8),
    "0.023*a**0.8*b**0.4": (powers((a, Fraction(4, 5)), (b, Fraction(2, 5)), scale=0.023), 9),
    "(a + b)**(2/3)": (powers((plus(a, b), Fraction(2, 3))), 5),
}


@pytest.mark.parametrize("text", WRITTEN)
def test_trees_are_written_as_a_person_would(text: str) -> None:
    tree, cost = WRITTEN[text]
    assert write(tree, "abcd", PYTHON) == text
    assert complexity(tree) == cost


def test_even_powers_of_roots_keep_their_domain() -> None:
    assert write(powers((powers((a, HALF)), 4)), "a", PYTHON) == "sqrt(a)**4"
    assert write(powers((a, HALF), (powers((a, HALF)), 1)), "a", PYTHON) == "sqrt(a)*sqrt(a)"
    assert write(powers((magnitude(a), HALF), (magnitude(a), HALF)), "a", PYTHON) == "abs(a)"


MERGED = {
    "a**0.25": powers((powers((a, HALF)), HALF)),
    "a**(1/3)": powers((powers((a, Fraction(2, 3))), HALF)),
    "a**(7/3)": powers((powers((a, 7)), THIRD)),
    "abs(a)**(2/3)": powers((powers((a, 2)), THIRD)),
    "abs(a)": powers((powers((a, 2)), HALF)),
    "a**1.6": powers((powers((a, Fraction(4, 5))), 2)),
    "a**1.3": powers((a, HALF), (a, Fraction(4, 5))),
    "a**1.7983417": powers((a, REAL), (a, 1)),
    "a**0.39917085": powers((powers((a, REAL)), HALF)),
    # these would gain a value for negative numbers
    "(a**3)**(1/3)": powers((powers((a, 3)), THIRD)),
    "(a**(1/3))**3": powers((powers((a, THIRD)), 3)),
    "(a**0.8)**5": powers((powers((a, Fraction(4, 5))), 5)),
    "a**(1/3)*a**(2/3)": powers((a, THIRD), (a, Fraction(2, 3))),
    "a**0.7983417*a**0.2016583": powers((a, REAL), (a, exponent_of(0.2016583))),
    "a**0.8/a**0.8": powers((a, Fraction(4, 5)), (a, Fraction(-4, 5))),
}


@pytest.mark.parametrize("text", MERGED)
def test_powers_of_powers_are_one_where_that_is_the_same(text: str) -> None:
    assert write(MERGED[text], "abcd", PYTHON) == text


def test_powers_of_what_is_positive_are_always_one() -> None:
    x = Column(0, is_positive=True)
    assert powers((powers((x, THIRD)), 3)) == x
    assert powers((powers((x, 3)), THIRD)) == x
    assert powers((x, REAL), (x, exponent_of(0.2016583))) == x
    assert powers((magnitude(a), REAL), (magnitude(a), -REAL)) == Number(1.0)


def test_powers_that_are_not_whole_are_never_negative() -> None:
    assert all(is_never_negative(powers((a, e))) for e in (HALF, THIRD, Fraction(4, 5), -REAL))
    assert not is_never_negative(powers((a, 3)))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Größe", "Größe"),
        ("E", "E"),
        ("lambda", "`lambda`"),
        ("pi", "`pi`"),
        ("speed [m/s]", "`speed [m/s]`"),
        ("2019", "`2019`"),
        ("back`tick", "`back``tick`"),
        ("two\nlines", "`two\\nlines`"),
    ],
)
def test_names_that_are_no_identifiers_are_quoted(name: str, text: str) -> None:
    assert write(a, [name], PYTHON) == text


def test_a_constant_target_is_the_number_alone() -> None:
    circuit = Circuit(2, ((Unit(UnitKind.SUM, (), 235.214583),),))
    assert formula_text(circuit, ["a", "b"]) == "235.214583"
    assert complexity(circuit) == 1


def test_formulas_that_explode_are_refused() -> None:
    everything = tuple(Term(j, Fraction(1)) for j in range(60))
    layer = (Unit(UnitKind.SUM, everything, 0.0),) * 60
    last = (Unit(UnitKind.PRODUCT, everything, 1.0),)
    circuit = Circuit(60, (layer, layer, last))
    with pytest.raises(ValueError, match=str(MOST_NODES)):
        expression_of(circuit)


@settings(max_examples=150, deadline=None)
@given(named_circuits())
def test_the_text_reads_back_to_the_same_function(case) -> None:
    circuit, names, _ = case
    formula = read_formula(formula_text(circuit, names), names)
    live = same_inputs(circuit)
    rng = random.Random(1)
    for _ in range(6):
        point = [rng.choice((-1, 1)) * rng.uniform(0.3, 3.0) for _ in names]
        if not is_tame(live, point):
            continue
        expected = attempt(lambda p: value_of(live, p), point)
        found = attempt(formula, point)
        assert (expected is None) == (found is None)
        if expected is not None:
            assert abs(found - expected) <= 1e-10 * abs(expected)
