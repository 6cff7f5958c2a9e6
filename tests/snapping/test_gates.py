"""Gates that read their input: what they said is shown, and said when they were divided."""

import numpy as np
from tables import table_of, uniform

from nalu_cli.answer import Move
from nalu_cli.circuit import Circuit, Term, Unit, UnitKind
from nalu_cli.pipeline import fit_table
from nalu_cli.settings import CellName, FitSettings
from nalu_cli.snapping.gates import divided_gates, gate_caveats, with_gates
from nalu_cli.snapping.snap import Snapped

CIRCUIT = Circuit(1, ((Unit(UnitKind.SUM, (Term(0, 1),), 0.0),),))


def snapped(restart, *gates):
    moves = [Move(0, unit, "gate", gate, gate, 0.0) for unit, gate in enumerate(gates)]
    return Snapped(CIRCUIT, 0.0, restart, (*moves, Move(0, 0, "gate ", 0.7, 1.0, 0.1)))


def test_the_share_of_rows_that_said_sum_stands_in_the_snap_table():
    unanimity = (np.array([[1.0, 1.0], [0.75, 0.6]]),)
    first, second = with_gates([snapped(0, 1.0, 0.0), snapped(1, 1.0, 0.0)], unanimity)
    assert [m.trained for m in first.moves] == [1.0, 0.0, 0.7]
    assert [m.trained for m in second.moves] == [0.75, 0.4, 0.7]
    assert divided_gates(first.moves) == []
    assert gate_caveats(first.moves) == ()
    assert [(m.unit, m.snapped) for m in divided_gates(second.moves)] == [(0, 1.0), (1, 0.0)]


def test_a_divided_gate_is_said_in_words():
    (one,) = with_gates([snapped(0, 0.0)], (np.array([[0.75]]),))
    (caveat,) = gate_caveats(one.moves)
    assert caveat.startswith("the gate of unit 1 in layer 1 says sum on 25 % of the training rows")
    assert "taken as a product" in caveat
    (nearly,) = with_gates([snapped(0, 1.0)], (np.array([[0.99999]]),))
    assert "99.9 %" in gate_caveats(nearly.moves)[0]


def test_a_fit_says_what_its_gates_said():
    x = uniform(3, 200, 2, -2.0, 2.0)
    table = table_of({"a": x[:, 0], "b": x[:, 1], "y": x.sum(1)})
    answer = fit_table(table, "y", FitSettings(cell=CellName.NALU, time_limit=8, threads=1))
    divided = divided_gates(answer.evidence.moves)
    told = [caveat for caveat in answer.caveats if "gate of unit" in caveat]
    assert divided
    assert len(told) == len(divided)
