"""With which powers columns multiply the target, as far as its logarithm tells."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from nalu_cli.numerics.least_squares import log_weights, reweighted

__all__ = ["Powers"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

SURE = 4.0
"""Standard errors within which the slope of a factor's logarithm lies from its exponent."""

ROUNDING = 1e-9
CLEAR = 2.0
"""Standard errors that the next exponent must be away."""

NEAR = 0.1
"""Largest distance of the slope from the exponent, however large the error; relative above 1."""

LARGEST = 6

ROWS_PER_SLOPE = 4
"""With fewer rows than this for each logarithm and product of two, products are left out."""

LEAST_FREE = 1e-3
"""Of a row that decides a coefficient alone, the share that it is taken to say about its error."""


@dataclass(frozen=True, slots=True)
class Powers:
    """Slopes of log|y| in each log|x|, (n_columns,), their errors, and which are straight lines.

    A factor is one whatever the other columns are; any other column has some slope too, which may
    be close to a whole number by chance, but it changes with the column or with others.
    """

    slopes: Floats
    errors: Floats
    straight: Bools

    @classmethod
    def of(cls, X: Floats, y: Floats) -> Powers:
        """By weighted least squares, of each slope the surer one of two.

        Products of two logarithms take what the other columns do out of the errors, but ask for
        more than a few rows that outweigh all others.
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
        """The powers columns are factors with, halves among them where roots may be; else 0."""
        return tuple(
            _exponent(slope, error, root=bool(root)) if straight else Fraction(0)
            for slope, error, straight, root in zip(
                self.slopes, self.errors, self.straight, roots, strict=True
            )
        )


def _fitted(design: Floats, target: Floats, weights: Floats) -> tuple[Floats, Floats]:
    """Coefficients, (K,), and standard errors that need no errors of one size.

    What a straight line leaves of the other columns is larger in some places than in others; each
    row counts with what it would leave if it had not been fitted (MacKinnon and White, Journal of
    Econometrics 29, 1985, HC3).
    """
    weights = reweighted(design, target, weights)[2]
    A, b = design * weights[:, None], target * weights
    inverse = np.linalg.pinv(A)
    coefficients = inverse @ b
    leverage = np.einsum("nk,kn->n", A, inverse)
    alone = (b - A @ coefficients) / np.maximum(1 - leverage, LEAST_FREE)
    return coefficients, np.sqrt(inverse**2 @ alone**2)


def _exponent(slope: float, error: float, *, root: bool) -> Fraction:
    """The power of a slope that is near it while the next ones are not; 0 if there is none."""
    steps = 2 if root else 1
    nearest = Fraction(round(steps * slope), steps)
    off, near = abs(slope - float(nearest)), NEAR * max(1.0, abs(float(nearest)))
    close = off <= min(SURE * error + ROUNDING, near) and CLEAR * error < 1 / steps - off
    return nearest if close and abs(nearest) <= LARGEST else Fraction(0)
