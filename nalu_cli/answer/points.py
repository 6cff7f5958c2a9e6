"""Rows of a table that an answer keeps, so that its pictures can be drawn without the table."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nalu_cli.answer import Points
from nalu_cli.circuit import Circuit
from nalu_cli.problem import Box, Problem
from nalu_cli.rows import Rows

__all__ = ["MOST_COLUMNS", "MOST_ROWS", "points_of"]

Floats = NDArray[np.float64]

MOST_ROWS = (240, 80, 180)
"""Of the train, near and far rows: a picture of more says no more, and a model file stays small."""

MOST_COLUMNS = 8

WORST = 10
"""Rows with the largest errors that are kept of each set: a sample alone would hide outliers."""


def points_of(circuit: Circuit, problem: Problem) -> Points:
    """Some rows of each set, those with the largest errors among them.

    Parameters
    ----------
    circuit : Circuit
    problem : Problem

    Returns
    -------
    Points
    """
    columns = _columns(circuit)
    sets = (problem.train, problem.near, problem.far)
    parts = [_some_rows(rows, circuit, most) for rows, most in zip(sets, MOST_ROWS, strict=True)]
    X = np.concatenate([rows.X for rows in parts])
    return Points(
        columns=columns,
        X=X[:, list(columns)],
        measured=np.concatenate([rows.y for rows in parts]),
        predicted=circuit.evaluate(X),
        distance=_distance(X[:, list(circuit.used_columns())], problem.box, circuit),
        part=np.repeat(np.arange(len(parts)), [len(rows) for rows in parts]),
    )


def _columns(circuit: Circuit) -> tuple[int, ...]:
    """All columns if they are few, else those the formula uses."""
    if circuit.n_columns <= MOST_COLUMNS:
        return tuple(range(circuit.n_columns))
    return circuit.used_columns()[:MOST_COLUMNS]


def _some_rows(rows: Rows, circuit: Circuit, most: int) -> Rows:
    if len(rows) <= most:
        return rows
    with np.errstate(all="ignore"):
        error = np.abs(circuit.evaluate(rows.X) - rows.y)
    worst = np.argsort(-np.nan_to_num(error, nan=np.inf), kind="stable")[:WORST]
    others = np.setdiff1d(np.arange(len(rows)), worst)
    # drawn at random: every n-th row of a grid could all be alike
    chosen = np.random.default_rng(0).permutation(others)[: most - WORST]
    kept = np.sort(np.concatenate([worst, chosen]))
    return Rows(rows.X[kept], rows.y[kept])


def _distance(used: Floats, box: Box, circuit: Circuit) -> Floats:
    """How far out a row lies in its outermost column: 0 in the middle of the box, 1 at its edge."""
    columns = list(circuit.used_columns())
    if not columns:
        return np.zeros(len(used))
    low, high = box.low[columns], box.high[columns]
    half = np.maximum(high / 2 - low / 2, np.finfo(np.float64).tiny)
    with np.errstate(all="ignore"):
        out = np.abs(used - (low / 2 + high / 2)) / half
    return np.asarray(np.nan_to_num(out.max(axis=1), nan=np.inf), dtype=np.float64)
