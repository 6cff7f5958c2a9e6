"""A formula as text becomes an expression: read by a short list of rules, never executed.

The language is the one formulas are printed in: column names, in backquotes where they are no
identifier, numbers, ``pi``, ``+ - * / **``, brackets, ``sqrt`` and ``abs``. The truth behind a
table that has no law may use more functions.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import mpmath
import numpy as np
import sympy
from numpy.typing import NDArray

from nalu_cli.errors import quoted
from nalu_cli.expression.text import quoted_name

__all__ = [
    "DIGITS",
    "FormulaError",
    "Valued",
    "in_doubles",
    "in_many_digits",
    "is_law",
    "read_formula",
    "read_truth",
]

Floats = NDArray[np.float64]

Valued = Callable[[Floats], Floats]
"""From rows of shape (n_rows, n_columns) to values of shape (n_rows,), NaN where undefined."""

Function = Callable[[sympy.Expr], sympy.Expr]

DIGITS = 60

PRINTED: Mapping[str, Function] = {"sqrt": sympy.sqrt, "abs": sympy.Abs}
"""Functions that formulas are printed with."""

BEYOND: Mapping[str, Function] = {
    name: getattr(sympy, name)
    for name in ("sin", "cos", "tan", "exp", "log", "tanh", "atan", "floor")
}
"""Functions that only a truth may use."""

LONGEST = 50_000
MOST_NODES = 10_000
DEEPEST = 200
"""Sizes of a text, of its tree and of its nesting beyond which it is refused."""

LARGEST_EXPONENT = 200
LARGEST_POWER = 2000
"""Powers of numbers are worked out exactly, so their decimal digits are bounded."""


class FormulaError(ValueError):
    """A text that is no formula of the columns."""


def read_formula(text: str, names: Sequence[str]) -> sympy.Expr:
    """The expression a text stands for.

    Parameters
    ----------
    text : str
    names : sequence of str
        Columns it may use.

    Returns
    -------
    sympy.Expr
        Over the symbols of `names`, all real; decimals are the rationals they spell.

    Raises
    ------
    FormulaError
        If it is too long, no formula, or no number anywhere.
    """
    return _read(text, names, PRINTED)


def read_truth(text: str, names: Sequence[str]) -> sympy.Expr:
    """As `read_formula`, for the truth of a benchmark: it may use the functions `BEYOND` too."""
    return _read(text, names, {**PRINTED, **BEYOND})


def is_law(truth: sympy.Expr, columns: Sequence[str]) -> bool:
    """Whether a truth is a law of these columns: sums, products, powers and roots.

    Parameters
    ----------
    truth : sympy.Expr
        From `read_truth`.
    columns : sequence of str
        Those of the table.
    """
    return (
        truth.free_symbols <= set(map(_symbol, columns))
        and all(isinstance(applied, sympy.Abs) for applied in truth.atoms(sympy.Function))
        and all(power.exp.is_Rational for power in truth.atoms(sympy.Pow))
    )


def _read(text: str, names: Sequence[str], functions: Mapping[str, Function]) -> sympy.Expr:
    if len(text) > LONGEST:
        raise FormulaError(f"it has {len(text)} characters; at most {LONGEST} are read")
    plain, columns = _unquoted(text, names)
    try:
        tree = ast.parse(plain.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise FormulaError(f"{quoted(text)} is no formula") from error
    if sum(1 for _ in ast.walk(tree)) > MOST_NODES:
        raise FormulaError("it has too many terms")
    try:
        found = _Builder(columns, functions).build(tree.body, 0)
    except (ArithmeticError, RecursionError) as error:
        raise FormulaError(f"{quoted(text)} has no value") from error
    if found.has(sympy.zoo, sympy.nan, sympy.oo, -sympy.oo):
        raise FormulaError(f"{quoted(text)} has no value")
    return found


def _symbol(name: str) -> sympy.Symbol:
    return sympy.Symbol(name, real=True)


def _unquoted(text: str, names: Sequence[str]) -> tuple[str, dict[str, sympy.Symbol]]:
    """The text with identifiers in place of quoted names, and the columns they stand for."""
    columns = {name: _symbol(name) for name in names}
    written = {quoted_name(name): name for name in names}
    stem = "quoted"
    while any(name.startswith(stem) for name in names):
        stem += "_"

    def identifier(match: re.Match[str]) -> str:
        if match[0] not in written:
            raise FormulaError(f"there is no column {quoted(match[0])}")
        alias = f"{stem}{len(columns)}"
        columns[alias] = _symbol(written[match[0]])
        return f" {alias} "

    return re.sub(r"`(?:[^`]|``)*`", identifier, text), columns


class _Builder:
    """Walks a syntax tree; what is not named here is refused."""

    def __init__(
        self, columns: Mapping[str, sympy.Symbol], functions: Mapping[str, Function]
    ) -> None:
        self._columns = columns
        self._functions = functions

    def build(self, node: ast.expr, level: int) -> sympy.Expr:
        if level > DEEPEST:
            raise FormulaError("it is nested too deeply")
        match node:
            case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
                return _number(value)
            case ast.Name(id=name):
                return self._named(name)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -self.build(operand, level + 1)
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self.build(operand, level + 1)
            case ast.BinOp(left=left, op=operator, right=right):
                sides = self.build(left, level + 1), self.build(right, level + 1)
                return _combined(operator, *sides)
            case ast.Call(func=ast.Name(id=name), args=[inner], keywords=[]) if (
                name in self._functions
            ):
                return self._applied(name, self.build(inner, level + 1))
        raise FormulaError(f"{type(node).__name__} is not allowed in a formula")

    def _applied(self, name: str, inside: sympy.Expr) -> sympy.Expr:
        # floor(exp(exp(9))) would be worked out with all its digits
        if name in BEYOND and inside.is_number:
            raise FormulaError(f"{name} of a number is not read")
        return self._functions[name](inside)

    def _named(self, name: str) -> sympy.Expr:
        # a column of that name is printed in backquotes
        if name == "pi":
            return sympy.pi
        if name in self._columns:
            return self._columns[name]
        raise FormulaError(f"there is no column {quoted(name)}")


def _number(value: float) -> sympy.Expr:
    if isinstance(value, int):
        return sympy.Integer(value)
    if not math.isfinite(value):
        raise FormulaError("a number is out of range")
    # the shortest text of a double is the decimal that was meant
    return sympy.Rational(repr(value))


def _combined(operator: ast.operator, left: sympy.Expr, right: sympy.Expr) -> sympy.Expr:
    match operator:
        case ast.Add():
            return left + right
        case ast.Sub():
            return left - right
        case ast.Mult():
            return left * right
        case ast.Div():
            return left / right
        case ast.Pow():
            return _power(left, right)
    raise FormulaError(f"the operator {type(operator).__name__} is not allowed in a formula")


def _power(under: sympy.Expr, exponent: sympy.Expr) -> sympy.Expr:
    if not exponent.is_number or abs(exponent) > LARGEST_EXPONENT:
        raise FormulaError(f"an exponent must be a number up to {LARGEST_EXPONENT}")
    if under.is_number and under != 0:
        digits = abs(sympy.log(abs(under), 10).evalf(5) * exponent)
        if digits > LARGEST_POWER:
            raise FormulaError("a power of numbers is out of range")
    return sympy.Pow(under, exponent)


def in_doubles(found: sympy.Expr, names: Sequence[str]) -> Valued:
    """A function that computes an expression in float64.

    Parameters
    ----------
    found : sympy.Expr
        From `read_formula`.
    names : sequence of str
        Columns in the order of the rows' columns.
    """
    compute = _compiled(_with_doubles(found), names, "numpy")

    def valued(X: Floats) -> Floats:
        columns = np.ascontiguousarray(X.T)
        with np.errstate(all="ignore"):
            values = np.asarray(compute(*columns))
        if np.iscomplexobj(values):
            values = np.where(values.imag == 0, values.real, np.nan)
        return np.broadcast_to(values.astype(np.float64), (len(X),)).copy()

    return valued


def in_many_digits(found: sympy.Expr, names: Sequence[str], X: Floats) -> list[Any]:
    """Values of an expression with `DIGITS` digits, one for each row; None where undefined."""
    compute = _compiled(found, names, "mpmath")
    with mpmath.workdps(DIGITS):
        return [_real_value(compute, [mpmath.mpf(float(x)) for x in row]) for row in X]


def _real_value(compute: Callable[..., Any], row: Sequence[Any]) -> Any:
    try:
        value = mpmath.mpc(compute(*row))
    except (ArithmeticError, ValueError):
        return None
    # a root of a negative number inside may cancel, up to the last digits
    is_real = abs(value.imag) <= mpmath.mpf(10) ** -20 * abs(value)
    return value.real if is_real and mpmath.isfinite(value.real) else None


def _compiled(found: sympy.Expr, names: Sequence[str], numbers: str) -> Callable[..., Any]:
    # no name reaches the code that sympy writes: dummies stand for all columns
    places = [sympy.Dummy(f"x{j}", real=True) for j in range(len(names))]
    swap = dict(zip(map(_symbol, names), places, strict=True))
    compiled: Callable[..., Any] = sympy.lambdify(places, found.xreplace(swap), modules=numbers)
    return compiled


def _with_doubles(found: sympy.Expr) -> sympy.Expr:
    """Rationals as doubles: numpy would compute the large ones as Python objects."""
    if found.is_Integer and abs(found) < 2**31:
        return found
    if found.is_Rational:
        return sympy.Float(found, 17)
    if found.is_Pow and found.exp.is_number:
        return sympy.Pow(_with_doubles(found.base), found.exp)
    if not found.args:
        return found
    return found.func(*map(_with_doubles, found.args))
