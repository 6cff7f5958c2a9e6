"""Random starts: each restart has a stream of its own, and only what means something takes part."""

from __future__ import annotations

import numpy as np
import pytest
from tables import uniform

from nalu_cli.explore import Plan, starts
from nalu_cli.polish import Network, evaluate_relaxed
from nalu_cli.relaxed import MAGNITUDE, PRODUCT, SUM

PLANS = ("M1", "A1", "M2 A1", "A2 M1", "M3 A2 M1", "A2 M2 A1", "M4 A2 M2 A1")


@pytest.mark.parametrize("layers", PLANS)
@pytest.mark.parametrize("signed", [True, False])
def test_a_restart_does_not_depend_on_how_many_others_there_are(layers: str, signed: bool) -> None:
    few, free = starts(Plan(layers, signed), 3, 2, (7, 0))
    many, same_free = starts(Plan(layers, signed), 3, 9, (7, 0))
    np.testing.assert_array_equal(Network.flatten(few), Network.flatten(many)[:2])
    np.testing.assert_array_equal(free, same_free)
    drawn = free & (np.ptp(Network.flatten(many), axis=0) > 0)
    weights = Network.flatten(many)[:, drawn]
    assert len(np.unique(weights)) == weights.size >= 9 * 3
    other, _ = starts(Plan(layers, signed), 3, 2, (7, 1))
    assert not np.isin(Network.flatten(other)[:, drawn], weights).any()


def test_a_plan_says_what_its_layers_are() -> None:
    plan = Plan("M4 A2 M1")
    assert plan.kinds == [PRODUCT, SUM, PRODUCT]
    assert plan.widths == [4, 2, 1]
    assert plan.name == "product(4) sum(2) product"
    assert Plan("M4 A2 M1", signed=False).kinds == [MAGNITUDE, SUM, MAGNITUDE]


@pytest.mark.parametrize("layers", PLANS)
def test_stacks_have_the_shape_of_their_plan(layers: str) -> None:
    plan, n = Plan(layers), 3
    relaxed, free = starts(plan, n, 4, (0,))
    width = 0
    for layer, kind, units in zip(relaxed.layers, plan.kinds, plan.widths, strict=True):
        assert layer.weights.shape == (4, width + n, units)
        assert (layer.kind == kind).all()
        width = units
    assert free.shape == (Network(relaxed, np.ones((1, n))).size,)
    assert np.isfinite(evaluate_relaxed(relaxed, uniform(1, 10, n))).all()


@pytest.mark.parametrize("layers", PLANS)
def test_sums_read_columns_only_at_the_bottom_and_only_the_last_product_has_a_scale(
    layers: str,
) -> None:
    plan, n = Plan(layers), 3
    relaxed, free = starts(plan, n, 4, (0,))
    at = 0
    for k, layer in enumerate(relaxed.layers):
        inputs, units = layer.weights.shape[1:]
        weights = free[at : at + inputs * units].reshape(inputs, units)
        constants = free[at + inputs * units : at + inputs * units + units]
        at += inputs * units + units
        if plan.kinds[k] == SUM:
            assert weights[: inputs - n if k else None].all()
            assert not (k and weights[inputs - n :].any())
            assert constants.all()
        else:
            assert weights.all()
            assert (constants == (k == len(relaxed.layers) - 1)).all()
            assert (layer.constant == 1).all()
        assert (layer.weights[:, ~weights] == 0).all()
    assert at == len(free)
