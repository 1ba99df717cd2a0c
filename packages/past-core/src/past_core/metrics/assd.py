"""Average symmetric surface distance in mm.

Surface distances differ between tools; a table of them should name tool, version and
form. Here: MONAI's ``compute_average_surface_distance``, where the surface of a mask is
its voxels with a face on the outside (mask minus its 6-neighbour erosion), distances run
between voxel centres in mm, and a structure's surface includes voxels at the image border.
"""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING

import numpy as np
import torch
from monai.metrics.surface_distance import compute_average_surface_distance

from past_core.interfaces import Metric
from past_core.metrics.config import ASSDConfig

if TYPE_CHECKING:
    import numpy.typing as npt

    from past_core.labels import Labels

__all__ = ["ASSD"]


class ASSD(Metric):
    """ASSD of each structure in mm, 0 (equal surfaces) or more.

    Empty masks: if prediction and reference are both empty there is no distance, and
    the value is ``nan``, which means leave out. If only one is empty the structure was
    missed or invented; the value is ``config.empty``, by default the distance between
    opposite corner voxels, the largest that two surfaces in this image can have. It is
    finite, so that means stay finite, and depends on the image's size: compare it
    between systems on the same images only.
    """

    config: ASSDConfig

    def __call__(
        self,
        prediction: npt.NDArray[np.uint8],
        reference: npt.NDArray[np.uint8],
        spacing: tuple[float, float, float],
        labels: Labels,
    ) -> dict[str, float]:
        """ASSD of every structure; see ``Metric``."""
        return {
            structure: self._distance(
                prediction == labels.value(structure),
                reference == labels.value(structure),
                spacing,
            )
            for structure in labels.structures
        }

    def _distance(
        self,
        prediction: npt.NDArray[np.bool_],
        reference: npt.NDArray[np.bool_],
        spacing: tuple[float, float, float],
    ) -> float:
        filled = bool(prediction.any()), bool(reference.any())
        if not any(filled):
            return math.nan
        if not all(filled):
            return self._empty(prediction.shape, spacing)
        if self.config.form == "pooled":
            return _mean_distance(prediction, reference, spacing, symmetric=True)
        there = _mean_distance(prediction, reference, spacing, symmetric=False)
        back = _mean_distance(reference, prediction, spacing, symmetric=False)
        return (there + back) / 2

    def _empty(self, shape: tuple[int, ...], spacing: tuple[float, float, float]) -> float:
        if self.config.empty == "diagonal":
            return float(np.linalg.norm((np.array(shape) - 1) * spacing))
        return float(self.config.empty)


def _mean_distance(
    one: npt.NDArray[np.bool_],
    other: npt.NDArray[np.bool_],
    spacing: tuple[float, float, float],
    *,
    symmetric: bool,
) -> float:
    """Mean distance from the surface of ``one`` to that of ``other``; pooled if symmetric."""
    with warnings.catch_warnings():
        # MONAI 1.6 passes its own function an argument that it has deprecated
        warnings.filterwarnings("ignore", r".*always_return_as_numpy", FutureWarning)
        distance = compute_average_surface_distance(
            torch.from_numpy(one)[None, None],
            torch.from_numpy(other)[None, None],
            include_background=True,  # the one channel is the structure
            symmetric=symmetric,
            spacing=list(spacing),
        )
    return float(distance)
