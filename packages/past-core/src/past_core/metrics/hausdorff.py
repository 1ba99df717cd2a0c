"""Hausdorff distance in mm, of a percentile of the surfaces' distances."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from past_core.interfaces import Metric
from past_core.metrics.empty import without_surface

if TYPE_CHECKING:
    from past_core.masks import Masks
    from past_core.metrics.config import HausdorffConfig

__all__ = ["Hausdorff"]


class Hausdorff(Metric):
    """HD95 in mm, 0 (equal surfaces) or more, by SciPy's search tree.

    The percentile of the distances both ways together, as medpy has it (MONAI takes it each way,
    and of the two the larger one). Empty masks: as ``assd``.
    """

    config: HausdorffConfig

    def __call__(self, masks: Masks) -> float:
        """HD95 of one structure."""
        if (known := without_surface(masks, self.config.empty)) is not None:
            return known
        return float(np.percentile(masks.distances().pooled(), self.config.percentile))
