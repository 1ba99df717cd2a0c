"""Dice overlap: twice the intersection over the sum of both sizes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from monai.metrics.meandice import compute_dice

from past_core.interfaces import Metric

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from past_core.labels import Labels

__all__ = ["Dice"]


class Dice(Metric):
    """Dice of each structure, 0 (disjoint) to 1 (equal), by MONAI's ``compute_dice``.

    Empty masks: if prediction and reference are both empty the structure is rightly
    absent, which counts as 1; if only one of them is empty it is 0.
    """

    def __call__(
        self,
        prediction: npt.NDArray[np.uint8],
        reference: npt.NDArray[np.uint8],
        spacing: tuple[float, float, float],  # noqa: ARG002  (voxels cancel out)
        labels: Labels,
    ) -> dict[str, float]:
        """Dice of every structure; see ``Metric``."""
        return {
            structure: float(
                compute_dice(
                    torch.from_numpy(prediction == labels.value(structure))[None, None],
                    torch.from_numpy(reference == labels.value(structure))[None, None],
                    ignore_empty=False,
                )
            )
            for structure in labels.structures
        }
