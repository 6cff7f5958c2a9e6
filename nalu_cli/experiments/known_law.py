"""A law that is known, with the ranges its rows are drawn from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

__all__ = ["Distribution", "KnownLaw", "Part", "Rows", "Span", "Variable"]

Floats = NDArray[np.float64]

Span = tuple[float, float]
"""Lowest and highest value."""


class Distribution(StrEnum):
    """How the values of a variable are drawn; `either_sign` gives a size a random sign."""

    UNIFORM = "uniform"
    LOG = "log"
    LOG_NEGATIVE = "log_negative"
    LOG_EITHER_SIGN = "log_either_sign"
    INTEGER = "integer"
    INTEGER_EITHER_SIGN = "integer_either_sign"


class Part(StrEnum):
    """Which rows: those a formula is found from, or those farther out it is tested on."""

    TRAIN = "train"
    EXTRAPOLATION = "extrapolation"


@dataclass(frozen=True, slots=True)
class Variable:
    """An input.

    Parameters
    ----------
    name : str
    train, extrapolation : (float, float)
        Where its values lie, by part.
    distribution : Distribution
    extrapolation_low : (float, float) or None
        A second interval to extrapolate to, below the training one.
    decimals : int or None
        Values are rounded to so many.
    digits : int or None
        Significant digits the training values are printed with; None for full doubles.
    is_hidden : bool
        Whether the truth uses it and the table lacks it.
    """

    name: str
    train: Span
    extrapolation: Span
    distribution: Distribution = Distribution.UNIFORM
    extrapolation_low: Span | None = None
    decimals: int | None = None
    digits: int | None = None
    is_hidden: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether its values are whole numbers, and written as such."""
        return self.distribution in (Distribution.INTEGER, Distribution.INTEGER_EITHER_SIGN)


@dataclass(frozen=True, slots=True)
class KnownLaw:
    """A formula, the truth behind a table, and how its rows are drawn.

    The truth need not be a law: it may use functions beyond those of found formulas, and hidden
    variables.

    Parameters
    ----------
    name : str
        Its identifier; part of the seed.
    formula : str
        In the names of the variables.
    target : str
        Name of the column it computes.
    variables : tuple of Variable
        Some of them may not occur in the formula.
    family : str
        The benchmark it comes from.
    depth : int or None
        Layers it takes.
    n_rows : int
        Training rows.
    positive : tuple of str
        Formulas that must be above zero in every row.
    digits : int or None
        Significant digits the training target is printed with; None for full doubles.
    far_tolerance : float or None
        Set for products of powers of which only the numbers are in question: another of the same
        columns is recovered if it is off by no more on far rows, relative to the truth.
    """

    name: str
    formula: str
    target: str
    variables: tuple[Variable, ...]
    family: str = ""
    depth: int | None = None
    n_rows: int = 1000
    positive: tuple[str, ...] = ()
    digits: int | None = None
    far_tolerance: float | None = None

    def printed(self, digits: int | None) -> KnownLaw:
        """The law with so many digits in all columns of its tables; None changes none."""
        if digits is None:
            return self
        variables = tuple(replace(variable, digits=digits) for variable in self.variables)
        return replace(self, variables=variables, digits=digits)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all variables in their order, that of the columns of rows drawn."""
        return tuple(variable.name for variable in self.variables)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of those that are columns of the table; found formulas are written in them."""
        return tuple(variable.name for variable in self.variables if not variable.is_hidden)


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of a known law: X of shape (n_rows, n_variables) and y of shape (n_rows,)."""

    X: Floats
    y: Floats

    def __len__(self) -> int:
        return len(self.y)
