"""CUT, bound to its settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from past_gan.cut.config import CUTConfig
from past_gan.cut.steps import CUTModel, new_split_generator
from past_gan.cyclegan.gan import ResidualGAN

if TYPE_CHECKING:
    from past_gan.config import SliceGANConfig
    from past_gan.cut.networks import SplitGenerator
    from past_gan.training.runtime import Runtime

__all__ = ["BoundCUT"]


class BoundCUT(ResidualGAN):
    """The networks of CUT."""

    kind: ClassVar[str] = "cut"
    config_class: ClassVar[type[SliceGANConfig]] = CUTConfig

    config: CUTConfig

    def model(self, runtime: Runtime, structures: int = 0, seed: int = 0) -> CUTModel:
        """Generator, discriminator and heads."""
        return CUTModel(self.config, runtime, structures, seed)

    def network(self) -> SplitGenerator:
        """The generator, in its two halves."""
        return new_split_generator(self.config)
