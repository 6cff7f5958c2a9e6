"""Whether the residuals of a formula look like noise."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

__all__ = ["column_of_agreement", "column_that_explains", "neighbours_agree"]

Floats = NDArray[np.float64]

CHANCE = 5.0
"""*Guess:* residuals are called structured that differ from noise by this many standard deviations:
several tests are asked of every formula."""

NEIGHBOURLY = 4.0
"""*Guess:* residuals of nearest neighbours are correlated by this many standard deviations of the
correlation of noise; of one test fewer are enough."""

FEWEST = 20
"""*Guess:* with fewer rows neighbours tell nothing: their correlation varies by 1/sqrt(rows)."""

CLOSE = 3
"""*Guess:* one of so many pairs of neighbours along a column, the closest, is asked whether its
residuals agree; between rows that lie farther apart a tooth may end."""

MOST_PAIRED = 1500
"""*Guess:* of more rows a part is asked for its neighbours: the distances of all pairs are
computed."""

ROWS_PER_FEATURE = 4
"""*Guess:* residuals are regressed on ranks where there are so many rows for every feature."""


def column_that_explains(X: Floats, residuals: Floats) -> int | None:
    """The column that explains most of the residuals' ranks, if chance does not.

    Ranks of the columns, their squares and cubes, and products of two are regressed on; the share
    of the variance they explain is compared with what noise would give (F test, normal limit).

    Parameters
    ----------
    X : ndarray of shape (N, n_columns)
    residuals : ndarray of shape (N,)

    Returns
    -------
    int or None
    """
    n, k = X.shape
    ranks, target = _ranks(X), _ranks(residuals)
    features = [ranks**power for power in (1, 2, 3)]
    if 3 * k + k * (k - 1) // 2 < n / ROWS_PER_FEATURE:
        features += [ranks[:, [i]] * ranks[:, i + 1 :] for i in range(k - 1)]
    design = np.concatenate([*features, np.ones((n, 1))], axis=1)
    if 3 * k >= n / ROWS_PER_FEATURE or not _significant(design, target):
        return None
    alone = [np.abs(np.corrcoef(f[:, j], target)[0, 1]) for j in range(k) for f in features[:2]]
    return int(np.argmax(np.nan_to_num(alone))) // 2


def column_of_agreement(X: Floats, residuals: Floats) -> int | None:
    """The column along which the residuals of neighbours are correlated most, if chance does not.

    The teeth in the residuals of a formula that misses steps in one column are too narrow to be
    seen in the space of several columns.

    Parameters
    ----------
    X : ndarray of shape (N, n_columns)
    residuals : ndarray of shape (N,)

    Returns
    -------
    int or None
    """
    n = len(residuals)
    if n < FEWEST:
        return None
    # rows of equal values come in any order: that of the file may be one of time
    shuffled = np.random.default_rng(0).permutation(n)
    X, residuals = X[shuffled], residuals[shuffled]
    ranks = _ranks(residuals)
    order = np.argsort(X, axis=0, kind="stable")
    along, gaps = ranks[order], np.diff(np.take_along_axis(X, order, axis=0), axis=0)
    close = np.argsort(gaps, axis=0, kind="stable")[: n // CLOSE]
    agreement = np.take_along_axis(along[1:] * along[:-1], close, axis=0).mean(axis=0)
    best = int(np.argmax(agreement))
    chance = CHANCE / math.sqrt(len(close)) * float(np.var(ranks))
    return best if agreement[best] > chance else None


def _ranks(values: Floats) -> Floats:
    """Between -1/2 and 1/2, of each column by itself."""
    order = np.argsort(values, axis=0, kind="stable")
    return np.asarray(np.argsort(order, axis=0, kind="stable") / len(values) - 0.5)


def _significant(design: Floats, target: Floats) -> bool:
    n, k = design.shape
    fit = design @ np.linalg.lstsq(design, target, rcond=None)[0]
    explained = 1 - float(np.var(target - fit) / np.var(target))
    # under noise the share is about k/n with this spread
    return bool(explained > k / n + CHANCE * math.sqrt(2 * k) / n)


def neighbours_agree(X: Floats, residuals: Floats) -> bool:
    """Whether the residuals of nearest neighbours are correlated, as smooth residuals are.

    Parameters
    ----------
    X : ndarray of shape (N, n_columns)
    residuals : ndarray of shape (N,)
    """
    if len(residuals) < FEWEST:
        return False
    spread = X.std(axis=0)
    Z = (X - X.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    rows = np.arange(len(Z))[:: max(1, len(Z) // MOST_PAIRED)]
    Z, r = Z[rows], residuals[rows]
    distance = (Z**2).sum(axis=1)[:, None] + (Z**2).sum(axis=1)[None, :] - 2 * Z @ Z.T
    np.fill_diagonal(distance, np.inf)
    neighbour = distance.argmin(axis=1)
    # ranks: one outlier must not decide
    ranks = _ranks(r)
    correlation = float(np.corrcoef(ranks, ranks[neighbour])[0, 1])
    return correlation > NEIGHBOURLY / math.sqrt(len(r))
