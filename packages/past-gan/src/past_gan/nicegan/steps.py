"""Decoupled training: what one step of NICE-GAN computes and which weights it moves.

The discriminator step trains encoders and heads. In the generator step gradients pass
*through* the encoders to the decoders, but only the decoders move (paper, section 3.3).

Work without effect on the result is left out: no graph is kept for translations that
the discriminator step only looks at, frozen weights get no gradient, features of real
images are encoded once a step, and heads run only where their logits are used.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from past_gan import checkpoint
from past_gan.losses import discriminator_loss, distance, generator_loss
from past_gan.nicegan.networks import Decoder, Encoder, PatchHeads

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from past_gan.batch import Batch
    from past_gan.nicegan.config import NiceGANConfig
    from past_gan.runtime import Runtime

__all__ = ["Contrast", "NiceGANModel"]


class Contrast(nn.Module):
    """The networks of one contrast: its encoder, its heads, and the decoder that makes it."""

    def __init__(self, config: NiceGANConfig) -> None:
        super().__init__()
        side = config.crop // 2**config.downsampling
        self.encoder = Encoder(1, config.channels, config.downsampling)
        self.heads = PatchHeads(config.channels, config.heads)
        self.decoder = Decoder(
            1,
            config.channels,
            config.blocks,
            config.downsampling,
            flat=side if config.decoder == "full" else None,
            smooth=config.smooth,
        )


class NiceGANModel(nn.Module):
    """Both contrasts and their two optimisers; ``step`` is one training iteration."""

    def __init__(self, config: NiceGANConfig, runtime: Runtime) -> None:
        super().__init__()
        self.config = config
        self.runtime = runtime
        self.source = Contrast(config)
        self.target = Contrast(config)
        runtime.place(self)

        self.averaged = copy.deepcopy(self.translating) if config.ema else None
        self.optimizers = {
            "discriminator": self._adam(self.judges),
            "generator": self._adam(self.makers),
        }

    @property
    def judges(self) -> nn.ModuleList:
        """What the discriminator step trains: both encoders and their heads."""
        return nn.ModuleList(
            part for c in (self.source, self.target) for part in (c.encoder, c.heads)
        )

    @property
    def makers(self) -> nn.ModuleList:
        """What the generator step trains: both decoders."""
        return nn.ModuleList((self.source.decoder, self.target.decoder))

    @property
    def translating(self) -> nn.ModuleDict:
        """What turns source images into target images."""
        return nn.ModuleDict({"encoder": self.source.encoder, "decoder": self.target.decoder})

    def step(self, batch: Batch) -> dict[str, Tensor]:
        """Train on one batch.

        Returns
        -------
        dict
            The loss terms, unweighted, by name.
        """
        for optimizer in self.optimizers.values():
            for group in optimizer.param_groups:
                group["lr"] = batch.rate
        losses = self.discriminator_step(batch) | self.generator_step(batch)
        self._average()
        return losses

    def discriminator_step(self, batch: Batch) -> dict[str, Tensor]:
        """Move encoders and heads."""
        a, b, source, target = self.source, self.target, batch.source, batch.target
        with self.runtime.autocast(), parametrize.cached():
            real_a, real_b = a.encoder(source), b.encoder(target)
            with torch.no_grad():
                fake_b = b.decoder(real_a.features)
                fake_a = a.decoder(real_b.features)
            loss = torch.stack(
                [
                    discriminator_loss(
                        [*c.heads(real.features), real.attention],
                        [*c.heads(translated.features), translated.attention],
                    )
                    for c, real, translated in (
                        (a, real_a, a.encoder(fake_a)),
                        (b, real_b, b.encoder(fake_b)),
                    )
                ]
            ).sum()
        self.runtime.update(self.config.adversarial_weight * loss, self.optimizers["discriminator"])
        return {"discriminator": loss.detach()}

    def generator_step(self, batch: Batch) -> dict[str, Tensor]:
        """Move decoders."""
        a, b, config = self.source, self.target, self.config
        source, target = batch.source, batch.target
        _freeze(self.judges, True)
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
            if config.identity_weight:
                terms["identity"] = distance(
                    a.decoder(b.encoder(source).features), source
                ) + distance(b.decoder(a.encoder(target).features), target)
        total = torch.stack([getattr(config, f"{name}_weight") * terms[name] for name in terms])
        self.runtime.update(total.sum(), self.optimizers["generator"])
        _freeze(self.judges, False)
        return {name: term.detach() for name, term in terms.items()}

    def tensors(self) -> dict[str, Tensor]:
        """Weights, running means and optimisers' state; see ``past_gan.training``."""
        found = {f"weights/{name}": value for name, value in self.state_dict().items()}
        for which, optimizer in self.optimizers.items():
            state = checkpoint.optimizer_tensors(optimizer)
            found |= {f"{which}/{name}": value for name, value in state.items()}
        return found

    def restore(self, tensors: Mapping[str, Tensor], path: Path) -> None:
        """Undo ``tensors``."""
        parts: dict[str, dict[str, Tensor]] = {"weights": {}, "discriminator": {}, "generator": {}}
        for name, value in tensors.items():
            part, _, rest = name.partition("/")
            parts.setdefault(part, {})[rest] = value
        checkpoint.load_weights(self, parts["weights"], path)
        for which, optimizer in self.optimizers.items():
            checkpoint.restore_optimizer(optimizer, parts[which])

    def _average(self) -> None:
        """Move the running mean of the translating weights a little towards the present."""
        if self.averaged is None:
            return
        with torch.no_grad():
            present = self.translating.state_dict()
            for name, mean in self.averaged.state_dict().items():
                mean.lerp_(present[name], 1 - self.config.ema)

    def _adam(self, module: nn.Module) -> torch.optim.Adam:
        config = self.config
        return self.runtime.adam(module, config.learning_rate, config.betas, config.weight_decay)


def _freeze(module: nn.Module, frozen: bool) -> None:
    """Without gradients of its own, and with the spectral norms' power iterations at rest."""
    module.requires_grad_(not frozen).train(not frozen)
