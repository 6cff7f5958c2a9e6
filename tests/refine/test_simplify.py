"""Shortened circuits compute the same, are never longer, and come out as a person writes them."""

from __future__ import annotations

import random
from fractions import Fraction

import numpy as np
import pytest
import sympy
from exact import attempt, is_tame, same_inputs, value_of
from hypothesis import given, settings
from strategies import circuits

from nalu_cli.circuit import Circuit, exponent_of
from nalu_cli.expression.canonical import Column, Node, Number, magnitude, product, total
from nalu_cli.expression.complexity import complexity
from nalu_cli.expression.text import expression_of, formula_text
from nalu_cli.expression.to_circuit import circuit_of
from nalu_cli.refine.simplify.shorten import shorten
from nalu_cli.refine.simplify.symbols import sympy_form

ONE = Fraction(1)

WRITTEN = {
    "(m1*r1 + m2*r2)/(m1 + m2)": "(m1*r1 + m2*r2)/(m1 + m2)",
    "1/(1/d1 + n/d2)": "d1*d2/(d1*n + d2)",
    "(a + b)*c": "(a + b)*c",
    "m1*m2/((x1 - x2)**2 + (y1 - y2)**2)": "m1*m2/((x1 - x2)**2 + (y1 - y2)**2)",
    "sqrt((a - b)**2 + (c - d)**2)": "sqrt((a - b)**2 + (c - d)**2)",
    "(x1 + 1)**3/(x1**2 - x1 + 1)": "(x1 + 1)**3/(x1**2 - x1 + 1)",
    "x1*(x1 + 1)/2": "x1*(x1 + 1)/2",
    "G*m1*m2*(1/r2 - 1/r1)": "G*m1*m2*(1/r2 - 1/r1)",
    "1/(1/r1 + 1/r2 + 1/r3)": "1/(1/r1 + 1/r2 + 1/r3)",
    "10/(5 + (a - 3)**2 + (b - 3)**2 + (c - 3)**2)": (
        "10/((a - 3)**2 + (b - 3)**2 + (c - 3)**2 + 5)"
    ),
    "285*(x1 + x2)*(x1 - x3)*(x1 - 143/100)/x1/100": "2.85*(x1 + x2)*(x1 - x3)*(x1 - 1.43)/x1",
    "29*(x + y)/100 + (x - y)**2": "(x - y)**2 + 0.29*(x + y)",
    "m*v**2/2": "m*v**2/2",
    "q/(4*pi*e*r**2)": "q/(4*pi*e*r**2)",
    "x - v*t/sqrt(1 - v**2/c**2)": "x - t*v/sqrt(1 - v**2/c**2)",
    "-x + y": "y - x",
    "2*a*b/(a + b)": "2*a*b/(a + b)",
    "x*(4 - x - y/(1 + x))": "x*(4 - y/(x + 1) - x)",
    "x**3 + x**2 + x": "x**3 + x**2 + x",
    "m + 49*s/sqrt(n)/25": "m + 1.96*s/sqrt(n)",
    "(x1*x2 + x1*x3)/(x2 + x3)": "x1",
    "a + b/(c*(d + e/(f - g)))": "a + b/(c*(d + e/(f - g)))",
    "a*(b + c/(d*(e - f*g)))": "a*(b + c/(d*(e - f*g)))",
    "a + b + c + g + d/(e + f)": "a + b + c + d/(e + f) + g",
}
"""Truth, given to `shorten` as one quotient of expanded polynomials, and what must come back."""

NO_LONGER = [
    "10/(5 + (a-3)**2 + (b-3)**2 + (c-3)**2 + (d-3)**2 + (e-3)**2)",
    "1/(1 + x**(-4)) + 1/(1 + y**(-4))",
    "sqrt((p - q*A)**2*c**2 + m**2*c**4) + q*V",
    "-(c**4*k/r**2 + H**2*c**2*(1 - 2*a))/(8*pi*G)",
    "1 + n*a/(1 - n*a/3)",
    "x1*(x3 + (x1 + x2)/(x2*x4 + x5))",
    "x1*(x2/(x3 + sqrt(x2*(x4 + x5))*(x4 - x3)) - x5)",
    "sqrt(2/m*(E - U - L**2/(2*m*r**2)))",
    "x**6 - 2*x**4 + x**2",
]


def tree_of(expression: sympy.Expr, names: list[str]) -> Node:
    def inner(part: sympy.Expr) -> Node:
        return tree_of(part, names)

    if expression.is_Symbol:
        return Column(names.index(expression.name))
    if expression.is_number:
        return Number(float(expression))
    if expression.is_Add:
        return total((1.0, inner(part)) for part in expression.args)
    if expression.is_Mul:
        return product((inner(part), ONE) for part in expression.args)
    if expression.is_Pow:
        return product([(inner(expression.base), Fraction(str(expression.exp)))])
    assert isinstance(expression, sympy.Abs)
    return magnitude(inner(expression.args[0]))


def expanded(expression: sympy.Expr) -> sympy.Expr:
    """One quotient of expanded polynomials, inside roots too."""
    if expression.is_Pow and expression.exp.is_Rational and expression.exp.q == 2:
        return expanded(expression.base) ** expression.exp
    if not expression.args:
        return expression
    over, under = sympy.fraction(sympy.together(expression.func(*map(expanded, expression.args))))
    return sympy.expand(over) / sympy.expand(under)


def parsed(text: str) -> tuple[sympy.Expr, list[str]]:
    words = "".join(c if c.isalnum() or c == "_" else " " for c in text).split()
    names = sorted({w for w in words if not w[0].isdigit()} - {"sqrt", "pi"})
    symbols = {name: sympy.Symbol(name) for name in names}
    return sympy.sympify(text, locals=symbols, rational=True), names


def assert_equal(left: Circuit, right: Circuit, *, positive: bool = False, seed: int = 0) -> None:
    """Equal wherever the left one is defined, in fifty digits."""
    rng = random.Random(seed)
    left, right = same_inputs(left), same_inputs(right)
    for _ in range(6):
        point = [
            rng.uniform(0.3, 3.0) * (1 if positive else rng.choice((-1, 1)))
            for _ in range(left.n_columns)
        ]
        if not is_tame(left, point):
            continue
        expected = attempt(lambda p: value_of(left, p), point)
        found = attempt(lambda p: value_of(right, p), point)
        if expected is not None:
            assert found is not None
            assert abs(found - expected) <= 1e-9 * abs(expected)


@pytest.mark.parametrize("truth", WRITTEN)
def test_expanded_laws_are_written_as_a_person_would(truth: str) -> None:
    expression, names = parsed(truth)
    circuit = circuit_of(tree_of(expanded(expression), names), len(names))
    short = shorten(circuit, seconds=10.0)
    assert formula_text(short, names) == WRITTEN[truth]
    assert_equal(circuit, short)


@pytest.mark.parametrize("truth", NO_LONGER)
def test_expanded_laws_come_back_no_longer_than_the_truth(truth: str) -> None:
    expression, names = parsed(truth)
    circuit = circuit_of(tree_of(expanded(expression), names), len(names))
    short = shorten(circuit, seconds=10.0)
    assert complexity(short) <= complexity(tree_of(expression, names))
    assert_equal(circuit, short)


def test_positive_columns_lose_their_magnitudes() -> None:
    size = circuit_of(magnitude(Column(0)), 1)
    assert formula_text(shorten(size, positive=[True]), "x") == "x"
    root = circuit_of(tree_of(sympy.sympify("sqrt(x**2*y)"), ["x", "y"]), 2)
    assert formula_text(shorten(root, positive=(True, True)), "xy") == "x*sqrt(y)"
    plain = circuit_of(magnitude(product([(Column(0), ONE), (Column(1), ONE)])), 2)
    assert formula_text(shorten(plain), "xy") == "abs(x*y)"
    assert formula_text(shorten(plain, positive=(True, True)), "xy") == "x*y"


def test_roots_of_positive_columns_are_gathered() -> None:
    roots = product([(Column(j), Fraction(1, 2)) for j in range(2)], 1 / 60)
    short = shorten(circuit_of(roots, 2), positive=(True, True))
    assert complexity(short) == 6
    assert formula_text(shorten(circuit_of(roots, 2)), "xy") == "sqrt(x)*sqrt(y)/60"


def test_unnamed_constants_are_shared() -> None:
    g = 0.7310585786300049
    a, b = Column(0), Column(1)
    short = shorten(circuit_of(total([(g, a), (2 * g, b)]), 2))
    assert formula_text(short, "ab") == "0.7310585786300049*(a + 2*b)"
    square = total([(1.0, product([(a, Fraction(2))])), (2 * g, a), (g * g, Number(1.0))])
    assert formula_text(shorten(circuit_of(square, 1)), "a") == "(a + 0.7310585786300049)**2"


def many_columns(first: int, last: int) -> Node:
    return total((1.0, Column(j)) for j in range(first, last))


class TickingClock:
    """A clock that moves on by a millisecond whenever it is looked at."""

    def __init__(self) -> None:
        self.looks = 0

    def monotonic(self) -> float:
        self.looks += 1
        return 1e-3 * self.looks


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> TickingClock:
    clock = TickingClock()
    monkeypatch.setattr("nalu_cli.refine.simplify.reading.time", clock)
    return clock


@pytest.mark.parametrize("exponent", [Fraction(1), Fraction(-1), Fraction(1, 2)])
def test_wide_sums_pass_with_little_work(exponent: Fraction, clock: TickingClock) -> None:
    tree = product([(many_columns(0, 25), ONE), (many_columns(12, 37), exponent)])
    circuit = circuit_of(tree, 100)
    assert shorten(circuit) == circuit
    assert 0 < clock.looks < 500


def test_long_results_keep_to_the_time(clock: TickingClock) -> None:
    rng = random.Random(1)
    columns = [Column(j) for j in range(8)]

    def monomial() -> Node:
        return product([(rng.choice(columns), Fraction(rng.choice((1, 2, 3, -1)))) for _ in "abc"])

    circuit = circuit_of(total((rng.uniform(1, 2), monomial()) for _ in range(100)), 8)
    short = shorten(circuit, seconds=0.5)
    assert 500 < clock.looks < 550
    assert complexity(short) <= complexity(circuit)
    assert_equal(circuit, short)


@settings(max_examples=60, deadline=None)
@given(circuits(most_layers=3))
def test_any_circuit_keeps_its_values_and_grows_no_longer(circuit: Circuit) -> None:
    short = shorten(circuit, seconds=5.0)
    assert complexity(short) <= complexity(circuit)
    assert_equal(circuit, short)
    assert complexity(shorten(short, seconds=5.0)) == complexity(short)


@settings(max_examples=30, deadline=None)
@given(circuits(most_layers=3))
def test_positive_columns_only_matter_for_positive_values(circuit: Circuit) -> None:
    short = shorten(circuit, seconds=5.0, positive=(True,) * circuit.n_columns)
    assert complexity(short) <= complexity(circuit)
    assert_equal(circuit, short, positive=True)


@settings(max_examples=100, deadline=None)
@given(circuits())
def test_trees_compile_to_circuits_with_the_same_tree(circuit: Circuit) -> None:
    tree = expression_of(circuit)
    compiled = circuit_of(tree, circuit.n_columns)
    assert_equal(circuit, compiled)
    assert complexity(compiled) == complexity(circuit)


BASES = {
    "x": Column(0),
    "abs(x)": magnitude(Column(0)),
    "abs(x*y)": magnitude(product([(Column(0), ONE), (Column(1), ONE)])),
    "y - x, x first": total([(-1.0, Column(0)), (1.0, Column(1))]),
    "sqrt(x)*y": product([(Column(0), Fraction(1, 2)), (Column(1), ONE)]),
}


@pytest.mark.parametrize("base", BASES)
def test_large_exponents_are_read_back_whole(base: str) -> None:
    for halves in [k for k in range(-311, 312) if k]:
        tree = product([(BASES[base], Fraction(halves, 2)), (Column(2), ONE)])
        assert expression_of(circuit_of(tree, 3)) == tree


def test_zeros_and_signs_that_change_nothing_are_left_out() -> None:
    x, zero = Column(0), Number(0.0)
    root = product([(x, Fraction(1, 2))])
    assert product([(zero, ONE), (magnitude(x), Fraction(27))]) == zero
    once = product([(zero, ONE), (root, ONE)])
    assert once != zero
    assert product([(zero, Fraction(3)), (once, ONE), (Column(1), ONE)]) == once
    assert product([(zero, -ONE), (zero, ONE)]) != zero
    square = product([(x, Fraction(2))])
    assert magnitude(total([(-1.0, square)], -1.0)) == total([(1.0, square)], 1.0)
    assert product([(product([(root, ONE)], -1.0), Fraction(2))]) == product([(root, Fraction(2))])


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("exponent", [Fraction(4, 5), Fraction(-100, 3), exponent_of(0.7983417)])
def test_other_exponents_are_read_back_whole(base: str, exponent: Fraction) -> None:
    for factor in (1, 8, 128):
        tree = product([(BASES[base], factor * exponent), (Column(2), ONE)])
        if factor * abs(exponent) < 300:
            assert expression_of(circuit_of(tree, 3)) == tree


def test_formulas_with_other_powers_are_shortened_too() -> None:
    x, y = Column(0), Column(1)
    power = product([(x, Fraction(4, 5)), (y, exponent_of(0.7983417))])
    twice = total([(1.0, product([(power, ONE), (y, ONE)])), (1.0, power)])
    short = shorten(circuit_of(twice, 2), positive=(True, True))
    assert complexity(short) < complexity(twice)
    assert_equal(circuit_of(twice, 2), short, positive=True)


def test_sympy_gets_rational_exponents_as_they_are() -> None:
    tree = product([(Column(0), Fraction(4, 5)), (Column(1), exponent_of(0.7983417))])
    x, y = sympy.symbols("x y", real=True)
    expected = x ** sympy.Rational(4, 5) * y ** sympy.Float(0.7983417)
    assert sympy_form(circuit_of(tree, 2), "xy") == expected


def test_exponents_beyond_the_allowed_are_built_from_steps() -> None:
    tree = product([(Column(0), Fraction(31)), (Column(1), Fraction(-53, 2))])
    circuit = circuit_of(tree, 2)
    with pytest.raises(ValueError, match="exponent"):
        circuit_of(product([(Column(0), Fraction(2000, 3))]), 1)
    assert circuit.evaluate(np.array([[1.1, 1.2]]))[0] == pytest.approx(1.1**31 / 1.2**26.5)
    with pytest.raises(ValueError, match="exponent"):
        circuit_of(product([(Column(0), Fraction(1000))]), 1)
