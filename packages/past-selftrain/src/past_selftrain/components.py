"""Keep a structure's largest connected component: there is one tumour, the rest are islands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt

__all__ = ["islands"]

_TOUCHING = np.ones((3, 3, 3), bool)  # faces, edges and corners: 26 neighbours


def islands(predicted: npt.NDArray[np.uint8], structures: Iterable[int]) -> npt.NDArray[np.bool_]:
    """Voxels of these structures outside each one's largest 26-connected component.

    Of two largest components of the same size, the one met first in array order stays.

    Parameters
    ----------
    predicted
        Classes ``(i, j, k)``.
    structures
        Their values.
    """
    from scipy import ndimage  # noqa: PLC0415  (half a second that reading settings spares)

    outside = np.zeros(predicted.shape, bool)
    for value in structures:
        components, count = ndimage.label(predicted == value, structure=_TOUCHING)
        if count > 1:
            sizes = np.bincount(components.ravel())
            sizes[0] = 0
            outside |= (components > 0) & (components != int(sizes.argmax()))
    return outside
