"""Whether neighbouring slices of translated scans fit together as those of real ones do.

A 2D translator sees one slice at a time: its output may flicker from slice to slice, or
lose the differences between them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from past_core.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

__all__ = ["continuity", "jump_ratio"]

Spacing = tuple[float, float, float]
"""Millimetres across the slices and along both axes of their plane."""


def continuity(
    translated: Sequence[npt.NDArray[np.floating]],
    real: Sequence[npt.NDArray[np.floating]],
    translated_spacing: Sequence[Spacing] | None = None,
    real_spacing: Sequence[Spacing] | None = None,
) -> float:
    """Jump ratio of translated scans over that of real ones, medians over scans.

    About 1 is right; above 1 slices flicker; below 1 they are too much alike, or the
    plane is rougher than it should be.

    Parameters
    ----------
    translated, real
        ``(n, h, w)`` each, two slices or more.
    translated_spacing, real_spacing
        Of each scan; without them voxels count as cubes. Give them where spacings differ.

    Raises
    ------
    DataError
        If a set is empty, or a scan has fewer than two slices or is uniform in the plane.
    """
    if not translated or not real:
        raise DataError(
            f"{len(translated)} translated and {len(real)} real scans: continuity compares "
            "two sets. Give one scan of each or more."
        )
    medians = []
    for scans, spacings in ((translated, translated_spacing), (real, real_spacing)):
        known = spacings if spacings is not None else [(1.0, 1.0, 1.0)] * len(scans)
        ratios = [jump_ratio(scan, spacing) for scan, spacing in zip(scans, known, strict=True)]
        medians.append(float(np.median(ratios)))
    return medians[0] / medians[1]


def jump_ratio(scan: npt.NDArray[np.floating], spacing: Spacing = (1.0, 1.0, 1.0)) -> float:
    """Mean absolute change per mm from slice to slice, over the same within the plane.

    The plane is the yardstick: it makes scans of any contrast, brightness and sharpness
    comparable, since a translator that doubles every edge doubles both.

    Parameters
    ----------
    scan
        ``(n, h, w)``.
    spacing
        In mm.
    """
    if scan.ndim != 3 or min(scan.shape) < 2:
        raise DataError(f"scan is {scan.shape}: jumps need (n, h, w) with two of each or more.")
    across, down, right = (
        float(np.abs(np.diff(scan.astype(np.float64), axis=axis)).mean()) / step
        for axis, step in enumerate(spacing)
    )
    if not down + right:
        raise DataError(
            f"scan of {scan.shape} is uniform within its slices: no change there to compare with."
        )
    return across / ((down + right) / 2)
