"""Published cells, trained as published: few steps here, so only what is easy is solved."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from problems import law

from nalu_cli.errors import UsageError
from nalu_cli.experiments.benchmark_file import PUBLISHED, SUITES, read_suite
from nalu_cli.experiments.known_law import Part
from nalu_cli.experiments.operations import groups_of, operation_law
from nalu_cli.experiments.plan import operation_trials
from nalu_cli.experiments.protocol import Protocol, course_of
from nalu_cli.experiments.published_run import _Log, _Run, _Stream, batches, run_batch
from nalu_cli.experiments.trial import Conditions, Outcome, Trial
from nalu_cli.experiments.written_formula import in_doubles, read_formula
from nalu_cli.settings import CellName, FitSettings


def trials(
    suite: str, cell: CellName, *operations: str, seeds: int = 2, steps: int = 2000
) -> list[Trial]:
    fit = FitSettings(cell=cell, threads=1)
    conditions = Conditions(fit=fit, protocol=Protocol.PAPER, steps=steps)
    chosen = read_suite(Path(PUBLISHED), suite)
    return operation_trials(chosen, range(seeds), conditions, operations=operations)


def of(case: str, given: list[Trial]) -> tuple[Trial, ...]:
    return tuple(trial for trial in given if trial.labels[1] == case)


def outcomes(suite: str, cell: CellName, operation: str, case: str = "1..2") -> list[Outcome]:
    (batch,) = batches(of(case, trials(suite, cell, operation)))
    return run_batch(batch)


@pytest.mark.parametrize(
    ("cell", "operation"),
    [(CellName.NMU, "mul"), (CellName.NRU, "div"), (CellName.NMRU, "div"), (CellName.NMRU, "mul")],
)
def test_cells_that_are_told_the_operation_solve_it(cell: CellName, operation: str) -> None:
    for outcome in outcomes("mistry_single", cell, operation):
        assert outcome.error == ""
        assert outcome.recovered
        assert outcome.steps is not None
        assert outcome.test_error is not None
        assert outcome.test_error < 1e-8
        assert outcome.sparsity == pytest.approx(0, abs=1e-6)
        assert outcome.verdict is None


@pytest.mark.parametrize(
    ("cell", "operation"),
    [(CellName.NAU, "mul"), (CellName.NMU, "div"), (CellName.NALU, "mul"), (CellName.NALU, "div")],
)
def test_what_a_cell_cannot_do_or_learn_in_time_is_not_solved(
    cell: CellName, operation: str
) -> None:
    for outcome in outcomes("mistry_single", cell, operation, "-2..2"):
        assert outcome.error == ""
        assert not outcome.recovered
        assert outcome.steps is None


def test_a_run_does_not_depend_on_the_others_of_its_batch() -> None:
    given = of("1..2", trials("madsen_four", CellName.NMU, "mul", seeds=3, steps=300))
    together, (alone,) = run_batch(given), run_batch(given[1:2])
    assert together[1].test_error == pytest.approx(alone.test_error, rel=1e-3)
    assert together[1].sparsity == pytest.approx(alone.sparsity, rel=1e-3)
    assert len({outcome.test_error for outcome in together}) == 3


@pytest.mark.parametrize("suite", ["mistry_single_10", "madsen_static", "division_spreads"])
def test_streamed_rows_obey_the_law(suite: str) -> None:
    batch = tuple(trials(suite, CellName.NALU, "div"))[:4]
    task = batch[0].task
    assert task is not None
    stream = _Stream(batch, course_of(task))
    stream.next()
    X, y = (tensor.double().numpy() for tensor in stream.next())
    for trial, rows, target in zip(batch, X, y, strict=True):
        value = in_doubles(read_formula(trial.law.formula, trial.law.names), trial.law.names)
        np.testing.assert_allclose(value(rows), target, rtol=1e-4)
        assert trial.task is not None
        for low, high in trial.task.parts(Part.TRAIN, 0)[:1]:
            assert rows.min() >= low - 1e-6 * abs(low)
            assert rows.max() <= high + 1e-6 * abs(high)


def test_batches_hold_what_can_be_trained_together() -> None:
    given = trials("mistry_single", CellName.NALU, "add", "mul", seeds=3)
    found = batches(given)
    assert sorted(len(batch) for batch in found) == [27, 27]
    assert sorted(t.law.name for batch in found for t in batch) == sorted(t.law.name for t in given)
    many = batches(trials("madsen_static", CellName.NALU, "add", seeds=25))
    assert sum(map(len, many)) == 25
    assert max(map(len, many)) < 25


def test_a_formula_has_no_published_protocol() -> None:
    trial = Trial(law=law("a*b", "a", "b"), seed=0, labels=("s", "1"), conditions=Conditions())
    with pytest.raises(UsageError, match="no published protocol for formulas"):
        batches([trial])


def test_whatever_goes_wrong_is_in_the_outcomes(monkeypatch: pytest.MonkeyPatch) -> None:
    batch = of("1..2", trials("mistry_single", CellName.NAU, "add"))

    def broken(*args: object) -> None:
        raise ZeroDivisionError("no")

    monkeypatch.setattr("nalu_cli.experiments.published_run._Run", broken)
    assert [outcome.error for outcome in run_batch(batch)] == ["ZeroDivisionError: no"] * 2


def note(log: _Log, step: int, valid: list[float], test: list[float], sparsity: float) -> None:
    log.note(step, np.array(valid), np.array(test), np.full(len(valid), sparsity))


def test_the_checkpoint_that_does_best_near_by_counts() -> None:
    log = _Log(3, np.array([1.0, 1.0, 1.0]))
    note(log, 0, [5.0, 5.0, np.nan], [9.0, 0.5, 0.1], 0.4)
    note(log, 10, [2.0, 2.0, np.inf], [0.5, 9.0, 0.1], 0.2)
    note(log, 20, [3.0, 3.0, np.nan], [0.1, 0.1, np.nan], 0.1)
    assert log.success.tolist() == [True, False, True]
    assert log.solved_at.tolist() == [10, 0, 0]
    assert log.sparsity.tolist() == [0.2, 0.2, 0.2]
    assert log.in_a_row.tolist() == [2, 1, 0]


def test_a_run_that_gets_nowhere_is_stuck() -> None:
    log = _Log(3, np.ones(3))
    for step, falling in enumerate((900.0, 500.0, 200.0, 90.0, 30.0, 10.0)):
        assert not log.stuck().any()
        note(log, step, [50.0, falling, 0.5], [1.0, 1.0, 1.0], 0.0)
    assert log.stuck().tolist() == [True, False, False]
    log.forget(log.stuck())
    assert not log.stuck().any()


def test_a_cell_that_is_stuck_starts_again() -> None:
    stuck = trials("mistry_single", CellName.INALU, "mul", seeds=1, steps=40)
    run = _Run(of("10..20", stuck))
    before = run.stack.theta.clone()
    for step in range(8):
        run.log.note(step, np.array([1e4]), np.array([1e9]), np.array([0.0]))
    run._look(8)
    assert not np.allclose(run.stack.theta, before)
    assert run.log.history == [[]]


def test_every_published_task_has_a_law() -> None:
    for name in json.loads(SUITES.read_text(encoding="utf-8"))["suites"]:
        suite = read_suite(Path(PUBLISHED), name)
        for case in suite.cases:
            for task in case.tasks:
                groups = groups_of(task, 1)
                assert operation_law(task, 1, case.name, name).names
                assert max(max(group) for group in groups) < task.inputs
