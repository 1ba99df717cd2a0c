"""CycleGAN's generator in two halves, of which the first shows what it sees.

Convolutions of stride 2 stand where the authors' code blurs and takes every other pixel,
so with 9 blocks the compared layers see 1, 9, 13, 29 and 93 pixels, not 1, 9, 15, 35, 99.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn

from past_gan.cyclegan.networks import ResidualBlock

if TYPE_CHECKING:
    from torch import Tensor

    from past_gan.cyclegan.networks import Generator

__all__ = ["Decoder", "Encoder", "SplitGenerator"]


class Encoder(nn.Module):
    """A generator's layers up to the middle one of its residual blocks.

    The layers compared: the image itself, the convolutions that halve the resolution
    (before their norms), the first block and the middle one. Of 9 blocks the middle is
    the fifth, as published; of an even number, the last of the first half. One or two
    blocks have one compared layer, which is both; without blocks there is none.
    """

    def __init__(self, generator: Generator) -> None:
        super().__init__()
        places, widths = _compared(generator.layers)
        self.layers = generator.layers[: places[-1] + 1]
        self.places = frozenset(places)
        self.widths = widths
        """Channels of the compared layers."""

    def forward(self, images: Tensor) -> list[Tensor]:
        """``(n, c, h, w)`` in [-1, 1] to the compared layers' ``(n, c', h', w')``, in order.

        The last is what the decoder needs.
        """
        found = [images]
        x = images
        for place, layer in enumerate(self.layers):
            x = layer(x)
            if place in self.places:
                found.append(x)
        return found


class Decoder(nn.Module):
    """A generator's layers behind those of its encoder."""

    def __init__(self, generator: Generator, first: int) -> None:
        super().__init__()
        self.layers = generator.layers[first:]

    def forward(self, features: Tensor) -> Tensor:
        """The encoder's last features to images ``(n, c, h, w)`` in [-1, 1], float32."""
        image: Tensor = self.layers(features).float()
        return image.tanh()


class SplitGenerator(nn.Module):
    """A generator as encoder and decoder; it takes over the generator's weights."""

    def __init__(self, generator: Generator) -> None:
        super().__init__()
        self.encoder = Encoder(generator)
        self.decoder = Decoder(generator, len(self.encoder.layers))

    def forward(self, images: Tensor) -> Tensor:
        """Translate to the same shape, as the generator does."""
        translated: Tensor = self.decoder(self.encoder(images)[-1])
        return translated


def _compared(layers: nn.Sequential) -> tuple[list[int], list[int]]:
    """Places of the compared layers behind the image, and channels with the image's."""
    convolutions = {n: layer for n, layer in enumerate(layers) if isinstance(layer, nn.Conv2d)}
    halving = {n: layer.out_channels for n, layer in convolutions.items() if layer.stride[0] == 2}
    blocks = [n for n, layer in enumerate(layers) if isinstance(layer, ResidualBlock)]
    chosen = sorted({blocks[0], blocks[(len(blocks) - 1) // 2]}) if blocks else []
    widths = [next(iter(convolutions.values())).in_channels, *halving.values()]
    return [*halving, *chosen], widths + [widths[-1]] * len(chosen)
