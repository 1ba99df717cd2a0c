"""An online strategy within nnU-Net's training: its patches, its loss, its state."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch
from batchgenerators.dataloading.single_threaded_augmenter import SingleThreadedAugmenter
from batchgeneratorsv2.transforms.utils.compose import ComposeTransforms
from nnunetv2.training.dataloading.data_loader import nnUNetDataLoader

from past_core.interfaces import Views
from past_seg.nnunet.precision import autocast
from past_seg.nnunet.unlabelled import UnlabelledCases

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy.typing as npt
    from batchgeneratorsv2.transforms.base.basic_transform import BasicTransform
    from torch import Tensor

    from past_core.interfaces import Unlabelled
    from past_seg.nnunet.config import NNUNetConfig

__all__ = ["Finest", "Online", "chances"]


class Finest(torch.nn.Module):
    """A network of nnU-Net's from patches to float32 logits at full resolution alone."""

    def __init__(self, network: torch.nn.Module, config: NNUNetConfig) -> None:
        super().__init__()
        self.network = network
        self.config = config

    def forward(self, patches: Tensor) -> Tensor:
        """Logits ``(n, c, i, j, k)`` of patches ``(n, 1, i, j, k)``."""
        with autocast(self.config, patches.device):
            output = self.network(patches)
        finest: Tensor = output if isinstance(output, torch.Tensor) else output[0]
        return finest.float()


class Online:
    """Draws unlabelled patches and asks the strategy for its loss, iteration by iteration.

    Parameters
    ----------
    unlabelled
        The strategy and the scans.
    folder
        Of the preprocessed scans.
    loader
        nnU-Net's of labelled patches, whose sizes and number hold here too.
    transforms
        Of patches, from ``augmentation.for_unlabelled``.
    """

    def __init__(
        self,
        unlabelled: Unlabelled,
        folder: Path,
        loader: nnUNetDataLoader,
        transforms: Sequence[BasicTransform],
    ) -> None:
        self.strategy = unlabelled.strategy
        cases = list(unlabelled.cases)
        patches = nnUNetDataLoader(
            UnlabelledCases(folder, [case.id for case in cases]),
            loader.batch_size,
            loader.patch_size,
            loader.final_patch_size,
            _NoLabels(),
            sampling_probabilities=chances([case.weight for case in cases]),
            transforms=ComposeTransforms(list(transforms)),
        )
        self._patches = SingleThreadedAugmenter(patches, None)

    def begin(self, network: torch.nn.Module, config: NNUNetConfig, *, warm: bool) -> None:
        """Take the network that is trained as the strategy's student."""
        self.student = Finest(network, config)
        self.strategy.begin(self.student, warm=warm)

    def loss(self, device: torch.device, progress: float) -> Tensor:
        """Of the next batch; ``progress`` is the portion of the training that is done."""
        data = next(self._patches)["data"].to(device)
        strong, weak = (
            part.contiguous(memory_format=torch.channels_last_3d) for part in data.split(1, 1)
        )
        found: Tensor = self.strategy.loss(self.student, Views(weak, strong, progress))
        return found

    def after_step(self) -> None:
        """Let the strategy follow."""
        self.strategy.after_step(self.student)

    @property
    def kept(self) -> torch.nn.Module:
        """The network that the training results in."""
        network: torch.nn.Module = self.strategy.kept(self.student).network
        return network


@dataclass(frozen=True)
class _NoLabels:
    """What nnU-Net's loader asks about labels, of scans that have none: it draws anywhere."""

    all_labels: list[int] = field(default_factory=list)
    has_ignore_label: bool = False


def chances(weights: Sequence[float]) -> npt.NDArray[np.float64] | None:
    """Chances of cases to be drawn; None, nnU-Net's word for equal ones, draws otherwise."""
    found = np.asarray(weights, np.float64)
    return None if (found == found[0]).all() else found / found.sum()
