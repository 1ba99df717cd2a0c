"""One structure in a segmentation and in its reference, and what metrics compute of both."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from past_core.headers import spacing_of
from past_core.surfaces import SurfaceDistances, surface_distances

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    import numpy.typing as npt

    from past_core.labels import Labels
    from past_core.volume import Volume

__all__ = ["Masks", "Spacing", "masks_of"]

Spacing = tuple[float, float, float]
"""Voxel size in mm along each axis."""


@dataclass(frozen=True, eq=False)
class Masks:
    """A structure's masks ``(i, j, k)`` on one grid; what is dear is computed once for all."""

    structure: str
    """Its name."""
    prediction: npt.NDArray[np.bool_]
    reference: npt.NDArray[np.bool_]
    affine: npt.NDArray[np.float64]
    """Voxel indices to mm, 4 x 4."""
    _distances: dict[Spacing, SurfaceDistances] = field(default_factory=dict, repr=False)

    @cached_property
    def spacing(self) -> Spacing:
        """Voxel size in mm along each axis: the lengths of the affine's columns."""
        return spacing_of(self.affine)

    @cached_property
    def filled(self) -> tuple[bool, bool]:
        """Whether there is a voxel in the prediction, and in the reference."""
        return bool(self.prediction.any()), bool(self.reference.any())

    def distances(self, spacing: Spacing | None = None) -> SurfaceDistances:
        """Distances between the surfaces of both masks, in mm.

        Parameters
        ----------
        spacing
            Another voxel size than the affine's.

        Raises
        ------
        ValueError
            If one of the masks is empty.
        """
        size = spacing or self.spacing
        if size not in self._distances:
            self._distances[size] = surface_distances(self.prediction, self.reference, size)
        return self._distances[size]


def masks_of(prediction: Volume, reference: Volume, labels: Labels) -> Iterator[Masks]:
    """The masks of every structure, of two label maps on one grid."""
    for structure in labels.structures:
        value = labels.value(structure)
        yield Masks(structure, prediction.data == value, reference.data == value, reference.affine)
