"""Apply a 2D network to a volume: slice by slice, restacked on the same grid."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812

from past_core.volume import Volume
from past_gan.data.slices import enlarge, from_network_range, slices_of, to_network_range

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

__all__ = ["Sides", "translate_slices", "translate_volume"]

BATCH_PIXELS = 512 * 512
"""Slices are sent through the network in batches of about so many pixels."""


class Sides(NamedTuple):
    """Which images a network takes."""

    multiple: int = 1
    """Their sides are multiples of it, in pixels."""
    least: int = 1
    """The least side, in pixels."""


def translate_volume(
    volume: Volume,
    network: Callable[[Tensor], Tensor],
    *,
    axis: int,
    sides: Sides,
    image_slices: int = 1,
    upsample: float = 1.0,
    device: str = "cpu",
) -> Volume:
    """Translate every slice along ``axis``.

    Parameters
    ----------
    volume
        ``(i, j, k)`` in [0, 255].
    network
        Maps ``(n, image_slices, h, w)`` in [-1, 1] to the same shape and range. Slices are
        enlarged by ``upsample``, padded by reflection to ``sides``, and cut and shrunk back.
    image_slices
        1, or 3: each image is a slice between its neighbours, and a slice's translation
        is the mean of those in the images that show it.

    Returns
    -------
    Volume
        Same shape and affine, float32 in [0, 255].
    """
    stack = torch.from_numpy(np.ascontiguousarray(slices_of(volume, axis)))[:, None]
    images = enlarge(to_network_range(stack.clamp(0, 255)), upsample)
    output = translate_slices(images, network, sides, image_slices, device)
    if output.shape != stack.shape:
        output = F.interpolate(output, size=stack.shape[2:], mode="area")
    restacked = np.moveaxis(from_network_range(output)[:, 0].numpy(), 0, axis)
    return Volume(np.ascontiguousarray(restacked), volume.affine)


def translate_slices(
    slices: Tensor,
    network: Callable[[Tensor], Tensor],
    sides: Sides,
    image_slices: int = 1,
    device: str = "cpu",
) -> Tensor:
    """Translate ``(n, 1, h, w)`` slices of one scan in [-1, 1], in batches; see above."""
    height, width = slices.shape[2:]
    missing = [
        max(sides.least, -(-side // sides.multiple) * sides.multiple) - side
        for side in (height, width)
    ]
    # In the middle, as small slices lie in training patches.
    (above, _), (left, _) = around = [(more // 2, more - more // 2) for more in missing]
    padded = np.pad(slices.numpy(), ((0, 0), (0, 0), *around), mode="symmetric")
    batch = max(1, BATCH_PIXELS // (padded.shape[2] * padded.shape[3]))
    with torch.inference_mode():
        parts = torch.split(_with_neighbours(torch.from_numpy(padded), image_slices), batch)
        done = [network(part.to(device)).float().cpu() for part in parts]
    return _merge(torch.cat(done))[:, :, above : above + height, left : left + width]


def _with_neighbours(slices: Tensor, image_slices: int) -> Tensor:
    """``(n, 1, h, w)`` to ``(n, image_slices, h, w)``; the end slices neighbour themselves."""
    reach = image_slices // 2
    around = torch.arange(len(slices))[:, None] + torch.arange(-reach, reach + 1)
    return slices[:, 0][around.clamp(0, len(slices) - 1)]


def _merge(images: Tensor) -> Tensor:
    """Undo ``_with_neighbours``: the mean ``(n, 1, h, w)`` of each slice's appearances."""
    count, channels = images.shape[:2]
    reach = channels // 2
    total = torch.zeros_like(images[:, 0])
    seen = torch.zeros(count, 1, 1)
    for channel in range(channels):
        offset = channel - reach
        # Image n shows slice n + offset in this channel; beyond the ends it shows a copy.
        shown = slice(max(0, offset), count + min(0, offset))
        images_of = slice(max(0, -offset), count - max(0, offset))
        total[shown] += images[images_of, channel]
        seen[shown] += 1
    return (total / seen)[:, None]
