"""2D slices of 3D volumes: their axis, their range, their size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import torch.nn.functional as F  # noqa: N812

from past_core.volume import coarsest_axis

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy.typing as npt
    from torch import Tensor

    from past_core.volume import Volume

__all__ = [
    "enlarge",
    "from_network_range",
    "mirrored_axes",
    "slice_axis",
    "slices_of",
    "to_network_range",
]


def slice_axis(
    spacings: Iterable[tuple[float, float, float]], setting: Literal["auto", 0, 1, 2]
) -> int:
    """The axis across the slices: as set, or the one whose mean spacing is the coarsest.

    See ``past_core.volume.coarsest_axis``.
    """
    if setting != "auto":
        return setting
    return coarsest_axis(np.asarray(list(spacings)).mean(axis=0).tolist())


def slices_of(volume: Volume, axis: int) -> npt.NDArray[np.float32]:
    """A volume ``(i, j, k)`` as ``(slices, height, width)`` across ``axis``, float32.

    The in-plane axes keep their order.
    """
    return np.moveaxis(volume.data, axis, 0).astype(np.float32, copy=False)


def mirrored_axes(flip: Literal["none", "left-right", "all"], across: int) -> tuple[int, ...]:
    """In-plane axes (of 0 and 1) to mirror in slices ``across`` this axis of a RAS volume."""
    if flip == "all":
        return (0, 1)
    # Left to right is the volume's first axis, and so the first of any plane it lies in.
    return (0,) if flip == "left-right" and across != 0 else ()


def to_network_range(values: Tensor) -> Tensor:
    """Grey levels in [0, 255] to what networks take, [-1, 1]; any shape."""
    return values / 127.5 - 1


def from_network_range(values: Tensor) -> Tensor:
    """What networks give, [-1, 1], to grey levels; clipped to [0, 255]; any shape."""
    return ((values + 1) * 127.5).clamp(0, 255)


def enlarge(images: Tensor, factor: float) -> Tensor:
    """Cubic interpolation of ``(n, c, h, w)`` to ``factor`` times the size, range kept."""
    if factor == 1:
        return images
    size = [max(1, round(side * factor)) for side in images.shape[2:]]
    low, high = float(images.min()), float(images.max())
    return F.interpolate(images, size=size, mode="bicubic", align_corners=False).clamp(low, high)
