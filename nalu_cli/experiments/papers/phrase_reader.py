"""Reads phrases with sums and products alone: every word has a value and one of two cells."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from nalu_cli.experiments.papers.experiment import Tick
from nalu_cli.experiments.papers.number_phrases import TOKENS
from nalu_cli.training.cells.cell import Path
from nalu_cli.training.cells.nau import NAU
from nalu_cli.training.cells.nmu import NMU

__all__ = ["Meanings", "Phrases", "learned_meanings", "read"]

WORDS = len(TOKENS)

UNIT = 10.0
"""Values are learned in tens: they are of the order of one then."""

RATE, CELL_RATE, LAST_RATE = 0.05, 0.005, 0.02
"""Of values and gates, of the weights of the cells, and the share of both at the end."""

STAGES = ((0.15, 1), (0.3, 2), (0.45, 3))
"""Until which share of the steps only phrases of so many words are read."""

PULL, PULL_FROM, PULL_TO = 0.1, 0.3, 0.7
"""Weight of the pull on gates and weights to their corners, and when it grows to that."""

WIDTH = 0.1
"""Errors of the logarithm that count by their square."""

TICKS = 10
"""Steps between two reports."""

REFITS = 25
DAMPING, LESS, MORE = 1e-2, 0.2, 5.0

SOLVED = 1e-9
"""Summed squared error that rounding leaves."""


@dataclass(frozen=True, slots=True)
class Phrases:
    """Phrases and the numbers they mean.

    Parameters
    ----------
    tokens : Tensor of shape (N, 5)
        -1 behind the last word.
    numbers : Tensor of shape (N,)
    """

    tokens: Tensor
    numbers: Tensor

    def of_at_most(self, words: int) -> Phrases:
        """The shorter ones."""
        short = (self.tokens >= 0).sum(1) <= words
        return Phrases(self.tokens[short], self.numbers[short])


@dataclass(frozen=True, slots=True)
class Meanings:
    """What R readers make of the words.

    Parameters
    ----------
    values : Tensor of shape (R, V)
    gates : Tensor of shape (R, V)
        Share of the sum, in what a word does; the rest is product.
    add : NAU
        Reads the number so far and the value of a word, as does the next.
    multiply : NMU
    """

    values: Tensor
    gates: Tensor
    add: NAU
    multiply: NMU


def read(meanings: Meanings, tokens: Tensor) -> Tensor:
    """Read phrases word by word, from 0 on: (N, 5) -> (R, N)."""
    places = tokens.clamp_min(0)
    return _read(meanings, tokens, meanings.values[:, places], meanings.gates[:, places])


def _read(meanings: Meanings, tokens: Tensor, values: Tensor, gates: Tensor) -> Tensor:
    """With the value and the gate of each word of each phrase, (R, N, 5)."""
    h = torch.zeros_like(values[:, :, 0])
    for t in range(tokens.shape[1]):
        x = torch.stack([h, values[:, :, t]], -1)  # (R, N, 2)
        total, product = (cell(x)[..., 0] for cell in (meanings.add, meanings.multiply))
        g = gates[:, :, t]
        h = torch.where(tokens[:, t] >= 0, g * total + (1 - g) * product, h)
    return h


def learned_meanings(
    train: Phrases,
    validation: Phrases,
    random: np.random.Generator,
    *,
    restarts: int,
    steps: int,
    tick: Tick,
) -> Meanings:
    """Learn what words mean.

    Parameters
    ----------
    train, validation : Phrases
        Those to learn from, and those to choose by between what fits them equally well.
    random : numpy Generator
    restarts, steps : int
    tick : callable

    Returns
    -------
    Meanings
        Of one reader: whole values, each gate at a corner, snapped cells.
    """
    meanings = _soft_meanings(train, random.spawn(restarts), steps, tick)
    tick(0.9)
    return _chosen(_operated(_snapped(meanings), train), train, validation)


def _soft_meanings(
    train: Phrases, generators: list[np.random.Generator], steps: int, tick: Tick
) -> Meanings:
    """Follow the gradient with soft gates, short phrases first; the cells start as plain ones."""
    device = train.tokens.device
    drawn = [np.stack([g.normal(size=WORDS), 0.1 * g.normal(size=WORDS)]) for g in generators]
    start = torch.from_numpy(np.stack(drawn, 1).astype(np.float32)).to(device)  # (2, R, V)
    values, logits = (part.clone().requires_grad_() for part in start)
    add, multiply = _cells(len(generators), device)
    weights = [*add.parameters(), *multiply.parameters()]
    adam = torch.optim.Adam([{"params": [values, logits]}, {"params": weights}])
    for step in range(steps):
        done = step / steps
        if step % TICKS == 0:
            tick(0.9 * done)
        for group, rate in zip(adam.param_groups, (RATE, CELL_RATE), strict=True):
            group["lr"] = rate * (1 - (1 - LAST_RATE) * done)
        meanings = Meanings(UNIT * values, logits.sigmoid(), add, multiply)
        words = next((words for until, words in STAGES if done < until), train.tokens.shape[1])
        adam.zero_grad()
        _loss(meanings, train.of_at_most(words), done).sum().backward()  # type: ignore[no-untyped-call]
        for p in (values, logits, *weights):
            _shorten(p)
        adam.step()
        add.project()
        multiply.project()
    return Meanings((UNIT * values).detach(), logits.sigmoid().detach(), add, multiply)


def _cells(restarts: int, device: torch.device) -> tuple[NAU, NMU]:
    unused = [np.random.default_rng(0)] * restarts
    add, multiply = NAU(2, 1, unused, path=Path.SUM), NMU(2, 1, unused, path=Path.PRODUCT)
    for cell in (add, multiply):
        cell.settle(torch.ones(2, 1))
        cell.to(device)
    return add, multiply


def _loss(meanings: Meanings, phrases: Phrases, done: float) -> Tensor:
    """Error of logarithms, as numbers of all sizes count, and the pull to corners: (R,)."""
    f, y = read(meanings, phrases.tokens), phrases.numbers
    off = (_logarithm(f) - _logarithm(y)).abs()
    error = torch.where(off < WIDTH, off.square() / (2 * WIDTH), off - WIDTH / 2).mean(1)
    soft = (meanings.gates * (1 - meanings.gates)).mean(1)
    pull = PULL * min(1.0, max(0.0, (done - PULL_FROM) / (PULL_TO - PULL_FROM)))
    return error + pull * (soft + meanings.add.penalty() + meanings.multiply.penalty())


def _logarithm(x: Tensor) -> Tensor:
    """Of 1 + |x|, with the sign of x."""
    return x.sign() * x.abs().log1p()


def _shorten(p: Tensor) -> None:
    """Bound the gradient of each restart."""
    assert p.grad is not None
    p.grad.nan_to_num_(0.0, 0.0, 0.0)
    flat = p.grad.flatten(1)
    flat /= flat.norm(dim=1, keepdim=True).clamp_min(1.0)


@torch.no_grad()
def _snapped(meanings: Meanings) -> Meanings:
    """Move gates and weights to the nearest corner, all of doubles from here."""
    for cell in (meanings.add, meanings.multiply):
        cell.double()
        cell.W.round_()
    return Meanings(
        meanings.values.double(), (meanings.gates > 0.5).double(), meanings.add, meanings.multiply
    )


def _taken(meanings: Meanings, index: int, copies: int) -> Meanings:
    """Copies of one reader."""
    add, multiply = _cells(copies, meanings.values.device)
    for new, old in ((add, meanings.add), (multiply, meanings.multiply)):
        new.double().settle(old.W[index].detach())
    values, gates = (part[index].repeat(copies, 1) for part in (meanings.values, meanings.gates))
    return Meanings(values, gates, add, multiply)


def _operated(meanings: Meanings, train: Phrases) -> Meanings:
    """Turn gates over, one at a time, the one that helps most, while that helps.

    A word that is turned starts from the value with which it does nothing.
    """
    meanings, loss = _refitted(meanings, train)
    least = int(loss.argmin())
    every = torch.arange(WORDS, device=loss.device)
    for _ in range(WORDS):
        if loss[least] < SOLVED:
            break
        turned = _taken(meanings, least, WORDS)
        turned.gates[every, every] = 1 - turned.gates[every, every]
        turned.values[every, every] = 1 - turned.gates[every, every]
        turned, new = _refitted(turned, train)
        if new.min() >= loss[least]:
            break
        meanings, loss, least = turned, new, int(new.argmin())
    return _taken(meanings, least, 1)


def _chosen(meanings: Meanings, train: Phrases, validation: Phrases) -> Meanings:
    """Round all values, with none or one of the words made to do nothing.

    Words that always stand together, such as two whose values are multiplied, leave open which of
    them has the value; other phrases tell.
    """
    silent = _taken(meanings, 0, WORDS + 1)
    every = torch.arange(WORDS, device=silent.values.device)
    fixed = torch.zeros_like(silent.values)
    fixed[every, every] = 1
    silent.values[every, every] = 1 - silent.gates[every, every]
    silent, _ = _refitted(silent, train, fixed=fixed)
    silent.values.round_()
    with torch.no_grad():
        off = [(read(silent, p.tokens) - p.numbers).abs().mean(1) for p in (train, validation)]
    return _taken(silent, int((off[0] + off[1]).argmin()), 1)


def _refitted(
    meanings: Meanings, train: Phrases, *, fixed: Tensor | None = None
) -> tuple[Meanings, Tensor]:
    """Levenberg-Marquardt on the values, in doubles; and the summed squared errors, (R,)."""
    free = 1 - (torch.zeros_like(meanings.values) if fixed is None else fixed)
    values = meanings.values
    damping = torch.full_like(values[:, :1], DAMPING)
    off, J = _linear(meanings, train, values)
    loss = off.square().sum(1)
    for _ in range(REFITS):
        if bool((loss < SOLVED).all()):
            break
        J = J * free[:, None]
        H = J.mT @ J
        ridge = damping * (H.diagonal(dim1=1, dim2=2) + 1e-6) + (1 - free)
        step = torch.linalg.solve(H + torch.diag_embed(ridge), (J.mT @ off[..., None]))[..., 0]
        new_off, new_J = _linear(meanings, train, values - step)
        new = new_off.square().sum(1)
        better = new < loss
        values = torch.where(better[:, None], values - step, values)
        off, J = (
            torch.where(better[:, None], new_off, off),
            torch.where(better[:, None, None], new_J, J),
        )
        loss = torch.where(better, new, loss)
        damping = damping * torch.where(better[:, None], LESS, MORE)
    return Meanings(values, meanings.gates, meanings.add, meanings.multiply), loss


def _linear(meanings: Meanings, train: Phrases, values: Tensor) -> tuple[Tensor, Tensor]:
    """Errors of all phrases and their slopes by the values: (R, N) and (R, N, V)."""
    places = train.tokens.clamp_min(0)
    x = values[:, places].detach().requires_grad_()  # (R, N, 5)
    f = _read(meanings, train.tokens, x, meanings.gates[:, places])
    (slope,) = torch.autograd.grad(f.sum(), x)
    here = torch.nn.functional.one_hot(places, WORDS) * (train.tokens >= 0)[..., None]
    return (f - train.numbers).detach(), torch.einsum("rnt,ntv->rnv", slope, here.to(slope))
