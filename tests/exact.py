"""What circuits and printed formulas mean, in fifty-digit arithmetic, free of rounding."""

from __future__ import annotations

import ast
import random
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction

import mpmath
from mpmath import mpf

from nalu_cli.circuit import Circuit, Unit, UnitKind
from nalu_cli.expression.text import quoted_name

mpmath.mp.dps = 50

Point = Sequence[float]
Formula = Callable[[Point], mpf]


class UndefinedError(ArithmeticError):
    """A pole, or a root of a negative number."""


class PoleError(UndefinedError):
    """A division by zero: at single points, or, where a constant is zero, everywhere."""


def value_of(circuit: Circuit, point: Point) -> mpf:
    """The circuit's value at a point."""
    inputs = [mpf(x) for x in point]
    before: list[mpf] = []
    for layer in circuit.layers:
        before = [_unit_value(unit, before + inputs) for unit in layer]
    return before[0]


def _unit_value(unit: Unit, sources: list[mpf]) -> mpf:
    value = mpf(unit.constant)
    for term in unit.terms:
        x = sources[term.source]
        if unit.kind is UnitKind.SUM:
            value += int(term.weight) * mpf(term.constant) * x
        else:
            value *= power(abs(x) if unit.kind is UnitKind.MAGNITUDE else x, term.weight)
    return value


def power(base: mpf, exponent: Fraction) -> mpf:
    """A power, of negative numbers only a whole one."""
    # a sum that cancels up to fifty digits is zero
    if exponent < 0 and abs(base) < mpf(10) ** -30:
        raise PoleError
    if exponent.denominator == 1:
        return base ** int(exponent)
    if base < 0:
        raise UndefinedError
    return base ** (mpf(exponent.numerator) / exponent.denominator)


def same_inputs(circuit: Circuit) -> Circuit:
    """The circuit without the units and layers nothing reads cannot be undefined by them."""
    keep: list[set[int]] = [{0}]
    for k in range(len(circuit.layers) - 1, 0, -1):
        width = len(circuit.layers[k - 1])
        read = {t.source for u in keep[0] for t in circuit.layers[k][u].terms}
        keep.insert(0, {s for s in read if s < width})
    idle = Unit(UnitKind.SUM, (), 0.0)
    layers = tuple(
        tuple(unit if i in kept else idle for i, unit in enumerate(layer))
        for layer, kept in zip(circuit.layers, keep, strict=True)
    )
    return Circuit(circuit.n_columns, layers)


def shaken(circuit: Circuit, *, seed: int, size: float = 1e-15) -> Circuit:
    """The same circuit with every constant off by rounding: shows where rounding is amplified."""
    rng = random.Random(seed)

    def off(value: float) -> float:
        return value * (1 + size * rng.uniform(-1, 1))

    def moved(unit: Unit) -> Unit:
        is_sum = unit.kind is UnitKind.SUM
        terms = [replace(t, constant=off(t.constant)) if is_sum else t for t in unit.terms]
        return Unit(unit.kind, tuple(terms), off(unit.constant))

    return Circuit(circuit.n_columns, tuple(tuple(map(moved, row)) for row in circuit.layers))


def read_formula(text: str, names: Sequence[str]) -> Formula:
    """A printed formula as a function; nothing but arithmetic is understood."""
    columns: dict[str, int] = {}
    shown = [quoted_name(name) for name in names]

    def take(match: re.Match[str]) -> str:
        columns[key := f"quoted_column_{len(columns)}"] = shown.index(match[0])
        return f" {key} "

    plain = re.sub("`((?:[^`]|``)+)`(?!`)", take, text)
    columns |= {name: j for j, name in enumerate(names) if name not in ("pi", "sqrt", "abs")}
    tree = ast.parse(plain.strip(), mode="eval").body
    return lambda point: _walk(tree, {name: mpf(point[j]) for name, j in columns.items()})


def _walk(node: ast.expr, values: dict[str, mpf]) -> mpf:
    match node:
        case ast.Constant(value=int() | float() as value):
            return mpf(value)
        case ast.Name(id="pi"):
            return mpmath.pi
        case ast.Name(id=name):
            return values[name]
        case ast.UnaryOp(op=ast.USub(), operand=inner):
            return -_walk(inner, values)
        case ast.Call(func=ast.Name(id="sqrt"), args=[inner]):
            return power(_walk(inner, values), Fraction(1, 2))
        case ast.Call(func=ast.Name(id="abs"), args=[inner]):
            return abs(_walk(inner, values))
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            return power(_walk(left, values), _exponent(right))
        case ast.BinOp(left=left, op=op, right=right):
            return _combined(op, _walk(left, values), _walk(right, values))
    raise AssertionError(f"not arithmetic: {ast.dump(node)}")


def _exponent(node: ast.expr) -> Fraction:
    match node:
        case ast.Constant(value=value):
            return Fraction(repr(value))
        case ast.BinOp(
            left=ast.Constant(value=over), op=ast.Div(), right=ast.Constant(value=under)
        ):
            return Fraction(over, under)
    raise AssertionError(f"no exponent: {ast.dump(node)}")


def _combined(op: ast.operator, left: mpf, right: mpf) -> mpf:
    match op:
        case ast.Add():
            return left + right
        case ast.Sub():
            return left - right
        case ast.Mult():
            return left * right
        case ast.Div():
            return left * power(right, Fraction(-1))
    raise AssertionError(f"not arithmetic: {op}")


def attempt(formula: Formula, point: Point) -> mpf | None:
    """The value, or None where the formula is undefined."""
    try:
        return formula(point)
    except UndefinedError:
        return None


def is_tame(circuit: Circuit, point: Point) -> bool:
    """Whether no pole is met, and rounding of the constants changes no more than rounding."""
    try:
        value_of(circuit, point)
    except PoleError:
        return False  # 1/(1/x) may become x
    except UndefinedError:
        pass
    here = attempt(lambda p: value_of(circuit, p), point)
    for seed in (1, 2):
        there = attempt(lambda p, s=seed: value_of(shaken(circuit, seed=s), p), point)
        if (here is None) != (there is None):
            return False
        if here is not None and abs(here - there) > 1e-11 * abs(here):
            return False
    return True
