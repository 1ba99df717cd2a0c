"""NICE-GAN's networks: encoder with attention, patch heads, decoder (paper, section 3).

A discriminator is encoder plus heads, and the encoder also feeds the decoders. With
``c`` base channels and images ``(n, channels, h, w)`` in [-1, 1], features are
``(n, 2c, h/4, w/4)``.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from past_gan.networks.resampling import PixelShuffle, ReflectionPad, Smooth
from past_gan.nicegan.normalization import ILN, AdaILN, widened
from past_gan.nicegan.spectral import SpectralConv2d

__all__ = ["Decoder", "Encoded", "Encoder", "PatchHeads"]

SLOPE = 0.2
"""Of every leaky ReLU."""


class Encoded(NamedTuple):
    """What an encoder makes of a batch of images."""

    features: Tensor
    """``(n, 2c, h/4, w/4)``: input of decoders and heads."""
    attention: Tensor
    """``(n, 1)``: the class activation map's logit, real against translated."""


class Encoder(nn.Module):
    """The two first layers of a discriminator, with residual attention.

    The logit of pooled features decides real or not; its weights tell how important
    each channel is, and features weighted by them are added with a learned gain that
    starts at 0. (By the weights as the logit has them, spectrally normalised; the authors'
    code takes them before that, which is a factor that gain and mix can learn.)

    Parameters
    ----------
    image_channels, channels
        Of the images, and of the first layer.
    downsampling
        Layers of stride 2: 2 as published, 1 for features at half resolution.
    """

    def __init__(self, image_channels: int = 1, channels: int = 64, downsampling: int = 2) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            *_patch_layer(image_channels, channels, stride=2 if downsampling == 2 else 1),
            *_patch_layer(channels, 2 * channels, stride=2),
        )
        self.attention = spectral_norm(nn.Linear(4 * channels, 1, bias=False))
        self.mix = nn.Conv2d(4 * channels, 2 * channels, 1)
        self.gain = nn.Parameter(torch.zeros(1))

    def forward(self, images: Tensor) -> Encoded:
        """Encode ``(n, channels, h, w)``; h and w are multiples of the reduction."""
        x = self.layers(images)
        importance: Tensor = self.attention.weight  # type: ignore[assignment]  # (1, 4c): first for average, then maximum
        pooled = torch.cat([x.mean((2, 3)), x.amax((2, 3))], 1)
        # A 1x1 convolution of [x, x] times the importance is one of x alone: fold its kernel.
        average, maximum = (self.mix.weight * importance[..., None, None]).chunk(2, dim=1)
        weighted = F.conv2d(x, average + maximum, self.mix.bias)
        return Encoded(
            F.leaky_relu(x + self.gain.to(x.dtype) * weighted, SLOPE),
            widened(F.linear(pooled, importance)),
        )


class PatchHeads(nn.Module):
    """Patch classifiers of several receptive fields on one trunk of stride-2 layers.

    Parameters
    ----------
    channels
        Base channels of the encoder below.
    stages
        Stride-2 layers before each head: with the published encoder 1 sees 70 pixels
        (local), 3 sees 286 (global).
    """

    def __init__(self, channels: int = 64, stages: tuple[int, ...] = (1, 3)) -> None:
        super().__init__()
        self.stages = stages
        width = [2 * channels * 2**stage for stage in range(max(stages) + 1)]
        self.trunk = nn.ModuleList(
            nn.Sequential(*_patch_layer(width[i], width[i + 1], stride=2))
            for i in range(max(stages))
        )
        self.heads = nn.ModuleList(
            nn.Sequential(
                *_patch_layer(width[stage], 2 * width[stage], stride=1, keep_size=False),
                ReflectionPad(1),
                SpectralConv2d(2 * width[stage], 1, 4, bias=False),
            )
            for stage in stages
        )

    def forward(self, features: Tensor) -> list[Tensor]:
        """Logits ``(n, 1, h', w')`` of each head, from an encoder's features."""
        levels = [features]
        for layer in self.trunk:
            levels.append(layer(levels[-1]))
        return [
            widened(head(levels[stage]))
            for head, stage in zip(self.heads, self.stages, strict=True)
        ]


class Decoder(nn.Module):
    """The generator: features of either contrast to an image of one.

    Parameters
    ----------
    image_channels, channels, blocks
        Of the image, at full resolution, and the number of residual blocks.
    downsampling
        The encoder's, undone here by sub-pixel convolutions.
    flat
        Side of the features for the full decoder, whose gamma and beta come from all of
        them; None for the light one, which pools them first and takes any size.
    smooth
        Smooth what sub-pixel convolutions give, against checkerboards.
    """

    def __init__(
        self,
        image_channels: int = 1,
        channels: int = 64,
        blocks: int = 6,
        downsampling: int = 2,
        flat: int | None = None,
        *,
        smooth: bool = False,
    ) -> None:
        super().__init__()
        width = 4 * channels
        self.flat = flat
        self.entry = nn.Sequential(
            ReflectionPad(1), nn.Conv2d(2 * channels, width, 3), ILN(width), nn.ReLU()
        )
        self.style = nn.Sequential(
            nn.Linear(width * (flat**2 if flat else 1), width, bias=False),
            nn.ReLU(),
            nn.Linear(width, width, bias=False),
            nn.ReLU(),
        )
        self.gamma = nn.Linear(width, width, bias=False)
        self.beta = nn.Linear(width, width, bias=False)
        self.blocks = nn.ModuleList(_ResidualBlock(width) for _ in range(blocks))
        widths = [width, *(2 * channels, channels)[-downsampling:]]
        self.exit = nn.Sequential(
            *(_Upsample(*pair, smooth) for pair in pairwise(widths)),
            ReflectionPad(3),
            nn.Conv2d(channels, image_channels, 7, bias=False),
        )

    def forward(self, features: Tensor) -> Tensor:
        """``(n, 2c, h/4, w/4)`` to images ``(n, channels, h, w)``, float32 in [-1, 1]."""
        x = self.entry(features)
        style = self.style(x.flatten(1) if self.flat else x.mean((2, 3)))
        gamma, beta = widened(self.gamma(style)), widened(self.beta(style))
        for block in self.blocks:
            x = block(x, gamma, beta)
        return widened(self.exit(x)).tanh()


class _ResidualBlock(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.pad = ReflectionPad(1)
        self.first = nn.Conv2d(channels, channels, 3, bias=False)
        self.first_norm = AdaILN(channels)
        self.second = nn.Conv2d(channels, channels, 3, bias=False)
        self.second_norm = AdaILN(channels)

    def forward(self, x: Tensor, gamma: Tensor, beta: Tensor) -> Tensor:
        y = F.relu(self.first_norm(self.first(self.pad(x)), gamma, beta))
        y = self.second_norm(self.second(self.pad(y)), gamma, beta)
        added: Tensor = x + y
        return added


class _Upsample(nn.Sequential):
    """Twice the size by a sub-pixel convolution."""

    def __init__(self, channels: int, out: int, smooth: bool) -> None:
        super().__init__(
            ReflectionPad(1),
            nn.Conv2d(channels, out, 3, bias=False),
            ILN(out),
            nn.ReLU(),
            nn.Conv2d(out, 4 * out, 1),
            PixelShuffle(),
            *([Smooth()] if smooth else []),
            ILN(out),
            nn.ReLU(),
        )


def _patch_layer(
    channels: int, out: int, stride: int, keep_size: bool = True
) -> tuple[nn.Module, nn.Module, nn.Module]:
    """Reflection pad, 4x4 spectral-norm convolution, leaky ReLU.

    At stride 1 a pad of 1 loses a row and a column, as in the published heads; the
    encoder must keep them, and pads one more at the far side.
    """
    pad = (1, 2, 1, 2) if stride == 1 and keep_size else (1, 1, 1, 1)
    return (
        ReflectionPad(pad),
        SpectralConv2d(channels, out, 4, stride),
        nn.LeakyReLU(SLOPE),
    )
