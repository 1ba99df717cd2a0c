"""The CycleGAN translator: the plugin's face."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from past_gan.cyclegan.config import CycleGANConfig
from past_gan.cyclegan.steps import CycleGANModel, new_generator
from past_gan.slicewise import SliceGAN
from past_gan.translation import Sides

if TYPE_CHECKING:
    from past_gan.config import SliceGANConfig
    from past_gan.cyclegan.config import ResidualGANConfig
    from past_gan.cyclegan.networks import Generator
    from past_gan.runtime import Runtime

__all__ = ["CycleGAN", "ResidualGAN"]


class ResidualGAN(SliceGAN):
    """A GAN whose translating network is a residual generator."""

    @classmethod
    def sides(cls, config: ResidualGANConfig) -> Sides:
        """Two pixels or more at the lowest resolution, which padding by reflection needs."""
        reduction = 2**config.downsampling
        return Sides(reduction, 2 * reduction)


class CycleGAN(ResidualGAN):
    """Unpaired slice-wise translation by CycleGAN (Zhu et al., ICCV 2017)."""

    kind: ClassVar[str] = "cyclegan"
    config_class: ClassVar[type[SliceGANConfig]] = CycleGANConfig

    config: CycleGANConfig

    @classmethod
    def new_model(
        cls, config: CycleGANConfig, runtime: Runtime, structures: int, seed: int
    ) -> CycleGANModel:
        """Generators and discriminators of both contrasts."""
        return CycleGANModel(config, runtime, structures, seed)

    @classmethod
    def new_network(cls, config: CycleGANConfig) -> Generator:
        """The generator of the target contrast."""
        return new_generator(config)
