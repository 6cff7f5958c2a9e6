"""An accumulator inside a network, trained like a layer of a stack and snapped in place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from nalu_cli.circuit import Circuit
from nalu_cli.circuit.relaxed import Relaxed
from nalu_cli.fitting.levenberg_marquardt import Network, Residual, levenberg_marquardt
from nalu_cli.settings import CellName
from nalu_cli.snapping.allowed_values import AllowedValues
from nalu_cli.snapping.snap import snap
from nalu_cli.training.cells import Path
from nalu_cli.training.stack import StackShape
from nalu_cli.training.train import train

__all__ = ["Accumulator", "snapped_accumulator"]

Floats = NDArray[np.float64]

UNITS = 2
"""Numbers that are kept."""

ATTEMPTS, RESTARTS, RESTART_STEPS = 8, 24, 600
"""Quotients need the second attempt now and then, the other functions hardly ever."""

SNAP_ROWS, KEPT, POLISH_STEPS = 300, 6, 60
"""Sequences that polish and snap look at, and how many of the best restarts are polished."""

SETTLED = 1e-20
"""Loss of a stack that is at a law."""


@dataclass(frozen=True, slots=True)
class Accumulator:
    """A snapped network: state = state + W x at each step, and a circuit on the last state.

    Parameters
    ----------
    W : ndarray of shape (I, units)
        -1, 0 and 1.
    head : Circuit
        Its columns are the units.
    """

    W: Floats
    head: Circuit

    def read(self, pieces: Iterator[Floats]) -> Floats:
        """Answer sequences that come in pieces of shape (T, N, I): (N,)."""
        state: Floats = np.zeros((1, self.W.shape[1]))
        for piece in pieces:
            for x in piece:
                state = state + x @ self.W
        return self.head.evaluate(state)


def snapped_accumulator(X: Floats, y: Floats, *, seed: int) -> Accumulator | None:
    """Train a NAU and a gated unit behind it, and snap them in place.

    Parameters
    ----------
    X : ndarray of shape (N, I)
        Sequences, added up over time.
    y : ndarray of shape (N,)
    seed : int

    Returns
    -------
    Accumulator or None
        None if no restart ends at a law.
    """
    shape = StackShape(
        (Path.SUM, Path.PRODUCT), (UNITS, 1), signed=True, inner=CellName.NAU, skips=False
    )
    rows, wanted = X[:SNAP_ROWS], y[:SNAP_ROWS]
    log, free = bool(np.all(y > 0)), _weights_of_cells(X.shape[1])
    for attempt in range(ATTEMPTS):
        start = seed * ATTEMPTS + attempt
        trained = train(shape, X, y, restarts=RESTARTS, steps=RESTART_STEPS, seed=start)
        network = Network(trained.relaxed.first(KEPT), rows)
        theta = network.flatten(trained.relaxed.first(KEPT))
        theta, loss = levenberg_marquardt(
            network,
            theta,
            Residual(wanted, log=log),
            free=np.broadcast_to(free, theta.shape),
            steps=POLISH_STEPS,
        )
        best = np.argsort(loss, kind="stable")[:1]
        relaxed = _of_size_one(network.take(best).unflatten(theta[best], loss[best]))
        allowed = AllowedValues(constants=False)
        snapped = snap(relaxed, rows, wanted, log=log, keep=1, allowed=allowed, free=free)
        if snapped and snapped[0].loss < SETTLED:
            return _taken_apart(snapped[0].circuit)
    return None


def _of_size_one(relaxed: Relaxed) -> Relaxed:
    """The same networks with 1 as the largest weight of each unit of the accumulator.

    A product makes up for the size of what it multiplies, so no size is lost.
    """
    sums, answer = relaxed.layers
    size = np.abs(sums.weights).max(axis=1)  # (R, units)
    size = np.where(size > 0, size, 1.0)
    powers = answer.weights[:, : size.shape[1]]
    constant = answer.constant * np.exp(np.einsum("ru,ruo->ro", np.log(size), powers))
    W = sums.weights / size[:, None, :]
    layers = (replace(sums, weights=W), replace(answer, constant=constant))
    return replace(relaxed, layers=layers)


def _weights_of_cells(inputs: int) -> NDArray[np.bool_]:
    """Weights of the stack in the order of a polish: not what its cells do not have.

    The NAU has no offsets, and the unit behind it does not read the inputs.
    """
    accumulator = np.repeat([True, False], (inputs * UNITS, UNITS))
    head = np.repeat([True, False, True], (UNITS, inputs, 1))
    return np.concatenate([accumulator, head])


def _taken_apart(circuit: Circuit) -> Accumulator:
    """The layer that is applied at each step, and what is applied once."""
    units = circuit.layers[0]
    W = np.zeros((circuit.n_columns, len(units)))
    for k, unit in enumerate(units):
        for term in unit.terms:
            W[term.source, k] = float(term.weight)
    return Accumulator(W, Circuit(len(units), circuit.layers[1:]))
