"""The snap table of a circuit, what every weight would be if it were free."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nalu_cli.answer import Move
from nalu_cli.circuit import Circuit, UnitKind
from nalu_cli.circuit.relaxed import relax
from nalu_cli.fitting.levenberg_marquardt import Network, Residual, levenberg_marquardt
from nalu_cli.rows import Rows

__all__ = ["snap_table"]

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

POLISH_STEPS = 5
STEEPEST = 1e6


def snap_table(circuit: Circuit, rows: Rows, names: Sequence[str]) -> tuple[Move, ...]:
    """Free all weights of a circuit, polish them, and price their way back.

    Parameters
    ----------
    circuit : Circuit
    rows : Rows
        Training rows.
    names : sequence of str
        Of the columns.

    Returns
    -------
    tuple of Move
        For each gate (1 of a sum, 0 of a product), each weight that is not 0 and each constant
        that is not neutral, layer by layer.
    """
    relaxed = relax(circuit)
    network, snapped = Network(relaxed, rows.X), Network.flatten(relaxed)
    # a scale of 1 and an offset of 0 are no weights of anything
    live = (snapped != 0) & ((snapped != 1) | _is_weight(network)[None, :])
    residual = Residual(rows.y, log=False)
    trained, _ = levenberg_marquardt(network, snapped, residual, free=live, steps=POLISH_STEPS)
    f, traces = network.forward(trained)
    J = network.jacobian(trained, traces, residual.slope(f))[0][:, live[0]]
    size = np.linalg.norm(J, axis=1)
    J = J[size <= STEEPEST * np.median(size)]  # a row at the edge of a root says nothing finite
    # the curvature across the directions that other weights can make up for
    inverse = np.linalg.pinv(J.T @ J, rcond=1e-12, hermitian=True)
    costs = np.zeros(network.size)
    distance = (snapped - trained)[0, live[0]]
    costs[live[0]] = distance**2 / np.maximum(np.diagonal(inverse), 1e-300)
    return tuple(_rows_of(circuit, names, trained[0], snapped[0], costs, live[0], network))


def _is_weight(network: Network) -> Bools:
    parts = [np.repeat([True, False], [i * o, o]) for i, o in network.shapes]
    return np.concatenate(parts)


def _rows_of(
    circuit: Circuit,
    names: Sequence[str],
    trained: Floats,
    snapped: Floats,
    costs: Floats,
    live: Bools,
    network: Network,
) -> list[Move]:
    moves, at, width = [], 0, 0
    for k, (layer, (i, o)) in enumerate(zip(circuit.layers, network.shapes, strict=True)):
        sources = [f"unit {u + 1}" for u in range(width)] + list(names) + ["constant"]
        for u, unit in enumerate(layer):
            gate = 1.0 if unit.kind is UnitKind.SUM else 0.0
            moves.append(Move(k, u, "gate", gate, gate, 0.0))
            for s, source in enumerate(sources):
                p = at + s * o + u
                if live[p]:
                    moves.append(
                        Move(k, u, source, float(trained[p]), float(snapped[p]), float(costs[p]))
                    )
        at += i * o + o
        width = o
    return moves
