"""All stages in their order, from a table to an answer."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeGuard

import numpy as np
from threadpoolctl import threadpool_limits

from nalu_cli.answer import EVERY, Answer, Constant, Evidence, Progress, Watch
from nalu_cli.answer.points import points_of
from nalu_cli.circuit.constants import constants_of
from nalu_cli.errors import UsageError
from nalu_cli.expression.closed_form import TIGHT, Named, name_constant
from nalu_cli.judge.judged import Judged, errors_on
from nalu_cli.judge.rivals import rivals_of
from nalu_cli.judge.selection import front
from nalu_cli.judge.verdict import fitted_on_all_rows, fitted_on_training_rows, verdict
from nalu_cli.judge.whole_table import Check, checked, holds, revised, shortfall
from nalu_cli.problem import Problem, pose
from nalu_cli.problem.subsample import Excerpt, complete_blocks, excerpt_of, most_rows
from nalu_cli.search.climbed import Climbed, seconds_of
from nalu_cli.search.ladder import climb
from nalu_cli.settings import Device, FitSettings, Status
from nalu_cli.snapping.gates import gate_caveats
from nalu_cli.snapping.snap_table import snap_table
from nalu_cli.storage.model_file import installed_versions
from nalu_cli.table import LongTable, Table

__all__ = ["fit_table"]

PROBES = 8
"""Rows saved with the model, to check on reading that the circuit still computes the same."""

MOST_REFITS = 2
"""How often the rows of a long table that a formula does not explain are fitted as well."""

SHORTEST_CLIMB = 1.0
"""Seconds that must be left for it."""

TEST = "test"
"""The key of `Answer.errors` for the rows of a file of the user's own."""


def fit_table(
    table: Table | LongTable,
    target: str,
    settings: FitSettings | None = None,
    *,
    inputs: Sequence[str] | None = None,
    ignore: Sequence[str] = (),
    test: Table | LongTable | None = None,
    sigma: str | None = None,
    watch: Watch | None = None,
    stop: Callable[[], bool] | None = None,
) -> Answer:
    """Find the arithmetic formula of a column.

    Of a table with more than some ten thousand rows an excerpt is fitted, and every row is compared
    with the formula. Rows it does not explain are fitted too, and if they cannot be, less is
    claimed.

    Parameters
    ----------
    table : Table or LongTable
    target : str
        Column to explain.
    settings : FitSettings, optional
    inputs : sequence of str, optional
        Columns the formula may use; all numeric ones when left out.
    ignore : sequence of str
        Columns it may not use.
    test : Table or LongTable, optional
        Rows to measure extrapolation on, in place of the outermost rows.
    sigma : str, optional
        Column of standard errors of the target, in `test` too; no formula may use it.
    watch : callable, optional
        Receives a `Progress` at every step.
    stop : callable, optional
        Asked between steps; True ends the search with the best formula so far.

    Returns
    -------
    Answer

    Raises
    ------
    UsageError
        A column that does not exist, or standard errors beside a relative noise.
    DataError
        A table that cannot be used.
    ResourceError
        A device that is not there.
    """
    settings = settings or FitSettings()
    if sigma is not None and settings.noise is not None:
        raise UsageError(
            "--sigma and --noise were both given",
            remedy="Choose one of them: an error for each row, or one for all.",
        )
    if settings.device is Device.CUDA:
        from nalu_cli.training.train import check_device

        # most fits end before anything is trained
        check_device(settings.device)
    request = _Request(target, settings, inputs, ignore, sigma, watch, stop)
    # the matrices are small: more BLAS threads would cost time and change the last bits
    with threadpool_limits(limits=1), np.errstate(all="ignore"):
        if _is_short(table) and (test is None or _is_short(test)):
            return _fitted(request, table, test)
        return _fitted_in_part(request, table, test)


@dataclass(slots=True)
class _Request:
    """What `fit_table` was asked for, and the time that went by."""

    target: str
    settings: FitSettings
    inputs: Sequence[str] | None
    ignore: Sequence[str]
    sigma: str | None
    watch: Watch | None
    stop: Callable[[], bool] | None
    start: float = field(default_factory=time.perf_counter)
    climbing: float = 0.0

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self.start

    @property
    def may_go_on(self) -> bool:
        """Whether a second climb is worth its beginning."""
        stopped = self.stop is not None and self.stop()
        return not stopped and self.climbing + SHORTEST_CLIMB < seconds_of(self.settings)

    def reporter(self, doing: str, answer: Answer | None = None) -> Callable[[int], None]:
        """What hears how many rows were looked at, and passes it on."""
        names = () if answer is None else answer.names
        circuit = None if answer is None else answer.circuit

        def hear(rows: int) -> None:
            if self.watch is not None:
                self.watch(Progress(doing, 0, 0, names, circuit, None, self.seconds, None, rows))

        return hear


def _is_short(table: Table | LongTable) -> TypeGuard[Table]:
    return isinstance(table, Table) and len(table) <= most_rows(len(table.names) - 1)


def _fitted(request: _Request, table: Table, test: Table | None) -> Answer:
    settings = request.settings
    problem = pose(
        table,
        request.target,
        settings,
        inputs=request.inputs,
        ignore=request.ignore,
        test=test,
        sigma=request.sigma,
    )
    begun = time.perf_counter()
    left = replace(settings, time_limit=seconds_of(settings) - request.climbing)
    climbed = climb(problem, left, watch=request.watch, stop=request.stop)
    request.climbing += time.perf_counter() - begun
    return _answer(problem, climbed, settings, request.seconds)


def _fitted_in_part(
    request: _Request, table: Table | LongTable, test: Table | LongTable | None
) -> Answer:
    part = _excerpt(request, table, request.target, request.inputs, request.ignore)
    *columns, target = part.table.names
    if request.sigma is not None:
        columns.remove(part.table.resolve(request.sigma))
    other = None if test is None else _excerpt(request, test, target, columns)
    tested = None if other is None else other.table
    answer = _fitted(request, part.table, tested)
    if not part.is_whole:
        answer = _borne_out(request, answer, part, table, tested)
    if test is not None and other is not None and not other.is_whole:
        check = _compared(request, answer, test, other.table)
        answer = revised(answer, check, TEST)
    return replace(answer, seconds=request.seconds)


def _excerpt(
    request: _Request,
    table: Table | LongTable,
    target: str,
    inputs: Sequence[str] | None,
    ignore: Sequence[str] = (),
) -> Excerpt:
    report = request.reporter("reading")
    return excerpt_of(
        table,
        target,
        request.settings.seed,
        inputs=inputs,
        ignore=ignore,
        sigma=request.sigma,
        stop=request.stop,
        report=report,
    )


def _borne_out(
    request: _Request,
    answer: Answer,
    part: Excerpt,
    table: Table | LongTable,
    test: Table | None,
) -> Answer:
    """The answer that explains most rows; what one of them leaves is fitted as well."""
    check = _compared(request, answer, table, part.table)
    best = answer, check
    for _ in range(MOST_REFITS):
        if holds(answer, check, EVERY) or not check.is_finished or not request.may_go_on:
            break
        part = part.and_also(check.rows, check.lines)
        answer = _fitted(request, part.table, test)
        check = _compared(request, answer, table, part.table)
        best = min(best, (answer, check), key=lambda found: shortfall(*found))
    return revised(*best, EVERY)


def _compared(request: _Request, answer: Answer, table: Table | LongTable, part: Table) -> Check:
    typical = float(np.median(np.abs(part.columns[:, -1])))
    return checked(
        answer,
        complete_blocks(table, part.names),
        part.names,
        typical,
        stop=request.stop,
        report=request.reporter("comparing", answer),
    )


def _answer(problem: Problem, climbed: Climbed, settings: FitSettings, seconds: float) -> Answer:
    best = climbed.best
    assert best is not None  # the constant is always there
    tested = fitted_on_training_rows(best, problem)
    status, noise, caveats = verdict(tested, problem)
    far = TEST if problem.far_is_test else "far"
    # the errors are those of the constants that were fitted without the held-out rows
    errors = {
        name: errors_on(tested.circuit, rows)
        for name, rows in (("train", problem.train), ("near", problem.near), (far, problem.far))
    }
    rivals = rivals_of(climbed.candidates, best, problem)
    best = fitted_on_all_rows(best, problem) if status is Status.WITHIN_NOISE else tested
    probe = problem.train.X[:PROBES]
    moves = best.moves or snap_table(best.circuit, problem.train, problem.names)
    return Answer(
        names=problem.names,
        target=problem.target,
        circuit=best.circuit,
        status=status,
        complexity=best.complexity,
        errors=errors,
        noise=noise,
        constants=_constants(best),
        front=front(climbed.candidates, problem),
        evidence=Evidence(best.found_by, climbed.restarts, moves),
        low=tuple(map(float, problem.box.low)),
        high=tuple(map(float, problem.box.high)),
        median=tuple(map(float, problem.box.median)),
        probe_X=probe,
        probe_y=best.circuit.evaluate(probe),
        points=points_of(best.circuit, problem),
        caveats=(*caveats, *gate_caveats(moves), *problem.notes),
        settings=settings,
        interrupted=climbed.interrupted,
        seconds=seconds,
        versions=installed_versions(),
        rivals=rivals,
        precision=dict(problem.precision),
    )


def _constants(best: Judged) -> tuple[Constant, ...]:
    found = []
    for place, value in constants_of(best.circuit).items():
        error = best.standard_errors.get(place)
        finite = error if error is not None and np.isfinite(error) else None
        known = None if best.is_exact else finite
        named = _believed_name(value, known or 0.0)
        found.append(
            Constant(
                value,
                named.text if named is not None else None,
                named.odds if named is not None else None,
                known,
            )
        )
    return tuple(found)


def _believed_name(value: float, error: float) -> Named | None:
    """The name of a value, if one so short is hardly chance for what the rows tell of the value."""
    named = name_constant(value, tolerance=max(TIGHT, abs(error / value)))
    if named is None or not math.isclose(named.value, value, rel_tol=TIGHT):
        return None
    return named
