"""The stack unit by unit: names, formulas, gates, and moves only where they are the unit's own."""

from __future__ import annotations

from dataclasses import replace

import pytest
from answers import LENS_CIRCUIT, lens, of, product, total

from nalu_cli.answer import Answer, Evidence, Move
from nalu_cli.answer.stack_units import is_rewritten, stack_units
from nalu_cli.circuit import Circuit
from nalu_cli.expression.text import formula_text

SUM_OF_PRODUCT = Circuit(2, ((product((0, 1), (1, 2)),), (total((0, 1), (1, 1)),)))
"""a*b**2 + a of the columns a and b."""

MOVES = (
    Move(0, 0, "gate", 0.0, 0.0, 0.0),
    Move(0, 0, "a", 0.98, 1.0, 0.1),
    Move(0, 0, "b", 2.05, 2.0, 0.1),
    Move(1, 0, "gate", 0.8, 1.0, 0.0),
    Move(1, 0, "unit 1", 1.0, 1.0, 0.0),
    Move(1, 0, "a", 1.001, 1.0, 0.0),
    Move(1, 0, "b", -0.2, 0.0, 0.0),
)


def trained(moves: tuple[Move, ...]) -> Answer:
    return of(SUM_OF_PRODUCT, ("a", "b"), evidence=Evidence("auto 2-1", 128, moves))


def test_a_unit_has_a_name_a_formula_a_gate_and_its_largest_move() -> None:
    first, last = stack_units(trained(MOVES))
    assert (first.layer, first.unit, first.name, first.gate) == (0, 0, "u1_1", "product")
    assert formula_text(first.circuit, first.inputs) == "a*b**2"
    assert first.largest_move == pytest.approx(0.05)
    assert (last.layer, last.name) == (1, "y")
    assert formula_text(last.circuit, last.inputs) == "u1_1 + a"


def test_a_weight_that_was_snapped_to_zero_counts_and_a_gate_does_not() -> None:
    assert stack_units(trained(MOVES))[1].largest_move == 0.2


@pytest.mark.parametrize(
    ("trained_gate", "says"),
    [
        (1.0, "sum"),
        (0.8, "sum on 80 % of rows"),
        (0.99999, "sum on 99.9 % of rows"),
        (0.0, "sum on 0.1 % of rows"),
    ],
)
def test_a_divided_gate_is_said_with_its_share(trained_gate: float, says: str) -> None:
    moves = tuple(
        replace(m, trained=trained_gate) if (m.layer, m.source) == (1, "gate") else m for m in MOVES
    )
    assert stack_units(trained(moves))[1].gate == says


@pytest.mark.parametrize(
    "other",
    [
        Move(1, 0, "b", -0.9, -1.0, 0.0),
        Move(1, 0, "gate", 0.0, 0.0, 0.0),
    ],
    ids=["other inputs", "other gate"],
)
def test_moves_of_another_unit_are_not_taken_for_its_own(other: Move) -> None:
    kept = [m for m in MOVES if (m.layer, m.source) != (other.layer, other.source)]
    first, last = stack_units(trained((*kept, other)))
    assert first.largest_move is not None
    assert last.largest_move is None
    assert last.gate == "sum"


def test_a_stack_that_was_rewritten_is_known_by_units_without_moves() -> None:
    assert is_rewritten(lens(), stack_units(lens()))
    assert not is_rewritten(trained(MOVES), stack_units(trained(MOVES)))
    assert not is_rewritten(trained(()), stack_units(trained(())))


def test_units_are_named_apart_from_columns_and_columns_as_asked() -> None:
    answer = of(LENS_CIRCUIT, ("u1_1", "d2", "n"))
    first = stack_units(answer)[0]
    assert (first.name, formula_text(first.circuit, first.inputs)) == ("uu1_1", "u1_1*n")
    first = stack_units(answer, ["p", "q", "r"])[0]
    assert (first.name, formula_text(first.circuit, first.inputs)) == ("u1_1", "p*r")
