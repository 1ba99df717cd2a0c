"""What is lost on the way there and back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from past_core.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy.typing as npt

__all__ = ["cycle_error"]


def cycle_error(
    scans: Sequence[npt.NDArray[np.floating]], returned: Iterable[npt.NDArray[np.floating]]
) -> float:
    """Mean absolute error in grey levels after translation there and back; 0: nothing lost.

    A small error does not prove that the anatomy is kept: what the way there moves, the
    way back may move again.

    Parameters
    ----------
    scans
        ``(n, h, w)`` each, in [0, 255]. Every voxel of all scans counts alike.
    returned
        What came back of each, of its shape.

    Raises
    ------
    DataError
        If there is no voxel, or shapes differ.
    """
    total, count = 0.0, 0
    for number, (scan, other) in enumerate(zip(scans, returned, strict=True)):
        if other.shape != scan.shape:
            raise DataError(
                f"scan {number} is {scan.shape} but comes back as {other.shape}: both "
                "ways must keep the shape."
            )
        total += float(np.abs(other.astype(np.float64) - scan).sum())
        count += scan.size
    if not count:
        raise DataError(f"{len(scans)} scans without voxels: no cycle error. Give scans.")
    return total / count
