"""Stage 3: a product that the target nearly is, taken away, and what is left asked by itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from nalu_cli.circuit import Circuit
from nalu_cli.expression import expression_of, total
from nalu_cli.factors import Factored, pull_out
from nalu_cli.linear import product_rung
from nalu_cli.problem import Problem, Rows
from nalu_cli.workbench import Found

__all__ = ["Beside", "beside_product"]

Floats = NDArray[np.float64]

SMALL = 0.25
"""Median share of the target that a leading product leaves."""

LARGEST_ROUNDING = 1e5
"""Of what is left; where less is left, nothing can be said about it."""

CLOSE_TO_WHOLE, LARGEST_WHOLE = 0.05, 9
"""Relative distance at which its scale may be a whole number."""


@dataclass(frozen=True, slots=True)
class Beside:
    """The target less a product, as a question, and factors pulled out of that.

    Parameters
    ----------
    product : Circuit
        What was taken away.
    problem : Problem
        What is asked, of the training rows where most is left.
    rounding : float
        How many times the rounding of the target that of what is left is.
    factored : Factored or None
        Where its target was divided by factors.
    """

    product: Circuit
    problem: Problem
    rounding: float
    factored: Factored | None = None

    @property
    def sizes(self) -> Floats | None:
        """Of the factors, on the training rows."""
        return None if self.factored is None else self.factored.sizes

    @property
    def said(self) -> str:
        """What its rungs are called beside their names."""
        return "beside a product" if self.factored is None else "times factors beside a product"

    def lift(self, found: Found) -> Found:
        """What was found, and the product.

        Raises
        ------
        ValueError
            If an exponent becomes too large.
        """
        from nalu_cli.simplify.layering import circuit_of  # sympy takes a third of a second

        if self.factored is not None:
            found = self.factored.lift(found)
        parts = [(1.0, expression_of(circuit)) for circuit in (self.product, found.circuit)]
        return Found(circuit_of(total(parts), self.product.n_columns), (), found.restarts)


def beside_product(problem: Problem) -> Iterator[Beside]:
    """Take away a product with a whole number before it that most of the target is.

    In y = a*b + c*d/(e**2 - f**2)**2 the second term may be too small to show in a sum of all, and
    too rich for one; alone it is a product times a power of a sum.

    Parameters
    ----------
    problem : Problem

    Yields
    ------
    Beside
        With the factors of what is left pulled out, then without.
    """
    for circuit in product_rung(problem.train):
        ((unit,),) = circuit.layers
        whole = round(unit.constant)
        if not 1 <= abs(whole) <= LARGEST_WHOLE:
            continue
        if abs(unit.constant - whole) > CLOSE_TO_WHOLE * abs(whole):
            continue
        product = replace(circuit, layers=((replace(unit, constant=float(whole)),),))
        rows = problem.train
        with np.errstate(all="ignore"):
            share = np.nan_to_num(np.abs(_without(rows, product).y / rows.y))
        typical = float(np.median(share))
        most = share >= typical
        if 1 / LARGEST_ROUNDING < typical < SMALL:
            asked = replace(
                problem,
                train=_without(Rows(rows.X[most], rows.y[most]), product),
                near=_without(problem.near, product),
                far=_without(problem.far, product),
            )
            for part in pull_out(asked):
                yield Beside(product, part.problem, 1 / typical, part)
            yield Beside(product, asked, 1 / typical)
            return


def _without(rows: Rows, product: Circuit) -> Rows:
    with np.errstate(all="ignore"):
        return Rows(rows.X, rows.y - product.evaluate(rows.X))
