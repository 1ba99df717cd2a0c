"""Instance-layer normalisation, plain (ILN) and adaptive (AdaILN)."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

__all__ = ["ILN", "AdaILN", "instance_layer_norm"]

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


def _line(  # noqa: PLR0917
    count: int, mean: Tensor, variance: Tensor, rho: Tensor, gamma: Tensor, beta: Tensor
) -> tuple[Tensor, Tensor]:
    """Factor and offset ``(n, c)`` that normalise features of these instance statistics.

    For given statistics the formula is linear in x. The layer's statistics follow from
    the channels': its variance is that within the channels plus that between them.
    """
    channels = mean.shape[1]
    layer_mean = mean.mean(1, keepdim=True)
    spread = variance * (count - 1) + (mean - layer_mean).square() * count
    layer_variance = spread.sum(1, keepdim=True) / (count * channels - 1)
    weight = rho.softmax(0)
    instance = weight[0] * torch.rsqrt(variance + EPSILON)
    layer = weight[1] * torch.rsqrt(layer_variance + EPSILON)
    factor = gamma * (instance + layer)
    return factor, beta - gamma * (instance * mean + layer * layer_mean)


class _Normalize(torch.autograd.Function):
    """Touches the large tensor four times forward and four times backward, not dozens."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, rho: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:  # noqa: ANN401
        wide = x.float()
        count = x.shape[2] * x.shape[3]
        mean = wide.mean((2, 3))
        variance = (wide - mean[..., None, None]).square_().sum((2, 3)) / (count - 1)
        factor, offset = _line(count, mean, variance, rho, gamma, beta)
        ctx.save_for_backward(x, mean, variance, factor, rho, gamma, beta)
        return torch.addcmul(offset[..., None, None], wide, factor[..., None, None]).to(x.dtype)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:  # noqa: ANN401
        x, mean, variance, factor, *parameters = ctx.saved_tensors
        count = x.shape[2] * x.shape[3]
        wide, grad = x.float(), grad.float()
        with torch.enable_grad():
            small = [t.detach().requires_grad_() for t in (mean, variance, *parameters)]
            line = _line(count, *small)
        d_mean, d_variance, *d_parameters = torch.autograd.grad(
            line, small, ((grad * wide).sum((2, 3)), grad.sum((2, 3)))
        )
        # The mean depends on x by 1 / count, the variance by 2 (x - mean) / (count - 1).
        slope = 2 / (count - 1) * d_variance
        constant = d_mean / count - slope * mean
        d_x = torch.addcmul(constant[..., None, None], wide, slope[..., None, None])
        d_x.addcmul_(grad, factor[..., None, None])
        return d_x.to(x.dtype), *d_parameters
