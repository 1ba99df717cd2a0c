"""What a distance is worth where there is a surface on one side alone."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from past_core.masks import Masks

__all__ = ["without_surface"]


def without_surface(masks: Masks, empty: Literal["diagonal", "nan"] | float) -> float | None:
    """The value of masks of which one or both are empty; None if neither is.

    Of two empty ones ``nan``: there is no distance. If one is empty the structure was missed or
    invented; ``diagonal`` is the distance in mm between opposite corner voxels, the largest that
    two surfaces in this image can have. It is finite, so that means stay finite, and depends on
    the image's size: compare it between systems on the same images only.
    """
    if all(masks.filled):
        return None
    if not any(masks.filled):
        return math.nan
    if empty == "diagonal":
        steps = np.array(masks.prediction.shape) - 1
        return float(np.linalg.norm(steps * masks.spacing))
    return float(empty)
