"""The NICE-GAN translator: the plugin's face."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from past_core.errors import DataError
from past_core.volume import read_header
from past_gan.nicegan.config import NiceGANConfig
from past_gan.nicegan.steps import Contrast, NiceGANModel, Translation
from past_gan.slices import slice_axis
from past_gan.slicewise import SliceGAN
from past_gan.translation import Sides

if TYPE_CHECKING:
    from collections.abc import Sequence

    from past_core.case import Case
    from past_core.interfaces import Context
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
        """Two pixels or more of the encoder's features; the full decoder takes one size only."""
        reduction = 2**config.downsampling
        return Sides(reduction, config.crop if config.decoder == "full" else 2 * reduction)

    def fit(self, source: Sequence[Case], target: Sequence[Case], context: Context) -> None:
        """See ``SliceGAN.fit``.

        Raises
        ------
        DataError
            Also if the decoder is a full one and a scan has larger slices than ``crop``.
        """
        cases = [*source, *target]
        headers = [read_header(case.image) for case in cases]
        axis = slice_axis((header.spacing for header in headers), self.config.slice_axis)
        for case, header in zip(cases, headers, strict=True):
            self._require_size(str(case.image), header.shape, axis)
        super().fit(source, target, context)

    def translate(self, volume: Volume) -> Volume:
        """Translate one source volume; see ``Translator.translate``.

        Raises
        ------
        DataError
            If the decoder is a full one and a slice is larger than it was trained for.
        """
        if self.axis is not None:
            self._require_size("the scan", volume.shape, self.axis)
        return super().translate(volume)

    def _require_size(self, scan: str, shape: tuple[int, ...], axis: int) -> None:
        sides = [side for other, side in enumerate(shape) if other != axis]
        if self.config.decoder == "full" and max(sides) * self.config.upsample > self.config.crop:
            raise DataError(
                f"{scan}: slices of {shape} voxels along axis {axis} exceed the full decoder's "
                f"fixed size of {self.config.crop} pixels: set decoder to light."
            )
