"""The powers of columns that multiply the target, from the slopes of its logarithm."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from nalu_cli.numerics.least_squares import (
    heteroscedastic_least_squares,
    log_weights,
    reweighted,
)

__all__ = ["Powers"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

SURE = 4.0
"""*Guess:* a slope lies within four standard errors of the exponent of its factor; of normal errors
one in sixteen thousand is larger, and those estimated from few rows are larger more often."""

ROUNDING = 1e-9
"""*Guess:* distance from its exponent that a slope may have in a table without noise, where the
standard error is nothing but rounding itself."""

CLEAR = 2.0
"""*Guess:* the next exponent must be two standard errors further away, or the slope does not tell
which of both it is."""

NEAR = 0.1
"""*Guess:* a slope is at most this far from its exponent, relative to exponents above 1, however
large its standard error: a tenth of columns that are no factors have such slopes by chance."""

LARGEST = 6
"""*Guess:* largest exponent of a factor; laws with larger ones are rare."""

ROWS_PER_SLOPE = 4
"""*Guess:* with fewer rows than four for each logarithm and each product of two of them, the
products are left out of the fit."""


@dataclass(frozen=True, slots=True)
class Powers:
    """Slopes of log|y| in each log|x|, (n_columns,), their errors, and which are straight lines.

    A column that is a factor has the same slope everywhere. Any other column has a slope too,
    perhaps close to a whole number by chance, but it changes with that column or with others.
    """

    slopes: Floats
    errors: Floats
    straight: Bools

    @classmethod
    def of(cls, X: Floats, y: Floats) -> Powers:
        """By weighted least squares without and with products of two logarithms.

        The products take what the other columns do out of the residuals, but need many rows that
        weigh about as much. Of both fits each slope has the one with the smaller error.
        """
        n = X.shape[1]
        logs, target, weights = np.log(np.abs(X)), np.log(np.abs(y)), log_weights(y)
        logs = logs - np.average(logs, axis=0, weights=weights**2)
        lines = np.column_stack([logs, np.ones(len(y))])
        slopes, errors = (of[:n] for of in _fitted(lines, target, weights))
        bent: set[int] = set()
        if len(y) >= ROWS_PER_SLOPE * math.comb(n + 2, 2):
            pairs = [*itertools.combinations_with_replacement(range(n), 2)]
            curves = np.column_stack([logs[:, i] * logs[:, j] for i, j in pairs])
            coefficients, theirs = _fitted(np.hstack([lines, curves]), target, weights)
            bends = np.abs(coefficients[n + 1 :]) > SURE * theirs[n + 1 :] + ROUNDING
            bent = {j for pair, is_bent in zip(pairs, bends, strict=True) if is_bent for j in pair}
            surer = theirs[:n] < errors
            slopes = np.where(surer, coefficients[:n], slopes)
            errors = np.where(surer, theirs[:n], errors)
        return cls(slopes, errors, np.array([j not in bent for j in range(n)]))

    def of_factors(self, roots: Bools) -> tuple[Fraction, ...]:
        """The power of each column that is a factor, 0 for others; halves where roots are true."""
        return tuple(
            _exponent(slope, error, root=bool(root)) if straight else Fraction(0)
            for slope, error, straight, root in zip(
                self.slopes, self.errors, self.straight, roots, strict=True
            )
        )


def _fitted(design: Floats, target: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Coefficients, (K,), and standard errors that do not presume errors of one size.

    What the other columns do to the target is larger in some places than in others, and to a
    straight line it is error.
    """
    weights = reweighted(design, target, weights)[2]
    return heteroscedastic_least_squares(design, target, weights)


def _exponent(slope: float, error: float, *, root: bool) -> Fraction:
    """The power of a slope that is near it while the next ones are not; 0 if there is none."""
    steps = 2 if root else 1
    nearest = Fraction(round(steps * slope), steps)
    off, near = abs(slope - float(nearest)), NEAR * max(1.0, abs(float(nearest)))
    close = off <= min(SURE * error + ROUNDING, near) and CLEAR * error < 1 / steps - off
    return nearest if close and abs(nearest) <= LARGEST else Fraction(0)
