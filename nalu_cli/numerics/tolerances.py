"""Levels of rounding that several modules share, each a multiple of the precision of doubles."""

from __future__ import annotations

import numpy as np

__all__ = ["EPS", "NOVEL", "RANK", "RIDGE", "SAME", "TINY"]

EPS = float(np.finfo(np.float64).eps)
"""Precision of doubles. *Derived:* the distance from 1 to the next double, 2**-52."""

RANK = 1e-13
"""Singular value, relative to the largest, below which columns of length 1 count as dependent.
*Derived:* 450 EPS, since a few hundred rounded numbers are added up in each product of columns."""

RIDGE = 1e-12
"""Ridge on the diagonal of a Gram matrix of columns of length 1. *Derived:* 4500 EPS, ten times
`RANK`: it keeps the matrix invertible, and moves no coefficient that rounding leaves alone."""

NOVEL = 1e-12
"""Share of a column's squared length that must be orthogonal to the other columns for the column to
add anything. *Derived:* 4500 EPS, about what rounding leaves of a column that adds nothing, times
the number of columns."""

SAME = 1e-9
"""Relative difference below which two numbers that were computed in different ways are one number.
*Guess:* 4.5 million EPS: rounding makes them differ by less, unless nearly all of it cancels."""

TINY = 1e-300
"""Least number that is divided by, or that a logarithm is taken of. *Derived:* it is normal, its
inverse is finite, and added to a length of usual size it changes nothing."""
