"""Segmentation-aware translation: a 2D segmenter that looks at what was translated.

It learns the source's labels on translated patches, and its loss also moves the
translator, which then cannot let a structure vanish or melt into its surroundings
(COSMOS, Shin et al. 2022; PAST's entry of 2022). It is no part of what translates.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from monai.losses import DiceCELoss
from monai.networks.nets import UNet
from torch import Tensor, nn

if TYPE_CHECKING:
    from past_gan.config import SegmentationConfig

__all__ = ["Segmentation"]


class Segmentation(nn.Module):
    """A small 2D U-Net with the mean of Dice loss and cross-entropy.

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
        # An image's own Dice: a batch's would not be the mean of those of its parts. A pixel
        # added above and below leaves it near 0 where a structure is rightly not found.
        self.criterion = DiceCELoss(
            include_background=False, to_onehot_y=True, softmax=True, smooth_nr=1.0, smooth_dr=1.0
        )

    def forward(self, images: Tensor, labels: Tensor) -> Tensor:
        """Loss of ``(n, c, h, w)`` translated patches with labels ``(n, h, w)``, int64."""
        images = images.contiguous(memory_format=torch.contiguous_format)
        logits = self.network(images).float()
        loss: Tensor = self.criterion(logits, labels[:, None])
        return loss
