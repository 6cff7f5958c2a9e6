"""Sums and products of whole batches; products of powers have a hand-written gradient."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx, once_differentiable

__all__ = ["LARGEST_LOG", "SMALLEST", "log_product", "multiplied", "product", "weighted"]

SMALLEST = 1e-30
"""Magnitudes below this are taken for it before the logarithm."""

CUT = 0.03
"""Magnitudes below this pass no gradient: d log|x| = 1/x of the few rows next to a change of sign
would drown all others. Values are not touched, so nothing is biased."""

LARGEST_LOG = 18.0
"""Products are kept within exp(-18) to exp(18), so that float32 squares of them stay finite."""


def product(x: Tensor, W: Tensor, *, signed: bool) -> Tensor:
    """Multiply real powers of the inputs.

    Parameters
    ----------
    x : Tensor of shape (R, N, I)
    W : Tensor of shape (R, I, O)
        Exponents.
    signed : bool
        Multiply by cos(pi * sum of w over negative inputs), which is the sign at whole exponents
        (RealNPU: Heim, Pevny and Smidl 2020, equation 6, without its relevance gate).

    Returns
    -------
    Tensor of shape (R, N, O)
    """
    negative = (x < 0).to(x.dtype) if signed and bool((x < 0).any()) else None  # (R, N, I)
    result: Tensor = _Product.apply(x, W, negative)  # type: ignore[no-untyped-call]
    return result


def log_product(x: Tensor, W: Tensor) -> Tensor:
    """Log of the magnitude of `product`, unclamped: (R, N, I), (R, I, O) -> (R, N, O)."""
    size = x.abs()
    logs = size.clamp_min(SMALLEST).log()
    if x.requires_grad:
        logs = torch.where(size < CUT, logs.detach(), logs)
    return weighted(logs, W)


def weighted(x: Tensor, W: Tensor) -> Tensor:
    """Weighted sums of the inputs: (R, N, I), (R, I, O) -> (R, N, O)."""
    return (W.mT @ x.mT).mT  # rows last in memory: small matrices multiply 4 times as fast


def multiplied(factors: Tensor) -> Tensor:
    """Multiply over the inputs, in pairs: (R, N, I, O) -> (R, N, O).

    The gradient of `torch.prod` divides by the factors, or takes another way for the whole batch
    when one of them is zero, so that a restart would depend on its neighbours.
    """
    while (count := factors.shape[2]) > 1:
        half = count // 2
        pairs = factors[:, :, :half] * factors[:, :, half : 2 * half]
        factors = torch.cat([pairs, factors[:, :, 2 * half :]], 2) if count % 2 else pairs
    return factors.squeeze(2)


class _Product(torch.autograd.Function):
    """exp(log|x| W) * cos(pi [x < 0] W)."""

    @staticmethod
    def forward(ctx: FunctionCtx, x: Tensor, W: Tensor, negative: Tensor | None) -> Tensor:
        logs = x.abs().clamp_min_(SMALLEST).log_()  # (R, N, I)
        power = (W.mT @ logs.mT).mT.clamp_(-LARGEST_LOG, LARGEST_LOG)  # (R, N, O)
        value = power.exp()
        if negative is None:
            turned, out = None, value
        else:
            angle = (W.mT @ negative.mT).mT.mul_(math.pi)
            turned = angle.sin().mul_(value)
            out = value * angle.cos_()
        ctx.save_for_backward(x, W, negative, logs, power, turned, out)  # type: ignore[arg-type]
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, g: Tensor) -> tuple[Tensor | None, Tensor, None]:  # (R, N, O)
        x, W, negative, logs, power, turned, out = ctx.saved_tensors  # type: ignore[attr-defined]
        through = (g * out).masked_fill_(power.abs() >= LARGEST_LOG, 0.0)
        W_grad = logs.mT @ through
        if negative is not None:
            W_grad.sub_(negative.mT @ (g * turned), alpha=math.pi)
        if not ctx.needs_input_grad[0]:  # type: ignore[attr-defined]
            return None, W_grad, None
        x_grad = (W @ through.mT).mT / x
        return x_grad.masked_fill_(x.abs() < CUT, 0.0), W_grad, None
