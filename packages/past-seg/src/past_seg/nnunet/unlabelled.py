"""Unlabelled scans as nnU-Net's loader draws them: pairs of views."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from batchgeneratorsv2.transforms.base.basic_transform import BasicTransform

from past_seg.nnunet.prepared import Copied, open_array

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

__all__ = ["JoinViews", "TwoViews", "UnlabelledCases"]


@dataclass(frozen=True)
class UnlabelledCases:
    """What nnU-Net's loader of patches asks of a data set; scans stay on disk, memory-mapped."""

    folder: Path
    identifiers: list[str]

    def load_case(self, identifier: str) -> tuple[Any, ...]:
        """Image, a label of background, no earlier stage, and no places of structures."""
        image = open_array(self.folder / f"{identifier}.npy")
        background = np.broadcast_to(np.int8(0), image.shape).view(Copied)
        return image, background, None, {"class_locations": {}}


class TwoViews(BasicTransform):  # type: ignore[misc]
    """Keeps the look that a patch has before its intensities are changed.

    It becomes nnU-Net's ``regression_target``, which is turned, scaled and mirrored as the image.
    """

    def apply(self, data_dict: dict[str, Tensor], **_: object) -> dict[str, Tensor]:
        """Copy ``image`` ``(1, i, j, k)``."""
        return {**data_dict, "regression_target": data_dict["image"].clone()}


class JoinViews(BasicTransform):  # type: ignore[misc]
    """Puts the view as it was behind the changed one, since batches have no other place."""

    def apply(self, data_dict: dict[str, Tensor], **_: object) -> dict[str, Tensor]:
        """Join ``image`` and ``regression_target`` ``(1, i, j, k)``."""
        weak = data_dict.pop("regression_target")
        return {**data_dict, "image": torch.cat([data_dict["image"], weak])}
