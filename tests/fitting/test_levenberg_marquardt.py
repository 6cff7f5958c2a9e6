"""Second-order polish: right derivatives, known laws reached, no restart in the way of another."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from answers import product, total
from restarts import restarts
from tables import Floats, uniform

from nalu_cli.circuit import Circuit
from nalu_cli.circuit.relaxed import MAGNITUDE, PRODUCT, SUM, Relaxed, RelaxedLayer, relax
from nalu_cli.fitting.levenberg_marquardt import (
    Network,
    Residual,
    evaluate_relaxed,
    levenberg_marquardt,
    polish,
)

KINDS = list(itertools.product((SUM, PRODUCT, MAGNITUDE), repeat=2))


def stacks(first: int, second: int, restarts: int = 3, *, whole: bool = False) -> Relaxed:
    """Two units of mixed kinds and one on top of them, reading three columns."""
    rng = np.random.default_rng(5)

    def layer(kinds: list[int], inputs: int) -> RelaxedLayer:
        shape = (restarts, inputs, len(kinds))
        weights = rng.integers(-2, 3, shape) if whole else rng.uniform(-1.2, 1.2, shape)
        constant = rng.uniform(0.5, 1.5, (restarts, len(kinds)))
        kind = np.tile(np.array(kinds, dtype=np.int8), (restarts, 1))
        return RelaxedLayer(kind, weights.astype(float), constant)

    return Relaxed((layer([first, second], 3), layer([second], 5)), np.full(restarts, np.inf))


def inputs(low: float) -> Floats:
    x = uniform(1, 12, 3, low=low, high=2)
    return np.where(np.abs(x) < 0.3, 0.3, x)


@pytest.mark.parametrize(("first", "second"), KINDS)
@pytest.mark.parametrize("low", [0.5, -2.0])
@pytest.mark.parametrize("log", [False, True])
def test_the_jacobian_is_the_slope_of_the_residual(
    first: int, second: int, low: float, log: bool
) -> None:
    relaxed, x = stacks(first, second), inputs(low)
    network, theta = Network(relaxed, x), Network.flatten(relaxed)
    residual = Residual(np.linspace(1, 2, len(x)), log=log)
    f, traces = network.forward(theta)
    jacobian = network.jacobian(theta, traces, residual.slope(f))
    step = 1e-6
    # differences are of no use near a pole of the unit above
    tame = (np.abs(traces[0].value) > 0.1).all(axis=2) & (np.abs(f) > 0.1)
    assert tame.mean() > 0.3
    for p in range(network.size):
        ends = []
        for sign in (1, -1):
            moved = theta.copy()
            moved[:, p] += sign * step
            ends.append(residual(network.forward(moved)[0]))
        slope = (ends[0] - ends[1]) / (2 * step)
        size = np.abs(jacobian).max(axis=2) + np.abs(slope)
        assert (np.abs(slope - jacobian[:, :, p])[tame] <= 1e-6 * size[tame]).all()


@pytest.mark.parametrize(("first", "second"), KINDS)
def test_values_are_those_of_the_formula(first: int, second: int) -> None:
    relaxed, x = stacks(first, second, whole=True), inputs(-2.0)

    def value(kind: int, w: Floats, b: float, columns: list[Floats]) -> Floats:
        if kind == SUM:
            return b + sum(v * c for v, c in zip(w, columns, strict=True))
        parts = [np.abs(c) if kind == MAGNITUDE else c for c in columns]
        return b * np.prod([c**v for v, c in zip(w, parts, strict=True)], axis=0)

    for r, found in enumerate(evaluate_relaxed(relaxed, x)):
        below, above = relaxed.layers
        columns = list(x.T)
        units = [
            value(kind, below.weights[r, :, u], below.constant[r, u], columns)
            for u, kind in enumerate((first, second))
        ]
        true = value(second, above.weights[r, :, 0], above.constant[r, 0], units + columns)
        np.testing.assert_allclose(found, true, rtol=1e-10, atol=1e-12)


LAWS = {
    "a*b/c": Circuit(3, ((product((0, 1), (1, 1), (2, -1), scale=0.7),),)),
    "(a - b)*c": Circuit(3, ((total((0, 1), (1, -1)),), (product((0, 1), (3, 1)),))),
    "a*b + c**2": Circuit(
        3, ((product((0, 1), (1, 1)), product((2, 2))), (total((0, 1), (1, 1), offset=0.3),))
    ),
    "a/(b + c)": Circuit(3, ((total((1, 1), (2, 1)),), (product((0, -1), (1, 1)),))),
}
ROOT = Circuit(
    3, ((product((0, 2)), product((1, 2))), (total((0, 1), (1, 1)),), (product((0, 0.5)),))
)
"""sqrt(a**2 + b**2)"""


def shaken(circuit: Circuit, restarts: int, size: float) -> Relaxed:
    """The law's stack several times over, every weight moved."""
    one, rng = relax(circuit), np.random.default_rng(3)

    def off(values: Floats) -> Floats:
        many = np.repeat(values, restarts, axis=0)
        return many + rng.uniform(-size, size, many.shape)

    layers = tuple(
        RelaxedLayer(np.repeat(k.kind, restarts, axis=0), off(k.weights), off(k.constant))
        for k in one.layers
    )
    return Relaxed(layers, np.full(restarts, np.inf))


@pytest.mark.parametrize("name", LAWS)
@pytest.mark.parametrize("log", [False, True])
def test_a_stack_near_a_law_reaches_it(name: str, log: bool) -> None:
    x = uniform(2, 60, 3)
    x[:, 0] += 4  # so that a - b keeps its sign
    y = LAWS[name].evaluate(x)
    found = polish(shaken(LAWS[name], 6, 0.05), x, y, steps=60, log=log)
    assert (found.loss < 1e-24).all()
    np.testing.assert_allclose(evaluate_relaxed(found, x), np.tile(y, (6, 1)), rtol=1e-10)


def test_only_free_weights_move() -> None:
    x = uniform(2, 60, 3)
    y = ROOT.evaluate(x)
    start, still = shaken(ROOT, 6, 0.05), Network.flatten(relax(ROOT))[0]
    network, theta = Network(start, x), np.where(still != 0, Network.flatten(start), 0.0)
    free = np.broadcast_to(still != 0, theta.shape)
    found, loss = levenberg_marquardt(network, theta, Residual(y, log=False), free=free, steps=60)
    assert (loss < 1e-24).all()
    assert (found[:, still == 0] == 0).all()
    assert (found[:, still != 0] != theta[:, still != 0]).any(axis=0).all()


@pytest.mark.parametrize("layers", ["M2 A1", "A2 M1", "M3 A2 M1"])
@pytest.mark.parametrize("low", [1.0, -2.0])
def test_a_restart_goes_its_way_whatever_its_neighbours_do(layers: str, low: float) -> None:
    x = uniform(3, 40, 3, low=low, high=2.5)
    y = x[:, 0] * x[:, 1] + x[:, 2]
    together = restarts(layers, 3, 5, 1)[0]
    found = polish(together, x, y, steps=25)
    for r in range(5):
        alone = Relaxed(
            tuple(
                RelaxedLayer(k.kind[[r]], k.weights[[r]], k.constant[[r]]) for k in together.layers
            ),
            together.loss[[r]],
        )
        single = polish(alone, x, y, steps=25)
        np.testing.assert_array_equal(Network.flatten(single)[0], Network.flatten(found)[r])
        assert single.loss[0] == found.loss[r]


@pytest.mark.parametrize("layers", ["M2 A1", "A2 M1", "A2 M2 A1"])
def test_polish_makes_no_restart_worse_and_reports_its_loss(layers: str) -> None:
    x = uniform(4, 50, 3, low=-2, high=2)
    y = x[:, 0] * x[:, 1] - 2 * x[:, 2]
    start = restarts(layers, 3, 8, 2)[0]

    def loss(relaxed: Relaxed) -> Floats:
        return np.mean((evaluate_relaxed(relaxed, x) - y) ** 2, axis=1) / np.var(y)

    found = polish(start, x, y, steps=30)
    assert (loss(found) <= loss(start)).all()
    assert (loss(found) < 0.99 * loss(start)).any()
    np.testing.assert_allclose(found.loss, loss(found), rtol=1e-9)


def test_rows_of_zeros_leave_the_weights_finite() -> None:
    x = uniform(5, 30, 3)
    x[:3] = 0
    start = restarts("M2 A1", 3, 4, 3)[0]
    found = polish(start, x, x[:, 0] * x[:, 1], steps=20)
    assert np.isfinite(Network.flatten(found)).all()


def test_weights_say_how_much_each_row_counts() -> None:
    random = np.random.default_rng(0)
    y, f, weights = random.normal(size=(3, 20))
    share = weights**2 / np.sum(weights**2)
    variance = np.sum(share * (y - np.sum(share * y)) ** 2)
    loss = np.square(Residual(y, log=False, weights=np.abs(weights))(f[None])).sum()
    assert loss == pytest.approx(np.sum(share * (f - y) ** 2) / variance)
