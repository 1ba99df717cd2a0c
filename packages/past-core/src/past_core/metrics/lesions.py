"""Whether the pieces of a structure are found, whatever their outlines."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from past_core.interfaces import Metric

if TYPE_CHECKING:
    import numpy.typing as npt

    from past_core.masks import Masks
    from past_core.metrics.config import LesionConfig

__all__ = ["LesionF1"]


class LesionF1(Metric):
    """F1 of the detection of pieces, 0 to 1, by SciPy's ``ndimage.label`` (26 neighbours).

    A piece of the reference is found if more than ``config.overlap`` of its voxels are predicted,
    a piece of the prediction is right if more than that of its voxels are in the reference; F1 is
    the harmonic mean of the portion found and the portion right. Empty masks: 1 if both are (or
    have but pieces that are left out), 0 if only one of them is.
    """

    config: LesionConfig

    def __call__(self, masks: Masks) -> float:
        """F1 of the pieces of one structure."""
        voxel = abs(float(np.linalg.det(masks.affine[:3, :3])))
        pieces, found = self._met(masks.reference, masks.prediction, voxel)
        claimed, right = self._met(masks.prediction, masks.reference, voxel)
        if not (pieces and claimed):
            return float(pieces == claimed)
        sensitivity, precision = found / pieces, right / claimed
        together = sensitivity + precision
        return 2 * sensitivity * precision / together if together else 0.0

    def _met(
        self, mask: npt.NDArray[np.bool_], other: npt.NDArray[np.bool_], voxel: float
    ) -> tuple[int, int]:
        """How many pieces a mask has, and how many of them the other one covers enough of."""
        from scipy.ndimage import find_objects, label  # noqa: PLC0415  (a third of a second)

        for box in find_objects(mask.view(np.uint8)):  # none, or the one around all pieces
            mask, other = mask[box], other[box]
        numbers, count = label(mask, np.ones((3, 3, 3)))
        sizes = np.bincount(numbers.ravel(), minlength=count + 1)[1:]
        covered = np.bincount(numbers[other], minlength=count + 1)[1:]
        large = sizes * voxel >= self.config.smallest
        return int(large.sum()), int((large & (covered > self.config.overlap * sizes)).sum())
