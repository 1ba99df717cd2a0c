"""nnU-Net's trainer with a seed for every epoch, checkpoints that run no code, and AdamW.

The network, its loss with deep supervision, the sampling of patches and the augmentation
are nnU-Net's; the loop is short enough to read here.
"""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING, Any

import torch
from nnunetv2.training.loss.deep_supervision import DeepSupervisionWrapper
from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer

from past_core.errors import ConfigError
from past_seg.nnunet import amx, checkpoints
from past_seg.nnunet.augmentation import for_labelled, for_unlabelled, usual
from past_seg.nnunet.online import Online, chances
from past_seg.nnunet.precision import autocast, in_bfloat16
from past_seg.nnunet.prepared import PreparedCases
from past_seg.nnunet.seeding import seed_everything
from past_seg.nnunet.voxel_weights import WeightedLoss

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from past_core.case import Case
    from past_core.interfaces import Context, Unlabelled
    from past_seg.nnunet.config import NNUNetConfig

__all__ = ["Trainer"]

log = logging.getLogger(__name__)

GRADIENT_NORM = 12.0
"""nnU-Net's limit of the gradient's norm."""


class Trainer(nnUNetTrainer):  # type: ignore[misc]
    """Trains for a number of iterations; killed at any time, it goes on to the same end.

    ``__init__`` is nnU-Net's: it must keep its parameter names. Call ``prepare`` next.
    """

    def prepare(
        self,
        config: NNUNetConfig,
        context: Context,
        cases: Sequence[Case],
        *,
        warm: bool,
        unlabelled: tuple[Unlabelled, Path] | None = None,
    ) -> None:
        """Take over the settings and build network, optimizer and loss.

        Parameters
        ----------
        config, context
            As the segmenter's ``fit`` has them.
        cases
            What is trained on: how often each is drawn, and whether voxels have weights.
        warm
            Whether training starts from given weights.
        unlabelled
            What else is learnt from, and the folder of its preprocessed scans.
        """
        self.config = config
        self.weights = {case.id: case.weight for case in cases}
        self.weighted = any(case.voxel_weights is not None for case in cases)
        self.context = context
        self.warm = warm
        self.unlabelled = unlabelled
        self.online: Online | None = None
        self.device = torch.device(context.device)
        self.total_iterations = config.total_iterations(warm)
        self.num_iterations_per_epoch = min(config.iterations_per_epoch, self.total_iterations)
        self.num_epochs = -(-self.total_iterations // self.num_iterations_per_epoch)
        self.initial_lr = config.peak_rate(warm)
        self.weight_decay = config.decay()
        self.oversample_foreground_percent = config.foreground_share
        self.rows: list[tuple[int, float, float]] = []
        """Iteration (from 1), learning rate and training loss, of every iteration."""
        # nnU-Net gives the coarsest output no weight, which leaves a network of two
        # stages, whose only output that is, without a loss (0 / 0).
        self.enable_deep_supervision = len(self.configuration_manager.pool_op_kernel_sizes) > 2
        seed_everything(context.seed, 0)
        self.initialize()
        self.dataset_class = PreparedCases
        # torch's instance norm has wrong gradients for one image in this order (2.15, on CPUs).
        if self.device.type == "cpu" and self.batch_size > 1:
            self.network.to(memory_format=torch.channels_last_3d)
        if self.device.type == "cpu" and in_bfloat16(config) and amx.in_use():
            shape = (
                self.batch_size,
                self.num_input_channels,
                *self.configuration_manager.patch_size,
            )
            amx.protect(self.network, shape, context.record / "bfloat16.json")

    def configure_optimizers(self) -> tuple[torch.optim.Optimizer, Any]:
        """nnU-Net's SGD with polynomial decay by epoch, or AdamW with one cycle."""
        if self.config.optimizer == "sgd":
            optimizer, schedule = super().configure_optimizers()
            return optimizer, schedule
        adamw = torch.optim.AdamW(
            self.network.parameters(), self.initial_lr, weight_decay=self.weight_decay, fused=True
        )
        cycle = torch.optim.lr_scheduler.OneCycleLR(
            adamw, self.initial_lr, total_steps=self.total_iterations + 1
        )
        return adamw, cycle

    def fit(self) -> None:
        """Train from the last checkpoint, if there is one, to the last iteration."""
        self.dataloader_train = self._patches()
        if self.online is not None:
            self.online.begin(self.network, self.config, warm=self.warm)
        checkpoints.resume(self)
        if self.current_epoch >= self.num_epochs:
            return
        self.set_deep_supervision_enabled(self.enable_deep_supervision)
        self.network.train()
        while self.current_epoch < self.num_epochs:
            seed_everything(self.context.seed, self.current_epoch + 1)
            if self.config.optimizer == "sgd":
                self.lr_scheduler.step(self.current_epoch)
            start = self.current_epoch * self.num_iterations_per_epoch
            stop = min(start + self.num_iterations_per_epoch, self.total_iterations)
            for iteration in range(start + 1, stop + 1):
                rate = self.optimizer.param_groups[0]["lr"]
                loss = self.train_step(next(self.dataloader_train))["loss"]
                if not math.isfinite(loss):
                    raise ConfigError(
                        f"the loss became {loss} at iteration {iteration} with learning rate "
                        f"{rate:.2g}. Lower learning_rate (peak {self.initial_lr:g})."
                    )
                if self.config.optimizer == "adamw":
                    self.lr_scheduler.step()
                self.rows.append((iteration, rate, loss))
                self.context.progress(iteration, self.total_iterations, f"loss {loss:.3f}")
            self.current_epoch += 1
            checkpoints.write(self)

    def train_step(self, batch: dict[str, Any]) -> dict[str, float]:
        """One step: nnU-Net's own on CUDA; on the CPU in bfloat16 where that is native."""
        if self.weighted:
            self._weighted_loss.weights = batch["data"][:, 1:]
            batch = {**batch, "data": batch["data"][:, :1]}
        mixed = self.device.type == "cuda" and self.config.precision != "float32"
        if mixed and self.online is None:
            return {"loss": float(super().train_step(batch)["loss"])}
        self.optimizer.zero_grad(set_to_none=True)
        data = batch["data"].to(self.device, memory_format=torch.channels_last_3d)
        with autocast(self.config, self.device):
            output = self.network(data)
        if self.enable_deep_supervision:
            loss = self.loss(
                [o.float() for o in output], [t.to(self.device) for t in batch["target"]]
            )
        else:
            loss = self.loss(output.float(), batch["target"].to(self.device))
        if self.online is not None:
            progress = len(self.rows) / self.total_iterations
            loss = loss + self.online.loss(self.device, progress)
        self._descend(loss, self.grad_scaler if mixed else None)
        if self.online is not None:
            self.online.after_step()
        return {"loss": float(loss.detach())}

    def _descend(self, loss: Any, scaler: torch.amp.GradScaler | None) -> None:  # noqa: ANN401
        """One step down a loss, which is scaled for float16 if there is a scaler."""
        if scaler is None:
            loss.backward()
        else:
            scaler.scale(loss).backward()
            scaler.unscale_(self.optimizer)
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), GRADIENT_NORM)
        if scaler is None:
            self.optimizer.step()
        else:
            scaler.step(self.optimizer)
            scaler.update()

    @property
    def kept(self) -> torch.nn.Module:
        """The network that the training results in."""
        return self.network if self.online is None else self.online.kept

    def _build_loss(self) -> torch.nn.Module:
        """nnU-Net's loss, or the same with a weight for each voxel."""
        loss: torch.nn.Module = super()._build_loss()
        if not self.weighted:
            return loss
        supervised = isinstance(loss, DeepSupervisionWrapper)
        self._weighted_loss = WeightedLoss(loss.loss if supervised else loss)
        if not supervised:
            return self._weighted_loss
        loss.loss = self._weighted_loss
        return loss

    def do_split(self) -> tuple[list[str], list[str]]:
        """Train on all cases: PAST's test cases never come here."""
        return sorted(self.weights), sorted(self.weights)

    def print_to_log_file(self, *args: object, **_: object) -> None:
        """Log instead of printing."""
        if text := " ".join(str(arg) for arg in args).strip():
            log.info("%s", text)

    def _patches(self) -> Any:  # noqa: ANN401  (batchgenerators is untyped)
        """nnU-Net's source of augmented batches, made repeatable and as light as asked."""
        source, _ = self.get_dataloaders()
        loader = source.data_loader
        transforms = usual(loader.transforms.transforms, self.config.augmentation)
        loader.transforms.transforms = for_labelled(
            transforms,
            self.config.random_convolution,
            self.config.random_structures,
            self.label_manager.ignore_label,
            weighted=self.weighted,
        )
        loader.sampling_probabilities = chances([self.weights[name] for name in loader.indices])
        if self.unlabelled is not None:
            unlabelled, folder = self.unlabelled
            views = for_unlabelled(transforms, unlabelled.strategy.random_looks)
            self.online = Online(unlabelled, folder, loader, views)
        return source
