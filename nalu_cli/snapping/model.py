"""A circuit as a function of its numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nalu_cli.circuit import Circuit, UnitKind
from nalu_cli.circuit.constants import Place, constants_of
from nalu_cli.circuit.relaxed import relax
from nalu_cli.fitting.fit_constants import positions
from nalu_cli.fitting.levenberg_marquardt import Network
from nalu_cli.rows import Rows
from nalu_cli.snapping.bound import Bound

__all__ = ["Model", "is_product", "solved"]

Floats = NDArray[np.float64]

NO_EFFECT = 1e-10
"""*Derived:* directions with less effect, relative to the largest, are rounding's."""


class Model:
    """A circuit as a function of its numbers on some rows."""

    def __init__(self, circuit: Circuit, rows: Rows, bound: Bound) -> None:
        relaxed = relax(circuit)
        self.network = Network(relaxed, rows.X)
        self.theta = Network.flatten(relaxed)[0]
        self.y, self.half, self.bound = rows.y, bound.size, bound
        self.places = [p for p, v in constants_of(circuit).items() if v != 1.0]
        self.at = np.array(positions(self.network, self.places), dtype=np.intp)
        self.exponent = np.array([_is_exponent(circuit, p) for p in self.places], dtype=bool)
        self.is_product = is_product(circuit)
        self.term = np.array([_is_in_sum(circuit, p) for p in self.places], dtype=bool)

    def residuals(self, theta: Floats) -> tuple[Floats, Any]:
        """(f - y) / half of each of R settings of all weights: (R, N)."""
        value, traces = self.network.forward(theta)
        with np.errstate(all="ignore"):
            r = (value - self.y) / self.half
        return np.where(np.isfinite(r), r, 1e12), traces

    def slopes(self, theta: Floats, traces: Any) -> Floats:
        """Derivatives of the residuals by the numbers: (R, N, Q)."""
        slope = np.broadcast_to(1.0 / self.half, (len(theta), len(self.half)))
        return self.network.jacobian(theta, traces, slope)[:, :, self.at]

    def scales(self, theta: Floats) -> Floats:
        """What changes of the numbers are relative to: 1 for exponents, (..., Q)."""
        return np.asarray(np.where(self.exponent, 1.0, np.abs(theta[..., self.at])))


def is_product(circuit: Circuit) -> bool:
    """Whether a circuit is one product of powers."""
    return all(unit.kind is not UnitKind.SUM for unit in circuit.units())


def solved(slopes: Floats) -> tuple[Floats, Floats]:
    """How numbers follow from errors by least squares.

    Parameters
    ----------
    slopes : ndarray of shape (N, Q)

    Returns
    -------
    inverse : ndarray of shape (Q, N)
        The pseudo-inverse.
    standard_errors : ndarray of shape (Q,)
        Of each number, all others free, when the errors have size 1.
    """
    lengths = np.linalg.norm(slopes, axis=0) + 1e-300
    inverse: Floats = np.linalg.pinv(slopes / lengths, rcond=NO_EFFECT)
    return inverse / lengths[:, None], np.linalg.norm(inverse, axis=1) / lengths


def _is_in_sum(circuit: Circuit, place: Place) -> bool:
    return circuit.layers[place.layer][place.unit].kind is UnitKind.SUM


def _is_exponent(circuit: Circuit, place: Place) -> bool:
    kind = circuit.layers[place.layer][place.unit].kind
    return kind is not UnitKind.SUM and place.source is not None
