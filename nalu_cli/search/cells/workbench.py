"""The workbench of trained stacks: they are scaled, polished, snapped, and scaled back."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from nalu_cli.circuit.relaxed import Relaxed, RelaxedLayer
from nalu_cli.fitting.levenberg_marquardt import evaluate_relaxed
from nalu_cli.problem import Problem
from nalu_cli.problem.scaling import Scale
from nalu_cli.rows import Rows
from nalu_cli.search.candidate import Candidate
from nalu_cli.settings import CellName, FitSettings
from nalu_cli.snapping.allowed_values import AllowedValues
from nalu_cli.snapping.snap import Snapped, snap

__all__ = ["Workbench"]

ROWS_PER_WEIGHT = 3
"""Number of rows for each weight of a stack that is polished. *Guess:* enough to determine it."""

SNAP_ROWS = 128
"""Least number of rows that stacks are snapped on. *Guess:* a poor choice of few rows misleads."""

NOISY_ROWS = 512
"""Least number of rows where noise must be told from structure. *Guess:* its size is then known to
a few percent."""

SNAPPED = 10
"""Number of stacks that are snapped, the best. *Guess:* snapping takes longer than polishing."""

LARGE_STACK = 120
"""Number of weights beyond which a third as many stacks are snapped. *Guess:* the time grows with
the square of the weights, at least."""


class Workbench:
    """The problem in scaled units, and the way from stacks in these to circuits in the user's.

    Parameters
    ----------
    problem : Problem
    settings : FitSettings
    log : bool
        Whether logarithms of the target are compared.
    """

    def __init__(self, problem: Problem, settings: FitSettings, *, log: bool) -> None:
        self.names = problem.names
        self.settings = settings
        # without constants, as in a published cell, nothing could take the scale back
        scaled = settings.constants and settings.cell is CellName.AUTO
        self.scale = Scale.of(problem.train) if scaled else Scale.none(problem.train)
        self.scaled = self.scale.down(problem.train)
        self.log = log

    def rows(self, most: int) -> Rows:
        """At most so many of the scaled rows, the same ones each time."""
        if len(self.scaled) <= most:
            return self.scaled
        order = np.random.default_rng(self.settings.seed).permutation(len(self.scaled))
        chosen = np.sort(order[:most])
        return Rows(self.scaled.X[chosen], self.scaled.y[chosen])

    def snap(
        self,
        relaxed: Relaxed,
        stop: Callable[[], bool],
        *,
        steps: int,
        allowed: AllowedValues | None = None,
    ) -> list[Snapped]:
        """Polish and snap a batch.

        Parameters
        ----------
        relaxed : Relaxed
            R stacks of scaled columns.
        stop : callable
            Asked between steps; True ends the search.
        steps : int
            Number of steps of the polish before the snap.
        allowed : AllowedValues, optional
            Instead of those of the settings.

        Returns
        -------
        list of Snapped
            Best first.
        """
        size = sum(layer.weights[0].size for layer in relaxed.layers)
        most = max(SNAP_ROWS, ROWS_PER_WEIGHT * size)
        rows = self.rows(most)
        more = self.rows(max(most, NOISY_ROWS))
        if self.log and allowed is None:
            relaxed = _calibrated(relaxed, rows)
        constants, ternary = self.settings.constants, self.settings.ternary
        return snap(
            relaxed,
            rows.X,
            rows.y,
            log=self.log,
            keep=SNAPPED if size <= LARGE_STACK else SNAPPED // 3,
            polish_steps=steps,
            allowed=allowed or AllowedValues.of(ternary=ternary, constants=constants),
            names=self.names,
            more=(more.X, more.y) if len(more) > len(rows) else None,
            stop=stop,
        )

    def found(self, snapped: list[Snapped], restarts: int) -> Iterator[Candidate]:
        """Circuits in the user's units."""
        for k, one in enumerate(snapped):
            try:
                circuit = self.scale.up(one.circuit)
            except (OverflowError, ValueError):
                continue  # a constant that no double can hold in the user's units
            yield Candidate(circuit, one.moves, restarts if k == 0 else 0)


def _calibrated(relaxed: Relaxed, rows: Rows) -> Relaxed:
    """Stacks whose last product is scaled so that the logarithms agree on average."""
    with np.errstate(all="ignore"):
        logs = np.log(np.abs(evaluate_relaxed(relaxed, rows.X)))
        gap = np.nan_to_num(np.log(np.abs(rows.y)) - logs).mean(axis=1)
    *below, last = relaxed.layers
    constant = last.constant * np.exp(np.clip(gap, -300, 300))[:, None]
    return Relaxed((*below, RelaxedLayer(last.kind, last.weights, constant)), relaxed.loss)
