"""The contract of a reduction: a simpler problem whose solutions are lifted to the whole one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Protocol

from nalu_cli.problem import Problem
from nalu_cli.search.candidate import Candidate
from nalu_cli.search.strategy import Example

__all__ = ["Chained", "Reducer", "Reduction", "followed_by"]


class Reduction(Protocol):
    """A problem whose solutions become solutions of the whole one.

    Its columns may be fewer or more; its target is the whole one times a factor of each row.
    """

    @property
    def name(self) -> str:
        """What is added to the name of a strategy that solves it."""

    @property
    def problem(self) -> Problem:
        """The reduced problem; its rows carry the weights of their errors."""

    def lift(self, found: Candidate) -> Candidate:
        """A solution of the whole problem.

        Raises
        ------
        ValueError
            If no circuit can hold it.
        """


@dataclass(frozen=True, slots=True)
class Reducer:
    """Finds the reductions of one kind that a problem has.

    Parameters
    ----------
    name : str
        As shown to people, after the name of a strategy.
    summary : str
        One line on what is changed; README's table is made from it.
    reduce : callable
        The reductions of a problem; none where the rows imply none.
    example : Example
        A law on whose rows there is one.
    """

    name: str
    summary: str
    reduce: Callable[[Problem], Iterable[Reduction]]
    example: Example


@dataclass(frozen=True, slots=True)
class Chained:
    """A reduction of a reduced problem."""

    outer: Reduction
    inner: Reduction

    @property
    def name(self) -> str:
        """Both names, the inner one first."""
        return f"{self.inner.name} {self.outer.name}"

    @property
    def problem(self) -> Problem:
        """The inner problem."""
        return self.inner.problem

    def lift(self, found: Candidate) -> Candidate:
        """A solution of the whole problem; see `Reduction`."""
        return self.outer.lift(self.inner.lift(found))


def followed_by(outer: Reducer, inner: Reducer) -> Reducer:
    """The first reducer, each of its problems reduced by the second, then as it is."""

    def reduce(problem: Problem) -> Iterator[Reduction]:
        for first in outer.reduce(problem):
            yield from (Chained(first, second) for second in inner.reduce(first.problem))
            yield first

    return replace(outer, reduce=reduce)
