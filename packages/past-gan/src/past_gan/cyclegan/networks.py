"""CycleGAN's networks: residual generator and patch discriminator (paper, appendix).

Images are ``(n, channels, h, w)`` in [-1, 1]. Every image is normalised by itself, so
images of one batch do not see each other. Convolutions before a norm have a bias, as
the authors' have, though the norm takes it out again.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from torch import nn

from past_gan.cyclegan.normalization import InstanceNorm
from past_gan.networks.resampling import ReflectionPad

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Discriminator", "Generator", "ResidualBlock"]

SLOPE = 0.2
"""Of the discriminator's leaky ReLUs."""
SPREAD = 0.02
"""Standard deviation of initial weights."""


class Generator(nn.Module):
    """Images of one contrast to the other: c7s1-64, d128, d256, R256 ..., u128, u64, c7s1.

    Parameters
    ----------
    image_channels, channels
        Of the images, and at full resolution; each halving of resolution doubles them.
    blocks
        Residual blocks at the lowest resolution.
    downsampling
        Layers of stride 2: 2 as published, 1 for blocks at half resolution.
    upsampling
        Transposed convolutions as published, or nearest neighbours and a convolution,
        whose kernels overlap evenly (Odena et al. 2016).
    """

    def __init__(
        self,
        image_channels: int = 1,
        channels: int = 64,
        blocks: int = 9,
        downsampling: int = 2,
        upsampling: Literal["transposed", "resize"] = "transposed",
    ) -> None:
        super().__init__()
        widths = [channels * 2**level for level in range(downsampling + 1)]
        upsample = _transposed if upsampling == "transposed" else _resized
        self.layers = nn.Sequential(
            ReflectionPad(3),
            nn.Conv2d(image_channels, channels, 7),
            *_norm(),
            *(
                layer
                for width, out in pairwise(widths)
                for layer in (nn.Conv2d(width, out, 3, stride=2, padding=1), *_norm())
            ),
            *(ResidualBlock(widths[-1]) for _ in range(blocks)),
            *(
                layer
                for width, out in pairwise(widths[::-1])
                for layer in (*upsample(width, out), *_norm())
            ),
            ReflectionPad(3),
            nn.Conv2d(channels, image_channels, 7),
        )
        self.apply(_draw)

    def forward(self, images: Tensor) -> Tensor:
        """Translate to the same shape, float32.

        Sides are multiples of ``2**downsampling``, and at least twice that.
        """
        image: Tensor = self.layers(images).float()
        return image.tanh()


class Discriminator(nn.Module):
    """Real or translated, for each overlapping patch (PatchGAN): C64-C128-C256-C512.

    Parameters
    ----------
    image_channels, channels
        Of the images, and of the first layer.
    stages
        Layers of stride 2 before the two of stride 1: 1, 2, 3 see patches of 16, 34, 70
        pixels (3 as published).
    """

    def __init__(self, image_channels: int = 1, channels: int = 64, stages: int = 3) -> None:
        super().__init__()
        widths = [channels * 2**stage for stage in range(stages + 1)]
        strides = [2] * (stages - 1) + [1]
        self.layers = nn.Sequential(
            nn.Conv2d(image_channels, channels, 4, stride=2, padding=1),
            nn.LeakyReLU(SLOPE),
            *(
                layer
                for (width, out), stride in zip(pairwise(widths), strides, strict=True)
                for layer in (
                    nn.Conv2d(width, out, 4, stride, padding=1),
                    InstanceNorm(),
                    nn.LeakyReLU(SLOPE),
                )
            ),
            nn.Conv2d(widths[-1], 1, 4, padding=1),
        )
        self.apply(_draw)

    def forward(self, images: Tensor) -> Tensor:
        """Logits ``(n, 1, h', w')``, float32; at 256 pixels and 3 stages h' is 30.

        Sides are at least ``3 * 2**stages``.
        """
        logits: Tensor = self.layers(images).float()
        return logits


class ResidualBlock(nn.Module):
    """Two convolutions whose result is added to what they were given."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            ReflectionPad(1),
            nn.Conv2d(channels, channels, 3),
            *_norm(),
            ReflectionPad(1),
            nn.Conv2d(channels, channels, 3),
            InstanceNorm(),
        )

    def forward(self, x: Tensor) -> Tensor:
        """``(n, channels, h, w)`` to the same shape; sides are at least 2."""
        added: Tensor = x + self.layers(x)
        return added


def _norm() -> tuple[nn.Module, nn.Module]:
    return InstanceNorm(), nn.ReLU()


def _transposed(channels: int, out: int) -> tuple[nn.Module, ...]:
    return (nn.ConvTranspose2d(channels, out, 3, stride=2, padding=1, output_padding=1),)


def _resized(channels: int, out: int) -> tuple[nn.Module, ...]:
    return (nn.Upsample(scale_factor=2), ReflectionPad(1), nn.Conv2d(channels, out, 3))


def _draw(module: nn.Module) -> None:
    """Initial weights, from torch's generator."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.normal_(module.weight, std=SPREAD)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
