"""Patches, depth and batch of a slice-wise GAN, planned from the slices that it is to translate.

As nnU-Net plans its segmenter: the recipe says how much work a step may be, the data how it is
spent. Imports no torch.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple

__all__ = ["Auto", "Sizes", "Slices", "plan_batch", "plan_crop", "plan_downsampling"]

Auto = Literal["auto"]

FEW_PIXELS = 8.0
"""Structures narrower than this would be two pixels or less at a quarter of the resolution."""
SMALL_SIDE = 80.0
"""Slices below this side, in pixels, are taken to show such structures where no label tells."""
LEAST_CROP = 16


class Sizes(NamedTuple):
    """What a training step sees, in numbers."""

    crop: int
    """Side of the square patches, in pixels."""
    batch_size: int
    """Patches of each contrast."""
    downsampling: int
    """How often the residual blocks' resolution is halved."""


@dataclass(frozen=True)
class Slices:
    """What of the training scans decides; lengths in pixels, after ``upsample``."""

    height: float
    """Median over all scans."""
    width: float
    """Median over all scans."""
    spacing: tuple[float, float]
    """Median millimetres of a pixel along both axes."""
    count: int
    """Slices of both contrasts."""
    structure: float | None = None
    """Diameter of the narrowest structure, as a disc of its median area in the slices that show
    it; None without labels."""

    @property
    def side(self) -> float:
        """Of a square as large as a slice."""
        return math.sqrt(self.height * self.width)


def plan_downsampling(slices: Slices) -> Literal[1, 2]:
    """2 (features at 1/4 resolution, as published), unless structures are too small for that."""
    small = slices.side < SMALL_SIDE if slices.structure is None else slices.structure < FEW_PIXELS
    return 1 if small else 2


def plan_crop(slices: Slices, effort: int, downsampling: int) -> int:
    """A patch as large as a slice, or as the effort allows; a multiple of 4 features."""
    reduction = 1 << downsampling
    multiple, affordable = 4 * reduction, reduction * math.sqrt(effort)
    crop = multiple * math.floor(min(slices.side, affordable) / multiple)
    return max(crop, multiple * math.ceil(LEAST_CROP / multiple))


def plan_batch(crop: int, effort: int, downsampling: int, processes: int) -> int:
    """As many patches as the effort allows, at least one a process."""
    features = (crop / (1 << downsampling)) ** 2
    return processes * max(1, round(effort / features / processes))
