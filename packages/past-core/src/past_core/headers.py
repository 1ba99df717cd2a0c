"""What a NIfTI file says of itself, and whether that can be, before an array is made of it."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import nibabel as nib
import numpy as np
import psutil
from nibabel.orientations import io_orientation
from nibabel.spatialimages import HeaderDataError

from past_core.disk import disk_errors, named
from past_core.errors import ConfigError, DataError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

__all__ = ["Header", "claimed_bytes", "open_image", "read_header", "require_memory", "spacing_of"]

DENSEST = 1040
"""Bytes that a byte of a gzip file can hold at most."""
MOST_VOXELS = 300_000_000
"""Of a scan, unless the environment variable ``PAST_MAX_VOXELS`` says otherwise."""
FLOAT32 = 4
"""Bytes of a voxel once it is read."""
UNITS_IN_MM, OTHER_UNITS = (0, 2), {1: "meter", 3: "micron"}
"""NIfTI's codes for lengths; 0 says nothing."""
FINEST, COARSEST = 0.002, 100.0
"""Voxel sizes in mm that a scanner may make."""


@dataclass(frozen=True)
class Header:
    """What a NIfTI file says of itself without its voxels being read."""

    shape: tuple[int, ...]
    """Voxels along each array axis."""
    affine: npt.NDArray[np.float64]
    """4 x 4, voxel indices to millimetres, RAS+."""
    doubt: str = ""
    """Why left and right, or more, may be wrong; empty if nothing speaks for it."""

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Voxel size in mm along each array axis, right for oblique affines too."""
        return spacing_of(self.affine)

    @property
    def canonical_shape(self) -> tuple[int, int, int]:
        """Voxels along the axes that run closest to right, anterior, superior."""
        i, j, k = np.argsort(io_orientation(self.affine)[:, 0])
        return self.shape[i], self.shape[j], self.shape[k]


def spacing_of(affine: npt.NDArray[np.float64]) -> tuple[float, float, float]:
    """Voxel size in mm: the length of each column of the affine's 3 x 3 part."""
    i, j, k = np.sqrt((affine[:3, :3] ** 2).sum(axis=0))
    return float(i), float(j), float(k)


def read_header(path: Path) -> Header:
    """Read shape and affine of a NIfTI file.

    Raises
    ------
    DataError
        As ``open_image``.
    """
    image = open_image(path)
    affine = np.asarray(image.affine, dtype=np.float64)
    return Header(tuple(int(n) for n in image.shape), affine, _doubt(image.header))


def open_image(path: Path) -> Any:  # noqa: ANN401  (nibabel's images are untyped)
    """Open a NIfTI file and check what its header says; no voxel is read.

    Raises
    ------
    DataError
        If the file is missing, is no readable NIfTI, cannot hold the voxels that it speaks of,
        holds more than ``PAST_MAX_VOXELS`` (300 million by default), has no single number a voxel,
        or lies nowhere in space.
    ConfigError
        If that variable of the environment is no number.
    """
    try:
        if not path.is_file():
            raise DataError(f"{path}: no such file. Check the path, or the data set's file list.")
        _require_answer(path)
        image = nib.load(path)
        dtype = image.get_data_dtype()
    except DataError:
        raise
    except Exception as error:  # whatever nibabel's readers stumble over
        said = " ".join(str(error).split())[:200]
        raise DataError(
            f"{_shown(path)}: not a readable NIfTI file ({said}). PAST reads .nii and .nii.gz."
        ) from error
    _check_voxels(path, image, dtype)
    _check_place(path, image)
    return image


def _require_answer(path: Path) -> None:
    """Tell a disk that does not answer from a file that is none of ours; nibabel does not."""
    with disk_errors(path), named(path), path.open("rb") as file:
        file.read(1)


def claimed_bytes(image: Any) -> int:  # noqa: ANN401
    """Bytes of all voxels of an opened image, as its header says."""
    return math.prod(int(n) for n in image.shape) * int(image.get_data_dtype().itemsize)


def _shown(path: Path) -> str:
    """A path, without the middle of one that no message could hold."""
    text = str(path)
    return text if len(text) <= 400 else f"{text[:150]} … {text[-150:]}"


def _check_voxels(path: Path, image: Any, dtype: np.dtype[Any]) -> None:  # noqa: ANN401
    if dtype.kind not in "biuf":
        kind = "complex" if dtype.kind == "c" else "RGB"
        raise DataError(
            f"{path}: voxels are {kind} ({dtype}), not a number each. Export magnitudes or grey "
            "values."
        )
    shape = tuple(int(n) for n in image.shape)
    count, claimed = math.prod(shape), claimed_bytes(image)
    size = path.stat().st_size
    room = size * DENSEST if path.suffix == ".gz" else size - int(image.dataobj.offset)
    said = f"{path}: its header speaks of {' x '.join(map(str, shape))} voxels"
    if count < 1:
        raise DataError(f"{said}, so there are none. Export the scan anew.")
    if path.suffix in (".nii", ".gz") and claimed > room:
        raise DataError(
            f"{said}, {claimed} bytes, which a file of {size} bytes cannot hold. It looks "
            "truncated or damaged; copy it again from its origin."
        )
    if count > (most := _most_voxels()):
        raise DataError(
            f"{said}, more than {most}. Cut or resample the scan, or allow for it by the "
            f"environment variable PAST_MAX_VOXELS={count}."
        )


def _most_voxels() -> int:
    text = os.environ.get("PAST_MAX_VOXELS", str(MOST_VOXELS))
    if not text.isdecimal():
        raise ConfigError(f"PAST_MAX_VOXELS={text} in the environment is no whole number.")
    return int(text)


def require_memory(path: Path, image: Any) -> None:  # noqa: ANN401
    """The voxels of an opened image must fit into the memory that is free.

    Raises
    ------
    DataError
        If they do not.
    """
    count = math.prod(int(n) for n in image.shape)
    needed, free = claimed_bytes(image) + count * FLOAT32, psutil.virtual_memory().available
    if needed > free:
        raise DataError(
            f"{path}: its header speaks of {' x '.join(map(str, image.shape))} voxels, for which "
            f"{needed / 2**30:.1f} GiB of memory are needed and {free / 2**30:.1f} are free. End "
            "other programs, run fewer --jobs, or cut or resample the scan."
        )


def _check_place(path: Path, image: Any) -> None:  # noqa: ANN401
    code = int(image.header["xyzt_units"]) & 7 if "xyzt_units" in image.header else 0
    if code not in UNITS_IN_MM:
        units = OTHER_UNITS.get(code, f"a unit that NIfTI does not know (code {code})")
        raise DataError(f"{path}: lengths are in {units}. Store them in mm.")
    affine = np.asarray(image.affine, dtype=np.float64)
    if not np.isfinite(affine).all():
        raise DataError(f"{path}: the affine is not finite. Repair the header (qform or sform).")
    spacing = spacing_of(affine)
    said = " x ".join(f"{side:.4g}" for side in spacing)
    if min(spacing) < FINEST or max(spacing) > COARSEST:
        raise DataError(
            f"{path}: voxels of {said} mm, which no scanner makes. Repair the header: lengths are "
            "in mm."
        )
    if abs(np.linalg.det(affine[:3, :3])) < 1e-3 * math.prod(spacing):
        raise DataError(
            f"{path}: the affine is singular: its axes do not span space (voxels of {said} mm). "
            "Repair the header (qform or sform)."
        )


def _doubt(header: Any) -> str:  # noqa: ANN401
    if "sform_code" not in header:
        return ""
    codes = int(header["qform_code"]), int(header["sform_code"])
    if codes == (0, 0):
        return "has neither qform nor sform, so nothing says which side is left"
    if 0 not in codes:
        try:
            qform = header.get_qform()
        except (ValueError, HeaderDataError):
            return "has a qform that is no rotation (the sform holds)"
        ways = [np.linalg.det(form[:3, :3]) for form in (qform, header.get_sform())]
        if ways[0] * ways[1] < 0:
            return "has a qform and an sform that mirror each other (the sform holds)"
    return ""
