"""CycleGAN, bound to its settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from past_gan.cyclegan.config import CycleGANConfig
from past_gan.cyclegan.steps import CycleGANModel, new_generator
from past_gan.data.translation import Sides
from past_gan.gan import GAN

if TYPE_CHECKING:
    from past_gan.config import SliceGANConfig
    from past_gan.cyclegan.config import ResidualGANConfig
    from past_gan.cyclegan.networks import Generator
    from past_gan.training.runtime import Runtime

__all__ = ["BoundCycleGAN", "ResidualGAN"]


class ResidualGAN(GAN):
    """A GAN whose translating network is a residual generator."""

    config: ResidualGANConfig

    def sides(self) -> Sides:
        """Two pixels or more at the lowest resolution, which padding by reflection needs."""
        reduction = 2**self.config.sizes.downsampling
        return Sides(reduction, 2 * reduction)


class BoundCycleGAN(ResidualGAN):
    """The networks of CycleGAN."""

    kind: ClassVar[str] = "cyclegan"
    config_class: ClassVar[type[SliceGANConfig]] = CycleGANConfig

    config: CycleGANConfig

    def model(self, runtime: Runtime, structures: int = 0, seed: int = 0) -> CycleGANModel:
        """Generators and discriminators of both contrasts."""
        return CycleGANModel(self.config, runtime, structures, seed)

    def network(self) -> Generator:
        """The generator of the target contrast."""
        return new_generator(self.config)
