"""Teaches agents of the grid world by advantage actor-critic, and asks what they learned."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from nalu_cli.experiments.papers.experiment import Tick
from nalu_cli.experiments.papers.grid_agents import Agent
from nalu_cli.experiments.papers.grid_world import (
    Episodes,
    Move,
    all_starts,
    drawn_starts,
    pictures_of,
)
from nalu_cli.training.adam import Adam

__all__ = ["LONGEST", "SHORTEST", "Lessons", "rewarded", "taught"]

SHORTEST, LONGEST = 5, 12
"""Times of training."""

DECAY = 0.9
"""Share of later surprises in an advantage: lambda of Schulman et al. 2016; no discount."""

ACTOR = 0.3
"""Weight of the actor's slope, whose advantages are given a spread of one."""

CRITIC = 0.5
ENTROPY = 0.05
LEAST_SPREAD = 0.02
BETAS = (0.9, 0.99)
LARGEST_GRADIENT = 1.0
LAST_RATE = 0.02
"""Share of the rate that is left at the end; it sinks in the second half of the lessons."""

RECENT, PROMISING, DECIDED = 30, 0.3, 0.55
"""Of several agents, the first whose mean reward over so many lessons is above this goes on alone,
or the best after this share of the lessons."""

TICKS = 5
"""Lessons between two reports."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lessons:
    """How agents are taught.

    Parameters
    ----------
    number : int
        Updates.
    episodes : int
        Of an update, shared out among the agents.
    rate : float
        Of Adam.
    snapped : float
        Share of the lessons after which the counter is snapped.
    """

    number: int
    episodes: int
    rate: float
    snapped: float = 0.65


@dataclass(frozen=True, slots=True)
class _Record:
    """What happened in a batch of episodes, (R, S, N) each."""

    agents: Tensor
    moves: Tensor
    running: Tensor
    rewards: Tensor


def taught(
    agent: Agent,
    randoms: Sequence[np.random.Generator],
    lessons: Lessons,
    *,
    tick: Tick,
    before_snap: Callable[[], None],
) -> list[float]:
    """Teach agents, and keep one.

    Parameters
    ----------
    agent : Agent
        R of them; changed in place.
    randoms : sequence of numpy Generator
        One for each.
    lessons : Lessons
    tick : callable
    before_snap : callable
        Called when what can be learned softly is learned.

    Returns
    -------
    list of float
        Mean reward of the agent that was kept, in each lesson.
    """
    curve: list[Tensor] = []
    adam = Adam(agent.theta, BETAS, largest_gradient=LARGEST_GRADIENT)
    for number in range(lessons.number):
        share = number / lessons.number
        if number % TICKS == 0:
            tick(share)
        best = _best(curve, share) if len(randoms) > 1 else None
        if best is not None:
            curve = [rewards[best : best + 1] for rewards in curve]
            randoms = randoms[best : best + 1]
            agent.replace(agent.theta[best : best + 1])
            adam.keep(torch.tensor([best]))
        if number == round(lessons.snapped * lessons.number):
            before_snap()
            agent.counter.snap(torch.arange(SHORTEST, LONGEST + 1, device=agent.theta.device))
            adam = Adam(agent.theta, BETAS, largest_gradient=LARGEST_GRADIENT)
        curve.append(_lesson(agent, randoms, lessons, share, adam))
    return torch.cat(curve).tolist()


def _best(curve: Sequence[Tensor], share: float) -> int | None:
    """The agent that goes on alone, as soon as it is plain which."""
    if not curve:
        return None
    recent = torch.stack(tuple(curve[-RECENT:])).mean(0)  # (R,)
    is_plain = len(curve) >= RECENT and bool(recent.max() > PROMISING)
    return int(recent.argmax()) if is_plain or share >= DECIDED else None


def _lesson(
    agent: Agent,
    randoms: Sequence[np.random.Generator],
    lessons: Lessons,
    share: float,
    adam: Adam,
) -> Tensor:
    """Play a batch of episodes and learn from it: mean reward, (R,)."""
    starts, times, noise = _drawn(randoms, lessons.episodes // len(randoms), agent.theta.device)
    record = _played(agent, starts, times, noise)
    gradient = _gradient(agent, starts[1], times, record, ENTROPY * min(1.0, 2 * (1 - share)))
    rate = lessons.rate * min(1.0, 2 * (1 - share) + LAST_RATE)
    with torch.no_grad():
        adam.step(agent.theta, gradient, rate)
        agent.counter.project()
    return record.rewards.sum(1).mean(1)


def _drawn(
    randoms: Sequence[np.random.Generator], count: int, device: torch.device
) -> tuple[Tensor, Tensor, Tensor]:
    """Starts (2, R, N), times (R, N), and Gumbel noise that draws the moves, (R, S, N, moves)."""
    drawn = []
    for random in randoms:
        time = random.integers(SHORTEST, LONGEST + 1, count)
        start = drawn_starts(time, random)
        gumbel = random.gumbel(size=(LONGEST, count, len(Move))).astype(np.float32)
        drawn.append((start, torch.from_numpy(time), torch.from_numpy(gumbel)))
    starts, times, noise = (torch.stack(some).to(device) for some in zip(*drawn, strict=True))
    return starts.transpose(0, 1), times, noise


@torch.no_grad()
def _played(agent: Agent, starts: Tensor, times: Tensor, noise: Tensor) -> _Record:
    episodes, steps = Episodes(starts, times), noise.shape[1]
    counts, told = agent.counter.counts(times, steps), _instructions(times, steps)
    memory, happened = None, []
    for step in range(steps):
        before = episodes.agents, episodes.running
        seen = pictures_of(episodes.agents, episodes.targets).unsqueeze(1)
        now = slice(step, step + 1)
        logits, _, memory = agent.decide(seen, told[:, now], counts[:, now], memory)
        moves = (logits[:, 0] + noise[:, step]).argmax(2)
        happened.append((before[0], moves, before[1].float(), episodes.move(moves)))
    return _Record(*(torch.stack(some, 1) for some in zip(*happened, strict=True)))


def _gradient(
    agent: Agent, targets: Tensor, times: Tensor, record: _Record, entropy: float
) -> Tensor:
    """Slope of the loss by all parameters: (R, P)."""
    steps = record.moves.shape[1]
    seen = pictures_of(record.agents, targets.unsqueeze(1).expand_as(record.agents))
    told, counts = _instructions(times, steps), agent.counter.counts(times, steps)
    logits, expected, _ = agent.decide(seen, told, counts)
    advantages = _advantages(expected.detach(), record)
    live = record.running / record.running.sum((1, 2), keepdim=True)  # (R, S, N)
    spread = (advantages.square() * live).sum((1, 2), keepdim=True).sqrt()
    logs = logits.log_softmax(3)
    chosen = logs.gather(3, record.moves.unsqueeze(3)).squeeze(3)
    actor = -ACTOR * chosen * advantages / spread.clamp_min(LEAST_SPREAD)
    surprise = (logs.exp() * logs).sum(3)
    # what is aimed at is the value of before plus the advantage
    critic = CRITIC * (expected - expected.detach() - advantages).square()
    loss = ((actor + entropy * surprise + critic) * live).sum()
    slopes = torch.autograd.grad(loss, agent.weights, materialize_grads=True)
    return torch.cat([slope.flatten(1) for slope in slopes], 1)


def _advantages(expected: Tensor, record: _Record) -> Tensor:
    """Generalised advantages, Schulman et al. 2016, equation 16: (R, S, N)."""
    expected = expected * record.running
    later = torch.cat([expected[:, 1:], torch.zeros_like(expected[:, :1])], 1)
    surprises = (record.rewards + later - expected) * record.running
    advantage, found = torch.zeros_like(expected[:, 0]), []
    for surprise in surprises.unbind(1)[::-1]:
        advantage = surprise + DECAY * advantage
        found.append(advantage)
    return torch.stack(found[::-1], 1)


def _instructions(times: Tensor, steps: int) -> Tensor:
    """The time at the first step, zero later: (R, N) -> (R, S, N, 1)."""
    told = torch.zeros(len(times), steps, times.shape[1], 1, device=times.device)
    told[:, 0, :, 0] = times
    return told


@torch.no_grad()
def rewarded(agent: Agent, time: int, *, told: int | None = None) -> float:
    """Share of all starts from which one agent, at its best moves, earns the reward.

    Parameters
    ----------
    agent : Agent
        One, R = 1.
    time : int
        When the target has to be reached.
    told : int, optional
        Largest time the agent is made to know: instruction and counts are those of an episode of
        that time, and stand still until no more is left.
    """
    starts = all_starts(time).to(agent.theta.device).unsqueeze(1)  # (2, 1, N)
    episodes = Episodes(starts, torch.full_like(starts[0], time))
    known = time if told is None else min(time, told)
    counts = agent.counter.counts(torch.full_like(starts[0, :, :1], known), known)
    earned, memory = torch.zeros(()), None
    for step in range(time):
        seen = pictures_of(episodes.agents, episodes.targets).unsqueeze(1)
        heard = torch.full_like(seen[..., :1], known if step == 0 else 0)
        count = counts[:, max(0, step - time + known), None].expand(-1, -1, seen.shape[2], -1)
        logits, _, memory = agent.decide(seen, heard, count, memory)
        earned = episodes.move(logits[:, 0].argmax(2)).mean()
        if not episodes.running.any():
            break
    return float(earned)
