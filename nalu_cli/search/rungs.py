"""The rungs, linear algebra first, then stacks from random starts, simple to rich."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from functools import cache, partial
from typing import TYPE_CHECKING

from nalu_cli.problem import Problem
from nalu_cli.search.candidate import Found
from nalu_cli.search.reductions.add_root_column import rooted
from nalu_cli.search.reductions.divide_by_monomial import pull_out
from nalu_cli.search.schedule import first_rungs
from nalu_cli.search.stacks.search import trained_stacks
from nalu_cli.search.strategy import Part, Rung, Stop, with_factors
from nalu_cli.search.workbench import Workbench
from nalu_cli.settings import CellName, Effort, FitSettings
from nalu_cli.snapping.allowed_values import AllowedValues
from nalu_cli.snapping.gates import with_gates

if TYPE_CHECKING:
    from nalu_cli.training.stack import StackShape

__all__ = ["rungs_of"]

CELL_WIDTHS = ((1,), (2, 1), (4, 1), (3, 3, 1))
"""Stacks of a published cell, and of ours when its gates are trained too."""

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
    elif settings.train_only or settings.layers is not None:
        yield from _cycles(problem, settings, 0)
    else:
        yield from _all_rungs(problem, settings)


def _all_rungs(problem: Problem, settings: FitSettings) -> Iterator[Rung]:
    """Closed forms and stacks, then stacks from other starts."""
    parts = cache(partial(_parts, problem, settings))

    def stacks(part: Part | None) -> Rung:
        return _stacks(problem if part is None else part.problem, settings, cycle=0)

    yield from first_rungs(problem, parts, stacks)
    yield from _cycles(problem, settings, 1)


def _cycles(problem: Problem, settings: FitSettings, first: int) -> Iterator[Rung]:
    """Stacks again and again; after the first time some whose gates are trained as well."""
    for cycle in range(first, MOST_CYCLES):
        yield _stacks(problem, settings, cycle)
        if cycle:
            yield from _cell_rungs(problem, settings, cycle)


def _stacks(problem: Problem, settings: FitSettings, cycle: int) -> Rung:
    """Stacks trained by variable projection, simple to rich."""

    def search(stop: Stop) -> Iterator[Found]:
        rows = problem.train if problem.train.half_y is None else problem.own_rows()
        seed, layers = (settings.seed, cycle), settings.layers
        for circuit, restarts in trained_stacks(
            rows, seed=seed, layers=layers, cycle=cycle, stop=stop
        ):
            yield Found(circuit, restarts=restarts, is_snapped=True)

    return Rung("stacks", search, cycle, exhaustive=True)


def _parts(problem: Problem, settings: FitSettings) -> tuple[Part, ...]:
    """Simpler questions in this one."""
    if settings.layers is not None:
        return ()
    roots = itertools.chain.from_iterable(map(with_factors, rooted(problem)))
    return (*roots, *pull_out(problem))


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
        from nalu_cli.training.cells import CELLS, Path
        from nalu_cli.training.stack import StackShape

        cell = CELLS[settings.cell]
        path = Path.FREE if Path.FREE in cell.paths else next(iter(cell.paths))
        shape = StackShape((path,) * len(widths), widths, cell=settings.cell)
        yield from _adam(problem, settings, shape, cycle, stop)

    return Rung(f"{settings.cell} {'-'.join(map(str, widths))}", search, cycle)


def _adam(
    problem: Problem, settings: FitSettings, shape: StackShape, cycle: int, stop: Stop
) -> Iterator[Found]:
    from nalu_cli.training.cells import CELLS
    from nalu_cli.training.train import train

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
