"""CUT's training step: what one step computes and which weights it moves.

The generator translates once a step, and what its encoder saw on the way are the keys of
the contrastive loss. The discriminator moves first; then the generator, against the
discriminator at rest, with the heads. Only the encoder runs again, for the queries.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from past_gan.cut.networks import SplitGenerator
from past_gan.cut.patch_nce import Projections, draw_positions, patch_nce
from past_gan.cyclegan.networks import Discriminator
from past_gan.cyclegan.steps import new_generator
from past_gan.networks.losses import discriminator_loss, generator_loss
from past_gan.training.model import TranslationModel

if TYPE_CHECKING:
    from collections.abc import Mapping

    from past_gan.cut.config import CUTConfig
    from past_gan.data.batch import Batch
    from past_gan.training.runtime import Runtime

__all__ = ["CUTModel", "Translation", "new_split_generator"]


def new_split_generator(config: CUTConfig) -> SplitGenerator:
    """A new generator in its two halves, its weights drawn from torch's generator."""
    return SplitGenerator(new_generator(config))


class Translation(NamedTuple):
    """What the generator made of a batch."""

    images: Tensor
    """``(n, c, side, side)``: source patches as target contrast; ``(2n, c, side, side)`` if
    an identity loss is asked for: target patches follow."""
    layers: list[Tensor]
    """What the encoder saw in the patches, from which the keys are made."""


class CUTModel(TranslationModel):
    """One generator and its discriminator; ``step`` is one training iteration.

    Parameters
    ----------
    seed
        Of the positions. Initial weights are drawn from torch's generator.
    """

    remedy: ClassVar[str] = "or raise nce_weight or identity_weight"

    def __init__(
        self, config: CUTConfig, runtime: Runtime, structures: int = 0, seed: int = 0
    ) -> None:
        super().__init__(config, runtime, structures)
        self.config = config
        self.seed = seed
        self.generator = new_split_generator(config)
        assert config.stages != "auto"
        self.discriminator = Discriminator(config.image_slices, config.channels, config.stages)
        self.heads = Projections(self.generator.encoder.widths, config.features)
        self.prepare(self.discriminators, self.generators, heads=self.heads)

    @property
    def discriminators(self) -> nn.ModuleList:
        """What the discriminator step trains."""
        return nn.ModuleList((self.discriminator,))

    @property
    def generators(self) -> nn.ModuleList:
        """What the generator step trains, besides the heads."""
        return nn.ModuleList((self.generator.encoder, self.generator.decoder))

    @property
    def translating(self) -> SplitGenerator:
        """The generator."""
        return self.generator

    @property
    def returning(self) -> None:
        """There is no way back."""
        return

    @property
    def weights(self) -> Mapping[str, float]:
        """Weights of the generator's loss terms; published: 1, 1, 1 (paper, equation 5)."""
        config = self.config
        return {
            "adversarial": 1.0,
            "nce": config.nce_weight,
            "identity": config.identity_weight,
        }

    def train_step(self, batch: Batch) -> dict[str, Tensor]:
        """First the discriminator, then the generator, as the authors' code does."""
        made = self.translate(batch)
        return self.discriminator_step(batch, made) | self.generator_step(batch, made)

    def translate(self, batch: Batch) -> Translation:
        """Translate the source, and the target too if an identity loss is asked for."""
        wanted = [batch.source, batch.target] if self.config.identity_weight else [batch.source]
        with self.runtime.autocast():
            layers = self.generator.encoder(torch.cat(wanted))
            images = self.generator.decoder(layers[-1])
        return Translation(images, layers)

    def discriminator_step(self, batch: Batch, made: Translation) -> dict[str, Tensor]:
        """Move the discriminator; its loss is halved, to slow it against the generator."""
        fake = made.images[: len(batch.source)].detach()
        with self.runtime.autocast():
            seen = self.discriminator(torch.cat([batch.target, fake]))
        loss = discriminator_loss(*([half] for half in seen.chunk(2))) / 2
        self.runtime.update(loss, self.optimizers["discriminator"])
        return {"discriminator": loss.detach()}

    def generator_step(self, batch: Batch, made: Translation) -> dict[str, Tensor]:
        """Move generator and heads, against the discriminator at rest; the terms of ``weights``."""
        count = len(batch.source)
        fake = made.images[:count]
        self.discriminators.requires_grad_(False)
        with self.runtime.autocast():
            terms = {"adversarial": generator_loss([self.discriminator(fake)])}
            losses = self.nce(made, batch.step)
            terms["nce"] = losses[:count].mean()
            if self.config.identity_weight:
                terms["identity"] = losses[count:].mean()
            self.hold(terms, batch.step, (batch.source, fake))
        moved = self.move_generators(terms, fake, batch, "heads")
        self.discriminators.requires_grad_(True)
        return moved

    def nce(self, made: Translation, step: int) -> Tensor:
        """The contrastive loss of each translated image, ``(n,)``.

        It is the mean over layers and positions, as in the authors' code, where equation 4
        has sums. Keys get no gradient.
        """
        positions = draw_positions(made.layers, self.config.positions, seed=self.seed, step=step)
        queries = self.heads(self.generator.encoder(made.images), positions)
        with torch.no_grad():
            keys = self.heads(made.layers, positions)
        losses = [
            patch_nce(query, key, self.config.temperature)
            for query, key in zip(queries, keys, strict=True)
        ]
        return torch.stack(losses).mean(0)
