"""Overlap of two segmentations, neither of which is the truth."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from past_core.labels import Labels

__all__ = ["overlap"]


def overlap(one: npt.NDArray[np.uint8], other: npt.NDArray[np.uint8], labels: Labels) -> float:
    """Mean Dice over the structures that either has; 0 if neither has any.

    Two segmentations that are both empty agree, but on nothing: a candidate must not win by
    segmenting nothing at all.
    """
    values = []
    for structure in labels.structures:
        a, b = one == labels.value(structure), other == labels.value(structure)
        size = int(np.count_nonzero(a)) + int(np.count_nonzero(b))
        if size:
            values.append(2 * int(np.count_nonzero(a & b)) / size)
    return math.fsum(values) / len(values) if values else 0.0
