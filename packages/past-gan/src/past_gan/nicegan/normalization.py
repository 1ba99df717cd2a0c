"""Instance-layer normalisation, plain (ILN) and adaptive (AdaILN)."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

__all__ = ["ILN", "AdaILN", "instance_layer_norm", "widened"]

EPSILON = 1e-5


class ILN(nn.Module):
    """Instance-layer normalisation with a learned gamma and beta a channel.

    Starts close to layer normalisation (rho logits 1, 3.2).
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.rho = nn.Parameter(torch.tensor([[1.0], [3.2]]).repeat(1, channels))
        self.gamma = nn.Parameter(torch.ones(1, channels))
        self.beta = nn.Parameter(torch.zeros(1, channels))

    def forward(self, x: Tensor) -> Tensor:
        """``(n, c, h, w)`` to the same shape."""
        return instance_layer_norm(x, self.rho, self.gamma, self.beta)


class AdaILN(nn.Module):
    """Instance-layer normalisation whose gamma and beta ``(n, c)`` are computed per image.

    Starts close to instance normalisation (rho logits 3.2, 1).
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.rho = nn.Parameter(torch.tensor([[3.2], [1.0]]).repeat(1, channels))

    def forward(self, x: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
        """``(n, c, h, w)`` to the same shape."""
        return instance_layer_norm(x, self.rho, gamma, beta)


def instance_layer_norm(x: Tensor, rho: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
    """``gamma * (rho_0 * (x - m_i) / s_i + rho_1 * (x - m_l) / s_l) + beta``.

    Parameters
    ----------
    x
        Features ``(n, c, h, w)``.
    rho
        Logits ``(2, c)`` of the mixture of instance and layer statistics; a softmax
        keeps both weights positive and their sum 1.
    gamma, beta
        ``(n or 1, c)``.
    """
    return cast("Tensor", _Normalize.apply(x, rho, gamma, beta))


def widened(x: Tensor) -> Tensor:
    """In float32 at least: bfloat16 has too few digits for statistics and losses."""
    return x.float() if x.dtype in (torch.bfloat16, torch.float16) else x


class _Normalize(torch.autograd.Function):
    """The formula with its derivative in closed form.

    For given statistics it is linear in x: a factor and an offset a channel. The
    layer's statistics follow from the channels'. So the large tensor is read for its
    moments and once more for the result, and statistics are computed once, in float32.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, rho: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:  # noqa: ANN401
        count, channels = x.shape[2] * x.shape[3], x.shape[1]
        wide = widened(x)
        mean = wide.mean((2, 3))
        variance = (wide - mean[..., None, None]).square_().sum((2, 3)) / (count - 1)
        layer_mean = mean.mean(1, keepdim=True)
        # Total variance: that within the channels plus that between them.
        spread = torch.addcmul(
            variance * (count - 1), mean - layer_mean, mean - layer_mean, value=count
        )
        layer_variance = spread.sum(1, keepdim=True) / (count * channels - 1)

        weight = rho.softmax(0)
        rate, layer_rate = torch.rsqrt(variance + EPSILON), torch.rsqrt(layer_variance + EPSILON)
        instance, layer = weight[0] * rate, weight[1] * layer_rate
        slope = instance + layer
        shift = instance * mean + layer * layer_mean
        factor, offset = gamma * slope, beta - gamma * shift
        ctx.save_for_backward(
            x, gamma, beta, weight, mean, layer_mean, rate, layer_rate, instance, layer
        )
        return torch.addcmul(offset[..., None, None], wide, factor[..., None, None]).to(x.dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, ...]:  # noqa: ANN401
        (x, gamma, beta, weight, mean, layer_mean, rate, layer_rate, instance, layer) = (
            ctx.saved_tensors
        )
        count, channels = x.shape[2] * x.shape[3], x.shape[1]
        wide, grad = widened(x), widened(grad)
        d_factor, d_offset = (grad * wide).sum((2, 3)), grad.sum((2, 3))

        d_gamma = d_factor * (instance + layer) - d_offset * (instance * mean + layer * layer_mean)
        d_instance = gamma * (d_factor - d_offset * mean)
        d_layer = gamma * (d_factor - d_offset * layer_mean)
        d_weight = torch.stack([(d_instance * rate).sum(0), (d_layer * layer_rate).sum(0)])
        d_rho = weight * (d_weight - (weight * d_weight).sum(0))

        pull = gamma * d_offset
        d_layer_mean = -(pull * layer).sum(1, keepdim=True)
        d_layer_variance = -0.5 * layer_rate**3 * (d_layer * weight[1]).sum(1, keepdim=True)
        d_spread = d_layer_variance / (count * channels - 1)
        d_variance = d_spread * (count - 1) - 0.5 * rate**3 * d_instance * weight[0]
        d_mean = d_layer_mean / channels - pull * instance
        d_mean += 2 * count * d_spread * (mean - layer_mean)

        # The mean depends on x by 1 / count, the variance by 2 (x - mean) / (count - 1).
        tilt = d_variance * (2 / (count - 1))
        d_x = torch.addcmul(
            (d_mean / count - tilt * mean)[..., None, None], wide, tilt[..., None, None]
        )
        d_x.addcmul_(grad, (gamma * (instance + layer))[..., None, None])
        return (
            d_x.to(x.dtype),
            d_rho,
            d_gamma.sum_to_size(gamma.shape),
            d_offset.sum_to_size(beta.shape),
        )
