"""Columns and target brought to a size near 1 for the search, and circuits brought back."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from nalu_cli.circuit import Circuit, Layer, Unit, UnitKind
from nalu_cli.rows import Rows

__all__ = ["Scale"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Scale:
    """Powers of four, so that dividing by them and taking roots of them is exact.

    Parameters
    ----------
    columns : ndarray of shape (n_columns,)
    target : float
    """

    columns: Floats
    target: float

    @classmethod
    def of(cls, rows: Rows) -> Scale:
        """The typical size of each column and of the target."""
        sizes = [_typical(rows.X[:, j]) for j in range(rows.X.shape[1])]
        return cls(np.array(sizes), _typical(rows.y))

    @classmethod
    def none(cls, rows: Rows) -> Scale:
        """Everything as it is: for stacks without constants that could take a scale back."""
        return cls(np.ones(rows.X.shape[1]), 1.0)

    def down(self, rows: Rows) -> Rows:
        """Rows in scaled units."""
        return Rows(
            rows.X / self.columns,
            rows.y / self.target,
            None if rows.half_y is None else rows.half_y / self.target,
            None if rows.half_X is None else rows.half_X / self.columns,
            None if rows.sigma is None else rows.sigma / self.target,
            rows.weights,
        )

    def up(self, circuit: Circuit) -> Circuit:
        """A circuit of scaled columns as one of the user's columns.

        Raises
        ------
        ValueError
            If a constant would be no double.
        """
        layers: list[Layer] = []
        width = 0
        for layer in circuit.layers:
            layers.append(tuple(self._unit(unit, width) for unit in layer))
            width = len(layer)
        layers[-1] = (_times(layers[-1][0], self.target),)
        return Circuit(circuit.n_columns, tuple(layers))

    def back(self, circuit: Circuit) -> Circuit:
        """A circuit of the user's columns as one of scaled ones.

        Raises
        ------
        ValueError
            If a constant would be no double.
        """
        return Scale(1 / self.columns, 1 / self.target).up(circuit)

    def _unit(self, unit: Unit, width: int) -> Unit:
        if unit.kind is UnitKind.SUM:
            terms = tuple(
                replace(t, constant=t.constant / self.columns[t.source - width])
                if t.source >= width
                else t
                for t in unit.terms
            )
            return Unit(unit.kind, terms, unit.constant)
        constant = unit.constant
        for t in unit.terms:
            if t.source >= width:
                with np.errstate(all="ignore"):
                    constant *= float(np.power(self.columns[t.source - width], -float(t.weight)))
        return Unit(unit.kind, unit.terms, constant)


def _times(unit: Unit, factor: float) -> Unit:
    if unit.kind is not UnitKind.SUM:
        return Unit(unit.kind, unit.terms, unit.constant * factor)
    terms = tuple(replace(t, constant=t.constant * factor) for t in unit.terms)
    return Unit(unit.kind, terms, unit.constant * factor)


def _typical(values: Floats) -> float:
    sizes = np.abs(values[values != 0])
    if not len(sizes):
        return 1.0
    return float(4.0 ** np.clip(np.round(np.mean(np.log2(sizes)) / 2), -500, 500))
