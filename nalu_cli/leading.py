"""Stage 3: a product that the target nearly is, taken away, and what is left asked by itself."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from nalu_cli.beside import nearly_whole
from nalu_cli.circuit import Circuit
from nalu_cli.expression import expression_of, total
from nalu_cli.linear import product_rung
from nalu_cli.problem import Problem, Rows
from nalu_cli.workbench import Found

__all__ = ["Beside", "beside_product"]

SMALL = 0.25
"""Median share of the target that a leading product leaves."""

LARGEST_ROUNDING = 1e5
"""Of what is left; where less is left, nothing can be said about it."""


@dataclass(frozen=True, slots=True)
class Beside:
    """The target less a product, as a question.

    Parameters
    ----------
    product : Circuit
        What was taken away.
    problem : Problem
        What is asked, of the training rows where most is left.
    rounding : float
        How many times the rounding of the target that of what is left is.
    """

    product: Circuit
    problem: Problem
    rounding: float

    sizes = None
    said = "beside a product"

    def lift(self, found: Found) -> Found:
        """What was found, and the product.

        Raises
        ------
        ValueError
            If an exponent becomes too large.
        """
        from nalu_cli.simplify.layering import circuit_of  # sympy takes a third of a second

        parts = [(1.0, expression_of(circuit)) for circuit in (self.product, found.circuit)]
        return Found(circuit_of(total(parts), self.product.n_columns), (), found.restarts)


def beside_product(problem: Problem) -> Beside | None:
    """Take away a product with a whole number before it that most of the target is.

    In y = a*b + c*d/(e**2 - f**2)**2 the second term may be too small to show in a sum of all, and
    too rich for one; alone it is a product times a power of a sum.

    Parameters
    ----------
    problem : Problem

    Returns
    -------
    Beside or None
        None where no such product leads.
    """
    rows = problem.train
    for circuit in product_rung(rows):
        ((unit,),) = circuit.layers
        whole = nearly_whole(unit.constant)
        if whole is None:
            continue
        product = replace(circuit, layers=((replace(unit, constant=float(whole)),),))
        with np.errstate(all="ignore"):
            share = np.nan_to_num(np.abs(_without(rows, product).y / rows.y))
        typical = float(np.median(share))
        if 1 / LARGEST_ROUNDING < typical < SMALL:
            most = share >= typical
            asked = problem.with_rows(partial(_without, product=product))
            train = Rows(asked.train.X[most], asked.train.y[most])
            return Beside(product, replace(asked, train=train), 1 / typical)
    return None


def _without(rows: Rows, product: Circuit) -> Rows:
    with np.errstate(all="ignore"):
        return Rows(rows.X, rows.y - product.evaluate(rows.X))
