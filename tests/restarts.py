"""Stacks with random weights, for what polishes and snaps them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from nalu_cli.circuit.relaxed import PRODUCT, SUM, Relaxed, RelaxedLayer


def restarts(layers: str, n: int, count: int, seed: int) -> tuple[Relaxed, NDArray[np.bool_]]:
    """Random stacks over n columns, and which of their weights take part.

    ``M2 A1`` are two products and a sum of them; sums do not read the columns past products.
    """
    rng = np.random.default_rng(seed)
    made, free, width = [], [], 0
    parts = layers.split()
    for k, part in enumerate(parts):
        kind, units = SUM if part[0] == "A" else PRODUCT, int(part[1:])
        reads = np.ones((width + n, units), dtype=bool)
        if k and kind == SUM:
            reads[width:] = False
        W = np.where(reads, rng.uniform(-1, 1, (count, width + n, units)), 0.0)
        constant = np.ones((count, units))
        if kind == SUM:
            constant = rng.uniform(-1, 1, (count, units))
        free += [reads.ravel(), np.full(units, kind == SUM or k == len(parts) - 1)]
        made.append(RelaxedLayer(np.full((count, units), kind, dtype=np.int8), W, constant))
        width = units
    return Relaxed(tuple(made), np.full(count, np.inf)), np.concatenate(free)
