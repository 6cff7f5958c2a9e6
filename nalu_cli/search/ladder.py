"""The climb through the schedule: one turn after another, the best so far at any time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from nalu_cli.answer import Progress, Watch
from nalu_cli.circuit import Circuit, Unit, UnitKind
from nalu_cli.judge.judged import errors_on, weigh
from nalu_cli.problem import Problem
from nalu_cli.search.climbed import Climbed, Clock, Record, seconds_of
from nalu_cli.search.patience import Patience
from nalu_cli.search.refining import Refining
from nalu_cli.search.schedule import turns
from nalu_cli.search.strategy import Context, Cost
from nalu_cli.settings import FitSettings

__all__ = ["climb"]

SHORT = 20
"""An exact formula of this complexity ends the climb; after a longer one its turn is finished."""


def climb(
    problem: Problem,
    settings: FitSettings,
    *,
    watch: Watch | None = None,
    stop: Callable[[], bool] | None = None,
) -> Climbed:
    """Take one turn after another until a law is found or the time is up.

    Parameters
    ----------
    problem : Problem
    settings : FitSettings
    watch : callable, optional
        Told about every turn.
    stop : callable, optional
        Asked between steps; True ends the climb with the best so far.

    Returns
    -------
    Climbed
    """
    clock = Clock(seconds_of(settings), stop)
    climbed = Climbed([weigh(_constant(problem), problem, found_by="constant")])
    if climbed.candidates[0].is_law:
        return climbed
    patience = Patience(problem)
    refining = Refining(problem, settings, climbed, clock)
    record = Record(problem)
    for step, turn in enumerate(turns(problem, settings)):
        if turn.goes_on and not record.has_paused(turn):
            continue
        if turn.strategy.cost is not Cost.INSTANT:
            refining.take_up()
        _report(watch, climbed, clock, problem, turn.name, step)
        context = Context(
            settings, turn.cycle, record.of(turn.problem), clock.part(turn.strategy.share)
        )
        for found in record.candidates(turn, context):
            climbed.restarts += found.restarts
            refining.offer(found, turn)
            best = climbed.best
            enough = best is not None and best.is_law and best.complexity <= SHORT
            if enough or clock.over():
                break
        if climbed.is_decided or clock.over() or patience.spent(climbed.best, turn):
            break
        if turn.may_end and climbed.agrees_as_printed:
            break  # no formula can agree better, and few rows will not tell more by waiting
    refining.take_up()
    climbed.interrupted = clock.interrupted() and not climbed.is_decided
    return climbed


def _constant(problem: Problem) -> Circuit:
    middle = float(np.median(problem.train.y)) if len(problem.train) else 0.0
    return Circuit(len(problem.names), ((Unit(UnitKind.SUM, (), middle),),))


def _report(
    watch: Watch | None,
    climbed: Climbed,
    clock: Clock,
    problem: Problem,
    turn: str,
    step: int,
) -> None:
    if watch is None:
        return
    best = climbed.best
    far = errors_on(best.circuit, problem.far) if best is not None else None
    size = float(np.std(problem.far.y)) if len(problem.far) else 0.0
    error = far.rmse / size if far is not None and far.rmse is not None and size > 0 else None
    circuit = best.circuit if best is not None else None
    done = (turn, step, climbed.restarts, problem.names)
    watch(Progress(*done, circuit, error, clock.seconds, clock.remaining))
