"""When a formula within the noise is enough."""

from __future__ import annotations

import numpy as np

from nalu_cli.fitting.likelihood import stands_out
from nalu_cli.judge.judged import Judged
from nalu_cli.judge.verdict import verdict
from nalu_cli.problem import Problem
from nalu_cli.search.schedule import FEW_ROWS, Turn
from nalu_cli.search.strategy import Cost
from nalu_cli.settings import Status
from nalu_cli.snapping.surprise import surprise_of

__all__ = ["Patience"]

PATIENCE = 4
"""*Guess:* turns without a better formula after which one within the noise is taken."""

PLAIN = 25
"""*Guess:* largest complexity of a formula within the noise that may end the climb before every
strategy has had its turn."""

SURE = 12.0
"""*Derived:* bits by which the numbers of a formula must be shorter than chance makes them: one
imitation in 4096 has such numbers."""


class Patience:
    """Ends the climb when several turns in a row do no better than a formula within the noise.

    With few rows nearly everything is within some noise, and a long formula fits what a shorter one
    explains: then all strategies have their turn first.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.best: Judged | None = None
        self.idle = 0

    def spent(self, best: Judged | None, turn: Turn) -> bool:
        """Whether the climb may end; called once after each turn."""
        if best is not self.best:
            self.best, self.idle = best, 0
        elif turn.strategy.cost is not Cost.INSTANT:
            self.idle += 1
        if best is None or not turn.may_end:
            return False
        is_searched = turn.strategy.is_exhaustive and self._is_sure(best)
        if self.idle < PATIENCE and not is_searched:
            return False
        if turn.cycle == 0 and (len(self.problem.train) < FEW_ROWS or best.complexity > PLAIN):
            return False
        return verdict(best, self.problem)[0] is Status.WITHIN_NOISE

    def _is_sure(self, best: Judged) -> bool:
        """Whether no row is off by what noise never is, and no imitation has such short numbers."""
        rows = self.problem.own_rows()
        if not best.rmse > 0:
            return True
        if stands_out(best.circuit.evaluate(rows.X) - rows.y):
            return False
        return surprise_of(best.circuit, rows, np.full(len(rows), best.rmse)) >= SURE
