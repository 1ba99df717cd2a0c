"""Decoupled training: what one step of NICE-GAN computes and which weights it moves.

The discriminator step trains encoders and heads. In the generator step gradients pass
*through* the encoders to the decoders, but only the decoders move (paper, section 3.3).

Work without effect on the result is left out: no graph is kept for translations that
the discriminator step only looks at, frozen weights get no gradient, features of real
images are encoded once a step, and heads run only where their logits are used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from past_gan.networks.losses import discriminator_loss, distance, generator_loss, gradient_penalty
from past_gan.nicegan.networks import Decoder, Encoded, Encoder, PatchHeads
from past_gan.training.model import TranslationModel

if TYPE_CHECKING:
    from collections.abc import Mapping

    from past_gan.data.batch import Batch
    from past_gan.nicegan.config import NiceGANConfig
    from past_gan.training.runtime import Runtime

__all__ = ["Contrast", "NiceGANModel", "Translation", "new_decoder", "new_encoder"]


def new_encoder(config: NiceGANConfig) -> Encoder:
    """A new encoder of one contrast, its weights drawn from torch's generator."""
    return Encoder(config.image_slices, config.channels, config.sizes.downsampling)


def new_decoder(config: NiceGANConfig) -> Decoder:
    """A new decoder into one contrast, its weights drawn from torch's generator."""
    side = config.sizes.crop // 2**config.sizes.downsampling
    return Decoder(
        config.image_slices,
        config.channels,
        config.blocks,
        config.sizes.downsampling,
        flat=side if config.decoder == "full" else None,
        smooth=config.smooth,
    )


class Contrast(nn.Module):
    """The networks of one contrast: its encoder, its heads, and the decoder that makes it."""

    def __init__(self, config: NiceGANConfig) -> None:
        super().__init__()
        self.encoder = new_encoder(config)
        assert config.heads != "auto"
        self.heads = PatchHeads(config.channels, config.heads)
        self.decoder = new_decoder(config)

    def logits(self, images: Tensor) -> list[Tensor]:
        """What the discriminator says of ``(n, c, h, w)`` images.

        Logits ``(n, 1, h', w')`` of each head, then ``(n, 1)`` of the attention.
        """
        seen = self.encoder(images)
        return [*self.heads(seen.features), seen.attention]


class Translation(nn.Module):
    """One contrast's encoder and the other's decoder."""

    def __init__(self, encoder: nn.Module, decoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder

    def forward(self, images: Tensor) -> Tensor:
        """``(n, c, h, w)`` in [-1, 1] to the same."""
        translated: Tensor = self.decoder(self.encoder(images).features)
        return translated


class NiceGANModel(TranslationModel):
    """Encoders, heads and decoders of both contrasts; ``step`` is one training iteration.

    Parameters
    ----------
    seed
        Of the choices among replayed translations. Initial weights are drawn from torch's
        generator.
    """

    remedy: ClassVar[str] = "raise cycle_weight, or set identity_weight or r1_weight"

    def __init__(
        self, config: NiceGANConfig, runtime: Runtime, structures: int = 0, seed: int = 0
    ) -> None:
        super().__init__(config, runtime, structures, replay=config.replay, seed=seed)
        self.config = config
        self.source = Contrast(config)
        self.target = Contrast(config)
        self.prepare(self.discriminators, self.generators)

    @property
    def discriminators(self) -> nn.ModuleList:
        """What the discriminator step trains: both encoders and their heads."""
        return nn.ModuleList(
            part for c in (self.source, self.target) for part in (c.encoder, c.heads)
        )

    @property
    def generators(self) -> nn.ModuleList:
        """What the generator step trains: both decoders."""
        return nn.ModuleList((self.source.decoder, self.target.decoder))

    @property
    def translating(self) -> Translation:
        """The source's encoder and the target's decoder."""
        return Translation(self.source.encoder, self.target.decoder)

    @property
    def returning(self) -> Translation:
        """The target's encoder and the source's decoder."""
        return Translation(self.target.encoder, self.source.decoder)

    @property
    def weights(self) -> Mapping[str, float]:
        """Weights of the generators' loss terms; published: 1, 10, 10, and no identity."""
        config = self.config
        return {
            "adversarial": config.adversarial_weight,
            "cycle": config.cycle_weight,
            "reconstruction": config.reconstruction_weight,
            "identity": config.identity_weight,
        }

    def train_step(self, batch: Batch) -> dict[str, Tensor]:
        """First the discriminators, then the generators, as published."""
        return self.discriminator_step(batch) | self.generator_step(batch)

    def discriminator_step(self, batch: Batch) -> dict[str, Tensor]:
        """Move encoders and heads; the terms ``discriminator`` and, if asked for, ``r1``."""
        a, b, source, target = self.source, self.target, batch.source, batch.target
        with self.runtime.autocast(), parametrize.cached():
            real_a, real_b = a.encoder(source), b.encoder(target)
            with torch.no_grad():
                fake_b = self.replayed("target", b.decoder(real_a.features), batch.step)
                fake_a = self.replayed("source", a.decoder(real_b.features), batch.step)
            loss = _discriminated(a, real_a, fake_a) + _discriminated(b, real_b, fake_b)
            total = self.config.adversarial_weight * loss
            terms = {"discriminator": loss.detach()}
            if self.config.r1_weight:
                # Without further power iterations of the spectral norms.
                self.discriminators.eval()
                penalty = gradient_penalty(a.logits, source) + gradient_penalty(b.logits, target)
                self.discriminators.train()
                total = total + self.config.r1_weight * penalty
                terms["r1"] = penalty.detach()
        self.runtime.update(total, self.optimizers["discriminator"])
        return terms

    def generator_step(self, batch: Batch) -> dict[str, Tensor]:
        """Move decoders, against encoders and heads at rest; the terms of ``weights``."""
        a, b, source, target = self.source, self.target, batch.source, batch.target
        _freeze(self.discriminators, True)
        with self.runtime.autocast(), parametrize.cached():
            code_a, code_b = a.encoder(source).features, b.encoder(target).features
            codes = torch.cat([code_a, code_b])
            # Each decoder translates one contrast and reconstructs the other in one pass.
            same_a, fake_a = a.decoder(codes).chunk(2)
            fake_b, same_b = b.decoder(codes).chunk(2)
            seen_a, seen_b = a.encoder(fake_a), b.encoder(fake_b)
            terms = {
                "adversarial": generator_loss([*a.heads(seen_a.features), seen_a.attention])
                + generator_loss([*b.heads(seen_b.features), seen_b.attention]),
                "cycle": distance(a.decoder(seen_b.features), source)
                + distance(b.decoder(seen_a.features), target),
                "reconstruction": distance(same_a, source) + distance(same_b, target),
            }
            if self.config.identity_weight:
                terms["identity"] = distance(
                    a.decoder(b.encoder(source).features), source
                ) + distance(b.decoder(a.encoder(target).features), target)
            self.hold(terms, batch.step, (source, fake_b), (target, fake_a))
        losses = self.move_generators(terms, fake_b, batch)
        _freeze(self.discriminators, False)
        return losses


def _discriminated(contrast: Contrast, real: Encoded, translated: Tensor) -> Tensor:
    """The loss of one contrast's discriminator.

    The heads see both kinds in one pass, for they have many weights and few features.
    """
    contrast.encoder.eval()  # its norms had this step's power iteration in the real pass
    seen = contrast.encoder(translated)
    contrast.encoder.train()
    logits = contrast.heads(torch.cat([real.features, seen.features]))
    of_real, of_translated = zip(*(logit.chunk(2) for logit in logits), strict=True)
    return discriminator_loss([*of_real, real.attention], [*of_translated, seen.attention])


def _freeze(module: nn.Module, frozen: bool) -> None:
    """Without gradients of its own, and with the spectral norms' power iterations at rest."""
    module.requires_grad_(not frozen).train(not frozen)
