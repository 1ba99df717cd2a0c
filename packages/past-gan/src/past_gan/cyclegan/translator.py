"""The CycleGAN translator: the plugin's face."""

from __future__ import annotations

from typing import ClassVar

from past_gan.cyclegan.gan import BoundCycleGAN
from past_gan.slicewise.translator import SliceGAN

__all__ = ["CycleGAN"]


class CycleGAN(SliceGAN):
    """Unpaired slice-wise translation by CycleGAN (Zhu et al., ICCV 2017)."""

    gan_class: ClassVar[type[BoundCycleGAN]] = BoundCycleGAN
