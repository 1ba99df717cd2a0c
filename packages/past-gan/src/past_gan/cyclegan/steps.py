"""CycleGAN's training step: what one step computes and which weights it moves.

Generators move first, against discriminators at rest; then discriminators move, shown
the translations that the generators have just made (or earlier ones, from a pool), so
generators run once a step. Frozen weights get no gradient.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor, nn

from past_gan.cyclegan.networks import Discriminator, Generator
from past_gan.networks.losses import discriminator_loss, distance, generator_loss
from past_gan.training.model import TranslationModel

if TYPE_CHECKING:
    from collections.abc import Mapping

    from past_gan.cyclegan.config import CycleGANConfig, ResidualGANConfig
    from past_gan.data.batch import Batch
    from past_gan.training.runtime import Runtime

__all__ = ["CycleGANModel", "Translations", "new_generator"]


class Contrast(nn.Module):
    """The networks of one contrast: the generator that makes it, and its discriminator."""

    def __init__(self, config: CycleGANConfig) -> None:
        super().__init__()
        self.generator = new_generator(config)
        assert config.stages != "auto"
        self.discriminator = Discriminator(config.image_slices, config.channels, config.stages)


def new_generator(config: ResidualGANConfig) -> Generator:
    """A new generator into one contrast, its weights drawn from torch's generator."""
    return Generator(
        config.image_slices,
        config.channels,
        config.blocks,
        config.sizes.downsampling,
        config.upsampling,
    )


class Translations(NamedTuple):
    """What the generators made of a batch, ``(n, c, side, side)``, without a graph."""

    source: Tensor
    """Target patches as source contrast."""
    target: Tensor
    """Source patches as target contrast."""


class CycleGANModel(TranslationModel):
    """Generators and discriminators of both contrasts; ``step`` is one training iteration.

    Parameters
    ----------
    seed
        Of the pools' choices. Initial weights are drawn from torch's generator.
    """

    def __init__(
        self, config: CycleGANConfig, runtime: Runtime, structures: int = 0, seed: int = 0
    ) -> None:
        super().__init__(config, runtime, structures, replay=config.pool, seed=seed)
        self.config = config
        self.source = Contrast(config)
        self.target = Contrast(config)
        self.prepare(self.discriminators, self.generators)

    @property
    def discriminators(self) -> nn.ModuleList:
        """What the discriminator step trains: both discriminators."""
        return nn.ModuleList((self.source.discriminator, self.target.discriminator))

    @property
    def generators(self) -> nn.ModuleList:
        """What the generator step trains: both generators."""
        return nn.ModuleList((self.source.generator, self.target.generator))

    @property
    def translating(self) -> Generator:
        """The generator of the target contrast."""
        return self.target.generator

    @property
    def returning(self) -> Generator:
        """The generator of the source contrast."""
        return self.source.generator

    @property
    def weights(self) -> Mapping[str, float]:
        """Weights of the generators' loss terms; published: 1, 10, 5."""
        cycle = self.config.cycle_weight
        return {"adversarial": 1.0, "cycle": cycle, "identity": cycle * self.config.identity}

    def train_step(self, batch: Batch) -> dict[str, Tensor]:
        """First the generators, then the discriminators, as the authors' code does."""
        losses, translations = self.generator_step(batch)
        return losses | self.discriminator_step(batch, translations)

    def generator_step(self, batch: Batch) -> tuple[dict[str, Tensor], Translations]:
        """Move generators (paper, equation 3, and the identity loss of section 5.2)."""
        a, b, source, target = self.source, self.target, batch.source, batch.target
        terms: dict[str, Tensor] = {}
        self.discriminators.requires_grad_(False)
        with self.runtime.autocast():
            if self.config.identity:
                # Each generator translates one contrast and should keep the other, in one pass.
                fake_a, same_a = a.generator(torch.cat([target, source])).chunk(2)
                fake_b, same_b = b.generator(torch.cat([source, target])).chunk(2)
                terms["identity"] = distance(same_a, source) + distance(same_b, target)
            else:
                fake_a, fake_b = a.generator(target), b.generator(source)
            terms["adversarial"] = generator_loss(
                [a.discriminator(fake_a), b.discriminator(fake_b)]
            )
            terms["cycle"] = distance(a.generator(fake_b), source) + distance(
                b.generator(fake_a), target
            )
            self.hold(terms, batch.step, (source, fake_b), (target, fake_a))
        losses = self.move_generators(terms, fake_b, batch)
        self.discriminators.requires_grad_(True)
        return losses, Translations(fake_a.detach(), fake_b.detach())

    def discriminator_step(self, batch: Batch, translations: Translations) -> dict[str, Tensor]:
        """Move discriminators; their loss is halved, to slow them against the generators."""
        terms = []
        for name in Translations._fields:
            real = getattr(batch, name)
            fake = self.replayed(name, getattr(translations, name), batch.step)
            with self.runtime.autocast():
                seen = getattr(self, name).discriminator(torch.cat([real, fake]))
            terms.append(discriminator_loss(*([half] for half in seen.chunk(2))) / 2)
        loss = torch.stack(terms).sum()
        self.runtime.update(loss, self.optimizers["discriminator"])
        return {"discriminator": loss.detach()}
