from __future__ import annotations

import mpmath
import numpy as np
import pytest
import sympy
from hypothesis import given
from strategies import names

from nalu_cli.experiments.written_formula import (
    DIGITS,
    FormulaError,
    in_doubles,
    in_many_digits,
    is_law,
    read_formula,
    read_truth,
)
from nalu_cli.expression.text import printed_name

A, B = (sympy.Symbol(name, real=True) for name in "ab")


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("a + b*2", A + 2 * B),
        (" -a**2 ", -(A**2)),
        ("a/b - +3", A / B - 3),
        ("sqrt(abs(a))", sympy.sqrt(sympy.Abs(A))),
        ("a**(1/2)", sympy.sqrt(A)),
        ("a**-1.5", A ** sympy.Rational(-3, 2)),
        ("0.1*a", A / 10),
        ("6.674e-11*a", sympy.Rational(6674, 10**14) * A),
        ("2*pi*a", 2 * sympy.pi * A),
        ("1/(4*pi)", 1 / (4 * sympy.pi)),
        ("12345678901234567890", sympy.Integer(12345678901234567890)),
    ],
)
def test_a_formula_means_what_it_says(text: str, meant: sympy.Expr) -> None:
    assert read_formula(text, ["a", "b"]) == meant


@pytest.mark.parametrize("name", ["speed [m/s]", "a`b", "lambda", "pi", "ﬁ", "x y", "quoted1"])
def test_any_name_can_be_written_in_backquotes(name: str) -> None:
    doubled = name.replace("`", "``")
    found = in_doubles(read_formula(f"`{doubled}`*pi + x", ["x", name]), ["x", name])
    assert found(np.array([[1.0, 2.0]])) == pytest.approx([2 * np.pi + 1])


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "a +", "a b", "c", "`c`", "a = b", "a; b", "a\nb", "(" * 300 + "a" + ")" * 300),
        *(
            "a.real",
            "a[0]",
            "[a]",
            "lambda: a",
            "a if b else a",
            "a and b",
            "a < b",
            "'a'",
            "a % b",
        ),
        *(
            "__import__('os')",
            "sqrt",
            "sqrt()",
            "sqrt(a, b)",
            "sqrt(x=a)",
            "exp(a)",
            "a(b)",
            "f'a'",
        ),
        *("True", "None", "2j", "1e999", "a//b", "a**b", "a**1000", "9**9**9", "10**150**100"),
        *("1/0", "0**-1", "a/(b-b)", "+".join(["a"] * 40_000), "-" * 300 + "a", "a**(0*b)**-1"),
    ],
)
def test_what_is_no_formula_is_refused(text: str) -> None:
    with pytest.raises(FormulaError):
        read_formula(text, ["a", "b"])


BEYOND = {
    "sin(a)": np.sin,
    "cos(a)": np.cos,
    "tan(a)": np.tan,
    "exp(a)": np.exp,
    "log(a)": np.log,
    "tanh(a)": np.tanh,
    "atan(a)": np.arctan,
    "floor(a)": np.floor,
}


@pytest.mark.parametrize("text", BEYOND)
def test_a_truth_may_use_functions_that_a_found_formula_may_not(text: str) -> None:
    with pytest.raises(FormulaError, match="Call is not allowed"):
        read_formula(text, ["a"])
    truth = read_truth(text, ["a"])
    rows = np.array([[0.3], [1.0], [7.5]])
    expected = BEYOND[text](rows[:, 0])
    assert in_doubles(truth, ["a"])(rows) == pytest.approx(expected, rel=1e-15)
    found = [float(value) for value in in_many_digits(truth, ["a"], rows)]
    assert found == pytest.approx(expected, rel=1e-15)
    assert not is_law(truth, ["a"])


@pytest.mark.parametrize(
    "text", ["exp()", "exp(a, b)", "exp(x=a)", "gamma(a)", "sin", "floor(exp(exp(9)))", "exp(c)"]
)
def test_what_is_no_truth_is_refused(text: str) -> None:
    with pytest.raises(FormulaError):
        read_truth(text, ["a", "b"])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sqrt(abs(a))/b**1.5 - pi", True),
        ("a**(1/3)", True),
        # what cancels is not used
        ("a + b + c - c", True),
        ("log(exp(a))", True),
        ("a + b + c", False),
        ("a**pi", False),
        ("exp(b*log(a))", False),
        ("a + 1e-9*sin(b)", False),
    ],
)
def test_a_law_is_made_of_columns_powers_and_roots(text: str, expected: bool) -> None:
    assert is_law(read_truth(text, ["a", "b", "c"]), ["a", "b"]) == expected


def test_values_in_doubles_are_undefined_where_the_formula_is() -> None:
    value = in_doubles(read_formula("sqrt(a)/b", ["a", "b"]), ["a", "b"])
    found = value(np.array([[4.0, 2.0], [-1.0, 1.0], [1.0, 0.0]]))
    assert found[0] == 1
    assert not np.isfinite(found[1:]).any()
    constant = in_doubles(read_formula("1/3", []), [])
    assert constant(np.empty((2, 0))).tolist() == [1 / 3, 1 / 3]


def test_values_in_many_digits_show_what_doubles_cannot() -> None:
    rows = np.array([[1.0], [-2.0], [0.0]])
    found = in_many_digits(read_formula("(1 + 1e-40*a)/sqrt(a) - 1", ["a"]), ["a"], rows)
    with mpmath.workdps(DIGITS):
        assert abs(found[0] - mpmath.mpf(10) ** -40) < mpmath.mpf(10) ** -58
    assert found[1:] == [None, None]


@given(names)
def test_names_are_read_as_they_are_printed(name: str) -> None:
    value = in_doubles(read_formula(f"pi*{printed_name(name)}", [name]), [name])
    assert value(np.array([[2.0]])) == pytest.approx([2 * np.pi])
