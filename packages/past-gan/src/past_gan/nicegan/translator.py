"""The NICE-GAN translator: the plugin's face."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from past_core.errors import DataError
from past_gan.nicegan.config import NiceGANConfig
from past_gan.nicegan.steps import NiceGANModel, Translation, new_decoder, new_encoder
from past_gan.slicewise import SliceGAN
from past_gan.translation import Sides

if TYPE_CHECKING:
    from past_gan.config import SliceGANConfig
    from past_gan.runtime import Runtime

__all__ = ["NiceGAN"]


class NiceGAN(SliceGAN):
    """Unpaired slice-wise translation by NICE-GAN (Chen et al., CVPR 2020)."""

    kind: ClassVar[str] = "nicegan"
    config_class: ClassVar[type[SliceGANConfig]] = NiceGANConfig

    config: NiceGANConfig

    @classmethod
    def new_model(
        cls, config: NiceGANConfig, runtime: Runtime, structures: int, seed: int
    ) -> NiceGANModel:
        """Encoders, heads and decoders of both contrasts."""
        return NiceGANModel(config, runtime, structures, seed)

    @classmethod
    def new_network(cls, config: NiceGANConfig) -> Translation:
        """An encoder and a decoder."""
        return Translation(new_encoder(config), new_decoder(config))

    @classmethod
    def sides(cls, config: NiceGANConfig) -> Sides:
        """Two pixels or more of the encoder's features; the full decoder takes one size only."""
        reduction = 2**config.downsampling
        return Sides(reduction, config.crop if config.decoder == "full" else 2 * reduction)

    def require_size(self, scan: str, shape: tuple[int, ...], axis: int) -> None:
        """The full decoder takes slices of one size, to which smaller ones are padded."""
        sides = [side for other, side in enumerate(shape) if other != axis]
        if self.config.decoder == "full" and max(sides) * self.config.upsample > self.config.crop:
            raise DataError(
                f"{scan}: slices of {shape} voxels along axis {axis} exceed the full decoder's "
                f"fixed size of {self.config.crop} pixels: set decoder to light."
            )
