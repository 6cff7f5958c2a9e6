"""Weighs and refines what the strategies find, as late as it may."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from nalu_cli.circuit import Circuit
from nalu_cli.circuit.constants import constants_of, without_constants
from nalu_cli.expression.complexity import complexity, digits_of_constants
from nalu_cli.fitting.likelihood import agreement, misfit_bits, tolerance
from nalu_cli.judge.description_length import has_few_constants
from nalu_cli.judge.judged import Judged, errors_on, weigh
from nalu_cli.numerics.criterion import DEVIANCE
from nalu_cli.problem import Problem
from nalu_cli.refine.refine import refine, rewritten
from nalu_cli.search.candidate import Candidate
from nalu_cli.search.climbed import Climbed, Clock
from nalu_cli.search.schedule import Turn
from nalu_cli.search.strategy import Cost
from nalu_cli.settings import FitSettings
from nalu_cli.snapping.bound import Printed
from nalu_cli.snapping.evidence import shorten_numbers

__all__ = ["Refining"]

SYMBOLS_OF_A_REAL = 4
"""*Guess:* symbols that a constant costs at most until it is named."""

LIKELY_NAMED = 6
"""*Guess:* constants of one formula at most that may turn out to have names."""

LIKELY_SHORTENED = 8
"""*Guess:* symbols that a shorter form of a formula may save."""

ONE_FUNCTION = 1e-9
"""*Guess:* squared distance of the values of two formulas, as a share of the sum of their squared
residuals, up to which they are one function: constants that are named are equal, and those that are
fitted to all rows converge further than this."""

MOST_COMPARED = 200
"""*Guess:* rows at most on which the values of formulas are compared."""

NEARLY_INSIDE = 30.0
"""*Guess:* half-widths that a printed row may be off before numbers are looked for that keep it
inside; a least-squares fit of a right formula is off by two at most."""

NEARLY = 1e-7
"""*Guess:* relative error below which a circuit is refined as a law without noise: no measurement
is as precise, and constants with eight right digits seldom make a larger one."""


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

    def is_open_to_named(self, rough: Judged) -> bool:
        """Whether it may win once its constants are fitted to all rows and named.

        Until then the far rows tell little: a constant that is slightly off moves them most.
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
        """Whether a shorter form is worth looking for; of one function only in shorter formulas."""
        if not has_few_constants(circuit):
            return False  # a fit: rewriting takes long and numbers without names do not cancel
        named = weigh(circuit, self.problem, found_by="")
        best, rewritten = self.climbed.best, self.climbed.rewritten
        function = self._function(named)
        if named.complexity >= rewritten.get(function, math.inf):
            return False
        if best is not None and named.score - LIKELY_SHORTENED * self._symbol > best.score:
            return False
        rewritten[function] = named.complexity
        return True

    def _function(self, named: Judged) -> int:
        """A number for the function that a formula computes, whatever form it has."""
        rows = self.problem.inner_rows()
        some = np.linspace(0, len(rows) - 1, min(MOST_COMPARED, len(rows))).astype(int)
        values = named.circuit.evaluate(rows.X[some])
        allowance = ONE_FUNCTION * len(some) * named.rmse**2
        known = self.climbed.functions.find(values, allowance)
        return self.climbed.functions.add(values) if known is None else known


@dataclass(slots=True)
class Refining:
    """Weighs and refines what the strategies find, what is not exact as late as it may.

    Most laws are found in moments, and to name and rewrite what only comes close takes longer.
    """

    problem: Problem
    settings: FitSettings
    climbed: Climbed
    clock: Clock
    waiting: list[Judged] = field(default_factory=list)

    def offer(self, found: Candidate, turn: Turn) -> None:
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
        rough = weigh(circuit, self.problem, found_by=turn.name, moves=found.moves)
        if turn.strategy.cost is Cost.INSTANT and self._sigma(circuit) is not None:
            self.waiting.append(rough)
            return
        refined = self._fitted(rough) if found.is_snapped else self._refined(rough)
        self.climbed.candidates.append(refined)
        if refined.is_law:
            self.climbed.shortest = min(self.climbed.shortest, rough.complexity)

    def take_up(self) -> None:
        """Add those that wait to the candidates.

        Once there is an exact one they are only shown; when the time is over, the best of them is
        refined.
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

    def _rewritten(self, rough: Judged) -> Judged:
        """One that agrees with every printed row, as a person would write it."""
        rows = self.problem.own_rows()
        circuit = rewritten(rough.circuit, rows, length=_length, stop=self.clock.over)
        if circuit == rough.circuit:
            return rough
        found = weigh(circuit, self.problem, found_by=rough.found_by, moves=rough.moves)
        return found if found.is_law else rough

    def _inside(self, rough: Judged) -> Judged | None:
        """With numbers that keep every row inside what is printed, if there are any."""
        rows = self.problem.own_rows()
        if rows.half_y is None or agreement(rough.circuit, rows) > NEARLY_INSIDE:
            return None
        enclosed = shorten_numbers(
            rough.circuit, rows, Printed(tolerance(rough.circuit, rows)), stop=self.clock.over
        )
        if enclosed is None:
            return None
        return weigh(enclosed.circuit, self.problem, found_by=rough.found_by, moves=rough.moves)

    def _refined(self, rough: Judged) -> Judged:
        inside = self._inside(rough)
        return self._fitted(rough if inside is None or not inside.is_law else inside)

    def _fitted(self, rough: Judged) -> Judged:
        """Its constants fitted and named, unless they are short already, and its form shortened."""
        if rough.is_exact_as_printed:
            return self._rewritten(rough)
        sigma = self._sigma(rough.circuit)
        contest = None if sigma is None else _Contest(self.problem, self.climbed)
        if contest is not None and not contest.is_open_to_named(rough):
            return rough
        # noise hides much, so every row counts in which formula it is, see `judge.verdict`
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
