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
    read_formula,
)
from nalu_cli.formula import printed_name

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
