"""Recurrent networks side by side are what each is alone, and what PyTorch computes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from torch import nn

from nalu_cli.experiments.papers.recurrences import (
    LSTM,
    CellNetwork,
    Linear,
    Recurrence,
    ReLU,
    SequenceNetwork,
    descend,
)
from nalu_cli.settings import CellName

KINDS = ("lstm", "relu", "nac", "nalu")


def recurrence(kind: str, seeds: Sequence[int]) -> Recurrence:
    random = [np.random.default_rng(seed) for seed in seeds]
    if kind in ("lstm", "relu"):
        return (LSTM if kind == "lstm" else ReLU)(3, 5, random)
    return CellNetwork(3, 5, random, cell=CellName(kind))


def network(kind: str, seeds: Sequence[int]) -> SequenceNetwork:
    random = [np.random.default_rng(seed + 100) for seed in seeds]
    return SequenceNetwork(recurrence(kind, seeds), Linear(5, 1, random))


@pytest.mark.parametrize("kind", ["lstm", "relu"])
def test_one_network_computes_what_pytorch_does(kind: str) -> None:
    ours = recurrence(kind, [0])
    theirs = nn.LSTM(3, 5) if kind == "lstm" else nn.RNN(3, 5, nonlinearity="relu")
    order = [0, 1, 3, 2] if kind == "lstm" else [0]  # gates: theirs ends in g, o
    W, U, b = (
        torch.cat([p.data[0].chunk(len(order), -1)[k] for k in order], -1)
        for p in (ours.W, ours.U, ours.b)
    )
    with torch.no_grad():
        theirs.weight_ih_l0.copy_(W.T)
        theirs.weight_hh_l0.copy_(U.T)
        theirs.bias_ih_l0.copy_(b[0])
        theirs.bias_hh_l0.zero_()
        x = torch.rand(7, 4, 3)  # (T, N, I)
        wanted, _ = theirs(x)
        got = ours.advance(x[None], ours.zero(x[None]))[0]
    torch.testing.assert_close(got[0], wanted[-1])


@pytest.mark.parametrize("kind", KINDS)
def test_a_sequence_may_be_read_in_pieces(kind: str) -> None:
    layer = recurrence(kind, [0, 1])
    x = torch.rand(2, 6, 4, 3)
    whole = layer.advance(x, layer.zero(x))
    pieces = layer.advance(x[:, 2:], layer.advance(x[:, :2], layer.zero(x)))
    torch.testing.assert_close(whole, pieces)


@pytest.mark.parametrize("kind", KINDS)
def test_a_network_learns_the_same_among_others(kind: str) -> None:
    x = torch.rand(2, 4, 8, 3, generator=torch.Generator().manual_seed(1))
    y = x.sum((1, 3))
    both, alone = network(kind, [5, 6]), network(kind, [6])
    for model, rows in ((both, slice(None)), (alone, slice(1, 2))):

        def loss(_: float, model: SequenceNetwork = model, rows: slice = rows) -> torch.Tensor:
            return (model(x[rows]) - y[rows]).square().mean(1)

        descend(model, loss, steps=20, rate=1e-2, tick=lambda _: None)
    torch.testing.assert_close(both(x)[1], alone(x[1:])[0], rtol=1e-3, atol=1e-4)
