"""2D slices of 3D volumes, held in memory, and the training patches drawn from them.

A batch is a function of seed and step alone: nothing about the sampler needs to be
stored for an interrupted training to go on exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812

from past_core.errors import DataError
from past_core.volume import coarsest_axis

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy.typing as npt
    from torch import Tensor

    from past_core.case import Case
    from past_core.volume import Volume

__all__ = [
    "PatchSampler",
    "enlarge",
    "from_network_range",
    "mirrored_axes",
    "read_slices",
    "slice_axis",
    "slices_of",
    "to_network_range",
]

DARK = 0.05
"""Pixels below this part of the range count as empty ..."""
LEAST_BRIGHT = 0.02
"""... and slices with a smaller portion of others are left out of training."""


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
    """``(slices, height, width)``, the in-plane axes in their order."""
    return np.moveaxis(volume.data, axis, 0).astype(np.float32, copy=False)


def mirrored_axes(flip: Literal["none", "left-right", "all"], across: int) -> tuple[int, ...]:
    """In-plane axes (of 0 and 1) to mirror in slices ``across`` this axis of a RAS volume."""
    if flip == "all":
        return (0, 1)
    # Left to right is the volume's first axis, and so the first of any plane it lies in.
    return (0,) if flip == "left-right" and across != 0 else ()


def to_network_range(values: Tensor) -> Tensor:
    """[0, 255] to [-1, 1]."""
    return values / 127.5 - 1


def from_network_range(values: Tensor) -> Tensor:
    """[-1, 1] to [0, 255]."""
    return ((values + 1) * 127.5).clamp(0, 255)


def enlarge(images: Tensor, factor: float) -> Tensor:
    """Cubic interpolation of ``(n, c, h, w)`` to ``factor`` times the size, range kept."""
    if factor == 1:
        return images
    size = [max(1, round(side * factor)) for side in images.shape[2:]]
    low, high = float(images.min()), float(images.max())
    return F.interpolate(images, size=size, mode="bicubic", align_corners=False).clamp(low, high)


def read_slices(cases: Sequence[Case], axis: int, upsample: float) -> list[Tensor]:
    """Read all slices ``(1, h, w)`` of the cases in [-1, 1], without the near-empty ones.

    Raises
    ------
    DataError
        If an image is not in [0, 255] or no slice is left.
    """
    kept: list[Tensor] = []
    for case in cases:
        volume = case.load_image()
        if not (
            np.isfinite(volume.data).all() and -1 < volume.data.min() <= volume.data.max() < 256
        ):
            raise DataError(
                f"{case.image}: a translator needs values in [0, 255], found "
                f"{volume.data.min()} to {volume.data.max()}. Rescale the region first."
            )
        stack = torch.from_numpy(np.ascontiguousarray(slices_of(volume, axis)))[:, None]
        bright = (stack > DARK * 255).float().mean((1, 2, 3)) >= LEAST_BRIGHT
        if bright.any():
            kept += enlarge(to_network_range(stack[bright]), upsample).unbind()
    if not kept:
        names = ", ".join(str(case.image) for case in cases[:3])
        raise DataError(
            f"{names}{', ...' if len(cases) > 3 else ''}: every slice along axis {axis} is "
            "almost empty. Check the region of interest and the intensities."
        )
    return kept


@dataclass(frozen=True)
class PatchSampler:
    """Random square patches of slices.

    ``batch(step)`` draws position, size and mirroring by a generator seeded with
    ``(seed, stream, step)``.
    """

    slices: Sequence[Tensor]
    """``(1, h, w)`` each, of any size."""
    crop: int
    """Side of a patch in pixels; smaller slices are padded by reflection."""
    batch_size: int
    mirror: tuple[int, ...]
    """The in-plane axes (of 0 and 1) to flip, each at random."""
    resize: float
    """Largest random enlargement."""
    seed: int
    stream: int
    """Tells the samplers of a training apart."""

    def batch(self, step: int) -> Tensor:
        """``(n, 1, crop, crop)``, float32 in [-1, 1]."""
        random = np.random.default_rng([self.seed, self.stream, step])
        return torch.stack([self._patch(random) for _ in range(self.batch_size)])

    def _patch(self, random: np.random.Generator) -> Tensor:
        number = int(random.integers(len(self.slices)))
        scale = 1 + self.resize * random.random()
        corner = random.random(2)
        flipped = [1 + axis for axis in self.mirror if random.random() < 0.5]

        image = self.slices[number]
        if self.resize:
            image = F.interpolate(image[None], scale_factor=scale, mode="bilinear")[0]
        image = _pad(image, self.crop)
        top, left = (
            int(place * (side - self.crop + 1))
            for place, side in zip(corner, image.shape[1:], strict=True)
        )
        image = image[:, top : top + self.crop, left : left + self.crop]
        return image.flip(flipped)


def _pad(image: Tensor, least: int) -> Tensor:
    """Mirror ``(1, h, w)`` at its borders, as often as needed, until both sides fit."""
    missing = [max(0, least - side) for side in image.shape[1:]]
    if not any(missing):
        return image
    widths = [(0, 0), *((gap // 2, gap - gap // 2) for gap in missing)]
    return torch.from_numpy(np.pad(image.numpy(), widths, mode="symmetric"))
