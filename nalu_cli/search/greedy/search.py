"""Formulas grown by one term or factor at a time, where the rows ask for it most."""

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
from nalu_cli.expression.fitted_tree import FittedTree, constants, fit_tree
from nalu_cli.expression.to_circuit import circuit_of
from nalu_cli.expression.tree import Column, Node, Number, Product, Sum
from nalu_cli.problem import Problem
from nalu_cli.problem.scaling import Scale
from nalu_cli.rows import Rows
from nalu_cli.search.candidate import Found
from nalu_cli.search.greedy.proposals import Proposer
from nalu_cli.search.greedy.rewrites import regroupings
from nalu_cli.search.strategy import Context, Cost, Example, Stop, Strategy

__all__ = ["GREEDY"]

Floats = NDArray[np.float64]

SCREENED, LARGEST = 200, 50
"""Rows on which it is seen what a change would gain; of them so many with the largest targets,
which say the most where targets spread over decades."""

TRIED, KEPT = 30, 6
"""Changes of a formula that are fitted on these rows, and of these on all."""

REWRITTEN = 4
REGROUPED, FORMS = 2, 3
"""How many of the best, at each price, are written in other forms, how often, and in how many."""

STEPS, LEAST_GAIN = 5, 1e-3
"""Gauss-Newton steps of a first fit, and the share of the misfit that a further one must gain."""

MOST_GROWN = 10
MOST_EXPANDED, PATIENCE = 16, 5
"""Formulas that are started from, and changed from each start, and in vain."""

LONGEST = 50
ROWS_PER_CONSTANT = 4
"""With fewer a formula has a pole or a root for every row that is a little off."""

GAIN = 1.0
"""Of score, by which growing goes on."""

SHARE = 0.5
"""Of the time that is left when a formula is grown. *Guess:* longer stacks come after it."""

PRICES = (1, 4)
OFFERED = 24
"""So many are offered for each price of a constant in symbols."""


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
        Asked before each formula is changed.

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
        some = _telling(rows.y * weights)
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
        self.scores: set[str] = set()

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
        """Change the best formula in every way that the rows ask for, until nothing is gained."""
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
        """Fit to all rows; the key it is found under, if it is new and not too long."""
        try:
            tree = tidy(tree)
        except OverflowError:
            return None  # a power of a constant is beyond doubles
        if self._is_too_rich(tree):
            return None
        fitted = fit_tree(tree, self.rows, self.weights)
        if fitted is None:
            return None
        score = f"{fitted.score:.2f}"
        if score in self.scores:
            return None  # the same formula in another form
        self.scores.add(score)
        key = skeleton(fitted.node)
        if key not in self.found or fitted.score < self.found[key].score:
            self.found[key] = fitted
        return key

    def _is_too_rich(self, tree: Node) -> bool:
        most = max(1, len(self.rows) // ROWS_PER_CONSTANT)
        if length_of(tree) > LONGEST or len(constants(tree)) > most:
            return True
        return largest_power(tree) > LARGEST_POWER

    def _changed(self, tree: Node) -> list[Node]:
        """The best formulas one change away, fitted on some rows."""
        proposals = self.proposer.proposals(tree)[:TRIED]
        trials = [*(p.of(tree) for p in proposals), *shorter(tree), *bent(tree)]
        return [*self._fitted(trials)[:KEPT], *self._other_forms(tree)]

    def _fitted(self, trials: Iterable[Node]) -> list[Node]:
        """Those of another kind than all that are known, fitted on some rows, best first."""
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


def _telling(y: Floats) -> NDArray[np.intp]:
    """Rows spread evenly over the table, and those with the largest targets."""
    n = len(y)
    spread = np.linspace(0, n - 1, min(SCREENED - LARGEST, n)).astype(int)
    return np.union1d(spread, np.argsort(-np.abs(y), kind="stable")[:LARGEST])


def _search(problem: Problem, context: Context) -> Iterator[Found]:
    return map(Found, grown(problem.train, context.earlier, stop=context.stop))


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
