"""From no number set to all: the likeliest settings are extended at a time."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from nalu_cli.snapping.extension import STANDARD_ERRORS, Extender, Proposal, Setting, Trial
from nalu_cli.snapping.fitting import clipped, fit
from nalu_cli.snapping.line import Line
from nalu_cli.snapping.model import Model
from nalu_cli.snapping.surprise import LONGER, surprise

__all__ = ["Beam"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

UNNAMED = 1.0
"""Bits of a number without a name beside those of the digits that the rows tell. *Guess:* half of
all coefficients have a name."""

WIDTH = 12
"""Settings that are kept at a time. *Measured:* of 396 printed power laws 370 come back with 1, 395
with 4, 12 and 24; some of few rows and digits take more than 8."""

WIDTH_OF_MANY, FEW_NUMBERS = 3, 12
"""The same where there are many numbers, and how many are few. *Guess:* a formula with many is a
fit, which has no one short setting."""

BEHIND = 12.0
"""Bits by which a setting may be less likely than the best one, and be kept. *Measured:* with 8 as
many of those power laws come back; *Guess:* the rest is for few rows."""

FITTED = 2
"""Settings that are fitted at a time for each one that is kept. *Guess.*"""

NARROWER, NARROWEST = 0.1, 3e-5
"""What intervals are multiplied by when none of their cheapest values fits, and the last ones, in
standard errors. *Guess:* some decimal of a few digits more is always inside all cells."""

PATIENT = 4
"""Steps in a row that a fit may fail in far from where it starts. *Guess.*"""


class Beam:
    """The search for the cheapest setting of all numbers.

    Parameters
    ----------
    model : Model
    exponents_alone : bool
        Whether coefficients keep all their digits.
    """

    def __init__(self, model: Model, *, exponents_alone: bool) -> None:
        self.model = model
        count = len(model.places)
        self.to_set: Bools = model.exponent if exponents_alone else np.ones(count, dtype=bool)
        self.width = WIDTH if count <= FEW_NUMBERS else WIDTH_OF_MANY
        reachable = model.bound.allowed(0.0, np.zeros(1))
        theta, measure = fit(
            model, model.theta[None], np.ones((1, count), dtype=bool), reachable, patience=PATIENT
        )
        line = self._lines(theta, [()])[0]
        expected = line.bits + model.bound.bits(line.squares)
        self.root = Setting(theta[0], float(measure[0]), (), line, expected)
        # a number without a name keeps the digits that the rows tell
        known = np.array([surprise(error) for error in line.errors])
        self.unnamed: Floats = np.maximum(known, 0.0) + UNNAMED
        self.extender = Extender(model, self.to_set, self.unnamed)

    def is_complete(self, setting: Setting) -> bool:
        """Whether all numbers are set that must be."""
        return self.model.bound.keeps_reals or not self._is_open(setting)

    def best(self, stop: Callable[[], bool]) -> Setting | None:
        """The cheapest setting of all numbers, or the likeliest of some where there is none.

        Parameters
        ----------
        stop : callable
            Asked between rounds.

        Returns
        -------
        Setting or None
            None where no numbers are within the bound.
        """
        bound, root = self.model.bound, self.root
        if root.measure > bound.allowed(root.measure, np.zeros(1))[0]:
            return None
        best = root if root.measure <= bound.most else None
        kept, width, seen = [root], STANDARD_ERRORS, set[frozenset[Trial]]()
        while kept and not stop():
            found = self._extended(kept, width, seen)
            if not found and not bound.keeps_reals and width * NARROWER >= NARROWEST:
                width *= NARROWER
                continue
            width = STANDARD_ERRORS
            for setting in found:
                # what was let pass on the way must be inside in the end
                if setting.measure <= bound.most and self._is_better(setting, best):
                    best = setting
            kept = [one for one in found if self._is_open(one) and self._may_beat(one, best)]
        return best

    def _is_open(self, setting: Setting) -> bool:
        return bool(self.to_set[setting.line.free].any())

    def _is_better(self, one: Setting, best: Setting | None) -> bool:
        if best is None:
            return True
        if self.is_complete(one) != self.is_complete(best):
            return self.is_complete(one)
        if self.model.bound.keeps_reals or not self.is_complete(one):
            named = len(one.trials) - len(best.trials)
            return one.expected < best.expected + LONGER * named
        return (one.bits, one.expected) < (best.bits, best.expected)

    def _may_beat(self, one: Setting, best: Setting | None) -> bool:
        if best is None or not self.is_complete(best):
            return True
        if one.expected > best.expected + BEHIND:
            return False
        return self.model.bound.keeps_reals or one.bits < best.bits

    def _extended(
        self, kept: list[Setting], width: float, seen: set[frozenset[Trial]]
    ) -> list[Setting]:
        """The likeliest settings of more numbers that are within the bound."""
        proposals = [p for setting in kept for p in self.extender.proposals(setting, width)]
        new: list[Proposal] = []
        for proposal in sorted(proposals, key=lambda p: p.expected):
            trials = frozenset(proposal.trials)
            if trials not in seen:
                seen.add(trials)
                new.append(proposal)
        found: list[Setting] = []
        if kept == [self.root]:
            found = self._fitted(self.extender.bold(self.root), patience=PATIENT)
        for start in range(0, len(new), FITTED * self.width):
            least = min((setting.expected for setting in found), default=math.inf)
            part = new[start : start + FITTED * self.width]
            part = [p for p in part if p.expected <= least + BEHIND]
            if not part or len(found) >= self.width:
                break
            found += self._fitted(part)
        found.sort(key=lambda setting: setting.expected)
        return [s for s in found[: self.width] if s.expected <= found[0].expected + BEHIND]

    def _fitted(self, proposals: list[Proposal], *, patience: int = 2) -> list[Setting]:
        """Those that are within the bound."""
        if not proposals:
            return []
        model, trials = self.model, [p.trials for p in proposals]
        thetas = np.array([p.parent.theta for p in proposals])
        # the others first follow as the linear model has it
        moves = np.array([p.moves(model) for p in proposals])
        thetas[:, model.at] += clipped(model, thetas, moves)
        saved = np.array([self._saved(p) for p in proposals])
        for r, p in enumerate(proposals):
            for trial in p.new:
                thetas[r, model.at[trial.number]] = trial.value
        limit = model.bound.allowed(np.array([p.parent.measure for p in proposals]), saved)
        free = np.array([self._free(some) for some in trials])
        thetas, measure = fit(model, thetas, free, limit, patience=patience)
        within = np.flatnonzero(measure <= limit)
        lines = self._lines(thetas[within], [trials[r] for r in within])
        return [
            Setting(
                thetas[r],
                float(measure[r]),
                trials[r],
                line,
                line.bits + self.extender.bits(trials[r], line.squares),
            )
            for r, line in zip(within, lines, strict=True)
        ]

    def _saved(self, proposal: Proposal) -> float:
        """Bits that new values save beside numbers that keep the digits that the rows tell.

        Numbers that can stand in for one another are each told badly while all are free, and well
        once the others are set.
        """
        new, line = proposal.new, proposal.parent.line
        at_first = sum(float(self.unnamed[trial.number]) for trial in new)
        known = max(at_first, line.bits_of_places(line.places([trial.number for trial in new])))
        return known - sum(trial.bits for trial in new)

    def _free(self, trials: Sequence[Trial]) -> Bools:
        free = np.ones(len(self.model.places), dtype=bool)
        free[[trial.number for trial in trials]] = False
        return free

    def _lines(self, thetas: Floats, trials: Sequence[Sequence[Trial]]) -> list[Line]:
        """The linear models around settings."""
        if not len(thetas):
            return []
        residuals, traces = self.model.residuals(thetas)
        slopes, scales = self.model.slopes(thetas, traces), self.model.scales(thetas)
        return [
            Line(slopes[k], residuals[k], scales[k], np.flatnonzero(self._free(some)))
            for k, some in enumerate(trials)
        ]
