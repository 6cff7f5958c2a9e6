"""The snap: stacks near a law end on it, and each move costs what was predicted."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from answers import product, total
from restarts import restarts
from tables import Floats, uniform

from nalu_cli.circuit import Circuit, UnitKind
from nalu_cli.circuit.relaxed import Relaxed, RelaxedLayer, relax
from nalu_cli.fitting.levenberg_marquardt import Network, Residual, levenberg_marquardt
from nalu_cli.snapping.allowed_values import AllowedValues
from nalu_cli.snapping.snap import Snapped, snap

LAWS = {
    "a*b/c": Circuit(3, ((product((0, 1), (1, 1), (2, -1)),),)),
    "2.5*a**2/sqrt(c)": Circuit(3, ((product((0, 2), (2, -0.5), scale=2.5),),)),
    "a - b + 3.7": Circuit(3, ((total((0, 1), (1, -1), offset=3.7),),)),
    "(a + b)*c": Circuit(3, ((total((0, 1), (1, 1)),), (product((0, 1), (3, 1)),))),
    "(a + b)/(b + c)": Circuit(
        3, ((total((0, 1), (1, 1)), total((1, 1), (2, 1))), (product((0, 1), (1, -1)),))
    ),
    "a*b + c**2": Circuit(
        3, ((product((0, 1), (1, 1)), product((2, 2))), (total((0, 1), (1, 1)),))
    ),
    "a*b + a*c - 1.3": Circuit(
        3,
        (
            (product((0, 1), (1, 1)), product((0, 1), (2, 1))),
            (total((0, 1), (1, 1), offset=-1.3),),
        ),
    ),
}


def near(circuit: Circuit, size: float, restarts: int = 6) -> tuple[Relaxed, Floats]:
    """The law's stack several times over, every weight moved a little; and which may move.

    Sums of products read no columns, and the scale of a product below a sum is the sum's business,
    as in the stacks that are trained.
    """
    one, rng = relax(circuit), np.random.default_rng(3)
    layers, free = [], []
    for k, layer in enumerate(one.layers):
        sums = circuit.layers[k][0].kind is UnitKind.SUM
        reads = np.ones(layer.weights.shape[1:], dtype=bool)
        if k and sums:
            reads[-circuit.n_columns :] = False
        last = k == len(one.layers) - 1
        settled = np.full(layer.constant.shape[1], sums or last)
        free += [reads.ravel(), settled]

        def off(values: Floats, mask: Floats) -> Floats:
            many = np.repeat(values, restarts, axis=0)
            return many + np.where(mask, rng.uniform(-size, size, many.shape), 0.0)

        kind = np.repeat(layer.kind, restarts, axis=0)
        layers.append(RelaxedLayer(kind, off(layer.weights, reads), off(layer.constant, settled)))
    return Relaxed(tuple(layers), np.full(restarts, np.inf)), np.concatenate(free)


@pytest.mark.parametrize("name", LAWS)
@pytest.mark.parametrize("log", [False, True])
def test_a_stack_near_a_law_snaps_to_it(name: str, log: bool) -> None:
    law = LAWS[name]
    x = uniform(1, 80, 3)
    y = law.evaluate(x)
    assert (y > 0).all()
    relaxed, free = near(law, 0.05)
    found = snap(relaxed, x, y, log=log, free=free)
    assert found
    elsewhere = uniform(2, 50, 3, low=5, high=50)
    np.testing.assert_allclose(
        found[0].circuit.evaluate(elsewhere), law.evaluate(elsewhere), rtol=1e-9
    )
    assert found[0].loss < 1e-22
    assert [one.loss for one in found] == sorted(one.loss for one in found)


@pytest.mark.parametrize("name", LAWS)
def test_a_stack_at_a_law_stays_there(name: str) -> None:
    law, x = LAWS[name], uniform(1, 80, 3)
    relaxed, free = near(law, 0.0, restarts=1)
    (found,) = snap(relaxed, x, law.evaluate(x), free=free)
    assert [
        [(u.kind, [(t.source, t.weight) for t in u.terms]) for u in layer]
        for layer in found.circuit.layers
    ] == [
        [(u.kind, [(t.source, t.weight) for t in u.terms]) for u in layer] for layer in law.layers
    ]


def loss_with(
    relaxed: Relaxed, x: Floats, y: Floats, fixed: dict[int, float]
) -> tuple[Floats, float]:
    """The best weights and loss with some weights at a value."""
    network, theta = Network(relaxed, x), Network.flatten(relaxed)
    free = np.ones(theta.shape, dtype=bool)
    for p, value in fixed.items():
        theta[:, p], free[:, p] = value, False
    best, loss = levenberg_marquardt(
        network, theta, Residual(y, log=False), free=free, steps=80, good_enough=0
    )
    return best[0], float(loss[0])


@pytest.mark.parametrize("exponent", [1.005, 0.993, 2.004])
def test_a_small_move_costs_what_was_predicted(exponent: float) -> None:
    rng = np.random.default_rng(4)
    x = uniform(5, 400, 1)
    y = 3.7 * x[:, 0] ** exponent + 0.3 * rng.standard_normal(400)
    start = Relaxed(
        (RelaxedLayer(np.array([[1]], np.int8), np.array([[[exponent]]]), np.array([[3.7]])),),
        np.zeros(1),
    )
    (w, _), free_loss = loss_with(start, x, y, {})
    _, held_loss = loss_with(start, x, y, {0: round(exponent)})
    (found,) = snap(start, x, y)
    assert found.circuit.layers[0][0].terms[0].weight == round(exponent)
    move = next(m for m in found.moves if m.source == "x0")
    assert move.trained == pytest.approx(w, abs=1e-6)
    assert move.cost == pytest.approx(held_loss - free_loss, rel=0.05, abs=1e-6)


@pytest.mark.parametrize(
    ("name", "allowed"),
    [("2.5*a**2/sqrt(c)", False), ("a*b + c**2", False), ("a*b/c", True), ("(a + b)*c", True)],
)
def test_ternary_weights_are_minus_one_zero_and_one(name: str, allowed: bool) -> None:
    law, x = LAWS[name], uniform(1, 80, 3)
    y = law.evaluate(x)
    relaxed, free = near(law, 0.02)
    found = snap(relaxed, x, y, free=free, allowed=AllowedValues.of(ternary=True, constants=True))
    for one in found:
        assert {abs(t.weight) for u in one.circuit.units() for t in u.terms} <= {Fraction(1)}
    assert any(one.loss < 1e-20 for one in found) == allowed


def test_without_constants_there_are_none() -> None:
    x = uniform(1, 80, 3)
    for law, fits in ((LAWS["a - b + 3.7"], False), (LAWS["(a + b)/(b + c)"], True)):
        relaxed, free = near(law, 0.05)
        found = snap(relaxed, x, law.evaluate(x), free=free, allowed=AllowedValues(constants=False))
        for one in found:
            for unit in one.circuit.units():
                assert abs(unit.constant) in (0.0, 1.0)
                assert {t.constant for t in unit.terms} <= {1.0}
        assert any(one.loss < 1e-20 for one in found) == fits


@pytest.mark.parametrize("layers", ["M1", "M2 A1", "A2 M1"])
def test_all_exponents_of_a_snapped_stack_are_allowed_ones(layers: str) -> None:
    x = uniform(6, 60, 2)
    y = np.exp(0.3 * x[:, 0]) + x[:, 1]
    relaxed, free = restarts(layers, 2, 8, 1)
    allowed = AllowedValues()
    for one in snap(relaxed, x, y, free=free, keep=8):
        for unit in one.circuit.units():
            if unit.kind is not UnitKind.SUM:
                assert {float(t.weight) for t in unit.terms} <= set(allowed.exponents)


def test_the_snap_table_names_each_weight_once_with_its_value() -> None:
    law = LAWS["a*b + a*c - 1.3"]
    x = uniform(1, 80, 3)
    relaxed, free = near(law, 0.05)
    (best, *_) = snap(relaxed, x, law.evaluate(x), free=free, names=("a", "b", "c"))
    places = [(m.layer, m.unit, m.source) for m in best.moves]
    units = sum(map(len, best.circuit.layers))
    assert len(places) == len(set(places)) == Network(relaxed, x).size + units
    assert {p[2] for p in places} == {"a", "b", "c", "unit 1", "unit 2", "constant", "gate"}
    value = {place: m.snapped for place, m in zip(places, best.moves, strict=True)}
    for u, unit in enumerate(best.circuit.layers[0]):
        power = {"abc"[t.source]: float(t.weight) for t in unit.terms}
        assert {s: value[0, u, s] for s in "abc"} == {s: power.get(s, 0.0) for s in "abc"}
    (answer,) = best.circuit.layers[1]
    assert value[1, 0, "constant"] == answer.constant
    assert {value[0, u, "gate"] for u in range(len(best.circuit.layers[0]))} == {0.0}
    assert value[1, 0, "gate"] == 1.0


def test_the_best_restarts_are_kept() -> None:
    law, x = LAWS["a*b/c"], uniform(1, 80, 3)
    relaxed, _ = near(law, 0.05)
    # two restarts that can go nowhere
    weights = relaxed.layers[0].weights.copy()
    weights[:2] = np.nan
    spoilt = Relaxed(
        (RelaxedLayer(relaxed.layers[0].kind, weights, relaxed.layers[0].constant),), relaxed.loss
    )
    found = snap(spoilt, x, law.evaluate(x), keep=3)
    assert len(found) == 3
    assert {one.restart for one in found} <= {2, 3, 4, 5}


def test_it_stops_when_told_to() -> None:
    law, x = LAWS["(a + b)/(b + c)"], uniform(1, 80, 3)
    relaxed, free = near(law, 0.3)
    asked = 0

    def stop() -> bool:
        nonlocal asked
        asked += 1
        return True

    assert all(
        isinstance(one, Snapped) for one in snap(relaxed, x, law.evaluate(x), free=free, stop=stop)
    )
    assert asked <= 2


def test_a_published_cell_is_snapped_to_its_own_powers() -> None:
    binary = AllowedValues.of_cell([Fraction(0), Fraction(1)], ternary=False)
    assert (binary.exponents, binary.constants) == ((1.0,), False)
    powers = [Fraction(k, 2) for k in (-4, -1, 0, 1, 2)]
    assert AllowedValues.of_cell(powers, ternary=False).exponents == (0.5, -0.5, 1.0, -2.0)
    assert AllowedValues.of_cell(powers, ternary=True).exponents == (1.0,)
