"""The NICE-GAN translator: the plugin's face."""

from __future__ import annotations

from typing import ClassVar

from past_gan.nicegan.gan import BoundNiceGAN
from past_gan.slicewise.translator import SliceGAN

__all__ = ["NiceGAN"]


class NiceGAN(SliceGAN):
    """Unpaired slice-wise translation by NICE-GAN (Chen et al., CVPR 2020)."""

    gan_class: ClassVar[type[BoundNiceGAN]] = BoundNiceGAN
