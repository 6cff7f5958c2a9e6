"""Real constants, scaled against each other, fitted, and how sure they are."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

import numpy as np
from numpy.typing import NDArray

from nalu_cli.circuit import Circuit
from nalu_cli.circuit.constants import Place, constants_of, with_constants
from nalu_cli.circuit.relaxed import relax
from nalu_cli.circuit.rounding_error import EPS, rounding_bound
from nalu_cli.fitting.levenberg_marquardt import Network
from nalu_cli.rows import Rows

__all__ = ["positions", "refit"]

Floats = NDArray[np.float64]

MOST_STEPS = 8
"""*Guess:* Gauss-Newton steps after which a fit that still improves is left; near the minimum each
step doubles the number of right digits."""

UNSEEN = 4 * EPS
"""*Derived:* two misfits that differ by less than this share are equal but for rounding. Near its
minimum the misfit is flat, so the last half of the digits of the constants changes it by less than
its own rounding; the step knows these digits and is taken."""

LEAST_GAIN = 1e-3
"""*Guess:* a step that lowers the misfit by less than this share was the last; another would only
change digits that the rows do not tell."""

NO_EFFECT = 1e-11
"""*Guess:* directions of the constants with less effect than this, relative to the largest, are
left alone: they are factors that one unit can hand to the next."""


def refit(
    circuit: Circuit,
    rows: Rows,
    *,
    sigma: float | None = None,
    fixed: AbstractSet[Place] = frozenset(),
) -> tuple[Circuit, dict[Place, float]]:
    """Fit all constants by Gauss-Newton.

    Parameters
    ----------
    circuit : Circuit
    rows : Rows
    sigma : float or None
        Standard deviation of the target's error, the same on all rows; None for data without
        noise, where each row counts by what rounding can do to it.
    fixed : set of Place
        Constants that stay as they are.

    Returns
    -------
    circuit : Circuit
    standard_errors : dict of Place to float
        Of each constant; inf where the data do not determine it.
    """
    values = {p: v for p, v in constants_of(circuit).items() if p not in fixed}
    if not values:
        return circuit, {}
    spread = dict.fromkeys(values, np.inf)
    for _ in range(MOST_STEPS):
        # the weights of one circuit for both: near a pole rounding would excuse everything
        weight = _weights(circuit, rows, sigma)
        loss = _misfit(circuit, rows, weight)
        step, spread = _gauss_newton(circuit, rows, list(values), sigma)
        trial = _moved(circuit, values, step)
        if trial is None:
            break
        new_loss = _misfit(trial, rows, weight)
        if not new_loss < loss * (1 + UNSEEN * (sigma is not None)):
            break
        circuit = trial
        values = {place: values[place] + step[place] for place in values}
        if loss - new_loss <= LEAST_GAIN * new_loss:
            break
    return circuit, spread


def _moved(
    circuit: Circuit, values: dict[Place, float], step: dict[Place, float]
) -> Circuit | None:
    moved = {place: values[place] + step[place] for place in values}
    if 0 in moved.values():
        return None
    try:
        return with_constants(circuit, moved)
    except ValueError:  # a number that is not finite, or an exponent too large
        return None


def _weights(circuit: Circuit, rows: Rows, sigma: float | None) -> Floats:
    if sigma is not None:
        return np.full(len(rows), 1.0 / sigma)
    _, bound = rounding_bound(circuit, rows.X)
    floor = EPS * np.abs(rows.y) + 1e-300
    return 1.0 / (np.where(np.isfinite(bound), bound, 0.0) + floor)


def _misfit(circuit: Circuit, rows: Rows, weight: Floats) -> float:
    with np.errstate(all="ignore"):
        gap = (circuit.evaluate(rows.X) - rows.y) * weight
        total = float(np.sqrt(np.mean(gap**2)))
    return total if np.isfinite(total) else np.inf


def _gauss_newton(
    circuit: Circuit, rows: Rows, places: list[Place], sigma: float | None
) -> tuple[dict[Place, float], dict[Place, float]]:
    relaxed = relax(circuit)
    network = Network(relaxed, rows.X)
    theta = Network.flatten(relaxed)
    _, traces = network.forward(theta)
    weight = _weights(circuit, rows, sigma)
    J = network.jacobian(theta, traces, weight[None, :])[0][:, positions(network, places)]
    with np.errstate(all="ignore"):
        gap = np.nan_to_num((rows.y - circuit.evaluate(rows.X)) * weight)
    # by their largest entry first: the squares of tiny slopes are zero, those of huge ones infinite
    size = np.max(np.abs(J), axis=0)
    if not np.isfinite(size).all():
        raise np.linalg.LinAlgError("slopes beyond the range of doubles")
    size[size == 0] = 1.0
    J = J / size
    units = np.linalg.norm(J, axis=0)
    units[units == 0] = 1.0
    # factors that one unit can hand to the next leave directions without effect: the
    # pseudo-inverse does not move along them
    q, r = np.linalg.qr(J / units)
    inverse = np.linalg.pinv(r, rcond=NO_EFFECT)
    with np.errstate(over="ignore"):
        step = inverse @ (q.T @ gap) / units / size
        spread = np.linalg.norm(inverse, axis=1) / units / size
    return dict(zip(places, step, strict=True)), dict(zip(places, spread, strict=True))


def positions(network: Network, places: list[Place]) -> list[int]:
    """Where constants stand among all weights of a network, in the order of `Network.flatten`."""
    starts, at = [], 0
    for i, o in network.shapes:
        starts.append(at)
        at += i * o + o
    found = []
    for place in places:
        i, o = network.shapes[place.layer]
        inner = i * o + place.unit if place.source is None else place.source * o + place.unit
        found.append(starts[place.layer] + inner)
    return found
