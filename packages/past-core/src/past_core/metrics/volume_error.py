"""By how much a structure's volume is wrong."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from past_core.interfaces import Metric

if TYPE_CHECKING:
    from past_core.masks import Masks
    from past_core.metrics.config import VolumeErrorConfig

__all__ = ["VolumeError"]

MM3_A_ML = 1000.0


class VolumeError(Metric):
    """Volume of the prediction less that of the reference, in ml unless ``config`` asks otherwise.

    Empty masks have 0 ml; the relative error is ``nan`` where the reference is empty.
    """

    config: VolumeErrorConfig

    def __call__(self, masks: Masks) -> float:
        """Error of one structure's volume."""
        predicted, true = (np.count_nonzero(m) for m in (masks.prediction, masks.reference))
        error = float(predicted - true)
        if self.config.form == "relative":
            return abs(error) / true if true else math.nan
        millilitres = error * abs(float(np.linalg.det(masks.affine[:3, :3]))) / MM3_A_ML
        return millilitres if self.config.form == "signed" else abs(millilitres)
