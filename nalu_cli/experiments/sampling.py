"""Rows of a known law, drawn from a seed; the same seed gives the same rows everywhere."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from nalu_cli.errors import DataError, quoted
from nalu_cli.experiments.known_law import Distribution, KnownLaw, Part, Rows, Span, Variable
from nalu_cli.experiments.written_formula import in_doubles, read_truth

__all__ = ["draw_rows", "generator", "law_rows", "printed", "root_mean_square", "with_noise"]

Floats = NDArray[np.float64]

SMALLEST_BATCH = 256
MOST_BATCHES = 4000
"""Batches drawn before a law counts as undefined in its ranges."""

STREAMS = {Part.TRAIN: 0, Part.EXTRAPOLATION: 1}


def generator(seed: int, name: str, stream: int) -> np.random.Generator:
    """The random numbers of one part of one problem; parts do not depend on each other's size."""
    key = [seed, zlib.crc32(name.encode("utf-8")), stream]
    return np.random.default_rng(np.random.SeedSequence(key))


def law_rows(law: KnownLaw, part: Part, count: int, *, seed: int, noise: float = 0.0) -> Rows:
    """The rows of a seed; training targets are printed with the digits the law says.

    Parameters
    ----------
    law : KnownLaw
    part : Part
    count : int
        Number of rows.
    seed : int
    noise : float
        Standard deviation of a normal error in the target, over its root mean square; training
        rows only.

    Raises
    ------
    DataError
        If the law is undefined nearly everywhere in its ranges.
    FormulaError
        If its formula cannot be read.
    """
    random = generator(seed, law.name, STREAMS[part])
    rows = draw_rows(law, part, count, random)
    if part is not Part.TRAIN:
        return rows
    noisy = with_noise(rows, noise, random)
    return noisy if law.digits is None else Rows(noisy.X, printed(noisy.y, law.digits))


def printed(values: Floats, digits: int) -> Floats:
    """The values a reader gets of values printed with so many significant digits."""
    # through the text: rounding in binary arithmetic would miss the decimal by a bit
    return np.char.mod(f"%.{digits}g", values).astype(np.float64)


def with_noise(rows: Rows, noise: float, random: np.random.Generator) -> Rows:
    """The rows with a normal error in the target, relative to its root mean square."""
    if not noise:
        return rows
    error = noise * root_mean_square(rows.y) * random.standard_normal(len(rows))
    return Rows(rows.X, rows.y + error)


def draw_rows(law: KnownLaw, part: Part, count: int, random: np.random.Generator) -> Rows:
    """Rows in which the law is defined, without noise; errors as for `law_rows`.

    Training inputs are printed as the law says, and the target is that of the printed inputs, in
    full: whoever compares formulas compares them with the law itself.
    """
    value = in_doubles(read_truth(law.formula, law.names), law.names)
    positive = [in_doubles(read_truth(text, law.names), law.names) for text in law.positive]
    kept: list[Rows] = []
    size = max(SMALLEST_BATCH, count)
    for _ in range(MOST_BATCHES):
        X = np.column_stack([_values(v, part, size, random) for v in law.variables])
        y = value(X)
        good = np.isfinite(y) & np.isfinite(X).all(axis=1)
        for check in positive:
            good &= check(X) > 0
        kept.append(Rows(X[good], y[good]))
        if sum(map(len, kept)) >= count:
            return _first(kept, count)
    raise DataError(
        f"the law {quoted(law.name)} is defined in {sum(map(len, kept))} of "
        f"{size * MOST_BATCHES} rows drawn, and {count} are needed"
    )


def _first(kept: list[Rows], count: int) -> Rows:
    X = np.concatenate([rows.X for rows in kept])[:count]
    return Rows(X, np.concatenate([rows.y for rows in kept])[:count])


def _values(variable: Variable, part: Part, count: int, random: np.random.Generator) -> Floats:
    span = variable.train if part is Part.TRAIN else variable.extrapolation
    values = _DRAW[variable.distribution](span, count, random)
    low = variable.extrapolation_low
    if variable.distribution is Distribution.UNIFORM and part is not Part.TRAIN and low is not None:
        other = random.uniform(*low, count)
        values = np.where(random.integers(0, 2, count) == 1, values, other)
    if variable.decimals is not None:
        values = np.round(values, variable.decimals)
    if variable.digits is not None and part is Part.TRAIN:
        values = printed(values, variable.digits)
    return values


def _uniform(span: Span, count: int, random: np.random.Generator) -> Floats:
    return random.uniform(*span, count)


def _log(span: Span, count: int, random: np.random.Generator) -> Floats:
    values: Floats = np.exp(random.uniform(math.log(span[0]), math.log(span[1]), count))
    return values


def _integer(span: Span, count: int, random: np.random.Generator) -> Floats:
    return random.integers(int(span[0]), int(span[1]) + 1, count).astype(np.float64)


def _negative(draw: _Draw) -> _Draw:
    return lambda span, count, random: -draw(span, count, random)


def _either_sign(draw: _Draw) -> _Draw:
    def drawn(span: Span, count: int, random: np.random.Generator) -> Floats:
        values = draw(span, count, random)
        return values * (2 * random.integers(0, 2, count) - 1)

    return drawn


_Draw = Callable[[Span, int, np.random.Generator], Floats]

_DRAW: dict[Distribution, _Draw] = {
    Distribution.UNIFORM: _uniform,
    Distribution.LOG: _log,
    Distribution.LOG_NEGATIVE: _negative(_log),
    Distribution.LOG_EITHER_SIGN: _either_sign(_log),
    Distribution.INTEGER: _integer,
    Distribution.INTEGER_EITHER_SIGN: _either_sign(_integer),
}


def root_mean_square(values: Floats) -> float:
    """Root mean square that neither overflows nor underflows."""
    top = float(np.max(np.abs(values), initial=0.0))
    if top == 0 or not math.isfinite(top):
        return top
    return float(top * np.sqrt(np.mean((values / top) ** 2)))
