"""The NICE-GAN translator: the plugin's face."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from past_core.errors import DataError
from past_gan.nicegan.config import NiceGANConfig
from past_gan.nicegan.steps import Contrast, NiceGANModel, Translation
from past_gan.slicewise import SliceGAN
from past_gan.translation import Sides

if TYPE_CHECKING:
    from past_core.volume import Volume
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
        parts = Contrast(config)
        return Translation(parts.encoder, parts.decoder)

    @classmethod
    def sides(cls, config: NiceGANConfig) -> Sides:
        """Multiples of the encoder's reduction; the full decoder takes one size only."""
        least = config.crop if config.decoder == "full" else 1
        return Sides(2**config.downsampling, least)

    def translate(self, volume: Volume) -> Volume:
        """Translate one source volume; see ``Translator.translate``.

        Raises
        ------
        DataError
            If the decoder is a full one and a slice is larger than it was trained for.
        """
        if self.config.decoder == "full" and self.axis is not None:
            sides = [side for axis, side in enumerate(volume.shape) if axis != self.axis]
            if max(sides) * self.config.upsample > self.config.crop:
                raise DataError(
                    f"slices of {volume.shape} voxels along axis {self.axis} exceed the full "
                    f"decoder's fixed size of {self.config.crop} pixels: set decoder to light."
                )
        return super().translate(volume)
