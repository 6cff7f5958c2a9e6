"""Stage 7: real constants, scaled against each other, fitted, and how sure they are."""

from __future__ import annotations

import math
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from nalu_cli.circuit import Circuit, Term, Unit, UnitKind, exponent_of, is_real_exponent
from nalu_cli.constants import name_constant
from nalu_cli.polish import Network
from nalu_cli.problem import Rows
from nalu_cli.relaxed import MAGNITUDE, PRODUCT, SUM, Relaxed, RelaxedLayer
from nalu_cli.rounding import EPS, rounding_bound

__all__ = [
    "Place",
    "balance",
    "constants_of",
    "positions",
    "refit",
    "relax",
    "with_constants",
    "with_offsets_of_one",
    "without_constants",
]

Floats = NDArray[np.float64]

CODE = {UnitKind.SUM: SUM, UnitKind.PRODUCT: PRODUCT, UnitKind.MAGNITUDE: MAGNITUDE}

MOST_STEPS = 8

UNSEEN = 4 * EPS
"""Share of the misfit within which two misfits are equal but for rounding.

Derived: near its minimum the misfit is flat, so the last half of the digits of the constants
changes it by less than its own rounding; the step knows these digits and is taken.
"""

NO_EFFECT = 1e-11
"""Directions of the constants with less effect than this, relative to the largest, are left."""

LOOSE = 1e-7
"""Relative precision of constants before they are fitted: enough to see which ratios are simple."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a constant stands: a unit, and the source of a term or None for the unit's own."""

    layer: int
    unit: int
    source: int | None


def constants_of(circuit: Circuit) -> dict[Place, float]:
    """All constants that are not structural: offsets, scales, coefficients and real exponents.

    Each has its sign. Scales and coefficients of 1 and offsets of 0 say nothing and are left out,
    and so are rational exponents.
    """
    found: dict[Place, float] = {}
    for k, layer in enumerate(circuit.layers):
        for u, unit in enumerate(layer):
            neutral = 0.0 if unit.kind is UnitKind.SUM else 1.0
            if unit.constant != neutral:
                found[Place(k, u, None)] = unit.constant
            for term in unit.terms:
                if _is_free(unit.kind, term):
                    found[Place(k, u, term.source)] = float(term.weight) * term.constant
    return found


def _is_free(kind: UnitKind, term: Term) -> bool:
    """Whether a term holds a real number: a coefficient, or an exponent that is no rational."""
    return term.constant != 1.0 if kind is UnitKind.SUM else is_real_exponent(term.weight)


def with_constants(circuit: Circuit, values: dict[Place, float]) -> Circuit:
    """The circuit with some constants replaced.

    Parameters
    ----------
    circuit : Circuit
    values : dict of Place to float
        A coefficient of 0 removes its term, an exponent of 0 its factor; an exponent within
        rounding of a rational, as 0.8 is, becomes that and is no constant any more.

    Raises
    ------
    ValueError
        If a value is not finite, or an exponent too large.
    """
    layers = tuple(
        tuple(_with_values(unit, k, u, values) for u, unit in enumerate(layer))
        for k, layer in enumerate(circuit.layers)
    )
    return Circuit(circuit.n_columns, layers)


def _with_values(unit: Unit, layer: int, place: int, values: dict[Place, float]) -> Unit:
    constant = values.get(Place(layer, place, None), unit.constant)
    terms = []
    for term in unit.terms:
        value = values.get(Place(layer, place, term.source))
        if value != 0:
            terms.append(term if value is None else _with_value(unit.kind, term.source, value))
    return Unit(unit.kind, tuple(terms), constant)


def _with_value(kind: UnitKind, source: int, value: float) -> Term:
    if kind is not UnitKind.SUM:
        return Term(source, exponent_of(value))
    return Term(source, Fraction(1 if value > 0 else -1), abs(value))


def without_constants(circuit: Circuit) -> Circuit:
    """The circuit with simple values for its constants: what is left is structure.

    An offset or coefficient becomes the nearest of -1, 0 and 1, a scale -1 or 1, and a real
    exponent the nearest whole or half one that is not 0.
    """
    values = {
        place: math.copysign(_simple_size(circuit, place, abs(value)), value)
        for place, value in constants_of(circuit).items()
    }
    return with_constants(circuit, values)


def _simple_size(circuit: Circuit, place: Place, size: float) -> float:
    if circuit.layers[place.layer][place.unit].kind is UnitKind.SUM:
        return min(round(size), 1)
    return 1.0 if place.source is None else max(round(2 * size), 1) / 2


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


def with_offsets_of_one(circuit: Circuit) -> Circuit:
    """Divide sums used only inside products by their offsets: ``1 - a / 3`` for ``3 - a``."""
    return _handed_up(circuit, lambda unit, _: (unit.kind is UnitKind.SUM and unit.constant) or 1.0)


def balance(circuit: Circuit) -> Circuit:
    """Move factors out of units into what uses them, so that most constants are simple.

    ``(2 a + 4 b) / (6 c + 6)`` and ``(a + 2 b) / (3 c + 3)`` are the same stack but for a factor
    that each sum can hand to the product above it. The factor is chosen that leaves the simplest
    numbers. The scale of a product used once is a coefficient or the scale of its user.
    """
    return _handed_up(circuit, _simplest_factor)


def _handed_up(circuit: Circuit, factor_of: Callable[[Unit, int], float]) -> Circuit:
    """Each unit divided by a factor that depends on it and on how many use it."""
    for k, layer in enumerate(circuit.layers[:-1]):
        for u in range(len(layer)):
            users = sum(t.source == u for user in circuit.layers[k + 1] for t in user.terms)
            circuit = _hand_up(circuit, k, u, factor_of(circuit.layers[k][u], users))
    return circuit


def _hand_up(circuit: Circuit, k: int, u: int, factor: float) -> Circuit:
    unit = circuit.layers[k][u]
    users = [
        (v, t) for v, user in enumerate(circuit.layers[k + 1]) for t in user.terms if t.source == u
    ]
    if not users:
        return circuit
    positive = all(
        circuit.layers[k + 1][v].kind is UnitKind.SUM or t.weight.denominator == 1 for v, t in users
    )
    factor = factor if positive else abs(factor)
    above = list(circuit.layers[k + 1])
    for v, t in users:
        above[v] = _scaled_user(above[v], t, factor)
    below = list(circuit.layers[k])
    below[u] = _divided(unit, factor)
    layers = list(circuit.layers)
    layers[k], layers[k + 1] = tuple(below), tuple(above)
    return Circuit(circuit.n_columns, tuple(layers))


def _simplest_factor(unit: Unit, users: int) -> float:
    if unit.kind is not UnitKind.SUM:
        # of several users each would take a number of its own
        return unit.constant if users == 1 else 1.0
    coefficients = sorted((float(t.weight) * t.constant for t in unit.terms), key=abs)
    offset = [unit.constant] if unit.constant else []
    values = [*coefficients, *offset]

    def cost(factor: float) -> float:
        return sum(_cost(v / factor) for v in values)

    # the first of equally simple ones: a coefficient of 1 is structure, an offset of 1 a constant
    return min([1.0, *coefficients, *offset], key=cost) if values else 1.0


def _cost(value: float) -> float:
    """How much a reader has to read: 0 for 1, more for longer names, most for a long real."""
    size = abs(value)
    sign = 0.01 if value < 0 else 0.0
    if abs(size - 1) < LOOSE:
        return sign
    named = name_constant(size, tolerance=LOOSE)
    return sign + (1.0 + 0.2 * len(named.text) if named is not None else 6.0)


def _scaled_user(user: Unit, term: Term, factor: float) -> Unit:
    if user.kind is not UnitKind.SUM:
        size = abs(factor) ** float(term.weight)
        odd = term.weight.denominator == 1 and term.weight.numerator % 2 == 1
        sign = -1.0 if factor < 0 and odd and user.kind is UnitKind.PRODUCT else 1.0
        return Unit(user.kind, user.terms, user.constant * sign * size)
    value = float(term.weight) * term.constant * factor
    changed = _with_value(user.kind, term.source, value)
    terms = tuple(changed if t.source == term.source else t for t in user.terms)
    return Unit(user.kind, terms, user.constant)


def _divided(unit: Unit, factor: float) -> Unit:
    if unit.kind is not UnitKind.SUM:
        return Unit(unit.kind, unit.terms, unit.constant / factor)
    terms = tuple(
        _with_value(unit.kind, t.source, float(t.weight) * t.constant / factor) for t in unit.terms
    )
    terms = tuple(replace(t, constant=1.0) if abs(t.constant - 1) < 1e-13 else t for t in terms)
    return Unit(unit.kind, terms, unit.constant / factor)


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
        if loss - new_loss <= 1e-3 * new_loss:
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
