"""Which rungs, in which order, on what budget; the best so far at any time."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from nalu_cli.answer import Progress, Watch
from nalu_cli.circuit import Circuit, Unit, UnitKind
from nalu_cli.circuit.constants import constants_of, without_constants
from nalu_cli.expression.complexity import complexity, digits_of_constants
from nalu_cli.fitting.likelihood import PRINTED, agreement, misfit_bits, tolerance
from nalu_cli.judge.candidate import Candidate, errors_on, weigh
from nalu_cli.judge.description_length import has_few_constants
from nalu_cli.judge.selection import pick
from nalu_cli.numerics.criterion import DEVIANCE
from nalu_cli.problem import Problem
from nalu_cli.refine.refine import refine, rewritten
from nalu_cli.search.candidate import Found
from nalu_cli.search.patience import Patience
from nalu_cli.search.rungs import rungs_of
from nalu_cli.search.strategy import Rung
from nalu_cli.settings import Effort, FitSettings
from nalu_cli.snapping.bound import Printed
from nalu_cli.snapping.evidence import settle

__all__ = ["Climbed", "climb", "seconds_of"]

SECONDS = {Effort.QUICK: 5.0, Effort.NORMAL: 25.0, Effort.THOROUGH: 300.0}
"""Time limit of each effort when the user gives none."""

SHORT = 20
"""An exact formula of this complexity ends the climb; after a longer one its rung is finished."""

SYMBOLS_OF_A_REAL = 4
LIKELY_NAMED = 6
"""What a constant costs at most until it is named, and how many may turn out to have names."""

LIKELY_SHORTENED = 8
"""Symbols that a shorter form of a formula may save."""

NEARLY_INSIDE = 30.0
"""Half-widths that a printed row may be off before numbers are looked for that keep it inside.
*Guess:* a least-squares fit of a right formula is off by two at most."""

NEARLY = 1e-7
"""Relative error below which a circuit is refined as a law without noise."""


@dataclass(slots=True)
class Climbed:
    """Where the climb ended.

    Parameters
    ----------
    candidates : list of Candidate
        Everything weighed.
    restarts : int
        Random starts trained.
    shortest : float
        Least complexity, before it was refined, of a circuit that turned out to be exact.
    rewritten : dict of str to int
        Of the errors of formulas under noise that a shorter form was looked for, the complexity.
    interrupted : bool
        Whether it was stopped before it was done.
    """

    candidates: list[Candidate] = field(default_factory=list)
    restarts: int = 0
    shortest: float = math.inf
    rewritten: dict[str, int] = field(default_factory=dict)
    interrupted: bool = False

    @property
    def best(self) -> Candidate | None:
        """The pick of the candidates so far."""
        return pick(self.candidates)

    @property
    def is_decided(self) -> bool:
        """Whether there is an exact one, as printed or to the last bit."""
        return self.best is not None and self.best.is_law

    @property
    def agrees_as_printed(self) -> bool:
        """Whether the best agrees with every printed row, be it by chance."""
        return self.best is not None and self.best.kind in PRINTED


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


def seconds_of(settings: FitSettings) -> float:
    """How long a climb may take."""
    return settings.time_limit or SECONDS[settings.effort]


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
    clock = _Clock(seconds_of(settings), stop)
    climbed = Climbed([weigh(_constant(problem), problem, found_by="constant")])
    if climbed.candidates[0].is_law:
        return climbed
    patience = Patience(problem)
    refining = _Refining(problem, settings, climbed, clock)
    for step, rung in enumerate(rungs_of(problem, settings)):
        if not rung.instant:
            refining.take_up()
        _report(watch, climbed, clock, problem, rung.name, step)
        for found in _offers(rung, clock):
            climbed.restarts += found.restarts
            refining.offer(found, rung)
            best = climbed.best
            enough = best is not None and best.is_law and best.complexity <= SHORT
            if enough or clock.over():
                break
        if climbed.is_decided or clock.over() or patience.spent(climbed.best, rung):
            break
        if rung.pause and climbed.agrees_as_printed:
            break  # no formula can agree better, and few rows will not tell more by waiting
    refining.take_up()
    climbed.interrupted = clock.interrupted() and not climbed.is_decided
    return climbed


def _is_permitted(circuit: Circuit, settings: FitSettings) -> bool:
    """Whether a circuit has no constants and powers but those the settings allow."""
    values = constants_of(circuit).values()
    if not settings.constants and any(abs(value) != 1 for value in values):
        return False
    powers = (t.weight for unit in circuit.units() for t in unit.terms)
    return not settings.ternary or all(abs(power) == 1 for power in powers)


def _length(circuit: Circuit) -> float:
    """Symbols of a formula, and digits of its constants."""
    return complexity(circuit) + digits_of_constants(circuit)


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
) -> None:
    if watch is None:
        return
    best = climbed.best
    far = errors_on(best.circuit, problem.far) if best is not None else None
    size = float(np.std(problem.far.y)) if len(problem.far) else 0.0
    error = far.rmse / size if far is not None and far.rmse is not None and size > 0 else None
    circuit = best.circuit if best is not None else None
    done = (rung, step, climbed.restarts, problem.names)
    watch(Progress(*done, circuit, error, clock.seconds, clock.left))


def _offers(rung: Rung, clock: _Clock) -> Iterator[Found]:
    """What a rung finds until its numbers give out: one matrix must not end the climb."""
    try:
        yield from rung.search(clock.over)
    except np.linalg.LinAlgError:
        return


@dataclass(frozen=True, slots=True)
class _Contest:
    """Whether a formula under noise may still become the best one."""

    problem: Problem
    climbed: Climbed

    @property
    def _rows(self) -> int:
        return len(self.problem.own_rows())

    @property
    def _symbol(self) -> float:
        return math.log(self._rows)

    def is_open_to_named(self, rough: Candidate) -> bool:
        """Ask before constants are fitted to all rows and get names.

        Until then the far rows say little: a constant that is slightly off moves them most.
        """
        best = self.climbed.best
        if best is None or rough.rmse == 0:
            return True
        inner = self.problem.inner_rows()
        misfit = DEVIANCE * misfit_bits(rough.circuit, inner, rough.kind) / len(inner)
        hoped = self._rows * misfit + rough.complexity * self._symbol
        named = min(len(constants_of(rough.circuit)), LIKELY_NAMED) * SYMBOLS_OF_A_REAL
        return hoped - named * self._symbol <= best.score

    def is_open_to_shortened(self, circuit: Circuit) -> bool:
        """Ask, once, before a shorter form is looked for; of equal formulas only shorter ones."""
        if not has_few_constants(circuit):
            return False  # a fit: rewriting takes long and numbers without names do not cancel
        named = weigh(circuit, self.problem, found_by="")
        best, rewritten = self.climbed.best, self.climbed.rewritten
        error = f"{named.rmse:.9e}"
        if named.complexity >= rewritten.get(error, math.inf):
            return False
        if best is not None and named.score - LIKELY_SHORTENED * self._symbol > best.score:
            return False
        rewritten[error] = named.complexity
        return True


@dataclass(slots=True)
class _Refining:
    """Weighs and refines what the rungs offer, what is not exact as late as it may.

    Most laws are found in moments, and to name and rewrite what only comes close takes longer.
    """

    problem: Problem
    settings: FitSettings
    climbed: Climbed
    clock: _Clock
    waiting: list[Candidate] = field(default_factory=list)

    def offer(self, found: Found, rung: Rung) -> None:
        """Add an offer to the candidates, now or later, if it can compete and is permitted."""
        circuit = found.circuit
        if not self.settings.constants:
            # what is fitted is never exactly 1
            circuit = without_constants(circuit)
        if complexity(circuit) >= self.climbed.shortest:
            return
        if not _is_permitted(circuit, self.settings):
            return
        if errors_on(circuit, self.problem.train).rmse is None:
            return
        rough = weigh(circuit, self.problem, found_by=rung.name, moves=found.moves)
        if rung.instant and self._sigma(circuit) is not None:
            self.waiting.append(rough)
            return
        refined = self._fitted(rough) if found.is_snapped else self._refined(rough)
        self.climbed.candidates.append(refined)
        if refined.is_law:
            self.climbed.shortest = min(self.climbed.shortest, rough.complexity)

    def take_up(self) -> None:
        """Add those that wait to the candidates.

        Beside an exact one they are only shown; when the time is over, the best of them is refined.
        """
        decided = self.climbed.is_decided
        promising = min(self.waiting, key=lambda rough: rough.score, default=None)
        for rough in self.waiting:
            late = self.clock.over() and rough is not promising
            self.climbed.candidates.append(rough if decided or late else self._refined(rough))
        self.waiting.clear()

    def _sigma(self, circuit: Circuit) -> float | None:
        """The noise if this is the law; None if it fits like one without noise."""
        train = self.problem.train
        rmse = errors_on(circuit, train).rmse or 0.0
        return None if rmse <= NEARLY * float(np.std(train.y)) else rmse

    def _rewritten(self, rough: Candidate) -> Candidate:
        """One that agrees with every printed row, as a person would write it."""
        rows = self.problem.own_rows()
        circuit = rewritten(rough.circuit, rows, length=_length, stop=self.clock.over)
        if circuit == rough.circuit:
            return rough
        found = weigh(circuit, self.problem, found_by=rough.found_by, moves=rough.moves)
        return found if found.is_law else rough

    def _inside(self, rough: Candidate) -> Candidate | None:
        """With numbers that keep every row inside what is printed, if there are any."""
        rows = self.problem.own_rows()
        if rows.half_y is None or agreement(rough.circuit, rows) > NEARLY_INSIDE:
            return None
        settled = settle(
            rough.circuit, rows, Printed(tolerance(rough.circuit, rows)), stop=self.clock.over
        )
        if settled is None:
            return None
        return weigh(settled.circuit, self.problem, found_by=rough.found_by, moves=rough.moves)

    def _refined(self, rough: Candidate) -> Candidate:
        inside = self._inside(rough)
        return self._fitted(rough if inside is None or not inside.is_law else inside)

    def _fitted(self, rough: Candidate) -> Candidate:
        """Its constants fitted and named, unless they are short already, and its form shortened."""
        if rough.is_exact_as_printed:
            return self._rewritten(rough)
        sigma = self._sigma(rough.circuit)
        contest = None if sigma is None else _Contest(self.problem, self.climbed)
        if contest is not None and not contest.is_open_to_named(rough):
            return rough
        # noise hides much: every row has a say in which formula it is, see `judge.verdict`
        rows = self.problem.train if sigma is None else self.problem.own_rows()
        try:
            refined = refine(
                rough.circuit,
                rows,
                sigma=sigma,
                others=self.problem.far,
                worthwhile=None if contest is None else contest.is_open_to_shortened,
                stop=self.clock.over,
            )
        except (OverflowError, ValueError, np.linalg.LinAlgError):
            return rough  # a constant left the range of doubles on the way
        if not _is_permitted(refined.circuit, self.settings):
            return rough  # fitted constants, where none are allowed
        return weigh(
            refined.circuit,
            self.problem,
            found_by=rough.found_by,
            moves=rough.moves,
            standard_errors=refined.standard_errors,
        )
