"""The CUT translator: the plugin's face."""

from __future__ import annotations

from typing import ClassVar

from past_gan.cut.gan import BoundCUT
from past_gan.slicewise.translator import SliceGAN

__all__ = ["CUT"]


class CUT(SliceGAN):
    """Unpaired slice-wise translation by CUT (Park et al., ECCV 2020)."""

    gan_class: ClassVar[type[BoundCUT]] = BoundCUT
