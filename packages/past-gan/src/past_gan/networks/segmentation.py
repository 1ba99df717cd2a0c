"""Segmentation-aware translation: a 2D segmenter that looks at what was translated.

It learns the source's labels on translated patches, and its loss also moves the
translator, which then cannot let a structure vanish or melt into its surroundings
(COSMOS, Shin et al. 2022; PAST's entry of 2022). It is no part of what translates.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F  # noqa: N812
from monai.losses import DiceLoss
from monai.networks import one_hot
from monai.networks.nets import UNet
from torch import Tensor, nn

if TYPE_CHECKING:
    from past_gan.config import SegmentationConfig

__all__ = ["Segmentation"]


class Segmentation(nn.Module):
    """A small 2D U-Net with the sum of Dice loss and cross-entropy.

    Parameters
    ----------
    structures
        Labelled structures, background not counted.
    image_channels
        Of the translated patches.
    """

    def __init__(self, config: SegmentationConfig, structures: int, image_channels: int) -> None:
        super().__init__()
        self.network = UNet(
            spatial_dims=2,
            in_channels=image_channels,
            out_channels=structures + 1,
            channels=[config.channels * 2**level for level in range(config.levels + 1)],
            strides=[2] * config.levels,
        )
        self.margin = config.margin
        # An image's own Dice: a batch's would not be the mean of those of its parts. A pixel
        # added above and below leaves it near 0 where a structure is rightly not found.
        self.dice = DiceLoss(include_background=False, smooth_nr=1.0, smooth_dr=1.0)

    def forward(self, images: Tensor, labels: Tensor) -> Tensor:
        """Loss of ``(n, c, h, w)`` translated patches with labels ``(n, h, w)``, int64."""
        images = images.contiguous(memory_format=torch.contiguous_format)
        logits = self.network(images).float()
        counted = _far_from_borders(labels, self.margin)
        truth = one_hot(labels[:, None], logits.shape[1])
        entropy = (F.cross_entropy(logits, labels, reduction="none") * counted[:, 0]).mean()
        overlap: Tensor = self.dice(logits.softmax(1) * counted, truth * counted)
        return overlap + entropy


def _far_from_borders(labels: Tensor, margin: int) -> Tensor:
    """``(n, 1, h, w)``, 1 where all pixels up to ``margin`` away have the same label, else 0."""
    values, side = labels[:, None].float(), 2 * margin + 1
    highest = F.max_pool2d(values, side, stride=1, padding=margin)
    lowest = -F.max_pool2d(-values, side, stride=1, padding=margin)
    return (highest == lowest).float()
