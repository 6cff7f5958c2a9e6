"""Strategies: stacks of one published cell, or of ours with gates that are trained too."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import partial

from nalu_cli.circuit.builders import single_product, single_sum
from nalu_cli.problem import Problem
from nalu_cli.search.candidate import Candidate
from nalu_cli.search.cells.workbench import Workbench
from nalu_cli.search.strategy import Context, Cost, Example, Strategy, Trains
from nalu_cli.settings import CellName, Effort
from nalu_cli.snapping.allowed_values import AllowedValues
from nalu_cli.snapping.gates import with_gates

__all__ = ["CELLS_1", "CELLS_2_1", "CELLS_3_3_1", "CELLS_4_1"]

RESTARTS = {Effort.QUICK: 64, Effort.NORMAL: 128, Effort.THOROUGH: 256}
"""Number of random starts of one stack, by effort. *Guess:* one in some tens ends at the law."""

TRAIN_ROWS = 512
"""Largest number of rows that cells are trained on. *Guess:* more take longer and add little
more."""

POLISHED = 48
"""Number of trained starts that are polished, the best. *Guess:* the law is hardly among the
others."""

POLISH_STEPS = 25
"""Number of Levenberg-Marquardt steps of that polish. *Guess:* most converge in fewer."""

SEEDS_APART = 7919
"""Distance of the seeds of two cycles. *Derived:* a prime, so that seeds of users near one another
do not share starts."""


def _search(widths: tuple[int, ...], problem: Problem, context: Context) -> Iterator[Candidate]:
    """Train stacks with layers of these widths, polish and snap them."""
    # torch takes a second to load, and most problems end before cells are trained
    from nalu_cli.training.cells import CELLS, Path
    from nalu_cli.training.stack import StackShape
    from nalu_cli.training.train import train

    settings = context.settings
    cell = CELLS[settings.cell]
    path = Path.FREE if Path.FREE in cell.paths else next(iter(cell.paths))
    shape = StackShape((path,) * len(widths), widths, cell=settings.cell)
    allowed = None  # the default cell's
    if settings.cell is not CellName.AUTO:
        allowed = AllowedValues.of_cell(cell.exponents, ternary=settings.ternary)
    work = Workbench(problem, settings, log=_compares_logarithms(problem, path is Path.PRODUCT))
    rows = work.rows(TRAIN_ROWS)
    restarts = RESTARTS[settings.effort]
    trained = train(
        shape,
        rows.X,
        rows.y,
        restarts=restarts,
        seed=settings.seed + SEEDS_APART * context.cycle,
        device=settings.device,
        threads=settings.threads,
        stop=context.stop,
    )
    relaxed = trained.relaxed.first(POLISHED)
    snapped = work.snap(relaxed, context.stop, steps=POLISH_STEPS, allowed=allowed)
    yield from work.found(with_gates(snapped, trained.unanimity), restarts)


def _compares_logarithms(problem: Problem, last_is_product: bool) -> bool:
    """Whether the target has one sign, and a last product is linear in its logarithm."""
    y = problem.train.y
    return last_is_product and bool((y > 0).all() or (y < 0).all())


def _strategy(widths: tuple[int, ...], example: Example) -> Strategy:
    return Strategy(
        name=f"{{cell}} {'-'.join(map(str, widths))}",
        summary="trained by Adam, gates too; the numbers are the units of its layers",
        cost=Cost.SECONDS,
        example=example,
        search=partial(_search, widths),
        trains=Trains.CELLS,
        layers=len(widths),
    )


_PRODUCT: Example = Example(single_product(2, {0: Fraction(1), 1: Fraction(1)}, 1.0))
_SUM: Example = Example(single_sum(2, (1.0, 1.0), 0.0, Fraction(1), 1.0))

CELLS_1: Strategy = _strategy((1,), _PRODUCT)
CELLS_2_1: Strategy = _strategy((2, 1), _PRODUCT)
CELLS_4_1: Strategy = _strategy((4, 1), _SUM)
CELLS_3_3_1: Strategy = _strategy((3, 3, 1), _SUM)
