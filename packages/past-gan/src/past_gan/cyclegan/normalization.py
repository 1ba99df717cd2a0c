"""Instance normalisation whose gradient is right in every memory order.

torch's own (2.15, on CPUs) reads the gradient in the wrong order if it is channels-last
and the batch is one image: the published batch size, in this package's memory order.
"""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

__all__ = ["InstanceNorm"]

EPSILON = 1e-5


class InstanceNorm(nn.Module):
    """``(x - mean) / sqrt(variance + 1e-5)`` of each channel of each image; nothing learned.

    The variance is over all pixels, not one less. Statistics are float32.
    """

    def forward(self, x: Tensor) -> Tensor:
        """``(n, c, h, w)`` to the same shape, type and memory order."""
        return cast("Tensor", _Normalize.apply(x))


class _Normalize(torch.autograd.Function):
    """With its derivative in closed form, which needs the result but not the input."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:  # noqa: ANN401
        variance, mean = torch.var_mean(x.float(), (2, 3), correction=0, keepdim=True)
        rate = torch.rsqrt(variance + EPSILON)
        y = torch.addcmul(-mean * rate, x.float(), rate).to(x.dtype)
        ctx.save_for_backward(y, rate)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> Tensor:  # noqa: ANN401
        y, rate = ctx.saved_tensors
        wide, grad = y.float(), grad.float()
        # What would shift or stretch all pixels of a channel has no effect.
        shift = grad.mean((2, 3), keepdim=True)
        stretch = (grad * wide).mean((2, 3), keepdim=True)
        d_x: Tensor = (grad - shift).addcmul_(wide, -stretch).mul_(rate)
        return d_x.to(y.dtype)
