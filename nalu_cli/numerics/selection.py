"""Which columns of a least squares fit earn their place: stepwise regression in both directions."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

__all__ = ["Fit", "backward_elimination", "backward_path", "forward_selection"]

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

ROUNDING = 1e-13
"""*Guess:* residuals of a smaller relative size say nothing about a column: some hundred roundings
add up to as much."""

PRICE = 2.0
"""*Derived:* a column costs two parameters of the criterion, its coefficient and the choice of the
column, which is one of about as many as there are rows."""

EXPLAINED = 1e-12
"""*Guess:* forward selection ends at residuals of this size relative to the target, which is what
rounding leaves of a target that the columns explain."""


class Fit(Protocol):
    """A fit of some columns."""

    @property
    def worths(self) -> Floats:
        """How much each column is worth, shape (K,): the least is left out first."""


F = TypeVar("F", bound=Fit)


def backward_path(
    columns: Indices, fit: Callable[[Indices], F | None], *, share: float = 0.0
) -> Iterator[tuple[Indices, F]]:
    """Fits of all columns, then without the one that is worth least, and so on.

    Parameters
    ----------
    columns : ndarray of int
        Places of the columns to begin with.
    fit : callable
        Fits the columns at some places; None ends the path.
    share : float
        Share of the remaining columns that is left out at once; at least one is.

    Yields
    ------
    tuple of (ndarray of int, Fit)
        Places of the columns, and their fit.
    """
    while len(columns) and (fitted := fit(columns)) is not None:
        yield columns, fitted
        several = max(1, int(share * len(columns)))
        columns = np.delete(columns, np.argsort(fitted.worths, kind="stable")[:several])


def backward_elimination(
    design: Floats, y: Floats, *, share: float = 0.0, significance: float | None = None
) -> tuple[Indices, Floats]:
    """Leave columns out of a least squares fit, the least significant first.

    This is backward stepwise regression (Draper and Smith, Applied Regression Analysis, chapter
    15); what is kept is decided by the significance of all columns where one is given, else by the
    Bayesian information criterion.

    Parameters
    ----------
    design : ndarray of shape (N, K)
    y : ndarray of shape (N,)
    share : float
        Share of the remaining columns that is left out at once; at least one is.
    significance : float, optional
        Standard errors that every coefficient must be away from zero.

    Returns
    -------
    chosen : ndarray of int
        Places of the columns that are kept; none where no columns are significant.
    coefficients : ndarray
        Of these.
    """
    size = np.linalg.norm(design, axis=0)
    design = design / np.where(size > 0, size, 1.0)
    path = backward_path(
        np.flatnonzero(size > 0), lambda kept: _LinearFit.of(design[:, kept], y), share=share
    )
    if significance is None:
        chosen, coefficients = _shortest(path, y)
    else:
        chosen, coefficients = _significant(path, len(y), significance)
    return chosen, coefficients / size[chosen]


@dataclass(frozen=True, slots=True)
class _LinearFit:
    """Coefficients of columns, (K,), and the mean square of the residuals.

    `worths` are the sizes of the coefficients over their standard errors in units of the residuals.
    """

    coefficients: Floats
    misfit: float
    worths: Floats

    @classmethod
    def of(cls, design: Floats, y: Floats) -> _LinearFit:
        q, r = np.linalg.qr(design)
        inverse = np.linalg.pinv(r)
        coefficients = inverse @ (q.T @ y)
        misfit = float(np.mean((y - design @ coefficients) ** 2))
        return cls(coefficients, misfit, np.abs(coefficients) / np.linalg.norm(inverse, axis=1))


def _shortest(path: Iterator[tuple[Indices, _LinearFit]], y: Floats) -> tuple[Indices, Floats]:
    """The columns with which the description of y is shortest; of equal ones the fewest."""
    n = len(y)
    least = ROUNDING**2 * float(np.mean(y**2))
    best = (math.inf, np.zeros(0, dtype=np.intp), np.zeros(0))
    for kept, fit in path:
        score = n * math.log(max(fit.misfit, least, 1e-300)) + len(kept) * PRICE * math.log(n)
        if score <= best[0]:
            best = (score, kept, fit.coefficients)
    return best[1], best[2]


def _significant(
    path: Iterator[tuple[Indices, _LinearFit]], n_rows: int, level: float
) -> tuple[Indices, Floats]:
    """The most columns all of which are significant; none where rows are too few for errors."""
    for kept, fit in path:
        spare = n_rows - len(kept)
        if spare <= 0:
            break
        error = math.sqrt(fit.misfit * n_rows / spare)
        if fit.worths.min() > level * error:
            return kept, fit.coefficients
    return np.zeros(0, dtype=np.intp), np.zeros(0)


def forward_selection(design: Floats, target: Floats, most: int) -> Indices:
    """Take columns into a least squares fit, each time the one most like the residual.

    All coefficients are fitted anew after each: orthogonal matching pursuit (Pati, Rezaiifar and
    Krishnaprasad, Asilomar 1993), with an offset that all fits share.

    Parameters
    ----------
    design : ndarray of shape (N, K)
    target : ndarray of shape (N,)
    most : int
        Columns that are taken at most.

    Returns
    -------
    ndarray of int
        Places of the columns, in ascending order.
    """
    centred = design - design.mean(axis=0)
    size = np.linalg.norm(centred, axis=0)
    centred = centred / np.where(size > 0, size, 1.0)
    y = target - target.mean()
    chosen: list[int] = []
    residual = y
    for _ in range(most):
        chosen.append(int(np.argmax(np.abs(centred.T @ residual))))
        part = centred[:, chosen]
        residual = y - part @ np.linalg.lstsq(part, y, rcond=None)[0]
        if np.linalg.norm(residual) <= EXPLAINED * np.linalg.norm(y):
            break
    return np.unique(np.array(chosen, dtype=np.intp))
