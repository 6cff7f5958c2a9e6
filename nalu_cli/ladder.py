"""Stage 3: which stacks are tried, in which order and with what budget; the best so far at any time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from nalu_cli.algebraic import product_rung, relations, sum_rung
from nalu_cli.answer import Move, Progress, Watch
from nalu_cli.circuit import Circuit, Unit, UnitKind
from nalu_cli.explore import Plan, starts
from nalu_cli.judge import Candidate, errors_on, pick, verdict, weigh
from nalu_cli.problem import Problem, Rows
from nalu_cli.refine import refine
from nalu_cli.scale import Scale
from nalu_cli.settings import CellName, Effort, FitSettings, Status
from nalu_cli.snap import AllowedValues, snap

__all__ = ["Climbed", "climb"]

SECONDS = {Effort.QUICK: 5.0, Effort.NORMAL: 25.0, Effort.THOROUGH: 300.0}
"""Time limit of each effort when the user gives none."""

RESTARTS = 64
BATCH_ROWS = 128
POLISH_STEPS = 40

PATIENCE = 5
"""Rungs without a better formula after which one within the noise is taken."""

NEARLY = 1e-7
"""Relative error below which a circuit is refined as a law without noise."""

PLANS = (
    Plan("M1"),
    Plan("A1"),
    Plan("A1 M1"),
    Plan("M2 A1"),
    Plan("M3 A1"),
    Plan("A2 M1"),
    Plan("M2 A1 M1"),
    Plan("M3 A1 M1"),
    Plan("M2 A2 M1"),
    Plan("M4 A2 M1"),
    Plan("A2 M2 A1"),
    Plan("A2 M2 A1", signed=False),
    Plan("A3 M1"),
    Plan("M5 A1"),
    Plan("M5 A1 M1"),
    Plan("M3 A2 M2 A1"),
    Plan("M3 A1 M1 A1"),
    Plan("M5 A1 M2 A1"),
    Plan("M4 A2 M2 A1"),
    Plan("A3 M3 A1 M1", signed=False),
    Plan("A4 M4 A2 M1", signed=False),
    Plan("M6 A3 M1"),
)
"""Stacks from simple to rich."""


@dataclass(frozen=True, slots=True)
class Found:
    """A circuit that a rung offers, with its snap table."""

    circuit: Circuit
    moves: tuple[Move, ...] = ()
    restarts: int = 0


@dataclass(frozen=True, slots=True)
class Rung:
    """One step of the ladder."""

    name: str
    search: Callable[[], Iterator[Found]]


@dataclass(slots=True)
class Climbed:
    """Where the climb ended.

    Parameters
    ----------
    candidates : list of Candidate
        Everything weighed.
    restarts : int
        Random starts trained.
    interrupted : bool
        Whether it was stopped before it was done.
    """

    candidates: list[Candidate] = field(default_factory=list)
    restarts: int = 0
    interrupted: bool = False

    @property
    def best(self) -> Candidate | None:
        """The pick of the candidates so far."""
        return pick(self.candidates)


class _Clock:
    """Asked everywhere whether to go on."""

    def __init__(self, limit: float, stop: Callable[[], bool] | None) -> None:
        self.start = time.monotonic()
        self.limit = limit
        self.stop = stop

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.start

    @property
    def left(self) -> float:
        return max(0.0, self.limit - self.seconds)

    def interrupted(self) -> bool:
        return self.stop is not None and self.stop()

    def over(self) -> bool:
        return self.interrupted() or not self.left


class _Patience:
    """Ends the climb when several rungs in a row do no better than a formula within the noise."""

    def __init__(self) -> None:
        self.best: Candidate | None = None
        self.rungs = 0

    def spent(self, climbed: Climbed, problem: Problem) -> bool:
        """Ask once after each rung."""
        best = climbed.best
        self.rungs = self.rungs + 1 if best is self.best else 0
        self.best = best
        if best is None or self.rungs < PATIENCE:
            return False
        return verdict(best, problem)[0] is Status.WITHIN_NOISE


def climb(
    problem: Problem,
    settings: FitSettings,
    *,
    watch: Watch | None = None,
    stop: Callable[[], bool] | None = None,
) -> Climbed:
    """Try one rung after another until a law is found or the time is up.

    Parameters
    ----------
    problem : Problem
    settings : FitSettings
    watch : callable, optional
        Told about every rung.
    stop : callable, optional
        Asked between steps; True ends the climb with the best so far.

    Returns
    -------
    Climbed
    """
    clock = _Clock(settings.time_limit or SECONDS[settings.effort], stop)
    climbed = Climbed([weigh(_constant(problem), problem, found_by="constant")])
    patience = _Patience()
    rungs = _rungs(problem, settings, clock)
    for step, rung in enumerate(rungs):
        _report(watch, climbed, clock, problem, rung.name, step, len(rungs))
        for found in rung.search():
            climbed.restarts += found.restarts
            candidate = _candidate(found, rung.name, problem, climbed)
            if candidate is not None:
                climbed.candidates.append(candidate)
                if candidate.is_exact:
                    return climbed
            if clock.over():
                break
        if clock.over() or patience.spent(climbed, problem):
            break
    climbed.interrupted = clock.interrupted()
    return climbed


def _constant(problem: Problem) -> Circuit:
    middle = float(np.median(problem.train.y)) if len(problem.train) else 0.0
    return Circuit(len(problem.names), ((Unit(UnitKind.SUM, (), middle),),))


def _report(
    watch: Watch | None,
    climbed: Climbed,
    clock: _Clock,
    problem: Problem,
    rung: str,
    step: int,
    steps: int,
) -> None:
    if watch is None:
        return
    best = climbed.best
    far = errors_on(best.circuit, problem.far) if best is not None else None
    size = float(np.std(problem.far.y)) if len(problem.far) else 0.0
    error = far.rmse / size if far is not None and far.rmse is not None and size > 0 else None
    circuit = best.circuit if best is not None else None
    watch(Progress(rung, step, steps, climbed.restarts, circuit, error, clock.seconds, clock.left))


def _candidate(
    found: Found, rung: str, problem: Problem, climbed: Climbed
) -> Candidate | None:
    """Refine and weigh what a rung offers, if it can compete."""
    errors = errors_on(found.circuit, problem.train)
    spread = float(np.std(problem.train.y))
    if errors.rmse is None:
        return None
    sigma = None if errors.rmse <= NEARLY * spread else errors.rmse
    rough = weigh(found.circuit, problem, found_by=rung, moves=found.moves)
    best = climbed.best
    if sigma is not None and best is not None and rough.score > best.score + 20:
        return rough
    refined = refine(found.circuit, problem.train, sigma=sigma)
    return weigh(
        refined.circuit,
        problem,
        found_by=rung,
        moves=found.moves,
        standard_errors=refined.standard_errors,
    )


def _rungs(problem: Problem, settings: FitSettings, clock: _Clock) -> list[Rung]:
    rungs = []
    rows = problem.train
    if not settings.train_only and settings.cell is CellName.AUTO:
        rungs += [
            Rung("product", lambda: (Found(c) for c in product_rung(rows))),
            Rung("sum", lambda: (Found(c) for c in sum_rung(rows))),
            Rung("algebraic", lambda: _algebraic(rows)),
        ]
    for cycle in range(1000):
        rungs += [_trained(problem, settings, plan, cycle, clock) for plan in PLANS]
        if clock.limit <= 60 * (cycle + 1):
            break
    return rungs


def _algebraic(rows: Rows) -> Iterator[Found]:
    for relation in relations(rows):
        for circuit in relation.circuits(rows):
            yield Found(circuit)


def _trained(
    problem: Problem, settings: FitSettings, plan: Plan, cycle: int, clock: _Clock
) -> Rung:
    def search() -> Iterator[Found]:
        scale = Scale.of(problem.train)
        rows = scale.down(_some_rows(problem.train, settings.seed))
        seed = (settings.seed, PLANS.index(plan), cycle)
        relaxed, free = starts(plan, len(problem.names), RESTARTS, seed)
        keeps_sign = bool((rows.y > 0).all() or (rows.y < 0).all())
        log = plan.layers.split()[-1][0] == "M" and keeps_sign
        allowed = (
            AllowedValues.ternary(constants=settings.constants)
            if settings.ternary
            else AllowedValues(constants=settings.constants)
        )
        snapped = snap(
            relaxed,
            rows.X,
            rows.y,
            log=log,
            polish_steps=POLISH_STEPS,
            allowed=allowed,
            names=problem.names,
            free=free,
            stop=clock.over,
        )
        for k, one in enumerate(snapped):
            yield Found(scale.up(one.circuit), one.moves, RESTARTS if k == 0 else 0)

    return Rung(f"trained {plan.name}", search)


def _some_rows(rows: Rows, seed: int) -> Rows:
    if len(rows) <= BATCH_ROWS:
        return rows
    chosen = np.sort(np.random.default_rng(seed).permutation(len(rows))[:BATCH_ROWS])
    return Rows(rows.X[chosen], rows.y[chosen])
