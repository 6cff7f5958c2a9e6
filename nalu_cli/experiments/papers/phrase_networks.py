"""LSTMs that read a phrase word by word and give a number behind the last word."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - its usual name

from nalu_cli.experiments.papers.experiment import Tick
from nalu_cli.experiments.papers.number_phrases import NUMBERS, TOKENS
from nalu_cli.settings import CellName
from nalu_cli.training.cells import CELLS

__all__ = ["HEADS", "PhraseNetwork", "train_network"]

EMBEDDING, STATE = 256, 10
"""As in the paper, by a letter of its authors that Madsen and Johansen 2020 quote."""

HEADS: Mapping[str, CellName | None] = {
    "lstm": None,
    "lstm + linear": None,
    "lstm + nac": CellName.NAC,
    "lstm + nalu": CellName.NALU,
}
"""The cell that reads the last state, where there is one."""

RATE, LAST_RATE = 1e-2, 1e-4
LARGEST_GRADIENT = 1.0

TICKS = 20
"""Steps between two reports."""


class PhraseNetwork(nn.Module):
    """An embedding, an LSTM, and what turns its last state into a number, in thousands.

    Parameters
    ----------
    model : str
        One of `HEADS`. The LSTM alone gives its first unit.
    random : numpy Generator
        Of the weights of the cell; the others are torch's.
    """

    def __init__(self, model: str, random: np.random.Generator) -> None:
        super().__init__()
        self.embedding = nn.Embedding(len(TOKENS), EMBEDDING)
        self.lstm = nn.LSTM(EMBEDDING, STATE, batch_first=True)
        name = HEADS[model]
        self.head: nn.Module | None = nn.Linear(STATE, 1) if model == "lstm + linear" else None
        if name is not None:
            kind = CELLS[name]
            self.head = kind(STATE, 1, [random], path=min(kind.paths))

    def forward(self, tokens: Tensor) -> Tensor:
        """Read phrases: (N, 5), -1 behind the last word -> (N,)."""
        states, _ = self.lstm(self.embedding(tokens.clamp_min(0)))
        last = (tokens >= 0).sum(1) - 1
        h = states[torch.arange(len(tokens), device=tokens.device), last]  # (N, 10)
        y: Tensor = h[None, :, :1] if self.head is None else self.head(h[None])
        return NUMBERS * y.reshape(-1)


def train_network(
    network: PhraseNetwork, tokens: Tensor, numbers: Tensor, *, steps: int, tick: Tick
) -> None:
    """Follow the squared error over all phrases.

    Parameters
    ----------
    network : PhraseNetwork
        Changed in place.
    tokens : Tensor of shape (N, 5)
    numbers : Tensor of shape (N,)
    steps : int
    tick : callable
    """
    adam = torch.optim.Adam(network.parameters(), lr=RATE)
    fall = (LAST_RATE / RATE) ** (1 / steps)
    variance = numbers.var()
    for step in range(steps):
        if step % TICKS == 0:
            tick(step / steps)
        loss = F.mse_loss(network(tokens), numbers) / variance
        adam.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        for p in network.parameters():
            # a step of a NALU that overflows is not followed
            if p.grad is not None:
                p.grad.nan_to_num_(0.0, 0.0, 0.0)
        nn.utils.clip_grad_norm_(network.parameters(), LARGEST_GRADIENT)
        adam.step()
        adam.param_groups[0]["lr"] *= fall
