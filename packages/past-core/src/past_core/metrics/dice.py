"""Dice overlap: twice the intersection over the sum of both sizes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from past_core.interfaces import Metric

if TYPE_CHECKING:
    from past_core.masks import Masks
    from past_core.metrics.config import DiceConfig

__all__ = ["Dice"]


class Dice(Metric):
    """Dice, 0 (disjoint) to 1 (equal), counted by numpy.

    Empty masks: if both are, the structure is rightly absent, which counts as ``config.empty``,
    by default 1; if only one of them is empty it is 0.
    """

    config: DiceConfig

    def __call__(self, masks: Masks) -> float:
        """Dice of one structure."""
        one, other = masks.prediction, masks.reference
        total = np.count_nonzero(one) + np.count_nonzero(other)
        if not total:
            return self.config.empty
        return float(2 * np.count_nonzero(one & other) / total)
