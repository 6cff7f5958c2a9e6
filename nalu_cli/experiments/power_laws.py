"""Random power laws behind printed tables, such as people measure them."""

from __future__ import annotations

import numpy as np

from nalu_cli.experiments.known_law import Distribution, KnownLaw, Part, Variable
from nalu_cli.experiments.power_product import tells_numbers
from nalu_cli.experiments.sampling import generator, law_rows
from nalu_cli.experiments.trial import Conditions, Trial

__all__ = ["POWER_TITLES", "power_law", "power_trials"]

POWER_TITLES = ("columns", "numbers")
"""What the labels of an outcome are called."""

TOLD, NOT_TOLD = "told by the rows", "not told"

FAMILY = "powers"

STREAM = 3
"""Apart from the streams that rows are drawn from."""

MOST_COLUMNS = 5
MOST_DECIMALS = 3
LARGEST_EXPONENT = 3
ROWS = (15, 100)
CELL_DIGITS = (3, 5)
COEFFICIENT_DIGITS = (2, 4)
"""Bounds of what is drawn, both included."""

COEFFICIENT_DECADES = (-3.0, 3.0)
LOWEST_DECADES = (-2.0, 2.0)
WIDTH_DECADES = (0.5, 2.0)
"""Decimal logarithms of the coefficient, of the low end of a column and of high over low."""

END_DIGITS = 3

FAR = 2.0
"""Far rows lie between the largest training value of each column and this times it."""

FAR_TOLERANCE = 0.01
"""A product of the right columns that is off by no more on far rows is recovered."""


def power_law(seed: int, index: int) -> KnownLaw:
    """One of the laws of a seed: ``0.023*x1**(0.8)*x2**(0.4)``, with the digits of its table."""
    name = f"power_{index}"
    random = generator(seed, name, STREAM)
    names = [f"x{j + 1}" for j in range(_whole(random, 1, MOST_COLUMNS))]
    powers = [f"{name}**({_exponent(random)})" for name in names]
    return KnownLaw(
        name=name,
        formula="*".join([_coefficient(random), *powers]),
        target="y",
        variables=tuple(_variable(name, random) for name in names),
        family=FAMILY,
        n_rows=_whole(random, *ROWS),
        digits=_whole(random, *CELL_DIGITS),
        far_tolerance=FAR_TOLERANCE,
    )


def power_trials(tables: int, seed: int, conditions: Conditions) -> list[Trial]:
    """A trial for each of so many laws, counted by columns and by whether the rows tell the law."""
    return [_trial(power_law(seed, index), seed, conditions) for index in range(tables)]


def _trial(law: KnownLaw, seed: int, conditions: Conditions) -> Trial:
    rows = law_rows(law, Part.TRAIN, law.n_rows, seed=seed)
    labels = str(len(law.names)), TOLD if tells_numbers(law, rows) else NOT_TOLD
    return Trial(law=law, seed=seed, labels=labels, conditions=conditions)


def _exponent(random: np.random.Generator) -> str:
    decimals = _whole(random, 1, MOST_DECIMALS)
    size = _whole(random, 1, LARGEST_EXPONENT * 10**decimals)
    return f"{_sign(random) * size / 10**decimals:.{decimals}f}"


def _coefficient(random: np.random.Generator) -> str:
    return f"{10 ** random.uniform(*COEFFICIENT_DECADES):.{_whole(random, *COEFFICIENT_DIGITS)}g}"


def _variable(name: str, random: np.random.Generator) -> Variable:
    low = random.uniform(*LOWEST_DECADES)
    high = low + random.uniform(*WIDTH_DECADES)
    first, last = (float(f"{10**end:.{END_DIGITS}g}") for end in (low, high))
    return Variable(
        name,
        train=(first, last),
        extrapolation=(last, FAR * last),
        distribution=Distribution.LOG,
        digits=_whole(random, *CELL_DIGITS),
    )


def _whole(random: np.random.Generator, low: int, high: int) -> int:
    return int(random.integers(low, high, endpoint=True))


def _sign(random: np.random.Generator) -> int:
    return 2 * _whole(random, 0, 1) - 1
