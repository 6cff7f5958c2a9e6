"""Networks that read a sequence of digit images and give one answer behind its end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from nalu_cli.settings import CellName
from nalu_cli.training.cells import CELLS, Cell
from nalu_cli.training.cells.nac import NAC
from nalu_cli.training.cells.nalu import NALU
from nalu_cli.training.cells.nau import NAU

__all__ = ["ACCUMULATORS", "RECURRENT", "Accumulator", "Body", "Reader", "snap_in_place"]

WIDTHS = (128, 64)
"""Of the layers in front, which read one image at a time."""

FEATURES = 16
STATE = 32
"""Of recurrent units: what they read of an image, and what they remember."""

RECURRENT: Mapping[str, Callable[..., nn.RNNBase]] = {
    "lstm": nn.LSTM,
    "gru": nn.GRU,
    "rnn-relu": partial(nn.RNN, nonlinearity="relu"),
}

KEPT = 6.0
"""Where tanh and sigmoid give 0.9975 together and still have a slope."""

SHARE_LEFT_OUT = 0.3
"""Of the classes, in each step of training: two digits that came to share one get others."""

LEFT_OUT = 50.0
"""By how much the scores of these are lowered."""

ACCUMULATORS = {"nac": CellName.NAC, "nalu": CellName.NALU}


class Body(nn.Sequential):
    """What every network has in front: (..., P) pixels -> (..., 64)."""

    def __init__(self, pixels: int) -> None:
        layers: list[nn.Module] = []
        for width in WIDTHS:
            layers += [nn.Linear(pixels, width), nn.ReLU()]
            pixels = width
        super().__init__(*layers)


class Reader(nn.Module):
    """A recurrent unit, whose last state a linear layer turns into the answer.

    Parameters
    ----------
    model : str
        One of `RECURRENT`.
    mean, spread : Tensor of shape (O,)
        Of the answers to learn, so that the layers have numbers of ordinary size to do with.
    """

    def __init__(self, model: str, mean: Tensor, spread: Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("spread", spread)
        self.head = nn.Linear(WIDTHS[-1], FEATURES)
        self.unit = RECURRENT[model](FEATURES, STATE, batch_first=True)
        self.answer = nn.Linear(STATE, len(mean))

    def forward(self, seen: Tensor) -> Tensor:
        """Answer: (N, T, 64) -> (N, O)."""
        states, _ = self.unit(self.head(seen))
        answer: Tensor = self.mean + self.spread * self.answer(states[:, -1])
        return answer


class Accumulator(nn.Module):
    """A cell that reads its last outputs and what is seen: h = cell([h, read(image)]).

    It starts as one that keeps most of its outputs; what it adds to them starts at random.

    Parameters
    ----------
    name : CellName
    outputs : int
        O; they start from zero.
    read : int
        How many classes an image is sorted into by a softmax, or 1 for a plain number.
    random : numpy Generator
        Of the weights.
    """

    def __init__(
        self, name: CellName, outputs: int, read: int, random: np.random.Generator
    ) -> None:
        super().__init__()
        kind = CELLS[name]
        self.outputs = outputs
        self.head = nn.Linear(WIDTHS[-1], read)
        self.classes: Tensor | None = None
        self.cell: Cell = kind(outputs + read, outputs, [random], path=min(kind.paths))
        _keep(self.cell)

    def forward(self, seen: Tensor) -> Tensor:
        """Answer: (N, T, 64) -> (N, O). In training some classes are left out."""
        z = self.head(seen)
        if self.classes is not None:
            return self.total(self.classes[z.argmax(-1)])
        if z.shape[-1] == 1:
            return self.total(z)
        if self.training:
            z = z - LEFT_OUT * (torch.rand(z.shape[-1], device=z.device) < SHARE_LEFT_OUT)
        return self.total(z.softmax(-1))

    def decide(self, head: nn.Linear, classes: Tensor) -> None:
        """From now on read every image as the likeliest of some classes.

        Parameters
        ----------
        head : Linear
            Gives the scores of K classes.
        classes : Tensor of shape (K, I)
            What the cell reads for each.
        """
        self.head, self.classes = head, classes

    def total(self, read: Tensor) -> Tensor:
        """Let the cell read a sequence: (N, T, I) -> (N, O)."""
        h = read.new_zeros(1, len(read), self.outputs)
        for x in read.unbind(1):
            h = self.cell(torch.cat([h, x[None]], -1))
        return h[0]


@torch.no_grad()
def _keep(cell: Cell) -> None:
    """Let a cell start with weights near 1 from each output to itself, and 0 to the others."""
    outputs = cell.outputs
    kept = torch.eye(outputs)
    if isinstance(cell, NAU):
        cell.W[:, :outputs] = kept
    elif isinstance(cell, NAC | NALU):
        cell.W_hat[:, :outputs] = KEPT * kept
        cell.M_hat[:, :outputs] = KEPT * (2 * kept - 1)


@torch.no_grad()
def snap_in_place(cell: Cell) -> Tensor:
    """Move each weight of a cell of sums to the nearest it may have: -> (I, O)."""
    layer, _ = cell.freeze(torch.zeros(1, 1, cell.inputs))
    allowed = np.array(sorted(map(float, cell.sum_weights)))
    nearest = allowed[np.abs(layer.weights[0][..., None] - allowed).argmin(-1)]
    weights = torch.from_numpy(nearest).to(next(cell.parameters()))
    cell.settle(weights, sums=True)
    return weights
