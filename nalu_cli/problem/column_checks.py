"""Facts about the columns of a table that a person would want to know before the search."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from nalu_cli.errors import quoted

__all__ = ["contradiction_note", "multiple_of", "repeated", "sentinel_notes"]

Floats = NDArray[np.float64]

ROUNDING = 4 * float(np.finfo(np.float64).eps)
"""*Derived:* two doubles that were computed in two ways of a few steps differ by no more than so
many units of rounding."""

SENTINELS = frozenset(
    sign * value for sign in (-1.0, 1.0) for value in (99.0, 999.0, 9999.0, 99999.0)
)
"""*Guess:* numbers that people write where they have none: nines only."""

FAR = 5.0
"""*Guess:* a sentinel is out of place that lies so many widths of the other values beyond them."""

MOST_COMPARED = 200_000
"""*Guess:* of more rows no equal ones are looked for: sorting them would take seconds."""


def multiple_of(x: Floats, other: Floats) -> float | None:
    """The factor k if x = k*other in every row up to rounding, and k is not 0; else None.

    Parameters
    ----------
    x, other : ndarray of shape (n_rows,)
    """
    largest = int(np.argmax(np.abs(other)))
    if other[largest] == 0 or x[largest] == 0:
        return None
    factor = float(x[largest] / other[largest])
    expected = factor * other
    equal = np.all(np.abs(x - expected) <= ROUNDING * np.abs(expected))
    return factor if equal and np.isfinite(factor) and factor != 0 else None


def repeated(X: Floats) -> dict[int, tuple[int, float]]:
    """The columns that are a multiple of an earlier one, each with that one and the factor.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_columns)
    """
    firsts: dict[float, list[int]] = {}
    found: dict[int, tuple[int, float]] = {}
    for j in range(X.shape[1]):
        twins = firsts.setdefault(_shape(X[:, j]), [])
        for i in twins:
            factor = multiple_of(X[:, j], X[:, i])
            if factor is not None:
                found[j] = (i, factor)
                break
        else:
            twins.append(j)
    return found


def _shape(x: Floats) -> float:
    """A number that columns share when one is a multiple of the other, and few others do."""
    largest = float(np.max(np.abs(x)))
    if largest == 0 or not np.isfinite(largest):
        return 0.0
    return float(f"{np.mean(np.abs(x / largest)):.6g}")


def contradiction_note(X: Floats, y: Floats) -> str:
    """How close any formula can come, where rows with equal inputs have different targets.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_columns)
    y : ndarray of shape (n_rows,)
    """
    if not X.shape[1] or len(y) > MOST_COMPARED:
        return ""
    order = np.lexsort(X.T)
    begins = np.append(True, np.any(X[order][1:] != X[order][:-1], axis=1))
    group = np.cumsum(begins) - 1
    scale = float(np.max(np.abs(y))) or 1.0
    z = y[order] / scale
    mean = np.bincount(group, weights=z) / np.bincount(group)
    gap = z - mean[group]
    apart = int((np.abs(gap) > ROUNDING).sum())
    if not apart:
        return ""
    floor = float(np.sqrt(np.mean(gap**2))) * scale
    return (
        f"{apart} rows have the same inputs as others and another target; no formula of these "
        f"columns can come closer than an RMSE of {floor:.3g}"
    )


def sentinel_notes(names: Sequence[str], columns: Floats) -> Iterator[str]:
    """Columns in which a number seems to stand for a missing value.

    Parameters
    ----------
    names : sequence of str
    columns : ndarray of shape (n_rows, len(names))
    """
    for name, x in zip(names, columns.T, strict=True):
        for value in SENTINELS.intersection((float(x.min()), float(x.max()))):
            others = x[x != value]
            if len(others) and _is_far(value, others):
                count = len(x) - len(others)
                rows = "1 row" if count == 1 else f"{count} rows"
                yield (
                    f"column {quoted(name)} is {value:g} in {rows}, far from the others; if that "
                    f"means missing, pass --na {value:g}"
                )


def _is_far(value: float, others: Floats) -> bool:
    low, high = float(others.min()), float(others.max())
    gap = low - value if value < low else value - high
    return gap > FAR * (high - low) and gap > 0
