"""How large structures are."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy.typing as npt

    from past_core.labels import Labels

__all__ = ["structure_volumes"]


def structure_volumes(
    classes: npt.NDArray[Any], spacing: tuple[float, float, float], labels: Labels
) -> dict[str, float]:
    """Volume of each structure of a label map ``(i, j, k)``, in mm³.

    Parameters
    ----------
    classes
        Other values than the labels' are passed over.
    spacing
        Voxel size in mm along each axis.
    labels
        The structures.
    """
    voxel = math.prod(spacing)
    return {
        name: float((classes == labels.value(name)).sum()) * voxel for name in labels.structures
    }
