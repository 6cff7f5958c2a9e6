"""A table of numbers that stand in no file."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nalu_cli.table.precision import precision_of_values
from nalu_cli.table.table import Table

__all__ = ["table_of_arrays"]

Floats = NDArray[np.float64]


def table_of_arrays(X: Floats, y: Floats, names: Sequence[str], target: str) -> Table:
    """A table of inputs and a target.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_columns)
    y : ndarray of shape (n_rows,)
    names : sequence of str
        Of the columns of X, all different.
    target : str
        Name of y, different from those.
    """
    columns = np.column_stack([X, y])
    header = (*names, target)
    return Table(
        source="the table",
        header=header,
        names=header,
        columns=columns,
        unusable={},
        notes=(),
        precisions=tuple(map(precision_of_values, columns.T)),
        lines=np.arange(1, len(columns) + 1),
    )
