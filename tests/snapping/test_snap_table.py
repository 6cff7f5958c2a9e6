"""Laws of the snap table."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from nalu_cli.circuit import Circuit, Term, Unit, UnitKind
from nalu_cli.rows import Rows
from nalu_cli.snapping.snap_table import snap_table

ONE = Fraction(1)
LAW = Circuit(
    2,
    (
        (Unit(UnitKind.SUM, (Term(0, ONE), Term(1, -ONE, 2.5)), 1.0),),
        (Unit(UnitKind.PRODUCT, (Term(0, -ONE), Term(2, Fraction(2))), 3.0),),
    ),
)
X = np.random.default_rng(0).uniform(4, 9, (200, 2)) * (1.0, 0.3)


def test_the_weights_of_a_law_stay_where_they_are_and_cost_nothing() -> None:
    moves = snap_table(LAW, Rows(X, LAW.evaluate(X)), ("a", "b"))
    expected = {
        (0, "gate"): 1.0,
        (0, "a"): 1.0,
        (0, "b"): -2.5,
        (1, "gate"): 0.0,
        (1, "unit 1"): -1.0,
        (1, "b"): 2.0,
        (1, "constant"): 3.0,
    }
    found = {(m.layer, m.source): m.snapped for m in moves}
    assert expected.items() <= found.items()
    assert all(abs(m.trained - m.snapped) < 1e-6 for m in moves)
    assert all(0 <= m.cost < 1e-12 for m in moves)


def test_a_weight_that_is_off_costs_what_it_spoils() -> None:
    spoiled = LAW.evaluate(X) * X[:, 1] ** 0.05
    moves = {m.source: m for m in snap_table(LAW, Rows(X, spoiled), ("a", "b")) if m.layer == 1}
    assert abs(moves["b"].trained - 2.05) < 0.01
    assert moves["b"].cost > 1e-9


def test_rows_where_a_difference_is_zero_do_no_harm() -> None:
    x = X.copy()
    x[::7, 1] = x[::7, 0]
    distance = Circuit(
        2,
        (
            (Unit(UnitKind.SUM, (Term(0, ONE), Term(1, -ONE)), 0.0),),
            (Unit(UnitKind.PRODUCT, (Term(0, Fraction(2)),), 1.0),),
        ),
    )
    moves = snap_table(distance, Rows(x, distance.evaluate(x)), ("a", "b"))
    assert all(np.isfinite([m.trained, m.cost]).all() for m in moves)
    assert all(abs(m.trained - m.snapped) < 1e-6 for m in moves)
