"""3D volumes: voxels with the affine that places them, read and written as NIfTI.

Axes are those of the array, ``(i, j, k)``; the affine maps voxel indices to
millimetres in RAS+ (nibabel's convention).
"""

from __future__ import annotations

import gzip
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import nibabel as nib
import numpy as np
from nibabel.orientations import apply_orientation, inv_ornt_aff, io_orientation, ornt_transform

from past_core.errors import DataError
from past_core.files import atomic_path
from past_core.headers import Header, claimed_bytes, open_image, require_memory, spacing_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy.typing as npt

__all__ = [
    "Volume",
    "as_stored",
    "coarsest_axis",
    "load_volume",
    "same_grid",
    "save_volume",
]


@dataclass(frozen=True)
class Volume:
    """An array with its place in space.

    ``data`` is ``(i, j, k)``, or ``(c, i, j, k)`` for a stack of class
    probabilities; the last three axes are the spatial ones.
    """

    data: npt.NDArray[Any]
    affine: npt.NDArray[np.float64]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along the three spatial axes."""
        i, j, k = self.data.shape[-3:]
        return i, j, k

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Voxel size in mm along each spatial axis."""
        return spacing_of(self.affine)

    @property
    def slice_axis(self) -> int:
        """The axis across the slices: see ``coarsest_axis``."""
        return coarsest_axis(self.spacing)

    def cut(self, box: tuple[slice, slice, slice]) -> Volume:
        """A copy of a box of voxels; the affine follows the new first voxel."""
        affine = self.affine.copy()
        start = [bounds.start for bounds in box]
        affine[:3, 3] = self.affine[:3, :3] @ start + self.affine[:3, 3]
        return Volume(self.data[..., *box].copy(), affine)

    def canonical(self) -> Volume:
        """Flip and swap axes so that they run closest to right, anterior, superior.

        No voxel value changes: an oblique volume stays oblique.
        """
        return self._reoriented(ornt_transform(io_orientation(self.affine), _RAS))

    def oriented_like(self, affine: npt.NDArray[np.float64]) -> Volume:
        """Flip and swap axes so that they run as those of ``affine``: canonical()'s inverse."""
        return self._reoriented(ornt_transform(io_orientation(self.affine), io_orientation(affine)))

    def _reoriented(self, transform: npt.NDArray[np.float64]) -> Volume:
        channels_last = np.moveaxis(self.data, 0, -1) if self.data.ndim == 4 else self.data
        turned = apply_orientation(channels_last, transform)
        if self.data.ndim == 4:
            turned = np.moveaxis(turned, -1, 0)
        return Volume(turned, self.affine @ inv_ornt_aff(transform, self.shape))


CHUNK = 1 << 20
"""Bytes that are read at once, and that may lie behind the voxels."""

_RAS = np.array([[0, 1], [1, 1], [2, 1]], dtype=np.float64)


def coarsest_axis(spacing: Sequence[float]) -> int:
    """The axis across the slices: the one of the coarsest spacing in mm.

    Of equally coarse axes (to a thousandth) the last is taken: transverse slices.
    """
    return max(range(3), key=lambda axis: (round(float(spacing[axis]), 3), axis))


def load_volume(path: Path, dtype: npt.DTypeLike = np.float32) -> Volume:
    """Read a 3D NIfTI file; a trailing axis of length one is dropped.

    Raises
    ------
    DataError
        If the file is truncated or not 3D, or as ``headers.open_image``.
    """
    image = open_image(path)
    require_memory(path, image)
    try:
        _verify_checksum(path, image)
        data = np.asarray(image.dataobj)
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise DataError(
            f"{path}: the voxels cannot be read ({' '.join(str(error).split())}). "
            "The file looks truncated or damaged; "
            "copy it again from its origin."
        ) from error
    if data.ndim == 4 and data.shape[3] == 1:
        data = data[..., 0]
    if data.ndim != 3:
        raise DataError(
            f"{path}: expected a 3D volume, found shape {data.shape}. "
            "Extract one volume from the series first."
        )
    return Volume(data.astype(dtype, copy=False), np.asarray(image.affine, dtype=np.float64))


def same_grid(one: Volume | Header, other: Volume | Header) -> bool:
    """Whether two volumes have one shape and, but for rounding, one place."""
    return other.shape == one.shape and np.allclose(other.affine, one.affine, atol=1e-2)


def as_stored(volume: Volume) -> Volume:
    """What ``load_volume`` gives of what ``save_volume`` wrote.

    Data and affine are rounded to float32, and the data has a file's order in memory, first axis
    fastest: sums over another order are rounded otherwise.
    """
    affine = volume.affine.astype(np.float32).astype(np.float64)
    return Volume(np.asfortranarray(volume.data, np.float32), affine)


def save_volume(volume: Volume, path: Path) -> None:
    """Write a 3D volume as NIfTI, whole or not at all.

    The array's own dtype is stored; booleans become ``uint8``.
    """
    data = volume.data.astype(np.uint8) if volume.data.dtype == np.bool_ else volume.data
    image = nib.Nifti1Image(data, volume.affine)
    image.header.set_xyzt_units("mm")
    with atomic_path(path) as temporary:
        nib.save(image, temporary)


def _verify_checksum(path: Path, image: Any) -> None:  # noqa: ANN401
    """Read a compressed file to its end, where its checksum stands; nibabel stops before it."""
    if path.suffix == ".gz":
        left = int(image.dataobj.offset) + claimed_bytes(image) + CHUNK
        with gzip.open(path) as file:
            while chunk := file.read(CHUNK):
                left -= len(chunk)
                if left < 0:
                    raise DataError(
                        f"{path}: goes on behind the voxels that its header speaks of. Repair "
                        "the header, or copy the file again from its origin."
                    )
