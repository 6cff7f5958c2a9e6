"""The stack of an answer, unit by unit: a formula, a gate, and how far the weights moved."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from nalu_cli.answer import Answer, Move
from nalu_cli.circuit import Circuit, Unit, UnitKind
from nalu_cli.circuit.validity import parts

__all__ = ["StackUnit", "is_rewritten", "stack_units"]

NOT_INPUTS = ("gate", "constant")
"""Sources of moves that belong to the unit itself."""

LEAST_SHARE, MOST_SHARE = 0.001, 0.999
"""A share that is neither none nor all is not rounded to it."""


@dataclass(frozen=True, slots=True)
class StackUnit:
    """A unit that the answer depends on.

    Parameters
    ----------
    layer, unit : int
        Where it is, counted from 0.
    name : str
        The target for the last unit, a name such as ``u2_1`` for the others.
    gate : str
        ``sum`` or ``product``; with the share of the training rows on which the trained gate said
        so, where it did not say so on all of them.
    largest_move : float or None
        Of its weights when they were snapped; None where the formula was rewritten afterwards, so
        that no trained unit has these inputs.
    circuit : Circuit
        The unit alone.
    inputs : tuple of str
        What the columns of that circuit are called: the units of the layer before, then the
        columns of the table.
    """

    layer: int
    unit: int
    name: str
    gate: str
    largest_move: float | None
    circuit: Circuit
    inputs: tuple[str, ...]


def stack_units(answer: Answer, names: Sequence[str] | None = None) -> list[StackUnit]:
    """Every unit that the answer depends on, from the columns to the answer.

    Parameters
    ----------
    answer : Answer
    names : sequence of str, optional
        What the columns are called; as in the table when not given.
    """
    return list(_units(answer, tuple(answer.names if names is None else names)))


def is_rewritten(answer: Answer, units: Sequence[StackUnit]) -> bool:
    """Whether the formula was rewritten after the snap, so that no unit is one that was trained."""
    return bool(answer.evidence.moves) and all(unit.largest_move is None for unit in units)


def _units(answer: Answer, names: tuple[str, ...]) -> Iterator[StackUnit]:
    layers = answer.circuit.layers
    prefix = _prefix(names)
    for k, i in parts(answer.circuit):
        width = len(layers[k - 1]) if k else 0
        inputs = (*(f"{prefix}{k}_{j + 1}" for j in range(width)), *names)
        unit = layers[k][i]
        sources = [*(f"unit {j + 1}" for j in range(width)), *answer.names]
        moves = _moves_of(unit, sources, [m for m in answer.evidence.moves if _at(m) == (k, i)])
        weights = [abs(m.trained - m.snapped) for m in moves if m.source != "gate"]
        yield StackUnit(
            layer=k,
            unit=i,
            name=answer.target if k == len(layers) - 1 else f"{prefix}{k + 1}_{i + 1}",
            gate=_gate(unit, moves),
            largest_move=max(weights, default=0.0) if moves else None,
            circuit=Circuit(len(inputs), ((unit,),)),
            inputs=inputs,
        )


def _prefix(names: Sequence[str]) -> str:
    """What the names of units begin with, so that no column has one."""
    prefix = "u"
    while any(name.startswith(prefix) for name in names):
        prefix += "u"
    return prefix


def _at(move: Move) -> tuple[int, int]:
    return move.layer, move.unit


def _moves_of(unit: Unit, sources: Sequence[str], moves: Sequence[Move]) -> Sequence[Move]:
    """The moves, if they are those of this unit: of its kind and with its inputs."""
    kept = {m.source for m in moves if m.snapped and m.source not in NOT_INPUTS}
    gates = {m.snapped for m in moves if m.source == "gate"}
    is_same = kept == {sources[term.source] for term in unit.terms} - set(NOT_INPUTS)
    return moves if is_same and gates == {1.0 if unit.kind is UnitKind.SUM else 0.0} else ()


def _gate(unit: Unit, moves: Sequence[Move]) -> str:
    word = "sum" if unit.kind is UnitKind.SUM else "product"
    for move in moves:
        if move.source == "gate" and move.trained != move.snapped:
            share = move.trained if move.snapped == 1 else 1 - move.trained
            return f"{word} on {100 * min(max(share, LEAST_SHARE), MOST_SHARE):.3g} % of rows"
    return word
