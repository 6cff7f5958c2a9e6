"""Stacks: shapes, the fit of the last unit, freezing."""

import numpy as np
import pytest
import torch

from nalu_cli.circuit.relaxed import MAGNITUDE, PRODUCT, SUM
from nalu_cli.fitting.levenberg_marquardt import evaluate_relaxed
from nalu_cli.settings import CellName
from nalu_cli.training.cells import Path
from nalu_cli.training.stack import Goal, Stack, StackShape, Target

S, M, F = Path.SUM, Path.PRODUCT, Path.FREE


def streams(restarts=5):
    return [np.random.default_rng([0, r]) for r in range(restarts)]


def table(low=0.5, rows=40):
    x = np.random.default_rng(1).uniform(low, 2.0, (rows, 3))
    return x, x[:, 0] * x[:, 1] + x[:, 2]


def relative(f, y):
    return np.square(f - y).mean(axis=-1) / y.var()


@pytest.mark.parametrize(
    ("paths", "widths"), [((S, M), (2, 2)), ((S,), (1, 1)), ((), ()), ((S, M), (2,))]
)
def test_a_shape_ends_in_one_unit(paths, widths):
    with pytest.raises(ValueError, match="one unit"):
        StackShape(paths, widths)


def test_layers_read_the_units_before_and_then_the_columns():
    stack = Stack(StackShape((S, M, S), (4, 2, 1)), 3, streams())
    assert [(c.inputs, c.units, c.outputs) for c in stack.cells] == [
        (3, 0, 4),
        (7, 4, 2),
        (5, 2, 1),
    ]


def test_a_published_stack_has_no_skips_and_may_mix_cells():
    shape = StackShape((S, M), (2, 1), cell=CellName.NMU, inner=CellName.NAU, skips=False)
    stack = Stack(shape, 3, streams())
    assert [(c.name, c.inputs) for c in stack.cells] == [("nau", 3), ("nmu", 2)]
    rows = torch.rand(5, 7, 3)  # rows of their own
    for r, at in enumerate(rows):
        torch.testing.assert_close(stack.values(rows)[r], stack.values(at)[r])
    for cell in stack.cells:
        cell.settle(torch.ones(cell.inputs, cell.outputs), sums=cell.name == "nau")
    x, y = table()
    relaxed, _ = stack.freeze(x, y, np.ones_like(y))
    np.testing.assert_allclose(evaluate_relaxed(relaxed, x), np.tile(x.sum(1) ** 2, (5, 1)))


def test_restarts_are_pulled_from_a_loss_on():
    stack = Stack(StackShape((F,), (1,), cell=CellName.INALU), 2, streams(3))
    loss = torch.tensor([0.5, 2.0, torch.nan])
    assert stack.pulls(0.0, loss) is None
    assert stack.pulls(0.05, loss).tolist() == pytest.approx([0.05, 0.0, 0.0])


def test_weights_are_views_of_one_flat_tensor():
    stack = Stack(StackShape((M, S), (2, 1)), 3, streams())
    x = torch.rand(7, 3)
    before = stack.values(x)
    stack.replace(stack.theta[[3, 1]])
    torch.testing.assert_close(stack.values(x), before[[3, 1]])
    stack.theta.zero_()
    assert all(not p.any() for cell in stack.cells for p in cell.parameters())


def test_the_gradient_is_that_of_the_recorded_loss():
    stack = Stack(StackShape((S, M, S), (2, 2, 1)), 3, streams())
    x, p_weights = torch.rand(7, 3) + 0.5, torch.rand(5, 7)
    pulls = torch.tensor([0.3, 0.0, 0.1, 2.0, 0.3])
    got = stack.gradient(stack.values(x), p_weights, pulls)
    total = (stack.values(x) * p_weights).sum() + (pulls * stack.penalty()).sum()
    parts = torch.autograd.grad(total, stack.weights)
    torch.testing.assert_close(got, torch.cat([g.flatten(1) for g in parts], 1))


@pytest.mark.parametrize("goal", Goal)
def test_the_loss_and_its_gradient_agree(goal):
    draw = torch.Generator().manual_seed(0)
    p = torch.randn(3, 12, generator=draw, dtype=torch.float64, requires_grad=True)
    t = torch.randn(12, generator=draw, dtype=torch.float64) + 1.0
    target = Target(t, torch.rand(12, generator=draw, dtype=torch.float64) + 0.1)
    torch.autograd.gradcheck(lambda p: _Recorded.apply(p, target, goal), (p,))


class _Recorded(torch.autograd.Function):
    @staticmethod
    def forward(ctx, p, target, goal):
        loss, ctx.slope = target.loss(p, goal)
        return loss

    @staticmethod
    def backward(ctx, g):
        return g.unsqueeze(-1) * ctx.slope, None, None


def test_solved_scale_and_offset_leave_nothing_of_a_right_answer():
    t, one = torch.linspace(1, 2, 20), torch.ones(20)
    assert Target(t, one).loss((3 * t - 7).unsqueeze(0), Goal.AFFINE)[0] < 1e-9
    assert Target(t, one).loss((3 * t).unsqueeze(0), Goal.SCALE)[0] < 1e-9
    assert Target(t.log(), one).loss((3 * t).log().unsqueeze(0), Goal.LOG)[0] < 1e-9
    assert Target(t, one).loss((3 * t).unsqueeze(0), Goal.PLAIN)[0] > 1


@pytest.mark.parametrize(
    ("shape", "y", "goal"),
    [
        (StackShape((M, S), (2, 1)), [1.0, -1.0], Goal.AFFINE),
        (StackShape((S, M), (2, 1)), [1.0, 2.0], Goal.LOG),
        (StackShape((S, M), (2, 1)), [-1.0, -2.0], Goal.LOG),
        (StackShape((S, M), (2, 1)), [1.0, 0.0], Goal.SCALE),
        (StackShape((F,), (1,)), [1.0, 2.0], Goal.SCALE),
        (StackShape((F,), (1,), cell=CellName.NALU), [1.0, 2.0], Goal.PLAIN),
    ],
)
def test_goals(shape, y, goal):
    assert Stack(shape, 2, streams()).goal(np.array(y)) is goal


SHAPES = [
    StackShape((S, M, S), (2, 3, 1)),
    StackShape((M, S, M), (2, 3, 1), signed=False),
    StackShape((S, M), (3, 1), signed=False),
    StackShape((S, M), (3, 1)),
    StackShape((F, F), (3, 1)),
    StackShape((F, F), (3, 1), cell=CellName.NALU),
    StackShape((S, S), (3, 1), cell=CellName.NAC),
    StackShape((S, M), (2, 1), cell=CellName.REALNPU, inner=CellName.NAU, skips=False),
    StackShape((F, F), (2, 1), cell=CellName.INALU, skips=False),
]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("low", [0.5, -1.0])
def test_the_loss_of_a_frozen_stack_is_that_of_its_values(shape, low):
    x, y = table(low)
    stack = Stack(shape, 3, streams())
    goal = stack.goal(y)
    relaxed, unanimity = stack.freeze(x, y, np.ones_like(y))
    f = evaluate_relaxed(relaxed, x)
    if goal is Goal.LOG:
        f, y = np.log(np.abs(f)), np.log(np.abs(y))
    np.testing.assert_allclose(relaxed.loss, relative(f, y), rtol=1e-9)
    assert [u.shape for u in unanimity] == [(5, w) for w in shape.widths]


@pytest.mark.parametrize("shape", SHAPES[:3])
def test_frozen_stacks_are_no_worse_than_soft_ones_when_gates_are_settled(shape):
    x, y = table()
    stack = Stack(shape, 3, streams())
    goal = stack.goal(y)
    values = np.log(np.abs(y)) if goal is Goal.LOG else y
    target = Target(torch.from_numpy(values).float(), torch.ones(len(y)))
    soft, _ = target.loss(stack.values(torch.from_numpy(x).float(), goal=goal), goal)
    relaxed, _ = stack.freeze(x, y, np.ones_like(y))
    np.testing.assert_allclose(relaxed.loss, soft.detach().numpy(), rtol=1e-3)


def test_the_sign_rule_becomes_the_kind():
    x, y = table()
    for signed, power in ((True, PRODUCT), (False, MAGNITUDE)):
        relaxed, _ = Stack(StackShape((M, S), (2, 1), signed), 3, streams()).freeze(x, y, y)
        assert np.all(relaxed.layers[0].kind == power)
        assert np.all(relaxed.layers[1].kind == SUM)


def test_a_last_product_takes_the_sign_of_the_target():
    x, y = table()
    relaxed, _ = Stack(StackShape((M,), (1,)), 3, streams()).freeze(x, -y, np.ones_like(y))
    assert np.all(evaluate_relaxed(relaxed, x) < 0)


def test_a_constant_target_has_finite_losses():
    x, _ = table()
    relaxed, _ = Stack(StackShape((M, S), (2, 1)), 3, streams()).freeze(x, np.ones(40), np.ones(40))
    assert np.isfinite(relaxed.loss).all()
