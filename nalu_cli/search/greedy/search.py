"""Formulas grown by one term or factor at a time, where it explains most of the residuals."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from nalu_cli.circuit import Circuit
from nalu_cli.expression.canonical import expression_of
from nalu_cli.expression.edits import (
    LARGEST_POWER,
    bent,
    largest_power,
    length_of,
    shorter,
    skeleton,
    tidy,
)
from nalu_cli.expression.fitted_tree import ROUNDING, FittedTree, constants, fit_tree, spots
from nalu_cli.expression.to_circuit import circuit_of
from nalu_cli.expression.tree import Column, Node, Number, Product, Sum
from nalu_cli.numerics.seen_functions import SeenFunctions
from nalu_cli.problem import Problem
from nalu_cli.problem.scaling import Scale
from nalu_cli.rows import Rows
from nalu_cli.search.candidate import Candidate
from nalu_cli.search.greedy.proposals import Proposer
from nalu_cli.search.greedy.rewrites import regroupings
from nalu_cli.search.strategy import Context, Cost, Example, Stop, Strategy

__all__ = ["GREEDY"]

Floats = NDArray[np.float64]

SCREENED = 200
"""*Guess:* rows on which it is seen what a change of a formula would gain."""

LARGEST = 50
"""*Guess:* of the screened rows, those with the largest targets, which tell the most where targets
spread over decades."""

TRIED = 30
"""*Guess:* proposed changes of one formula that are fitted on the screened rows."""

KEPT = 6
"""*Guess:* changes of one formula that are fitted on all rows, the best on the screened ones."""

REWRITTEN = 4
"""*Guess:* best formulas, at each price of a constant, that are written in other forms."""

REGROUPED = 2
"""*Guess:* how often a formula is written in other forms, and these again."""

FORMS = 3
"""*Guess:* other forms of one formula that are fitted on all rows."""

STEPS = 5
"""*Guess:* Gauss-Newton steps of a fit on the screened rows, which only ranks the changes."""

LEAST_GAIN = 1e-3
"""*Guess:* share of the misfit that a further step of a fit on the screened rows must gain."""

MOST_GROWN = 10
"""*Guess:* formulas that growing starts from."""

MOST_EXPANDED = 16
"""*Guess:* formulas that are changed, from each start."""

PATIENCE = 5
"""*Guess:* formulas changed in a row without a better score after which a start is given up."""

LONGEST = 50
"""*Guess:* symbols of the longest formula that is grown; a longer one would not be read."""

ROWS_PER_CONSTANT = 4
"""*Guess:* with fewer rows for each constant a formula has a pole or a root for every row that is a
little off."""

GAIN = 1.0
"""*Guess:* a formula is better if its score is lower by this; a symbol costs five on 150 rows."""

SHARE = 0.5
"""Of the time that is left when a formula is grown. *Guess:* longer stacks come after it."""

PRICES = (1, 4)
"""*Guess:* what a constant costs in symbols when the best are chosen: many constants turn out to
have short names, the others stay long."""

OFFERED = 24
"""*Guess:* formulas that are offered, at each price of a constant."""

ONE_FUNCTION = 1e-6
"""*Measured:* two fits are one function if the squared distance of their values is below this share
of the misfit. With 1e-8 and with 4e-5, on laws with 1 % noise, as many trees are fitted in all,
within 3 %, and the first formula is the same."""


def grown(
    rows: Rows,
    starts: Iterable[Circuit],
    *,
    stop: Stop = lambda: False,
) -> Iterator[Circuit]:
    """Formulas grown from simpler ones.

    Parameters
    ----------
    rows : Rows
        Training rows.
    starts : iterable of Circuit
        The best of each length are grown, and a constant.
    stop : callable
        Called before each formula is changed; True ends the search.

    Yields
    ------
    Circuit
        Best first, at each price of a constant.
    """
    scale = Scale.of(rows)
    garden = _Garden(scale.down(rows), rows.all_weights())
    garden.plant(map(expression_of, _scaled(starts, scale)))
    for start in garden.seedlings():
        garden.grow(start, stop)
    garden.regroup(stop)
    for node in garden.best(OFFERED):
        try:
            circuit = scale.up(circuit_of(node, rows.X.shape[1]))
            yield circuit_of(tidy(expression_of(circuit)), rows.X.shape[1])
        except (OverflowError, ValueError):
            continue  # an exponent or a constant beyond what a circuit holds


def _scaled(circuits: Iterable[Circuit], scale: Scale) -> Iterator[Circuit]:
    """Those that can be written in scaled columns."""
    for circuit in circuits:
        try:
            yield scale.back(circuit)
        except ValueError:
            continue  # a power of the scale is no double


class _Garden:
    """Formulas found so far, by their skeletons, and how new ones come from them."""

    def __init__(self, rows: Rows, weights: Floats) -> None:
        self.rows, self.weights = rows, weights
        some = _screened(rows.y * weights)
        self.some = Rows(rows.X[some], rows.y[some])
        self.some_weights = weights[some]
        self.proposer = Proposer(
            self.some,
            self.some_weights,
            inverses=np.all(rows.X != 0, axis=0),
            roots=np.all(rows.X > 0, axis=0),
        )
        self.found: dict[Node, FittedTree] = {}
        self.grown: set[Node] = set()
        self.functions: dict[int, SeenFunctions] = {}
        target = rows.y * weights
        self.rounding = 4 * ROUNDING**2 * float(target @ target)

    def plant(self, trees: Iterable[Node]) -> None:
        """Fit formulas to all rows, a constant among them."""
        for tree in (Number(float(np.median(self.rows.y)) or 1.0), *trees):
            self._keep(tree)

    def seedlings(self) -> list[Node]:
        """The shortest one, those that no shorter one fits as well as, and others."""
        by_length = sorted(
            self.found, key=lambda key: (length_of(self.found[key].node), self.found[key].misfit)
        )
        front, best = set(), math.inf
        for key in by_length:
            if self.found[key].misfit < best:
                front.add(key)
                best = self.found[key].misfit
        others = sorted(by_length, key=lambda key: (key not in front, self.found[key].score))
        return list(dict.fromkeys([*by_length[:1], *others]))[:MOST_GROWN]

    def grow(self, start: Node, stop: Stop) -> None:
        """Change the best formula in the ways that promise most, until nothing is gained."""
        waiting = {start}
        best, idle = math.inf, 0
        for _ in range(MOST_EXPANDED):
            waiting -= self.grown
            if stop() or not waiting or idle >= PATIENCE:
                return
            key = min(waiting, key=lambda key: self.found[key].score)
            self.grown.add(key)
            fitted = self.found[key]
            idle = 0 if fitted.score < best - GAIN else idle + 1
            best = min(best, fitted.score)
            kept = [self._keep(tree) for tree in self._changed(fitted.node)]
            waiting |= {key for key in kept if key is not None}

    def best(self, most: int) -> list[Node]:
        """So many with the best scores, at each price of a constant."""
        chosen: list[Node] = []
        for symbols in PRICES:
            price = (symbols - 1) * math.log(len(self.rows))
            order = sorted(
                self.found.values(), key=lambda f: f.score + price * len(constants(f.node))
            )
            chosen += [fitted.node for fitted in order[:most]]
        return list(dict.fromkeys(chosen))

    def _keep(self, tree: Node) -> Node | None:
        """Fit to all rows; its skeleton, if it is new and not too long."""
        try:
            tree = tidy(tree)
        except OverflowError:
            return None  # a power of a constant is beyond doubles
        if self._is_too_rich(tree):
            return None
        fitted = fit_tree(tree, self.rows, self.weights)
        if fitted is None:
            return None
        if self._is_known(fitted):
            return None
        key = skeleton(fitted.node)
        if key not in self.found or fitted.score < self.found[key].score:
            self.found[key] = fitted
        return key

    def _is_known(self, fitted: FittedTree) -> bool:
        """Whether a formula of the same length that computes the same was found before."""
        values = spots(fitted.node, self.some.X, self.some_weights).value * self.some_weights
        share = len(self.some) / len(self.rows)
        known = self.functions.setdefault(length_of(fitted.node), SeenFunctions())
        if known.find(values, share * max(ONE_FUNCTION * fitted.misfit, self.rounding)) is not None:
            return True
        known.add(values)
        return False

    def _is_too_rich(self, tree: Node) -> bool:
        most = max(1, len(self.rows) // ROWS_PER_CONSTANT)
        if length_of(tree) > LONGEST or len(constants(tree)) > most:
            return True
        return largest_power(tree) > LARGEST_POWER

    def _changed(self, tree: Node) -> list[Node]:
        """The best formulas one change away, fitted on the screened rows."""
        proposals = self.proposer.proposals(tree)[:TRIED]
        trials = [*(p.of(tree) for p in proposals), *shorter(tree), *bent(tree)]
        return [*self._fitted(trials)[:KEPT], *self._other_forms(tree)]

    def _fitted(self, trials: Iterable[Node]) -> list[Node]:
        """Those with a skeleton that is not known, fitted on the screened rows, best first."""
        fits = []
        seen: set[Node] = set()
        for trial in trials:
            key = skeleton(trial)
            if key in seen or key in self.found or self._is_too_rich(trial):
                continue
            seen.add(key)
            fitted = fit_tree(
                trial, self.some, self.some_weights, steps=STEPS, least_gain=LEAST_GAIN
            )
            if fitted is not None:
                fits.append(fitted)
        fits.sort(key=lambda f: f.score)
        return [f.node for f in fits]

    def regroup(self, stop: Stop) -> None:
        """Write the best ones in other forms, and these again."""
        for node in self.best(REWRITTEN):
            forms = [node]
            for _ in range(REGROUPED):
                if stop():
                    return
                keys = [self._keep(other) for form in forms for other in self._other_forms(form)]
                forms = [self.found[key].node for key in keys if key is not None]

    def _other_forms(self, tree: Node) -> list[Node]:
        return self._fitted(regroupings(tree, self.some, self.some_weights))[:FORMS]


def _screened(y: Floats) -> NDArray[np.intp]:
    """Rows spread evenly over the table, and those with the largest targets."""
    n = len(y)
    spread = np.linspace(0, n - 1, min(SCREENED - LARGEST, n)).astype(int)
    return np.union1d(spread, np.argsort(-np.abs(y), kind="stable")[:LARGEST])


def _search(problem: Problem, context: Context) -> Iterator[Candidate]:
    return map(Candidate, grown(problem.train, context.earlier, stop=context.stop))


# the law is a*b + c
_SUM_OF_PRODUCT = Product(((Column(0), Fraction(1)), (Column(1), Fraction(1))), 1.0)

GREEDY = Strategy(
    name="grown",
    summary="fitted: what the others found, one term or factor more at a time",
    cost=Cost.MINUTES,
    example=Example(
        circuit_of(Sum(((1.0, _SUM_OF_PRODUCT), (1.0, Column(2))), 0.0), 3), noise=0.01
    ),
    search=_search,
    share=SHARE,
)
