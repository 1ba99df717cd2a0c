"""Training patches drawn from cached slices.

A patch is a function of seed, stream, step and its place in the batch: nothing about a
sampler needs to be stored for an interrupted training to go on exactly, and processes
that share a batch draw their parts of it on their own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from past_gan.data.cache import Stack

__all__ = ["PatchSampler", "Patches"]


BLANK = 0.01
"""Patches whose standard deviation is not above it show nothing; images span [-1, 1]."""
DRAWS = 20
"""Attempts to draw one that shows something."""


class Patches(NamedTuple):
    """Training patches of one contrast, as many as a step takes."""

    images: Tensor
    """``(n, channels, side, side)``, float32 in [-1, 1]."""
    labels: Tensor | None
    """``(n, side, side)``, int64; None if a stack has none."""


class _Place(NamedTuple):
    """A slice of a stack."""

    stack: int
    position: int


@dataclass(frozen=True)
class PatchSampler:
    """Draws random square patches of slices: position, enlargement, mirroring.

    The same for the same seed, stream and step, whatever was drawn before.
    """

    stacks: Sequence[Stack]
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
    image_slices: int = 1
    """1, or 3 for a slice between its neighbours."""
    foreground: float = 0.0
    """Portion of patches that contain a pixel of a structure drawn at random."""
    _places: list[_Place] = field(init=False, repr=False)
    _structures: list[tuple[int, list[_Place]]] = field(init=False, repr=False)
    """Label value of each structure, and the slices that show it."""

    def __post_init__(self) -> None:
        places = [_Place(n, z) for n, s in enumerate(self.stacks) for z in s.with_content()]
        structures: dict[int, list[_Place]] = {}
        for place in places if self.foreground else ():
            labels = self.stacks[place.stack].labels
            if labels is not None:
                for value in np.unique(labels[place.position]):
                    if value:
                        structures.setdefault(int(value), []).append(place)
        object.__setattr__(self, "_places", places)
        object.__setattr__(self, "_structures", sorted(structures.items()))

    def batch(self, step: int, rank: int = 0, world: int = 1) -> Patches:
        """Patches of a step; of ``world`` equal shares of the batch, that of ``rank``."""
        share = self.batch_size // world
        drawn = [self._patch(step, item) for item in range(rank * share, (rank + 1) * share)]
        images = torch.stack([image for image, _ in drawn])
        labels = [label for _, label in drawn if label is not None]
        return Patches(images, torch.stack(labels) if len(labels) == share else None)

    def _patch(self, step: int, item: int) -> tuple[Tensor, Tensor | None]:
        """Drawn again a few times if it is blank: norms of a constant image explode."""
        random = np.random.default_rng([self.seed, self.stream, step, item])
        for _ in range(DRAWS):
            image, label = self._draw(random)
            if image.std() > BLANK:
                break
        return image, label

    def _draw(self, random: np.random.Generator) -> tuple[Tensor, Tensor | None]:
        aimed = bool(self._structures) and random.random() < self.foreground
        place, aim = self._aim(random) if aimed else (_one_of(self._places, random), None)
        scale = 1 + self.resize * random.random()
        corner = random.random(2)
        flipped = [axis - 2 for axis in self.mirror if random.random() < 0.5]

        image, label = self._read(place)
        window = [
            _window(side, self.crop / scale, float(spot), None if aim is None else aim[axis])
            for axis, (side, spot) in enumerate(zip(image.shape[1:], corner, strict=True))
        ]
        image = _cut(image, window)
        label = None if label is None else _cut(label[None].float(), window)
        if image.shape[1:] != (self.crop, self.crop):
            size = (self.crop, self.crop)
            image = F.interpolate(image[None], size=size, mode="bilinear")[0]
            if label is not None:
                # Plain "nearest" is not centred, and would shift labels against images.
                label = F.interpolate(label[None], size=size, mode="nearest-exact")[0]
        return image.flip(flipped), None if label is None else label[0].long().flip(flipped)

    def _aim(self, random: np.random.Generator) -> tuple[_Place, tuple[int, int]]:
        """A slice that shows a random structure, and a pixel of that structure in it."""
        value, places = self._structures[int(random.integers(len(self._structures)))]
        place = _one_of(places, random)
        labels = self.stacks[place.stack].labels
        assert labels is not None
        rows, columns = np.nonzero(labels[place.position] == value)
        pixel = int(random.integers(len(rows)))
        return place, (int(rows[pixel]), int(columns[pixel]))

    def _read(self, place: _Place) -> tuple[Tensor, Tensor | None]:
        """``(channels, h, w)`` and ``(h, w)``; beyond the ends a slice is its own neighbour."""
        stack = self.stacks[place.stack]
        reach = self.image_slices // 2
        positions = range(place.position - reach, place.position + reach + 1)
        last = len(stack.images) - 1
        image = torch.from_numpy(stack.images[[min(max(z, 0), last) for z in positions]])
        if stack.labels is None:
            return image, None
        return image, torch.from_numpy(np.array(stack.labels[place.position]))


def _one_of(places: Sequence[_Place], random: np.random.Generator) -> _Place:
    return places[int(random.integers(len(places)))]


def _window(side: int, length: float, spot: float, aim: int | None) -> tuple[int, int]:
    """Start and length, in pixels of the slice, of a window at ``spot`` in [0, 1) of its room.

    With an aim, of those windows that contain it. Windows larger than the slice are
    centred on it.
    """
    size = max(1, round(length))
    if size >= side:
        return -((size - side) // 2), size
    first, last = 0, side - size
    if aim is not None:
        first, last = max(first, aim - size + 1), min(last, aim)
    return first + int(spot * (last - first + 1)), size


def _cut(image: Tensor, window: Sequence[tuple[int, int]]) -> Tensor:
    """The window of ``(c, h, w)``; what lies outside is mirrored, as often as needed."""
    for axis, (start, size) in enumerate(window, start=1):
        side = image.shape[axis]
        if start >= 0 and start + size <= side:
            image = image.narrow(axis, start, size)
        else:
            # Positions run to and fro: 0 1 2 2 1 0 0 1 2 ...
            turns = torch.arange(start, start + size) % (2 * side)
            image = image.index_select(axis, torch.minimum(turns, 2 * side - 1 - turns))
    return image
