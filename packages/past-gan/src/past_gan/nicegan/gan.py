"""NICE-GAN, bound to its settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from past_core.errors import DataError
from past_gan.data.translation import Sides
from past_gan.gan import GAN
from past_gan.nicegan.config import NiceGANConfig
from past_gan.nicegan.steps import NiceGANModel, Translation, new_decoder, new_encoder

if TYPE_CHECKING:
    from past_gan.config import SliceGANConfig
    from past_gan.training.runtime import Runtime

__all__ = ["BoundNiceGAN"]


class BoundNiceGAN(GAN):
    """The networks of NICE-GAN."""

    kind: ClassVar[str] = "nicegan"
    config_class: ClassVar[type[SliceGANConfig]] = NiceGANConfig

    config: NiceGANConfig

    def model(self, runtime: Runtime, structures: int = 0, seed: int = 0) -> NiceGANModel:
        """Encoders, heads and decoders of both contrasts."""
        return NiceGANModel(self.config, runtime, structures, seed)

    def network(self) -> Translation:
        """An encoder of the source and a decoder of the target."""
        return Translation(new_encoder(self.config), new_decoder(self.config))

    def sides(self) -> Sides:
        """Two pixels or more of the encoder's features; the full decoder takes one size only."""
        sizes = self.config.sizes
        reduction = 2**sizes.downsampling
        return Sides(reduction, sizes.crop if self.config.decoder == "full" else 2 * reduction)

    def require_size(self, scan: str, shape: tuple[int, ...], axis: int) -> None:
        """The full decoder takes slices of one size, to which smaller ones are padded."""
        if self.config.decoder == "light":
            return
        sides = [side for other, side in enumerate(shape) if other != axis]
        if max(sides) * self.config.upsample > self.config.sizes.crop:
            raise DataError(
                f"{scan}: slices of {shape} voxels along axis {axis} exceed the full decoder's "
                f"fixed size of {self.config.sizes.crop} pixels: set decoder to light."
            )
