"""A formula that a strategy offers."""

from __future__ import annotations

from dataclasses import dataclass

from nalu_cli.answer import Move
from nalu_cli.circuit import Circuit

__all__ = ["Candidate"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A circuit that a strategy has found.

    Parameters
    ----------
    circuit : Circuit
    moves : tuple of Move
        Its snap table.
    restarts : int
        Random starts that it took.
    is_snapped : bool
        Whether its numbers are as short as the rows allow already.
    """

    circuit: Circuit
    moves: tuple[Move, ...] = ()
    restarts: int = 0
    is_snapped: bool = False
