"""The state of a climb: what was found and weighed so far, and how much time remains."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from nalu_cli.circuit import Circuit
from nalu_cli.fitting.likelihood import PRINTED
from nalu_cli.judge.judged import Judged
from nalu_cli.judge.selection import pick
from nalu_cli.numerics.seen_functions import SeenFunctions
from nalu_cli.problem import Problem
from nalu_cli.search.candidate import Candidate
from nalu_cli.search.schedule import Turn
from nalu_cli.search.strategy import Context
from nalu_cli.settings import Effort, FitSettings

__all__ = ["SECONDS", "Climbed", "Clock", "Record", "seconds_of"]

SECONDS = {Effort.QUICK: 5.0, Effort.NORMAL: 25.0, Effort.THOROUGH: 300.0}
"""*Guess:* time limit of each effort, in seconds, when the user gives none."""


@dataclass(slots=True)
class Climbed:
    """Where the climb ended.

    Parameters
    ----------
    candidates : list of Judged
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

    candidates: list[Judged] = field(default_factory=list)
    restarts: int = 0
    shortest: float = math.inf
    functions: SeenFunctions = field(default_factory=SeenFunctions)
    rewritten: dict[int, int] = field(default_factory=dict)
    interrupted: bool = False

    @property
    def best(self) -> Judged | None:
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

    def part(self, share: float) -> Callable[[], bool]:
        """Tells whether this share of the remaining time is over."""
        until = self.seconds + share * self.remaining
        return lambda: self.over() or self.seconds >= until

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
    """What each problem, the whole one and the reduced ones, has seen of strategies."""

    def __init__(self, whole: Problem) -> None:
        self.whole = whole
        self._found: dict[int, list[Circuit]] = {}
        self._paused: dict[tuple[int, str], Iterator[Candidate | None]] = {}

    def of(self, problem: Problem) -> list[Circuit]:
        """Those found for a problem, in the order they came; the list goes on growing."""
        return self._found.setdefault(id(problem), [])

    def has_paused(self, turn: Turn) -> bool:
        """Whether the strategy has paused on this problem."""
        return (id(turn.problem), turn.name) in self._paused

    def candidates(self, turn: Turn, context: Context) -> Iterator[Candidate]:
        """What a strategy finds until it pauses, or its numbers give out, for the whole problem.

        One matrix must not end the climb.
        """
        key = id(turn.problem), turn.name
        search = self._paused.pop(key, None) or turn.strategy.search(turn.problem, context)
        try:
            for found in search:
                if found is None:
                    self._paused[key] = search
                    return
                lifted = self._lifted(turn, found)
                if lifted is not None:
                    yield lifted
        except (np.linalg.LinAlgError, OverflowError, ValueError):
            return

    def _lifted(self, turn: Turn, found: Candidate) -> Candidate | None:
        self.of(turn.problem).append(found.circuit)
        if turn.reduction is None:
            return found
        try:
            lifted = turn.reduction.lift(found)
        except ValueError:
            return None  # a power beyond what a circuit holds
        self.of(self.whole).append(lifted.circuit)
        return lifted
