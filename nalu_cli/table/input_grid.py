"""Grids of new inputs: `--range x=0:100:5`, `x=0:1:11#` or `x=1,2,5`, every combination a row."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from nalu_cli.errors import UsageError, quoted

__all__ = ["MOST_ROWS", "Axis", "Grid", "parse_axis"]

Floats = NDArray[np.float64]

MOST_ROWS = 10_000_000
"""A larger grid is refused rather than written for hours."""

EXACT_INTEGER = 2**53

REMEDY = (
    "Write NAME=start:stop:step (both ends included), NAME=start:stop:N# for N points, or "
    "NAME=v1,v2,..., such as x=0:10:0.5, x=0:1:11# or x=1,2,5."
)


@dataclass(frozen=True, slots=True)
class Axis:
    """The values one column takes."""

    name: str
    values: Floats


@dataclass(frozen=True, slots=True)
class Grid:
    """Every combination of the values of some columns; the last column changes fastest.

    Parameters
    ----------
    axes : tuple of Axis
        Each column once.

    Raises
    ------
    UsageError
        If a column comes twice or there are more than `MOST_ROWS` combinations.
    """

    axes: tuple[Axis, ...]

    def __post_init__(self) -> None:
        names = [axis.name for axis in self.axes]
        for name in names:
            if names.count(name) > 1:
                raise UsageError(
                    f"--range names {quoted(name)} twice", remedy="Give each column once."
                )
        if len(self) > MOST_ROWS:
            sizes = " × ".join(str(len(axis.values)) for axis in self.axes)
            raise UsageError(
                f"the grid has {sizes} = {len(self):,} rows",
                accepted=f"at most {MOST_ROWS:,} are written",
                remedy="Take larger steps, or fewer columns.",
            )

    def __len__(self) -> int:
        return math.prod(len(axis.values) for axis in self.axes)

    def rows(self, start: int, stop: int, fixed: Mapping[str, float]) -> dict[str, Floats]:
        """Some rows of the grid, column by column.

        Parameters
        ----------
        start, stop : int
            First row and the row after the last.
        fixed : mapping of str to float
            Columns that keep one value.
        """
        index = np.unravel_index(np.arange(start, stop), [len(axis.values) for axis in self.axes])
        columns = {axis.name: axis.values[at] for axis, at in zip(self.axes, index, strict=True)}
        return columns | {name: np.full(stop - start, value) for name, value in fixed.items()}

    def chunks(self, size: int, fixed: Mapping[str, float]) -> Iterator[dict[str, Floats]]:
        """The rows in order, at most `size` at a time."""
        for start in range(0, len(self), size):
            yield self.rows(start, min(start + size, len(self)), fixed)


def parse_axis(text: str) -> Axis:
    """Read the value of a `--range` option.

    Parameters
    ----------
    text : str
        ``NAME=start:stop:step`` with both ends included (step 1 when left out),
        ``NAME=start:stop:N#`` for N points, or ``NAME=v1,v2,...``. The name may contain ``=``.

    Raises
    ------
    UsageError
        If it is none of these, empty, reversed, or larger than `MOST_ROWS`.
    """
    # the values hold no "=", the name may
    name, equals, values = text.rpartition("=")
    if not equals or not name.strip():
        raise _error(text, "names no column")
    parts = values.split(":")
    if len(parts) == 1:
        return Axis(name, np.array([float(_number(text, v)) for v in values.split(",")]))
    if len(parts) > 3:
        raise _error(text, f"has {len(parts)} parts")
    start, stop = _number(text, parts[0]), _number(text, parts[1])
    if stop < start:
        raise _error(text, "runs backwards")
    last = parts[2] if len(parts) == 3 else "1"
    if last.strip().endswith("#"):
        return Axis(name, _points(text, start, stop, last.strip()[:-1]))
    return Axis(name, _steps(text, start, stop, _number(text, last)))


def _error(text: str, what: str) -> UsageError:
    return UsageError(f"--range {quoted(text)} {what}", remedy=REMEDY)


def _number(text: str, value: str) -> Fraction:
    # a fraction is what was typed, so that 0:1:0.1 hits 0.3 and not 0.30000000000000004
    try:
        number = float(value)
        # Fraction would expand the power of 1e-999999999
        exact = Fraction(value.strip()) if number and math.isfinite(number) else Fraction(0)
    except (ValueError, ZeroDivisionError):
        raise _error(text, f"has {quoted(value.strip())} where a number should be") from None
    if not math.isfinite(number):
        raise _error(text, f"has {quoted(value.strip())}, which is not finite")
    return exact


def _steps(text: str, start: Fraction, stop: Fraction, step: Fraction) -> Floats:
    if step <= 0:
        raise _error(text, f"has the step {float(step):g}, which must be above zero")
    return _evenly(start, step, _checked(text, (stop - start) // step + 1))


def _points(text: str, start: Fraction, stop: Fraction, count: str) -> Floats:
    if not count.isdecimal() or int(count[:9]) < 1 or (int(count[:9]) == 1 and start != stop):
        raise _error(text, f"has {quoted(count + '#')}; N must be a whole number, at least 2")
    n = _checked(text, int(count[:9]))
    return _evenly(start, (stop - start) / (n - 1) if n > 1 else Fraction(0), n)


def _checked(text: str, n: int) -> int:
    if n > MOST_ROWS:
        raise UsageError(
            f"--range {quoted(text)} has {n:,} values",
            accepted=f"at most {MOST_ROWS:,} are written",
            remedy="Take larger steps.",
        )
    return n


def _evenly(start: Fraction, step: Fraction, n: int) -> Floats:
    """Start, start + step, ...: each the double nearest to the decimal number meant."""
    common = math.lcm(start.denominator, step.denominator)
    first, stride = int(start * common), int(step * common)
    if max(abs(first), abs(first + n * stride), common) < EXACT_INTEGER:
        integers: Floats = (first + stride * np.arange(n)).astype(np.float64)
        return np.asarray(integers / common, dtype=np.float64)
    if n <= 10_000:
        return np.array([float(start + k * step) for k in range(n)])
    return np.asarray(float(start) + float(step) * np.arange(n), dtype=np.float64)
