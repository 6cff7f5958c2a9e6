"""The Bayesian information criterion: what an error costs, and what a longer formula costs."""

from __future__ import annotations

import math

__all__ = ["DEVIANCE", "bic"]

DEVIANCE = 2 * math.log(2)
"""*Derived:* what a bit is worth in the criterion, twice a natural logarithm."""


def bic(misfit: float, n_rows: int, symbols: int) -> float:
    """Bayesian information criterion of a formula; smaller is better.

    Every symbol of the formula counts as a parameter does in the paper, so that two formulas with
    the same constants are told apart by their length.

    Parameters
    ----------
    misfit : float
        Deviance: minus twice the logarithm of the likelihood, up to what all formulas share.
    n_rows : int
    symbols : int
        Description length of the formula.

    Returns
    -------
    float

    References
    ----------
    G. Schwarz, "Estimating the Dimension of a Model", The Annals of Statistics 6 (1978) 461-464:
    among models with ``k`` parameters and the likelihood ``M`` of ``n`` observations the one is
    chosen that has the largest ``log M - k log(n) / 2``. It is multiplied by -2 here.
    """
    return misfit + symbols * math.log(max(n_rows, 2))
