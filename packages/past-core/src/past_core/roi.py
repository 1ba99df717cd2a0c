"""Regions of interest: crop, and paste back onto the original grid, exactly.

PAST crops before translation and segmentation (paper: 2D [W/4:3W/4, H/4:3H/4],
3D [W/4:3W/4, 3H/8:3H/4, 0:D]). A region is given as fractions of each axis, so that
one setting fits images of several matrix sizes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from past_core.errors import ConfigError
from past_core.volume import Volume

__all__ = ["ROI"]

Fractions = tuple[float, float, float]


@dataclass(frozen=True)
class ROI:
    """A box given as fractions of each axis of a *canonical* (RAS+) volume.

    Axis 0 runs left to right, axis 1 posterior to anterior, axis 2 inferior to
    superior. The default is the whole volume.
    """

    lower: Fractions = (0.0, 0.0, 0.0)
    upper: Fractions = (1.0, 1.0, 1.0)

    def __post_init__(self) -> None:
        for axis, (low, high) in enumerate(zip(self.lower, self.upper, strict=True)):
            if not 0 <= low < high <= 1:
                raise ConfigError(
                    f"roi: axis {axis} runs from {low} to {high}; "
                    "fractions must satisfy 0 <= lower < upper <= 1."
                )

    @classmethod
    def of(cls, fractions: Sequence[float]) -> ROI:
        """The region of six numbers: lower, then upper fractions of the three axes."""
        i0, j0, k0, i1, j1, k1 = fractions
        return cls((i0, j0, k0), (i1, j1, k1))

    @property
    def fractions(self) -> list[float]:
        """Lower, then upper fractions of the three axes; ``of`` is the inverse."""
        return [*self.lower, *self.upper]

    def box(self, shape: tuple[int, int, int]) -> tuple[slice, slice, slice]:
        """Index ranges in a canonical volume of this shape; bounds are rounded.

        Raises
        ------
        ConfigError
            If the box holds no voxel along some axis.
        """
        i, j, k = (
            slice(round(low * n), round(high * n))
            for low, high, n in zip(self.lower, self.upper, shape, strict=True)
        )
        for axis, bounds in enumerate((i, j, k)):
            if bounds.stop <= bounds.start:
                raise ConfigError(
                    f"roi: no voxel is left along axis {axis} of a volume of shape {shape} "
                    f"({self.lower[axis]} to {self.upper[axis]}). Widen the region."
                )
        return i, j, k

    def within(self, outer: ROI, shape: tuple[int, int, int]) -> tuple[slice, slice, slice]:
        """Index ranges of this region in what ``outer`` cuts from a canonical volume.

        So ``crop`` gives the same voxels whether a volume is cut to ``outer`` first or not.

        Parameters
        ----------
        outer
            A region that holds this one.
        shape
            Of the whole canonical volume.
        """
        i, j, k = (
            slice(own.start - around.start, own.stop - around.start)
            for own, around in zip(self.box(shape), outer.box(shape), strict=True)
        )
        return i, j, k

    def require_within(self, outer: ROI) -> None:
        """Refuse a region that does not hold this one.

        Raises
        ------
        ConfigError
            Naming the first axis along which it does not.
        """
        for axis in range(3):
            low, high = self.lower[axis], self.upper[axis]
            if low < outer.lower[axis] or high > outer.upper[axis]:
                raise ConfigError(
                    f"roi: axis {axis} runs from {low} to {high}, beyond the region of "
                    f"translation, {outer.lower[axis]} to {outer.upper[axis]}. Segmenters are "
                    "trained on what is translated: widen translation_roi, or narrow roi."
                )

    def crop(self, volume: Volume) -> Volume:
        """Canonical orientation, then the box; the affine follows the new first voxel.

        Stacks ``(c, i, j, k)`` are cropped along their last three axes.
        """
        canonical = volume.canonical()
        return canonical.cut(self.box(canonical.shape))

    def paste(
        self,
        cropped: Volume,
        shape: tuple[int, int, int],
        affine: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
    ) -> Volume:
        """Put a cropped segmentation or probability stack back onto its original grid.

        Parameters
        ----------
        cropped
            What ``crop`` gave, or a segmentation ``(i, j, k)`` or probabilities
            ``(c, i, j, k)`` on its grid.
        shape, affine
            Of the original volume.

        Returns
        -------
        Volume
            On the original grid. Outside the box a segmentation is 0, and
            probabilities are 1 for class 0 (background) and 0 for the others.
        """
        target = Volume(np.zeros(shape, np.uint8), affine).canonical()
        box = self.box(target.shape)
        channels = cropped.data.shape[:-3]
        whole = np.zeros((*channels, *target.shape), cropped.data.dtype)
        if channels:
            whole[0] = 1
        if whole[..., *box].shape != cropped.data.shape:
            raise ValueError(
                f"the cropped array has shape {cropped.data.shape}, "
                f"the region of a volume of shape {shape} has {whole[..., *box].shape}"
            )
        whole[..., *box] = cropped.data
        pasted = Volume(whole, target.affine).oriented_like(affine)
        return Volume(np.ascontiguousarray(pasted.data), affine)
