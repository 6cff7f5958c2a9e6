"""Stage 3: the rungs, linear algebra first, then stacks from random starts, simple to rich."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from functools import cache, partial
from typing import TYPE_CHECKING

import numpy as np

from nalu_cli.allowed import AllowedValues
from nalu_cli.domain import rooted
from nalu_cli.explore import Plan, factor_starts, size_of, starts
from nalu_cli.factors import pull_out
from nalu_cli.first_rungs import first_rungs, grown_from_nothing, more_monomials
from nalu_cli.gates import with_gates
from nalu_cli.problem import Problem
from nalu_cli.relaxed import SUM
from nalu_cli.rung import Part, Rung, Stop, lifted, with_factors
from nalu_cli.search.stacks.search import trained_stacks
from nalu_cli.settings import CellName, Effort, FitSettings
from nalu_cli.workbench import ROWS_PER_WEIGHT, SNAP_ROWS, Found, Workbench

if TYPE_CHECKING:
    from nalu_cli.stack import StackShape

__all__ = ["rungs_of"]

SMALL_PLANS = (
    "M1",
    "A1",
    "A1 M1",
    "M2 A1",
    "M3 A1",
    "A2 M1",
    "M2 A1 M1",
    "M3 A1 M1",
    "M2 A2 M1",
    "A2 M2 A1",
    "M1 A1+",
    "M2 A1+",
    "M3 A1+",
    "A1 M2 A1+",
    "A2 M2 A1+",
)
"""Stacks that second-order steps alone train well from random starts."""

QUICK_PLANS = ("M2 A1", "M3 A1")
"""Those that take no longer than trying all sums of few monomials does."""

PLANS = (
    "M4 A2 M1",
    "A3 M1",
    "M5 A1",
    "A1 M2 A1",
    "M3 A2 M2 A1",
    "A3 M3 A1 M1",
    "M5 A1 M1",
    "M3 A1 M1 A1",
    "M4 A2 M1 A1",
    "A4 M2 A1",
    "A5 M5 A1 M1",
    "M5 A1 M2 A1",
    "M4 A2 M2 A1",
    "A4 M4 A2 M1",
    "M6 A3 M1",
)
"""Stacks that need Adam first, simple to rich."""

FACTORS = ((1.0, 1.0), (1.0, -1.0))
FACTOR_RESTARTS = 6
"""Powers of the sums in a product or quotient of two, tried with few starts."""

MOST_WEIGHTS_PER_ROW = 2
"""Stacks with more weights fit anything."""

TYPICAL_COST = 192 * 64**2
"""Rows times weights squared that one step of a stack of ordinary size takes."""

CELL_WIDTHS = ((1,), (2, 1), (4, 1), (3, 3, 1))
"""Stacks of a published cell."""

RESTARTS = 64
EXPLORE_STEPS = 40

TRAIN_RESTARTS = {Effort.QUICK: 64, Effort.NORMAL: 128, Effort.THOROUGH: 256}
TRAIN_ROWS = 512
POLISHED = 48
"""Trained restarts that are polished; the best of them are snapped."""

POLISH_STEPS = 25

MOST_CYCLES = 100


def rungs_of(problem: Problem, settings: FitSettings) -> Iterator[Rung]:
    """The ladder for a problem, from simple to rich; the trained rungs come again with new starts.

    Parameters
    ----------
    problem : Problem
    settings : FitSettings

    Yields
    ------
    Rung
    """
    if settings.cell is not CellName.AUTO:
        for cycle in range(MOST_CYCLES):
            yield from _cell_rungs(problem, settings, cycle)
        return
    algebra = not settings.train_only and settings.layers is None
    parts = cache(partial(_parts, problem, settings))
    if settings.train_only:
        for cycle in range(MOST_CYCLES):
            yield _stacks(problem, settings, cycle)
        return
    if algebra:
        stacks = _stacks(problem, settings, cycle=0)
        if problem.train.half_y is not None:
            yield stacks
        yield from first_rungs(
            problem, parts, trained=() if problem.train.half_y is not None else [stacks]
        )
    for cycle in range(MOST_CYCLES):
        had = QUICK_PLANS if algebra and cycle == 0 else ()
        plans = [plan for plan in SMALL_PLANS if plan not in had]
        yield from _small_rungs(problem, settings, plans, cycle)
        for part in parts():
            yield from lifted(part, _small_rungs(part.problem, settings, SMALL_PLANS, cycle))
        if cycle == 0 and settings.layers is None:
            if settings.train_only:
                yield from grown_from_nothing(problem, parts())
            else:
                yield from more_monomials(problem.train)
        for layers in PLANS:
            if _asked(layers, settings) and _determined(problem, Plan(layers)):
                yield _trained(problem, settings, Plan(layers), cycle)


def _stacks(problem: Problem, settings: FitSettings, cycle: int) -> Rung:
    """Stacks trained by variable projection, simple to rich."""

    def search(stop: Stop) -> Iterator[Found]:
        rows = problem.train if problem.train.half_y is None else problem.own_rows()
        for circuit, restarts in trained_stacks(rows, seed=(settings.seed, cycle), stop=stop):
            yield Found(circuit, restarts=restarts, is_snapped=True)

    return Rung("stacks", search, cycle)


def _parts(problem: Problem, settings: FitSettings) -> tuple[Part, ...]:
    """Simpler questions in this one."""
    if settings.layers is not None:
        return ()
    roots = itertools.chain.from_iterable(map(with_factors, rooted(problem)))
    return (*roots, *pull_out(problem))


def _small_rungs(
    problem: Problem, settings: FitSettings, plans: Iterable[str], cycle: int
) -> Iterator[Rung]:
    if settings.layers in (None, 2) and _determined(problem, Plan("A2 M1")):
        for exponents in FACTORS:
            yield _factored(problem, settings, exponents, cycle)
    yield from _explored_all(problem, settings, plans, cycle)


def _explored_all(
    problem: Problem, settings: FitSettings, plans: Iterable[str], cycle: int
) -> Iterator[Rung]:
    for layers in plans:
        if _asked(layers, settings):
            for signed in _sign_rules(problem):
                if _determined(problem, Plan(layers, signed)):
                    yield _explored(problem, settings, Plan(layers, signed), cycle)


def _asked(layers: str, settings: FitSettings) -> bool:
    return settings.layers is None or len(layers.split()) == settings.layers


def _determined(problem: Problem, plan: Plan) -> bool:
    """Whether the rows can say something about a stack of so many weights."""
    weights = size_of(plan, len(problem.names))
    return weights <= MOST_WEIGHTS_PER_ROW * len(problem.train)


def _sign_rules(problem: Problem) -> tuple[bool, ...]:
    return (True, False) if bool((problem.train.X < 0).any()) else (True,)


def _explored(problem: Problem, settings: FitSettings, plan: Plan, cycle: int) -> Rung:
    """Random starts trained by second-order steps alone."""

    def search(stop: Stop) -> Iterator[Found]:
        for log in _goals(problem, plan.kinds[-1] != SUM):
            count = _affordable(plan, len(problem.names))
            relaxed, free = starts(plan, len(problem.names), count, (settings.seed, cycle))
            work = Workbench(problem, settings, log=log)
            snapped = work.snap(relaxed, stop, steps=EXPLORE_STEPS, free=free)
            yield from work.found(snapped, count)

    return Rung(f"trained {plan.name}", search, cycle)


def _trained(problem: Problem, settings: FitSettings, plan: Plan, cycle: int) -> Rung:
    """Random starts trained by Adam first."""

    def search(stop: Stop) -> Iterator[Found]:
        from nalu_cli.cells import Path  # torch takes two seconds to import
        from nalu_cli.stack import StackShape

        paths = tuple(Path.SUM if part[0] == "A" else Path.PRODUCT for part in plan.layers.split())
        shape = StackShape(paths, tuple(plan.widths))
        yield from _adam(problem, settings, shape, cycle, stop)

    return Rung(f"trained {plan.name}", search, cycle)


def _affordable(plan: Plan, n: int) -> int:
    """Restarts that take about the same time whatever the size of the stack."""
    size = size_of(plan, n)
    cost = max(SNAP_ROWS, ROWS_PER_WEIGHT * size) * size**2
    return int(np.clip(RESTARTS * TYPICAL_COST / cost, FACTOR_RESTARTS, RESTARTS))


def _factored(
    problem: Problem, settings: FitSettings, exponents: tuple[float, ...], cycle: int
) -> Rung:
    """Products of sums of many columns."""

    def search(stop: Stop) -> Iterator[Found]:
        seed = (settings.seed, cycle)
        relaxed, free = factor_starts(len(problem.names), exponents, FACTOR_RESTARTS, seed)
        # a sum that changes sign is rugged in its logarithm
        work = Workbench(problem, settings, log=_goals(problem, last_product=True)[-1])
        steps = EXPLORE_STEPS * (1 + 2 * cycle)
        snapped = work.snap(relaxed, stop, steps=steps, free=free)
        yield from work.found(snapped, FACTOR_RESTARTS)

    return Rung("trained sum(2) product", search, cycle)


def _goals(problem: Problem, last_product: bool) -> tuple[bool, ...]:
    """Whether logarithms are compared: a last product is linear there.

    A target with both signs is tried both ways: the size alone first, since its sign follows from
    the columns when the powers are right.
    """
    y = problem.train.y
    if not last_product or bool((y == 0).any()):
        return (False,)
    return (True,) if bool((y > 0).all() or (y < 0).all()) else (True, False)


def _cell_rungs(problem: Problem, settings: FitSettings, cycle: int) -> Iterator[Rung]:
    """A published cell in stacks of one to three layers, or as many as asked for."""
    for widths in CELL_WIDTHS:
        if settings.layers is None or len(widths) == settings.layers:
            yield _cell_rung(problem, settings, widths, cycle)


def _cell_rung(
    problem: Problem, settings: FitSettings, widths: tuple[int, ...], cycle: int
) -> Rung:
    def search(stop: Stop) -> Iterator[Found]:
        from nalu_cli.cells import CELLS, Path
        from nalu_cli.stack import StackShape

        cell = CELLS[settings.cell]
        path = Path.FREE if Path.FREE in cell.paths else next(iter(cell.paths))
        shape = StackShape((path,) * len(widths), widths, cell=settings.cell)
        yield from _adam(problem, settings, shape, cycle, stop)

    return Rung(f"{settings.cell} {'-'.join(map(str, widths))}", search, cycle)


def _adam(
    problem: Problem, settings: FitSettings, shape: StackShape, cycle: int, stop: Stop
) -> Iterator[Found]:
    from nalu_cli.cells import CELLS
    from nalu_cli.train import train

    allowed = None  # the default cell's
    if shape.cell is not CellName.AUTO:
        allowed = AllowedValues.of_cell(CELLS[shape.cell].exponents, ternary=settings.ternary)
    work = Workbench(problem, settings, log=_goals(problem, shape.paths[-1].value == "product")[-1])
    rows = work.rows(TRAIN_ROWS)
    restarts = TRAIN_RESTARTS[settings.effort]
    trained = train(
        shape,
        rows.X,
        rows.y,
        restarts=restarts,
        seed=settings.seed + 7919 * cycle,
        device=settings.device,
        threads=settings.threads,
        stop=stop,
    )
    snapped = work.snap(trained.relaxed.first(POLISHED), stop, steps=POLISH_STEPS, allowed=allowed)
    yield from work.found(with_gates(snapped, trained.unanimity), restarts)
