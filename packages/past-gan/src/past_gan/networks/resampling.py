"""Padding, sub-pixel shuffle and smoothing that stay in bfloat16 and in channels-last order."""

from __future__ import annotations

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

__all__ = ["PixelShuffle", "ReflectionPad", "Smooth"]


class ReflectionPad(nn.Module):
    """Mirror the border pixels; autocast on CPUs would turn to float32 for it.

    Parameters
    ----------
    pad
        Pixels on every side, or (left, right, top, bottom).
    """

    def __init__(self, pad: int | tuple[int, int, int, int]) -> None:
        super().__init__()
        self.pad = (pad,) * 4 if isinstance(pad, int) else pad

    def forward(self, x: Tensor) -> Tensor:
        """``(n, c, h, w)`` to the padded size."""
        with torch.autocast(x.device.type, enabled=False):
            return F.pad(x, self.pad, mode="reflect")


class PixelShuffle(nn.Module):
    """``(n, 4c, h, w)`` to ``(n, c, 2h, 2w)``: four channels become a square of pixels.

    Channels are ordered (row, column, c), so that runs of channels are copied whole;
    torch's own order (c, row, column) moves single numbers.
    """

    def forward(self, x: Tensor) -> Tensor:
        """``(n, 4c, h, w)`` to ``(n, c, 2h, 2w)``, the same type."""
        n, c, h, w = x.shape
        split = x.permute(0, 2, 3, 1).reshape(n, h, w, 2, 2, c // 4)
        merged = split.transpose(2, 3).reshape(n, 2 * h, 2 * w, c // 4)
        return merged.permute(0, 3, 1, 2)


class Smooth(nn.Module):
    """Weigh each pixel and its neighbours by 1, 2, 1 along both axes.

    The one pattern that this takes out wholly is a checkerboard of single pixels: what a
    sub-pixel shuffle leaves where its four channels disagree (Kinoshita & Kiya 2020).
    """

    def forward(self, x: Tensor) -> Tensor:
        """``(n, c, h, w)`` to the same size."""
        with torch.autocast(x.device.type, enabled=False):
            padded = F.pad(x, (1, 1, 1, 1), mode="replicate")
        return F.avg_pool2d(F.avg_pool2d(padded, 2, stride=1), 2, stride=1)
