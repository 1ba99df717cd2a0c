"""Normalised surface Dice: the portion of both surfaces that is within a tolerance.

Nikolov et al. 2021, "Clinically applicable segmentation of head and neck anatomy", J Med Internet
Res 23(7); every surface voxel counts alike, as in MONAI's form without subvoxels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from past_core.interfaces import Metric

if TYPE_CHECKING:
    from past_core.masks import Masks
    from past_core.metrics.config import SurfaceDiceConfig

__all__ = ["SurfaceDice"]


class SurfaceDice(Metric):
    """Normalised surface Dice, 0 to 1 (nowhere off by more than the tolerance).

    Empty masks: 1 if both are, 0 if only one of them is.
    """

    config: SurfaceDiceConfig

    def __call__(self, masks: Masks) -> float:
        """Normalised surface Dice of one structure."""
        if not all(masks.filled):
            return float(not any(masks.filled))
        tolerance = self.config.tolerances.get(masks.structure, self.config.tolerance)
        return float(np.mean(masks.distances().pooled() <= tolerance))
