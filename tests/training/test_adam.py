"""Adam: that of torch for each restart, with the gradient cut as asked."""

import math

import pytest
import torch

from nalu_cli.training.adam import Adam


def descend(theta, steps=20, rate=0.1, **limits):
    """Minimise sum(theta**4) and return the way."""
    adam, way = Adam(theta, **limits), []
    for _ in range(steps):
        adam.step(theta, 4 * theta**3, rate)
        way.append(theta.clone())
    return torch.stack(way)


def test_a_restart_is_moved_as_torch_moves_it_alone():
    start = torch.tensor([[1.0, -2.0], [3.0, 0.5], [0.0, 1e-3]])
    ours = descend(start.clone())
    for r, row in enumerate(start):
        theta = row.clone().requires_grad_()
        reference = torch.optim.Adam([theta], lr=0.1)
        for step in range(20):
            reference.zero_grad()
            (theta**4).sum().backward()
            reference.step()
            torch.testing.assert_close(ours[step, r], theta.detach())


@pytest.mark.parametrize("limits", [{"largest_slope": 0.1}, {"largest_gradient": 0.1}])
def test_limits_hold_for_each_restart(limits):
    theta = torch.tensor([[3.0, 4.0], [1e-3, 1e-3]])
    adam = Adam(theta, **limits)
    adam.step(theta, torch.tensor([[30.0, 40.0], [0.03, 0.04]]), 0.0)
    wanted = [0.1, 0.1] if "largest_slope" in limits else [0.06, 0.08]
    torch.testing.assert_close(adam.m[0] / (1 - adam.betas[0]), torch.tensor(wanted))
    torch.testing.assert_close(adam.m[1] / (1 - adam.betas[0]), torch.tensor([0.03, 0.04]))


def test_what_is_no_number_counts_as_zero():
    theta = torch.ones(2, 2)
    adam = Adam(theta)
    adam.step(theta, torch.tensor([[math.nan, math.inf], [1.0, 1.0]]), 0.1)
    torch.testing.assert_close(theta, torch.tensor([[1.0, 1.0], [0.9, 0.9]]))


def test_only_the_kept_restarts_go_on():
    theta = torch.tensor([[1.0], [2.0], [3.0]])
    adam = Adam(theta)
    adam.step(theta, theta.clone(), 0.1)
    adam.keep(torch.tensor([2, 0]))
    assert adam.m.flatten().tolist() == pytest.approx([0.3, 0.1])
