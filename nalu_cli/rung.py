"""Stage 3: one step of the ladder, and rungs made from others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial

from nalu_cli.circuit import Circuit
from nalu_cli.factors import Factored
from nalu_cli.workbench import Found

__all__ = ["Rung", "Stop", "lifted", "noting"]

Stop = Callable[[], bool]


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
    """

    name: str
    search: Callable[[Stop], Iterator[Found]]
    cycle: int = 0
    pause: bool = True


def lifted(part: Factored, rungs: Iterable[Rung]) -> Iterator[Rung]:
    """Rungs for the columns that are left when factors have been pulled out."""
    for rung in rungs:
        yield Rung(f"{rung.name} times factors", partial(_lift, part, rung), rung.cycle)


def _lift(part: Factored, rung: Rung, stop: Stop) -> Iterator[Found]:
    for found in rung.search(stop):
        yield part.lift(found)


def noting(seen: list[Circuit], rungs: Iterable[Rung]) -> Iterator[Rung]:
    """The same rungs; what they offer is noted."""
    for rung in rungs:
        yield replace(rung, search=partial(_note, seen, rung))


def _note(seen: list[Circuit], rung: Rung, stop: Stop) -> Iterator[Found]:
    for found in rung.search(stop):
        seen.append(found.circuit)
        yield found
