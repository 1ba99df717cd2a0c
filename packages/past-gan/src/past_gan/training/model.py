"""What models of unpaired translation have in common: two players, their optimisers, a mean.

A model is written by giving its networks, what a discriminator step and a generator
step do, and the weights of its loss terms.
"""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor, nn

from past_gan.networks.losses import distance
from past_gan.networks.mind import mind_distance
from past_gan.networks.pool import ImagePool
from past_gan.training import checkpoint

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from past_gan.config import SliceGANConfig
    from past_gan.data.batch import Batch
    from past_gan.training.runtime import Runtime

__all__ = ["TranslationModel"]

POOLS = ("source", "target")
POOL_STREAM = 100
"""Far from the streams of the samplers."""


class TranslationModel(nn.Module, ABC):
    """Networks that translate, and their discriminators; ``step`` is one training iteration.

    A subclass makes its networks in ``__init__`` and ends it with ``prepare``.

    Parameters
    ----------
    config
        Settings that every GAN has.
    runtime
        The process to train in.
    structures
        How many structures the source's labels name; with a weight for the segmentation, a
        segmenter of so many is trained beside.
    replay
        Past translations kept for each discriminator.
    seed
        Of the choices among them.
    """

    remedy: ClassVar[str] = "or raise cycle_weight"
    """What to do about collapsed translations; follows "Lower learning_rate, "."""

    def __init__(
        self,
        config: SliceGANConfig,
        runtime: Runtime,
        structures: int = 0,
        *,
        replay: int = 0,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.settings = config
        self.runtime = runtime
        self.segmentation: nn.Module | None = None
        if config.segmentation.weight and structures:
            from past_gan.networks.segmentation import Segmentation  # noqa: PLC0415  (MONAI is slow)

            self.segmentation = Segmentation(config.segmentation, structures, config.image_slices)
        self.averaged: nn.Module | None = None
        self.pools = {
            name: ImagePool(replay, seed, stream) for stream, name in enumerate(POOLS, POOL_STREAM)
        }
        self.optimizers: dict[str, torch.optim.Adam] = {}

    @property
    @abstractmethod
    def translating(self) -> nn.Module:
        """What turns source images into target images."""

    @property
    @abstractmethod
    def returning(self) -> nn.Module | None:
        """What turns target images into source images; None if there is no way back."""

    @property
    @abstractmethod
    def weights(self) -> Mapping[str, float]:
        """Weight of each term of the generators' loss, by name."""

    @abstractmethod
    def train_step(self, batch: Batch) -> dict[str, Tensor]:
        """Move all networks once; the loss terms, unweighted, by name."""

    def prepare(
        self, discriminators: nn.Module, generators: nn.Module, **others: nn.Module
    ) -> None:
        """Place the networks and make the optimisers of discriminators and generators.

        Each of ``others`` gets an optimiser like theirs, under its name.
        """
        config = self.settings
        # torch's instance norm, in the segmenter, has wrong gradients for one image in
        # channels-last order (2.15, on CPUs).
        self.to(self.runtime.device)
        players = {"discriminator": discriminators, "generator": generators}
        for name, module in (players | others).items():
            self.runtime.place(module)
            self.optimizers[name] = self._adam(module, config.learning_rate, config.weight_decay)
        if self.segmentation is not None:
            own = config.segmentation.learning_rate
            self.optimizers["segmentation"] = self._adam(self.segmentation, own, 0.0)
        if config.ema:
            self.averaged = copy.deepcopy(self.translating).requires_grad_(False)
        if config.compile:
            for part in (*discriminators.children(), *generators.children()):
                part.compile()

    @property
    def finished(self) -> nn.Module:
        """What a finished training translates with: the running mean, if there is one."""
        return self.averaged or self.translating

    def step(self, batch: Batch) -> dict[str, Tensor]:
        """Train on one batch; the loss terms, unweighted, by name."""
        for optimizer in self.optimizers.values():
            for group in optimizer.param_groups:
                group["lr"] = optimizer.defaults["lr"] * batch.rate
        losses = self.train_step(batch)
        self._average()
        return losses

    def hold(self, terms: dict[str, Tensor], step: int, *pairs: tuple[Tensor, Tensor]) -> None:
        """Add what holds translations to their images, as far as it is asked for.

        The term ``early_identity`` moves nothing after its portion of the iterations; ``mind``
        always does.

        Parameters
        ----------
        terms
            Unweighted loss terms so far.
        step
            Of the training.
        pairs
            Images and their translations, a pair for each direction.
        """
        config = self.settings
        if config.early_identity:
            apart = torch.stack([distance(made, image) for image, made in pairs]).sum()
            early = step < config.early_identity * config.iterations
            terms["early_identity"] = apart if early else apart.detach()
        if config.mind_weight:
            distances = [mind_distance(image, made) for image, made in pairs]
            terms["mind"] = torch.stack(distances).sum()

    def replayed(self, contrast: str, translated: Tensor, step: int) -> Tensor:
        """Translations into a contrast, some exchanged for past ones.

        The pool sees the batch of all processes, and is the same in each.
        """
        pool = self.pools[contrast]
        if not pool.size:
            return translated
        everything = self.runtime.gather(translated.detach())
        return self.runtime.share(pool.exchange(everything, step))

    def move_generators(
        self, terms: dict[str, Tensor], translated: Tensor, batch: Batch, *others: str
    ) -> dict[str, Tensor]:
        """Move the generators, and the segmenter that looks at their translations.

        Parameters
        ----------
        terms
            Unweighted loss terms: those of ``weights``, and of ``hold``.
        translated
            ``batch.source`` in the target's contrast.
        others
            Names of further optimisers to move.
        """
        weights = {
            **self.weights,
            "early_identity": self.settings.early_identity_weight,
            "mind": self.settings.mind_weight,
        }
        optimizers = [self.optimizers[name] for name in ("generator", *others)]
        if self.segmentation is not None and batch.labels is not None:
            segmentation = self.settings.segmentation
            waiting = batch.step < segmentation.warm_up * self.settings.iterations
            seen = translated.detach() if waiting else translated
            with self.runtime.autocast():
                terms = {**terms, "segmentation": self.segmentation(seen, batch.labels)}
            weights["segmentation"] = segmentation.weight
            optimizers.append(self.optimizers["segmentation"])
        total = torch.stack([weights[name] * term for name, term in terms.items()]).sum()
        self.runtime.update(total, *optimizers)
        return {name: term.detach() for name, term in terms.items()}

    def tensors(self) -> dict[str, Tensor]:
        """All that training needs to go on: weights, running mean, optimisers' state."""
        found = {f"weights/{name}": value for name, value in self.state_dict().items()}
        for which, optimizer in self.optimizers.items():
            state = checkpoint.optimizer_tensors(optimizer)
            found |= {f"{which}/{name}": value for name, value in state.items()}
        for which, pool in self.pools.items():
            found |= {f"replay {which}/{name}": value for name, value in pool.tensors().items()}
        return found

    def restore(self, tensors: Mapping[str, Tensor], path: Path) -> None:
        """Undo ``tensors``; ``path`` names their file in errors."""
        parts: dict[str, dict[str, Tensor]] = {"weights": {}}
        for name, value in tensors.items():
            part, _, rest = name.partition("/")
            parts.setdefault(part, {})[rest] = value
        checkpoint.load_weights(self, parts["weights"], path)
        for which, optimizer in self.optimizers.items():
            checkpoint.restore_optimizer(optimizer, parts.get(which, {}), path)
        for which, pool in self.pools.items():
            held = parts.get(f"replay {which}", {})
            pool.restore({k: v.to(self.runtime.device) for k, v in held.items()}, path)

    def _average(self) -> None:
        """Move the running mean of the translating weights a little towards the present."""
        if self.averaged is None:
            return
        with torch.no_grad():
            present = self.translating
            weights = zip(self.averaged.parameters(), present.parameters(), strict=True)
            for mean, weight in weights:
                mean.lerp_(weight, 1 - self.settings.ema)
            # Singular vectors of the spectral norms: the mean of two would be too short.
            for held, now in zip(self.averaged.buffers(), present.buffers(), strict=True):
                held.copy_(now)

    def _adam(self, module: nn.Module, rate: float, decay: float) -> torch.optim.Adam:
        return self.runtime.adam(module, rate, self.settings.betas, decay)
