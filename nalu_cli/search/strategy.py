"""The contract of a strategy: one file with one `Strategy`, and a place in the schedule."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from nalu_cli.circuit import Circuit
from nalu_cli.problem import Problem
from nalu_cli.search.candidate import Candidate
from nalu_cli.settings import FitSettings

__all__ = ["Context", "Cost", "Example", "Stop", "Strategy", "Trains"]

Stop = Callable[[], bool]


class Cost(Enum):
    """What a strategy costs, and so when its candidates are refined.

    Candidates of an instant strategy that are not exact are refined after all instant strategies
    beside it have run; finding nothing, such a strategy takes no patience.
    """

    INSTANT = "linear algebra, over in milliseconds"
    SECONDS = "a second or a few"
    MINUTES = "as long as it may"


class Trains(Enum):
    """What a strategy trains."""

    NOTHING = "solved in closed form or fitted"
    STACKS = "stacks by variable projection"
    CELLS = "cells by Adam, gates too"


@dataclass(frozen=True, slots=True)
class Context:
    """What a strategy may know beside its problem.

    Parameters
    ----------
    settings : FitSettings
    cycle : int
        How often the strategy has run before, each time with other random starts.
    earlier : sequence of Circuit
        What other strategies have found for the very same problem.
    stop : callable
        Asked now and then; True ends the search.
    """

    settings: FitSettings
    cycle: int
    earlier: Sequence[Circuit]
    stop: Stop


@dataclass(frozen=True, slots=True)
class Example:
    """Rows of a law that a strategy, or a reduction, must find.

    Parameters
    ----------
    law : Circuit
    low, high : float
        Range of every column, drawn uniformly.
    n_rows : int
    noise : float
        Standard deviation of the target's error over that of the target.
    """

    law: Circuit
    low: float = 0.5
    high: float = 3.0
    n_rows: int = 200
    noise: float = 0.0


@dataclass(frozen=True, slots=True)
class Strategy:
    """A way to look for a formula.

    Parameters
    ----------
    name : str
        As shown to people, `{cell}` standing for the name of the cell that is trained.
    summary : str
        One line on how it works; README's table is made from it.
    cost : Cost
    example : Example
        A law that it must find.
    search : callable
        Yields formulas for a problem, best first, and None where other strategies may have their
        turn before it goes on.
    trains : Trains
    layers : int, optional
        Of its stacks, where they have a fixed number.
    share : float
        Of the time that is left, what it may take.
    is_exhaustive : bool
        Whether it goes on to longer formulas until they do no better: one within the noise is
        enough after it.
    """

    name: str
    summary: str
    cost: Cost
    example: Example
    search: Callable[[Problem, Context], Iterator[Candidate | None]]
    trains: Trains = Trains.NOTHING
    layers: int | None = None
    share: float = 1.0
    is_exhaustive: bool = False
