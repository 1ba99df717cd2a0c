"""Convolution with spectral normalisation, which divides its output and not its kernel."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn
from torch.nn.utils.parametrize import register_parametrization

__all__ = ["SpectralConv2d"]


class SpectralConv2d(nn.Conv2d):
    """A convolution whose kernel, as a matrix ``(out, rest)``, has largest singular value 1.

    The same as ``torch.nn.utils.parametrizations.spectral_norm``, names of tensors
    included, but a convolution is linear in its kernel: so the output is divided by the
    singular value, which saves passes over a kernel that can be a thousand times larger,
    both ways. Each pass in training mode improves the estimate by one power iteration.
    """

    parametrizations: Any
    """Set by torch: of ``weight``, its ``original`` and our one step from there."""

    def __init__(
        self, channels: int, out: int, size: int, stride: int = 1, *, bias: bool = True
    ) -> None:
        super().__init__(channels, out, size, stride, bias=bias)
        register_parametrization(self, "weight", _Normalized(self.weight))

    def forward(self, x: Tensor) -> Tensor:
        """``(n, c, h, w)`` to ``(n, out, h', w')``, without padding."""
        (normalized,) = chain = self.parametrizations["weight"]
        kernel: Tensor = chain.original
        # On GPUs autocast would run the power iterations in bfloat16.
        with torch.autocast(x.device.type, enabled=False):
            rate: Tensor = normalized.largest(kernel).reciprocal()
        y = F.conv2d(x, kernel, None, self.stride)
        if self.bias is None:
            return y * rate
        return torch.addcmul(self.bias[:, None, None], y, rate).to(y.dtype)


class _Normalized(nn.Module):
    """A kernel divided by its largest singular value, which power iterations estimate."""

    def __init__(self, kernel: Tensor) -> None:
        super().__init__()
        out, rest = kernel.flatten(1).shape
        self._u: Tensor
        """Left singular vector."""
        self._v: Tensor
        """Right singular vector, (channel, row, column) flattened."""
        self.register_buffer("_u", F.normalize(torch.randn(out), dim=0))
        self.register_buffer("_v", F.normalize(torch.randn(rest), dim=0))
        for _ in range(15):
            self._improve(kernel)

    def forward(self, kernel: Tensor) -> Tensor:
        return kernel / self.largest(kernel)

    def largest(self, kernel: Tensor) -> Tensor:
        """The singular value, a scalar; in training mode after another power iteration."""
        if self.training:
            self._improve(kernel)
        matrix, v = _matrix(kernel), _matrix(self._v.view_as(kernel[:1]))[0]
        # The vectors change in place while a graph may still need them: copies.
        return torch.dot(self._u.clone(), torch.mv(matrix, v.clone()))

    @torch.no_grad()
    def _improve(self, kernel: Tensor) -> None:
        matrix, v = _matrix(kernel), self._v.view_as(kernel[:1])
        self._u.copy_(F.normalize(torch.mv(matrix, _matrix(v)[0]), dim=0))
        rows, columns, channels = (kernel.shape[axis] for axis in (2, 3, 1))
        right = F.normalize(torch.mv(matrix.T, self._u), dim=0)
        v.copy_(right.view(1, rows, columns, channels).permute(0, 3, 1, 2))


def _matrix(kernel: Tensor) -> Tensor:
    """``(out, row * column * channel)``: of a kernel in channels-last order, a view."""
    return kernel.permute(0, 2, 3, 1).flatten(1)
