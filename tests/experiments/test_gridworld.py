"""The world of the grid experiment keeps its rules, and a snapped counter counts."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from nalu_cli.experiments.papers.grid_agents import Agent, ReactiveBody, SnappedCounter
from nalu_cli.experiments.papers.grid_training import LONGEST, SHORTEST, Lessons, rewarded, taught
from nalu_cli.experiments.papers.grid_world import (
    CELLS,
    PIXELS,
    SIDE,
    Episodes,
    Move,
    all_starts,
    drawn_starts,
    pictures_of,
)

TIMES = torch.arange(SHORTEST, LONGEST + 1)


def every_start(time: int) -> Episodes:
    starts = all_starts(time).unsqueeze(1)
    return Episodes(starts, torch.full_like(starts[0], time))


def distances(episodes: Episodes) -> Tensor:
    """Steps to the target, for each of a grid's two directions."""
    ends = (episodes.agents, episodes.targets)
    (row, column), (to_row, to_column) = ((end // SIDE, end % SIDE) for end in ends)
    return torch.stack([to_row - row, to_column - column])


def towards(episodes: Episodes) -> Tensor:
    """A move that comes nearer to the target."""
    down, right = distances(episodes)
    upright = torch.where(down > 0, Move.DOWN, Move.UP)
    level = torch.where(right > 0, Move.RIGHT, Move.LEFT)
    return torch.where(down != 0, upright, level)


@pytest.mark.parametrize("time", [1, 2, 5, 8, 12, 100])
def test_who_waits_and_then_walks_earns_every_reward(time: int) -> None:
    episodes, earned = every_start(time), []
    for _ in range(time):
        is_due = distances(episodes).abs().sum(0) >= episodes.left
        earned.append(episodes.move(torch.where(is_due, towards(episodes), int(Move.PASS))))
    assert torch.equal(torch.stack(earned).sum(0), torch.ones_like(earned[0]))
    assert not episodes.running.any()


def test_who_is_early_earns_nothing() -> None:
    time = 2 * SIDE
    episodes = every_start(time)
    assert sum(float(episodes.move(towards(episodes)).sum()) for _ in range(2 * time)) == 0


def test_who_is_late_earns_nothing() -> None:
    episodes = every_start(SIDE)
    earned = [episodes.move(torch.full_like(episodes.agents, Move.PASS)) for _ in range(SIDE)]
    earned += [episodes.move(towards(episodes)) for _ in range(2 * SIDE)]
    assert float(torch.stack(earned).sum()) == 0


@given(st.integers(0, CELLS - 1), st.sampled_from(Move))
def test_walls_hold(cell: int, move: Move) -> None:
    starts = torch.tensor([[[cell]], [[(cell + 1) % CELLS]]])
    episodes = Episodes(starts, torch.full((1, 1), 100))
    episodes.targets = torch.full((1, 1), CELLS)  # nowhere
    for _ in range(SIDE):
        episodes.move(torch.full((1, 1), int(move)))
    row, column = divmod(cell, SIDE)
    ends = {
        Move.UP: (0, column),
        Move.DOWN: (SIDE - 1, column),
        Move.LEFT: (row, 0),
        Move.RIGHT: (row, SIDE - 1),
        Move.PASS: (row, column),
    }
    assert divmod(int(episodes.agents), SIDE) == ends[move]


@given(st.integers(0, 2**32 - 1))
def test_targets_can_be_reached_in_time(seed: int) -> None:
    random = np.random.default_rng(seed)
    times = random.integers(1, LONGEST, 50)
    episodes = Episodes(drawn_starts(times, random).unsqueeze(1), torch.from_numpy(times)[None])
    steps = distances(episodes).abs().sum(0)
    assert bool(((steps > 0) & (steps <= episodes.left)).all())


def test_a_picture_shows_agent_and_target_and_nothing_else() -> None:
    agents, targets = all_starts(SIDE)
    seen = pictures_of(agents, targets)
    assert seen.shape == (len(agents), PIXELS)
    assert torch.equal(seen[:, :CELLS].argmax(1), agents)
    assert torch.equal(seen[:, CELLS:].argmax(1), targets)
    assert float(seen.sum()) == 2 * len(agents)


def counter(instruction: float, step: float, seed: int = 0) -> SnappedCounter:
    """One counter with such weights, and thresholds anywhere."""
    random = np.random.default_rng(seed)
    made = SnappedCounter([random])
    made.cell.W.data[0, :, 0] = torch.tensor([instruction, step])
    made.thresholds.data[:] = torch.from_numpy(random.uniform(-6, 6, made.thresholds.shape))
    return made


@given(st.floats(0.1, 1), st.floats(0.9, 1), st.sampled_from((-1, 1)), st.integers(SHORTEST, 2000))
def test_a_snapped_counter_knows_the_time_that_is_left(
    weight: float, share: float, sign: int, time: int
) -> None:
    snapped = counter(sign * weight, -sign * weight * share)
    snapped.snap(TIMES)
    counts = snapped.counts(torch.full((1, 1), time), time).flatten()
    assert torch.equal(sign * counts, torch.arange(time - 1, -1, -1).float())


def test_a_snapped_counter_counts_as_far_as_single_precision_does() -> None:
    snapped, last = counter(0.5, -0.5), 2**24
    snapped.snap(TIMES)
    told = torch.tensor([[last, 2 * last + 2]])
    right, wrong = snapped.counts(told, 10)[0, :, :, 0].T.long()
    downwards = torch.arange(-1, -11, -1)
    assert torch.equal(right, last + downwards)
    assert not torch.equal(wrong, 2 * last + 2 + downwards)


@given(st.floats(0.1, 1), st.sampled_from((-1, 1)), st.integers(0, 1000))
def test_a_snap_turns_no_gate_at_times_that_were_learned(
    weight: float, sign: int, seed: int
) -> None:
    made = counter(sign * weight, -sign * weight, seed)
    told = torch.full((1, 1), LONGEST)
    was = made.read(made.counts(told, LONGEST)) > 0.5
    made.snap(TIMES)
    assert torch.equal(made.read(made.counts(told, LONGEST)) > 0.5, was)


@given(st.integers(0, 1000), st.integers(LONGEST, 1000))
def test_a_body_cannot_tell_times_beyond_those_it_learned(seed: int, time: int) -> None:
    made = counter(0.5, -0.5, seed)
    made.snap(TIMES)
    longest, longer = (made.read(made.counts(torch.full((1, 1), T), 1)) for T in (LONGEST, time))
    assert torch.equal(longest, longer)


def test_the_same_seeds_learn_the_same() -> None:
    learned = []
    for _ in range(2):
        generators = [np.random.default_rng(k) for k in range(2)]
        gates = SnappedCounter(generators)
        agent = Agent(gates, ReactiveBody(gates.width, generators))
        lessons = Lessons(number=4, episodes=8, rate=1e-2)
        curve = taught(agent, generators, lessons, tick=lambda _: None, before_snap=lambda: None)
        learned.append((curve, rewarded(agent, LONGEST), agent.theta))
    (curve, earned, theta), again = learned
    assert (curve, earned) == again[:2]
    assert torch.equal(theta, again[2])
    assert len(theta) == 1
