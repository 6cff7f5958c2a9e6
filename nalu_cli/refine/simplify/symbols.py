"""A circuit as an expression of sympy, to work on by algebra."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import sympy

from nalu_cli.circuit import Circuit, is_real_exponent
from nalu_cli.expression.canonical import (
    Column,
    Magnitude,
    Node,
    Number,
    Product,
    Sum,
    expression_of,
)
from nalu_cli.expression.closed_form import name_constant

__all__ = ["sympy_form"]


def sympy_form(circuit: Circuit, names: Sequence[str]) -> sympy.Expr:
    """The formula as sympy holds it, as it is written and not rearranged.

    Parameters
    ----------
    circuit : Circuit
    names : sequence of str
        What the columns are called; each is a real symbol of that very name, which is never read
        as anything else.

    Returns
    -------
    sympy.Expr
        Quotients of integers are rationals, other numbers doubles.
    """
    return _form(expression_of(circuit), [sympy.Symbol(name, real=True) for name in names])


def _form(node: Node, symbols: Sequence[sympy.Symbol]) -> sympy.Expr:
    match node:
        case Column(index):
            return symbols[index]
        case Number(value):
            return _number(value)
        case Magnitude(inner):
            return sympy.Abs(_form(inner, symbols))
        case Sum(terms, offset):
            parts = [_number(c) * _form(inner, symbols) for c, inner in terms]
            return sympy.Add(_number(offset), *parts)
        case Product(factors, scale):
            powers = [sympy.Pow(_form(inner, symbols), _exponent(e)) for inner, e in factors]
            return sympy.Mul(_number(scale), *powers)


def _exponent(exponent: Fraction) -> sympy.Expr:
    if is_real_exponent(exponent):
        return sympy.Float(float(exponent))
    return sympy.Rational(exponent.numerator, exponent.denominator)


def _number(value: float) -> sympy.Expr:
    if value.is_integer():
        return sympy.Integer(int(value))
    named = name_constant(value)
    if named is not None and named.value == value:
        over, under = named.numerator, named.denominator
        if over.is_integer() and under.is_integer():
            return sympy.Rational(int(over), int(under))
    return sympy.Float(value)
