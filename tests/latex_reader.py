"""LaTeX formulas read back as functions: the few commands the exporter uses, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from fractions import Fraction

import mpmath
from exact import Formula, Point, power
from mpmath import mpf

Value = Callable[[Point], mpf]


def read_latex(text: str, symbols: Sequence[str]) -> Formula:
    """The function a formula in mathematics mode stands for."""
    reader = _Reader(text, symbols)
    value = reader.sum()
    assert reader.rest == "", f"not read: {reader.rest!r}"
    return value


class _Reader:
    def __init__(self, text: str, symbols: Sequence[str]) -> None:
        self.rest = text
        # a name may begin with another one
        self.symbols = sorted(enumerate(symbols), key=lambda item: -len(item[1]))

    def take(self, token: str) -> bool:
        if not self.rest.startswith(token):
            return False
        self.rest = self.rest[len(token) :]
        return True

    def expect(self, token: str) -> None:
        assert self.take(token), f"{token!r} expected at {self.rest[:30]!r}"

    def sum(self) -> Value:
        value = self.signed(-1 if self.take("-") else 1)
        while True:
            if self.take(" + "):
                value = _plus(value, self.signed(1))
            elif self.take(" - "):
                value = _plus(value, self.signed(-1))
            else:
                return value

    def signed(self, sign: int) -> Value:
        value = self.product()
        return lambda p: sign * value(p)

    def product(self) -> Value:
        value = self.powered()
        while self.take(r" \, ") or self.take(r" \times "):
            value = _times(value, self.powered())
        return value

    def powered(self) -> Value:
        base = self.atom()
        if not self.take("^{"):
            return base
        exponent = Fraction(self.match(r"-?[0-9]+(?:/[0-9]+|\.[0-9]+)?"))
        self.expect("}")
        return lambda p: power(base(p), exponent)

    def atom(self) -> Value:
        if self.take(r"\frac{"):
            over = self.closed("}{")
            under = self.closed("}")
            return lambda p: over(p) * power(under(p), Fraction(-1))
        if self.take(r"\sqrt{"):
            inner = self.closed("}")
            return lambda p: power(inner(p), Fraction(1, 2))
        if self.take(r"\left|"):
            inner = self.closed(r"\right|")
            return lambda p: abs(inner(p))
        if self.take(r"\left("):
            return self.closed(r"\right)")
        return self.leaf()

    def closed(self, end: str) -> Value:
        value = self.sum()
        self.expect(end)
        return value

    def leaf(self) -> Value:
        for index, symbol in self.symbols:
            if self.take(symbol):
                return lambda p: mpf(p[index])
        if self.take(r"\pi"):
            return lambda p: mpmath.pi
        number = mpf(self.match(r"[0-9]+(?:\.[0-9]+)?"))
        return lambda p: number

    def match(self, pattern: str) -> str:
        found = re.match(pattern, self.rest)
        assert found, f"{pattern} expected at {self.rest[:30]!r}"
        self.expect(found[0])
        return found[0]


def _plus(left: Value, right: Value) -> Value:
    return lambda p: left(p) + right(p)


def _times(left: Value, right: Value) -> Value:
    return lambda p: left(p) * right(p)
