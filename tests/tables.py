"""Tables, rows and problems made from numbers in a test."""

from __future__ import annotations

from collections.abc import Mapping
from string import ascii_lowercase

import numpy as np
from numpy.typing import NDArray

from nalu_cli.problem import Box, Problem
from nalu_cli.rows import Rows
from nalu_cli.table import DOUBLES, Table

Floats = NDArray[np.float64]


def table_of(columns: Mapping[str, Floats], unusable: dict[str, str] | None = None) -> Table:
    """A table of these numeric columns, and some that are not numeric."""
    names = tuple(columns)
    values = np.column_stack(list(columns.values())).astype(np.float64)
    return Table(
        source="table.csv",
        header=(*names, *(unusable or {})),
        names=names,
        columns=values,
        unusable=unusable or {},
        notes=(),
        precisions=(DOUBLES,) * len(names),
        lines=np.arange(2, len(values) + 2),
    )


def uniform(seed: int, rows: int, columns: int, low: float = 1.0, high: float = 4.0) -> Floats:
    """Random inputs, shape (rows, columns)."""
    return np.random.default_rng(seed).uniform(low, high, (rows, columns))


def problem_of(x: Floats, y: Floats, *, far: int | None = None, near: int | None = None) -> Problem:
    """The first rows train, the next are near, the last far; a tenth each unless told."""
    far = len(y) // 10 if far is None else far
    near = len(y) // 10 if near is None else near
    inner = len(y) - far
    train = Rows(x[: inner - near], y[: inner - near])
    box = Box(train.X.min(axis=0), train.X.max(axis=0), np.median(train.X, axis=0))
    return Problem(
        names=tuple(ascii_lowercase[: x.shape[1]]),
        target="y",
        train=train,
        near=Rows(x[inner - near : inner], y[inner - near : inner]),
        far=Rows(x[inner:], y[inner:]),
        far_is_test=False,
        box=box,
        notes=(),
    )
