"""nnU-Net's trainer with a seed for every epoch, checkpoints that run no code, and AdamW.

The network, its loss with deep supervision, the sampling of patches and the augmentation
are nnU-Net's; the loop is short enough to read here.
"""

from __future__ import annotations

import csv
import logging
import math
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from nnunetv2.training.loss.deep_supervision import DeepSupervisionWrapper
from nnunetv2.training.nnUNetTrainer.nnUNetTrainer import nnUNetTrainer

from past_core.errors import ConfigError
from past_core.files import atomic_path
from past_seg.nnunet import amx
from past_seg.nnunet.augmentation import arranged
from past_seg.nnunet.memory import CasesInMemory
from past_seg.nnunet.precision import autocast, in_bfloat16
from past_seg.nnunet.seeding import seed_everything
from past_seg.nnunet.voxel_weights import WeightedLoss

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy.typing as npt

    from past_core.case import Case
    from past_core.interfaces import Context
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
        self, config: NNUNetConfig, context: Context, cases: Sequence[Case], warm: bool
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
        """
        self.config = config
        self.weights = {case.id: case.weight for case in cases}
        self.weighted = any(case.voxel_weights is not None for case in cases)
        self.context = context
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
        self.dataset_class = CasesInMemory
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
        self._resume()
        if self.current_epoch >= self.num_epochs:
            return
        self.dataloader_train = self._patches()
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
            self._keep()

    def train_step(self, batch: dict[str, Any]) -> dict[str, float]:
        """One step: nnU-Net's own on CUDA; on the CPU in bfloat16 where that is native."""
        if self.weighted:
            self._weighted_loss.weights = batch["data"][:, 1:]
            batch = {**batch, "data": batch["data"][:, :1]}
        if self.device.type == "cuda" and self.config.precision != "float32":
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
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), GRADIENT_NORM)
        self.optimizer.step()
        return {"loss": float(loss.detach())}

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
        names = self.dataset_class.get_identifiers(self.preprocessed_dataset_folder)
        return sorted(names), sorted(names)

    def print_to_log_file(self, *args: object, **_: object) -> None:
        """Log instead of printing."""
        if text := " ".join(str(arg) for arg in args).strip():
            log.info("%s", text)

    def _patches(self) -> Any:  # noqa: ANN401  (batchgenerators is untyped)
        """nnU-Net's source of augmented batches, made repeatable and as light as asked."""
        source, _ = self.get_dataloaders()
        loader = source.data_loader
        loader.transforms.transforms = arranged(
            loader.transforms.transforms,
            self.config,
            self.label_manager.ignore_label,
            weighted=self.weighted,
        )
        loader.sampling_probabilities = self._chances(loader.indices)
        return source

    def _chances(self, names: Sequence[str]) -> npt.NDArray[np.float64] | None:
        """Chances of cases to be drawn; None, nnU-Net's word for equal ones, draws otherwise."""
        weights = np.array([self.weights[name] for name in names])
        return None if (weights == weights[0]).all() else weights / weights.sum()

    def _keep(self) -> None:
        """Write the state after a whole epoch, then the loss curve."""
        state = {
            "epoch": self.current_epoch,
            "network": self.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": _numbers(self.lr_scheduler),
            "scaler": self.grad_scaler.state_dict() if self.grad_scaler else None,
            "rows": self.rows,
        }
        with atomic_path(self.checkpoint) as temporary:
            torch.save(state, temporary)
        with atomic_path(self.context.record / "losses.csv") as temporary, temporary.open("w") as f:
            writer = csv.writer(f, lineterminator="\n")
            writer.writerow(("iteration", "learning_rate", "loss"))
            writer.writerows(self.rows)

    @property
    def checkpoint(self) -> Path:
        """State of the training after the last whole epoch."""
        return self.context.folder / "checkpoint.pt"

    def _resume(self) -> None:
        if not self.checkpoint.exists():
            return
        try:
            state = torch.load(self.checkpoint, map_location=self.device, weights_only=True)
        except (RuntimeError, OSError, EOFError, UnpicklingError) as error:
            log.warning("%s cannot be read, training starts anew: %s", self.checkpoint, error)
            return
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.lr_scheduler.__dict__.update(state["schedule"])
        if self.grad_scaler:
            self.grad_scaler.load_state_dict(state["scaler"])
        self.current_epoch = state["epoch"]
        self.rows = [tuple(row) for row in state["rows"]]
        log.info("going on after epoch %d of %d", self.current_epoch, self.num_epochs)


def _numbers(schedule: Any) -> dict[str, int | float]:  # noqa: ANN401  (two unrelated classes)
    """What a schedule counts; the rest of it follows from the configuration."""
    return {k: v for k, v in vars(schedule).items() if type(v) in (int, float)}
