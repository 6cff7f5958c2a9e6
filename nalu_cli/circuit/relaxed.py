"""Stacks with real weights and settled gates: what cells freeze to and what is snapped."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nalu_cli.circuit import Circuit, UnitKind

__all__ = ["MAGNITUDE", "PRODUCT", "SUM", "Relaxed", "RelaxedLayer", "relax"]

SUM, PRODUCT, MAGNITUDE = 0, 1, 2
"""*Derived:* the codes of the kinds of units in arrays; any three different integers would do."""


@dataclass(frozen=True, slots=True)
class RelaxedLayer:
    """One layer of R restarts.

    Parameters
    ----------
    kind : ndarray of int8, shape (R, O)
        `SUM`, `PRODUCT` (signed) or `MAGNITUDE` of each unit.
    weights : ndarray of shape (R, I, O)
        Of a sum the coefficients, of a product the exponents; I is the width of the layer before
        plus the number of columns.
    constant : ndarray of shape (R, O)
        Of a sum the offset, of a product the scale.
    """

    kind: NDArray[np.int8]
    weights: NDArray[np.float64]
    constant: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Relaxed:
    """A batch of R stacks of the same shape; the last layer has one unit.

    Parameters
    ----------
    layers : tuple of RelaxedLayer
        From the columns to the answer.
    loss : ndarray of shape (R,)
        Training loss of each restart: mean squared error over the variance of the target.
    """

    layers: tuple[RelaxedLayer, ...]
    loss: NDArray[np.float64]

    def first(self, count: int) -> Relaxed:
        """The first restarts alone."""
        layers = tuple(
            RelaxedLayer(layer.kind[:count], layer.weights[:count], layer.constant[:count])
            for layer in self.layers
        )
        return Relaxed(layers, self.loss[:count])


CODE = {UnitKind.SUM: SUM, UnitKind.PRODUCT: PRODUCT, UnitKind.MAGNITUDE: MAGNITUDE}


def relax(circuit: Circuit) -> Relaxed:
    """The circuit as a batch of one stack with real weights."""
    layers, width = [], 0
    for layer in circuit.layers:
        W = np.zeros((1, width + circuit.n_columns, len(layer)))
        for u, unit in enumerate(layer):
            for t in unit.terms:
                W[0, t.source, u] = float(t.weight) * t.constant
        kind = np.array([[CODE[unit.kind] for unit in layer]], dtype=np.int8)
        constant = np.array([[unit.constant for unit in layer]])
        layers.append(RelaxedLayer(kind, W, constant))
        width = len(layer)
    return Relaxed(tuple(layers), np.zeros(1))
