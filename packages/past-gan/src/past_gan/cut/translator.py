"""The CUT translator: the plugin's face."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from past_gan.cut.config import CUTConfig
from past_gan.cut.steps import CUTModel, new_split_generator
from past_gan.cyclegan.translator import ResidualGAN

if TYPE_CHECKING:
    from past_gan.config import SliceGANConfig
    from past_gan.cut.networks import SplitGenerator
    from past_gan.runtime import Runtime

__all__ = ["CUT"]


class CUT(ResidualGAN):
    """Unpaired slice-wise translation by CUT (Park et al., ECCV 2020)."""

    kind: ClassVar[str] = "cut"
    config_class: ClassVar[type[SliceGANConfig]] = CUTConfig

    config: CUTConfig

    @classmethod
    def new_model(cls, config: CUTConfig, runtime: Runtime, structures: int, seed: int) -> CUTModel:
        """Generator, discriminator and heads."""
        return CUTModel(config, runtime, structures, seed)

    @classmethod
    def new_network(cls, config: CUTConfig) -> SplitGenerator:
        """The generator."""
        return new_split_generator(config)
