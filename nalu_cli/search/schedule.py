"""The schedule: which strategies run on what, in which order, and where the climb may end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from nalu_cli.problem import Problem
from nalu_cli.search.cells.search import CELLS_1, CELLS_2_1, CELLS_3_3_1, CELLS_4_1
from nalu_cli.search.greedy.search import GREEDY
from nalu_cli.search.linear.bilinear import PRODUCT_OF_SUMS
from nalu_cli.search.linear.product_and_sum import PRODUCT, SUM
from nalu_cli.search.outlying_term.search import OUTLYING_TERM
from nalu_cli.search.reductions.add_root_column import ADD_IMPLIED_ROOT, ADD_ROOT_OF_SIGNS
from nalu_cli.search.reductions.divide_by_monomial import DIVIDE_BY_MONOMIAL
from nalu_cli.search.reductions.reduction import Reducer, Reduction, followed_by
from nalu_cli.search.relations.null_space import LARGE_NULL_SPACE, NULL_SPACE
from nalu_cli.search.relations.sparse_relations import MORE_SPARSE_RELATIONS, SPARSE_RELATIONS
from nalu_cli.search.stacks.search import STACKS
from nalu_cli.search.strategy import Strategy, Trains
from nalu_cli.settings import CellName, FitSettings

__all__ = ["FEW_ROWS", "REDUCERS", "SCHEDULE", "STRATEGIES", "Step", "Turn", "When", "turns"]

FEW_ROWS = 150
"""With fewer rows nearly every formula is within noise of some size: sparse relations are looked
for, and a formula within the noise waits until every strategy has had its turn. *Guess.*"""

MOST_CYCLES = 100
"""How often the last step comes at most, each time from other random starts. *Guess:* the time
limit ends every climb long before."""


class When(Enum):
    """Of which problems a step is taken."""

    ALWAYS = "always"
    PRINTED = "printed table"
    UNPRINTED = "table of doubles"
    FEW_ROWS = "few rows"
    CELL = "published cell"
    REPEATED = "again and again"


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the schedule.

    Parameters
    ----------
    strategies : tuple of Strategy
        In their order.
    on : tuple of (Reducer or None)
        What they run on: each problem the reducers find, None standing for the whole problem.
    when : When
    may_end : bool
        Whether the climb may end after it with a formula within the noise.
    goes_on : bool
        Whether only strategies that have paused go on.
    """

    strategies: tuple[Strategy, ...]
    on: tuple[Reducer | None, ...] = (None,)
    when: When = When.ALWAYS
    may_end: bool = True
    goes_on: bool = False


WHOLE = None

MONOMIAL = DIVIDE_BY_MONOMIAL
ROOT_OF_SIGNS = followed_by(ADD_ROOT_OF_SIGNS, MONOMIAL)
IMPLIED_ROOT = followed_by(ADD_IMPLIED_ROOT, MONOMIAL)

ALGEBRA = (PRODUCT, SUM, PRODUCT_OF_SUMS, NULL_SPACE)
CELLS = (CELLS_1, CELLS_2_1, CELLS_4_1, CELLS_3_3_1)

# No closed form explains printed cells to rounding, so their stacks come first. After algebra the
# climb does not end within the noise: a longer formula may be much closer. Long stacks wait until
# terms with poles were looked for and formulas were grown: nothing else finds those.
SCHEDULE: tuple[Step, ...] = (
    Step(CELLS, when=When.CELL),
    Step((STACKS,), when=When.PRINTED),
    Step(ALGEBRA, may_end=False),
    Step(ALGEBRA, on=(ROOT_OF_SIGNS, MONOMIAL, IMPLIED_ROOT), may_end=False),
    Step((STACKS,), when=When.UNPRINTED),
    Step((OUTLYING_TERM,)),
    Step((STACKS, OUTLYING_TERM), on=(ROOT_OF_SIGNS, MONOMIAL)),
    Step((SPARSE_RELATIONS,), on=(WHOLE, ROOT_OF_SIGNS, MONOMIAL), when=When.FEW_ROWS),
    Step((LARGE_NULL_SPACE,)),
    Step((GREEDY,)),
    Step((STACKS,), on=(WHOLE, ROOT_OF_SIGNS, MONOMIAL), goes_on=True),
    Step((STACKS,), on=(WHOLE, ROOT_OF_SIGNS, MONOMIAL), goes_on=True),
    Step((MORE_SPARSE_RELATIONS,), when=When.FEW_ROWS),
    Step((STACKS, *CELLS), when=When.REPEATED),
)

STRATEGIES: tuple[Strategy, ...] = tuple(
    dict.fromkeys(strategy for step in SCHEDULE for strategy in step.strategies)
)

REDUCERS: tuple[Reducer, ...] = tuple(
    dict.fromkeys(place for step in SCHEDULE for place in step.on if place is not WHOLE)
)


@dataclass(frozen=True, slots=True)
class Turn:
    """A strategy on a problem: what the climb takes one after another.

    Parameters
    ----------
    strategy : Strategy
    problem : Problem
        The whole one, or the reduced one.
    reduction : Reduction or None
        What makes its solutions those of the whole problem.
    cycle : int
        How often the strategy has had its turn before, with other random starts.
    may_end : bool
        Whether the climb may end after it with a formula within the noise.
    goes_on : bool
        Whether it is taken only where the strategy has paused.
    name : str
        As shown to people.
    """

    strategy: Strategy
    problem: Problem
    reduction: Reduction | None
    cycle: int
    may_end: bool
    goes_on: bool
    name: str


def turns(problem: Problem, settings: FitSettings) -> Iterator[Turn]:
    """The schedule for a problem, from simple to rich.

    Parameters
    ----------
    problem : Problem
    settings : FitSettings
        A cell, a number of layers, or training alone leave out what they do not allow.

    Yields
    ------
    Turn
    """
    reduced: dict[Reducer, tuple[Reduction, ...]] = {}
    for step in SCHEDULE:
        if not _is_taken(step.when, problem, settings):
            continue
        strategies = [one for one in step.strategies if _is_allowed(one, settings)]
        for cycle in range(1, MOST_CYCLES) if step.when is When.REPEATED else (0,):
            for reduction in _places(step, problem, settings, reduced):
                for strategy in strategies:
                    yield _turn(step, strategy, problem, reduction, cycle, settings)


def _is_taken(when: When, problem: Problem, settings: FitSettings) -> bool:
    match when:
        case When.CELL:
            return settings.cell is not CellName.AUTO
        case When.PRINTED:
            return problem.train.half_y is not None
        case When.UNPRINTED:
            return problem.train.half_y is None
        case When.FEW_ROWS:
            return len(problem.train) < FEW_ROWS
    return True


def _is_allowed(strategy: Strategy, settings: FitSettings) -> bool:
    if settings.layers is not None and strategy.layers not in (None, settings.layers):
        return False
    if settings.cell is not CellName.AUTO:
        return strategy.trains is Trains.CELLS
    return strategy.trains is not Trains.NOTHING or not _trains_alone(settings)


def _trains_alone(settings: FitSettings) -> bool:
    return settings.train_only or settings.layers is not None or settings.cell is not CellName.AUTO


def _places(
    step: Step,
    problem: Problem,
    settings: FitSettings,
    reduced: dict[Reducer, tuple[Reduction, ...]],
) -> Iterator[Reduction | None]:
    """The reductions a step runs on, None for the whole problem; each is made when it is needed."""
    for reducer in step.on:
        if reducer is WHOLE:
            yield None
        elif not _trains_alone(settings):
            if reducer not in reduced:
                reduced[reducer] = tuple(reducer.reduce(problem))
            yield from reduced[reducer]


def _turn(
    step: Step,
    strategy: Strategy,
    problem: Problem,
    reduction: Reduction | None,
    cycle: int,
    settings: FitSettings,
) -> Turn:
    name = strategy.name.format(cell=settings.cell)
    if reduction is None:
        return Turn(strategy, problem, None, cycle, step.may_end, step.goes_on, name)
    name = f"{name} {reduction.name}"
    return Turn(strategy, reduction.problem, reduction, cycle, step.may_end, step.goes_on, name)
