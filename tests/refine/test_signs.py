from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from answers import product, total
from exact import attempt, is_tame, same_inputs, value_of
from hypothesis import assume, given
from hypothesis import strategies as st
from strategies import circuits

from nalu_cli.circuit import Circuit, Term, Unit, UnitKind
from nalu_cli.expression.text import formula_text
from nalu_cli.refine.simplify.signs import resolve_signs

POINTS = st.lists(st.floats(0.25, 4.0), min_size=3, max_size=3)


def size_of(*terms: tuple[int, float]) -> Unit:
    return Unit(UnitKind.MAGNITUDE, tuple(Term(s, Fraction(w)) for s, w in terms), 1.0)


DISTANCE = Circuit(2, ((total((0, 1), (1, -1)),), (size_of((0, 1)),)))
"""abs(x - y)"""

ROOT_OF_DISTANCE = Circuit(2, ((total((0, 1), (1, -1)),), (size_of((0, 0.5)),)))
"""sqrt(abs(x - y))"""

TWO_ROOTS = Circuit(2, ((size_of((0, 0.5)), size_of((1, 0.5))), (product((0, 1), (1, 1)),)))
"""sqrt(abs(x))*sqrt(abs(y))"""

TWO_SIZES = Circuit(2, ((size_of((0, 1)), size_of((1, 1))), (product((0, 1), (1, 1)),)))
"""abs(x)*abs(y)"""


@pytest.mark.parametrize(
    ("circuit", "rows", "formula"),
    [
        (DISTANCE, [[3, 1], [2, 2]], "x - y"),
        (DISTANCE, [[1, 3], [2, 2]], "y - x"),
        (DISTANCE, [[1, 3], [3, 1]], "abs(x - y)"),
        (ROOT_OF_DISTANCE, [[3, 1], [4, 2]], "sqrt(x - y)"),
        (ROOT_OF_DISTANCE, [[3, 1], [1, 3]], "sqrt(abs(x - y))"),
        (TWO_ROOTS, [[1, 3], [2, 2]], "sqrt(x*y)"),
        (TWO_ROOTS, [[-1, -3], [2, 2]], "sqrt(x*y)"),
        (TWO_SIZES, [[-1, -3], [2, 2]], "x*y"),
        (TWO_SIZES, [[-1, 3], [2, -2]], "-x*y"),
        (TWO_SIZES, [[-1, 3], [2, -2], [1, 1]], "abs(x)*abs(y)"),
    ],
)
def test_what_no_row_needs_is_not_written(
    circuit: Circuit, rows: list[list[float]], formula: str
) -> None:
    X = np.array(rows, dtype=np.float64)
    resolved = resolve_signs(circuit, X)
    assert formula_text(resolved, ("x", "y")) == formula
    np.testing.assert_allclose(resolved.evaluate(X), circuit.evaluate(X), rtol=1e-15)


def test_a_formula_without_signs_to_resolve_stays_as_it_is() -> None:
    circuit = Circuit(2, ((total((0, 1), (1, -1)),),))
    assert resolve_signs(circuit, np.ones((3, 2))) is circuit


@given(circuits(), st.lists(POINTS, min_size=1, max_size=4), st.sampled_from((1.0, -1.0)))
def test_values_on_the_rows_stay(circuit: Circuit, sizes: list[list[float]], sign: float) -> None:
    rows = [[sign * x for x in row[: circuit.n_columns]] for row in sizes]
    circuit = same_inputs(circuit)
    assume(all(is_tame(circuit, row) for row in rows))
    resolved = resolve_signs(circuit, np.array(rows))
    for row in rows:
        true = attempt(lambda p: value_of(circuit, p), row)
        if true is not None:
            found = attempt(lambda p: value_of(resolved, p), row)
            assert found is not None
            assert abs(found - true) <= 1e-11 * abs(true)
