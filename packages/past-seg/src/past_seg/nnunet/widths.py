"""How wide labelled structures are, which says how coarse voxels may be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from past_core.case import Case
    from past_core.labels import Labels
    from past_core.volume import Volume

__all__ = ["narrowest_width"]


def narrowest_width(cases: Sequence[Case], labels: Labels) -> float | None:
    """Width in mm of the narrowest structure, the median over the cases that have it.

    A structure is as wide as the largest ball that it holds, so a wall is as wide as it is thick
    and many alike bodies are as wide as the largest one.

    Returns
    -------
    float or None
        None if no case has a structure.
    """
    found: dict[int, list[float]] = {}
    for case in cases:
        for value, width in _widths(case.load_label(), len(labels.structures)):
            found.setdefault(value, []).append(width)
    return min((float(np.median(widths)) for widths in found.values()), default=None)


def _widths(label: Volume, structures: int) -> Iterator[tuple[int, float]]:
    for value, box in enumerate(ndimage.find_objects(label.data, structures), start=1):
        if box is None:
            continue
        # What lies beyond the scan is not of the structure as far as anyone knows.
        inside = np.pad(label.data[box] == value, 1)
        depth, nearest = ndimage.distance_transform_edt(
            inside, sampling=label.spacing, return_indices=True
        )
        deepest = depth == depth.max()
        away = np.abs(nearest[:, deepest].T - np.argwhere(deepest)) * label.spacing
        # Distances are between the centres of voxels: one voxel alone has that of its side.
        side = np.take(label.spacing, away.argmax(1)).max()
        yield value, 2 * float(depth.max()) - float(side)
