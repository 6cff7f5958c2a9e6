"""Stage 3: the rungs, linear algebra first, then stacks from random starts, simple to rich."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from nalu_cli.algebraic import MOST_COLUMNS, Relation, relations
from nalu_cli.allowed import AllowedValues
from nalu_cli.bilinear import bilinear_rung
from nalu_cli.circuit import Circuit
from nalu_cli.exhaustive import MOST_TERMS, short_relations
from nalu_cli.explore import Plan, factor_starts, size_of, starts
from nalu_cli.factors import Factored, pull_out
from nalu_cli.gates import with_gates
from nalu_cli.grow import grow_rung
from nalu_cli.linear import product_rung, sum_rung
from nalu_cli.problem import Problem, Rows
from nalu_cli.rational import rational_rung
from nalu_cli.relaxed import SUM
from nalu_cli.settings import CellName, Effort, FitSettings
from nalu_cli.sparse import sparse_rung
from nalu_cli.workbench import ROWS_PER_WEIGHT, SNAP_ROWS, Found, Workbench

if TYPE_CHECKING:
    from nalu_cli.stack import StackShape

__all__ = ["MANY_ROWS", "Rung", "rungs_of"]

Stop = Callable[[], bool]
Floats = NDArray[np.float64]

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

SMALL_QUESTION = 260
"""Size of the questions about dependencies that are asked before anything is trained."""

MANY_ROWS = 150
"""With fewer, questions are small: longer dependencies are looked for too, and patience waits until
every rung has had its turn."""

FEW_TERMS = 4
"""Terms of the dependencies that are looked for in many rows."""

MORE_MONOMIALS = 20
"""Times the usual work on dependencies of few monomials, once small stacks have been trained."""

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


@dataclass(frozen=True, slots=True)
class Rung:
    """One step of the ladder.

    Parameters
    ----------
    name : str
        As shown to people.
    search : callable
        Yields what it finds, best first; asks its argument now and then whether to stop.
    cycle : int
        How often its kind has come before with other starts.
    pause : bool
        Whether a formula within the noise may be enough after it.
    """

    name: str
    search: Callable[[Stop], Iterator[Found]]
    cycle: int = 0
    pause: bool = True


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
    parts = pull_out(problem) if settings.layers is None else ()
    if algebra:
        yield from _without_training(problem, parts)
    for cycle in range(MOST_CYCLES):
        yield from _small_rungs(problem, settings, cycle)
        for part in parts:
            yield from _lifted(part, _small_rungs(part.problem, settings, cycle))
        if algebra and cycle == 0:
            yield from _larger_algebra(problem.train)
        for layers in PLANS:
            if _asked(layers, settings) and _determined(problem, Plan(layers)):
                yield _trained(problem, settings, Plan(layers), cycle)


def _without_training(problem: Problem, parts: tuple[Factored, ...]) -> Iterator[Rung]:
    seen: list[Circuit] = []
    seen_of: list[list[Circuit]] = [[] for _ in parts]
    rungs = [*_noting(seen, _simple_algebra(problem.train))]
    for part, there in zip(parts, seen_of, strict=True):
        rungs += _lifted(part, _noting(there, _simple_algebra(part.problem.train, part.sizes)))
    # fewer columns take less time
    for part, there in zip(parts, seen_of, strict=True):
        rungs += _lifted(part, _noting(there, _sparse_rungs(part.problem.train, part.sizes)))
    rungs += _noting(seen, _sparse_rungs(problem.train))
    # nearly everything is within noise of some size: a longer formula may be much closer
    yield from (replace(rung, pause=False) for rung in rungs[:-1])
    yield rungs[-1]
    for part, there in zip(parts, seen_of, strict=True):
        yield from _lifted(part, iter([_grown(part.problem.train, there, part.sizes)]))
    yield _grown(problem.train, seen)


def _noting(seen: list[Circuit], rungs: Iterator[Rung]) -> Iterator[Rung]:
    """The same rungs; what they offer is noted."""
    for rung in rungs:
        yield replace(rung, search=partial(_note, seen, rung))


def _note(seen: list[Circuit], rung: Rung, stop: Stop) -> Iterator[Found]:
    for found in rung.search(stop):
        seen.append(found.circuit)
        yield found


def _lifted(part: Factored, rungs: Iterator[Rung]) -> Iterator[Rung]:
    """Rungs for the columns that are left when factors have been pulled out."""
    for rung in rungs:
        yield Rung(f"{rung.name} times factors", partial(_lift, part, rung), rung.cycle)


def _lift(part: Factored, rung: Rung, stop: Stop) -> Iterator[Found]:
    for found in rung.search(stop):
        yield part.lift(found)


def _small_rungs(problem: Problem, settings: FitSettings, cycle: int) -> Iterator[Rung]:
    if settings.layers in (None, 2) and _determined(problem, Plan("A2 M1")):
        for exponents in FACTORS:
            yield _factored(problem, settings, exponents, cycle)
    for layers in SMALL_PLANS:
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


def _simple_algebra(rows: Rows, sizes: Floats | None = None) -> Iterator[Rung]:
    yield Rung("product", lambda _: (Found(c) for c in product_rung(rows)))
    yield Rung("sum", lambda _: (Found(c) for c in sum_rung(rows, sizes)))
    yield Rung("product of sums", lambda _: (Found(c) for c in bilinear_rung(rows)))
    yield _algebraic(rows, 0, SMALL_QUESTION)
    yield _exhaustive(rows, MOST_TERMS if len(rows) < MANY_ROWS else FEW_TERMS, effort=1)


def _sparse_rungs(rows: Rows, sizes: Floats | None = None) -> Iterator[Rung]:
    yield Rung("few terms", lambda stop: (Found(c) for c in sparse_rung(rows, sizes, stop=stop)))
    yield Rung("rational", lambda stop: (Found(c) for c in rational_rung(rows, sizes, stop=stop)))


def _grown(rows: Rows, starts: list[Circuit], sizes: Floats | None = None) -> Rung:
    """Grown from what the rungs before have offered for the same rows."""
    return Rung("grown", lambda stop: map(Found, grow_rung(rows, starts, sizes, stop=stop)))


def _larger_algebra(rows: Rows) -> Iterator[Rung]:
    yield _algebraic(rows, SMALL_QUESTION, MOST_COLUMNS)
    if len(rows) < MANY_ROWS:
        yield _exhaustive(rows, MOST_TERMS, effort=MORE_MONOMIALS)


def _algebraic(rows: Rows, least: int, most: int) -> Rung:
    def search(stop: Stop) -> Iterator[Found]:
        found = relations(rows, least_columns=least, most_columns=most, stop=stop)
        yield from _solved(found, rows)

    return Rung("algebraic", search)


def _exhaustive(rows: Rows, most_terms: int, *, effort: int) -> Rung:
    def search(stop: Stop) -> Iterator[Found]:
        found = short_relations(rows, most_terms=most_terms, effort=effort, stop=stop)
        yield from _solved(found, rows)

    return Rung("few monomials", search)


def _solved(relations: Iterator[Relation], rows: Rows) -> Iterator[Found]:
    for relation in relations:
        for circuit in relation.circuits(rows):
            yield Found(circuit)


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
