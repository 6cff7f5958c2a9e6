"""The state of a climb: what was found and weighed so far, and how much time remains."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from nalu_cli.circuit import Circuit
from nalu_cli.fitting.likelihood import PRINTED
from nalu_cli.judge.candidate import Candidate
from nalu_cli.judge.selection import pick
from nalu_cli.numerics.seen_functions import SeenFunctions
from nalu_cli.problem import Problem
from nalu_cli.search.candidate import Found
from nalu_cli.search.schedule import Turn
from nalu_cli.settings import Effort, FitSettings

__all__ = ["SECONDS", "Climbed", "Clock", "Record", "seconds_of"]

SECONDS = {Effort.QUICK: 5.0, Effort.NORMAL: 25.0, Effort.THOROUGH: 300.0}
"""*Guess:* time limit of each effort, in seconds, when the user gives none."""


@dataclass(slots=True)
class Climbed:
    """Where the climb ended.

    Parameters
    ----------
    candidates : list of Candidate
        Everything weighed.
    restarts : int
        Random starts trained.
    shortest : float
        Least complexity, before it was refined, of a circuit that turned out to be exact.
    functions : SeenFunctions
        Formulas under noise for which a shorter form was looked for.
    rewritten : dict of int to int
        By its place among these, the least complexity with which that was done.
    interrupted : bool
        Whether it was stopped before it was done.
    """

    candidates: list[Candidate] = field(default_factory=list)
    restarts: int = 0
    shortest: float = math.inf
    functions: SeenFunctions = field(default_factory=SeenFunctions)
    rewritten: dict[int, int] = field(default_factory=dict)
    interrupted: bool = False

    @property
    def best(self) -> Candidate | None:
        """The pick of the candidates so far."""
        return pick(self.candidates)

    @property
    def is_decided(self) -> bool:
        """Whether there is an exact one, as printed or to the last bit."""
        return self.best is not None and self.best.is_law

    @property
    def agrees_as_printed(self) -> bool:
        """Whether the best agrees with every printed row, be it by chance."""
        return self.best is not None and self.best.kind in PRINTED


class Clock:
    """Tells every part of the search whether to go on."""

    def __init__(self, limit: float, stop: Callable[[], bool] | None) -> None:
        self.start = time.monotonic()
        self.limit = limit
        self.stop = stop

    @property
    def seconds(self) -> float:
        """Since the climb began."""
        return time.monotonic() - self.start

    @property
    def remaining(self) -> float:
        """Seconds until the time limit."""
        return max(0.0, self.limit - self.seconds)

    def interrupted(self) -> bool:
        """Whether the user, or a signal, ends the climb."""
        return self.stop is not None and self.stop()

    def over(self) -> bool:
        """Whether to stop, for either reason."""
        return self.interrupted() or not self.remaining


def seconds_of(settings: FitSettings) -> float:
    """How long a climb may take."""
    return settings.time_limit or SECONDS[settings.effort]


class Record:
    """The formulas found for each problem, the whole one and the reduced ones."""

    def __init__(self, whole: Problem) -> None:
        self.whole = whole
        self._found: dict[int, list[Circuit]] = {}

    def of(self, problem: Problem) -> list[Circuit]:
        """Those found for a problem, in the order they came; the list goes on growing."""
        return self._found.setdefault(id(problem), [])

    def add(self, turn: Turn, found: Found) -> Found:
        """Note what a strategy found, and bring it back to the whole problem.

        Raises
        ------
        ValueError
            If no circuit can hold it.
        """
        self.of(turn.problem).append(found.circuit)
        if turn.reduction is None:
            return found
        lifted = turn.reduction.lift(found)
        self.of(self.whole).append(lifted.circuit)
        return lifted
