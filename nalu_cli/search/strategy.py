"""One step of the ladder, and rungs made from others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from nalu_cli.circuit import Circuit
from nalu_cli.problem import Problem
from nalu_cli.search.candidate import Found
from nalu_cli.search.reductions.add_root_column import Rooted
from nalu_cli.search.reductions.divide_by_monomial import Factored, pull_out

__all__ = ["Part", "Rung", "Stop", "lifted", "noting", "with_factors"]

Stop = Callable[[], bool]


class Part(Protocol):
    """A question whose answers become answers to the whole one."""

    @property
    def problem(self) -> Problem:
        """The question."""

    @property
    def sizes(self) -> NDArray[np.float64] | None:
        """What its targets were divided by on the training rows, if they were."""

    @property
    def said(self) -> str:
        """What its rungs are called beside their names."""

    def lift(self, found: Found) -> Found:
        """An answer to the whole question.

        Raises
        ------
        ValueError
            If no circuit can hold it.
        """


@dataclass(frozen=True, slots=True)
class _Within:
    """A question with a root, without its factors."""

    outer: Rooted
    inner: Factored

    @property
    def problem(self) -> Problem:
        return self.inner.problem

    @property
    def sizes(self) -> NDArray[np.float64]:
        return self.inner.sizes

    @property
    def said(self) -> str:
        return f"{self.inner.said} {self.outer.said}"

    def lift(self, found: Found) -> Found:
        return self.outer.lift(self.inner.lift(found))


def with_factors(part: Rooted) -> Iterator[Part]:
    """The question with its factors pulled out, in each way there is, then as it is."""
    yield from (_Within(part, factored) for factored in pull_out(part.problem))
    yield part


@dataclass(frozen=True, slots=True)
class Rung:
    """One step of the ladder.

    Parameters
    ----------
    name : str
        As shown to people.
    search : callable
        Yields what it finds, best first; asks its argument now and then whether to stop.
    cycle : int
        How often its kind has come before with other starts.
    pause : bool
        Whether a formula within the noise may be enough after it.
    exhaustive : bool
        Whether it goes on to longer formulas until they do no better: one within the noise is
        enough after it.
    instant : bool
        Linear algebra, soon over: what it offers is refined after all rungs like it, unless it is
        exact, and that it finds nothing tries no patience.
    """

    name: str
    search: Callable[[Stop], Iterator[Found]]
    cycle: int = 0
    pause: bool = True
    exhaustive: bool = False
    instant: bool = False


def lifted(part: Part, rungs: Iterable[Rung]) -> Iterator[Rung]:
    """Rungs for a part of the question, with answers to the whole of it."""
    for rung in rungs:
        yield replace(rung, name=f"{rung.name} {part.said}", search=partial(_lift, part, rung))


def _lift(part: Part, rung: Rung, stop: Stop) -> Iterator[Found]:
    for found in rung.search(stop):
        try:
            yield part.lift(found)
        except ValueError:
            continue  # a power beyond what a circuit holds


def noting(seen: list[Circuit], rungs: Iterable[Rung]) -> Iterator[Rung]:
    """The same rungs; what they offer is noted."""
    for rung in rungs:
        yield replace(rung, search=partial(_note, seen, rung))


def _note(seen: list[Circuit], rung: Rung, stop: Stop) -> Iterator[Found]:
    for found in rung.search(stop):
        seen.append(found.circuit)
        yield found
