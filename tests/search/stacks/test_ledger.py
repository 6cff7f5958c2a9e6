"""When a longer stack is trained: the cheapest law so far, and what longer ones explained."""

from __future__ import annotations

import numpy as np
from stacks import stack

from nalu_cli.expression.canonical import Column
from nalu_cli.expression.to_circuit import circuit_of
from nalu_cli.search.stacks.batch import Batch, Shape
from nalu_cli.search.stacks.ledger import (
    IDLE_SHAPES,
    SHAPES_AFTER,
    SURE,
    SURE_SHAPES,
    Ledger,
    NoisyLedger,
    PrintedLedger,
    Snapped,
)
from nalu_cli.search.stacks.schedule import SUMS, Step

ROWS = 200
LAW = circuit_of(Column(0), 1)


def step(terms: int, *, inner: int = 0, power: float = 1.0, grown: bool = True) -> Step:
    return Step(Shape(terms, (inner,) if inner else ()), power, terms + inner - 1, grown)


def one(loss: float = 1.0) -> Batch:
    batch = stack([[1.0]], 1, weights=[1.0])
    batch.loss[:] = loss
    return batch


def tried(ledger: Ledger, where: Step, bits: float, numbers: float = 10.0) -> int:
    """How many stacks of a step would be snapped, if it is not closed."""
    if ledger.is_closed(where):
        return 0
    return len(ledger.promising(one(), np.array([bits]), np.array([numbers]), where))


def noted(ledger: Ledger, where: Step, bits: float, *, gain: float, inside: bool = False) -> None:
    ledger.note(Snapped(LAW, gain, bits, inside), where)


def test_a_sure_law_ends_all_when_longer_ones_of_its_kind_are_no_better() -> None:
    ledger = NoisyLedger(ROWS)
    tried(ledger, step(3), -500.0)
    noted(ledger, step(3), -600.0, gain=SURE)
    for terms in range(4, 4 + SURE_SHAPES):
        assert not ledger.is_closed(step(terms))
    assert ledger.is_closed(step(4 + SURE_SHAPES))
    assert ledger.is_closed(step(1, inner=1))
    assert ledger.is_closed(step(2, grown=False))


def test_after_a_short_law_that_is_not_sure_only_shorter_ones_are_open() -> None:
    ledger = NoisyLedger(ROWS)
    tried(ledger, step(2), -500.0)
    noted(ledger, step(2), -600.0, gain=-1.0)
    for terms in range(3, 4 + SURE_SHAPES):
        tried(ledger, step(terms), -490.0)
    assert len(ledger.idle[SUMS]) > SURE_SHAPES
    assert ledger.is_closed(step(3, power=-1.0))
    assert not ledger.is_closed(step(1, grown=False))


def test_rows_that_stand_out_keep_longer_stacks_open() -> None:
    ledger = NoisyLedger(ROWS)
    tried(ledger, step(1), -500.0)
    ledger.note(Snapped(LAW, SURE, -600.0, is_inside=False, is_even=False), step(1))
    for terms in range(2, 3 + SURE_SHAPES):
        tried(ledger, step(terms), -590.0)
    assert not ledger.is_closed(step(2, inner=1))


def test_a_kind_goes_on_while_it_explains_more_though_another_is_better() -> None:
    ledger = NoisyLedger(ROWS)
    tried(ledger, step(7), -900.0)
    for terms in range(2, 8):
        tried(ledger, step(terms, power=-1.0), -100.0 * terms + 1000)
        assert not ledger.is_closed(step(terms, power=-1.0))


def test_long_sums_are_grown_of_the_best_power_alone() -> None:
    ledger = NoisyLedger(ROWS)
    tried(ledger, step(7), -900.0)
    tried(ledger, step(7, power=-1.0), -500.0)
    assert not ledger.is_closed(step(8))
    assert ledger.is_closed(step(8, power=-1.0))


def test_the_same_law_with_other_numbers_stays_sure() -> None:
    ledger = NoisyLedger(ROWS)
    noted(ledger, step(1), -100.0, gain=SURE)
    noted(ledger, step(2), -102.0, gain=0.0)
    assert ledger.is_sure
    noted(ledger, step(3), -200.0, gain=0.0)
    assert not ledger.is_sure


def test_grown_stacks_of_costly_numbers_are_not_snapped() -> None:
    for ledger in (NoisyLedger(ROWS), PrintedLedger(ROWS)):
        assert tried(ledger, step(4), -500.0, numbers=300.0) == 0
        assert tried(ledger, step(4), -600.0, numbers=20.0) == 1
    assert tried(NoisyLedger(ROWS), step(4, grown=False), -500.0, numbers=300.0) == 1


def test_a_printed_law_is_followed_by_few_longer_shapes_or_none() -> None:
    for gain, after in ((SURE, 0), (0.0, SHAPES_AFTER)):
        ledger = PrintedLedger(ROWS)
        noted(ledger, step(2), 30.0, gain=gain, inside=True)
        assert not ledger.is_closed(step(2 + after))
        assert ledger.is_closed(step(3 + after))


def test_printed_shapes_end_where_none_is_better() -> None:
    ledger = PrintedLedger(ROWS)
    tried(ledger, step(1), 900.0)
    tried(ledger, step(2), 800.0)
    shapes = [step(terms, grown=False) for terms in range(2, 4 + IDLE_SHAPES)]
    closed = [ledger.is_closed(one_step) for one_step in shapes]
    assert closed == [k >= IDLE_SHAPES for k in range(len(shapes))]


def test_noise_that_hides_the_digits_ends_random_starts_at_once() -> None:
    ledger = PrintedLedger(ROWS)
    tried(ledger, step(1), 900.0)
    tried(ledger, step(2), 899.5)
    assert ledger.is_closed(step(2, grown=False))
    few = PrintedLedger(10)
    tried(few, step(1), 900.0)
    tried(few, step(2), 899.5)
    assert not few.is_closed(step(2, grown=False))
