"""Gates that read their input, and what they said on the rows they were read on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from nalu_cli.answer import Move
from nalu_cli.snapping.snap import Snapped

__all__ = ["GATE", "divided_gates", "gate_caveats", "with_gates"]

GATE = "gate"
"""The source of a move that is a gate's: 1 is a sum, 0 a product."""


def with_gates(
    snapped: Sequence[Snapped], unanimity: Sequence[NDArray[np.float64]]
) -> list[Snapped]:
    """Put the share of rows on which a gate said sum in place of its trained value.

    Parameters
    ----------
    snapped : sequence of Snapped
    unanimity : sequence of ndarray of shape (R, O)
        For each layer the share of rows that agreed with each gate.
    """

    def read(move: Move, restart: int) -> Move:
        if move.source != GATE:
            return move
        agreed = float(unanimity[move.layer][restart, move.unit])
        return replace(move, trained=agreed if move.snapped == 1 else 1 - agreed)

    return [replace(s, moves=tuple(read(m, s.restart) for m in s.moves)) for s in snapped]


def divided_gates(moves: Sequence[Move]) -> list[Move]:
    """Gates that said sum on some rows and product on others."""
    return [move for move in moves if move.source == GATE and move.trained != move.snapped]


def gate_caveats(moves: Sequence[Move]) -> tuple[str, ...]:
    """What a reader should know about gates that were divided, a sentence each."""
    return tuple(
        f"the gate of unit {move.unit + 1} in layer {move.layer + 1} says sum on "
        f"{_percent(move.trained)} of the training rows and product on the others; it is taken as "
        f"a {'sum' if move.snapped == 1 else 'product'}, so the cell as trained computes something "
        "else than this formula"
        for move in divided_gates(moves)
    )


def _percent(share: float) -> str:
    """A share that is neither none nor all is not rounded to it."""
    return f"{100 * min(max(share, 0.001), 0.999):.3g} %"
