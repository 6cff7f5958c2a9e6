"""Which rows train, which are held out near by, which lie farthest out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from nalu_cli.errors import DataError, UsageError, quoted
from nalu_cli.problem.column_checks import contradiction_note, multiple_of, repeated, sentinel_notes
from nalu_cli.problem.printed_rows import printed_rows
from nalu_cli.rows import Rows, together
from nalu_cli.settings import FitSettings
from nalu_cli.table import Kind, Precision, Table

__all__ = ["Box", "Problem", "Rows", "allowed_columns", "pose"]

Floats = NDArray[np.float64]

NEAR_SHARE = 0.1
"""*Guess:* this share of the inner rows is held out at random: enough to show overfitting, and few
enough to leave the fit its rows."""

FEWEST_ROWS = 2
"""*Derived:* through one row goes every constant, so that a formula needs two."""


@dataclass(frozen=True, slots=True)
class Box:
    """The box of inputs the formula was trained in: per column lowest, highest and median value."""

    low: Floats
    high: Floats
    median: Floats


@dataclass(frozen=True, slots=True)
class Problem:
    """A question put to the engine.

    Parameters
    ----------
    names : tuple of str
        Columns the formula may use.
    target : str
        Column the formula computes.
    train, near, far : Rows
        Inner rows, inner rows held out at random, outermost rows (or the rows of `--test`).
    far_is_test : bool
        Whether `far` came from a file of the user's own.
    box : Box
        Bounds of the training rows.
    notes : tuple of str
        What was left out and why.
    precision : mapping of str to Precision
        How the cells of each column, and of the target, are printed.
    """

    names: tuple[str, ...]
    target: str
    train: Rows
    near: Rows
    far: Rows
    far_is_test: bool
    box: Box
    notes: tuple[str, ...]
    precision: Mapping[str, Precision] = field(default_factory=dict)

    def all_rows(self) -> Rows:
        """Train, near and far rows together."""
        return together(self.train, self.near, self.far)

    def inner_rows(self) -> Rows:
        """Train and near rows together."""
        return together(self.train, self.near)

    def own_rows(self) -> Rows:
        """All rows but those of a file of the user's own."""
        return self.inner_rows() if self.far_is_test else self.all_rows()

    def with_rows(self, change: Callable[[Rows], Rows]) -> Problem:
        """The same question about rows that are changed, the held-out ones as well."""
        train, near, far = (change(rows) for rows in (self.train, self.near, self.far))
        return replace(self, train=train, near=near, far=far)


def pose(
    table: Table,
    target: str,
    settings: FitSettings,
    *,
    inputs: Sequence[str] | None = None,
    ignore: Sequence[str] = (),
    test: Table | None = None,
    sigma: str | None = None,
) -> Problem:
    """Choose the columns and divide the rows.

    Parameters
    ----------
    table : Table
    target : str
        Column to explain.
    settings : FitSettings
        `far_share`, `seed` and `noise` are used.
    inputs : sequence of str, optional
        Columns the formula may use; all numeric ones when left out.
    ignore : sequence of str
        Columns it may not use.
    test : Table, optional
        Rows that replace the far rows.
    sigma : str, optional
        Column of standard errors of the target, in `test` too; no formula may use it.

    Returns
    -------
    Problem

    Raises
    ------
    UsageError
        A column that does not exist, or one that is asked to be two things.
    DataError
        A column without numbers, standard errors that are not positive, or too few rows.
    """
    target = table.resolve(target)
    allowed = allowed_columns(table, target, inputs, ignore, sigma)
    values, notes = _selected(table, allowed, target, sigma)
    _check_rows(table, len(values))
    names, columns, column_notes = _varying_columns(allowed, values[:, : len(allowed)])
    y = values[:, -1]
    names, columns, twin_notes = _without_multiples(names, columns)
    names, columns, copy_note = _copy_of_target(names, columns, y, constants=settings.constants)
    precision = {name: table.precision_of(name) for name in (*names, target)}
    far = _far_rows(columns, settings.far_share) if test is None else np.zeros(len(y), bool)
    near = _near_rows(~far, settings.seed)
    train = ~(far | near)
    level = _noise_level(y, settings.noise)
    errors = _errors(values[:, len(allowed) : -1], level)
    rows = printed_rows(columns, y, tuple(precision.values()), errors)
    far_part = rows.take(far)
    test_notes: tuple[str, ...] = ()
    if test is not None:
        far_part, test_notes = _test_rows(test, names, target, sigma, level)
    facts = (
        f"the target is {y[0]:.6g} in every row" if np.all(y == y[0]) else "",
        contradiction_note(columns, y),
        _printed_note(target, precision[target]),
        *sentinel_notes((*names, target), np.column_stack((columns, y))),
    )
    all_notes = (*table.notes, *notes, *column_notes, *twin_notes, copy_note, *facts, *test_notes)
    return Problem(
        names=names,
        target=target,
        train=rows.take(train),
        near=rows.take(near),
        far=far_part,
        far_is_test=test is not None,
        box=_box(columns[train]),
        notes=tuple(filter(None, all_notes)),
        precision=precision,
    )


def _printed_note(target: str, precision: Precision) -> str:
    """How the target is printed, where that is neither of what anybody would take it for."""
    plain = precision.kind in (Kind.DOUBLES, Kind.WHOLE)
    return "" if plain else f"the target {quoted(target)} is printed with {precision}"


def allowed_columns(
    table: Table,
    target: str,
    inputs: Sequence[str] | None,
    ignore: Sequence[str],
    sigma: str | None = None,
) -> tuple[str, ...]:
    """The columns a formula may use; see `pose`."""
    ignored = {table.named(name) for name in ignore}
    if target in ignored:
        raise UsageError(f"the target {quoted(target)} is also ignored")
    if inputs is None:
        allowed = tuple(n for n in table.names if n != target and n not in ignored)
    else:
        allowed = tuple(dict.fromkeys(table.resolve(name) for name in inputs))
        if target in allowed:
            raise UsageError(
                f"the target {quoted(target)} is also an input", remedy="Leave it out of --inputs."
            )
        allowed = tuple(n for n in allowed if n not in ignored)
    return (
        allowed if sigma is None else _without_errors(allowed, table.resolve(sigma), target, inputs)
    )


def _without_errors(
    allowed: tuple[str, ...], sigma: str, target: str, inputs: Sequence[str] | None
) -> tuple[str, ...]:
    if sigma == target:
        raise UsageError(
            f"the target {quoted(target)} is also the column of its standard errors",
            remedy="Name another column with --sigma.",
        )
    if inputs is not None and sigma in allowed:
        raise UsageError(
            f"the standard errors {quoted(sigma)} are also an input",
            remedy="Leave them out of --inputs.",
        )
    return tuple(name for name in allowed if name != sigma)


def _selected(
    table: Table, names: Sequence[str], target: str, sigma: str | None
) -> tuple[Floats, tuple[str, ...]]:
    """The complete rows of some columns, the standard errors, if any, and the target behind."""
    errors = () if sigma is None else (table.resolve(sigma),)
    for name in errors:
        _check_positive(table, name)
    return table.select((*names, *errors, target), target=target)


def _check_positive(table: Table, sigma: str) -> None:
    values = table.column(sigma)
    bad = np.flatnonzero(values <= 0)
    if len(bad):
        raise DataError(
            f"{table.source}, row {table.lines[bad[0]]}, column {quoted(sigma)}: "
            f"{values[bad[0]]:.6g} is no standard error",
            accepted="those of --sigma are positive numbers",
            remedy="Correct the cell, or leave it empty to drop the row.",
        )


def _noise_level(y: Floats, noise: float | None) -> float | None:
    """The standard error of every target that a relative noise stands for; None without one."""
    scale = float(np.max(np.abs(y)))
    return noise * scale * float(np.sqrt(np.mean((y / scale) ** 2))) if noise and scale else None


def _errors(given: Floats, level: float | None) -> Floats | None:
    """The standard error of each row: its own, one for all, or none that is known."""
    if given.shape[1]:
        return given[:, 0]
    return None if level is None else np.full(len(given), level)


def _check_rows(table: Table, n_rows: int) -> None:
    if n_rows < FEWEST_ROWS:
        raise DataError(
            f"{table.source} has {n_rows} usable row{'s' if n_rows != 1 else ''}",
            accepted=f"a formula needs at least {FEWEST_ROWS}",
        )


def _varying_columns(
    names: tuple[str, ...], X: Floats
) -> tuple[tuple[str, ...], Floats, tuple[str, ...]]:
    """Leave out columns that do not vary and columns that repeat an earlier one."""
    kept: list[int] = []
    notes: list[str] = []
    seen: dict[bytes, str] = {}
    for j, name in enumerate(names):
        column = np.ascontiguousarray(X[:, j])
        if np.all(column == column[0]):
            notes.append(f"column {quoted(name)} is {column[0]:.6g} in every row and was left out")
        elif (twin := seen.get(column.tobytes())) is not None:
            notes.append(f"column {quoted(name)} repeats {quoted(twin)} and was left out")
        else:
            seen[column.tobytes()] = name
            kept.append(j)
    return tuple(names[j] for j in kept), X[:, kept], tuple(notes)


def _without_multiples(
    names: tuple[str, ...], X: Floats
) -> tuple[tuple[str, ...], Floats, tuple[str, ...]]:
    """Leave out columns from which no row could tell an earlier one."""
    twins = repeated(X)
    kept = [j for j in range(len(names)) if j not in twins]
    notes = [
        f"column {quoted(names[j])} is {factor:.6g} times {quoted(names[i])} in every row and was "
        "left out"
        for j, (i, factor) in twins.items()
    ]
    return tuple(names[j] for j in kept), X[:, kept], tuple(notes)


def _copy_of_target(
    names: tuple[str, ...], X: Floats, y: Floats, *, constants: bool
) -> tuple[tuple[str, ...], Floats, str]:
    """One column alone, where it is the target times a number: any other formula is a detour."""
    for j, name in enumerate(names):
        factor = multiple_of(X[:, j], y)
        if factor is not None and (constants or factor == 1):
            what = "equals the target" if factor == 1 else f"is {factor:.6g} times the target"
            note = (
                f"column {quoted(name)} {what} in every row; if it was made from it (a leak), pass "
                f"--ignore {quoted(name)}"
            )
            return (name,), X[:, [j]], note
    return names, X, ""


def _far_rows(X: Floats, share: float) -> NDArray[np.bool_]:
    """The rows that lie farthest out, by rank, in any column."""
    n_rows = len(X)
    count = round(share * n_rows)
    far = np.zeros(n_rows, dtype=bool)
    if not count or not X.shape[1]:
        return far
    ranks = np.empty_like(X)
    for j in range(X.shape[1]):
        # tied values share their middle rank, so that the order of the rows plays no part
        ordered = np.sort(X[:, j])
        low = np.searchsorted(ordered, X[:, j], side="left")
        high = np.searchsorted(ordered, X[:, j], side="right")
        ranks[:, j] = (low + high - n_rows) / n_rows
    outerness = np.abs(ranks).max(axis=1)
    far[np.argsort(-outerness, kind="stable")[:count]] = True
    return far


def _near_rows(inner: NDArray[np.bool_], seed: int) -> NDArray[np.bool_]:
    rows = np.flatnonzero(inner)
    near = np.zeros(len(inner), dtype=bool)
    count = int(NEAR_SHARE * len(rows))
    near[np.random.default_rng(seed).permutation(rows)[:count]] = True
    return near


def _test_rows(
    test: Table, names: tuple[str, ...], target: str, sigma: str | None, level: float | None
) -> tuple[Rows, tuple[str, ...]]:
    wanted = [test.resolve(name) for name in (*names, target)]
    values, dropped = _selected(test, wanted[:-1], wanted[-1], sigma)
    notes = tuple(f"{test.source}: {note}" for note in (*test.notes, *dropped))
    precisions = tuple(map(test.precision_of, wanted))
    errors = _errors(values[:, len(names) : -1], level)
    return printed_rows(values[:, : len(names)], values[:, -1], precisions, errors), notes


def _box(X: Floats) -> Box:
    return Box(X.min(axis=0), X.max(axis=0), np.median(X, axis=0))
