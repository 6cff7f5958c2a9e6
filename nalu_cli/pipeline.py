"""Stage 10: all stages in their order, from a table to an answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np
from threadpoolctl import threadpool_limits

from nalu_cli.answer import Answer, Constant, Evidence, Watch
from nalu_cli.constants import name_constant
from nalu_cli.gates import gate_caveats
from nalu_cli.judge import Candidate, errors_on, front, verdict
from nalu_cli.ladder import Climbed, climb
from nalu_cli.model_file import installed_versions
from nalu_cli.moves import snap_table
from nalu_cli.points import points_of
from nalu_cli.problem import Problem, pose
from nalu_cli.refit import constants_of
from nalu_cli.settings import Device, FitSettings
from nalu_cli.table import Table

__all__ = ["fit_table"]

PROBES = 8
"""Rows saved with the model, to check on reading that the circuit still computes the same."""


def fit_table(
    table: Table,
    target: str,
    settings: FitSettings | None = None,
    *,
    inputs: Sequence[str] | None = None,
    ignore: Sequence[str] = (),
    test: Table | None = None,
    watch: Watch | None = None,
    stop: Callable[[], bool] | None = None,
) -> Answer:
    """Find the arithmetic formula of a column.

    Parameters
    ----------
    table : Table
    target : str
        Column to explain.
    settings : FitSettings, optional
    inputs : sequence of str, optional
        Columns the formula may use; all numeric ones when left out.
    ignore : sequence of str
        Columns it may not use.
    test : Table, optional
        Rows to measure extrapolation on, in place of the outermost rows.
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
        A column that does not exist.
    DataError
        A table that cannot be used.
    ResourceError
        A device that is not there.
    """
    settings = settings or FitSettings()
    if settings.device is Device.CUDA:
        from nalu_cli.train import check_device

        # most fits end before anything is trained
        check_device(settings.device)
    start = time.perf_counter()
    # the matrices are small: more BLAS threads would cost time and change the last bits
    with threadpool_limits(limits=1), np.errstate(all="ignore"):
        problem = pose(table, target, settings, inputs=inputs, ignore=ignore, test=test)
        climbed = climb(problem, settings, watch=watch, stop=stop)
        return _answer(problem, climbed, settings, time.perf_counter() - start)


def _answer(problem: Problem, climbed: Climbed, settings: FitSettings, seconds: float) -> Answer:
    best = climbed.best
    assert best is not None  # the constant is always there
    status, noise, caveats = verdict(best, problem)
    far = "test" if problem.far_is_test else "far"
    probe = problem.train.X[:PROBES]
    moves = best.moves or snap_table(best.circuit, problem.train, problem.names)
    return Answer(
        names=problem.names,
        target=problem.target,
        circuit=best.circuit,
        status=status,
        complexity=best.complexity,
        errors={
            "train": errors_on(best.circuit, problem.train),
            "near": errors_on(best.circuit, problem.near),
            far: errors_on(best.circuit, problem.far),
        },
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
    )


def _constants(best: Candidate) -> tuple[Constant, ...]:
    found = []
    for place, value in constants_of(best.circuit).items():
        named = name_constant(value)
        error = best.standard_errors.get(place)
        finite = error if error is not None and np.isfinite(error) else None
        found.append(
            Constant(
                value,
                named.text if named is not None else None,
                named.odds if named is not None else None,
                None if best.is_exact else finite,
            )
        )
    return tuple(found)
