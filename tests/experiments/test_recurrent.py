"""The recurrent experiment: what is snapped is the law, and long sequences are read as such."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from nalu_cli.circuit import Circuit, Term, Unit, UnitKind
from nalu_cli.experiments.papers.accumulator import Accumulator, snapped_accumulator
from nalu_cli.experiments.papers.recurrent import Sequences, answers
from nalu_cli.experiments.papers.scores import OPERATIONS


def product(powers: dict[int, Fraction]) -> Circuit:
    terms = tuple(Term(k, power) for k, power in powers.items())
    return Circuit(2, ((Unit(UnitKind.PRODUCT, terms, 1.0),),))


def test_an_accumulator_reads_a_sequence_step_by_step() -> None:
    W = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])
    network = Accumulator(W, product({0: Fraction(1), 1: Fraction(2)}))
    first = np.array([[[5.0, 1.0, 2.0]], [[1.0, 1.0, 0.0]]])  # two steps of one sequence
    assert network.read(iter([first, first[:1]])) == [(5 - 2 + 1 + 5 - 2) * 3.0**2]


def test_pieces_of_a_sequence_add_up_to_its_sums() -> None:
    sequences = Sequences((3, 4), 1)
    pieces = list(sequences.pieces(2, 120))
    assert sum(piece.shape[1] for piece in pieces) == 120
    for seed, start in enumerate(sequences.starts):
        whole = np.concatenate([piece[seed] for piece in pieces])  # (T, N, I)
        a, b = sum(sequences.sums(piece) for piece in pieces)[:, seed]
        assert a == pytest.approx(whole[:, :, start : start + 25].sum((0, 2)))
        assert b == pytest.approx(whole[:, :, start + 25 : start + 50].sum((0, 2)))


def test_a_seed_reads_the_same_among_others() -> None:
    alone = list(Sequences((7,), 1).pieces(3, 60))
    among = list(Sequences((2, 7), 1).pieces(3, 60))
    for one, both in zip(alone, among, strict=True):
        np.testing.assert_array_equal(one[0], both[1])


@pytest.mark.slow
@pytest.mark.parametrize("name", OPERATIONS)
def test_a_snapped_accumulator_has_the_inputs_that_were_summed(name: str) -> None:
    sequences = Sequences((0,), 2)
    (x,) = sequences.pieces(1000, 10)
    (y,) = answers(OPERATIONS[name], sequences.sums(x))
    found = snapped_accumulator(x[0].sum(axis=0), y, seed=0)
    assert found is not None
    assert set(np.unique(found.W)) <= {-1.0, 0.0, 1.0}
    start = sequences.starts[0]
    longer = start + (25 if OPERATIONS[name].is_unary else 50)
    used = np.flatnonzero(found.W[:, [t.source for t in found.head.layers[0][0].terms]].any(1))
    assert list(used) == list(range(start, longer))
